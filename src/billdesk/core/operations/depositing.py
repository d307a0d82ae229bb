"""Money in: a payment is written down, asked for at the gateway, and learnt about by polling.

The answer to our own call and a polled event take the same way in (`take_in`): the fact is kept, then
applied, in one write block. A lost reply posts nothing; the payment stays open until a poll heals it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from billdesk.core.operations.booking import book
from billdesk.core.operations.office import Office
from billdesk.core.operations.reading import check_limit
from billdesk.core.operations.settling import book_credit
from billdesk.core.rules.gateway import Fact, Gateway, PaymentRequest
from billdesk.core.rules.ledger import Draft, Leg, digest_of
from billdesk.core.rules.sheets import FactSheet, GatewaySheet, Page, PaymentSheet
from billdesk.core.store import payments as store
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    GatewayError,
    GatewayUnreachable,
    NotFound,
    ReferenceReused,
)
from billdesk.core.values.ids import is_id
from billdesk.core.values.money import CREDIT, Money, read_amount

MINIMUM = Money(1000, "USD")
"""The smallest deposit; other currencies have none of their own yet."""

STATUSES = ("pending", "succeeded", "failed", "expired")
_PAGES_PER_POLL = 200
_ASKED_PER_POLL = 100
_FIRST_ASK = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=10)


class Polled:
    """What a poll brought: facts that were new, deposits that were credited, what went wrong."""

    def __init__(self) -> None:
        self.gateways = 0
        self.facts = 0
        self.deposits = 0
        self.errors: list[str] = []


class Deposits:
    """`desk.deposits`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def start(
        self,
        account: str,
        amount: Money | str,
        *,
        gateway: str = "sandbox",
        id: str | None = None,
    ) -> PaymentSheet:
        """Ask a gateway for money from an account; the answer carries the link to pay at.

        `id` (`pay_…`) makes the call safe to repeat: the same id carries on with the same payment.
        Raises BadInput (10.00 USD at least), NotFound, AccountClosed, ReferenceReused for another
        payment's id, GatewayError; after GatewayUnreachable the payment stays open and a poll finds
        out.
        """
        office = self._office
        now = office.now()
        money = _check_deposit(read_amount(amount, office.default_asset))
        payment_id = id or office.ids.make("pay", now)
        if not is_id(payment_id, "pay"):
            raise BadInput(f"{payment_id[:40]!r} is no id of a payment", "leave it out")
        maker = gateway_named(office, gateway)
        self._write_down(payment_id, account, money, maker, now)
        payment = _payment(office, payment_id)
        if payment.status != "pending" or payment.pay_url is not None:
            return payment
        request = PaymentRequest(payment_id, money, payment.account_ref, "deposit")
        try:
            fact = maker.open_payment(request)
        except GatewayUnreachable:
            raise
        except GatewayError as error:
            with office.database.write() as session:
                store.move_payment(
                    session, payment_id, status="failed", detail=error.message, at=to_micros(now)
                )
            raise
        take_in(office, [replace(fact, payment_id=payment_id)], now)
        return _payment(office, payment_id)

    def _write_down(
        self, payment_id: str, account: str, money: Money, maker: Gateway, now: datetime
    ) -> None:
        """The intent, before anything leaves the building."""
        office = self._office
        try:
            with office.database.write() as session:
                owner = office.account(session, account)
                known = store.payment_by_id(session, payment_id)
                if known is not None:
                    if (known.account_ref, known.amount, known.gateway) != (
                        owner.ref,
                        money,
                        maker.name,
                    ):
                        raise ReferenceReused(
                            f"{payment_id} is another payment's id", "leave the id out"
                        )
                    return
                if owner.status != "open":
                    raise AccountClosed(f"the account is {owner.status}", "reopen it first")
                store.add_payment(
                    session,
                    id=payment_id,
                    account_id=owner.id,
                    gateway=maker.name,
                    mode=maker.mode,
                    amount=money,
                    actor=office.actor,
                    at=to_micros(now),
                )
                office.audit(
                    session, now=now, action="deposit.start", summary=f"{money} by {maker.name}",
                    account_id=owner.id, data={"payment": payment_id},
                )  # fmt: skip
        except KeyTaken:
            self._write_down(payment_id, account, money, maker, now)


def _check_deposit(money: Money) -> Money:
    if money.asset == CREDIT:
        raise BadInput("credits cannot be deposited", "deposit money, or grant credits")
    if money.asset == MINIMUM.asset and money.minor < MINIMUM.minor:
        raise BadInput(f"{money} is less than the smallest deposit", f"{MINIMUM} at least")
    return money


def gateway_named(office: Office, name: str) -> Gateway:
    """The gateway of this name. Raises NotFound."""
    gateway = office.gateways.get(name)
    if gateway is None:
        known = ", ".join(office.gateways) or "none is connected"
        raise NotFound(f"there is no gateway {name[:40]!r}", f"known: {known}")
    return gateway


def _payment(office: Office, payment_id: str) -> PaymentSheet:
    with office.database.read() as session:
        sheet = store.payment_by_id(session, payment_id)
    if sheet is None:
        raise NotFound(f"there is no payment {payment_id[:64]!r}", "see billdesk payments")
    return sheet


class Payments:
    """`desk.payments`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def get(self, payment_id: str) -> PaymentSheet:
        """One payment. Raises NotFound."""
        return _payment(self._office, payment_id)

    def list(
        self,
        *,
        account: str | None = None,
        status: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[PaymentSheet]:
        """Payments, the newest first. Raises BadInput, NotFound for the account."""
        check_limit(limit)
        if status is not None and status not in STATUSES:
            raise BadInput(f"there is no status {status[:30]!r}", f"one of {', '.join(STATUSES)}")
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id if account else None
            rows, cursor = store.list_payments(
                session, account_id=account_id, status=status, after=after, limit=limit
            )
        return Page(tuple(rows), cursor)


class Facts:
    """`desk.facts`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def list(
        self, *, state: str | None = None, after: str | None = None, limit: int = 200
    ) -> Page[FactSheet]:
        """What the gateways said, the newest first; `state` is applied or waiting."""
        check_limit(limit)
        with self._office.database.read() as session:
            rows, cursor = store.list_facts(session, state=state, after=after, limit=limit)
        return Page(tuple(rows), cursor)


def gateway_sheets(office: Office) -> tuple[GatewaySheet, ...]:
    """How fresh each gateway's facts are."""
    now = to_micros(office.now())
    with office.database.read() as session:
        return tuple(
            store.gateway_sheet(session, gateway.name, gateway.mode, now)
            for gateway in office.gateways.values()
        )


def poll(office: Office, names: Sequence[str], now: datetime) -> Polled:
    """Ask gateways what happened: the feed from the cursor on, then open payments one by one.

    What goes wrong at one gateway is kept on its freshness and does not stop the others.
    """
    polled = Polled()
    for name in names:
        gateway = gateway_named(office, name)
        polled.gateways += 1
        try:
            _read_feed(office, gateway, polled, now)
            _ask_open(office, gateway, polled, now)
        except GatewayError as error:
            polled.errors.append(f"{name}: {error.message}")
            with office.database.write() as session:
                store.mark_failed(
                    session,
                    gateway=gateway.name,
                    mode=gateway.mode,
                    error=error.message,
                    at=to_micros(now),
                )
    return polled


def _read_feed(office: Office, gateway: Gateway, polled: Polled, now: datetime) -> None:
    """One whole pass; the cursor moves only at its end, so that an interrupted one is read again."""
    with office.database.read() as session:
        cursor = store.cursor_of(session, gateway.name, gateway.mode)
    watermark = None
    for _ in range(_PAGES_PER_POLL):
        page = gateway.facts(cursor)
        new, deposits = take_in(office, page.facts, now)
        polled.facts += new
        polled.deposits += deposits
        cursor = page.cursor
        for fact in page.facts:
            watermark = max(watermark or 0, to_micros(fact.happened_at))
        if page.complete:
            break
    with office.database.write() as session:
        store.mark_fresh(
            session,
            gateway=gateway.name,
            mode=gateway.mode,
            cursor=cursor or "",
            watermark=watermark,
            at=to_micros(now),
        )


def _ask_open(office: Office, gateway: Gateway, polled: Polled, now: datetime) -> None:
    """Ask about open payments, each less often the longer it is open."""
    with office.database.read() as session:
        waiting = store.open_payments(session, gateway.name, gateway.mode, _ASKED_PER_POLL)
    for payment_id, asked_at, asks in waiting:
        wait = min(_FIRST_ASK * 2 ** min(asks, 20), _LONGEST_WAIT)
        if to_micros(now) - asked_at < wait // timedelta(microseconds=1):
            continue
        fact = gateway.find(payment_id)
        with office.database.write() as session:
            store.mark_asked(session, payment_id, to_micros(now))
        if fact is not None:
            new, deposits = take_in(office, [replace(fact, payment_id=payment_id)], now)
            polled.facts += new
            polled.deposits += deposits


def take_in(office: Office, facts: Sequence[Fact], now: datetime) -> tuple[int, int]:
    """Keep facts and apply those that are new, in one write block: (new facts, deposits credited)."""
    if not facts:
        return 0, 0
    new = deposits = 0
    with office.database.write() as session:
        for fact in facts:
            number = store.keep_fact(session, fact, to_micros(now))
            if number is None:
                continue
            new += 1
            deposits += _apply(office, session, fact, number, now)
    return new, deposits


def _apply(office: Office, session: Session, fact: Fact, number: int, now: datetime) -> int:
    """Do what a new fact says; one that cannot be placed waits in sight. Deposits credited: 0 or 1."""
    payment = store.payment_of_fact(session, fact)
    waits = _why_it_waits(fact, payment)
    if payment is None or waits:
        store.mark_fact(session, number, state="waiting", detail=waits)
        return 0
    at = to_micros(now)
    credited = 0
    if fact.stage == "opened":
        status = payment.status
        detail = fact.detail if status == "pending" else payment.detail
        store.move_payment(
            session, payment.id, status=status, detail=detail, at=at,
            external_id=fact.object_id, pay_url=fact.pay_url,
        )  # fmt: skip
    elif fact.stage == "settled":
        if payment.status != "succeeded":
            credited = 1
            posting_id = _credit(office, fact, payment, now)
            store.move_payment(
                session, payment.id, status="succeeded", detail=fact.detail, at=at,
                external_id=fact.object_id, fee_minor=fact.fee.minor if fact.fee else None,
                posting_id=posting_id,
            )  # fmt: skip
    elif payment.status == "pending":
        status = "failed" if fact.stage == "declined" else "expired"
        store.move_payment(
            session,
            payment.id,
            status=status,
            detail=fact.detail,
            at=at,
            external_id=fact.object_id,
        )
        office.audit(
            session, now=now, action=f"deposit.{status}", summary=f"{payment.amount}: {fact.detail}",
            account_id=office.account(session, payment.account_ref).id,
            data={"payment": payment.id},
        )  # fmt: skip
    store.mark_fact(session, number, state="applied", detail=fact.detail)
    return credited


def _why_it_waits(fact: Fact, payment: PaymentSheet | None) -> str:
    """Why a fact is held for a human, in words; empty when it can be applied."""
    if payment is None:
        return "no payment of ours is known for it"
    if fact.stage == "settled" and fact.amount != payment.amount:
        return (
            f"{fact.amount} was paid where {payment.amount} was asked for: credited by nobody yet"
        )
    return ""


def _credit(office: Office, fact: Fact, payment: PaymentSheet, now: datetime) -> str:
    """Post a settled payment to its wallet, and the gateway's fee to the house."""
    party = f"gateway:{fact.gateway}"
    scope = f"gateway:{fact.account}:{fact.mode}"
    amount = payment.amount
    legs = (Leg(payment.account_ref, "cash", amount.asset, amount.minor, 0, party),)
    posting_id = office.ids.make("dep", now)
    draft = Draft(
        id=posting_id,
        kind="deposit",
        scope=scope,
        reference=f"settled:{fact.object_id}:{fact.occurrence}",
        digest=digest_of("deposit", legs, payment.id),
        actor=office.actor,
        legs=legs,
        happened_at=to_micros(fact.happened_at),
        recorded_at=office.recorded_at(now),
        about=payment.id,
        guarded=False,
    )
    booked = book_credit(office, draft, now)
    if fact.fee is not None and fact.fee.minor:
        fee_legs = (Leg("house", "cash", amount.asset, -fact.fee.minor, 0, party),)
        fee = draft._replace(
            id=office.ids.make("fee", now),
            kind="fee",
            reference=f"fee:{fact.object_id}:{fact.occurrence}",
            digest=digest_of("fee", fee_legs, payment.id),
            legs=fee_legs,
        )
        book(office, fee, now)
    return booked.id
