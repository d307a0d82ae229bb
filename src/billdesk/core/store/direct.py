"""A function of the database called straight through libpq: one trip, half of the driver's own time.

The driver's cursors look at each value and wait in Python; here types are known and values go out as
the bytes that the server reads. Texts too, in binary form, so that a NUL in one is refused by the
server instead of ending the text.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format

Connection = psycopg.Connection[tuple[Any, ...]]

_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "text": str.encode,
    "bytea": bytes,
    "bigint": struct.Struct(">q").pack,
    "boolean": struct.Struct("?").pack,
}

_FORGOTTEN = b"26000"
"""SQLSTATE of a prepared statement that is gone: the driver forgets all of them at a rollback."""


class DirectCall:
    """`SELECT name(…)` with values of fixed types, whose one answer is a text or NULL.

    `prepared`: prepare it once on each connection; else its text goes along each time, still in one
    trip.
    """

    def __init__(self, name: str, types: Sequence[str], *, prepared: bool) -> None:
        marks = ", ".join(f"${place}::{kind}" for place, kind in enumerate(types, 1))
        self._sql = f"SELECT {name}({marks})".encode()
        self._name = f"billdesk_{name}".encode()
        self._encoders = [_ENCODERS[kind] for kind in types]
        self._formats = [Format.BINARY] * len(types)
        self._prepared = prepared
        self._ready: WeakSet[Connection] = WeakSet()

    def __call__(self, connection: Connection, values: Sequence[Any]) -> str | None:
        """Call it; raises the driver's errors."""
        pq = connection.pgconn
        bound: Any = [  # the driver's stubs do not know that a value may be None
            None if value is None else encode(value)
            for value, encode in zip(values, self._encoders, strict=True)
        ]
        if not self._prepared:
            result = pq.exec_params(self._sql, bound, None, self._formats)
        else:
            if connection not in self._ready:
                self._prepare(connection)
            result = pq.exec_prepared(self._name, bound, self._formats)
            if result.error_field(DiagnosticField.SQLSTATE) == _FORGOTTEN:
                self._prepare(connection)
                result = pq.exec_prepared(self._name, bound, self._formats)
        if result.status != ExecStatus.TUPLES_OK:
            raise _error(connection, result)
        answer = result.get_value(0, 0)
        return None if answer is None else answer.decode()

    def _prepare(self, connection: Connection) -> None:
        made = connection.pgconn.prepare(self._name, self._sql)
        if made.status != ExecStatus.COMMAND_OK:
            raise _error(connection, made)
        self._ready.add(connection)


def _error(connection: Connection, result: psycopg.pq.abc.PGresult) -> psycopg.Error:
    if connection.pgconn.status == ConnStatus.BAD:
        return psycopg.OperationalError(result.get_error_message())
    return error_from_result(result)
