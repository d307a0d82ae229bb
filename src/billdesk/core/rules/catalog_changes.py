"""What applying a catalog changes: which things are new, which get a new version, which are retired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from billdesk.core.rules.catalog_bodies import Key

Change = Literal["added", "changed", "retired"]


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
