"""balance, balances, freeze, unfreeze, floor."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Shell

MEMO = ("--memo", "chargeback pending")


def test_a_balance_is_shown_with_what_is_held_and_available(shell: Shell) -> None:
    shell.done("hold", "acme", "30.00", "--reference", "job:1")
    out = shell("balance", "acme").out.splitlines()
    assert out == [
        "account    acme",
        "name       Acme Ltd",
        "balance    100.00 USD",
        "held       30.00 USD",
        "available  70.00 USD",
    ]


def test_a_balance_is_told_as_recorded_or_as_happened_by_a_moment(shell: Shell) -> None:
    recorded_at = shell.done("ledger", "acme")["rows"][0]["recorded_at"]
    shell.done("charge", "acme", "12.50", "--reference", "r")
    for option in ("--at", "--effective"):
        then = shell.done("balance", "acme", option, recorded_at)
        assert then["balance"]["text"] == "100.00"
        assert then["held"] is None
        assert shell.done("balance", "acme", option, "2020-01-01")["balance"]["text"] == "0.00"
        assert shell.refused("balance", "acme", option, "yesterday") == (2, "bad_input")
        assert shell.refused("balance", "acme", option, "٢٠٢٦-01-01") == (2, "bad_input")
    assert shell.balance() == "87.50"


def test_balances_are_sorted_and_filtered(shell: Shell) -> None:
    for ref, amount in (("beta", "7.00"), ("gamma", "900.00")):
        shell.done("account", "add", ref, "--name", ref.title())
        shell.done("adjust", ref, "credit", amount, "--memo", "opening balance")
    shell.done("freeze", "beta", "--yes", *MEMO)

    def refs(*words: str) -> list[str]:
        return [row["wallet"]["account_ref"] for row in shell.done("balances", *words)["rows"]]

    assert refs() == ["acme", "beta", "gamma"]
    assert refs("--sort", "balance") == ["beta", "acme", "gamma"]
    assert refs("--sort", "balance", "--descending") == ["gamma", "acme", "beta"]
    assert refs("--standing", "FROZEN") == ["beta"]
    assert refs("--text", "gam") == ["gamma"]
    assert refs("--asset", "EUR") == []
    first = shell.done("balances", "--limit", "2")
    assert refs("--limit", "2", "--after", first["after"]) == ["gamma"]
    out = shell("balances").out.splitlines()
    assert out[0].split()[:3] == ["REF", "NAME", "STANDING"]
    assert "900.00 USD" in out[3]


def test_a_frozen_wallet_refuses_debits_until_that_cause_is_lifted(shell: Shell) -> None:
    frozen = shell.done("freeze", "acme", "--yes", "--cause", "dispute", *MEMO)
    assert (frozen["cause"], frozen["lifted_at"]) == ("dispute", None)
    charge = ("charge", "acme", "1.00", "--reference", "r")
    assert shell.refused(*charge) == (3, "wallet_frozen")
    assert shell.refused("unfreeze", "acme", *MEMO)[0] == 3
    shell.done("adjust", "acme", "credit", "1.00", "--memo", "credits still arrive")
    lifted = shell.done("unfreeze", "acme", "--cause", "dispute", *MEMO)["lifted"]
    assert [freeze["id"] for freeze in lifted] == [frozen["id"]]
    shell.done(*charge)


@pytest.mark.parametrize(
    ("lowest", "charged", "said"),
    [
        ("-50.00", "150.00", "acme USD may go down to -50.00 USD"),
        ("0", "100.00", "acme USD may go down to 0.00 USD"),
        ("none", "999.00", "acme USD may go down to any amount"),
    ],
)
def test_a_floor_says_how_low_a_wallet_may_go(
    shell: Shell, lowest: str, charged: str, said: str
) -> None:
    answer = shell("floor", "acme", lowest, "--yes", "--memo", "credit limit agreed")
    assert (answer.status, answer.out) == (0, f"{said}\n")
    shell.done("charge", "acme", charged, "--reference", "r")


def test_a_floor_below_which_the_wallet_already_is_is_refused(shell: Shell) -> None:
    shell.done("floor", "acme", "-50.00", "--yes", "--memo", "credit limit agreed")
    shell.done("charge", "acme", "120.00", "--reference", "r")
    words = ("floor", "acme", "-10.00", "--yes", "--memo", "credit limit lowered")
    assert shell.refused(*words) == (3, "floor_in_use")
