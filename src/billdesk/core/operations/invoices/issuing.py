"""Issuing invoices and taking their money, inside the caller's write block.

A draft can be changed and has no number. Finalizing gives it the next number and copies onto it who
sells, who buys, the terms and every tax, and from then on the database refuses every change. An open
invoice posts nothing; it becomes entries when it is paid, whole, by one posting on the account's
wallet.

Locks are taken in one order: the wallet, the invoice, the series of numbers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from billdesk.core.operations.invoices.drafting import draft_invoice
from billdesk.core.operations.invoices.following import follow_failure, follow_paid
from billdesk.core.operations.ledger.booking import book, system_draft
from billdesk.core.operations.office import Office
from billdesk.core.rules.catalog import Company, TaxRate
from billdesk.core.rules.invoices import (
    InvoiceDraft,
    InvoiceRecord,
    LineRecord,
    digest_of_invoice,
    earnings,
)
from billdesk.core.rules.ledger import CASH, Leg
from billdesk.core.rules.sheets import InvoiceSheet
from billdesk.core.store import invoices as store
from billdesk.core.store.catalogs import catalog_now
from billdesk.core.store.meta import read_meta
from billdesk.core.store.parties import Party, party_of
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Broken, NotFound, Refused
from billdesk.core.values.money import Money
from billdesk.core.values.text import MEMO_LENGTH

INVOICES, CREDIT_NOTES = "invoice", "credit_note"
"""The series of numbers; each goes on by one, also when the company changes its prefix."""

NO_TAX = "none"
"""The tax code of a party that pays none."""

_ELSEWHERE = "elsewhere"
"""The counterparty of money that came neither through a gateway nor by hand."""


# --- finalizing ----------------------------------------------------------------------------------


def issue(office: Office, session: Session, draft: InvoiceDraft, now: datetime) -> InvoiceSheet:
    """Draft and finalize in one; the same reference gives the first (`replayed`).

    Raises what `draft_invoice` and `finalize` raise.
    """
    invoice_id = draft_invoice(office, session, draft, now)
    record = locked(session, invoice_id)
    if record.status == "draft":
        return finalize(office, session, invoice_id, now)
    return sheet_of(session, invoice_id, now)._replace(replayed=True)


def finalize(office: Office, session: Session, invoice_id: str, now: datetime) -> InvoiceSheet:
    """Give a draft its number and make it unchangeable. One of nothing is paid at once.

    Raises NotFound, Refused when it is no draft, has no line, or its total is below zero.
    """
    record = locked(session, invoice_id)
    if record.status != "draft":
        raise Refused(f"{record.name} is {record.status}", "only a draft is finalized")
    lines = store.lines_of(session, invoice_id)
    if not lines:
        raise Refused("the invoice has no lines", "add what is to be paid")
    if record.total_minor < 0:
        total = Money(record.total_minor, record.asset)
        raise Refused(f"its total is {total}", "give money back by a credit note")
    record = _sealed(session, record, lines, now)
    store.save_finalized(session, record)
    total = Money(record.total_minor, record.asset)
    office.audit(
        session, now=now, action="invoice.finalize", summary=f"{record.name} · {total}",
        account_id=record.account_id, data={"invoice": invoice_id},
    )  # fmt: skip
    if record.status == "paid":
        follow_paid(office, session, record, now)
    return sheet_of(session, invoice_id, now)


def _sealed(
    session: Session, draft: InvoiceRecord, lines: Sequence[LineRecord], now: datetime
) -> InvoiceRecord:
    """What a draft is once it is finalized: numbered, dated, with everything copied onto it."""
    company = catalog_now(session).company
    party = party_of(session, draft.account_id)
    issued_on = today_of(session, now)
    due_days = next(
        days for days in (draft.due_days, party.due_days, company.due_days) if days is not None
    )
    is_paid = draft.total_minor == 0
    return number_and_seal(
        session,
        draft._replace(
            status="paid" if is_paid else "open",
            series=INVOICES,
            issued_on=issued_on.isoformat(),
            due_on=(issued_on + timedelta(days=due_days)).isoformat(),
            due_days=due_days,
            closed_at=to_micros(now) if is_paid else None,
        ),
        company,
        party,
        lines,
        now,
    )


def number_and_seal(
    session: Session,
    record: InvoiceRecord,
    company: Company,
    party: Party,
    lines: Sequence[LineRecord],
    now: datetime,
) -> InvoiceRecord:
    """Copy who sells, who buys and the terms onto it, take the next number, and work out its digest."""
    series = record.series or INVOICES
    prefix = company.invoice_prefix if series == INVOICES else company.credit_note_prefix
    state = wallet_state(session, record.account_id, CASH, record.asset)
    sequence, number = store.take_number(session, series, prefix, company.digits)
    sealed = record._replace(
        sequence=sequence,
        invoice_number=number,
        seller=seller_json(company),
        party=party_json(session, record.account_id, party),
        terms=company.terms,
        chain_head=state.head.hex() if state else None,
        finalized_at=to_micros(now),
        changed_at=to_micros(now),
    )
    return sealed._replace(digest=digest_of_invoice(sealed, lines))


def seller_json(company: Company) -> str:
    """Who sells, as it is kept on an invoice; a logo by its SHA-256."""
    logo = sha256(company.logo).hexdigest() if company.logo else None
    return json.dumps(
        {
            "name": company.name,
            "address": company.address,
            "tax_id": company.tax_id,
            "email": company.email,
            "logo": logo,
        },
        ensure_ascii=False,
    )


def party_json(session: Session, account_id: str, party: Party) -> str:
    """Who buys, as it is kept on an invoice."""
    [[ref, name]] = session.all("SELECT ref, name FROM account WHERE id = ?", (account_id,))
    return json.dumps(
        {
            "name": party.legal_name or name,
            "address": party.address,
            "country": party.country,
            "tax_id": party.tax_id,
            "language": party.language,
            "ref": ref,
        },
        ensure_ascii=False,
    )


def tax_for(session: Session, account_id: str, code: str | None) -> TaxRate | None:
    """The tax on what an account buys: its own, else that of the thing (`code`), else the company's.

    An account whose tax code is `none` pays none. Raises Refused for a code that the catalog lacks.
    """
    catalog = catalog_now(session)
    own = party_of(session, account_id).tax_code
    wanted = own or code or catalog.company.tax_code
    if wanted is None or wanted == NO_TAX:
        return None
    rate = catalog.taxes.get(wanted)
    if rate is None:
        raise Refused(f"the catalog has no tax {wanted!r}", "add it, or name another")
    return rate


# --- paying --------------------------------------------------------------------------------------


def pay_from_wallet(
    office: Office, session: Session, invoice_id: str, now: datetime, *, guarded: bool = True
) -> InvoiceSheet:
    """Pay an invoice, whole, from the account's wallet; one that is paid already stays as it is.

    `guarded=False` takes the money also while the wallet is frozen or the account is not open: what
    came for this very invoice. Raises NotFound, Refused when it cannot be paid, InsufficientFunds,
    WalletFrozen, AccountClosed.
    """
    record = locked(session, invoice_id)
    if record.status == "paid" and record.kind == "invoice":
        return sheet_of(session, invoice_id, now)._replace(replayed=True)
    check_open(record)
    credited = store.lines_of_notes(session, invoice_id)
    shares = earnings(store.lines_of(session, invoice_id), credited)
    due_minor = record.due_minor
    posting_id = _post(office, record, shares, now, guarded=guarded)
    store.close_invoice(
        session, invoice_id, status="paid", detail="", at=to_micros(now), paid_minor=due_minor,
        posting_id=posting_id,
    )  # fmt: skip
    office.audit(
        session, now=now, action="invoice.pay",
        summary=f"{record.name} · {Money(due_minor, record.asset)}",
        account_id=record.account_id, data={"invoice": invoice_id},
    )  # fmt: skip
    follow_paid(office, session, record, now)
    return sheet_of(session, invoice_id, now)


def _post(
    office: Office,
    record: InvoiceRecord,
    shares: Sequence[tuple[str, int]],
    now: datetime,
    *,
    guarded: bool,
) -> str:
    """The one posting of a paid invoice: a leg for everybody who earns of it."""
    kind = "pack_purchase" if record.source == "pack" else "invoice_payment"
    legs = tuple(
        Leg(record.account_id, CASH, record.asset, -share_minor, 0, party)
        for party, share_minor in shares
    )
    draft = system_draft(office, "ipm", kind, f"invoice:{record.id}", legs, record.id, now)
    draft = draft._replace(subject=record.invoice_number, salt=office.ids.salt(), guarded=guarded)
    return book(office, draft, now).id


def pay_from_elsewhere(
    office: Office,
    session: Session,
    invoice_id: str,
    now: datetime,
    *,
    memo: str | None = None,
    counterparty: str = _ELSEWHERE,
) -> InvoiceSheet:
    """Pay an invoice with money that came past the desk: it is deposited from `counterparty` first.

    Raises NotFound, Refused when it cannot be paid, InsufficientFunds when the wallet is overdrawn.
    """
    record = locked(session, invoice_id)
    if record.status == "paid" and record.kind == "invoice":
        return sheet_of(session, invoice_id, now)._replace(replayed=True)
    check_open(record)
    legs = (Leg(record.account_id, CASH, record.asset, record.due_minor, 0, counterparty),)
    reference = f"elsewhere:{record.id}"
    deposit = system_draft(office, "dep", "deposit", reference, legs, record.id, now)
    deposit = deposit._replace(subject=record.invoice_number, memo=memo, salt=office.ids.salt())
    book(office, deposit, now)
    return pay_from_wallet(office, session, invoice_id, now, guarded=False)


def note_failure(
    office: Office, session: Session, invoice_id: str, why: str, now: datetime
) -> None:
    """Remember that an open invoice could not be collected, and why, in words; else nothing happens.

    The first time, its subscription becomes past due.
    """
    record = locked(session, invoice_id)
    if record.status not in ("open", "uncollectible"):
        return
    store.count_failure(session, invoice_id, why[:MEMO_LENGTH], to_micros(now))
    office.audit(
        session, now=now, action="invoice.fail", summary=f"{record.name}: {why[:MEMO_LENGTH]}",
        account_id=record.account_id, data={"invoice": invoice_id},
    )  # fmt: skip
    if record.failed_since is None:
        follow_failure(office, session, record, now)


# --- what all of them need -----------------------------------------------------------------------


def locked(session: Session, invoice_id: str) -> InvoiceRecord:
    """An invoice that nobody else changes until the block ends, nor the wallet that pays it.

    Raises NotFound.
    """
    record = store.record_by_id(session, invoice_id)
    if record is None:
        raise NotFound(f"there is no invoice {invoice_id[:64]!r}", "see billdesk invoice list")
    wallet_state(session, record.account_id, CASH, record.asset, lock=True)
    again = store.record_by_id(session, invoice_id, lock=True)
    if again is None:
        raise Broken("a locked invoice is gone")
    return again


def invoice_named(session: Session, name: str) -> InvoiceRecord:
    """An invoice or credit note by its id or number. Raises NotFound."""
    record = store.record_by_id(session, store.id_of_number(session, name) or name)
    if record is None:
        raise NotFound(f"there is no invoice {name[:64]!r}", "see billdesk invoice list")
    return record


def check_open(record: InvoiceRecord) -> None:
    """Raises Refused unless an invoice can be paid."""
    if record.kind != "invoice":
        raise Refused(f"{record.name} is a credit note", "it gives money back")
    if record.status not in ("open", "uncollectible"):
        remedy = "finalize it first" if record.status == "draft" else "issue another"
        raise Refused(f"{record.name} is {record.status}", remedy)


def today_of(session: Session, now: datetime) -> date:
    """The day it is in the desk's zone."""
    return now.astimezone(ZoneInfo(read_meta(session)["zone"])).date()


def sheet_of(session: Session, invoice_id: str, now: datetime) -> InvoiceSheet:
    """An invoice that is known to be there."""
    sheet = store.sheet_by_id(session, invoice_id, today_of(session, now))
    if sheet is None:
        raise Broken("an invoice that was just changed is not there")
    return sheet
