"""Money in: a payment is written down, asked for at the gateway, and learnt about by polling.

The answer to our own call and a polled event take the same way in. A lost reply posts nothing; the
payment stays open until a poll heals it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from billdesk.core.operations.facts.intake import replay, take_in
from billdesk.core.operations.facts.saving import customer_at
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Gateway, PaymentRequest
from billdesk.core.rules.sheets import FactSheet, Page, PaymentSheet, TickSheet
from billdesk.core.store import facts as fact_store
from billdesk.core.store import payments as store
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotFound,
    ReferenceReused,
)
from billdesk.core.values.ids import is_id
from billdesk.core.values.money import CREDIT, Money, read_amount
from billdesk.core.values.text import check_word

MINIMUM = Money(1000, "USD")
"""The smallest deposit; other currencies have none of their own yet."""

STATUSES = ("pending", "succeeded", "failed", "expired", "refunded", "disputed")
SANDBOX = "sandbox"


class Deposits:
    """`desk.deposits`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def start(
        self,
        account: str,
        amount: Money | str,
        *,
        gateway: str | None = None,
        id: str | None = None,
        save_method: bool = False,
    ) -> PaymentSheet:
        """Ask a gateway for money from an account; the answer carries the link to pay at.

        `gateway` is the account's own when left out, else the desk's only one. `id` (`pay_…`) makes
        the call safe to repeat: the same id carries on with the same payment. `save_method`: what is
        paid with may be charged again. Raises BadInput (10.00 USD at least), NotFound, AccountClosed,
        ReferenceReused for another payment's id, GatewayError; after GatewayUnreachable the payment
        stays open and a poll finds out. Inside a transaction it is only written down, and the next poll
        asks the gateway.
        """
        office = self._office
        office.check_writable()
        now = office.now()
        money = _check_deposit(read_amount(amount, office.default_asset))
        payment_id = id or office.ids.make("pay", now)
        if not is_id(payment_id, "pay"):
            raise BadInput(f"{payment_id[:40]!r} is no id of a payment", "leave it out")
        with office.database.read() as session:
            maker = gateway_of(office, session, account, gateway)
        self._write_down(payment_id, account, money, maker, now, save_method=save_method)
        payment = payment_named(office, payment_id)
        if payment.status != "pending" or payment.pay_url is not None:
            return payment
        if office.database.in_block():
            return payment  # no gateway is asked inside a block: the next poll does, once it stands
        open_at_gateway(office, maker, payment, now)
        return payment_named(office, payment_id)

    def _write_down(
        self,
        payment_id: str,
        account: str,
        money: Money,
        maker: Gateway,
        now: datetime,
        *,
        save_method: bool,
    ) -> None:
        """The intent, before anything leaves the building."""
        office = self._office
        try:
            with office.database.write() as session:
                owner = office.account(session, account)
                known = store.payment_by_id(session, payment_id)
                if known is not None:
                    asked = (owner.ref, money, maker.name)
                    if (known.account_ref, known.amount, known.gateway) != asked:
                        raise ReferenceReused(
                            f"{payment_id} is another payment's id", "leave the id out"
                        )
                    return
                if owner.status != "open":
                    raise AccountClosed(f"the account is {owner.status}", "reopen it first")
                store.add_payment(
                    session, id=payment_id, account_id=owner.id, gateway=maker.name,
                    mode=maker.mode, amount=money, actor=office.actor, at=to_micros(now),
                    save_method=save_method,
                )  # fmt: skip
                office.audit(
                    session, now=now, action="deposit.start", summary=f"{money} by {maker.name}",
                    account_id=owner.id, data={"payment": payment_id},
                )  # fmt: skip
        except KeyTaken:
            self._write_down(payment_id, account, money, maker, now, save_method=save_method)


def open_at_gateway(office: Office, gateway: Gateway, payment: PaymentSheet, now: datetime) -> None:
    """Ask the gateway for a payment that is written down; its id makes this safe to repeat.

    A refusal ends the payment and is raised (GatewayError); after GatewayUnreachable, GatewayBusy
    and KeyRefused it stays open.
    """
    with office.database.read() as session:
        account = office.account(session, payment.account_ref)
    try:
        customer_id = customer_at(office, account, gateway, now) if payment.save_method else None
        request = PaymentRequest(
            payment.id, payment.amount, account.ref, "deposit", email=account.email,
            customer_id=customer_id, save_method=payment.save_method,
        )  # fmt: skip
        fact = gateway.open_payment(request)
    except (GatewayUnreachable, GatewayBusy, KeyRefused):
        raise
    except GatewayError as error:
        with office.database.write() as session:
            store.move_payment(
                session, payment.id, status="failed", detail=error.message, at=to_micros(now)
            )
        raise
    take_in(office, [replace(fact, payment_id=payment.id)], now)


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


def gateway_of(office: Office, session: Session, account: str, name: str | None) -> Gateway:
    """The gateway that is named, else the account's own, else the only one that is connected.

    The sandbox counts only where no other is. Raises NotFound, BadInput when several are connected.
    """
    if name is None:
        owner = office.account(session, account)
        [(name,)] = session.all("SELECT gateway FROM account WHERE id = ?", (owner.id,))
    if name is not None:
        return gateway_named(office, name)
    connected = [each for each in office.gateways if each != SANDBOX] or list(office.gateways)
    if len(connected) > 1:
        raise BadInput(
            "several gateways are connected", f"say which: {', '.join(sorted(connected))}"
        )
    return gateway_named(office, connected[0] if connected else SANDBOX)


def payment_named(office: Office, payment_id: str) -> PaymentSheet:
    """One payment. Raises NotFound."""
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
        return payment_named(self._office, payment_id)

    def list(
        self,
        *,
        account: str | None = None,
        status: str | None = None,
        gateway: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[PaymentSheet]:
        """Payments, the newest first. Raises BadInput, NotFound for the account."""
        check_limit(limit)
        check_word(status, "status", STATUSES)
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id if account else None
            rows, cursor = store.list_payments(
                session, account_id=account_id, status=status, gateway=gateway, after=after,
                limit=limit,
            )  # fmt: skip
        return Page(tuple(rows), cursor)


class Facts:
    """`desk.facts`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def list(
        self,
        *,
        state: str | None = None,
        gateway: str | None = None,
        payment: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[FactSheet]:
        """What the gateways said, the newest first; `state` is applied or waiting.

        `payment` is the id of the one they are about. Raises BadInput for the limit or the cursor.
        """
        check_limit(limit)
        with self._office.database.read() as session:
            rows, cursor = fact_store.list_facts(
                session, state=state, gateway=gateway, payment_id=payment, after=after, limit=limit
            )
        return Page(tuple(rows), cursor)

    def replay(self) -> TickSheet:
        """Try again everything that waits: its target may have come since. Raises ReadOnly."""
        office = self._office
        office.check_writable()
        now = office.now()
        taken = [replay(office, gateway, now) for gateway in tuple(office.gateways.values())]
        return TickSheet(
            at=now,
            polled=0,
            facts=sum(each.applied for each in taken),
            deposits=sum(each.deposits for each in taken),
            holds_expired=0,
            indexed=0,
        )
