"""A forked child leaves the files and connections of its parent alone.

A lock held through an inherited descriptor outlives the parent, and neither SQLite's nor Postgres's
connections may be used on both sides of a fork (https://sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_).
"""

from __future__ import annotations

import os
import sys
from typing import Protocol
from weakref import WeakSet


class Place(Protocol):
    """Something that holds files or connections."""

    def forget_parent(self) -> None:
        """Start afresh in a child."""
        ...


_PLACES: WeakSet[Place] = WeakSet()


def watch(place: Place) -> None:
    """Have `place` start afresh in every child that is forked from now on."""
    _PLACES.add(place)


def _in_child() -> None:
    for place in list(_PLACES):
        place.forget_parent()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_in_child)
