"""Keys in a ledger of ten million entries, against the same keys in one of a thousand."""

from __future__ import annotations

from functools import partial
from statistics import median

from benchmarks.ledgers import rows_wanted, wide_ledger
from benchmarks.ratios import Figure, Limit, alone, by_turns, compared
from benchmarks.starting import BILLDESK
from benchmarks.terminal import Terminal

FEW = 1_000
DOWN, PAGE_DOWN, FIRST, LAST = b"\x1b[B", b"\x1b[6~", b"g", b"G"


def ledger(*, quick: bool) -> list[Figure]:
    """A key, a page-down and a jump to the far end, each from key to the last painted byte."""
    entries = rows_wanted(1_000_000 if quick else 10_000_000)
    rounds = 7 if quick else 15
    long, short = _command(entries), _command(FEW)
    figures = []
    with Terminal(long) as ours, Terminal(short) as floor:
        for terminal in (ours, floor):
            terminal.seconds_until("charge")
            terminal.settle()
            for keys in (DOWN, PAGE_DOWN, LAST, FIRST):
                terminal.press(keys)
        before = ours.resident_mib()
        for what, there, back in (
            ("a key", DOWN, None),
            ("a page-down", PAGE_DOWN, None),
            ("a jump to the end and back", LAST, FIRST),
        ):
            figures.append(
                compared(
                    f"{what}, {entries:,} entries", f"the same in {FEW:,}", "ms", Limit(1.3, 1.0),
                    by_turns(rounds, partial(_press, ours, there, back),
                             partial(_press, floor, there, back)),
                )
            )  # fmt: skip
        for _ in range(3):
            for keys in (LAST, *[b"\x1b[5~"] * 20, FIRST, *[PAGE_DOWN] * 20):
                ours.press(keys)
        growth = ours.resident_mib() - before
    figures.append(
        alone("… memory after jumping about", "grown since the first page", "MiB", Limit(60, 10),
              growth)
    )  # fmt: skip
    return figures


def _command(entries: int) -> tuple[str, ...]:
    path = str(wide_ledger(entries))
    return (BILLDESK, "--ledger", path, "--read-only", "--screen", "ledger")


def _press(terminal: Terminal, there: bytes, back: bytes | None) -> float:
    """Milliseconds that a press takes, the middle of three."""
    taken = []
    for _ in range(3):
        taken.append(terminal.press(there) * 1000)
        if back is not None:
            terminal.press(back)
    return median(taken)
