"""method, topup, alert, retry."""

from __future__ import annotations

import time
import webbrowser

import pytest

from billdesk.core.gateways.sandbox import Sandbox
from tests.cli.conftest import Json, Shell
from tests.cli.test_hostile_input import AMOUNTS
from tests.cli.test_terminal import Terminal


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was asked to open."""
    links: list[str] = []

    def open_page(url: str) -> bool:
        links.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    return links


def save(shell: Shell, *, declines: bool = False) -> Json:
    """Have acme save a method at the sandbox, and the desk know it."""
    known = {each["id"] for each in shell.done("method", "list", "acme")["rows"]}
    sandbox = Sandbox(f"{shell.ledger}.sandbox")
    sandbox.save_method(sandbox.ensure_customer("acme", "Acme Ltd", None), declines=declines)
    if not known:
        # Whoever has nothing saved is no customer yet.
        shell.done("method", "add", "acme")
    rows = shell.done("method", "refresh", "acme")["rows"]
    return next(each for each in rows if each["id"] not in known)


def test_a_method_is_saved_on_the_gateways_own_page(shell: Shell, opened: list[str]) -> None:
    answer = shell("method", "add", "acme", "--gateway", "sandbox", "--open")
    assert answer.status == 0
    line, address = answer.out.splitlines()
    assert line == "acme saves a way to pay at sandbox"
    assert address.startswith("https://sandbox.invalid/save/")
    assert opened == [address]
    assert shell("method", "list", "acme").err == "nothing found\n"

    deadline = time.monotonic() + 20
    while not (rows := shell.done("method", "refresh", "acme")["rows"]):
        assert time.monotonic() < deadline, "nothing was saved"
        time.sleep(0.1)
    [method] = rows
    assert method["role"] == "default"
    assert method["label"] in shell("method", "list", "acme").out
    shown = shell("method", "show", method["id"]).out
    assert method["label"] in shown
    assert "sandbox (test)" in shown


def test_methods_are_ranked(shell: Shell) -> None:
    first, second = save(shell), save(shell)
    assert "is charged where the default is declined" in shell("method", "backup", second["id"]).out
    assert "is charged first" in shell("method", "default", second["id"]).out
    assert "is neither default nor backup" in shell("method", "plain", second["id"]).out
    shell.done("method", "default", first["id"])
    roles = {each["id"]: each["role"] for each in shell.done("method", "list", "acme")["rows"]}
    assert roles == {first["id"]: "default", second["id"]: ""}


def test_a_method_is_removed_only_by_who_types_the_end_of_its_label(shell: Shell) -> None:
    method = save(shell)
    assert shell.refused("method", "remove", method["id"]) == (2, "bad_input")
    digits = method["label"].split()[-1]
    for word, status in (("0000x", 3), (digits, 0)):
        terminal = Terminal(shell, "method", "remove", method["id"])
        try:
            terminal.wait_for("to go on: ")
            terminal.type(f"{word}\n")
            assert terminal.end() == status
        finally:
            terminal.close()
    assert shell.done("method", "list", "acme")["rows"] == []
    assert shell("method", "remove", method["id"], "--yes").status == 0


def test_what_is_not_there_is_said(shell: Shell) -> None:
    assert shell.refused("method", "show", "pm_x") == (4, "not_found")
    assert shell.refused("method", "default", "pm_x") == (4, "not_found")
    assert shell.refused("method", "remove", "pm_x", "--yes") == (4, "not_found")
    assert shell.refused("retry", "pay_x") == (4, "not_found")


def test_a_low_wallet_is_topped_up_and_told_of_by_a_tick(shell: Shell) -> None:
    method = save(shell)
    line = shell("topup", "set", "acme", "--below", "120", "--amount", "50", "--daily", "200").out
    assert line == "acme is topped up by 50.00 USD below 120.00 USD, 200.00 USD a day at most\n"
    assert shell("alert", "set", "acme", "110").out == "acme USD is told of below 110.00 USD\n"
    assert shell.refused("method", "remove", method["id"], "--yes") == (3, "refused")
    out = shell("tick").out
    assert "1 top-up" in out
    assert "1 low wallet told" in out
    assert shell.balance() == "150.00"
    assert "top-up" not in shell("tick").out

    [row] = shell.done("topup", "show")["rows"]
    assert (row["account_ref"], row["topup_below"]["text"]) == ("acme", "120.00")
    assert "120.00 USD" in shell("topup", "show").out
    assert "110.00 USD" in shell("topup", "show", "acme").out
    assert "is told of no more" in shell("alert", "clear", "acme", "--asset", "USD").out
    stopped = shell("topup", "stop", "acme").out
    assert stopped.endswith("; not now: stopped by hand\n")
    assert "not now" not in shell("topup", "resume", "acme").out


def test_a_top_up_without_a_saved_method_is_refused(shell: Shell) -> None:
    wanted = ("topup", "set", "acme", "--below", "20", "--amount", "50")
    assert shell.refused(*wanted) == (3, "refused")
    assert shell.refused("topup", "stop", "acme") == (3, "refused")


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_that_is_none_is_not_watched_for(shell: Shell, amount: str) -> None:
    save(shell)
    for words in (
        ["alert", "set", "acme", amount],
        ["topup", "set", "acme", "--below", amount, "--amount", "50"],
        ["topup", "set", "acme", "--below", "20", "--amount", amount],
        ["topup", "set", "acme", "--below", "20", "--amount", "50", "--daily", amount],
    ):
        assert shell.refused(*words)[0] == 2, words
    assert shell.done("topup", "show")["rows"] == []


def test_a_payment_that_failed_is_asked_for_by_a_new_link(shell: Shell, opened: list[str]) -> None:
    failed = declined_deposit(shell)
    answer = shell("retry", failed, "--open")
    assert answer.status == 0, answer
    line, link = answer.out.splitlines()
    assert line.startswith("66.02 USD of acme: a new link (pay_")
    assert opened == [link]
    assert shell.refused("retry", failed) == (3, "refused")


def test_a_payment_that_failed_is_taken_from_what_is_saved_if_asked(shell: Shell) -> None:
    failed = declined_deposit(shell)
    assert shell.refused("retry", failed, "--saved") == (3, "refused")
    method = save(shell, declines=True)
    line = shell("retry", failed, "--saved").out
    assert line.startswith(f"66.02 USD of acme from {method['label']}: failed: ")
    shell.done("method", "default", save(shell)["id"])
    assert ": succeeded (pay_" in shell("retry", failed, "--saved").out
    assert shell.balance() == "166.02"


def declined_deposit(shell: Shell) -> str:
    """A deposit that the customer's bank said no to; nobody pays this amount before it does."""
    payment = shell.done("deposit", "acme", "66.02")
    Sandbox(f"{shell.ledger}.sandbox").decline(payment["external_id"], "no money")
    shell.done("poll")
    failed = shell.done("payments", payment["id"])
    assert failed["status"] == "failed"
    return str(failed["id"])
