"""What the pictures show: for each scene the keys that lead to it from the overview."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.screens.desk_pilot import press, settle, text_of, until, write

if TYPE_CHECKING:
    from textual.pilot import Pilot

Step = str | tuple[str, str]

SCENES: dict[str, tuple[Step, ...]] = {
    "overview": (),
    "balances": ("2",),
    "balances-filtered": ("2", "slash", ("write", "standing:OWES"), "enter"),
    "ledger": ("3",),
    "ledger-filtered": ("3", "slash", ("write", "kind:charge plumbing"), "enter"),
    "ledger-nothing": ("3", "slash", ("write", "no such words"), "enter"),
    "payments": ("4",),
    "refunds": ("5",),
    "adjustments": ("6",),
    "audit": ("7",),
    "account": ("2", "enter"),
    "account-frozen": ("2", "j", "j", "enter"),
    "account-owes": ("2", "j", "j", "j", "j", "j", "enter"),
    "posting": ("3", "enter"),
    "finder": ("ctrl+k", ("write", "bi"), ("wait", "Birch")),
    "palette": ("2", "colon", ("write", "sort"), ("gone", "Reload")),
    "help": ("2", "question_mark"),
    "messages": ("2", "s", "m"),
    "export": ("e",),
    "as-of": ("2", "enter", "t", ("write", "2026-03-01"), "enter"),
    "review": (
        "2", "enter", "A", "tab", "tab", ("write", "12.50"), "tab",
        ("write", "goodwill for the outage"), "tab", ("write", "12.5"), ("wait", "Entries"),
    ),
    "review-refused": (
        "2", "enter", "C", "tab", ("write", "9000"), ("wait", "Not possible"),
    ),
    "receipt": (
        "2", "j", "j", "enter", "U", "tab", ("write", "settled with the customer"),
        ("wait", "standing"), "tab", "tab", "enter", ("wait", "receipt"),
    ),
}  # fmt: skip


AMOUNT_AGAIN = ("tab", "tab", ("write", "25.00"), "tab", "tab", ("write", "25.00"))
WAYS_TO_PAY = ("2", "enter", "p")

TILL_SCENES: dict[str, tuple[Step, ...]] = {
    "till-payments": ("4",),
    "till-payment": ("4", "enter", ("wait", "disputed, 66.04")),
    "till-payment-link": (
        "4", "slash", ("write", "status:pending"), "enter", "v", ("wait", "iris"),
    ),
    "till-card-refunds": ("4", "c"),
    "till-disputes": ("4", "d"),
    "till-deposit": ("2", "enter", "D", *AMOUNT_AGAIN),
    "till-card-refund": (
        "4", "j", "j", "j", "R", "tab", "tab", ("write", "the customer paid twice"),
        ("wait", "Held at once"),
    ),
    "till-retry": ("4", "j", "j", "T"),
    "till-gateways": ("9",),
    "till-facts": ("9", "w", ("wait", "33.00")),
    "till-connect": ("9", "N"),
    "till-connect-key": ("9", "N", "tab", "tab", "tab", "tab", "enter", ("wait", "2 of 2")),
    "till-methods": WAYS_TO_PAY,
    "till-save-method": (*WAYS_TO_PAY, "N"),
    "till-topup": (*WAYS_TO_PAY, "T", "tab", "tab", "tab", ("wait", "standing")),
    "till-remove-method": (*WAYS_TO_PAY, "X"),
    "till-reconcile": ("0",),
    "till-compare": ("0", "N"),
    "till-items": ("0", "enter", ("wait", "timing")),
    "till-explain": ("0", "enter", ("wait", "timing"), "E"),
}  # fmt: skip
"""The same for the till: the shop with one of everything that can be seen of a gateway."""


async def play(pilot: Pilot[Any], *steps: Step) -> None:
    """Press, write and wait as a scene says."""
    await settle(pilot)
    for step in steps:
        if isinstance(step, str):
            await press(pilot, step)
        elif step[0] == "write":
            await write(pilot, step[1])
            await settle(pilot)
        else:
            there = step[0] == "wait"
            await until(pilot, partial(_shows, pilot, step[1], there=there))
    # A button that was pressed shows it for a moment.
    await until(pilot, lambda: not pilot.app.screen.query(".-active"))


def _shows(pilot: Pilot[Any], text: str, *, there: bool) -> bool:
    return (text in text_of(pilot.app)) is there
