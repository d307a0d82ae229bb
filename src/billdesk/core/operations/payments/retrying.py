"""A payment that failed, tried again: from what is saved, or by a new link to pay at.

Every attempt is a payment of its own, tied to the first. There is never more than one on its way, and
none once one of them succeeded.
"""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.invoices.settling import why_not_collected
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.depositing import Payments as AskedPayments
from billdesk.core.operations.payments.depositing import (
    gateway_named,
    open_at_gateway,
    payment_named,
)
from billdesk.core.operations.payments.paying import charge_saved, gateway_of_method, is_connected
from billdesk.core.rules.sheets import MethodSheet, PaymentSheet
from billdesk.core.store import attempts as store
from billdesk.core.store.methods import method_in_role
from billdesk.core.store.payments import add_payment
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import AccountClosed, Refused


class Payments(AskedPayments):
    """`desk.payments`."""

    def retry(self, payment_id: str, *, saved: bool = False) -> PaymentSheet:
        """Try a failed payment again, once; the attempt that counts, as it is then.

        What had been taken from a saved method is taken from the default, and where that is declined
        from the backup. What the customer was asked for gets a new link, unless `saved` says to take
        it from what is saved, too. Inside a transaction or a rehearsal no gateway is asked: the next
        polls do, if it was committed. Raises NotFound, AccountClosed, Refused when it succeeded
        already, is still open, nothing is saved, or its invoice is settled, GatewayError; after
        GatewayUnreachable, GatewayBusy and KeyRefused the attempt stays open.
        """
        office = self._office
        office.check_writable()
        now = office.now()
        failed = payment_named(office, payment_id)
        if failed.method_id is None and not saved:
            return _ask_again(office, failed, now)
        first, *others = _saved_methods(office, failed)
        attempt = _attempt(office, failed, first, now)
        for method in others:
            if attempt.status not in store.FAILED:
                break
            attempt = _attempt(office, failed, method, now)
        return attempt


def _saved_methods(office: Office, failed: PaymentSheet) -> list[MethodSheet]:
    """What may be charged: the default, then the backup, at gateways that are connected."""
    with office.database.read() as session:
        account_id = office.account(session, failed.account_ref).id
        both = [method_in_role(session, account_id, role) for role in ("default", "backup")]
    methods = [method for method in both if method is not None]
    if not methods:
        raise Refused("nothing is saved to charge", "have a method saved: billdesk method add")
    connected = [method for method in methods if is_connected(office, method)]
    if not connected:
        gateway_of_method(office, methods[0])
    return connected


def _attempt(
    office: Office, failed: PaymentSheet, method: MethodSheet, now: datetime
) -> PaymentSheet:
    """One attempt at a saved method; a decline is an answer."""
    with office.database.write() as session:
        first_id = failed.retries_id or failed.id
        _check_free(_locked_attempts(session, first_id))
        payment_id = _write_down(
            office, session, failed, now, method.gateway, method.mode, method=method
        )
    if not office.database.in_block():
        charge_saved(office, payment_id, now)
    return payment_named(office, payment_id)


def _ask_again(office: Office, failed: PaymentSheet, now: datetime) -> PaymentSheet:
    """A new link for what the customer was asked for; one that was begun and has none yet goes on."""
    gateway = gateway_named(office, failed.gateway)
    with office.database.write() as session:
        attempts = _locked_attempts(session, failed.retries_id or failed.id)
        begun = attempts[-1]
        if begun.status == "pending" and begun.purpose == "retry" and not _is_asked(begun):
            payment_id = begun.id
        else:
            _check_free(attempts)
            payment_id = _write_down(
                office, session, failed, now, gateway.name, gateway.mode, method=None
            )
    if not office.database.in_block():
        open_at_gateway(office, gateway, payment_named(office, payment_id), now)
    return payment_named(office, payment_id)


def _is_asked(payment: PaymentSheet) -> bool:
    return payment.method_id is not None or payment.pay_url is not None


def _locked_attempts(session: Session, first_id: str) -> list[PaymentSheet]:
    """All attempts at the money of one payment; nobody begins another until the block ends."""
    store.lock_payment(session, first_id)
    return store.attempts_at(session, first_id)


def _check_free(attempts: list[PaymentSheet]) -> None:
    """Raises Refused unless all that was tried has failed."""
    for payment in attempts:
        if payment.status == "pending":
            raise Refused(f"{payment.id} is still open", "wait for its end, or poll")
        if payment.status not in store.FAILED:
            raise Refused(f"{payment.id} brought the money already", "nothing was charged")


def _write_down(
    office: Office,
    session: Session,
    failed: PaymentSheet,
    now: datetime,
    gateway: str,
    mode: str,
    *,
    method: MethodSheet | None,
) -> str:
    """The intent, before anything leaves the building: its id."""
    account = office.account(session, failed.account_ref)
    if account.status != "open":
        raise AccountClosed(f"the account is {account.status}", "reopen it first")
    why_not = why_not_collected(session, failed)
    if why_not:
        raise Refused(why_not, "nothing was charged; what is still due: billdesk invoice collect")
    payment_id = office.ids.make("pay", now)
    add_payment(
        session, id=payment_id, account_id=account.id, gateway=gateway, mode=mode,
        amount=failed.amount, actor=office.actor, at=to_micros(now), purpose="retry",
        method_id=method.id if method else None, retries_id=failed.retries_id or failed.id,
        save_method=method is None and failed.save_method, invoice_id=failed.invoice_id,
    )  # fmt: skip
    way = f"from {method.label}" if method else f"by a new link of {gateway}"
    office.audit(
        session, now=now, action="payment.retry", summary=f"{failed.amount} {way}",
        account_id=account.id, data={"payment": payment_id, "retries": failed.id},
    )  # fmt: skip
    return payment_id
