"""Invoices that a gateway writes, or was sent by the desk: what its facts say of them.

One that the gateway wrote is mirrored: its own number, lines and totals, no number of ours. When it is
paid with money that the gateway took, that money is booked as any other of that gateway: a payment with
its deposit and fee, by which both books can be compared, and in the same block the invoice is paid from
the wallet. What was paid in another way (a credit that the gateway keeps, money that it never saw) posts
nothing, except the rest of an invoice that was paid in part by it: that comes from `elsewhere`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from billdesk.core.operations.facts.mirroring_subscriptions import unknown_customer, whose
from billdesk.core.operations.facts.outcomes import (
    APPLIED,
    CREDITED,
    Outcome,
    settled_drafts,
    waits,
)
from billdesk.core.operations.invoices.issuing import (
    locked,
    note_failure,
    party_json,
    pay_from_wallet,
    seller_json,
)
from billdesk.core.operations.ledger.booking import book, system_draft
from billdesk.core.operations.ledger.settling import book_credit
from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.invoices import (
    InvoiceRecord,
    LineRecord,
    digest_of_invoice,
    totals_of,
)
from billdesk.core.rules.ledger import CASH, Leg
from billdesk.core.rules.mirrors import GatewayInvoice, GatewayPart
from billdesk.core.rules.subscriptions import Subscription
from billdesk.core.store import invoices as store
from billdesk.core.store import mirrors as mirror_store
from billdesk.core.store import payments as payment_store
from billdesk.core.store.catalogs import catalog_now
from billdesk.core.store.meta import read_meta
from billdesk.core.store.parties import party_of
from billdesk.core.store.sessions import Session
from billdesk.core.store.subscriptions import lock_account, subscription_by_external
from billdesk.core.values.clock import to_micros
from billdesk.core.values.money import Money

GATEWAY = "gateway"
"""The source of invoices that a gateway wrote."""

_TELLS_NOTHING = "it does not show the invoice: sync it to ask again"
_ELSEWHERE = "elsewhere"


def apply_to_invoice(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    """Do what a fact says of an invoice at its gateway."""
    state = fact.invoice
    if state is None:
        return waits(_TELLS_NOTHING)
    invoice_id = mirror_store.invoice_of_fact(session, fact, state)
    if invoice_id is None:
        subscription = _subscription(session, fact, state)
        account_id = subscription.account_id if subscription else whose(session, fact, state)
        if account_id is None:
            return waits(unknown_customer(fact, state))
        lock_account(session, account_id)
        invoice_id = mirror_store.invoice_of_fact(session, fact, state) or _begin(
            office, session, fact, state, account_id, subscription, now
        )
    record = locked(session, invoice_id)
    if record.source != GATEWAY:
        return _move_ours(office, session, fact, state, record, now)
    return _move(office, session, fact, state, record, now)


def _subscription(session: Session, fact: Fact, state: GatewayInvoice) -> Subscription | None:
    if state.subscription_id is None:
        return None
    return subscription_by_external(session, fact.gateway, fact.mode, state.subscription_id)


# --- invoices that the gateway wrote -------------------------------------------------------------


def _begin(
    office: Office,
    session: Session,
    fact: Fact,
    state: GatewayInvoice,
    account_id: str,
    subscription: Subscription | None,
    now: datetime,
) -> str:
    """Write an invoice of the gateway's down, still without lines; its id here."""
    invoice_id = office.ids.make("inv", now)
    since, until = state.since, state.until
    store.add_draft(
        session,
        id=invoice_id,
        account_id=account_id,
        kind="invoice",
        source=GATEWAY,
        reference=None,
        about=subscription.id if subscription else None,
        asset=state.asset,
        corrects=None,
        period=(to_micros(since) if since else None, to_micros(until) if until else None),
        due_days=None,
        memo="",
        actor=f"gateway:{fact.gateway}",
        at=to_micros(now),
    )
    mirror_store.place_at(session, invoice_id, fact.gateway, fact.mode, fact.object_id)
    return invoice_id


def _move(
    office: Office,
    session: Session,
    fact: Fact,
    state: GatewayInvoice,
    record: InvoiceRecord,
    now: datetime,
) -> Outcome:
    """Bring a mirrored invoice to where its gateway has it; one that is paid or void has arrived."""
    if record.status in ("paid", "void"):
        return APPLIED
    if record.status == "draft":
        record = _draft(office, session, fact, state, record, now)
    at = to_micros(now)
    if state.status == "paid":
        return _paid(office, session, fact, state, record, now)
    if state.status in ("void", "uncollectible") and record.status != state.status:
        store.close_invoice(
            session, record.id, status=state.status, detail=f"by {fact.gateway}", at=at
        )
        _audit(office, session, record, state.status, fact, now)
    elif fact.stage == "invoice_failed" and record.attempts < max(state.attempts, 1):
        note_failure(office, session, record.id, state.failure or "it could not be collected", now)
    return APPLIED


def _draft(
    office: Office,
    session: Session,
    fact: Fact,
    state: GatewayInvoice,
    record: InvoiceRecord,
    now: datetime,
) -> InvoiceRecord:
    """A draft with the lines that it has now; finalized, if it is no draft at the gateway any more."""
    lines = _lines(session, fact, state, record)
    mirror_store.replace_lines(session, record.id, lines)
    totals = totals_of(lines)
    store.set_totals(session, record.id, totals, to_micros(now))
    record = record._replace(
        subtotal_minor=totals.subtotal_minor,
        tax_minor=totals.tax_minor,
        total_minor=totals.total_minor,
    )
    if state.status in ("draft", "void"):
        return record
    sealed = _sealed(session, fact, state, record, lines, now)
    store.save_finalized(session, sealed)
    _audit(office, session, sealed, "mirror", fact, now)
    return sealed


def _lines(
    session: Session, fact: Fact, state: GatewayInvoice, record: InvoiceRecord
) -> list[LineRecord]:
    subscription = _subscription(session, fact, state)
    known = subscription is not None and subscription.plan_version > 0
    revenue = (
        f"revenue:plan:{subscription.plan_code}"
        if subscription is not None and known
        else f"revenue:gateway:{fact.gateway}"
    )
    return [
        LineRecord(
            invoice_id=record.id,
            place=place,
            text=line.text or "what the gateway does not name",
            quantity=line.quantity,
            unit="",
            unit_price=line.unit_price,
            amount_minor=line.amount_minor,
            tax_code=f"gateway:{fact.gateway}" if line.tax_minor else None,
            tax_name=f"tax, by {fact.gateway}" if line.tax_minor else "",
            tax_rate=line.tax_rate,
            tax_inclusive=int(line.tax_inclusive),
            net_minor=line.net_minor,
            tax_minor=line.tax_minor,
            revenue=revenue,
            period_since=to_micros(line.since) if line.since else None,
            period_until=to_micros(line.until) if line.until else None,
        )
        for place, line in enumerate(state.lines, 1)
    ]


def _sealed(
    session: Session,
    fact: Fact,
    state: GatewayInvoice,
    record: InvoiceRecord,
    lines: list[LineRecord],
    now: datetime,
) -> InvoiceRecord:
    """What it is from now on: with the gateway's number, which is in no series of ours."""
    zone = ZoneInfo(read_meta(session)["zone"])
    issued_on = (state.issued_at or fact.happened_at).astimezone(zone).date()
    due_on = state.due_at.astimezone(zone).date() if state.due_at else issued_on
    series = f"gateway:{fact.gateway}" + ("" if fact.mode == "live" else f":{fact.mode}")
    sealed = record._replace(
        status="open",
        series=series,
        sequence=None,
        invoice_number=mirror_store.free_number(session, series, state.number, fact.object_id),
        issued_on=issued_on.isoformat(),
        due_on=due_on.isoformat(),
        due_days=max((due_on - issued_on) // timedelta(days=1), 0),
        seller=seller_json(catalog_now(session).company),
        party=party_json(session, record.account_id, party_of(session, record.account_id)),
        finalized_at=to_micros(now),
        changed_at=to_micros(now),
    )
    return sealed._replace(digest=digest_of_invoice(sealed, lines))


def _paid(
    office: Office,
    session: Session,
    fact: Fact,
    state: GatewayInvoice,
    record: InvoiceRecord,
    now: datetime,
) -> Outcome:
    brought = [_bring(office, session, fact, part, record, now) for part in state.parts]
    came_minor = sum(
        part.amount_minor for part, is_new in zip(state.parts, brought, strict=True) if is_new
    )
    if came_minor == 0 or record.due_minor <= 0:
        store.close_invoice(
            session, record.id, status="paid", detail="", at=to_micros(now),
            paid_minor=max(record.due_minor, 0),
        )  # fmt: skip
        _audit(office, session, record, "paid", fact, now)
        return CREDITED if came_minor else APPLIED
    if came_minor < record.due_minor:
        _bring_rest(office, record, record.due_minor - came_minor, now)
    pay_from_wallet(office, session, record.id, now, guarded=False)
    return CREDITED


def _bring_rest(office: Office, record: InvoiceRecord, minor: int, now: datetime) -> None:
    """What the gateway did not take itself: credit that it kept, or money that it never saw."""
    legs = (Leg(record.account_id, CASH, record.asset, minor, 0, _ELSEWHERE),)
    reference = f"elsewhere:{record.id}"
    book(office, system_draft(office, "dep", "deposit", reference, legs, record.id, now), now)


# --- invoices of ours that a gateway was sent ----------------------------------------------------


def _move_ours(
    office: Office,
    session: Session,
    fact: Fact,
    state: GatewayInvoice,
    record: InvoiceRecord,
    now: datetime,
) -> Outcome:
    """What became of an invoice that we sent. Money for one that is not open stays in the wallet."""
    if record.external_id is None:
        mirror_store.place_at(session, record.id, fact.gateway, fact.mode, fact.object_id)
    if state.status == "paid":
        is_due = record.status in ("open", "uncollectible")
        brought = [
            _bring(office, session, fact, part, record, now, settles=not is_due)
            for part in state.parts
        ]
        came_minor = sum(
            part.amount_minor for part, is_new in zip(state.parts, brought, strict=True) if is_new
        )
        if is_due and came_minor >= record.due_minor:
            pay_from_wallet(office, session, record.id, now, guarded=False)
        elif is_due:
            why = f"{fact.gateway} calls it paid, but {_money(came_minor, record)} came"
            store.set_detail(session, record.id, why, to_micros(now))
        return CREDITED if came_minor else APPLIED
    if record.status == "open" and state.status in ("void", "uncollectible"):
        why = f"{state.status} at {fact.gateway}, and still open here"
        store.set_detail(session, record.id, why, to_micros(now))
    elif fact.stage == "invoice_failed" and record.attempts < max(state.attempts, 1):
        note_failure(office, session, record.id, state.failure or "it could not be collected", now)
    return APPLIED


# --- money ---------------------------------------------------------------------------------------


def _bring(
    office: Office,
    session: Session,
    fact: Fact,
    part: GatewayPart,
    record: InvoiceRecord,
    now: datetime,
    *,
    settles: bool = False,
) -> bool:
    """Book money that the gateway took for an invoice, once; whether it was new.

    `settles`: nothing here waits for it, so that it pays what the account owes first.
    """
    told = mirror_store.settled_fact(session, fact.gateway, fact.mode, part.external_id)
    fee_minor = part.fee_minor if part.fee_minor is not None else told.fee_minor if told else None
    settled = replace(
        fact,
        stage="settled",
        object_id=part.external_id,
        occurrence=told.occurrence if told else part.charge_id or part.external_id,
        amount=_money(part.amount_minor, record),
        fee=None if fee_minor is None else _money(fee_minor, record),
        payment_id=None,
        payment_external_id=None,
        charge_id=part.charge_id or None,
    )
    if payment_store.payment_of_fact(session, settled) is not None:
        return False  # its own facts move it
    at, payment_id = to_micros(now), office.ids.make("pay", now)
    payment_store.add_payment(
        session, id=payment_id, account_id=record.account_id, gateway=fact.gateway,
        mode=fact.mode, amount=_money(part.amount_minor, record),
        actor=f"gateway:{fact.gateway}", at=at, purpose="invoice", invoice_id=record.id,
    )  # fmt: skip
    payment = payment_store.payment_there(session, payment_id)
    deposit, *fees = settled_drafts(office, settled, payment, now)
    posting_id = (book_credit if settles else book)(office, deposit, now).id
    for fee in fees:
        book(office, fee, now)
    payment_store.move_payment(
        session, payment.id, status="succeeded", detail=f"for {record.name}", at=at,
        external_id=part.external_id, charge_id=part.charge_id or None, fee_minor=fee_minor,
        posting_id=posting_id,
    )  # fmt: skip
    return True


def _money(minor: int, record: InvoiceRecord) -> Money:
    return Money(minor, record.asset)


def _audit(
    office: Office,
    session: Session,
    record: InvoiceRecord,
    what: str,
    fact: Fact,
    now: datetime,
) -> None:
    total = _money(record.total_minor, record)
    office.audit(
        session, now=now, action=f"invoice.{what}",
        summary=f"{record.name} of {fact.gateway} · {total}",
        account_id=record.account_id, data={"invoice": record.id},
    )  # fmt: skip
