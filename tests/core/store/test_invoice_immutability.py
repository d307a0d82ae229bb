"""A finalized invoice stays as it is: both databases refuse, whatever column is touched."""

from __future__ import annotations

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.invoices import InvoiceRecord, LineRecord
from tests.core.operations.invoiced import issued

# What happens to an invoice afterwards: it is paid, fails, is credited, or known at a gateway.
MOVES = {
    *("status", "paid_minor", "credited_minor", "posting_id", "attempts", "failed_at"),
    *("failed_since", "detail", "gateway", "mode", "external_id", "closed_at", "changed_at"),
}
FROZEN = [name for name in InvoiceRecord._fields if name not in MOVES]
NUMBERS = {
    name
    for name, kind in {**InvoiceRecord.__annotations__, **LineRecord.__annotations__}.items()
    if "int" in str(kind)
}
REFUSED = "never changes|are kept|follow one another|foreign key"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """A desk with one finalized invoice of one line."""
    desk.accounts.add("acme", name="Acme")
    issued(desk)
    return desk


def refuse(desk: Desk, sql: str) -> None:
    """A statement must be refused in words of ours."""
    database = desk._office.database
    with (
        database.write() as session,
        pytest.raises(Exception, match=REFUSED),  # each driver has its own
        database.write(),
    ):
        session.run(sql)


def another(column: str) -> str:
    return "77" if column in NUMBERS else "'refused'"


@pytest.mark.parametrize("column", FROZEN)
def test_no_column_of_a_finalized_invoice_changes(shop: Desk, column: str) -> None:
    refuse(shop, f"UPDATE invoice SET {column} = {another(column)}")
    assert shop.invoices.audit().is_clean


@pytest.mark.parametrize("column", LineRecord._fields)
def test_no_column_of_its_lines_changes(shop: Desk, column: str) -> None:
    refuse(shop, f"UPDATE invoice_line SET {column} = {another(column)}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoice SET status = 'draft'",
        "DELETE FROM invoice",
        "DELETE FROM invoice_line",
        (
            "INSERT INTO invoice_line (invoice_id, place, text, quantity, amount_minor, net_minor,"
            " tax_minor) SELECT id, 2, 'x', '1', 1, 1, 0 FROM invoice"
        ),
        "UPDATE invoice_series SET last = last + 2",
        "UPDATE invoice_series SET last = last - 1",
        "UPDATE invoice_series SET last = last",
        "DELETE FROM invoice_series",
    ],
)
def test_nothing_is_taken_back_added_or_skipped(shop: Desk, statement: str) -> None:
    refuse(shop, statement)
    assert shop.invoices.audit().is_clean


@pytest.mark.parametrize("table", ["invoice CASCADE", "invoice_line", "invoice_series"])
def test_postgres_empties_no_table_of_them(shop: Desk, table: str) -> None:
    if shop.info.kind == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    refuse(shop, f"TRUNCATE {table}")


def test_a_void_draft_is_over_too(shop: Desk) -> None:
    draft = shop.invoices.draft("acme")
    shop.invoices.void(draft.id, memo="nobody wants it any more")
    refuse(shop, f"UPDATE invoice SET memo = 'refused' WHERE id = '{draft.id}'")
