"""May an account be used: every word and every reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from billdesk.core.rules.sheets import FreezeSheet, StandingSheet
from billdesk.core.rules.standing import Purse, standing, word_of
from billdesk.core.values.money import Money

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
TUESDAY = datetime(2026, 1, 6, tzinfo=UTC)
ZERO = Money(0, "USD")

FULL = Purse("cash", Money(500, "USD"), ZERO, MONDAY)
EMPTY = Purse("cash", ZERO, ZERO, TUESDAY)
NEVER_USED = Purse("cash", ZERO, ZERO, None)
IN_CREDIT = Purse("cash", Money(-300, "USD"), Money(-1000, "USD"), MONDAY)
NO_LIMIT = Purse("cash", Money(-300, "USD"), None, MONDAY)
YEN = Purse("cash", Money(500, "JPY"), Money(0, "JPY"), MONDAY)
DEBT = Purse("receivable", Money(-700, "USD"), None, TUESDAY)
SETTLED = Purse("receivable", ZERO, None, TUESDAY)
FREEZE = FreezeSheet(
    "frz_1", "acme", "USD", "dispute", "card dispute 7", "mira", TUESDAY, None, None
)


def judge(
    purses: Sequence[Purse],
    *,
    status: str = "open",
    freezes: Sequence[FreezeSheet] = (),
    needs: Money | None = None,
) -> StandingSheet:
    """The standing of an account with these wallets."""
    return standing(
        account_ref="acme",
        account_name="Acme Ltd",
        status=status,
        status_since=MONDAY,
        status_set_by="mira",
        purses=purses,
        freezes=freezes,
        needs=needs,
    )


@pytest.mark.parametrize(
    ("purses", "word", "codes"),
    [
        ([FULL], "OK", []),
        ([IN_CREDIT], "OK", []),
        ([NO_LIMIT], "OK", []),
        ([FULL, SETTLED], "OK", []),
        ([EMPTY, YEN], "OK", []),
        ([EMPTY], "SPENT", ["spent"]),
        ([], "SPENT", ["spent"]),
        ([SETTLED], "SPENT", ["spent"]),
        ([FULL, DEBT], "OWES", ["owes"]),
        ([EMPTY, DEBT], "OWES", ["owes", "spent"]),
    ],
)
def test_money_decides_for_an_open_account(
    purses: list[Purse], word: str, codes: list[str]
) -> None:
    sheet = judge(purses)
    assert (sheet.word, [reason.code for reason in sheet.reasons]) == (word, codes)
    assert sheet.may_run == (not codes)


@pytest.mark.parametrize(
    ("purse", "needs", "may_run"),
    [
        (FULL, Money(500, "USD"), True),
        (FULL, Money(501, "USD"), False),
        (FULL, Money(1, "EUR"), False),
        (IN_CREDIT, Money(700, "USD"), True),
        (IN_CREDIT, Money(701, "USD"), False),
        (NO_LIMIT, Money(10**9, "USD"), True),
    ],
)
def test_what_is_needed_must_be_there(purse: Purse, needs: Money, *, may_run: bool) -> None:
    assert judge([purse], needs=needs).may_run is may_run


def test_every_reason_is_given_and_the_most_final_names_the_state() -> None:
    sheet = judge([EMPTY, DEBT], status="suspended", freezes=[FREEZE], needs=Money(100, "USD"))
    assert sheet.word == "SUSPENDED"
    assert [(r.code, r.text, r.since, r.set_by, r.action) for r in sheet.reasons] == [
        ("suspended", "the account is suspended", MONDAY, "mira", "reopen"),
        (
            "frozen",
            "the USD wallet is frozen (dispute): card dispute 7",
            TUESDAY,
            "mira",
            "unfreeze",
        ),
        ("owes", "7.00 USD is owed to us", TUESDAY, "system", "deposit"),
        ("spent", "0.00 USD is available, 1.00 USD is needed", TUESDAY, "system", "deposit"),
    ]
    assert all(reason.remedy for reason in sheet.reasons)


def test_a_spent_account_says_what_is_there_and_since_when() -> None:
    (never,) = judge([NEVER_USED]).reasons
    (nothing,) = judge([]).reasons
    (both,) = judge(
        [EMPTY, Purse("credits", Money(0, "CREDIT"), Money(0, "CREDIT"), MONDAY)]
    ).reasons
    assert never.text == "0.00 USD is available, something above the floor is needed"
    assert (never.since, nothing.since) == (None, None)
    assert nothing.text == "there is no money in any wallet"
    assert both.text.startswith("0.00 USD, 0 CREDIT is available")
    assert both.since == TUESDAY


@pytest.mark.parametrize(
    ("status", "flags", "word"),
    [
        ("closed", "frozen owes spent", "CLOSED"),
        ("suspended", "frozen owes spent", "SUSPENDED"),
        ("open", "frozen owes spent", "FROZEN"),
        ("open", "owes spent", "OWES"),
        ("open", "spent", "SPENT"),
        ("open", "", "OK"),
    ],
)
def test_the_ladder_of_words(status: str, flags: str, word: str) -> None:
    said = {name: name in flags.split() for name in ("frozen", "owes", "spent")}
    assert word_of(status=status, **said) == word
