"""invoice send, invoice sync, subscription sync."""

from __future__ import annotations

import webbrowser
from datetime import UTC, datetime

import pytest

from billdesk.core.gateways.sandbox import Sandbox
from billdesk.core.values.money import Money
from tests.cli.conftest import Shell

PRICE = Money(2_900, "USD")


def sandbox(shell: Shell) -> Sandbox:
    return Sandbox(f"{shell.ledger}.sandbox")


def subscribed(shell: Shell, who: str = "walk-in") -> str:
    """A customer of the sandbox subscribes there; its id of that."""
    gateway = sandbox(shell)
    customer_id = gateway.ensure_customer(who, "Walk In", None)
    return gateway.subscribe(customer_id, PRICE, datetime(2099, 1, 1, tzinfo=UTC)).object_id


def test_a_subscription_at_a_gateway_is_mirrored_once_its_account_is_named(shell: Shell) -> None:
    external_id = subscribed(shell)
    refused = shell("subscription", "sync", "sandbox", external_id)
    assert refused.status == 3
    assert "no account of ours is the customer" in refused.err
    sheet = shell.done("subscription", "sync", "sandbox", external_id, "--account", "acme")
    assert (sheet["account_ref"], sheet["status"], sheet["paid_by"]) == (
        "acme", "active", "elsewhere",
    )  # fmt: skip
    out = shell("subscription", "sync", "sandbox", external_id).out
    assert "sandbox-plan" in out
    assert "29.00 USD" in out


def test_an_invoice_at_a_gateway_is_mirrored_as_it_is_now(shell: Shell) -> None:
    external_id = subscribed(shell)
    shell.done("subscription", "sync", "sandbox", external_id, "--account", "acme")
    bill = sandbox(shell).bill(external_id).object_id
    assert shell.done("invoice", "sync", "sandbox", bill)["status"] == "open"
    sandbox(shell).pay_invoice(bill)
    out = shell("invoice", "sync", "sandbox", bill).out
    assert "paid" in out
    assert "SBX-" in out


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was asked to open."""
    links: list[str] = []

    def open_page(url: str) -> bool:
        links.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    return links


def test_an_invoice_of_ours_is_sent_once(shell: Shell, opened: list[str]) -> None:
    drafted = shell.done("invoice", "draft", "acme")
    shell.done("invoice", "add-line", drafted["id"], "Setup", "100.00")
    number = shell.done("invoice", "finalize", drafted["id"])["invoice_number"]
    sent = shell.done("invoice", "send", number, "--gateway", "sandbox", "--yes")
    assert (sent["total"]["minor"], sent["gateway"], sent["status"]) == (10_000, "sandbox", "open")
    again = shell("invoice", "send", number, "--yes", "--open")
    assert sent["external_id"] in again.out
    assert opened == [sent["url"]]


def test_what_is_not_there_is_not_found(shell: Shell) -> None:
    assert shell("invoice", "send", "INV-999999", "--yes").status == 4
    assert shell("invoice", "sync", "nowhere", "in_1").status == 4
    assert shell("subscription", "sync", "sandbox", "sub_1").status == 5
