"""Input that means harm or nonsense: refused with a reason or shown harmlessly, never half done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Run, Shell

AMOUNTS = ["1e3", "-5", "12.345", "١٢", "9e99", "NaN", "9223372036854775808", "0", "", "1,000"]
AMOUNTS += ["+5", "0x10", "1_000", " 5", "5 ", "inf", "12.50 XXQ", "12.50 usd", "5.00\x1b[2J", "½"]

TOO_SHORT, TOO_LONG = "nine char", "x" * 501

NAMES = [
    "Acme [/b] [bold]Ltd[/]",
    "\x1b[2J\x1b]52;c;cGF5\x07Acme",
    "\u202egnp.exe\u2066",
    "Ac\u200bme\ufeff",
    "line\none\ttwo\r",
    "\x9b2JAcme",
    "=HYPERLINK(1)",
]
LISTS = [["ledger"], ["audit"], ["balances"], ["holds"], ["payments"], ["facts"]]
LISTS += [["refunds"], ["adjustments"], ["invoice", "list"], ["subscription", "list"]]
LISTS += [["pack", "purchases"], ["credit-note", "list"], ["usage", "alerts"]]
"""Every command that lists something."""


def _some(values: list[str], kept: int) -> list[Any]:
    """All of them, those beyond the first few as long proofs."""
    soaked = [pytest.param(value, marks=pytest.mark.soak) for value in values[kept:]]
    return [*values[:kept], *soaked]


HARMFUL = "\x1b\x07\x9b\u202e\u2066\u200b\ufeff\r\t"


@pytest.mark.parametrize("amount", _some(AMOUNTS, 10))
def test_an_amount_that_is_none_is_refused_by_every_command_that_takes_one(
    shell: Shell, amount: str
) -> None:
    hold = shell.done("hold", "acme", "1.00", "--reference", "h")["id"]
    before = shell.done("ledger")
    memo = ("--memo", "a reason of some length")
    for words in (
        ["charge", "acme", amount, "--reference", "r"],
        ["hold", "acme", amount, "--reference", "r"],
        ["capture", hold, amount],
        ["adjust", "acme", "credit", amount, *memo],
        ["adjust", "acme", "debit", amount, "--yes", *memo],
        ["deposit", "acme", amount],
        ["may-run", "acme", "--needs", amount],
    ):
        if amount in {"0", ""} and words[0] == "may-run":
            continue
        status, _ = shell.refused(*words)
        assert status == 2, words
    assert shell.done("ledger") == before


@pytest.mark.parametrize("memo", [TOO_SHORT, TOO_LONG, "", " " * 20, "\x1b[31mred\x1b[0m\ud800"])
def test_a_memo_must_say_something_and_not_too_much(shell: Shell, memo: str) -> None:
    entry = shell.done("ledger")["rows"][0]
    for words in (
        ["adjust", "acme", "credit", "1.00"],
        ["adjust", "acme", "debit", "1.00", "--yes"],
        ["reverse", entry["posting_id"], "--yes"],
        ["freeze", "acme", "--yes"],
        ["floor", "acme", "-5.00", "--yes"],
        ["account", "suspend", "acme"],
    ):
        assert shell.refused(*words, "--memo", memo) == (2, "bad_input"), words
    assert shell.balance() == "100.00"


@pytest.mark.parametrize("name", _some(NAMES, 4))
def test_a_hostile_name_is_shown_harmlessly_by_every_command(shell: Shell, name: str) -> None:
    shell.done("account", "add", "evil", "--name", name)
    memo = f"{name} and more"
    shell.done("adjust", "evil", "credit", "50.00", "--memo", memo)
    charge = shell.done(
        "charge", "evil", "1.00", "--reference", "r", "--subject", name, "--memo", memo
    )
    hold = shell.done("hold", "evil", "1.00", "--reference", "h", "--subject", name)
    shell.done("freeze", "evil", "--memo", memo, "--yes")
    for words in (
        ["account", "list"],
        ["account", "show", "evil"],
        ["find", "evil"],
        ["why", "evil"],
        ["incident", "evil"],
        ["balance", "evil"],
        ["balances"],
        ["ledger", "evil"],
        ["posting", charge["id"]],
        ["holds"],
        ["holds", hold["id"]],
        ["adjustments"],
        ["audit"],
        ["overview"],
        ["unfreeze", "evil", "--memo", memo],
    ):
        spoken = shell(*words)
        assert spoken.status == 0, words
        assert not set(spoken.out) & set(HARMFUL), words
        assert spoken.out.isascii() or "\x1b" not in spoken.out
        if words[0] != "unfreeze":
            answer = shell("--json", *words)
            assert answer.out.isascii(), words
            assert answer.out.count("\n") == 1, words


@pytest.mark.parametrize("name", ["Ac\x00me", "", "   ", "x" * 201])
def test_a_name_that_cannot_be_kept_is_refused(shell: Shell, name: str) -> None:
    assert shell.refused("account", "add", "evil", "--name", name) == (2, "bad_input")
    assert len(shell.done("account", "list")["rows"]) == 1


@pytest.mark.parametrize(
    "ref", ["", " ", "a b", "acc_1", "-x", "é", "a" * 65, "a/b", "\x1b[2J", "../etc", "a\x00"]
)
def test_a_ref_that_is_no_name_is_refused(shell: Shell, ref: str) -> None:
    assert shell.refused("account", "add", "--name", "Evil", "--", ref) == (2, "bad_input")


@pytest.mark.parametrize("reference", ["", " r", "r ", "é", "r\n", "x" * 201, "\x1b[2J", "a\x00"])
def test_a_reference_that_is_no_key_is_refused(shell: Shell, reference: str) -> None:
    words = ["charge", "acme", "1.00", "--reference", reference]
    assert shell.refused(*words) == (2, "bad_input")
    assert shell.refused("hold", *words[1:]) == (2, "bad_input")


@pytest.mark.parametrize(
    "limit", _some(["0", "-1", "١٢", "9" * 5000, "1e3", "many", "", "100001"], 4)
)
def test_a_page_has_a_size(shell: Shell, limit: str) -> None:
    for words in LISTS:
        assert shell.refused(*words, f"--limit={limit}") == (2, "bad_input"), words
    assert shell.refused("find", "acme", f"--limit={limit}") == (2, "bad_input")


@pytest.mark.parametrize(
    "after", _some(["nonsense", "-1", "9" * 20, "\x1b[2J", "١٢", "1.x", ""], 4)
)
def test_a_page_goes_on_where_one_ended_and_nowhere_else(shell: Shell, after: str) -> None:
    for words in LISTS:
        if words != ["holds"]:  # goes on after a hold's id
            assert shell.refused(*words, f"--after={after}") == (2, "bad_input"), words


@pytest.mark.parametrize(
    "words",
    [
        ["balance", "\x1b]0;owned\x07"],
        ["why", "\u202eemca"],
        ["\x1b[31mcharge"],
        ["charge", "acme", "1.00", "--reference", "r", "\x1b[2J"],
        ["--\x1b[2J"],
        ["refund", "\x9b2J"],
        ["holds", "\x1b[2J"],
        ["payments", "\x1b[2J"],
        ["posting", "\x00"],
        ["poll", "\x1b[2J"],
        ["balance", "acme", "--asset", "\x1b[2J"],
        ["balance", "acme", "--at", "\x1b[2J"],
        ["import", "accounts", "\x1b[2J"],
        ["verify", "--checkpoint", "\x1b[2J"],
    ],
)
def test_what_is_repeated_in_an_error_is_harmless(shell: Shell, words: list[str]) -> None:
    answer = shell(*words)
    assert answer.status in {2, 3, 4, 5, 6}
    assert answer.err
    assert not set(answer.err + answer.out) & set(HARMFUL)


def test_text_is_never_searched_as_sql_or_a_pattern(shell: Shell) -> None:
    for text in ("%", "_", "';--", '"', "*", "acme OR 1", "NEAR(", "[a]", "\\"):
        assert shell.done("account", "list", "--text", text)["rows"] == [], text
        assert shell("find", text).status == 0
        assert shell("ledger", "--text", text).status in {0, 2}
        assert shell("audit", "--text", text).status in {0, 2}


def test_a_database_url_in_an_error_shows_no_password(run: Run) -> None:
    answer = run("balance", "acme", "--ledger", "postgresql://joe:sesame@127.0.0.1:1/shop")
    assert answer.status == 6
    assert "sesame" not in answer.err + answer.out
