"""How soon the desk is on the screen, and how long one command takes as a whole process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.ledgers import new_ledger
from benchmarks.ratios import Figure, Limit, by_turns, compared
from benchmarks.terminal import Terminal
from billdesk.core.desk import ChargeRequest

BILLDESK = str(Path(sys.executable).with_name("billdesk"))
BARE_COMMAND = (sys.executable, "-c", "import typer, sqlite3")
FIRST_PAINT, DATA = "Overview", "Standing"


def desk(*, quick: bool) -> list[Figure]:
    """From the start of the process to the first paint, and to the ledger's data."""
    rounds = 5 if quick else 11
    data, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = _shop(Path(folder))

        def ours() -> float:
            with Terminal((BILLDESK, "--ledger", str(path))) as terminal:
                painted = terminal.seconds_until(FIRST_PAINT)
                data.append(terminal.seconds_until(DATA) * 1000)
            return painted * 1000

        def floor() -> float:
            with Terminal((sys.executable, "-m", "benchmarks.bare_desk")) as terminal:
                painted = terminal.seconds_until(FIRST_PAINT) * 1000
            ratios.append(data[-1] / painted)
            return painted

        ours()
        floor()
        data.clear()
        ratios.clear()
        measured = by_turns(rounds, ours, floor)
    bare = "bare Textual app, same widgets"
    return [
        compared("start to the desk's first paint", bare, "ms", Limit(1.3, 1.15), measured),
        compared("start to the ledger's data on screen", bare, "ms", Limit(2, 1.5),
                 (median(data), measured[1], median(ratios))),
    ]  # fmt: skip


def commands(*, quick: bool) -> list[Figure]:
    """`billdesk charge` and `billdesk balance`, from nothing to done."""
    rounds = 7 if quick else 15
    numbers = count()
    with tempfile.TemporaryDirectory() as folder:
        path = str(_shop(Path(folder)))
        charge = (BILLDESK, "--ledger", path, "charge", "a1", "0.01", "--reference")
        return [
            compared(
                f"`billdesk {name} …`", 'python -c "import typer, sqlite3"', "ms", Limit(2, 1.4),
                by_turns(rounds, command, lambda: _run(*BARE_COMMAND)),
            )
            for name, command in (
                ("charge", lambda: _run(*charge, f"run:{next(numbers)}")),
                ("balance", lambda: _run(BILLDESK, "--ledger", path, "balance", "a1")),
            )
        ]  # fmt: skip


def _shop(folder: Path) -> Path:
    path = folder / "desk.ledger"
    with new_ledger(path) as desk:
        desk.charges.create_many(
            [ChargeRequest(f"a{n % 200}", "1.00", f"lead:{n:09d}") for n in range(2_000)]
        )
    return path


def _run(*command: str) -> float:
    started = perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return (perf_counter() - started) * 1000
