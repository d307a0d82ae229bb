"""account, find, why, may-run, incident, overview."""

from __future__ import annotations

from tests.cli.conftest import Shell

MEMO = ("--memo", "asked for by phone")


def test_an_account_is_added_once_and_shown_with_its_wallets(shell: Shell) -> None:
    added = shell.done("account", "add", "beta", "--name", "Beta GmbH", "--email", "b@example.org")
    assert (added["ref"], added["status"]) == ("beta", "open")
    same = shell.done("account", "add", "beta", "--name", "Beta GmbH", "--email", "b@example.org")
    assert same["id"] == added["id"]
    assert shell.refused("account", "add", "beta", "--name", "Gamma") == (3, "already_exists")

    shown = shell.done("account", "show", "acme")
    assert shown["account"]["name"] == "Acme Ltd"
    assert [wallet["balance"]["text"] for wallet in shown["wallets"]] == ["100.00"]
    out = shell("account", "show", "acme").out
    assert "Acme Ltd" in out
    assert "100.00 USD" in out


def test_accounts_are_listed_in_pages(shell: Shell) -> None:
    for ref in ("beta", "gamma"):
        shell.done("account", "add", ref, "--name", ref.title())
    first = shell.done("account", "list", "--limit", "2")
    assert len(first["rows"]) == 2
    rest = shell.done("account", "list", "--limit", "2", "--after", first["after"])
    refs = [row["ref"] for row in first["rows"] + rest["rows"]]
    assert sorted(refs) == ["acme", "beta", "gamma"]
    assert rest["after"] is None
    spoken = shell("account", "list", "--limit", "2")
    assert f"--after {first['after']}" in spoken.err
    assert shell.done("account", "list", "--text", "Gam")["rows"][0]["ref"] == "gamma"


def test_an_empty_list_says_so_beside_the_output(shell: Shell) -> None:
    answer = shell("account", "list", "--status", "closed")
    assert answer == (0, "", "nothing found\n")
    assert shell.done("account", "list", "--status", "closed") == {"rows": [], "after": None}


def test_a_suspended_account_takes_no_charge_until_it_is_reopened(shell: Shell) -> None:
    assert shell("account", "suspend", "acme", *MEMO).out == "account acme is suspended\n"
    charge = ("charge", "acme", "1.00", "--reference", "r")
    assert shell.refused(*charge) == (3, "account_closed")
    assert shell("account", "reopen", "acme", *MEMO).out == "account acme is open\n"
    shell.done(*charge)


def test_an_account_is_closed_when_nothing_is_left_in_it(shell: Shell) -> None:
    close = ("account", "close", "acme", "--yes", *MEMO)
    assert shell.refused(*close)[0] == 3
    shell.done("adjust", "acme", "debit", "100.00", "--yes", "--memo", "paid out by bank")
    assert shell.done(*close)["status"] == "closed"


def test_an_account_is_found_by_what_is_known_of_it(shell: Shell) -> None:
    charged = shell.done("charge", "acme", "1.00", "--reference", "lead:42")
    for text in ("acme", "Acme L", "billing@acme", charged["id"], "lead:42"):
        rows = shell.done("find", text)["rows"]
        assert [row["account"]["ref"] for row in rows] == ["acme"], text
    assert "acme" in shell("find", "Acme L").out
    assert shell("find", "nobody at all").err == "nothing found\n"


def test_why_names_every_reason_and_what_lifts_it(shell: Shell) -> None:
    assert "acme may run" in shell("why", "acme").out
    shell.done("freeze", "acme", "--memo", "chargeback pending", "--yes")
    shell.done("adjust", "acme", "credit", "1.00", *MEMO)
    standing = shell.done("why", "acme")
    assert standing["may_run"] is False
    assert standing["word"] == "FROZEN"
    assert [reason["action"] for reason in standing["reasons"]] == ["unfreeze"]
    out = shell("why", "acme").out
    assert "acme may not run" in out
    assert "chargeback pending" in out


def test_may_run_answers_by_exit_status(shell: Shell) -> None:
    assert shell("may-run", "acme", "--needs", "100.00") == (0, "yes\n", "")
    assert shell("may-run", "acme", "--needs", "100.01") == (3, "no\n", "")
    answer = shell("may-run", "acme", "--needs", "100.01", "--json")
    assert (answer.status, answer.json["may_run"]) == (3, False)
    assert shell.refused("may-run", "nobody") == (4, "not_found")


def test_an_incident_shows_everything_of_one_account(shell: Shell) -> None:
    shell.done("charge", "acme", "12.50", "--reference", "lead:42", "--subject", "lead 42")
    shell.done("hold", "acme", "1.00", "--reference", "job:1", "--subject", "job 1")
    shell.done("freeze", "acme", "--memo", "chargeback pending", "--yes")
    sheet = shell.done("incident", "acme")
    assert sheet["account"]["ref"] == "acme"
    assert len(sheet["open_holds"]) == len(sheet["open_freezes"]) == 1
    out = shell("incident", "acme").out
    for part in ("acme may not run", "87.50 USD", "job 1", "chargeback pending"):
        assert part in out


def test_the_overview_sums_up_the_ledger(shell: Shell) -> None:
    sheet = shell.done("overview")
    assert sheet["accounts"] == 1
    assert [total["text"] for total in sheet["totals"]] == ["100.00"]
    out = shell("overview").out
    assert "100.00 USD" in out
    assert "accounts" in out
