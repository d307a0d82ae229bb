"""Who accounts are on paper."""

from __future__ import annotations

from typing import NamedTuple

from billdesk.core.store.sessions import Session


class Party(NamedTuple):
    """What is known of an account for its invoices; `changed_at` in microseconds, None: nothing is."""

    legal_name: str = ""
    address: str = ""
    country: str = ""
    tax_id: str = ""
    tax_code: str | None = None
    language: str = ""
    due_days: int | None = None
    changed_at: int | None = None


_COLUMNS = ", ".join(Party._fields)


def party_of(session: Session, account_id: str) -> Party:
    """An account's, empty where nothing was said yet."""
    row = session.one(f"SELECT {_COLUMNS} FROM party WHERE account_id = ?", (account_id,))
    return Party() if row is None else Party._make(row)


def save_party(session: Session, account_id: str, party: Party) -> None:
    """Write an account's anew."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in Party._fields)
    session.run(
        f"INSERT INTO party (account_id, {_COLUMNS}) VALUES (?{', ?' * len(Party._fields)})"
        f" ON CONFLICT (account_id) DO UPDATE SET {changes}",
        (account_id, *party),
    )
