"""Subscriptions and invoices that a gateway keeps: asked for by hand, and invoices of ours sent there.

What a gateway says by itself comes through its facts; asking brings the same facts, and what waited for
an account to be known is applied with them. An invoice of ours is sent once: where it goes is written
down before it is sent, and every request carries a key that follows from its id, so that a lost reply
costs nothing but another try.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from billdesk.core.operations.facts.applying import apply_fact
from billdesk.core.operations.facts.intake import replay, take_in
from billdesk.core.operations.facts.saving import customer_at
from billdesk.core.operations.invoices.issuing import invoice_named, sheet_of, today_of
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.depositing import gateway_named, gateway_of
from billdesk.core.operations.subscriptions.terms import subscription_sheet
from billdesk.core.rules.gateway import Fact, Gateway
from billdesk.core.rules.invoices import InvoiceRecord, LineRecord
from billdesk.core.rules.mirrors import GatewayLine, InvoiceRequest
from billdesk.core.rules.sheets import (
    AccountSheet,
    InvoiceSheet,
    SentInvoiceSheet,
    SubscriptionSheet,
)
from billdesk.core.store import facts as fact_store
from billdesk.core.store import mirrors as store
from billdesk.core.store.invoices import lines_of
from billdesk.core.store.meta import read_meta
from billdesk.core.store.sessions import Session
from billdesk.core.store.subscriptions import subscription_by_external
from billdesk.core.values.clock import from_micros
from billdesk.core.values.errors import AlreadyExists, Broken, GatewayError, Refused
from billdesk.core.values.money import Money


class Mirrors:
    """`desk.mirrors`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def sync_subscription(
        self, gateway: str, external_id: str, *, account: str | None = None
    ) -> SubscriptionSheet:
        """Ask a gateway for a subscription that it keeps, and mirror what it says now.

        `account` says whose it is, where nobody here is its customer yet; what waited for that is
        applied, too. Raises NotFound, Refused when its account is not known or it has not begun,
        AlreadyExists when it is another account's, Refused inside a transaction, NotOffered,
        GatewayError kinds.
        """
        maker, now = self._free_to_ask(gateway), self._office.now()
        fact = maker.subscription(external_id)
        self._place(maker, fact, account, now)
        with self._office.database.read() as session:
            known = subscription_by_external(session, maker.name, maker.mode, fact.object_id)
            if known is None:
                raise Refused(
                    f"{external_id[:64]} has not begun at {maker.name}", "sync it again once it has"
                )
            return subscription_sheet(session, known)

    def sync_invoice(
        self, gateway: str, external_id: str, *, account: str | None = None
    ) -> InvoiceSheet:
        """Ask a gateway for an invoice that it keeps, and mirror what it says now.

        `account` as for a subscription. Raises NotFound, Refused when its account is not known,
        AlreadyExists when it is another account's, Refused inside a transaction, NotOffered,
        GatewayError kinds.
        """
        maker, now = self._free_to_ask(gateway), self._office.now()
        fact = maker.invoice(external_id)
        self._place(maker, fact, account, now)
        with self._office.database.read() as session:
            if fact.invoice is None:
                raise Broken("an invoice that says nothing was mirrored")
            invoice_id = store.invoice_of_fact(session, fact, fact.invoice)
            if invoice_id is None:
                raise Broken("an invoice that was just mirrored is not there")
            return sheet_of(session, invoice_id, now)

    def send_invoice(self, invoice_id: str, gateway: str | None = None) -> SentInvoiceSheet:
        """Have a gateway send an open invoice of ours, with its lines; by id or number.

        `gateway` as for a deposit. Sent again, it is the same invoice there. What is paid for it there
        pays it here. Raises NotFound, Refused for one that is not open, was paid in part or sent to
        another gateway, Refused inside a transaction, NotOffered, GatewayError kinds, also where the
        gateway would come to another total.
        """
        office = self._office
        office.check_writable()
        office.check_outside()
        now = office.now()
        with office.database.read() as session:
            record = invoice_named(session, invoice_id)
            maker = gateway_of(office, session, record.account_id, gateway or record.gateway)
            account = office.account(session, record.account_id)
            lines = lines_of(session, record.id)
            due_at = _due_at(session, record, now)
        _check_sendable(record, maker)
        customer_id = customer_at(office, account, maker, now)
        request = _request(record, account, lines, customer_id, due_at)
        with office.database.write() as session:
            store.place_at(session, record.id, maker.name, maker.mode, record.external_id)
        fact = self._sent(record, lambda: maker.send_invoice(request))
        with office.database.write() as session:
            store.place_at(session, record.id, maker.name, maker.mode, fact.object_id)
            if record.external_id is None:
                office.audit(
                    session, now=now, action="invoice.send",
                    summary=f"{record.name} → {maker.name}", account_id=record.account_id,
                    data={"invoice": record.id, "external_id": fact.object_id},
                )  # fmt: skip
        take_in(office, [fact], now)
        return SentInvoiceSheet(
            invoice_id=record.id,
            invoice_number=record.name,
            account_ref=account.ref,
            gateway=maker.name,
            mode=maker.mode,
            external_id=fact.object_id,
            status=fact.invoice.status if fact.invoice else fact.detail,
            total=Money(record.total_minor, record.asset),
            url=fact.pay_url,
        )

    def _sent(self, record: InvoiceRecord, send: Callable[[], Fact]) -> Fact:
        """What came of sending. After a clear no the invoice is at no gateway."""
        try:
            return send()
        except GatewayError as error:
            if not error.retry and record.external_id is None:
                with self._office.database.write() as session:
                    store.place_at(session, record.id, None, None, None)
            raise

    def _free_to_ask(self, gateway: str) -> Gateway:
        office = self._office
        office.check_writable()
        office.check_outside()
        return gateway_named(office, gateway)

    def _place(self, maker: Gateway, fact: Fact, account: str | None, now: datetime) -> None:
        """Apply what a gateway says of one of its objects now, whether it said so before or not.

        Raises Refused, saying why, where it must wait; NotFound, AlreadyExists for the account.
        """
        office = self._office
        told = fact if account is None else _of_account(office, fact, account)
        take_in(office, [fact], now)
        with office.database.write() as session:
            number = fact_store.number_of(session, fact)
            outcome = apply_fact(office, session, number, told, now)
            why = fact_store.detail_of(session, number)
        if outcome == "waiting":
            raise Refused(why, "see billdesk facts")
        # What else waited for this account or this subscription can be placed now.
        replay(office, maker, now)


def _of_account(office: Office, fact: Fact, account: str) -> Fact:
    """A fact that names its account. Raises NotFound, AlreadyExists when it is known as another's."""
    with office.database.read() as session:
        owner = office.account(session, account)
        other = store.owner_of(session, fact)
    if other is not None and other != owner.id:
        raise AlreadyExists(
            f"{fact.object_id} at {fact.gateway} belongs to another account",
            "see billdesk subscription list",
        )
    subscription = fact.subscription and fact.subscription._replace(account_ref=owner.ref)
    invoice = fact.invoice and fact.invoice._replace(account_ref=owner.ref)
    return replace(fact, subscription=subscription, invoice=invoice)


# --- what is sent --------------------------------------------------------------------------------


def _check_sendable(record: InvoiceRecord, maker: Gateway) -> None:
    """Raises Refused for what a gateway could not send as it is."""
    if record.kind != "invoice" or record.status != "open":
        what = "a credit note" if record.kind != "invoice" else record.status
        raise Refused(f"{record.name} is {what}", "only an open invoice is sent")
    if record.source == "gateway":
        raise Refused(f"{record.name} is {record.gateway}'s own", "it was sent from there")
    if record.due_minor != record.total_minor:
        due = Money(record.due_minor, record.asset)
        raise Refused(
            f"{due} of {record.name} is left to pay", "a gateway sends whole invoices alone"
        )
    if record.gateway is not None and (record.gateway, record.mode) != (maker.name, maker.mode):
        raise Refused(
            f"{record.name} was sent to {record.gateway} ({record.mode})", "send it there again"
        )


def _request(
    record: InvoiceRecord,
    account: AccountSheet,
    lines: Sequence[LineRecord],
    customer_id: str,
    due_at: datetime | None,
) -> InvoiceRequest:
    return InvoiceRequest(
        invoice_id=record.id,
        number=record.name,
        customer_id=customer_id,
        account_ref=account.ref,
        asset=record.asset,
        total_minor=record.total_minor,
        lines=(*(_line(line) for line in lines), *_taxes(lines)),
        memo=record.memo,
        due_at=due_at,
    )


def _line(line: LineRecord) -> GatewayLine:
    """A line as it is billed there: with the tax that its price holds, without the one on top."""
    amount_minor = line.gross_minor if line.tax_inclusive else line.net_minor
    text = line.text
    if line.quantity != "1" or line.unit:
        times = f" × {line.unit_price}" if line.unit_price else ""
        text = f"{text} ({line.quantity} {line.unit}".rstrip() + f"{times})"
    if line.tax_inclusive and line.tax_minor:
        text = f"{text}, incl. {line.tax_rate} % {line.tax_name}"
    return GatewayLine(
        text=text,
        quantity="1",
        unit_price="",
        amount_minor=amount_minor,
        net_minor=amount_minor,
        tax_minor=0,
        since=from_micros(line.period_since) if line.period_since is not None else None,
        until=from_micros(line.period_until) if line.period_until is not None else None,
    )


def _taxes(lines: Sequence[LineRecord]) -> tuple[GatewayLine, ...]:
    """What comes on top: a line for each tax."""
    sums: dict[tuple[str, str], int] = {}
    for line in lines:
        if line.tax_minor and not line.tax_inclusive:
            tax = (line.tax_name or line.tax_code or "Tax", line.tax_rate)
            sums[tax] = sums.get(tax, 0) + line.tax_minor
    return tuple(
        GatewayLine(f"{name}, {rate} %", "1", "", minor, minor, 0)
        for (name, rate), minor in sums.items()
    )


def _due_at(session: Session, record: InvoiceRecord, now: datetime) -> datetime | None:
    """The end of the day on which it is due; None when that is today or over."""
    if record.due_on is None or date.fromisoformat(record.due_on) <= today_of(session, now):
        return None
    zone = ZoneInfo(read_meta(session)["zone"])
    end = datetime.combine(date.fromisoformat(record.due_on), time.max, zone)
    return end.replace(microsecond=0)
