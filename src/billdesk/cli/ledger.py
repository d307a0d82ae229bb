"""`billdesk ledger | posting`, and how entries look in other lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import (
    After,
    Asset,
    Kinds,
    Limit,
    Since,
    Text,
    Until,
    at,
    count,
    refs_like,
)
from billdesk.cli.printing import card, cell, table

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import EntrySheet, PostingSheet


def ledger(
    door: Door,
    ref: Annotated[
        str | None,
        typer.Argument(
            metavar="REF", help="The account; without it all of them.", autocompletion=refs_like
        ),
    ] = None,
    *,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    reference: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only what has this reference.")
    ] = None,
    text: Text = None,
    asset: Asset = None,
    after: After = None,
    limit: Limit = "50",
) -> None:
    """List entries, newest first."""
    with door.desk() as desk:
        page = desk.ledger.entries(
            ref,
            kinds=tuple(kind or ()),
            since=at(since),
            until=at(until),
            reference=reference,
            text=text,
            asset=asset,
            after=after,
            limit=count(limit),
        )
    door.answer_page(page, entries_table(page.rows))


def posting(
    door: Door,
    posting: Annotated[str, typer.Argument(metavar="POSTING", help="The posting's id.")],
) -> None:
    """Show one posting with its entries."""
    with door.desk() as desk:
        sheet = desk.ledger.posting(posting)
    door.answer(
        sheet,
        *card(
            [
                ("posting", sheet.id),
                ("kind", sheet.kind),
                ("account", sheet.account_ref),
                ("reference", sheet.reference),
                ("scope", sheet.scope),
                ("subject", sheet.subject),
                ("memo", sheet.memo),
                ("by", sheet.actor),
                ("happened", sheet.happened_at),
                ("recorded", sheet.recorded_at),
                ("corrects", sheet.corrects),
                ("about", sheet.about),
            ]
        ),
        "",
        *entries_table(sheet.entries),
    )


def entries_table(entries: Iterable[EntrySheet]) -> list[str]:
    """Entries as lines, in the order given."""
    headings = ("RECORDED", "REF", "KIND", "AMOUNT", "BALANCE", "SUBJECT", "REFERENCE", "POSTING")
    rows = (
        (
            entry.recorded_at,
            entry.account_ref,
            entry.kind,
            entry.amount,
            entry.balance_after,
            entry.subject or entry.memo,
            entry.reference,
            entry.posting_id,
        )
        for entry in entries
    )
    return table(headings, rows)


def describe_posting(sheet: PostingSheet) -> list[str]:
    """What a posting did, in one line for each of its entries."""
    before = ", done before" if sheet.replayed else ""
    return [
        f"{entry.account_ref} {sheet.kind}{before}: {cell(entry.amount)}, "
        f"balance {cell(entry.balance_after)} ({sheet.id})"
        for entry in sheet.entries
    ]
