"""Invoices as the doors see them: from draft to paid, void or uncollectible."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime

from billdesk.core.operations.invoices.auditing import audit_invoices
from billdesk.core.operations.invoices.closing import void_invoice, write_off_invoice
from billdesk.core.operations.invoices.drafting import MOST_LINES, draft_invoice, write_lines
from billdesk.core.operations.invoices.issuing import (
    NO_TAX,
    check_open,
    finalize,
    invoice_named,
    locked,
    note_failure,
    party_json,
    pay_from_elsewhere,
    pay_from_wallet,
    seller_json,
    sheet_of,
    tax_for,
    today_of,
)
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments import collecting
from billdesk.core.rules.catalog import TaxRate
from billdesk.core.rules.invoice_lines import priced_line
from billdesk.core.rules.invoices import InvoiceDraft, InvoiceRecord, LineDraft, totals_of
from billdesk.core.rules.sheets import (
    InvoiceAuditSheet,
    InvoiceDetailSheet,
    InvoiceSheet,
    Page,
    TaxTotalSheet,
)
from billdesk.core.store import invoices as store
from billdesk.core.store.catalogs import catalog_now
from billdesk.core.store.invoice_lists import InvoiceFilter, list_invoices
from billdesk.core.store.parties import party_of
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import AccountClosed, NotFound, Refused
from billdesk.core.values.money import Money
from billdesk.core.values.text import SUBJECT_LENGTH, check_memo, check_text, check_word

STATUSES = ("draft", "open", "paid", "void", "uncollectible")
KINDS = ("invoice", "credit_note")

_Act = Callable[[Office, Session, str, datetime], InvoiceSheet]


class Invoices:
    """`desk.invoices`. Invoices are named by their id or number.

    One that is kept at a gateway is only read here: every act on it raises Refused.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    # --- drafts ---

    def draft(
        self,
        account: str,
        lines: Sequence[LineDraft] = (),
        *,
        asset: str | None = None,
        memo: str = "",
        due_days: int | None = None,
        reference: str | None = None,
    ) -> InvoiceSheet:
        """Begin an invoice: it has no number and can be changed until it is finalized.

        The same `reference` gives the first. Raises BadInput, NotFound, AccountClosed,
        ReferenceReused, ReadOnly.
        """
        office = self._office
        now = office.now()
        draft = InvoiceDraft(
            account,
            asset or office.default_asset,
            tuple(lines),
            reference=reference,
            memo=memo.strip(),
            due_days=due_days,
        )
        with office.database.write() as session:
            owner = office.account(session, account)
            if owner.status != "open":
                raise AccountClosed(f"the account is {owner.status}", "reopen it first")
            known = store.record_by_reference(session, reference) if reference else None
            invoice_id = draft_invoice(office, session, draft, now)
            sheet = sheet_of(session, invoice_id, now)
            if known is None:
                office.audit(
                    session, now=now, action="invoice.draft", summary=str(sheet.total),
                    account_id=owner.id, data={"invoice": invoice_id},
                )  # fmt: skip
            return sheet._replace(replayed=known is not None)

    def add_line(
        self,
        invoice: str,
        text: str,
        price: str,
        *,
        quantity: str = "1",
        unit: str = "",
        tax: str | None = None,
        revenue: str = "revenue",
    ) -> InvoiceSheet:
        """Add a line to a draft: `quantity` of something at a `price` each, both plain decimals.

        The price may be below zero, for a discount. `tax` names a tax of the catalog, `none` is without;
        left out, it is the account's, else the company's. `revenue` is the counterparty that earns it.
        Raises BadInput, NotFound, Refused when it is no draft.
        """
        now = self._office.now()
        with self._office.database.write() as session:
            record = _locked_draft(session, invoice)
            line = priced_line(
                text,
                price,
                asset=record.asset,
                quantity=quantity,
                unit=check_text(unit, "unit", SUBJECT_LENGTH),
                tax=_tax_named(session, record.account_id, tax),
                revenue=revenue,
            )
            if store.next_place(session, record.id) > MOST_LINES:
                raise Refused("the invoice is full", f"an invoice has at most {MOST_LINES} lines")
            write_lines(session, record.id, [line], now)
            return sheet_of(session, record.id, now)

    def remove_line(self, invoice: str, place: int) -> InvoiceSheet:
        """Take a line off a draft; the others keep their places. Raises NotFound, Refused."""
        now = self._office.now()
        with self._office.database.write() as session:
            record = _locked_draft(session, invoice)
            if not store.remove_line(session, record.id, place):
                raise NotFound(f"there is no line {place}", "see billdesk invoice show")
            totals = totals_of(store.lines_of(session, record.id))
            store.set_totals(session, record.id, totals, to_micros(now))
            return sheet_of(session, record.id, now)

    def finalize(self, invoice: str) -> InvoiceSheet:
        """Give a draft its number; from then on nothing on it changes.

        Raises NotFound, Refused when it is no draft, has no line, or its total is below zero.
        """
        return self._act(invoice, finalize)

    # --- money ---

    def pay(self, invoice: str) -> InvoiceSheet:
        """Pay an open invoice from the account's wallet; one that is paid stays as it is.

        Raises NotFound, Refused when it is a draft or void, InsufficientFunds, WalletFrozen,
        AccountClosed.
        """
        return self._act(invoice, pay_from_wallet)

    def mark_paid(self, invoice: str, *, memo: str) -> InvoiceSheet:
        """Book that an open invoice was paid past the desk: by bank transfer, in cash.

        The money is deposited from `elsewhere` and pays the invoice in the same block. `memo` says how
        in 10 to 500 characters. Raises BadInput, NotFound, Refused, InsufficientFunds when the wallet
        is overdrawn.
        """
        note = check_memo(memo)
        return self._act(
            invoice,
            lambda office, session, name, now: pay_from_elsewhere(
                office, session, name, now, memo=note
            ),
        )

    def mark_failed(self, invoice: str, *, memo: str) -> InvoiceSheet:
        """Book that an open invoice could not be collected; `memo` says why.

        Its subscription becomes past due with the first failure. Raises BadInput, NotFound, Refused
        when it is not open.
        """
        note = check_memo(memo)

        def act(office: Office, session: Session, id: str, now: datetime) -> InvoiceSheet:
            check_open(locked(session, id))
            note_failure(office, session, id, note, now)
            return sheet_of(session, id, now)

        return self._act(invoice, act)

    def void(self, invoice: str, *, memo: str) -> InvoiceSheet:
        """Take back an invoice that is not paid; it keeps its number, a draft never had one.

        Raises BadInput for the memo, NotFound, Refused when it is paid or void.
        """
        note = check_memo(memo)
        return self._act(
            invoice,
            lambda office, session, name, now: void_invoice(office, session, name, note, now),
        )

    def write_off(self, invoice: str, *, memo: str) -> InvoiceSheet:
        """Give up on an open invoice; it can still be paid. Raises BadInput, NotFound, Refused."""
        note = check_memo(memo)
        return self._act(
            invoice,
            lambda office, session, name, now: write_off_invoice(office, session, name, note, now),
        )

    def collect(self, invoice: str) -> InvoiceSheet:
        """Charge an open invoice to the account's default method, while its owner is away.

        A decline is an answer: the invoice stays open and says why. Inside a transaction no gateway is
        asked: the next poll does. Raises NotFound, AccountClosed, Refused when it is not open, a payment
        is on its way, nothing is saved, or its gateway is not connected; GatewayError kinds.
        """
        office = self._office
        office.check_writable()
        with office.database.read() as session:
            invoice_id = _ours(session, invoice).id
        return collecting.collect_invoice(office, invoice_id, office.now())

    def _act(self, invoice: str, act: _Act) -> InvoiceSheet:
        office = self._office
        now = office.now()
        with office.database.write() as session:
            return act(office, session, _ours(session, invoice).id, now)

    # --- reading ---

    def get(self, invoice: str) -> InvoiceSheet:
        """One invoice or credit note. Raises NotFound."""
        with self._office.database.read() as session:
            return sheet_of(session, invoice_named(session, invoice).id, self._office.now())

    def detail(self, invoice: str) -> InvoiceDetailSheet:
        """An invoice or credit note with everything that stands on it. Raises NotFound.

        A draft shows what would be copied onto it now.
        """
        office = self._office
        with office.database.read(snapshot=True) as session:
            return _detail(session, invoice_named(session, invoice), office.now())

    def list(
        self,
        *,
        account: str | None = None,
        status: str | None = None,
        text: str | None = None,
        since: date | None = None,
        until: date | None = None,
        overdue: bool | None = None,
        kind: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[InvoiceSheet]:
        """Invoices and credit notes, the newest first.

        `text` is the beginning of a number, an account's ref, or a part of number, memo or name; only
        the last is looked for in the newest first, a stretch at a time, so that a page may be short and
        still have a next one. `since` inclusive and `until` exclusive are days of issue. Raises
        BadInput, NotFound for the account.
        """
        office = self._office
        check_limit(limit)
        check_word(status, "status", STATUSES)
        check_word(kind, "kind", KINDS)
        text = check_text(text.strip(), "text", SUBJECT_LENGTH) if text else None
        with office.database.read() as session:
            wanted = InvoiceFilter(
                today=today_of(session, office.now()),
                account_id=office.account(session, account).id if account else None,
                status=status,
                kind=kind,
                text=text or None,
                since=since,
                until=until,
                overdue=overdue,
            )
            rows, following = list_invoices(session, wanted, read_cursor(after), limit)
        return Page(tuple(rows), None if following is None else str(following))

    def audit(self, *, on_progress: Callable[[int, int], None] | None = None) -> InvoiceAuditSheet:
        """Prove that no number is missing, nothing was changed, and what is paid has its posting.

        The numbers of each series go from the first to its counter, each once. Every finalized invoice
        still has the digest that it got then. Those that are paid, and they alone, have a posting, of
        exactly what they come to.
        """
        return audit_invoices(self._office, on_progress)


def _ours(session: Session, invoice: str) -> InvoiceRecord:
    """An invoice that is not kept at a gateway. Raises NotFound, Refused."""
    record = invoice_named(session, invoice)
    if record.source == "gateway":
        raise Refused(f"{record.name} is kept at {record.gateway}", "change it there, then sync it")
    return record


def _locked_draft(session: Session, invoice: str) -> InvoiceRecord:
    record = locked(session, _ours(session, invoice).id)
    if record.status != "draft":
        raise Refused(
            f"{record.name} is {record.status} and never changes", "correct it by a credit note"
        )
    return record


def _tax_named(session: Session, account_id: str, code: str | None) -> TaxRate | None:
    """A tax by its code; None for the account's own, else the company's. Raises NotFound, Refused."""
    if code is None:
        return tax_for(session, account_id, None)
    if code == NO_TAX:
        return None
    taxes = catalog_now(session).taxes
    if code not in taxes:
        known = ", ".join(taxes) or "no tax yet"
        raise NotFound(f"the catalog has no tax {code[:40]!r}", f"known: {known}")
    return taxes[code]


def _detail(session: Session, record: InvoiceRecord, now: datetime) -> InvoiceDetailSheet:
    today = today_of(session, now)
    seller, party, terms = record.seller, record.party, record.terms
    if record.finalized_at is None:
        company = catalog_now(session).company
        seller, terms = seller_json(company), company.terms
        party = party_json(session, record.account_id, party_of(session, record.account_id))
    lines = store.lines_of(session, record.id)
    taxes: dict[tuple[str, str, str, bool], tuple[int, int]] = {}
    for line in lines:
        if line.tax_code is not None:
            key = (line.tax_code, line.tax_name, line.tax_rate, bool(line.tax_inclusive))
            net, tax = taxes.get(key, (0, 0))
            taxes[key] = (net + line.net_minor, tax + line.tax_minor)
    asset = record.asset
    return InvoiceDetailSheet(
        invoice=sheet_of(session, record.id, now),
        lines=tuple(store.line_sheet(line, asset) for line in lines),
        taxes=tuple(
            TaxTotalSheet(*key, Money(net, asset), Money(tax, asset))
            for key, (net, tax) in taxes.items()
        ),
        seller=_printed(seller, ("name", "address", "tax_id", "email")),
        party=_printed(party, ("name", "address", "country", "tax_id")),
        terms=terms,
        credit_notes=tuple(store.note_sheets(session, record.id, today)),
        payments=tuple(payment_id for payment_id, _ in store.payments_of(session, record.id)),
        digest=record.digest,
        chain_head=record.chain_head,
    )


def _printed(kept: str, names: Sequence[str]) -> tuple[str, ...]:
    """Who sells or buys, line by line as it is printed; what is not known is left out."""
    known = json.loads(kept)
    texts: builtins.list[str] = []
    for name in names:
        texts += str(known.get(name) or "").splitlines()
    return tuple(texts)
