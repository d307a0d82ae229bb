"""What `from billdesk import …` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import billdesk

EXPORTED = [
    "AccountClosed",
    "AlreadyCorrected",
    "AlreadyExists",
    "AtWork",
    "BadInput",
    "BilldeskError",
    "Broken",
    "ChargeRequest",
    "Clock",
    "ControlError",
    "Desk",
    "EntryFilter",
    "FloorInUse",
    "Gateway",
    "GatewayBusy",
    "GatewayError",
    "GatewayUnreachable",
    "HoldNotOpen",
    "InsufficientFunds",
    "KeyNotHere",
    "KeyRefused",
    "LineDraft",
    "Money",
    "MovingClock",
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
    "SystemClock",
    "WalletFrozen",
    "allocate",
    "create_ledger",
    "grant",
    "migrate",
    "open_desk",
    "restore",
]


def test_the_exported_names_are_these() -> None:
    assert sorted(billdesk.__all__) == EXPORTED
    assert set(EXPORTED) <= set(dir(billdesk))


@pytest.mark.parametrize("name", EXPORTED)
def test_each_exported_name_is_what_its_room_holds(name: str) -> None:
    value = getattr(billdesk, name)
    assert value.__name__ == name
    assert value.__module__.startswith("billdesk.core.")
    assert value is getattr(billdesk, name)


def test_every_error_of_the_tree_is_exported() -> None:
    from billdesk.core.values import errors

    assert set(errors.__all__) <= set(EXPORTED)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'open_shop'"):
        billdesk.open_shop  # noqa: B018 - the access is what is tested


def test_importing_loads_none_of_our_rooms_and_nobody_elses() -> None:
    code = (
        "import sys; before = set(sys.modules); import billdesk; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert "billdesk" in loaded
    assert loaded <= {"__future__", "billdesk"}  # a measuring process has __future__ already
