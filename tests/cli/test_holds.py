from __future__ import annotations

import pytest

from tests.cli.conftest import Shell


def place(shell: Shell, amount: str = "30.00", reference: str = "job:1") -> str:
    """The id of a new hold on acme."""
    words = ("hold", "acme", amount, "--reference", reference)
    return str(shell.done(*words, "--for", "24h", "--subject", "job 1")["id"])


def test_a_hold_is_no_longer_available_but_still_in_the_balance(shell: Shell) -> None:
    place(shell)
    balance = shell.done("balance", "acme")
    assert balance["balance"]["text"] == "100.00"
    assert balance["held"]["text"] == "30.00"
    assert balance["available"]["text"] == "70.00"


def test_capturing_a_part_frees_the_rest(shell: Shell) -> None:
    hold = place(shell)
    answer = shell("capture", hold, "10.00", "--subject", "a third")
    assert answer.out == f"acme captured: 10.00 USD ({hold})\n"
    balance = shell.done("balance", "acme")
    assert balance["balance"]["text"] == balance["available"]["text"] == "90.00"


def test_capturing_without_an_amount_takes_all(shell: Shell) -> None:
    assert shell.done("capture", place(shell))["captured"]["text"] == "30.00"
    assert shell.balance() == "70.00"


def test_what_a_capture_cannot_take_is_said_to_be_owed(shell: Shell) -> None:
    answer = shell("capture", place(shell), "130.00")
    assert "owes 30.00 USD" in answer.out


def test_a_hold_is_resolved_once(shell: Shell) -> None:
    hold = place(shell)
    assert shell("release", hold).out == f"acme released: 30.00 USD ({hold})\n"
    assert shell.done("release", hold)["replayed"] is True
    assert shell.refused("capture", hold) == (3, "hold_not_open")
    assert shell.done("balance", "acme")["available"]["text"] == "100.00"


def test_holds_are_listed_by_account_and_status_and_shown_alone(shell: Shell) -> None:
    first, second = place(shell), place(shell, "5.00", "job:2")
    shell.done("release", first)
    listed = shell.done("holds", "--account", "acme", "--status", "open")["rows"]
    assert [row["id"] for row in listed] == [second]
    assert {row["id"] for row in shell.done("holds")["rows"]} == {first, second}
    assert shell.done("holds", first)["status"] == "released"
    assert "status     released" in shell("holds", first).out
    assert second in shell("holds").out


@pytest.mark.parametrize("lasts", ["0h", "-1d", "soon", "٣d", "1e3s"])
def test_a_hold_lasts_for_a_time_that_can_be_read(shell: Shell, lasts: str) -> None:
    words = ("hold", "acme", "1.00", "--reference", "r", "--for", lasts)
    assert shell.refused(*words) == (2, "bad_input")


def test_a_hold_beyond_what_is_available_is_refused(shell: Shell) -> None:
    words = ("hold", "acme", "100.01", "--reference", "r")
    assert shell.refused(*words) == (3, "insufficient_funds")
