"""What applying a catalog changes: what is new, gets a new version or is retired, and what must stay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, NamedTuple

from billdesk.core.rules.catalog import Sort
from billdesk.core.rules.catalog_bodies import Key

Change = Literal["added", "changed", "retired"]

_FIXED: Mapping[Sort, str] = {"meter": "decimals", "schedule": "months"}
_SECTIONS: Mapping[Sort, str] = {"meter": "meters", "schedule": "schedules", "tax": "taxes"}


class Version(NamedTuple):
    """The newest version of a thing that a ledger knows; a retired one is sold no more."""

    version: int
    body: str
    retired: bool


class ItemChange(NamedTuple):
    """One thing that changes. `body` is the new one; a retired thing keeps its `version` and has none.

    `before` is the body of the version it replaces, if one is sold now.
    """

    key: Key
    change: Change
    version: int
    body: str | None
    before: str | None


def item_changes(known: Mapping[Key, Version], wanted: Mapping[Key, str]) -> tuple[ItemChange, ...]:
    """What must change so that exactly `wanted` (bodies by key) is sold, in its order; retired last.

    A thing that was retired and comes back goes on counting its versions.
    """
    changes = []
    for key, body in wanted.items():
        old = known.get(key)
        if old is None:
            changes.append(ItemChange(key, "added", 1, body, None))
        elif old.retired:
            changes.append(ItemChange(key, "added", old.version + 1, body, None))
        elif old.body != body:
            changes.append(ItemChange(key, "changed", old.version + 1, body, old.body))
    for key, old in known.items():
        if key not in wanted and not old.retired:
            changes.append(ItemChange(key, "retired", old.version, None, old.body))
    return tuple(changes)


class Conflict(NamedTuple):
    """Something in a file that cannot follow what a ledger has: where, what, and a remedy."""

    path: tuple[str, ...]
    message: str
    hint: str


def conflicts(
    known: Mapping[Key, Version], wanted: Mapping[Key, str], needed: Mapping[Key, int]
) -> tuple[Conflict, ...]:
    """What must not change, or go: how finely a meter counts, how long a schedule is, what is in use.

    `needed` tells how many subscriptions or accounts go by a meter, tax or schedule; they would be
    billed wrongly, or not at all, without it.
    """
    found = []
    for key, body in wanted.items():
        old = known.get(key)
        fixed = _FIXED.get(key[0])
        if old is not None and fixed is not None:
            before, after = (json.loads(each)[fixed] for each in (old.body, body))
            if before != after:
                found.append(_changed(key, fixed, before, after))
    found.extend(
        _gone(key, count) for key, count in needed.items() if key in known and key not in wanted
    )
    return tuple(found)


def _changed(key: Key, fixed: str, before: int, after: int) -> Conflict:
    sort, code = key
    return Conflict(
        (_SECTIONS[sort], code, fixed),
        f"the {fixed} of {code} were {before}, and cannot become {after}",
        f"write {before}, or give the new {sort} a code of its own",
    )


def _gone(key: Key, count: int) -> Conflict:
    sort, code = key
    who = ["subscription", "account"] if sort == "tax" else ["subscription"]
    many = count > 1
    still = f"{count:,} {' or '.join(f'{each}s' if many else each for each in who)}"
    still = f"{still} still {'go' if many else 'goes'}"
    return Conflict(
        (_SECTIONS[sort], code), f"{still} by the {sort} {code}", "keep it until nobody does"
    )
