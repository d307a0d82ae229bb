"""Eight processes that charge one account in one SQLite file, against one process doing so."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.crew import Act, Crew
from benchmarks.ledgers import new_ledger
from benchmarks.ratios import Figure, Limit, alone, by_turns, compared
from billdesk.core.desk import open_desk

MANY = 8


def prepare(path: Path, index: int) -> Mapping[str, Act]:
    """In each process: a desk on the file, and a charge of the one account."""
    create = open_desk(path).charges.create

    def charge(number: int) -> None:
        create("a0", "0.01", reference=f"p{index}:{number:09d}")

    return {"charge": charge}


def one_file(*, quick: bool) -> list[Figure]:
    """The rate of all together, and how long the unluckiest charge waited."""
    rounds, seconds = (5, 0.3) if quick else (9, 1.0)
    waits = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "desk.ledger"
        new_ledger(path, accounts=1).close()
        with Crew(MANY, partial(prepare, path)) as crew:

            def together() -> float:
                shifts = crew.work("charge", MANY, seconds)
                waits.append(max(shift.longest_seconds for shift in shifts))
                return sum(shift.acts for shift in shifts) / seconds

            together()
            waits.clear()
            measured = by_turns(rounds, together, lambda: crew.rate("charge", 1, seconds))
    return [
        compared(f"{MANY} processes, one SQLite file", "one process", "/s", Limit(0.7, 0.85),
                 measured),
        alone("… the longest wait of a round", "median of rounds", "ms", Limit(250, 50),
              median(waits) * 1000),
    ]  # fmt: skip
