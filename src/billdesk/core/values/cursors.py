"""Where the next page of a list begins: a number that the page before has handed out."""

from __future__ import annotations

from billdesk.core.values.errors import BadInput
from billdesk.core.values.ids import is_id
from billdesk.core.values.money import LARGEST_MINOR

_LONGEST = len(str(LARGEST_MINOR))


def read_cursor(after: str | None) -> int | None:
    """The number in a cursor; None for the first page.

    Raises BadInput for what no page has handed out: to begin again from the top in silence would
    make a script that pages through a list go round for ever.
    """
    if after is None:
        return None
    if after.isascii() and after.isdecimal() and len(after) <= _LONGEST:
        number = int(after)
        if number <= LARGEST_MINOR:
            return number
    raise _nowhere(after)


def read_id_cursor(after: str | None, prefix: str) -> str | None:
    """The id in a cursor of a list that goes on after an id; None for the first page.

    Raises BadInput for what is no id with this prefix.
    """
    if after is None or is_id(after, prefix):
        return after
    raise _nowhere(after)


def _nowhere(after: str) -> BadInput:
    return BadInput(
        f"{after[:40]!r} is not where a page ended", "pass on what the page before said"
    )
