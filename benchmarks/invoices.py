"""The invoices screen over a million invoices, against the same over a thousand."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.ledgers import cache_folder, rows_wanted
from benchmarks.ratios import Figure, Limit, by_turns, compared
from benchmarks.starting import BILLDESK
from benchmarks.terminal import Terminal
from billdesk.core.desk import create_ledger

if TYPE_CHECKING:
    import sqlite3
else:
    from billdesk.core.store.sqlite import sqlite3

FEW, MANY = 1_000, 1_000_000
ELSEWHERE, PAGE_DOWN, STATUS = b"2", b"\x1b[6~", b"f"
PALETTE, FIND, OPEN = b":", b"invoices and", b"\r"

STATES = ("paid", "paid", "open", "paid", "void", "paid", "uncollectible", "paid", "open", "draft")
"""Of every ten invoices."""


def invoices(*, quick: bool) -> list[Figure]:
    """Opening the screen, a page further, and each status in turn: from key to last painted byte."""
    many = rows_wanted(100_000 if quick else MANY)
    rounds = 3 if quick else 7
    figures = []
    with Terminal(_command(many)) as ours, Terminal(_command(FEW)) as floor:
        for terminal in (ours, floor):
            terminal.seconds_until("Overview")
            terminal.settle()
            _open(terminal)
        for what, measure in (
            ("opening the invoices screen", _open),
            ("… a page-down", partial(_press, PAGE_DOWN)),
            ("… each status in turn", _each_status),
        ):
            figures.append(
                compared(
                    f"{what}, {many:,} invoices", f"the same with {FEW:,}", "ms", Limit(1.3, 1.0),
                    by_turns(rounds, partial(measure, ours), partial(measure, floor)),
                )
            )  # fmt: skip
    return figures


def _command(count: int) -> tuple[str, ...]:
    return (BILLDESK, "--ledger", str(_ledger(count)), "--read-only")


def _open(terminal: Terminal) -> float:
    """Milliseconds from Enter in the palette to the list, the middle of three."""
    taken = []
    for _ in range(3):
        for keys in (ELSEWHERE, PALETTE, FIND):
            terminal.press(keys)
            terminal.settle()
        taken.append(_press(OPEN, terminal))
    return median(taken)


def _each_status(terminal: Terminal) -> float:
    """Milliseconds that a press for the next status takes, the middle of all."""
    return median(_press(STATUS, terminal) for _ in range(6))


def _press(keys: bytes, terminal: Terminal) -> float:
    """Milliseconds that a key takes; what comes late is not taken for the next one's."""
    milliseconds = terminal.press(keys) * 1000
    terminal.settle()
    return milliseconds


# --- ledgers of very many invoices ---------------------------------------------------------------


def _ledger(count: int) -> Path:
    """A ledger of `count` invoices of two lines, written straight into its tables."""
    path = cache_folder() / f"invoices-{count}.ledger"
    if path.exists():
        return path
    making = path.with_suffix(".making")
    making.unlink(missing_ok=True)
    with create_ledger(making):
        pass
    with closing(sqlite3.connect(str(making), isolation_level=None)) as db:
        _write(db, count)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    making.rename(path)
    return path


def _write(db: sqlite3.Connection, count: int) -> None:
    """All rows by SQL alone; the triggers that keep finalized ones from being written are put back."""
    triggers = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'invoice%'"
    ).fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    accounts, start, step = min(count, 10_000), 1_700_000_000_000_000, 60_000_000
    state = "".join(f" WHEN {at} THEN '{each}'" for at, each in enumerate(STATES))
    is_draft = f"i % 10 = {STATES.index('draft')}"
    at = f"{start} + i * {step}"
    day = f"date(({at}) / 1000000, 'unixepoch'"
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN")
    db.execute(
        f"INSERT INTO account (id, ref, name, created_at, status_since) {numbers.format(accounts)}"
        " SELECT printf('acc_%026d', i), 'a' || i, 'Account ' || i, 0, 0 FROM n"
    )
    db.execute(
        "INSERT INTO invoice (id, account_id, kind, source, status, series, sequence,"
        " invoice_number, asset, subtotal_minor, tax_minor, total_minor, paid_minor, issued_on,"
        " due_on, seller, party, terms, memo, digest, chain_head, actor, created_at, finalized_at,"
        f" closed_at, changed_at) {numbers.format(count)}"
        f" SELECT printf('inv_%026d', i), printf('acc_%026d', i * 7919 % {accounts} + 1), 'invoice',"
        f" 'manual', CASE i % 10{state} END, CASE WHEN {is_draft} THEN NULL ELSE 'invoice' END,"
        f" CASE WHEN {is_draft} THEN NULL ELSE i END,"
        f" CASE WHEN {is_draft} THEN NULL ELSE printf('INV-%07d', i) END, 'USD', 10000 + i % 977,"
        " 1900, 11900 + i % 977,"
        " CASE WHEN i % 2 AND i % 10 < 8 THEN 11900 + i % 977 ELSE 0 END,"
        f" CASE WHEN {is_draft} THEN NULL ELSE {day}) END,"
        f" CASE WHEN {is_draft} THEN NULL ELSE {day}, '+14 days') END,"
        ' \'{"name": "Northwind Labs"}\', \'{"name": "A customer of ours"}\','
        " 'Payable within 14 days.', '', hex(randomblob(32)), hex(randomblob(32)), 'bench',"
        f" {at}, CASE WHEN {is_draft} THEN NULL ELSE {at} END, NULL, {at} FROM n"
    )
    db.execute(
        "INSERT INTO invoice_line (invoice_id, place, text, quantity, unit_price, amount_minor,"
        f" net_minor, tax_minor) {numbers.format(count * 2)}"
        " SELECT printf('inv_%026d', (i + 1) / 2), 2 - i % 2, 'What was bought', '1', '50.00', 5000,"
        " 5000, 950 FROM n"
    )
    db.execute(
        "INSERT INTO invoice_series (name, prefix, digits, last) VALUES ('invoice', 'INV-', 7, ?)",
        (count,),
    )
    db.execute("COMMIT")
    for _, sql in triggers:
        db.execute(sql)
