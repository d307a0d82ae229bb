"""One tree of errors, which a shell and a screen can tell apart without reading prose."""

from __future__ import annotations

from billdesk.core.values import errors
from billdesk.core.values.errors import BilldeskError, Broken

KINDS = [getattr(errors, name) for name in errors.__all__ if name != "Broken"]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = {kind.code for kind in KINDS}
    assert len(codes) == len(KINDS)
    assert all(code == code.lower() and code.isidentifier() for code in codes)


def test_a_door_can_tell_what_kind_of_no_it_was() -> None:
    statuses = {kind.__name__: kind.exit_status for kind in KINDS}
    assert statuses["BadInput"] == 2
    assert statuses["InsufficientFunds"] == 3
    assert statuses["NotFound"] == 4
    assert statuses["GatewayUnreachable"] == 5
    assert statuses["StoreBusy"] == 6


def test_message_and_hint_can_be_shown_as_they_are() -> None:
    error = errors.StoreBusy("busy", "wait")
    assert (str(error), error.message, error.hint) == ("busy", "busy", "wait")
    assert BilldeskError("x").hint == ""


def test_what_may_work_later_says_so() -> None:
    assert {kind.__name__ for kind in KINDS if kind.retry} == {
        "AtWork",
        "ControlError",
        "GatewayBusy",
        "GatewayUnreachable",
        "InsufficientFunds",
        "StoreBusy",
        "StoreFull",
        "StoreGone",
        "WalletFrozen",
    }


def test_nobody_catches_a_bug_of_ours_by_accident() -> None:
    assert not issubclass(Broken, BilldeskError)
