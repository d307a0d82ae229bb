"""One charge and a batch of them on SQLite, against the same rows written by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from itertools import count, islice
from pathlib import Path
from time import perf_counter

from benchmarks.bare import BareSqlite
from benchmarks.ledgers import ACCOUNTS, new_ledger
from benchmarks.ratios import Figure, Limit, by_turns, compared
from billdesk.core.desk import ChargeRequest, Desk

BATCHES = ((100, 20), (100, 100), (8_189, 200))
"""Charges in a batch, and how many accounts they are for."""
PRICES = [f"{cents / 100:.2f}" for cents in range(1, 101)]


def charge_rate(charge: Callable[[int, str], object], charges: int, numbers: count[int]) -> float:
    """Charges a second, each a commit of its own, on many accounts by turns."""
    started = perf_counter()
    for _ in range(charges):
        number = next(numbers)
        charge(number * 7 % ACCOUNTS, f"lead:{number:09d}")
    return charges / (perf_counter() - started)


def single(*, quick: bool) -> list[Figure]:
    """One `desk.charges.create`, everything on."""
    with tempfile.TemporaryDirectory() as folder:
        bare, numbers = BareSqlite(Path(folder) / "bare.db", ACCOUNTS), count()
        with new_ledger(Path(folder) / "desk.ledger") as desk:
            create = desk.charges.create

            def charge(account: int, reference: str) -> None:
                create(f"a{account}", PRICES[account % 100], reference=reference)

            charges = 150 if quick else 500
            measured = by_turns(
                5 if quick else 15,
                lambda: charge_rate(charge, charges, numbers),
                lambda: charge_rate(bare.charge, charges, numbers),
            )
        bare.close()
    return [
        compared("one charge, SQLite, FULL", "bare BEGIN UPDATE INSERT COMMIT", "/s",
                 Limit(0.6, 0.85), measured)
    ]  # fmt: skip


def batches(*, quick: bool) -> list[Figure]:
    """`charges.create_many` of a hundred and of thousands."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        bare, numbers = BareSqlite(Path(folder) / "bare.db", ACCOUNTS), count()
        with new_ledger(Path(folder) / "desk.ledger") as desk:
            for size, accounts in BATCHES:
                repeats = 1 if size > 1_000 else 20
                measured = by_turns(
                    5 if quick else 9,
                    partial(_ours, desk, size, accounts, repeats, numbers),
                    partial(_bare, bare, size, accounts, repeats, numbers),
                )
                figures.append(
                    compared(f"{size:,} charges of {accounts} accounts at once", "bare, one by one, one"
                             " commit", "/s", Limit(0.7, 1.1), measured)
                )  # fmt: skip
        bare.close()
    return figures


def _ours(desk: Desk, size: int, accounts: int, repeats: int, numbers: count[int]) -> float:
    batches = [
        [
            ChargeRequest(f"a{number * 7 % accounts}", PRICES[number % 100], f"lead:{number:09d}")
            for number in islice(numbers, size)
        ]
        for _ in range(repeats)
    ]
    started = perf_counter()
    for batch in batches:
        desk.charges.create_many(batch)
    return size * repeats / (perf_counter() - started)


def _bare(bare: BareSqlite, size: int, accounts: int, repeats: int, numbers: count[int]) -> float:
    batches = [
        [(number * 7 % accounts, f"lead:{number:09d}") for number in islice(numbers, size)]
        for _ in range(repeats)
    ]
    started = perf_counter()
    for batch in batches:
        bare.charge_many(batch)
    return size * repeats / (perf_counter() - started)
