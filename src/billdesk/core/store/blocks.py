"""The write block of both databases: one per thread, nested ones are savepoints of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from billdesk.core.values.errors import Broken, StoreError


class Standing(Protocol):
    """What a block needs of its session."""

    def control(self, sql: str) -> None:
        """Run a statement that steers the transaction."""
        ...

    def stands(self) -> bool:
        """Whether the transaction is still open: some failures end it."""
        ...


BlockSession = TypeVar("BlockSession", bound=Standing)


class Block(threading.local, Generic[BlockSession]):
    """What a thread knows of its open write block."""

    session: BlockSession | None = None
    depth = 0

    def __init__(self) -> None:
        self.afterwards: list[Callable[[], None]] = []

    def run_afterwards(self) -> None:
        """Run what was to follow the block, once."""
        actions, self.afterwards = self.afterwards, []
        for action in actions:
            action()


class Owner(Protocol[BlockSession]):
    """A database that write blocks can be opened on."""

    @property
    def block(self) -> Block[BlockSession]:
        """This thread's block."""
        ...

    def begin(self) -> BlockSession:
        """Begin a transaction."""
        ...

    def end(self, session: BlockSession, *, commit: bool) -> None:
        """Commit it or roll it back."""
        ...

    def raise_mapped(self, error: BaseException) -> None:
        """Raise our error for a driver's; return when it is none."""
        ...


class WriteBlock(Generic[BlockSession]):
    """`with database.write() as session`, cheap enough for the hot path."""

    __slots__ = ("_owner", "_savepoint")

    def __init__(self, owner: Owner[BlockSession]) -> None:
        self._owner = owner
        self._savepoint = ""

    def __enter__(self) -> BlockSession:
        block = self._owner.block
        if block.session is None:
            block.session = self._owner.begin()
            return block.session
        if not block.session.stands():
            raise StoreError(
                "this write block was rolled back by an earlier failure", "leave it, then try again"
            )
        block.depth += 1
        self._savepoint = f"nested_{block.depth}"
        block.session.control(f"SAVEPOINT {self._savepoint}")
        return block.session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        block = self._owner.block
        session = block.session
        if session is None:
            raise Broken("a write block ended that was never entered")
        if self._savepoint:
            block.depth -= 1
            if session.stands():
                if error is not None:
                    session.control(f"ROLLBACK TO {self._savepoint}")
                session.control(f"RELEASE {self._savepoint}")
        else:
            block.session = None
            try:
                self._owner.end(session, commit=error is None)
            finally:
                block.run_afterwards()
        if error is not None:
            self._owner.raise_mapped(error)
