"""`billdesk reconcile run | list | show | explain | export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Limit, Memo, at, count
from billdesk.cli.printing import cell, plural, table
from billdesk.cli.progress import Progress
from billdesk.core.values.errors import BadInput

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import ReconcileSheet, ReconcileTotalSheet

ALARMED = 3

Outcome = Literal[
    "matched",
    "within_tolerance",
    "timing",
    "missing_here",
    "missing_there",
    "differs",
    "explained",
    "open",
]
Format = Literal["csv", "jsonl"]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The comparison, by its id.")]

_WORDS = {
    "matched": "matched",
    "within_tolerance": "within tolerance",
    "timing": "late, perhaps",
    "missing_here": "missing here",
    "missing_there": "missing there",
    "differs": "different",
}


def run(
    door: Door,
    gateway: Annotated[str, typer.Argument(metavar="GATEWAY", help="Whose books.")],
    *,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on; else 30 days before the end.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Before then; else the last full hour.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Your own key, of 16 characters or more."),
    ] = None,
    fail_on_alarm: Annotated[
        bool, typer.Option("--fail-on-alarm", help="End with 3 when the differences are too large.")
    ] = False,
) -> int:
    """Compare with a gateway's books.

    Compare our records with a gateway's own books. The last 30 days, unless a span is given. For 24
    hours the same --reference gives the first result again.
    """
    with door.desk() as desk, Progress("comparing") as progress:
        sheet = desk.reconcile.run(
            gateway, at(since), at(until), reference=reference, on_progress=progress
        )
    door.answer(sheet, *_summary(sheet))
    return ALARMED if sheet.alarm and fail_on_alarm else 0


def _summary(sheet: ReconcileSheet) -> list[str]:
    """What a comparison came to, in words."""
    span = f"{cell(sheet.since)} to {cell(sheet.until)}"
    lines = [f"{sheet.gateway} ({sheet.mode}), {span}: {sheet.id}"]
    if sheet.finished_at is None:
        why = sheet.interrupted or "it is running, or its program ended"
        return [*lines, f"not finished: {why}"]
    lines.append(
        _counts(sheet.outcomes) + (f"; {sheet.explained:,} explained" * bool(sheet.explained))
    )
    for total in sheet.totals:
        lines += _total(total)
    if not sheet.matched_kept:
        lines.append("the list is long: items that match were counted, not kept")
    return lines


def _counts(outcomes: Mapping[str, int]) -> str:
    found = [f"{number:,} {_WORDS[name]}" for name, number in outcomes.items() if number]
    return ", ".join(found) or "nothing moved, on either side"


def _total(total: ReconcileTotalSheet) -> list[str]:
    ours = f"ours {cell(total.ours)} less fees {cell(total.our_fees)}"
    theirs = f"theirs {cell(total.theirs)} less fees {cell(total.their_fees)}"
    lines = [f"{ours}, {theirs}"]
    if total.clearing_difference.minor:
        lines.append(
            f"the ledger has booked {cell(total.clearing)}: "
            f"{cell(total.clearing_difference)} from the gateway's own net"
        )
    if total.alarm:
        lines.append(
            f"ALARM: the items differ by {cell(total.difference)} in all, "
            f"more than {cell(total.limit)}"
        )
    elif total.difference.minor:
        lines.append(f"the items differ by {cell(total.difference)} in all")
    return lines


def list_runs(
    door: Door,
    *,
    gateway: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only with this gateway's books.")
    ] = None,
    after: After = None,
    limit: Limit = "50",
) -> None:
    """List comparisons, newest first."""
    with door.desk() as desk:
        page = desk.reconcile.list(gateway=gateway, after=after, limit=count(limit))
    headings = ("RUN", "GATEWAY", "MODE", "SINCE", "UNTIL", "BY", "RESULT", "ALARM")
    rows = (
        (
            sheet.id,
            sheet.gateway,
            sheet.mode,
            sheet.since,
            sheet.until,
            sheet.actor,
            _result(sheet),
            "ALARM" if sheet.alarm else None,
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))


def _result(sheet: ReconcileSheet) -> str:
    if sheet.finished_at is None:
        return f"interrupted: {sheet.interrupted}" if sheet.interrupted else "not finished"
    apart = sum(number for name, number in sheet.outcomes.items() if name != "matched")
    return f"{sheet.outcomes['matched']:,} matched, {apart:,} not, {sheet.explained:,} explained"


def show(
    door: Door,
    id: RunId,
    *,
    outcome: Annotated[
        Outcome | None, typer.Option(help="Only these; open: neither matched nor explained.")
    ] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """Show a comparison with its items.

    Show what a comparison came to, and its items.
    """
    with door.desk() as desk:
        sheet = desk.reconcile.get(id)
        page = desk.reconcile.items(id, outcome, after, count(limit))
    headings = (
        "ITEM", "KIND", "OUTCOME", "THERE", "HERE", "REF", "OURS", "THEIRS", "OUR FEE", "THEIR FEE",
        "DAYS", "NOTE",
    )  # fmt: skip
    rows = (
        (
            str(item.number),
            item.kind,
            _WORDS[item.outcome],
            item.external_id,
            item.our_id,
            item.account_ref,
            item.ours,
            item.theirs,
            item.our_fee,
            item.their_fee,
            item.age_days,
            item.note,
        )
        for item in page.rows
    )
    door.answer(
        {"run": sheet, "rows": page.rows, "after": page.after},
        *_summary(sheet),
        *table(headings, rows),
    )
    if not door.as_json and page.after is not None:
        door.say(f"there is more: --after {page.after}")


def explain(
    door: Door,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item, by its number.")],
    *,
    memo: Memo,
) -> None:
    """Say why an item differs.

    Say why an item does not match; later runs know it from here.
    """
    with door.desk() as desk:
        sheet = desk.reconcile.explain(count(item), memo)
    door.answer(sheet, f"item {sheet.number}, {sheet.kind} {sheet.external_id}, is explained")


def export(
    door: Door,
    id: RunId,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to.")],
    *,
    format: Annotated[
        Format | None, typer.Option(help="Else the one that the file's name ends with.")
    ] = None,
) -> None:
    """Write a comparison to a file.

    Write the items of a comparison to a file.
    """
    chosen = format or Path(file).suffix.lower().removeprefix(".")
    if not chosen:
        raise BadInput(f"{file} does not say its format", "add --format csv or jsonl")
    with door.desk() as desk:
        sheet = desk.reconcile.export(id, file, chosen)
    door.answer(sheet, f"wrote {plural(sheet.rows, 'item')} to {sheet.path}")
