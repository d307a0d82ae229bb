"""Entries as other people's ledgers read them, whatever names and notes hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.rules.journals import beancount_head, beancount_lines, hledger_lines
from billdesk.core.rules.sheets import EntrySheet
from billdesk.core.values.money import Money

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ENTRY = EntrySheet(
    number=7,
    wallet_id="wal_1",
    account_ref="acme",
    account_name="Acme Ltd",
    purpose="cash",
    seq=3,
    posting_id="chg_1",
    kind="charge",
    amount=Money(-1250, "USD"),
    balance_after=Money(8750, "USD"),
    counterparty="revenue:leads",
    scope="caller",
    reference="lead:42",
    subject="Lead 42",
    memo=None,
    actor="mira",
    happened_at=NOON,
    recorded_at=NOON,
    corrects=None,
    about=None,
    hash="00",
)
HOSTILE = [
    "x\n2026-01-01 * forged\n    a  1 USD",
    'x"\n2026-01-01 close Assets:Cash',
    "x ; y",
    "x \t; y",
    "x | y",
    "x\u2028y",
    "x\u2003\u2003y",
    "x\\",
    '"',
    "\x1b[2J\x85",
    " ",
    "\ud83d",
]
BEANCOUNT_ACCOUNT = r"(?:Assets|Liabilities|Income)(?::[A-Z0-9][A-Za-z0-9-]*)+"
BEANCOUNT_TEXT = r'"(?:[^"\\\n]|\\["\\])*"'
text = st.text(max_size=40)
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


def test_hledger_reads_two_postings_that_balance() -> None:
    assert hledger_lines(ENTRY) == (
        "\n2026-01-05 (chg_1) Lead 42  ; kind:charge\n"
        "    customers:acme:cash  12.50 USD\n"
        "    revenue:leads  -12.50 USD\n"
    )


def test_beancount_reads_two_postings_on_accounts_opened_once() -> None:
    opened: set[str] = set()
    assert beancount_head(ENTRY, opened) == (
        "2026-01-05 open Liabilities:Customers:Acme:Cash\n"
        "2026-01-05 open Income:Desk:Revenue-leads\n"
    )
    assert beancount_head(ENTRY, opened) == ""
    assert beancount_lines(ENTRY) == (
        '2026-01-05 * "Acme Ltd" "Lead 42"\n'
        '  posting: "chg_1"\n'
        "  Liabilities:Customers:Acme:Cash  12.50 USD\n"
        "  Income:Desk:Revenue-leads\n\n"
    )


def test_money_at_a_gateway_is_an_asset() -> None:
    deposit = ENTRY._replace(counterparty="gateway:stripe", amount=Money(500, "JPY"), subject=None)
    assert beancount_lines(deposit).endswith(
        "  Liabilities:Customers:Acme:Cash  -500 JPY\n  Assets:Gateways:Gateway-stripe\n\n"
    )
    assert "(chg_1) charge  ; kind:charge" in hledger_lines(deposit)


def check_hledger(entry: EntrySheet) -> None:
    """Exactly a heading and two postings, each an account and an amount."""
    empty, heading, customer, party, end = hledger_lines(entry).split("\n")
    assert (empty, end) == ("", "")
    assert re.fullmatch(r"2026-01-05 \(chg_1\) [^;|]+  ; kind:charge", heading)
    for line in (customer, party):
        account, amount = re.split(r"\s{2,}", line.removeprefix("    "))
        assert re.fullmatch(r"[^;\s]+(?: [^;\s]+)*", account)
        assert account[0] not in "*!(["
        assert re.fullmatch(r"-?12\.50 USD", amount)


def check_beancount(entry: EntrySheet) -> None:
    """Exactly a heading, its metadata and two postings."""
    heading, posting, customer, party, *end = beancount_lines(entry).split("\n")
    assert end == ["", ""]
    assert re.fullmatch(rf"2026-01-05 \* {BEANCOUNT_TEXT} {BEANCOUNT_TEXT}", heading)
    assert posting == '  posting: "chg_1"'
    assert re.fullmatch(rf"  {BEANCOUNT_ACCOUNT}  12\.50 USD", customer)
    assert re.fullmatch(rf"  {BEANCOUNT_ACCOUNT}", party)
    for line in beancount_head(entry, set()).splitlines():
        assert re.fullmatch(rf"2026-01-05 open {BEANCOUNT_ACCOUNT}", line)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_note_or_name_stays_one_line(hostile: str) -> None:
    entry = ENTRY._replace(subject=hostile, account_name=hostile)
    check_hledger(entry)
    check_beancount(entry)


@pytest.mark.parametrize(
    "party",
    ["(revenue)", "[revenue]", "* revenue", "! x", "a ; b", "((", "*", "---", "9/8", "a  b"],
)
def test_a_hostile_counterparty_stays_an_account(party: str) -> None:
    entry = ENTRY._replace(counterparty=party)
    check_hledger(entry)
    check_beancount(entry)


@given(text, text, printable)
def test_nothing_breaks_out(subject: str, name: str, party: str) -> None:
    entry = ENTRY._replace(subject=subject, account_name=name, counterparty=party)
    check_hledger(entry)
    check_beancount(entry)
