"""`billdesk overview`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billdesk.cli.door import Door
from billdesk.cli.printing import card, cell, table

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import AttentionSheet, OverviewSheet


def overview(door: Door) -> None:
    """The desk at a glance: money and what needs you."""
    with door.desk() as desk:
        sheet = desk.overview()
    attention = ((part.severity, part.title, part.detail, _place(part)) for part in sheet.attention)
    gateways = (
        (gateway.name, gateway.last_polled_at, gateway.open_payments, gateway.last_error)
        for gateway in sheet.gateways
    )
    tables = (
        table(("NEEDS YOU", "WHAT", "DETAIL", "WHERE"), attention),
        table(("GATEWAY", "POLLED", "OPEN", "LAST ERROR"), gateways),
    )
    door.answer(sheet, *_card(sheet), *(line for part in tables if part for line in ("", *part)))


def _place(part: AttentionSheet) -> str:
    """Where to look: the screen, and what on it."""
    return f"{part.screen} {part.target or ''}".rstrip()


def _card(sheet: OverviewSheet) -> list[str]:
    standings = ", ".join(f"{count:,} {word}" for word, count in sheet.standings.items())
    return card(
        [
            ("ledger", sheet.ledger),
            ("as of", sheet.as_of),
            ("accounts", sheet.accounts),
            ("standing", standings),
            ("entries", sheet.entries),
            ("in wallets", ", ".join(map(cell, sheet.totals))),
            ("held", ", ".join(map(cell, sheet.held))),
            ("sealed", sheet.checkpoint_at),
        ]
    )
