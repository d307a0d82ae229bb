"""Sheets of connecting gateways: what that takes, and what came of it."""

from __future__ import annotations

from typing import NamedTuple


class SecretSheet(NamedTuple):
    """One secret that a gateway is connected with: `word` in programs, `label` for people.

    `variable` is the environment variable it may be in, and `here` says whether it is.
    """

    word: str
    label: str
    looks_like: str
    optional: bool = False
    variable: str = ""
    here: bool = False


class RightSheet(NamedTuple):
    """A right of a key, as the gateway's own pages call it, and what it is for.

    `word` is what a trial of the key calls it when it is missing, if it can be tried. Without a right
    that is not `needed`, only that purpose fails.
    """

    word: str
    name: str
    purpose: str
    needed: bool = True


class NeedsSheet(NamedTuple):
    """What a gateway is connected with, and where it is made: addresses for test and live keys."""

    make: str
    title: str
    test_place: str
    live_place: str
    secrets: tuple[SecretSheet, ...]
    rights: tuple[RightSheet, ...]
    remarks: tuple[str, ...]


class ConnectionSheet(NamedTuple):
    """A gateway whose key was tried just now: whose account it opens, in which mode.

    `key` says in words where the key is; `missing`: rights that it lacks, each with what it is for,
    none of them one that the desk cannot do without.
    """

    name: str
    make: str
    account: str
    mode: str
    key: str
    missing: tuple[str, ...] = ()


class DisconnectionSheet(NamedTuple):
    """A gateway that is no longer asked, and what is open there; `key` says where its key went."""

    name: str
    make: str
    account: str
    mode: str
    key: str
    open_payments: int
    open_refunds: int
    open_disputes: int
