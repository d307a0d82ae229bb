"""Quantities of a meter: whole numbers of its smallest part, and the text people read."""

from __future__ import annotations


def format_parts(parts: int, decimals: int) -> str:
    """A whole number of smallest parts in the meter's unit, exactly: 1250 of 3 decimals → `1.250`."""
    sign = "-" if parts < 0 else ""
    if decimals == 0:
        return f"{sign}{abs(parts)}"
    whole, part = divmod(abs(parts), 10**decimals)
    return f"{sign}{whole}.{part:0{decimals}d}"


def group_digits(quantity: str) -> str:
    """A quantity's text with thousands set apart, for people: `1234567.250` → `1,234,567.25`.

    Zeros at the end of the part say nothing and are left out.
    """
    whole, point, part = quantity.partition(".")
    part = part.rstrip("0")
    return f"{int(whole):,}{point if part else ''}{part}"
