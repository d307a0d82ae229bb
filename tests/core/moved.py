"""A ledger with a story, where it goes, and what must be there in the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from billdesk.core.desk import Desk, open_desk
from billdesk.core.rules.sheets import MoveSheet
from billdesk.core.store.checks import heads
from billdesk.core.store.filling import TABLES, columns_of
from billdesk.core.store.opening import database_at
from billdesk.core.values.clock import MovingClock
from tests.new_ledger import seeded

ONE_MINUTE = timedelta(minutes=1)

ADDED = ("ledger.move", "ledger.seal")
"""What the new ledger's audit log has beside the old one's."""


class Route(NamedTuple):
    """A ledger with a story, and where nothing is yet."""

    source: str
    target: str
    clock: MovingClock

    def open(self, url: str | None = None) -> Desk:
        """The desk on the source, or on another ledger."""
        return open_desk(
            url or self.source, clock=self.clock, actor="tester", chance=seeded(2), gateways=()
        )

    def move(self, on_progress: Callable[[str, int, int], None] | None = None) -> MoveSheet:
        """Move it."""
        with self.open() as desk:
            return desk.move(self.target, on_progress=on_progress)


def rows_in(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with closing(database_at(url, read_only=True)) as database, database.read() as session:
        return {
            table: sorted(
                session.all(f"SELECT {', '.join(columns_of(session, table))} FROM {table}"),
                key=repr,
            )
            for table in TABLES
        }


def heads_of(url: str) -> list[tuple[str, int, bytes]]:
    """Where every wallet's chain ends."""
    with (
        closing(database_at(url, read_only=True)) as database,
        database.read(snapshot=True) as session,
    ):
        return sorted(heads(session))


def check_same(url: str, before: dict[str, list[tuple[Any, ...]]], *, moves: int = 1) -> None:
    """Every row is there, and no other but the lines of the audit log that say of the move."""
    after = rows_in(url)
    added = [row for row in after["audit"] if row not in before["audit"]]
    assert sorted(row[4] for row in added) == sorted([*ADDED] * moves)
    after["audit"] = [row for row in after["audit"] if row not in added]
    assert after == before


def nothing_at(route: Route) -> bool:
    """Whether nothing is there, nor anything beside it."""
    if route.target.startswith("postgres"):
        with psycopg.connect(route.target) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_namespace WHERE nspname = 'billdesk'"
            ).fetchone()
        return found is None
    folder = Path(route.target).parent
    return not folder.exists() or list(folder.iterdir()) == []


def at_phase(phase: str, act: Callable[[], object]) -> Callable[[str, int, int], None]:
    """Acts once, when the move has come so far."""
    waiting = [act]

    def on_progress(now: str, done: int, total: int) -> None:
        if now == phase and done == total and waiting:
            waiting.pop()()

    return on_progress
