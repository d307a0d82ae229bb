"""Taking entries out: CSV, JSON lines, and journals for hledger and beancount."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TextIO

from billdesk.core.operations.ledger.reading import check_filter
from billdesk.core.operations.office import Office
from billdesk.core.rules.journals import beancount_head, beancount_lines, hledger_lines
from billdesk.core.rules.sheets import EntryFilter, EntrySheet, ExportSheet
from billdesk.core.store.history import stream_entries
from billdesk.core.values.clock import format_instant
from billdesk.core.values.errors import AlreadyExists, BadInput, StoreError
from billdesk.core.values.money import Money, format_minor
from billdesk.core.values.text import check_word

FORMATS = ("csv", "jsonl", "hledger", "beancount")
_COLUMNS = (
    "number", "recorded_at", "happened_at", "account", "account_name", "kind", "amount_minor",
    "amount", "asset", "balance_after_minor", "counterparty", "reference", "subject", "memo",
    "actor", "posting", "corrects", "about", "wallet", "seq", "hash",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export_entries(
    office: Office,
    path: Path,
    form: str,
    wanted: EntryFilter,
    on_progress: Callable[[int, int], None] | None,
) -> ExportSheet:
    """Write all entries of a filter to a new file, oldest first; whole or not at all.

    Raises BadInput for the form or the place, AlreadyExists, NotFound for the account.
    """
    check_word(form, "format", FORMATS)
    totals: dict[str, int] = {}
    rows = 0
    with new_file(path) as stream, office.database.read(snapshot=True) as session:
        check_filter(office, session, wanted)
        top = session.one("SELECT coalesce(max(number), 0) FROM entry") or (0,)

        def on_row(done: int) -> None:
            if on_progress is not None:
                on_progress(done, max(int(top[0]), done))

        def counted() -> Iterator[EntrySheet]:
            nonlocal rows
            for entry in stream_entries(session, wanted, on_row):
                rows += 1
                asset = entry.amount.asset
                totals[asset] = totals.get(asset, 0) + entry.amount.minor
                yield entry

        for text in _WRITERS[form](counted()):
            stream.write(text)
    sums = tuple(Money(minor, asset) for asset, minor in sorted(totals.items()))
    return ExportSheet(str(path), form, rows, sums)


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A file that is there under its name once it is whole, for its owner alone.

    Raises AlreadyExists, BadInput for a place that cannot be written, StoreError when it is full.
    """
    if path.exists():
        raise AlreadyExists(f"there is a file at {path} already", "choose another name")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        file = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}", "choose a place") from error
    try:
        with os.fdopen(file, "w", encoding="utf-8", newline="") as stream:
            yield stream
        unfinished.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}", "make room for it"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _values(entry: EntrySheet) -> tuple[object, ...]:
    asset = entry.amount.asset
    return (
        entry.number, format_instant(entry.recorded_at), format_instant(entry.happened_at),
        entry.account_ref, entry.account_name, entry.kind, entry.amount.minor,
        format_minor(entry.amount.minor, asset), asset, entry.balance_after.minor,
        entry.counterparty, entry.reference, entry.subject, entry.memo, entry.actor,
        entry.posting_id, entry.corrects, entry.about, entry.wallet_id, entry.seq, entry.hash,
    )  # fmt: skip


def _csv(entries: Iterator[EntrySheet]) -> Iterator[str]:
    yield csv_line(_COLUMNS)
    for entry in entries:
        yield csv_line(_values(entry))


def csv_line(values: Sequence[object]) -> str:
    """A line of a CSV file, of which no spreadsheet will run anything."""
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(map(_cell, values))
    return buffer.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return _harmless(value) if isinstance(value, str) else value


def _harmless(text: str) -> str:
    """A cell that a spreadsheet will not take for a formula; amounts stay numbers."""
    if text.startswith(_FORMULA_STARTS) and not text.lstrip("-").replace(".", "").isdigit():
        return "'" + text
    return text


def _jsonl(entries: Iterator[EntrySheet]) -> Iterator[str]:
    for entry in entries:
        yield json.dumps(dict(zip(_COLUMNS, _values(entry), strict=True))) + "\n"


def _hledger(entries: Iterator[EntrySheet]) -> Iterator[str]:
    yield "; exported by billdesk\n"
    for entry in entries:
        yield hledger_lines(entry)


def _beancount(entries: Iterator[EntrySheet]) -> Iterator[str]:
    opened: set[str] = set()
    for entry in entries:
        yield beancount_head(entry, opened) + beancount_lines(entry)


_WRITERS: dict[str, Callable[[Iterator[EntrySheet]], Iterator[str]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "hledger": _hledger,
    "beancount": _beancount,
}
