"""How money, time and states are written on every screen: formatting, nothing is worked out."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from billdesk.core.values.money import format_grouped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from billdesk.core.values.money import Money

NOTHING = "–"
YEAR_SECONDS = 365 * 86_400

STATE_TONES = {
    "OK": "good",
    "FROZEN": "bad",
    "BLOCKED": "bad",
    "SPENT": "warn",
    "OWES": "bad",
    "SUSPENDED": "warn",
    "CLOSED": "muted",
    "open": "accent",
    "captured": "good",
    "released": "muted",
    "expired": "warn",
    "pending": "accent",
    "succeeded": "good",
    "failed": "bad",
    "suspended": "warn",
    "closed": "muted",
    "done": "",
    "refused": "bad",
    "problem": "bad",
    "warning": "warn",
    "note": "muted",
    "refunded": "warn",
    "completed": "good",
    "disputed": "bad",
    "won": "good",
    "lost": "bad",
    "applied": "good",
    "waiting": "warn",
    "active": "good",
    "trialing": "accent",
    "past_due": "bad",
    "paused": "warn",
    "canceled": "muted",
    "draft": "muted",
    "paid": "good",
    "void": "muted",
    "overdue": "bad",
    "uncollectible": "warn",
    "matched": "good",
    "within tolerance": "good",
    "timing": "accent",
    "missing here": "bad",
    "missing there": "bad",
    "differs": "bad",
    "LIVE": "warn",
    "TEST": "accent",
}
"""The tone of a state. The word itself is always shown: the tone only helps the eye."""

STATE_SIGNS = {"problem": "!!", "warning": "! ", "note": "· "}


def tone_of(state: str) -> str:
    """The tone for a state's word; none for a word that is not known here."""
    return STATE_TONES.get(state, "")


def mode_word(mode: str) -> str:
    """LIVE or TEST: by word, so that nobody takes play money for real money or the other way."""
    return mode.upper()


def mode_in_words(mode: str) -> str:
    """`LIVE: real money`, or `TEST: no real money`."""
    return "LIVE: real money" if mode == "live" else "TEST: no real money"


def amount(money: Money | None) -> str:
    """`1,234.50 USD`, or a dash where there is none."""
    return f"{number(money)} {money.asset}" if money is not None else NOTHING


def number(money: Money | None) -> str:
    """`1,234.50` without the asset, for columns that name it elsewhere."""
    return format_grouped(money.minor, money.asset) if money is not None else NOTHING


def digits_apart(text: str) -> str:
    """`1,499.00` of `1499.00`: every digit as it is, the thousands set apart; other text as it is."""
    whole, point, part = text.partition(".")
    digits = whole.removeprefix("-")
    return f"{int(whole):,}{point}{part}" if digits.isdecimal() and digits.isascii() else text


def signed(money: Money | None) -> str:
    """`+12.50` or `-12.50`: the sign is shown both ways, so that colour is not needed."""
    if money is None:
        return NOTHING
    return f"{'+' if money.minor > 0 else ''}{number(money)}"


def money_tone(money: Money | None) -> str:
    """The tone of a signed amount: money that came in stands out, money that went out is plain."""
    return "good" if money is not None and money.minor > 0 else ""


def amounts(moneys: Iterable[Money]) -> str:
    """Several assets beside one another, never added up."""
    return "   ".join(amount(money) for money in moneys) or NOTHING


def count(quantity: int) -> str:
    """`1,204`."""
    return f"{quantity:,}"


def counted(quantity: int, one: str, many: str = "") -> str:
    """`1 entry`, `1,204 entries`."""
    return f"{quantity:,} {one if quantity == 1 else many or one + 's'}"


class Times:
    """Instants as people in one zone read them: the zone is the ledger's, not the machine's."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone

    def local(self, instant: datetime) -> datetime:
        """The same instant on the ledger's wall clock."""
        return instant.astimezone(self._zone)

    def stamp(self, instant: datetime | None) -> str:
        """`2026-08-21 09:14`, or a dash."""
        return NOTHING if instant is None else f"{self.local(instant):%Y-%m-%d %H:%M}"

    def full(self, instant: datetime | None) -> str:
        """`2026-08-21 09:14:07 UTC`, or a dash."""
        return NOTHING if instant is None else f"{self.local(instant):%Y-%m-%d %H:%M:%S %Z}"

    def short(self, instant: datetime | None) -> str:
        """`08-21 09:14`, or a dash."""
        return NOTHING if instant is None else f"{self.local(instant):%m-%d %H:%M}"


def ago(instant: datetime | None, now: datetime) -> str:
    """`5s ago`, `12m ago`, `3h ago`, `41d ago`; `in 3h` for what lies ahead, and `in 9y`."""
    if instant is None:
        return "never"
    seconds = int((now - instant).total_seconds())
    span = _span(abs(seconds))
    return f"{span} ago" if seconds >= 0 else f"in {span}"


def _span(seconds: int) -> str:
    if seconds >= 2 * YEAR_SECONDS:
        return f"{seconds // YEAR_SECONDS}y"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
