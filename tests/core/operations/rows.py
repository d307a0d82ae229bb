"""Rows put straight into a table, where a test is about reading them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from billdesk.core.store.sessions import Session


def add_row(session: Session, table: str, values: Mapping[str, Any]) -> None:
    """Insert one row."""
    marks = ", ".join("?" * len(values))
    session.run(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
    )
