"""A gateway's link: what the ledger knows of a connected gateway."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from billdesk.core.rules.gateway import Make, Mode


class Link(NamedTuple):
    """A gateway that is connected, as the ledger has it; its secrets are never there."""

    name: str
    make: Make
    account: str
    mode: Mode
    settings: Mapping[str, str] = MappingProxyType({})
    removed: bool = False
