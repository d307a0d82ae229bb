"""Invoices, credit notes and parties from the shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from billdesk.core.desk import open_desk
from billdesk.core.gateways.sandbox import Sandbox
from tests.cli.conftest import Shell

MEMO = "agreed on the telephone"


@pytest.fixture
def number(shell: Shell) -> str:
    """An open invoice over 37.52 USD; its number."""
    draft = shell.done("invoice", "draft", "acme", "--line", "Setup = 25", "--memo", "Thanks")
    draft = shell.done(
        *("invoice", "add-line", draft["id"], "Seats", "12.505", "--quantity", "3"),
        *("--unit", "seat", "--tax", "none", "--revenue", "revenue:seats"),
    )
    draft = shell.done("invoice", "add-line", draft["id"], "A mistake", "1")
    shell.done("invoice", "remove-line", draft["id"], "3")
    shell.done("invoice", "add-line", draft["id"], "Discount", "--", "-25.00")
    answer = shell("invoice", "finalize", draft["id"])
    assert answer.out.startswith("INV-000001: 37.52 USD, due on ")
    return "INV-000001"


def test_an_invoice_is_drafted_finalized_shown_and_paid(shell: Shell, number: str) -> None:
    shown = shell("invoice", "show", number).out
    assert "Seats" in shown
    assert "12.505" in shown
    assert "Thanks" in shown
    assert "overdue" not in shown
    answer = shell("invoice", "pay", number)
    assert answer.out.startswith("INV-000001 of acme is paid")
    assert shell.balance() == "62.48"
    assert "posting" in shell("invoice", "show", number).out
    assert shell.done("invoice", "pay", number)["replayed"]


def test_invoices_are_listed_by_anything(shell: Shell, number: str) -> None:
    wanted: tuple[list[str], ...] = (
        *(["--text", "INV-0000"], ["--text", "thanks"], ["--account", "acme"]),
        *(["--status", "open", "--not-overdue"], ["--kind", "invoice", "--since", "2020-01-01"]),
        [],
    )
    for words in wanted:
        rows = shell.done("invoice", "list", *words)["rows"]
        assert [row["invoice_number"] for row in rows] == [number], words
    for words in (["--overdue"], ["--until", "2020-01-01"], ["--status", "paid"]):
        assert shell.done("invoice", "list", *words)["rows"] == [], words
    assert number in shell("invoice", "list").out
    assert shell.refused("invoice", "list", "--since", "monday") == (2, "bad_input")


def test_one_is_credited_and_what_is_too_much_is_refused(shell: Shell, number: str) -> None:
    shell.done("invoice", "mark-paid", number, "--memo", MEMO)
    assert shell.refused("invoice", "void", number, "--memo", MEMO, "--yes") == (3, "refused")
    assert shell.refused("credit-note", "create", number, "37.53", "--memo", MEMO) == (3, "refused")
    words = ("credit-note", "create", number, "--line", "2=7.52", "--memo", MEMO)
    assert shell(*words).out.startswith("CN-000001: 7.52 USD are back in the wallet")
    note = shell.done("credit-note", "create", number, "30", "--memo", MEMO, "--reference", "n2")
    assert note["total"]["text"] == "30.00"
    assert shell.balance() == "137.52"
    rows = shell.done("credit-note", "list", "--invoice", number)["rows"]
    assert [row["invoice_number"] for row in rows] == ["CN-000002", "CN-000001"]
    assert "CN-000002: 30.00 USD" in shell("invoice", "show", number).out
    refused = shell.refused("credit-note", "create", number, "--line", "2:1", "--memo", MEMO)
    assert refused == (2, "bad_input")


def test_one_is_voided_with_a_typed_word_only(shell: Shell, number: str) -> None:
    assert shell.refused("invoice", "void", number, "--memo", MEMO) == (2, "bad_input")
    assert shell.done("invoice", "write-off", number, "--memo", MEMO)["status"] == "uncollectible"
    assert shell.done("invoice", "void", number, "--memo", MEMO, "--yes")["status"] == "void"


def test_a_failure_is_booked_by_hand(shell: Shell, number: str) -> None:
    answer = shell("invoice", "mark-failed", number, "--memo", MEMO)
    assert answer.out.startswith(f"INV-000001 of acme is open, 37.52 USD due: {MEMO}")
    assert shell.refused("invoice", "collect", number, "--yes") == (3, "refused")


def test_one_is_charged_to_what_is_saved(shell: Shell, number: str) -> None:
    with open_desk(str(shell.ledger)) as desk:
        account = desk.accounts.get("acme")
        sandbox = Sandbox(Path(f"{shell.ledger}.sandbox"))
        customer = sandbox.ensure_customer(account.ref, account.name, account.email)
        desk.methods.page("acme")
        sandbox.save_method(customer)
        desk.methods.refresh("acme")
    assert shell.done("invoice", "collect", number, "--yes")["status"] == "paid"
    assert shell.balance() == "100.00"


def test_the_audit_ends_with_3_when_something_is_wrong(shell: Shell, number: str) -> None:
    answer = shell("invoice", "audit")
    assert (answer.status, "1 document checked: nothing is wrong" in answer.out) == (0, True)
    with open_desk(str(shell.ledger)) as desk, desk.transaction() as tx:
        tx.execute("DROP TRIGGER invoice_finalized")
        tx.execute("UPDATE invoice SET memo = 'forged' WHERE invoice_number = ?", (number,))
    answer = shell("invoice", "audit")
    assert answer.status == 3
    assert "INV-000001: it was changed after it was finalized" in answer.out


def test_a_party_is_said_shown_and_taken_back(shell: Shell) -> None:
    shell.done("account", "party", "acme", "--legal-name", "Acme GmbH", "--due-days", "30")
    shell.done("account", "party", "acme", "--country", "DE", "--tax-code", "none")
    shown = shell.done("account", "party", "acme")
    assert (shown["legal_name"], shown["country"], shown["due_days"]) == ("Acme GmbH", "DE", 30)
    assert "the company's" in shell("account", "party", "acme", "--due-days", "default").out
    assert shell.refused("account", "party", "acme", "--due-days", "soon") == (2, "bad_input")


def test_a_draft_needs_a_price_to_each_line(shell: Shell) -> None:
    assert shell.refused("invoice", "draft", "acme", "--line", "Setup") == (2, "bad_input")
    assert shell.done("invoice", "list")["rows"] == []
    draft = shell.done("invoice", "draft", "acme", "--due-days", "3", "--reference", "d1")
    again = shell.done("invoice", "draft", "acme", "--line", "x = 1", "--reference", "d1")
    assert (again["id"], again["replayed"], again["total"]["minor"]) == (draft["id"], True, 0)
    assert "no lines yet" in shell("invoice", "show", draft["id"]).out
