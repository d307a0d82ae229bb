"""How a filter line for entries reads: the pairs it knows and the filter they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billdesk.core.values.clock import parse_instant
from billdesk.core.values.errors import BadInput

if TYPE_CHECKING:
    from datetime import datetime

    from billdesk.core.rules.sheets import EntryFilter
    from billdesk.screens.filter_line import Query

ENTRY_NAMES = ("kind", "account", "since", "until", "asof", "ref", "asset")
TEXT_LENGTH_LEAST = 3
MONTH_LENGTH = len("2026-08")


def entry_filter_of(query: Query) -> EntryFilter:
    """The desk's filter for what was typed. `asof:` is everything recorded before that instant.

    Raises BadInput for a date that is none, and for words too short to be looked for.
    """
    # Loaded when a filter is first used, not before the first frame.
    from billdesk.core.rules.sheets import EntryFilter  # noqa: PLC0415

    if query.words and len(query.words) < TEXT_LENGTH_LEAST:
        raise BadInput(
            f"{query.words!r} is too short to be looked for", "three characters at least"
        )
    asset, kind = query.get("asset"), query.get("kind")
    return EntryFilter(
        account=query.get("account"),
        kinds=tuple(kind.split(",")) if kind else (),
        since=_instant(query.get("since")),
        until=_instant(query.get("asof") or query.get("until")),
        reference=query.get("ref"),
        text=query.words or None,
        asset=asset.upper() if asset else None,
    )


def _instant(text: str | None) -> datetime | None:
    """A date or an instant; `2026-08` is the first of that month."""
    if text is None:
        return None
    return parse_instant(f"{text}-01" if len(text) == MONTH_LENGTH else text)
