"""Money back, disputes, messages and sweeps from the shell."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from billdesk.core.desk import create_ledger, open_desk
from billdesk.core.gateways.sandbox import Sandbox
from tests.cli.conftest import Run

MEMO = "the customer asked for it"


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """A new ledger, by its path."""
    path = str(tmp_path / "desk.ledger")
    create_ledger(path).close()
    return path


@pytest.fixture
def paid(run: Run, ledger: str) -> str:
    """A payment of 25.00 USD that is credited; its id."""
    run("account", "add", "acme", "--name", "Acme", "--ledger", ledger)
    payment = run("deposit", "acme", "25", "--ledger", ledger, "--json").json
    Sandbox(Path(f"{ledger}.sandbox")).pay(payment["external_id"])
    assert run("poll", "--ledger", ledger).status == 0
    found: str = payment["id"]
    return found


def test_money_goes_back_and_is_listed(run: Run, ledger: str, paid: str) -> None:
    done = run("card-refund", paid, "10", "--memo", MEMO, "--yes", "--ledger", ledger, "--json")
    assert (done.status, done.json["amount"]["text"]) == (0, "10.00")
    said = run("card-refund", paid, "--memo", MEMO, "--yes", "--ledger", ledger)
    assert "15.00 USD" in said.out
    refused = run("card-refund", paid, "--memo", MEMO, "--yes", "--ledger", ledger)
    assert (refused.status, "went back already" in refused.err) == (3, True)
    rows = run("card-refunds", "--payment", paid, "--ledger", ledger, "--json").json["rows"]
    assert [row["amount"]["minor"] for row in rows] == [1500, 1000]
    assert MEMO in run("card-refunds", "--account", "acme", "--ledger", ledger).out


def test_money_goes_back_only_with_a_typed_word(run: Run, ledger: str, paid: str) -> None:
    asked = run("card-refund", paid, "--memo", MEMO, "--ledger", ledger)
    assert (asked.status, "nobody can type" in asked.err) == (2, True)
    assert run("card-refunds", "--ledger", ledger, "--json").json["rows"] == []


def test_a_contested_payment_is_listed(run: Run, ledger: str, paid: str) -> None:
    with open_desk(ledger) as desk:
        external_id = desk.payments.get(paid).external_id
    Sandbox(Path(f"{ledger}.sandbox")).dispute(external_id or "", 2500)
    run("poll", "--ledger", ledger)
    (row,) = run("disputes", "--status", "open", "--ledger", ledger, "--json").json["rows"]
    assert (row["payment_id"], row["amount"]["minor"]) == (paid, 2500)
    assert paid in run("disputes", "--ledger", ledger).out
    assert "disputed" in run("payments", "--status", "disputed", "--ledger", ledger).out


def test_everything_is_listed_again_and_gaps_are_told(run: Run, ledger: str, paid: str) -> None:
    assert run("sweep", "sandbox", "--ledger", ledger).status == 0
    assert run("gaps", "--ledger", ledger, "--json").json["rows"] == []
    assert "0 applied now" in run("replay", "--ledger", ledger).out
    assert paid


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["intake", "sandbox", "missing.json"], 4, "no file"),
        (["intake", "sandbox", "."], 2, "cannot be read"),
        (["intake", "sandbox", "body", "--header", "nonsense"], 2, "a header is not one"),
        (["intake", "sandbox", "body"], 2, "not signed"),
        (["intake", "nowhere", "body"], 4, "no gateway"),
        (["intake", "sandbox", "long"], 2, "no message"),
        (["intake", "sandbox", "a\0b"], 2, "cannot be read"),
    ],
)
def test_a_message_that_cannot_be_taken_in_is_refused(
    run: Run, ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str],
    status: int, said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "body").write_text("{}")
    (tmp_path / "long").write_bytes(b"x" * 1_000_001)
    answer = run(*words, "--ledger", ledger)
    assert (answer.status, said in answer.err) == (status, True), answer.err


def test_a_message_from_standard_input_without_a_signature_is_refused(
    run: Run, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
    answer = run("intake", "sandbox", "-", "--header", "Sandbox-Signature: x", "--ledger", ledger)
    assert (answer.status, "signature" in answer.err) == (2, True), answer.err
