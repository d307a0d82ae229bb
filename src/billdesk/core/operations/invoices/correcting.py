"""Credit notes: what was invoiced and is taken back, with numbers of their own.

On a paid invoice the money goes back to the wallet, taken from whom it went to; on an open one less is
due. There is never more credited than was invoiced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from billdesk.core.operations.invoices.drafting import check_line
from billdesk.core.operations.invoices.following import follow_nothing
from billdesk.core.operations.invoices.issuing import (
    CREDIT_NOTES,
    invoice_named,
    locked,
    number_and_seal,
    sheet_of,
    today_of,
)
from billdesk.core.operations.ledger.booking import system_draft
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.ledger.settling import book_credit
from billdesk.core.operations.office import Office
from billdesk.core.rules.credit_notes import all_left, part_left, parts_of_lines
from billdesk.core.rules.invoices import (
    InvoiceRecord,
    LineDraft,
    LineRecord,
    earnings,
    line_record,
    totals_of,
)
from billdesk.core.rules.ledger import CASH, Leg
from billdesk.core.rules.sheets import InvoiceSheet, Page
from billdesk.core.store import invoices as store
from billdesk.core.store.catalogs import catalog_now
from billdesk.core.store.invoice_lists import InvoiceFilter, list_invoices
from billdesk.core.store.parties import party_of
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import BadInput, Broken, ReferenceReused, Refused
from billdesk.core.values.ids import check_reference
from billdesk.core.values.money import Money, read_amount
from billdesk.core.values.text import MEMO_LENGTH, check_memo, check_text

_CREDITABLE = ("open", "paid", "uncollectible")


def credit_invoice(
    office: Office,
    session: Session,
    invoice_id: str,
    now: datetime,
    *,
    memo: str,
    amount_minor: int | None = None,
    places: Mapping[int, int] | None = None,
    lines: Sequence[LineDraft] | None = None,
    reference: str | None = None,
) -> InvoiceSheet:
    """Credit an invoice, inside the caller's write block: the credit note.

    `amount_minor` with tax is split over what is left; `places` are amounts with tax by line of the
    invoice; `lines` are lines of their own, amounts above zero being given back; none of them: all that
    is left. The same `reference` gives the first (`replayed`). Raises NotFound, BadInput, Refused when
    the invoice is a draft or void, nothing is left, or more is credited than that; ReferenceReused.
    """
    invoice = locked(session, invoice_id)
    if reference is not None:
        known = store.record_by_reference(session, check_reference(reference))
        if known is not None and known.corrects == invoice_id:
            return sheet_of(session, known.id, now)._replace(replayed=True)
        if known is not None:
            raise ReferenceReused(
                f"the reference {reference} was used for {known.name}", "use a new reference"
            )
    left_minor = _check_creditable(invoice)
    note_id = office.ids.make("crn", now)
    own, credited = store.lines_of(session, invoice_id), store.lines_of_notes(session, invoice_id)
    if lines is not None:
        noted = tuple(
            line_record(check_line(line), note_id, place) for place, line in enumerate(lines, 1)
        )
    elif places is not None:
        noted = parts_of_lines(note_id, own, credited, places, invoice.asset)
    elif amount_minor is not None and amount_minor != left_minor:
        _check_left(invoice, amount_minor, left_minor)
        noted = part_left(note_id, own, credited, amount_minor)
    else:
        noted = all_left(note_id, own, credited)
    _check_left(invoice, totals_of(noted).total_minor, left_minor)
    return _write(office, session, invoice, noted, now, memo=memo, reference=reference)


def _check_creditable(invoice: InvoiceRecord) -> int:
    """What is left to credit, minor units. Raises Refused."""
    if invoice.kind != "invoice":
        raise Refused(f"{invoice.name} is a credit note", "name the invoice it is about")
    if invoice.status not in _CREDITABLE:
        remedy = "change the draft" if invoice.status == "draft" else "nothing of it is owed"
        raise Refused(f"{invoice.name} is {invoice.status}", remedy)
    left_minor = invoice.total_minor - invoice.credited_minor
    if left_minor <= 0:
        raise Refused(f"nothing is left of {invoice.name} to credit", "it is credited in full")
    return left_minor


def _check_left(invoice: InvoiceRecord, credited_minor: int, left_minor: int) -> None:
    """Raises BadInput, Refused unless a credit note's total is above zero and within what is left."""
    if credited_minor <= 0:
        raise BadInput("the credit note gives nothing back", "give an amount above zero")
    if credited_minor > left_minor:
        asset = invoice.asset
        raise Refused(
            f"{Money(credited_minor, asset)} is more than the {Money(left_minor, asset)} that is"
            f" left of {invoice.name}",
            "credit no more than that",
        )


def _write(
    office: Office,
    session: Session,
    invoice: InvoiceRecord,
    lines: Sequence[LineRecord],
    now: datetime,
    *,
    memo: str,
    reference: str | None,
) -> InvoiceSheet:
    """The credit note with its number, its posting if money goes back, and what is left of the invoice."""
    at = to_micros(now)
    note_id = lines[0].invoice_id
    store.add_draft(
        session, id=note_id, account_id=invoice.account_id, kind="credit_note",
        source=invoice.source, reference=reference, about=invoice.about, asset=invoice.asset,
        corrects=invoice.id, period=(invoice.period_since, invoice.period_until), due_days=None,
        memo=check_text(memo, "memo", MEMO_LENGTH), actor=office.actor, at=at,
    )  # fmt: skip
    store.add_lines(session, lines)
    totals = totals_of(lines)
    store.set_totals(session, note_id, totals, at)
    draft = store.record_by_id(session, note_id)
    if draft is None:
        raise Broken("a credit note that was just written is not there")
    # What a gateway was paid in credits of its own never came here, and does not go back.
    goes_back = invoice.posting_id is not None
    posting_id = _give_back(office, invoice, note_id, lines, now) if goes_back else None
    note = number_and_seal(
        session,
        draft._replace(
            status="paid", series=CREDIT_NOTES, issued_on=today_of(session, now).isoformat(),
            paid_minor=totals.total_minor if goes_back else 0, posting_id=posting_id, closed_at=at,
        ),
        catalog_now(session).company, party_of(session, invoice.account_id), lines, now,
    )  # fmt: skip
    store.save_finalized(session, note)
    _count(office, session, invoice, totals.total_minor, now)
    office.audit(
        session, now=now, action="credit_note.create",
        summary=f"{note.name} · {Money(totals.total_minor, invoice.asset)} of {invoice.name}: {memo}",
        account_id=invoice.account_id, data={"invoice": invoice.id, "credit_note": note_id},
    )  # fmt: skip
    return sheet_of(session, note_id, now)


def _count(
    office: Office, session: Session, invoice: InvoiceRecord, credited_minor: int, now: datetime
) -> None:
    """Count a credit note on its invoice; one that nothing is left of has come to nothing."""
    at = to_micros(now)
    store.count_credited(session, invoice.id, credited_minor, at)
    if invoice.status != "paid" and invoice.due_minor == credited_minor:
        store.close_invoice(session, invoice.id, status="paid", detail="credited in full", at=at)
        follow_nothing(office, session, invoice, now)


def _give_back(
    office: Office,
    invoice: InvoiceRecord,
    note_id: str,
    lines: Sequence[LineRecord],
    now: datetime,
) -> str:
    """The posting of a credit note on a paid invoice: to the wallet, from everybody who earned."""
    legs = tuple(
        Leg(invoice.account_id, CASH, invoice.asset, share_minor, 0, party)
        for party, share_minor in reversed(earnings(lines))
    )
    reference = f"credit_note:{note_id}"
    draft = system_draft(office, "cnp", "credit_note", reference, legs, note_id, now)
    draft = draft._replace(subject=invoice.invoice_number, salt=office.ids.salt())
    return book_credit(office, draft, now).id


class CreditNotes:
    """`desk.credit_notes`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def create(
        self,
        invoice: str,
        amount: Money | str | None = None,
        *,
        lines: Mapping[int, Money | str] | None = None,
        memo: str,
        reference: str | None = None,
    ) -> InvoiceSheet:
        """Credit an invoice (its id or number): the credit note, final at once.

        `amount` with tax, or `lines`: amounts with tax by the place of a line; neither: all that is
        left. On a paid invoice the money goes to the wallet, on an open one less is due. `memo` says
        why in 10 to 500 characters; the same `reference` gives the first. Raises BadInput, NotFound,
        Refused when it is a draft or void, more than is left of it, or a pack's that was paid;
        ReferenceReused.
        """
        office = self._office
        office.check_writable()
        now = office.now()
        note = check_memo(memo)
        if amount is not None and lines is not None:
            raise BadInput("an amount and lines were given", "give one of them")
        with office.database.write() as session:
            record = invoice_named(session, invoice)
            if record.source == "pack" and record.paid_minor:
                raise Refused(
                    f"{record.name} paid for a pack", "give the pack back: billdesk pack refund"
                )
            return credit_invoice(
                office,
                session,
                record.id,
                now,
                memo=note,
                amount_minor=None if amount is None else _read(amount, record.asset),
                places=None if lines is None else _read_all(lines, record.asset),
                reference=reference,
            )

    def list(
        self,
        *,
        account: str | None = None,
        invoice: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[InvoiceSheet]:
        """Credit notes, the newest first, of an account or about an invoice.

        Raises BadInput, NotFound.
        """
        office = self._office
        check_limit(limit)
        with office.database.read() as session:
            wanted = InvoiceFilter(
                today_of(session, office.now()),
                account_id=office.account(session, account).id if account else None,
                kind="credit_note",
                corrects=invoice_named(session, invoice).id if invoice else None,
            )
            rows, following = list_invoices(session, wanted, read_cursor(after), limit)
        return Page(tuple(rows), None if following is None else str(following))


def _read(amount: Money | str, asset: str) -> int:
    """An amount above zero in the invoice's asset, minor units. Raises BadInput."""
    money = read_amount(amount, asset)
    if money.asset != asset:
        raise BadInput(f"the invoice is in {asset}", f"give an amount in {asset}")
    return money.minor


def _read_all(amounts: Mapping[int, Money | str], asset: str) -> dict[int, int]:
    return {place: _read(amount, asset) for place, amount in amounts.items()}
