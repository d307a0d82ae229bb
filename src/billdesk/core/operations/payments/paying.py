"""Taking money from a saved method while its owner is away.

The payment is written down before (by whoever wants the money), its id is the idempotency key: sent
again, it is the same payment. A decline is a fact, not an error. A lost reply leaves the payment open,
and a poll finds out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from billdesk.core.operations.facts.intake import take_in
from billdesk.core.operations.invoices.settling import invoice_payment_failed, why_not_collected
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.depositing import payment_named
from billdesk.core.rules.gateway import Gateway, OffSessionRequest
from billdesk.core.rules.sheets import MethodSheet, PaymentSheet
from billdesk.core.store import attempts as store
from billdesk.core.store.methods import method_by_id
from billdesk.core.store.payments import payment_by_id
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import (
    Broken,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    Refused,
)

STAYS_OPEN = (GatewayUnreachable, GatewayBusy, KeyRefused)
"""After these a payment may still be taken: it waits for a poll that sends it again."""

_IN_FLIGHT = timedelta(minutes=1)
"""So long a request may be on its way from another process before it is sent again."""


def is_connected(office: Office, method: MethodSheet) -> bool:
    """Whether the gateway at which a method was saved is there, in the same mode."""
    gateway = office.gateways.get(method.gateway)
    return gateway is not None and gateway.mode == method.mode


def gateway_of_method(office: Office, method: MethodSheet) -> Gateway:
    """The gateway at which a method was saved. Raises Refused when it is not connected."""
    if not is_connected(office, method):
        raise Refused(
            f"{method.label} is saved at {method.gateway} in {method.mode} mode,"
            " which is not connected",
            "connect it, or use another method",
        )
    return office.gateways[method.gateway]


def charge_saved(office: Office, payment_id: str, now: datetime) -> PaymentSheet:
    """Take the money of a payment from its method: the payment as it is then.

    Call it outside any write block. A refusal ends the payment and is raised (GatewayError, Refused
    when the gateway is not connected); after those of `STAYS_OPEN` it stays open.
    """
    with office.database.read() as session:
        payment = payment_by_id(session, payment_id)
        known = method_by_id(session, payment.method_id or "") if payment else None
        if payment is None or known is None:
            raise Broken("a payment that was just written down has no method")
        method, account_id, is_gone = known
        email = office.account(session, account_id).email
    request = OffSessionRequest(
        payment.id, payment.amount, payment.account_ref, payment.purpose, method.customer_id,
        method.external_id, email,
    )  # fmt: skip
    try:
        if is_gone:
            raise Refused(f"{method.label} was removed", "use another method")
        gateway = gateway_of_method(office, method)
        fact = gateway.charge(request)
    except STAYS_OPEN:
        raise
    except (GatewayError, Refused) as error:
        end(office, payment, "failed", error.message, now)
        raise
    take_in(office, [replace(fact, payment_id=payment.id)], now)
    return payment_named(office, payment.id)


def resume_off_session(office: Office, payment: PaymentSheet, now: datetime) -> None:
    """Send a payment again that the gateway says it never heard of, with the same id.

    One that may still be on its way from another process is left alone for a minute. What makes it
    impossible ends it: a method that was removed, an account that is no longer open, an invoice that is
    paid or void meanwhile. Raises as `charge_saved`.
    """
    at = to_micros(now)
    with office.database.write() as session:
        if not store.claim_payment(session, payment.id, at, to_micros(now - _IN_FLIGHT)):
            return
        status = office.account(session, payment.account_ref).status
        why_not = why_not_collected(session, payment)
    if status != "open":
        why_not = f"the account is {status}"
    if why_not:
        end(office, payment, "expired", why_not, now)
        return
    charge_saved(office, payment.id, now)


def end(office: Office, payment: PaymentSheet, status: str, detail: str, now: datetime) -> None:
    """End a payment that nothing came of, unless it has come to an end by itself."""
    with office.database.write() as session:
        if store.end_payment(session, payment.id, status=status, detail=detail, at=to_micros(now)):
            office.audit(
                session, now=now, action=f"{payment.purpose}.{status}",
                summary=f"{payment.amount}: {detail}",
                account_id=office.account(session, payment.account_ref).id,
                data={"payment": payment.id},
            )  # fmt: skip
            invoice_payment_failed(office, session, payment, detail, now)
