"""Where a ledger lives: a file, or a Postgres database."""

from __future__ import annotations

import os
from pathlib import Path

from billdesk.core.values.errors import BadInput, NotALedger, NotFound, StoreError


def is_postgres(url: str) -> bool:
    """Whether an address names a Postgres database."""
    return url.startswith(("postgresql://", "postgres://"))


def check_postgres(url: str) -> None:
    """Raises BadInput for an address that cannot be read. It may hold a password: nothing repeats it."""
    from psycopg import ProgrammingError  # psycopg costs 0.3 s at start-up
    from psycopg.conninfo import conninfo_to_dict

    try:
        ports = str(conninfo_to_dict(url).get("port") or "").split(",")
        readable = all(port.isdecimal() for port in ports if port)
    except ProgrammingError:
        readable = False
    if not readable:
        # Not from within: a traceback would show what the driver repeats.
        raise BadInput(
            "this is no address of a Postgres database", "write postgresql://user@host:5432/name"
        )


def sqlite_path(url: str) -> Path:
    """The file of an address: a path, or `sqlite:///path`.

    Raises BadInput for other schemes, and for the home folder of nobody.
    """
    path = url.removeprefix("sqlite:///")
    scheme, separator, _ = url.partition("://")
    if separator and path == url:
        raise BadInput(
            f"a ledger cannot live at {scheme}://…", "use a path, sqlite:///path or postgresql://…"
        )
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{path} is in nobody's home folder", "write the path out") from error


def is_there(path: Path) -> bool:
    """Whether there is anything at `path`. Raises StoreError where that cannot be told."""
    try:
        return path.exists()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be reached: {error.strerror}", "check the path and its rights"
        ) from error


def check_file(path: Path) -> None:
    """Raises NotFound, NotALedger or StoreError unless `path` is a file that can be read.

    The file is not opened here: closing it again would drop the locks that SQLite holds on it for
    other connections of this process.
    """
    if not is_there(path):
        raise NotFound(
            f"there is no ledger at {path}", "make one with billdesk init, or try a demo"
        )
    if path.is_dir():
        raise NotALedger(f"{path} is a folder", "name the ledger's file")
    if not path.is_file():
        # Opening a pipe or a device may wait for ever.
        raise NotALedger(f"{path} is no ordinary file", "name the ledger's file")
    if not os.access(path, os.R_OK):
        raise StoreError(f"{path} cannot be read", "check its rights")
