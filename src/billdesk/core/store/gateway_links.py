"""Which gateways a desk is connected to, by name. A name is never given to another account later."""

from __future__ import annotations

import json
from typing import Any

from billdesk.core.rules.links import Link
from billdesk.core.store.sessions import Session

_LINK = "SELECT name, make, account, mode, settings, removed_at FROM gateway"


def _link(row: tuple[Any, ...]) -> Link:
    return Link(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5] is not None)


def list_links(session: Session) -> list[Link]:
    """Those that are connected now, in the order of their names."""
    rows = session.all(f"{_LINK} WHERE removed_at IS NULL ORDER BY name")
    return [_link(row) for row in rows]


def find_link(session: Session, name: str) -> Link | None:
    """The gateway of this name, connected or removed."""
    row = session.one(f"{_LINK} WHERE name = ?", (name,))
    return _link(row) if row else None


def name_of_account(session: Session, link: Link) -> str | None:
    """The name under which this very account is or was connected."""
    row = session.one(
        "SELECT name FROM gateway WHERE make = ? AND account = ? AND mode = ?",
        (link.make, link.account, link.mode),
    )
    return row[0] if row else None


def put_link(session: Session, link: Link, *, actor: str, at: int) -> None:
    """Connect a gateway, or a known one again; nothing is done where its name is another account's."""
    session.run(
        "INSERT INTO gateway (name, make, account, mode, settings, added_at, added_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET settings = excluded.settings,"
        " added_at = excluded.added_at, added_by = excluded.added_by, removed_at = NULL"
        " WHERE gateway.make = excluded.make AND gateway.account = excluded.account"
        " AND gateway.mode = excluded.mode",
        (link.name, link.make, link.account, link.mode, _settings(link), at, actor),
    )


def set_settings(session: Session, link: Link) -> None:
    """Keep what a link is set to now."""
    session.run("UPDATE gateway SET settings = ? WHERE name = ?", (_settings(link), link.name))


def remove_link(session: Session, name: str, at: int) -> int:
    """Mark a gateway as removed; 0 rows when it is not connected."""
    return session.run(
        "UPDATE gateway SET removed_at = ? WHERE name = ? AND removed_at IS NULL", (at, name)
    )


def open_business(session: Session, name: str, mode: str) -> tuple[int, int, int]:
    """How many payments, refunds and disputes of a gateway are open."""
    row = session.one(
        "SELECT (SELECT count(*) FROM payment WHERE gateway = ? AND mode = ? AND status = 'pending'),"
        " (SELECT count(*) FROM card_refund WHERE gateway = ? AND mode = ? AND status = 'pending'),"
        " (SELECT count(*) FROM dispute WHERE gateway = ? AND mode = ? AND status = 'open')",
        (name, mode) * 3,
    ) or (0, 0, 0)
    return row[0], row[1], row[2]


def end_quiet(session: Session, name: str, mode: str) -> None:
    """A key works again: the gateway is asked at the next poll, whatever went wrong before."""
    session.run(
        "UPDATE freshness SET failures = 0, quiet_until = NULL, error = NULL, error_at = NULL"
        " WHERE gateway = ? AND mode = ?",
        (name, mode),
    )


def _settings(link: Link) -> str:
    return json.dumps(dict(link.settings), sort_keys=True)
