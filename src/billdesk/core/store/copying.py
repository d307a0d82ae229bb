"""Copies of a ledger file, made while others write to it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from billdesk.core.store.addresses import is_there
from billdesk.core.store.sqlite import create_file, mapped_errors, sqlite3
from billdesk.core.values.errors import AlreadyExists, StoreError


def backup_file(source: Path, target: Path) -> None:
    """Copy a ledger file beside its writers, whole and consistent. Raises AlreadyExists, StoreError."""
    if is_there(target):
        raise AlreadyExists(f"there is a file at {target} already", "choose another name")
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        create_file(unfinished)
    except OSError as error:
        raise StoreError(f"{target} cannot be made: {error.strerror}", "choose a place") from error
    try:
        with (
            mapped_errors(str(target)),
            closing(sqlite3.connect(str(source))) as ours,
            closing(sqlite3.connect(str(unfinished))) as theirs,
        ):
            ours.backup(theirs)
            # One file and nothing beside it, even when it is read; whoever writes changes it back.
            theirs.execute("PRAGMA journal_mode=DELETE")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
