"""What becomes of an invoice when a payment for it comes to an end: in the same write block."""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.invoices.issuing import note_failure, pay_from_wallet
from billdesk.core.operations.office import Office
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.store.invoices import record_by_id, set_detail
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Refused


def invoice_money_came(
    office: Office, session: Session, payment: PaymentSheet, now: datetime
) -> None:
    """A payment has just been credited: the invoice it was made for, if any, is paid with it.

    Where that cannot be (the money went to an older debt, the invoice is void), it stays in the
    wallet, and the invoice says so.
    """
    if payment.invoice_id is None:
        return
    try:
        with office.database.write():
            pay_from_wallet(office, session, payment.invoice_id, now, guarded=False)
    except Refused as refusal:
        detail = f"{payment.amount} came by {payment.gateway}, but {refusal.message}"
        set_detail(session, payment.invoice_id, detail, to_micros(now))


def invoice_payment_failed(
    office: Office, session: Session, payment: PaymentSheet, why: str, now: datetime
) -> None:
    """A payment came to nothing: the invoice it was made for, if any, remembers it."""
    if payment.invoice_id is not None:
        note_failure(office, session, payment.invoice_id, why, now)


def why_not_collected(session: Session, payment: PaymentSheet) -> str:
    """Why the money of a payment is not wanted any more, in words; empty when it is."""
    if payment.invoice_id is None:
        return ""
    invoice = record_by_id(session, payment.invoice_id)
    if invoice is None or invoice.due_minor == payment.amount.minor:
        return ""
    return (
        f"the invoice {invoice.name} is {invoice.status}"
        if invoice.due_minor == 0
        else (f"the invoice {invoice.name} has changed")
    )
