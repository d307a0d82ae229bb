"""How fast a long job goes, and how long the rest of it takes at that rate."""

from __future__ import annotations


def pace(done: int, seconds: float, left: int) -> str:
    """`250/s, 1:20 left` in minutes and seconds; nothing before a rate is known."""
    if done <= 0 or seconds <= 0:
        return ""
    rate = done / seconds
    minutes, rest = divmod(round(left / rate), 60)
    return f"{rate:,.0f}/s, {minutes}:{rest:02d} left"
