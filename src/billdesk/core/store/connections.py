"""The connections of one Postgres database: made when needed, kept when idle, never more than so many.

A charge costs as little as two hundred microseconds, and the locks, statistics and timers of a general
pool were a tenth of that. What is left here: permits, and a stack of idle connections.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

import psycopg
from psycopg.pq import TransactionStatus

from billdesk.core.store.direct import Connection
from billdesk.core.store.forking import watch
from billdesk.core.values.errors import StoreBusy, StoreGone


class Connections:
    """At most `largest` connections; who finds none free waits for up to `deadline_seconds`."""

    def __init__(
        self, make: Callable[[], Connection], *, largest: int, deadline_seconds: float
    ) -> None:
        self._make = make
        self._largest = largest
        self._deadline_seconds = deadline_seconds
        self._closed = False
        self.left_alone: list[Connection] = []
        self._start_afresh()
        watch(self)

    def _start_afresh(self) -> None:
        self._idle: list[Connection] = []
        self._permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(self._largest):
            self._permits.put(None)

    def take(self) -> Connection:
        """An idle connection, the one used last; else a new one.

        Raises StoreBusy when all are out for too long, StoreGone after `close`, the driver's errors.
        """
        if self._closed:
            raise StoreGone("this desk is closed", "open it again")
        try:
            self._permits.get(timeout=self._deadline_seconds)
        except Empty:
            raise StoreBusy(f"all {self._largest} connections are in use", "try again") from None
        with suppress(IndexError):
            return self._idle.pop()
        try:
            return self._make()
        except BaseException:
            self._permits.put(None)
            raise

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next; one that broke, or is in a transaction, is closed.

        Where one broke, the idle ones broke, too: a server that was started again knows none of them.
        """
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            connection.close()
            self._drop_idle()
        elif self._closed:
            connection.close()
        else:
            self._idle.append(connection)
        self._permits.put(None)

    def close(self) -> None:
        """Close what is idle now, and what is given back later."""
        self._closed = True
        self._drop_idle()

    def forget_parent(self) -> None:
        """In a forked child: connections stay the parent's, neither used nor closed here."""
        self.left_alone += self._idle
        self._start_afresh()

    def _drop_idle(self) -> None:
        while self._idle:
            with suppress(psycopg.Error):
                self._idle.pop().close()
