"""New files that are whole when they appear, and copies of a ledger file made while others write to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from billdesk.core.store.addresses import is_there
from billdesk.core.store.sqlite import create_file, mapped_errors, sqlite3
from billdesk.core.values.errors import AlreadyExists, StoreError


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """An empty private file that becomes `target` at the end, with all that was written to it.

    Whatever happens before, nothing is at `target`; what a killed process leaves lies in a folder
    beside it whose name begins with a dot. Raises AlreadyExists, StoreError.
    """
    _refuse_taken(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = TemporaryDirectory(prefix=f".{target.name[:40]}.", dir=target.parent)
    except OSError as error:
        raise StoreError(f"{target} cannot be made: {error.strerror}", "choose a place") from error
    with folder:
        unfinished = Path(folder.name) / "unfinished"
        create_file(unfinished)
        yield unfinished
        # It may have taken an hour.
        _refuse_taken(target)
        unfinished.replace(target)


def _refuse_taken(target: Path) -> None:
    if is_there(target):
        raise AlreadyExists(f"there is a file at {target} already", "choose another name")


def backup_file(source: Path, target: Path) -> None:
    """Copy a ledger file beside its writers, whole and consistent. Raises AlreadyExists, StoreError."""
    with (
        appearing(target) as unfinished,
        mapped_errors(str(target)),
        closing(sqlite3.connect(str(source))) as ours,
        closing(sqlite3.connect(str(unfinished))) as theirs,
    ):
        ours.backup(theirs)
        # One file and nothing beside it, even when it is read; whoever writes changes it back.
        theirs.execute("PRAGMA journal_mode=DELETE")
