"""charge, charge-many, refund, reverse, adjust and what lists them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Shell


def charge(shell: Shell, amount: str = "12.50", reference: str = "lead:42") -> str:
    """The id of a new charge on acme."""
    return str(shell.done("charge", "acme", amount, "--reference", reference)["id"])


def test_a_charge_takes_money_and_says_what_is_left(shell: Shell) -> None:
    answer = shell(
        "charge", "acme", "12.50", "--reference", "lead:42", "--subject", "lead 42", "--memo", "m"
    )
    assert answer.status == 0
    assert answer.err == ""
    assert answer.out.startswith("acme charged: 12.50 USD, balance 87.50 USD (chg_")
    assert shell.balance() == "87.50"


def test_a_charge_answers_programs_with_money_as_objects(shell: Shell) -> None:
    sheet = shell.done("charge", "acme", "12.50", "--reference", "lead:42")
    assert sheet["account_ref"] == "acme"
    assert sheet["amount"] == {"minor": 1250, "asset": "USD", "text": "12.50"}
    assert sheet["balance_after"] == {"minor": 8750, "asset": "USD", "text": "87.50"}
    assert sheet["replayed"] is False
    assert sheet["recorded_at"].endswith("Z")


def test_the_same_reference_again_moves_nothing_and_says_so(shell: Shell) -> None:
    first = charge(shell)
    again = shell.done("charge", "acme", "12.50", "--reference", "lead:42")
    assert (again["id"], again["replayed"]) == (first, True)
    spoken = shell("charge", "acme", "12.50", "--reference", "lead:42")
    assert "acme was charged before: 12.50 USD" in spoken.out
    assert shell.balance() == "87.50"


def test_the_same_reference_with_other_content_is_refused(shell: Shell) -> None:
    charge(shell)
    assert shell.refused("charge", "acme", "13.00", "--reference", "lead:42") == (
        3,
        "reference_reused",
    )
    assert shell.balance() == "87.50"


def test_a_charge_beyond_the_floor_is_refused_and_stays_visible(shell: Shell) -> None:
    words = ["charge", "acme", "100.01", "--reference", "r"]
    assert shell.refused(*words) == (3, "insufficient_funds")
    assert shell.balance() == "100.00"
    lines = shell.done("audit", "--account", "acme")["rows"]
    assert any(line["outcome"] == "refused" for line in lines)


def test_nobody_is_charged_who_is_not_there(shell: Shell) -> None:
    assert shell.refused("charge", "nobody", "1.00", "--reference", "r") == (4, "not_found")


def test_a_charge_is_refunded_once(shell: Shell) -> None:
    charged = charge(shell)
    answer = shell("refund", charged, "--memo", "wrong lead")
    assert answer.status == 0
    assert "acme refund: 12.50 USD, balance 100.00 USD" in answer.out
    assert shell.refused("refund", charged) == (3, "already_corrected")
    assert shell.balance() == "100.00"
    listed = shell.done("refunds")["rows"]
    assert [(row["kind"], row["corrects"]) for row in listed] == [("refund", charged)]


def test_a_refund_of_what_is_no_charge_is_refused(shell: Shell) -> None:
    assert shell.refused("refund", "chg_00000000000000000000000000") == (4, "not_found")
    assert shell.refused("refund", "nonsense")[0] in {2, 4}


def test_a_reversal_points_at_what_it_undoes(shell: Shell) -> None:
    entry = shell.done("ledger", "acme")["rows"][0]
    reversal = shell.done(
        "reverse", entry["posting_id"], "--memo", "booked on the wrong account", "--yes"
    )
    assert (reversal["kind"], reversal["corrects"]) == ("reversal", entry["posting_id"])
    assert shell.balance() == "0.00"
    assert "reversal" in shell("posting", reversal["id"]).out


def test_an_adjustment_goes_both_ways_and_needs_a_reason(shell: Shell) -> None:
    credit = shell("adjust", "acme", "credit", "5.00", "--memo", "goodwill for May")
    assert "acme manual_credit: 5.00 USD, balance 105.00 USD" in credit.out
    debit = shell("adjust", "acme", "debit", "20.00", "--memo", "billed by hand", "--yes")
    assert "acme manual_debit: -20.00 USD, balance 85.00 USD" in debit.out
    kinds = {row["kind"] for row in shell.done("adjustments")["rows"]}
    assert kinds == {"manual_credit", "manual_debit"}


def test_an_adjustment_with_a_reference_is_done_once(shell: Shell) -> None:
    words = ["adjust", "acme", "credit", "5.00", "--memo", "goodwill for May", "--reference", "g"]
    assert shell.done(*words)["replayed"] is False
    assert shell.done(*words)["replayed"] is True
    assert shell.balance() == "105.00"


def lines(*requests: object) -> str:
    """JSON lines."""
    return "".join(f"{json.dumps(request)}\n" for request in requests)


MANY = lines(
    {"account": "acme", "amount": "1.00", "reference": "a", "subject": "one"},
    {"account": "acme", "amount": "2.00 USD", "reference": "b", "memo": None},
    {
        "account": "acme",
        "amount": "3.00",
        "reference": "c",
        "to": "revenue:lead",
        "happened_at": "2026-08-01T00:00:00Z",
    },
)


def test_many_are_charged_from_a_file(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "charges.jsonl"
    file.write_text(f"{MANY}\n", encoding="utf-8")
    rows = shell.done("charge-many", str(file))["rows"]
    assert [row["amount"]["text"] for row in rows] == ["1.00", "2.00", "3.00"]
    assert shell.balance() == "94.00"
    assert shell("charge-many", str(file)).out == "charged 3 times, 3 of them before\n"
    assert shell.balance() == "94.00"


def test_many_are_charged_from_standard_input(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MANY.encode())))
    assert shell("charge-many").out == "charged 3 times\n"
    assert shell.balance() == "94.00"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"{", "line 2 is not JSON"),
        (b"[]", "line 2 is not an object"),
        (b'{"account": "acme", "amount": "1.00"}', "line 2 is not an object with"),
        (
            b'{"account": "acme", "amount": "1.00", "reference": "b", "currency": "EUR"}',
            "line 2 is not an object with",
        ),
        (b'{"account": "acme", "amount": 1.5, "reference": "b"}', "line 2: amount is not text"),
        (b'{"account": "acme", "amount": "1.00", "reference": null}', "line 2: reference is"),
        (
            b'{"account": "acme", "amount": "1.00", "reference": "b", "happened_at": "soon"}',
            "is not a time",
        ),
        (b'{"account": "ac\xffme", "amount": "1.00", "reference": "b"}', "not UTF-8"),
        (b'{"account": "acme", "amount": "1e3", "reference": "b"}', "1e3"),
        (b'{"account": "acme", "amount": "999.00", "reference": "b"}', ""),
    ],
)
def test_of_many_charges_all_are_made_or_none(
    shell: Shell, tmp_path: Path, bad: bytes, said: str
) -> None:
    file = tmp_path / "charges.jsonl"
    good = lines({"account": "acme", "amount": "1.00", "reference": "a"}).encode()
    file.write_bytes(good + bad + b"\n")
    answer = shell("charge-many", str(file))
    assert answer.status in {2, 3}
    assert said in answer.err
    assert shell.balance() == "100.00"


def test_a_file_that_is_not_there_is_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    assert shell.refused("charge-many", str(tmp_path / "none.jsonl")) == (2, "bad_input")
