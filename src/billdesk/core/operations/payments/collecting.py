"""Collecting what invoices are open for: from wallets, and from saved methods while their owners are away.

A payment is written down before its gateway is asked, and its end, whenever it is learnt, pays the
invoice or counts as a failure. There is never more than one on its way for an invoice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from billdesk.core.operations.invoices.issuing import (
    check_open,
    locked,
    note_failure,
    pay_from_wallet,
    sheet_of,
)
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.paying import STAYS_OPEN, charge_saved, gateway_of_method
from billdesk.core.rules.sheets import InvoiceSheet
from billdesk.core.store.freshness import freshness_of
from billdesk.core.store.invoice_lists import payable_invoices, untried_invoices
from billdesk.core.store.invoices import payments_of
from billdesk.core.store.methods import method_in_role
from billdesk.core.store.payments import add_payment
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import AccountClosed, GatewayError, Refused
from billdesk.core.values.money import Money

_MOST_PAID = 500
_MOST_CHARGES = 100
"""In one run; a charge may take seconds, and the rest comes with the next tick."""


class Collected(NamedTuple):
    """What a run came to: invoices that were paid, and what went wrong."""

    paid: int = 0
    errors: tuple[str, ...] = ()


class NothingSaved(Refused):
    """The account has nothing saved to charge."""


def collect_invoice(office: Office, invoice_id: str, now: datetime) -> InvoiceSheet:
    """Charge an open invoice to the account's default method: the invoice as it is then.

    A decline is an answer, and the invoice says so. Inside a block or a rehearsal no gateway is asked:
    the next poll does, if it was committed. Raises NotFound, AccountClosed, Refused when it is not
    open, waits at a gateway, a payment is on its way, nothing is saved or its gateway is not connected;
    GatewayError; after those of `STAYS_OPEN` the payment stays open, and a poll finds out.
    """
    with office.database.write() as session:
        intent = _write_down(office, session, invoice_id, now)
    if not office.database.in_block():
        charge_saved(office, intent.payment_id, now)
    with office.database.read() as session:
        return sheet_of(session, invoice_id, now)


def try_to_collect(
    office: Office, invoice_id: str, now: datetime, left_alone: set[str] | None = None
) -> str:
    """Like `collect_invoice`, where nobody watches: in words why it is not paid; empty when it is.

    That nothing is saved counts as a failure of the invoice. Gateways in `left_alone` are not asked;
    one that does not answer is added to them. Call it outside any write block.
    """
    quiet = set[str]() if left_alone is None else left_alone
    try:
        with office.database.write() as session:
            intent = _write_down(office, session, invoice_id, now, quiet)
    except NothingSaved as refusal:
        with office.database.write() as session:
            note_failure(office, session, invoice_id, refusal.message, now)
        return refusal.message
    except Refused as refusal:
        return refusal.message
    try:
        charge_saved(office, intent.payment_id, now)
    except (GatewayError, Refused) as error:
        if isinstance(error, STAYS_OPEN):
            quiet.add(intent.gateway)
        return error.message
    with office.database.read() as session:
        sheet = sheet_of(session, invoice_id, now)
    return "" if sheet.status == "paid" else sheet.detail


class _Intent(NamedTuple):
    """A payment that is written down and now to be asked for."""

    payment_id: str
    gateway: str


def _write_down(
    office: Office,
    session: Session,
    invoice_id: str,
    now: datetime,
    left_alone: Iterable[str] = (),
) -> _Intent:
    """The intent, before anything leaves the building. Raises what `collect_invoice` does, Refused."""
    record = locked(session, invoice_id)
    check_open(record)
    if record.external_id is not None:
        raise Refused(
            f"{record.name} waits at {record.gateway}", "it is paid there, and a poll tells"
        )
    account = office.account(session, record.account_id)
    if account.status != "open":
        raise AccountClosed(f"the account is {account.status}", "reopen it first")
    for payment_id, status in payments_of(session, invoice_id):
        if status == "pending":
            raise Refused(f"{payment_id} is on its way for it", "wait for its end, or poll")
    method = method_in_role(session, record.account_id, "default")
    if method is None:
        raise NothingSaved("nothing is saved to charge", "have a method saved: billdesk method add")
    gateway_of_method(office, method)
    if method.gateway in left_alone:
        raise Refused(f"{method.gateway} asks to be left alone", "the next tick tries again")
    due = Money(record.due_minor, record.asset)
    payment_id = office.ids.make("pay", now)
    add_payment(
        session, id=payment_id, account_id=record.account_id, gateway=method.gateway,
        mode=method.mode, amount=due, actor=office.actor, at=to_micros(now), purpose="invoice",
        method_id=method.id, invoice_id=invoice_id,
    )  # fmt: skip
    office.audit(
        session, now=now, action="invoice.collect",
        summary=f"{record.name}: {due} from {method.label}", account_id=record.account_id,
        data={"invoice": invoice_id, "payment": payment_id},
    )  # fmt: skip
    return _Intent(payment_id, method.gateway)


def collect_due(office: Office, now: datetime) -> Collected:
    """Pay open invoices from the money in wallets, then charge those that a gateway was not asked for.

    Those due first come first, in bounded steps; safe to repeat, and to interrupt. Call it outside any
    write block.
    """
    with office.database.read() as session:
        payable = payable_invoices(session, _MOST_PAID)
    paid, errors = 0, list[str]()
    for invoice_id in payable:
        try:
            with office.database.write() as session:
                sheet = pay_from_wallet(office, session, invoice_id, now)
        except Refused as refusal:
            errors.append(f"invoice {invoice_id}: {refusal.message}")
        else:
            paid += not sheet.replayed
    left_alone = _quiet_gateways(office, now)
    with office.database.read() as session:
        untried = untried_invoices(session, _MOST_CHARGES)
    for invoice_id in untried:
        why = try_to_collect(office, invoice_id, now, left_alone)
        if why:
            errors.append(f"invoice {invoice_id}: {why}")
        else:
            paid += 1
    return Collected(paid, tuple(errors))


def _quiet_gateways(office: Office, now: datetime) -> set[str]:
    """Gateways that asked to be left alone for a while."""
    at = to_micros(now)
    with office.database.read() as session:
        return {
            gateway.name
            for gateway in tuple(office.gateways.values())
            if (freshness_of(session, gateway.name, gateway.mode).quiet_until or 0) > at
        }
