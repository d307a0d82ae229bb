"""Drafts of invoices: they have no number and can be changed. Inside the caller's write block."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billdesk.core.operations.office import Office
from billdesk.core.rules.invoices import InvoiceDraft, LineDraft, line_record, totals_of
from billdesk.core.rules.sheets import AccountSheet
from billdesk.core.store import invoices as store
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import BadInput, ReferenceReused
from billdesk.core.values.ids import check_reference
from billdesk.core.values.money import CREDIT, check_minor, exponent_of
from billdesk.core.values.text import MEMO_LENGTH, SUBJECT_LENGTH, check_text

MOST_LINES = 5_000
MOST_DUE_DAYS = 366


def draft_invoice(office: Office, session: Session, draft: InvoiceDraft, now: datetime) -> str:
    """Write down an invoice that can still be changed; its id. The same reference gives the first.

    Raises BadInput, NotFound for the account, ReferenceReused for another account or asset.
    """
    account = office.account(session, draft.account)
    lines = [check_line(line) for line in draft.lines]
    _check_head(draft, account)
    known = store.record_by_reference(session, draft.reference) if draft.reference else None
    if known is None:
        invoice_id = office.ids.make("inv", now)
        try:
            with office.database.write():
                _write_down(office, session, draft, invoice_id, account.id, now)
        except KeyTaken:  # by another process, a moment ago
            known = store.record_by_reference(session, draft.reference or "")
        else:
            write_lines(session, invoice_id, lines, now)
            return invoice_id
    if known is None or (known.account_id, known.asset) != (account.id, draft.asset):
        raise ReferenceReused(
            f"the reference {draft.reference} was used for another invoice", "use a new reference"
        )
    return known.id


def _check_head(draft: InvoiceDraft, account: AccountSheet) -> None:
    exponent_of(draft.asset)
    if draft.asset == CREDIT:
        raise BadInput("credits are not invoiced", "invoice in a currency")
    if account.ref == "house":
        raise BadInput("the house is not invoiced", "name the account that pays")
    if draft.reference is not None:
        check_reference(draft.reference)
    if len(draft.lines) > MOST_LINES:
        raise BadInput(f"{len(draft.lines)} lines", f"an invoice has at most {MOST_LINES}")
    if draft.due_days is not None and not 0 <= draft.due_days <= MOST_DUE_DAYS:
        raise BadInput(f"due in {draft.due_days} days", f"0 to {MOST_DUE_DAYS} days")
    check_text(draft.memo, "memo", MEMO_LENGTH)


def check_line(line: LineDraft) -> LineDraft:
    """A line unchanged, if it can be kept. Raises BadInput."""
    if not line.text.strip():
        raise BadInput("the line has no text", "say what it is for")
    check_text(line.text, "line", MEMO_LENGTH)
    for value, what in (
        (line.quantity, "quantity"),
        (line.unit, "unit"),
        (line.unit_price, "price"),
    ):
        check_text(value, what, SUBJECT_LENGTH)
    check_minor(line.amount_minor)
    check_reference(line.revenue)
    return line


def _write_down(
    office: Office,
    session: Session,
    draft: InvoiceDraft,
    invoice_id: str,
    account_id: str,
    now: datetime,
) -> None:
    since, until = draft.period_since, draft.period_until
    store.add_draft(
        session,
        id=invoice_id,
        account_id=account_id,
        kind="invoice",
        source=draft.source,
        reference=draft.reference,
        about=draft.about,
        asset=draft.asset,
        corrects=None,
        period=(to_micros(since) if since else None, to_micros(until) if until else None),
        due_days=draft.due_days,
        memo=draft.memo,
        actor=office.actor,
        at=to_micros(now),
    )


def write_lines(
    session: Session, invoice_id: str, lines: Sequence[LineDraft], now: datetime
) -> None:
    """Add lines to a draft, after those it has. Raises BadInput for sums that cannot be kept."""
    first = store.next_place(session, invoice_id)
    store.add_lines(
        session, [line_record(line, invoice_id, first + at) for at, line in enumerate(lines)]
    )
    totals = totals_of(store.lines_of(session, invoice_id))
    store.set_totals(session, invoice_id, totals, to_micros(now))
