"""The Python door of billdesk: a billing desk over one double-entry ledger.

    from billdesk import open_desk

    with open_desk("shop.ledger") as desk:
        desk.charges.create("acme", "12.50", reference="lead:42", subject="lead 42")

Importing this package costs nothing: each name is loaded when it is first used.
"""

from __future__ import annotations

# What `typing` offers under this name takes as long to import as Python itself.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from billdesk.core.desk import ChargeRequest as ChargeRequest
    from billdesk.core.desk import Desk as Desk
    from billdesk.core.desk import create_ledger as create_ledger
    from billdesk.core.desk import grant as grant
    from billdesk.core.desk import migrate as migrate
    from billdesk.core.desk import open_desk as open_desk
    from billdesk.core.desk import restore as restore
    from billdesk.core.rules.gateway import Gateway as Gateway
    from billdesk.core.rules.invoices import LineDraft as LineDraft
    from billdesk.core.rules.sheets import EntryFilter as EntryFilter
    from billdesk.core.values.clock import Clock as Clock
    from billdesk.core.values.clock import MovingClock as MovingClock
    from billdesk.core.values.clock import SystemClock as SystemClock
    from billdesk.core.values.errors import AccountClosed as AccountClosed
    from billdesk.core.values.errors import AlreadyCorrected as AlreadyCorrected
    from billdesk.core.values.errors import AlreadyExists as AlreadyExists
    from billdesk.core.values.errors import AtWork as AtWork
    from billdesk.core.values.errors import BadInput as BadInput
    from billdesk.core.values.errors import BilldeskError as BilldeskError
    from billdesk.core.values.errors import Broken as Broken
    from billdesk.core.values.errors import ControlError as ControlError
    from billdesk.core.values.errors import FloorInUse as FloorInUse
    from billdesk.core.values.errors import GatewayBusy as GatewayBusy
    from billdesk.core.values.errors import GatewayError as GatewayError
    from billdesk.core.values.errors import GatewayUnreachable as GatewayUnreachable
    from billdesk.core.values.errors import HoldNotOpen as HoldNotOpen
    from billdesk.core.values.errors import InsufficientFunds as InsufficientFunds
    from billdesk.core.values.errors import KeyNotHere as KeyNotHere
    from billdesk.core.values.errors import KeyRefused as KeyRefused
    from billdesk.core.values.errors import NotALedger as NotALedger
    from billdesk.core.values.errors import NotAllowed as NotAllowed
    from billdesk.core.values.errors import NotFound as NotFound
    from billdesk.core.values.errors import NotOffered as NotOffered
    from billdesk.core.values.errors import ReadOnly as ReadOnly
    from billdesk.core.values.errors import ReferenceReused as ReferenceReused
    from billdesk.core.values.errors import Refused as Refused
    from billdesk.core.values.errors import SchemaMismatch as SchemaMismatch
    from billdesk.core.values.errors import StoreBusy as StoreBusy
    from billdesk.core.values.errors import StoreError as StoreError
    from billdesk.core.values.errors import StoreFull as StoreFull
    from billdesk.core.values.errors import StoreGone as StoreGone
    from billdesk.core.values.errors import WalletFrozen as WalletFrozen
    from billdesk.core.values.money import Money as Money
    from billdesk.core.values.money import allocate as allocate

_HOME = {
    **dict.fromkeys(
        ("ChargeRequest", "Desk", "create_ledger", "grant", "migrate", "open_desk", "restore"),
        "billdesk.core.desk",
    ),
    "Gateway": "billdesk.core.rules.gateway",
    "LineDraft": "billdesk.core.rules.invoices",
    "EntryFilter": "billdesk.core.rules.sheets",
    **dict.fromkeys(("Clock", "MovingClock", "SystemClock"), "billdesk.core.values.clock"),
    **dict.fromkeys(("Money", "allocate"), "billdesk.core.values.money"),
    **dict.fromkeys(
        (
            "AccountClosed",
            "AlreadyCorrected",
            "AlreadyExists",
            "AtWork",
            "BadInput",
            "BilldeskError",
            "Broken",
            "ControlError",
            "FloorInUse",
            "GatewayBusy",
            "GatewayError",
            "GatewayUnreachable",
            "HoldNotOpen",
            "InsufficientFunds",
            "KeyNotHere",
            "KeyRefused",
            "NotALedger",
            "NotAllowed",
            "NotFound",
            "NotOffered",
            "ReadOnly",
            "ReferenceReused",
            "Refused",
            "SchemaMismatch",
            "StoreBusy",
            "StoreError",
            "StoreFull",
            "StoreGone",
            "WalletFrozen",
        ),
        "billdesk.core.values.errors",
    ),
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'billdesk' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
