"""SQLModel sessions on the store's own connections: what they do joins the open write block.

Loaded only when asked for. BEGIN and COMMIT stay the store's: a commit of the session's is a flush.
"""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.pool import StaticPool

from billdesk.core.store.sessions import Session


def orm_session(session: Session) -> sqlmodel.Session:
    """A SQLModel session inside the write block that `session` belongs to."""
    connection = cast("Any", session).connection
    address, options = "sqlite://", {}
    if session.kind == "postgres":
        # Looking for hstore wants psycopg's own connection and nothing that stands for it.
        address, options = "postgresql+psycopg://", {"use_native_hstore": False}
    engine = sa.create_engine(
        address,
        creator=lambda: _Borrowed(connection),
        poolclass=StaticPool,
        pool_reset_on_return=None,
        **options,
    )
    return sqlmodel.Session(engine)


class _Borrowed:
    """A driver's connection whose transaction is not the borrower's to end."""

    def __init__(self, connection: Any) -> None:
        self.__dict__["_connection"] = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Left to the store."""

    def rollback(self) -> None:
        """Left to the store."""

    def close(self) -> None:
        """Left to the store."""
