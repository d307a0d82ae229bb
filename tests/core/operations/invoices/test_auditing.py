"""An audit of invoices sees what somebody with the database in hands has done to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from billdesk.core.desk import Desk
from billdesk.core.operations.invoices import auditing
from billdesk.core.operations.ledger.correcting import reverse_posting
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.store import invoice_audits
from tests.core.operations.conftest import MEMO
from tests.core.operations.invoiced import VAT, block, issued

pytestmark = pytest.mark.usefixtures("acme")


@contextmanager
def tampering(desk: Desk) -> Iterator[None]:
    """The triggers that refuse every change are out of the way, as they are for whoever owns it."""
    tables = ("invoice", "invoice_line", "invoice_series")
    with block(desk) as (_, session):
        if session.kind == "postgres":
            for table in tables:
                session.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield
            for table in tables:
                session.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            return
        triggers = session.all(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'invoice%'"
        )
        for name, _ in triggers:
            session.execute(f"DROP TRIGGER {name}")
        yield
        for _, sql in triggers:
            session.execute(sql)


def tampered(desk: Desk, *statements: str) -> tuple[str, ...]:
    """What an audit says after these changes; it had nothing to say before."""
    assert desk.invoices.audit().is_clean
    with tampering(desk), block(desk) as (_, session):
        for statement in statements:
            session.run(statement)
    sheet = desk.invoices.audit()
    assert not sheet.is_clean
    return sheet.problems


@pytest.fixture
def books(desk: Desk) -> Desk:
    """Four invoices, INV-000002 paid and credited in part, INV-000003 credited, then paid; one draft."""
    lines = (LineDraft("a", 1000, tax=VAT, revenue="revenue:a"), LineDraft("b", 500))
    sheets = [issued(desk, *lines) for _ in range(4)]
    desk.invoices.pay(sheets[1].id)
    desk.credit_notes.create(sheets[1].id, "1.00", memo=MEMO)
    desk.credit_notes.create(sheets[2].id, "2.00", memo=MEMO)
    desk.invoices.pay(sheets[2].id)
    desk.invoices.draft("acme")
    return desk


def test_sound_books_are_told_by_series(books: Desk) -> None:
    said: list[tuple[int, int]] = []
    sheet = books.invoices.audit(on_progress=lambda done, total: said.append((done, total)))
    assert sheet == (
        (
            ("credit_note", 2, "CN-000001", "CN-000002"),
            ("invoice", 4, "INV-000001", "INV-000004"),
        ),
        6,
        (),
    )
    assert said == [(6, 6)]


def test_an_empty_ledger_is_sound(desk: Desk) -> None:
    assert desk.invoices.audit() == ((), 0, ())


def test_everything_is_looked_at_however_much_it_is(
    books: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoice_audits, "_AT_ONCE", 2)
    said: list[tuple[int, int]] = []
    assert books.invoices.audit(on_progress=lambda *told: said.append(told)).checked == 6
    assert said == [(2, 6), (4, 6), (6, 6)]


CHANGED = "it was changed after it was finalized"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE invoice SET memo = 'x' WHERE sequence = 1", CHANGED),
        ("UPDATE invoice SET party = '{}' WHERE sequence = 1", CHANGED),
        ("UPDATE invoice_line SET text = 'x' WHERE place = 1", CHANGED),
        ("DELETE FROM invoice_line WHERE place = 2", CHANGED),
        (
            "UPDATE invoice SET total_minor = 5, digest = digest WHERE sequence = 1",
            "its totals are not the sums of its lines",
        ),
        (
            "UPDATE invoice SET sequence = 9 WHERE invoice_number = 'INV-000004'",
            "4 to 8 is missing",
        ),
        (
            "UPDATE invoice SET sequence = 9 WHERE invoice_number = 'INV-000004'",
            "its number is not the 9th of its series",
        ),
        (
            "UPDATE invoice SET sequence = 9 WHERE invoice_number = 'INV-000002'",
            "series invoice: 2 is missing",
        ),
        (
            "UPDATE invoice_series SET last = 7 WHERE name = 'invoice'",
            "series invoice: the last number is 4, the counter says 7",
        ),
        (
            "INSERT INTO invoice_series (name, prefix, digits, last) VALUES ('other', 'X', 1, 3)",
            "series other: the last number is 0, the counter says 3",
        ),
        (
            "UPDATE invoice SET credited_minor = 0 WHERE invoice_number = 'INV-000002'",
            "INV-000002: 1.00 USD of it is credited by credit notes",
        ),
        (
            "UPDATE invoice SET status = 'open' WHERE invoice_number = 'INV-000002'",
            "INV-000002: it is open and has a posting",
        ),
        (
            (
                "UPDATE invoice SET status = 'paid', paid_minor = 1690"
                " WHERE invoice_number = 'INV-000001'"
            ),
            "INV-000001: it is paid without a posting",
        ),
        (
            "UPDATE invoice SET paid_minor = 1 WHERE invoice_number = 'INV-000003'",
            "is not what it comes to",
        ),
        (
            (
                "UPDATE invoice SET posting_id = NULL, paid_minor = 0"
                " WHERE invoice_number = 'INV-000002'"
            ),
            "which does not name it",
        ),
        (
            "UPDATE invoice SET posting_id = NULL, paid_minor = 0 WHERE invoice_number = 'CN-000001'",
            "says credit_note:",
        ),
        (
            (
                "UPDATE invoice SET posting_id = (SELECT posting_id FROM invoice"
                " WHERE invoice_number = 'INV-000003') WHERE invoice_number = 'INV-000002'"
            ),
            "is not what it comes to",
        ),
    ],
)
def test_what_was_done_behind_its_back_is_told(books: Desk, statement: str, problem: str) -> None:
    problems = tampered(books, statement)
    assert any(problem in text for text in problems), problems


def test_a_missing_invoice_is_named(books: Desk) -> None:
    problems = tampered(
        books,
        "DELETE FROM invoice_line WHERE invoice_id IN"
        " (SELECT id FROM invoice WHERE invoice_number IN ('INV-000001', 'INV-000004'))",
        "DELETE FROM invoice WHERE invoice_number IN ('INV-000001', 'INV-000004')",
    )
    assert problems == (
        "series invoice: 1 is missing",
        "series invoice: the last number is 3, the counter says 4",
    )


def test_a_posting_that_was_undone_alone_is_told(books: Desk) -> None:
    posting_id = books.invoices.get("INV-000002").posting_id or ""
    with block(books) as (office, session):
        reverse_posting(office, session, posting_id, MEMO, books.now())
    [problem] = books.invoices.audit().problems
    assert problem.endswith(f"its posting {posting_id} was undone alone")


def test_a_long_list_of_problems_is_cut(books: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "_MOST_PROBLEMS", 2)
    problems = tampered(books, "UPDATE invoice SET terms = 'x' WHERE finalized_at IS NOT NULL")
    assert (len(problems), problems[-1]) == (3, "and 4 more")
