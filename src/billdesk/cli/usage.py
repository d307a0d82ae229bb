"""`billdesk usage record | ingest | show | forecast | budget | alerts | events`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Limit, OfAccount, OneRef, Ref, Text, count, refs_like
from billdesk.cli.printing import Cell, card, plural, table
from billdesk.cli.progress import Progress
from billdesk.core.values.errors import BadInput
from billdesk.core.values.quantities import format_parts, group_digits

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import IngestSheet, MeterUseSheet, UsageEventSheet

REFUSED = 3

Meter = Annotated[str, typer.Argument(metavar="METER", help="What is counted, by its code.")]


def record(
    door: Door,
    ref: Ref,
    meter: Meter,
    quantity: Annotated[
        str, typer.Argument(metavar="QUANTITY", help="So much of the meter's unit, such as 0.25.")
    ],
    *,
    event_id: Annotated[
        str, typer.Option(metavar="ID", help="The event's own id; the same again changes nothing.")
    ],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When, with its zone; else now.")
    ] = None,
) -> None:
    """Record one event of usage."""
    with door.desk() as desk:
        sheet = desk.usage.record(ref, meter, quantity, event_id=event_id, at=at)
    known = ", was there already" if sheet.replayed else ""
    used = f"{sheet.quantity} {sheet.unit}"
    door.answer(
        sheet, f"{sheet.account_ref} used {used} of {sheet.meter} ({sheet.event_id}){known}"
    )


def ingest(
    door: Door,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV or JSON lines; - is standard input.")
    ],
    *,
    format: Annotated[
        Literal["csv", "jsonl"] | None, typer.Option(help="Else by the name or the first line.")
    ] = None,
) -> int:
    """Take in a file of usage.

    Lines that cannot be taken in are told by line, the others are in; the same file a second time
    changes nothing. Ends with 3 when there was such a line.
    """
    with door.desk() as desk, Progress("reading") as progress:
        if file == "-":  # nobody knows how much will come: a bar would say nothing
            sheet = desk.usage.ingest(sys.stdin.buffer, format)
        else:
            sheet = desk.usage.ingest(file, format, progress)
    lines = [f"line {error.line}: {error.text}" for error in sheet.errors]
    if sheet.rejected > len(sheet.errors):
        lines.append(f"and {sheet.rejected - len(sheet.errors):,} more")
    door.answer(sheet, _came_to(sheet), *lines)
    return REFUSED if sheet.rejected else 0


def _came_to(sheet: IngestSheet) -> str:
    late = f" ({sheet.late:,} late)" if sheet.late else ""
    text = (
        f"{plural(sheet.new, 'event')}{late} of {sheet.read:,} came in, {sheet.known:,} were there"
    )
    return f"{text}, {sheet.rejected:,} cannot be taken" if sheet.rejected else text


def show(
    door: Door,
    ref: OneRef = None,
    *,
    text: Text = None,
    after: After = None,
    limit: Limit = "100",
) -> None:
    """Show what is used of what is included.

    In the present period: a month from the subscription's anchor, else the calendar's.
    """
    with door.desk() as desk:
        if ref is None:
            page = desk.usage.overview(after, count(limit), text=text)
            door.answer_page(page, table(_HEADINGS[:-2], (_row(sheet)[:-2] for sheet in page.rows)))
            return
        sheets = desk.usage.period(ref)
    door.answer_rows(sheets, table(_HEADINGS, map(_row, sheets)))


_HEADINGS = ("ACCOUNT", "METER", "USED", "INCLUDED", "UNIT", "SHARE", "LEVEL", "COST", "UNTIL", "FORECAST",
             "WILL COST")  # fmt: skip


def _row(sheet: MeterUseSheet) -> tuple[Cell, ...]:
    return (
        sheet.account_ref,
        sheet.meter,
        _words(sheet.used),
        _words(sheet.included),
        sheet.unit,
        None if sheet.share is None else f"{sheet.share} %",
        sheet.level,
        sheet.cost,
        sheet.period_until,
        _words(sheet.forecast),
        sheet.forecast_cost,
    )


def _words(quantity: str | None) -> str | None:
    return quantity and group_digits(quantity)


def forecast(door: Door, ref: Ref, meter: Meter) -> None:
    """Say where a meter will end.

    At the end of the present period, by the weekday run rate: each day to come is expected to use what
    the same weekday used on average over the last four weeks.
    """
    with door.desk() as desk:
        sheet = desk.usage.forecast(ref, meter)
        [use] = [each for each in desk.usage.period(ref) if each.meter == meter]

    def words(parts: int) -> str:
        return f"{group_digits(format_parts(parts, sheet.decimals))} {sheet.unit}"

    off = "not tested on a past period yet"
    if sheet.error_percent is not None:
        off = (
            f"{sheet.error_percent} % off on average, over {plural(sheet.periods_tested, 'period')}"
        )
    door.answer(
        sheet,
        *card(
            [
                ("account", sheet.account_ref),
                ("meter", sheet.meter),
                ("used", f"{group_digits(use.used)} {use.unit}"),
                (
                    "included",
                    None if use.included is None else f"{group_digits(use.included)} {use.unit}",
                ),
                ("until", use.period_until),
                ("likely", words(sheet.likely)),
                ("between", f"{words(sheet.low)} and {words(sheet.high)}"),
                ("will cost", sheet.likely_cost),
                ("method", f"{sheet.method}, {off}"),
            ]
        ),
    )


def budget(
    door: Door,
    ref: Ref,
    amount: Annotated[
        str | None, typer.Argument(metavar="AMOUNT", help="Set it; else it is shown.")
    ] = None,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Have none any more.")] = False,
) -> None:
    """Set or show what usage may cost.

    It is told once per period when the budget is spent, and when it is expected to be.
    """
    with door.desk() as desk:
        if amount is not None or clear:
            sheet = desk.usage.set_budget(ref, None if clear else amount)
        else:
            sheet = desk.usage.budget(ref)
    door.answer(
        sheet,
        *card(
            [
                ("account", sheet.account_ref),
                ("budget", sheet.budget),
                ("spent", sheet.spent),
                ("share", None if sheet.percent is None else f"{sheet.percent} %"),
                ("forecast", sheet.forecast),
                ("told", sheet.told_at),
            ]
        ),
    )


def alerts(
    door: Door, *, account: OfAccount = None, after: After = None, limit: Limit = "200"
) -> None:
    """List thresholds that were crossed."""
    with door.desk() as desk:
        page = desk.usage.alerts(account, after=after, limit=count(limit))
    headings = ("AT", "ACCOUNT", "METER", "PERCENT", "WHAT")
    rows = (
        (sheet.at, sheet.account_ref, sheet.meter or "budget", sheet.percent, sheet.summary)
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))


def events(
    door: Door,
    ref: Annotated[
        str | None,
        typer.Argument(metavar="REF", help="Of this account.", autocompletion=refs_like),
    ] = None,
    meter: Annotated[
        str | None, typer.Argument(metavar="METER", help="Only of this meter.")
    ] = None,
    *,
    id: Annotated[
        str | None, typer.Option(metavar="ID", help="Show the event with this id.")
    ] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List events of usage, or show one."""
    if (ref is None) == (id is None):
        raise BadInput("say whose events, or which one", "give an account, or --id")
    with door.desk() as desk:
        if id is not None:
            sheet = desk.usage.event(id)
            door.answer(sheet, *card(zip(_EVENT, _event(sheet), strict=True)))
            return
        page = desk.usage.events(ref or "", meter, after=after, limit=count(limit))
    door.answer_page(page, table([each.upper() for each in _EVENT], map(_event, page.rows)))


_EVENT = ("at", "account", "meter", "quantity", "unit", "event", "received")


def _event(sheet: UsageEventSheet) -> tuple[Cell, ...]:
    return (
        sheet.at,
        sheet.account_ref,
        sheet.meter,
        sheet.quantity,
        sheet.unit,
        sheet.event_id,
        sheet.received_at,
    )
