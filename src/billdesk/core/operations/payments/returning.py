"""Money of a payment back to where it came from, through its gateway; and the disputes there.

What is to go back is set aside first, then asked for with a key of its own. Only the gateway's word
that it is gone debits the account; its word that it failed frees it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from billdesk.core.operations.facts.intake import take_in
from billdesk.core.operations.facts.undoing import hold_of
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.ledger.taking_back import set_aside, set_free
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.depositing import gateway_named
from billdesk.core.rules.gateway import Gateway, RefundRequest
from billdesk.core.rules.sheets import CardRefundSheet, DisputeSheet, Page, PaymentSheet
from billdesk.core.store import money_back as store
from billdesk.core.store import payments as payment_store
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotFound,
    ReferenceReused,
    Refused,
)
from billdesk.core.values.ids import is_id
from billdesk.core.values.money import Money, read_amount
from billdesk.core.values.text import check_memo, check_word

KEYS_LIVE = timedelta(hours=24)
"""A refund that no gateway has heard of after so long was never asked for."""

REFUND_STATUSES = ("pending", "succeeded", "failed")
DISPUTE_STATUSES = ("open", "won", "lost")


class CardRefunds:
    """`desk.card_refunds`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def create(
        self,
        payment_id: str,
        amount: Money | str | None = None,
        *,
        memo: str,
        id: str | None = None,
    ) -> CardRefundSheet:
        """Send money of a payment back to where it came from: all that is left of it, or a part.

        `memo` says why in 10 to 500 characters. `id` (`rfd_…`) makes the call safe to repeat. Raises
        BadInput, NotFound, Refused when the payment brought nothing or is contested or less of it is
        left, InsufficientFunds when the account has spent it, ReferenceReused, GatewayError (nothing
        is held any more); after GatewayUnreachable the refund stays open and a poll finds out. Inside
        a transaction or a rehearsal no gateway is asked: the next poll does, if it was committed.
        """
        office = self._office
        office.check_writable()
        now = office.now()
        note = check_memo(memo)
        refund_id = id or office.ids.make("rfd", now)
        if not is_id(refund_id, "rfd"):
            raise BadInput(f"{refund_id[:40]!r} is no id of a refund", "leave it out")
        payment = self._payment(payment_id)
        gateway = gateway_named(office, payment.gateway)
        self._write_down(refund_id, payment, amount, note, now)
        refund = self.get(refund_id)
        is_asked = refund.status != "pending" or refund.external_id is not None
        if not is_asked and not office.database.in_block():
            send_back(office, gateway, refund, self._payment(payment_id), now)
        return self.get(refund_id)

    def _payment(self, payment_id: str) -> PaymentSheet:
        with self._office.database.read() as session:
            payment = payment_store.payment_by_id(session, payment_id)
        if payment is None:
            raise NotFound(f"there is no payment {payment_id[:64]!r}", "see billdesk payments")
        return payment

    def _write_down(
        self,
        refund_id: str,
        payment: PaymentSheet,
        amount: Money | str | None,
        memo: str,
        now: datetime,
    ) -> None:
        """The intent and its hold, before anything leaves the building."""
        office = self._office
        try:
            with office.database.write() as session:
                known = store.card_refund_by_id(session, refund_id)
                if known is not None:
                    _check_same(known, payment, amount)
                    return
                money = _check_refund(session, payment, amount)
                set_aside(
                    office, payment.account_ref, money, about=refund_id, guarded=False, now=now
                )
                store.add_card_refund(
                    session, id=refund_id, payment_id=payment.id, gateway=payment.gateway,
                    mode=payment.mode, amount=money, memo=memo, actor=office.actor,
                    at=to_micros(now),
                )  # fmt: skip
                office.audit(
                    session, now=now, action="card_refund.start",
                    summary=f"{money} of {payment.id} back: {memo}",
                    account_id=office.account(session, payment.account_ref).id,
                    data={"payment": payment.id, "refund": refund_id},
                )  # fmt: skip
        except KeyTaken:
            self._write_down(refund_id, payment, amount, memo, now)

    def get(self, refund_id: str) -> CardRefundSheet:
        """One refund. Raises NotFound."""
        with self._office.database.read() as session:
            refund = store.card_refund_by_id(session, refund_id)
        if refund is None:
            raise NotFound(f"there is no refund {refund_id[:64]!r}", "see billdesk card-refunds")
        return refund

    def list(
        self,
        *,
        account: str | None = None,
        payment: str | None = None,
        status: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[CardRefundSheet]:
        """Refunds to where money came from, the newest first. Raises BadInput, NotFound."""
        check_limit(limit)
        check_word(status, "status", REFUND_STATUSES)
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id if account else None
            rows, cursor = store.list_card_refunds(
                session, account_id=account_id, payment_id=payment, status=status, after=after,
                limit=limit,
            )  # fmt: skip
        return Page(tuple(rows), cursor)


class Disputes:
    """`desk.disputes`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def list(
        self,
        *,
        account: str | None = None,
        status: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[DisputeSheet]:
        """Contested payments, the newest first. Raises BadInput, NotFound."""
        check_limit(limit)
        check_word(status, "status", DISPUTE_STATUSES)
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id if account else None
            rows, cursor = store.list_disputes(
                session, account_id=account_id, status=status, after=after, limit=limit
            )
        return Page(tuple(rows), cursor)


def send_back(
    office: Office,
    gateway: Gateway,
    refund: CardRefundSheet,
    payment: PaymentSheet,
    now: datetime,
) -> None:
    """Ask the gateway for a refund that is written down; its id makes this safe to repeat.

    A refusal ends the refund, frees what was held and is raised (GatewayError); after
    GatewayUnreachable, GatewayBusy and KeyRefused it stays open. One that is too old to be asked for
    again, and that the gateway never heard of, has failed.
    """
    if now - refund.created_at >= KEYS_LIVE:
        _fail(office, refund, f"{gateway.name} never heard of it", now)
        return
    request = RefundRequest(
        refund.id, payment.id, payment.external_id or "", payment.charge_id, refund.amount,
        whole=refund.amount == payment.amount, note=refund.memo,
    )  # fmt: skip
    try:
        fact = gateway.refund(request)
    except (GatewayUnreachable, GatewayBusy, KeyRefused):
        raise
    except GatewayError as error:
        _fail(office, refund, error.message, now)
        raise
    take_in(office, [replace(fact, refund_id=refund.id)], now)


def _fail(office: Office, refund: CardRefundSheet, detail: str, now: datetime) -> None:
    with office.database.write() as session:
        if not store.fail_card_refund(session, refund.id, detail, to_micros(now)):
            return
        set_free(office, session, hold_of(session, refund.id), now)
        office.audit(
            session, now=now, action="card_refund.failed", summary=f"{refund.amount}: {detail}",
            account_id=office.account(session, refund.account_ref).id,
            data={"payment": refund.payment_id, "refund": refund.id},
        )  # fmt: skip


def _check_refund(session: Session, payment: PaymentSheet, amount: Money | str | None) -> Money:
    """How much goes back. Raises BadInput, Refused."""
    newest = payment_store.payment_there(session, payment.id, lock=True)
    if newest.status not in ("succeeded", "refunded"):
        raise Refused(
            f"the payment is {newest.status}", "only money that came and is not contested goes back"
        )
    gone_minor = newest.refunded.minor if newest.refunded else 0
    left_minor = newest.amount.minor - gone_minor - store.pending_minor(session, payment.id)
    if left_minor <= 0:
        raise Refused("all of this payment went back already", "see billdesk card-refunds")
    asset = newest.amount.asset
    money = Money(left_minor, asset) if amount is None else read_amount(amount, asset)
    if money.asset != asset:
        raise BadInput(f"the payment was in {asset}, not in {money.asset}", "use its currency")
    if money.minor > left_minor:
        raise Refused(
            f"{money} is more than is left of this payment",
            f"at most {Money(left_minor, asset)}",
        )
    return money


def _check_same(known: CardRefundSheet, payment: PaymentSheet, amount: Money | str | None) -> None:
    asset = known.amount.asset
    wanted = known.amount if amount is None else read_amount(amount, asset)
    if (known.payment_id, known.amount) != (payment.id, wanted):
        raise ReferenceReused(f"{known.id} is another refund's id", "leave the id out")
