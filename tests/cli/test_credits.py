"""`billdesk credits` and `billdesk pack`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Shell

MEMO = "for a test of the shell"
CATALOG = """
[schedules.monthly]
name = "Monthly"
months = 1

[plans.pro]
name = "Pro"
prices.monthly = "10.00 USD"

[packs.small]
name = "100 credits"
credits = 100
price = "9.99 USD"

[packs.pros]
name = "For Pro"
credits = 500
price = "20.00 USD"
plans = ["pro"]
expires_days = 30
"""


@pytest.fixture
def shop(shell: Shell, tmp_path: Path) -> Shell:
    """A shell at a desk that sells packs."""
    path = tmp_path / "catalog.toml"
    path.write_text(CATALOG)
    assert shell("catalog", "apply", str(path), "--yes").status == 0
    return shell


def grant(shell: Shell, credits: str, *more: str) -> str:
    """The id of a new lot of acme's."""
    return str(shell.done("credits", "grant", "acme", credits, "--memo", MEMO, *more)["id"])


def test_credits_are_granted_and_shown(shell: Shell) -> None:
    answer = shell("credits", "grant", "acme", "500", "--memo", MEMO, "--expires", "2099-01-01")
    assert answer.out.startswith("acme has 500 credits more until 2099-01-01")
    grant(shell, "20", "--priority", "10", "--source", "manual", "--paid", "1.00")
    shown = shell("credits", "show", "acme").out
    assert "available            520" in shown
    assert "expires next         500 at 2099-01-01" in shown
    sheet = shell.done("credits", "show", "acme")
    assert [lot["source"] for lot in sheet["lots"]] == ["manual", "promotion"]
    assert sheet["lots"][0]["paid"]["text"] == "1.00"


def test_an_account_without_credits_says_so(shell: Shell) -> None:
    assert "expires next         -" in shell("credits", "show", "acme").out
    assert shell("credits", "lots", "acme").err == "nothing found\n"


def test_what_is_no_priority_is_refused(shell: Shell) -> None:
    answer = shell("credits", "grant", "acme", "5", "--memo", MEMO, "--priority", "high")
    assert (answer.status, "is no priority" in answer.err) == (2, True)


def test_lots_and_what_they_paid_for_are_listed(shell: Shell) -> None:
    lot = grant(shell, "10")
    charge = shell.done("charge", "acme", "10 CREDIT", "--reference", "r1", "--subject", "a job")
    assert shell.done("credits", "lots", "acme")["rows"] == []
    (used,) = shell.done("credits", "lots", "acme", "--all")["rows"]
    assert (used["id"], used["remaining"]) == (lot, 0)
    (use,) = shell.done("credits", "uses", "--posting", charge["id"])["rows"]
    assert (use["lot_id"], use["amount"], use["subject"]) == (lot, 10, "a job")
    assert "a job" in shell("credits", "uses", "--account", "acme", "--lot", lot).out


def test_expiry_can_be_asked_for(shell: Shell) -> None:
    assert shell("credits", "expire").out == "0 lots expired\n"


def test_packs_are_listed_for_everybody_and_for_one(shop: Shell) -> None:
    assert [pack["code"] for pack in shop.done("pack", "list")["rows"]] == ["small", "pros"]
    assert "9.99 USD" in shop("pack", "list").out
    answer = shop("pack", "list", "--account", "acme").out
    assert "it is for the plans pro" in answer


def test_nothing_is_sold_before_there_is_a_catalog(shell: Shell) -> None:
    assert shell("pack", "list").err == "nothing found\n"


def test_a_pack_is_bought_and_given_back(shop: Shell) -> None:
    bought = shop.done("pack", "buy", "acme", "small")
    assert (bought["status"], bought["invoice_number"]) == ("completed", "INV-000001")
    again = shop("pack", "buy", "acme", "small", "--id", bought["id"])
    assert "bought before" in again.out
    asked = shop("pack", "refund", bought["id"], "--memo", MEMO)
    assert (asked.status, "take 100 of 100 credits back for 9.99 USD?" in asked.err) == (2, True)
    given = shop("pack", "refund", bought["id"], "--memo", MEMO, "--yes")
    assert "given back  9.99 USD" in given.out
    refused = shop("pack", "refund", bought["id"], "--memo", MEMO)
    assert "given back already" in refused.err
    (row,) = shop.done("pack", "purchases", "--account", "acme")["rows"]
    assert (row["status"], row["refunded"]["text"]) == ("refunded", "9.99")
    assert "refunded" in shop("pack", "purchases").out
    assert shop.balance() == "100.00"


def test_charging_what_is_saved_asks_first(shop: Shell) -> None:
    answer = shop("pack", "buy", "acme", "small", "--by", "gateway")
    assert "charge the pack small" in answer.err
    refused = shop("pack", "buy", "acme", "small", "--by", "gateway", "--yes")
    assert "no default method is saved" in refused.err


def test_a_pack_for_others_is_refused(shop: Shell) -> None:
    answer = shop("pack", "buy", "acme", "pros")
    assert answer.status == 3
    assert "it is for the plans pro" in answer.err
