"""gateway needs, add, check, list, remove and account gateway, against pretended gateways."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from billdesk.core.values.clock import SystemClock
from tests.cli.conftest import Run, Shell
from tests.cli.test_start import loaded_by
from tests.cli.test_terminal import Terminal
from tests.core.keyrings import MemoryKeyring, keys
from tests.gateway_servers import paypal_server, paystack_server, stripe_books
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paystack_scene import PaystackScene
from tests.gateway_servers.stripe_scene import KEY, WEBHOOK_SECRET, StripeScene

__all__ = ["keys"]


@pytest.fixture
def stripe() -> Iterator[StripeScene]:
    scene = StripeScene(SystemClock())
    yield scene
    scene.close()


@pytest.fixture
def paypal() -> Iterator[PayPalScene]:
    scene = PayPalScene(SystemClock())
    yield scene
    scene.close()


@pytest.fixture
def paystack() -> Iterator[PaystackScene]:
    scene = PaystackScene(SystemClock())
    yield scene
    scene.close()


@pytest.fixture
def shop_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a variable of the operator's own that holds Stripe's key."""
    monkeypatch.setenv("SHOP_KEY", KEY)
    return "SHOP_KEY"


def add_stripe(shell: Shell, scene: StripeScene, *more: str) -> dict[str, object]:
    added: dict[str, object] = shell.done(
        "gateway", "add", "stripe", "--key-from-env", "SHOP_KEY",
        "--base-url", scene.server.url, *more,
    )  # fmt: skip
    return added


def row_of(shell: Shell, name: str) -> dict[str, object]:
    rows: list[dict[str, object]] = shell.done("gateway", "list")["rows"]
    return next(row for row in rows if row["name"] == name)


def test_stripe_is_connected_listed_paid_by_and_removed(
    shell: Shell, stripe: StripeScene, keys: MemoryKeyring, shop_key: str
) -> None:
    added = add_stripe(shell, stripe)
    assert added == {
        "name": "stripe", "make": "stripe", "account": stripe_books.ACCOUNT, "mode": "test",
        "key": "in the keyring", "missing": [],
    }  # fmt: skip
    row = row_of(shell, "stripe")
    assert (row["account"], row["mode"], row["key"]) == (
        stripe_books.ACCOUNT, "test", "in the keyring"
    )  # fmt: skip
    asked = shell.done("deposit", "acme", "25.00")
    assert asked["gateway"] == "stripe"
    assert shell("gateway", "check", "stripe").out.splitlines() == [
        f"stripe answers: stripe account {stripe_books.ACCOUNT}, test mode: no real money",
        "  the key: in the keyring",
    ]
    removed = shell("gateway", "remove", "stripe", "--yes")
    first, second = removed.out.splitlines()
    assert first.startswith(f"stripe is removed (stripe account {stripe_books.ACCOUNT}, test); ")
    assert first.endswith("its key was taken out of the keyring")
    assert second == "nobody asks any more about its 1 open payment: see billdesk payments"
    assert keys.kept == {}
    assert [each["name"] for each in shell.done("gateway", "list")["rows"]] == ["sandbox"]
    assert shell.done("payments", "--status", "pending")["rows"][0]["gateway"] == "stripe"
    assert shell.refused("gateway", "check", "stripe") == (4, "not_found")


def test_the_list_says_mode_account_and_place_of_key_in_words(
    shell: Shell, stripe: StripeScene, keys: MemoryKeyring, shop_key: str
) -> None:
    add_stripe(shell, stripe)
    keys.kept.clear()
    headings, *lines = shell("gateway", "list").out.splitlines()
    assert headings.split("  ")[0] == "GATEWAY"
    [line] = [line for line in lines if line.startswith("stripe")]
    assert "test" in line
    assert "not on this machine" in line
    assert stripe_books.ACCOUNT in line
    answer = shell("poll")
    assert "the key of stripe is not on this machine" in answer.out + answer.err
    # It is this machine's trouble, not the gateway's: nothing of it is kept for all.
    row = row_of(shell, "stripe")
    assert (row["last_error"], row["quiet_until"]) == (None, None)
    assert shell.done("tick")["errors"] == []


def test_all_keys_are_tried_and_one_that_fails_does_not_hide_the_others(
    shell: Shell, stripe: StripeScene, keys: MemoryKeyring, shop_key: str
) -> None:
    add_stripe(shell, stripe)
    everything = shell("gateway", "check")
    assert everything.status == 0
    assert everything.out.splitlines()[0].startswith("sandbox answers: sandbox account")
    keys.kept.clear()
    answer = shell("--json", "gateway", "check")
    assert answer.status == 5
    by_name = {row["name"]: row for row in answer.json["rows"]}
    assert by_name["sandbox"]["key"] == "none is needed"
    assert by_name["stripe"]["code"] == "key_not_here"
    spoken = shell("gateway", "check")
    assert spoken.status == 5
    assert "stripe: the key of stripe is not on this machine" in spoken.out
    assert "BILLDESK_GATEWAY_STRIPE_KEY" in spoken.out


def test_paypal_takes_two_secrets_a_line_each(
    process: Run, shell: Shell, paypal: PayPalScene, monkeypatch: pytest.MonkeyPatch,
    keys: MemoryKeyring,
) -> None:  # fmt: skip
    monkeypatch.setenv("PAYPAL_ID", paypal_server.CLIENT_ID)
    monkeypatch.setenv("PAYPAL_SECRET", paypal_server.SECRET)
    added = shell.done(
        "gateway", "add", "paypal", "--name", "paypal-eu", "--key-from-env", "PAYPAL_ID",
        "--key-from-env", "PAYPAL_SECRET", "--base-url", paypal.server.url, "--webhook-id", "WH-1",
    )  # fmt: skip
    assert (added["name"], added["mode"]) == ("paypal-eu", "test")
    assert shell.refused("gateway", "add", "paypal", "--key-from-env", "PAYPAL_ID") == (
        2, "bad_input"
    )  # fmt: skip

    lines = f"{paypal_server.CLIENT_ID}\n\n{paypal_server.SECRET}\n"
    words = ("--ledger", str(shell.ledger), "gateway", "add", "paypal", "--key", "-")
    named = ("--name", "paypal-eu", "--base-url", paypal.server.url)
    done = process(*words, *named, given=lines)
    # Both parts were taken and tried; that process's own keyring keeps nothing.
    assert done.status == 3
    variables = "BILLDESK_GATEWAY_PAYPAL_EU_CLIENT_ID and BILLDESK_GATEWAY_PAYPAL_EU_SECRET"
    assert variables in done.err
    assert process(*words, given="only one line\n").status == 2


def test_paystack_is_connected_from_its_own_variables(
    process: Run, shell: Shell, paystack: PaystackScene
) -> None:
    settings = {
        "BILLDESK_GATEWAY_PAYSTACK_KEY": paystack_server.SECRET_KEY,
        "BILLDESK_GATEWAY_PAYSTACK_BASE_URL": paystack.server.url,
    }
    words = ("--ledger", str(shell.ledger), "gateway")
    assert "is set" in process(*words, "needs", "paystack", **settings).out
    done = process(*words, "add", "paystack", **settings)
    assert done.status == 0, done
    assert "test mode: no real money" in done.out
    assert "in the environment" in done.out
    assert process(*words, "check", "paystack", **settings).status == 0
    assert process(*words, "check", "paystack").status == 5
    assert paystack_server.SECRET_KEY not in process(*words, "list", **settings).out


def test_what_has_no_place_with_a_key_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, stripe: StripeScene
) -> None:
    answer = shell("gateway", "add", "paypal", "--webhook-secret")
    assert (answer.status, "signs without a secret" in answer.err) == (2, True)
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", KEY)
    answer = shell("gateway", "add", "stripe", "--base-url", stripe.server.url)
    assert (answer.status, "belongs where the key is" in answer.err) == (2, True)
    assert stripe.requests() == []


def test_a_charge_loads_neither_keyring_nor_adapter_though_a_gateway_is_connected(
    shell: Shell, stripe: StripeScene, keys: MemoryKeyring, shop_key: str
) -> None:
    add_stripe(shell, stripe)
    modules = loaded_by("--ledger", str(shell.ledger), "charge", "acme", "1", "--reference", "r")
    assert {"keyring", "stripe", "httpx"} & modules == set()
    assert "billdesk.core.gateways.stripe" not in modules


def test_a_key_is_never_an_argument(shell: Shell, stripe: StripeScene) -> None:
    answer = shell("gateway", "add", "stripe", "--key", KEY, "--base-url", stripe.server.url)
    assert answer.status == 2
    assert "history" in answer.err
    assert KEY not in answer.out + answer.err
    assert stripe.requests() == []


def test_where_nobody_can_type_the_answer_says_where_a_key_may_come_from(shell: Shell) -> None:
    answer = shell("gateway", "add", "stripe")
    assert answer.status == 2
    assert "gateway needs stripe" in answer.err
    needs = shell("gateway", "needs", "stripe").out
    assert "https://dashboard.stripe.com/test/apikeys" in needs
    assert "BILLDESK_GATEWAY_STRIPE_KEY" in needs
    assert "Events: read" in needs
    assert "to hear what happened" in needs
    assert "RIGHT" not in shell("gateway", "needs", "paystack").out
    assert shell.done("gateway", "needs", "paypal")["secrets"][0]["word"] == "client_id"


def test_live_and_test_keys_are_told_apart_before_anybody_is_asked(
    shell: Shell, stripe: StripeScene, monkeypatch: pytest.MonkeyPatch, shop_key: str
) -> None:
    add = (
        "gateway",
        "add",
        "stripe",
        "--key-from-env",
        "SHOP_KEY",
        "--base-url",
        stripe.server.url,
    )
    assert shell.refused(*add, "--live") == (2, "bad_input")
    assert shell.refused(*add, "--live", "--yes") == (2, "bad_input")
    monkeypatch.setenv("SHOP_KEY", "sk_live_51abc")
    assert "add --live" in shell(*add).err
    assert stripe.requests() == []


def test_a_missing_right_is_told_with_its_purpose(
    shell: Shell, stripe: StripeScene, keys: MemoryKeyring, shop_key: str
) -> None:
    stripe.server.lacking = {"events"}
    add = (
        "gateway",
        "add",
        "stripe",
        "--key-from-env",
        "SHOP_KEY",
        "--base-url",
        stripe.server.url,
    )
    answer = shell(*add)
    assert answer.status == 5
    assert "Events: read (to hear what happened, without a public address)" in answer.err
    stripe.server.lacking = {"account"}
    assert "nobody says whose account the key of stripe opens" in shell(*add).err
    # As Stripe answers a restricted key.
    stripe.server.lacking, stripe.server.names_account = {"account", "invoices"}, True
    added = shell(*add)
    assert added.out.startswith(f"stripe is connected to stripe account {stripe_books.ACCOUNT}, ")
    assert "it lacks a right: Invoices: read" in added.out


def test_a_key_typed_at_a_terminal_is_not_shown(shell: Shell, stripe: StripeScene) -> None:
    terminal = Terminal(
        shell, "gateway", "add", "stripe", "--webhook-secret", "--base-url", stripe.server.url
    )
    try:
        terminal.wait_for("Stripe's secret or restricted key (not shown): ")
        assert "dashboard.stripe.com" in terminal.shown
        terminal.type(f"{KEY}\n")
        terminal.wait_for("secret of its messages (not shown): ")
        terminal.type(f"{WEBHOOK_SECRET}\n")
        # The key was tried, and there is no keyring in the tests' surroundings to keep it.
        assert terminal.end() == 3, terminal.shown
        assert "no keyring" in terminal.shown
        assert KEY not in terminal.shown
        assert WEBHOOK_SECRET not in terminal.shown
        assert stripe.requests() != []
    finally:
        terminal.close()


@pytest.mark.parametrize(("word", "status"), [("LIVE", 3), ("live", 2)])
def test_real_money_needs_the_word_typed(shell: Shell, word: str, status: int) -> None:
    terminal = Terminal(shell, "gateway", "add", "stripe", "--live")
    try:
        terminal.wait_for("Stripe in live mode moves real money. Type live to go on: ")
        terminal.type(f"{word}\n")
        if status == 2:
            terminal.wait_for("(not shown): ")
            terminal.type("\x04")
        assert terminal.end() == status
    finally:
        terminal.close()


def test_removing_needs_the_name_typed_or_yes(
    shell: Shell, stripe: StripeScene, keys: MemoryKeyring, shop_key: str
) -> None:
    add_stripe(shell, stripe)
    assert shell.refused("gateway", "remove", "stripe") == (2, "bad_input")
    assert shell.refused("gateway", "remove", "sandbox", "--yes") == (3, "refused")
    assert shell.refused("gateway", "remove", "nobody", "--yes") == (4, "not_found")
    assert row_of(shell, "stripe")["key"] == "in the keyring"


def test_an_account_pays_by_the_gateway_that_was_chosen_for_it(
    shell: Shell, stripe: StripeScene, keys: MemoryKeyring, shop_key: str
) -> None:
    add_stripe(shell, stripe, "--name", "stripe-eu")
    assert shell("account", "gateway", "acme").out == "acme pays by whatever the desk chooses\n"
    assert shell.done("account", "gateway", "acme", "sandbox")["gateway"] == "sandbox"
    assert shell("account", "gateway", "acme").out == "acme pays by sandbox\n"
    assert shell.done("deposit", "acme", "25.00")["gateway"] == "sandbox"
    assert shell.done("account", "gateway", "acme", "none")["gateway"] is None
    assert shell.done("deposit", "acme", "25.00")["gateway"] == "stripe-eu"
    assert shell.refused("account", "gateway", "acme", "nobody") == (4, "not_found")
    assert shell.refused("account", "gateway", "house", "sandbox") == (3, "refused")


def test_the_key_is_nowhere_but_in_the_keyring(
    shell: Shell, stripe: StripeScene, keys: MemoryKeyring, home: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("SHOP_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    printed = [str(add_stripe(shell, stripe))]
    for words in (
        ("gateway", "list"), ("gateway", "check"), ("gateway", "needs", "stripe"),
        ("deposit", "acme", "25.00"), ("poll",), ("audit",), ("payments",), ("facts",),
        ("overview",), ("doctor",), ("backup", str(tmp_path / "backup")),
        ("gateway", "add", "stripe", "--name", "x", "--key", KEY),
        ("gateway", "add", "paystack", "--key-from-env", "SHOP_KEY", "--live", "--yes"),
        ("gateway", "add", "paypal", "--key-from-env", "SHOP_KEY"),
        ("gateway", "remove", "stripe"),
    ):  # fmt: skip
        printed += [answer.out + answer.err for answer in (shell(*words), shell("--json", *words))]
    stripe.server.lacking = {"account"}
    printed.append(str(shell("gateway", "check")))
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", KEY.replace("scene", "gone"))
    printed.append(str(shell("gateway", "check", "stripe")))
    everything = [*printed, caplog.text]
    for folder in (tmp_path, home):
        files = [file for file in folder.rglob("*") if file.is_file()]
        everything += [file.read_bytes().decode("latin-1") for file in files]
    assert sum(stripe_books.ACCOUNT in text for text in everything) > 3
    for text in everything:
        assert KEY not in text
        assert KEY.replace("scene", "gone") not in text
    [kept] = keys.kept.values()
    assert KEY in kept
    assert keyring.get_keyring() is keys
