"""`billdesk gateway list | poll | facts`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Limit, count
from billdesk.cli.printing import table
from billdesk.cli.ticking import describe_tick

State = Literal["applied", "waiting", "duplicate"]


def list_gateways(door: Door) -> None:
    """List gateways and their freshness.

    List gateways: whose account, which mode, where the key is, how fresh their facts are.
    """
    with door.desk() as desk:
        sheets = desk.gateways.list()
    headings = (
        "GATEWAY", "MODE", "MAKE", "ACCOUNT", "KEY", "POLLED", "FACTS UP TO",
        "OPEN", "WAITING", "GAPS", "LAST ERROR",
    )  # fmt: skip
    rows = (
        (
            sheet.name,
            "LIVE" if sheet.mode == "live" else "test",
            sheet.make,
            sheet.account,
            sheet.key,
            sheet.last_polled_at,
            sheet.watermark,
            sheet.open_payments,
            sheet.waiting_facts,
            sheet.open_gaps,
            sheet.last_error,
        )
        for sheet in sheets
    )
    door.answer_rows(sheets, table(headings, rows))


def poll(
    door: Door,
    name: Annotated[
        str | None, typer.Argument(metavar="GATEWAY", help="Only this one; else all of them.")
    ] = None,
) -> None:
    """Ask gateways what happened."""
    with door.desk() as desk:
        sheet = desk.gateways.poll(name)
    door.answer(sheet, *describe_tick(sheet))


def facts(
    door: Door,
    *,
    state: Annotated[State | None, typer.Option(help="Only these.")] = None,
    gateway: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this gateway said.")
    ] = None,
    payment: Annotated[
        str | None, typer.Option(metavar="PAYMENT", help="Only what was said of this payment.")
    ] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List what gateways said happened."""
    with door.desk() as desk:
        page = desk.facts.list(
            state=state, gateway=gateway, payment=payment, after=after, limit=count(limit)
        )
    headings = ("FACT", "GATEWAY", "HAPPENED", "OBJECT", "STAGE", "AMOUNT", "STATE", "DETAIL")
    rows = (
        (
            str(sheet.number),
            sheet.gateway,
            sheet.happened_at,
            sheet.object_id,
            sheet.stage,
            sheet.amount,
            sheet.state,
            sheet.detail,
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))
