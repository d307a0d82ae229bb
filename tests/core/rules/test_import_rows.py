"""What the lines of an imported table mean, and how a line is refused that means nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from billdesk.core.rules import import_rows
from billdesk.core.rules.import_rows import ACCOUNTS, ENTRIES, AccountRow, EntryRow
from billdesk.core.values.errors import BadInput
from billdesk.core.values.money import Money

ACME = {"ref": "acme", "name": "Acme Ltd"}
CHARGE = {"account": "acme", "kind": "charge", "amount": "12.50", "reference": "r-1"}


# --- headings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "delimiter"),
    [
        ("ref,name,email", ","),
        ("ref;name;email", ";"),
        ("ref\tname\temail\r\n", "\t"),
        ('"ref"|"name"', "|"),
        ("Ref; Name, legal; E-mail", ";"),
        ("something else", ","),
    ],
)
def test_the_delimiter_is_the_one_that_yields_most_known_columns(
    heading: str, delimiter: str
) -> None:
    assert import_rows.delimiter_of(heading, ACCOUNTS) == delimiter


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ref", "ref"),
        (" Opening Balance ", "opening_balance"),
        ('"credit-limit"\r\n', "credit_limit"),
        ("Balance", "opening_balance"),
        ("Currency", "asset"),
        ("E-Mail", "email"),
    ],
)
def test_headings_are_read_as_people_write_them(text: str, name: str) -> None:
    assert import_rows.column_name(text) == name


def test_columns_may_come_in_any_order_and_optional_ones_may_be_left_out() -> None:
    import_rows.check_heading(["name", "ref"], ACCOUNTS)
    import_rows.check_heading(list(reversed(ENTRIES.known)), ENTRIES)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["ref", "name", "colour", ""], "unknown columns: 'colour', ''"),
        (["x" * 5000], f"unknown columns: '{'x' * 40}'$"),
        (["a", "b", "c", "d", "e", "f"], "unknown columns: 'a', 'b', 'c', 'd', 'e'$"),
        (["name", "email"], "missing columns: ref"),
        (["ref", "name", "name"], "a column is there twice"),
    ],
)
def test_a_wrong_heading_is_refused_and_the_right_columns_are_told(
    names: list[str], message: str
) -> None:
    with pytest.raises(BadInput, match=message) as refusal:
        import_rows.check_heading(names, ACCOUNTS)
    assert refusal.value.hint == (
        "the columns are ref, name, email, opening_balance, asset, credit_limit"
    )


# --- accounts ------------------------------------------------------------------------------------


def test_an_account_needs_no_more_than_a_ref_and_a_name() -> None:
    assert import_rows.account_row(ACME, "USD") == AccountRow(
        "acme", "Acme Ltd", None, Money(0, "USD"), Money(0, "USD")
    )


@pytest.mark.parametrize(
    ("more", "opening", "floor"),
    [
        ({"opening_balance": "12.50"}, Money(1250, "USD"), Money(0, "USD")),
        ({"opening_balance": " 7 ", "asset": "JPY"}, Money(7, "JPY"), Money(0, "JPY")),
        ({"opening_balance": "12.50 EUR", "asset": "EUR"}, Money(1250, "EUR"), Money(0, "EUR")),
        (
            {"opening_balance": "-35.00", "credit_limit": "50"},
            Money(-3500, "USD"),
            Money(-5000, "USD"),
        ),
        ({"credit_limit": "50"}, Money(0, "USD"), Money(-5000, "USD")),
        ({"credit_limit": "None"}, Money(0, "USD"), None),
        (
            {"opening_balance": "", "asset": "", "credit_limit": " "},
            Money(0, "USD"),
            Money(0, "USD"),
        ),
    ],
)
def test_what_an_account_had_and_may_owe(
    more: dict[str, str], opening: Money, floor: Money | None
) -> None:
    row = import_rows.account_row(ACME | more, "USD")
    assert (row.opening, row.floor) == (opening, floor)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ref": ""}, "no ref"),
        ({"ref": "a b"}, "cannot name an account"),
        ({"name": "  "}, "no name"),
        ({"name": "x" * 201}, "the name has 201 characters"),
        ({"name": "Acm\udce9"}, "the name is not valid Unicode"),
        ({"email": "x\x00"}, "the e-mail holds a NUL"),
        ({"asset": "XXX"}, "'XXX' is not an asset"),
        ({"opening_balance": "12,50"}, "'12,50' is not an amount"),
        ({"opening_balance": "-0.01"}, "-0.01 USD is below the credit limit"),
        ({"opening_balance": "--5"}, "'-5' is not an amount"),
        ({"opening_balance": "12.50 EUR"}, "'12.50 EUR' is not in USD"),
        ({"opening_balance": "1.5", "asset": "JPY"}, "finer than JPY"),
        ({"credit_limit": "-50"}, "'-50' is not an amount"),
        ({"credit_limit": "50 EUR"}, "'50 EUR' is not in USD"),
    ],
)
def test_an_account_that_cannot_be_taken_says_why(more: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        import_rows.account_row(ACME | more, "USD")


# --- entries -------------------------------------------------------------------------------------


def test_an_entry_is_booked_by_its_kind() -> None:
    more = {
        "happened_at": "2026-05-09T15:20:00+02:00",
        "subject": "lead 3131",
        "memo": "as agreed,\non the telephone",
    }
    assert import_rows.entry_row(CHARGE | more, "USD") == EntryRow(
        account="acme",
        kind=import_rows.KINDS["charge"],
        amount=Money(-1250, "USD"),
        reference="r-1",
        happened_at=datetime(2026, 5, 9, 13, 20, tzinfo=UTC),
        subject="lead 3131",
        memo="as agreed,\non the telephone",
    )


@pytest.mark.parametrize(
    ("word", "kind", "minor", "counterparty"),
    [
        ("charge", "charge", -1250, "revenue"),
        ("refund", "refund", 1250, "revenue"),
        ("deposit", "deposit", 1250, "imported"),
        (" Credit ", "manual_credit", 1250, "adjustment"),
        ("debit", "manual_debit", -1250, "adjustment"),
    ],
)
def test_the_kind_gives_the_direction_and_the_other_side(
    word: str, kind: str, minor: int, counterparty: str
) -> None:
    row = import_rows.entry_row(CHARGE | {"kind": word}, "USD")
    assert (row.kind.kind, row.amount.minor, row.kind.counterparty) == (kind, minor, counterparty)


@pytest.mark.parametrize(
    ("more", "amount"),
    [
        ({"amount": "12.50 EUR"}, Money(-1250, "EUR")),
        ({"amount": "12.50", "asset": "KWD"}, Money(-12500, "KWD")),
        ({"amount": "12.50 EUR", "asset": "EUR"}, Money(-1250, "EUR")),
        ({"amount": "500", "asset": "CREDIT"}, Money(-500, "CREDIT")),
    ],
)
def test_the_asset_stands_in_its_column_or_beside_the_amount(
    more: dict[str, str], amount: Money
) -> None:
    assert import_rows.entry_row(CHARGE | more, "USD").amount == amount


def test_what_is_left_out_is_nothing() -> None:
    row = import_rows.entry_row(CHARGE | {"happened_at": " ", "subject": "", "memo": " "}, "USD")
    assert (row.happened_at, row.subject, row.memo) == (None, None, None)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"account": ""}, "no account"),
        ({"kind": "gift"}, "unknown kind 'gift'"),
        ({"amount": "0.00"}, "the amount is zero"),
        ({"amount": "-5"}, "'-5' is not an amount"),
        ({"amount": "5 EUR", "asset": "USD"}, "'5 EUR' is not in USD"),
        ({"amount": "5", "asset": "XXX"}, "'XXX' is not an asset"),
        ({"reference": "  "}, "no reference"),
        ({"reference": "né"}, "the reference 'né' cannot be used"),
        ({"happened_at": "yesterday"}, "'yesterday' is not a time"),
        ({"subject": "x" * 201}, "the subject has 201 characters"),
        ({"memo": "x" * 501}, "the memo has 501 characters"),
    ],
)
def test_an_entry_that_cannot_be_taken_says_why(more: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        import_rows.entry_row(CHARGE | more, "USD")
