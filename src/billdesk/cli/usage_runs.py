"""`billdesk usage-run preview | run | resume | list | show | lines`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Limit, OfAccount, OptionalReference, at, count
from billdesk.cli.printing import Cell, cell, plural, table
from billdesk.cli.progress import Progress
from billdesk.core.values.quantities import group_digits

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import UsageLineSheet, UsageRunSheet

FAILED = 3

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run, by its id.")]
Ended = Annotated[
    str | None, typer.Option(metavar="TIME", help="What has ended by then; else by now.")
]
PostTo = Annotated[
    Literal["wallet", "invoice"], typer.Option("--to", help="What is to pay for it.")
]

Only = Annotated[
    Literal["failed", "late"] | None, typer.Option(help="Only what failed, or was told late.")
]

_HEADINGS = (
    "ACCOUNT", "PLAN", "METER", "FROM", "UNTIL", "QUANTITY", "BILLED", "UNIT", "AMOUNT", "WHAT",
    "POSTED",
)  # fmt: skip


def preview(
    door: Door,
    *,
    until: Ended = None,
    account: OfAccount = None,
    post_to: PostTo = "wallet",
    only: Only = None,
    after: After = None,
    limit: Limit = "50",
) -> None:
    """Say what a run would bill.

    Say what a run would bill now, line by line, by the same arithmetic; nothing is changed.
    """
    with door.desk() as desk:
        sheet = desk.usage_runs.preview(at(until), account, post_to)
        page = desk.usage_runs.preview_lines(
            at(until), account, post_to, only=only, after=after, limit=count(limit)
        )
    door.answer(
        {"run": sheet, "rows": page.rows, "after": page.after},
        *_summary(sheet),
        *table(_HEADINGS, map(_line, page.rows)),
    )
    _go_on(door, page.after)


def run(
    door: Door,
    *,
    until: Ended = None,
    account: OfAccount = None,
    post_to: PostTo = "wallet",
    reference: OptionalReference = None,
) -> int:
    """Bill the months of use that are over.

    Close every month of use that is over and bill it, then what was told late of closed ones. Who
    cannot pay is told, stays open and comes again with the next run; then it ends with 3.
    """
    with door.desk() as desk, Progress("billing", rate=True) as progress:
        sheet = desk.usage_runs.run(
            at(until), account=account, post_to=post_to, reference=reference, on_progress=progress
        )
    return _answer(door, sheet)


def resume(door: Door, id: RunId) -> int:
    """Go on with a run that was stopped.

    Go on with a run that was stopped or killed, where it stopped; nothing is billed twice.
    """
    with door.desk() as desk, Progress("billing", rate=True) as progress:
        sheet = desk.usage_runs.resume(id, on_progress=progress)
    return _answer(door, sheet)


def list_runs(door: Door, *, after: After = None, limit: Limit = "50") -> None:
    """List usage runs, newest first."""
    with door.desk() as desk:
        page = desk.usage_runs.list(after, count(limit))
    headings = (
        "RUN", "STARTED", "STATUS", "ACCOUNT", "TO", "DONE", "PERIODS", "LINES", "LATE", "FAILED",
        "COMES TO", "BY",
    )  # fmt: skip
    rows = (
        (
            *(sheet.id, sheet.started_at, sheet.status, sheet.account_ref or "all", sheet.post_to),
            *(sheet.done, sheet.periods, sheet.lines, sheet.corrections, sheet.failed),
            *(_totals(sheet), sheet.actor),
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))


def show(door: Door, id: RunId) -> None:
    """Show what a run came to."""
    with door.desk() as desk:
        sheet = desk.usage_runs.get(id)
    door.answer(sheet, *_summary(sheet))


def lines(
    door: Door, id: RunId, *, only: Only = None, after: After = None, limit: Limit = "200"
) -> None:
    """List the lines of a run."""
    with door.desk() as desk:
        page = desk.usage_runs.lines(id, after, count(limit), only=only)
    door.answer_page(page, table(_HEADINGS, map(_line, page.rows)))


def _answer(door: Door, sheet: UsageRunSheet) -> int:
    door.answer(sheet, *_summary(sheet))
    return FAILED if sheet.failed else 0


def _go_on(door: Door, after: str | None) -> None:
    if not door.as_json and after is not None:
        door.say(f"there is more: --after {after}")


def _summary(sheet: UsageRunSheet) -> list[str]:
    """What a run came to, or would, in words."""
    whose = sheet.account_ref or "all accounts"
    name = "preview" if sheet.id is None else f"{sheet.id}, {sheet.status}"
    again = ", was run already" if sheet.replayed else ""
    told = f"{plural(sheet.periods, 'period')} closed, {plural(sheet.lines, 'line')}"
    lines = [
        f"{name}{again}: {whose}, what ended by {cell(sheet.until)}, to the {sheet.post_to}",
        f"{told}, {sheet.corrections:,} of them late: {_totals(sheet)}",
    ]
    if sheet.status in ("running", "stopped"):
        lines.append(
            f"{sheet.done:,} of {plural(sheet.subscriptions, 'subscription')} done;"
            f" billdesk usage-run resume {sheet.id} goes on"
        )
    if sheet.failed:
        stays = "cannot pay" if sheet.id is None else "could not be billed and stay open"
        lines.append(f"{plural(sheet.failed, 'account')} {stays}; the lines say why")
    return lines


def _totals(sheet: UsageRunSheet) -> str:
    return ", ".join(cell(total) for total in sheet.totals) or "nothing"


def _line(line: UsageLineSheet) -> tuple[Cell, ...]:
    if line.seq == 0:
        what = f"NOT BILLED: {line.detail}"
    else:
        what = f"CORRECTION {line.seq - 1}: {line.detail}" if line.seq > 1 else line.detail
    return (
        *(line.account_ref, line.plan_code, line.meter, line.period_since, line.period_until),
        *(group_digits(line.quantity), group_digits(line.billable), line.unit, line.amount, what),
        line.posting_id or line.invoice_id,
    )
