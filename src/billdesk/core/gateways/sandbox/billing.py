"""What the sandbox bills by itself: subscriptions that people have on its own pages, and its invoices.

Nothing happens to them by chance or by the clock: whoever directs the sandbox subscribes, bills, pays.
"""

from __future__ import annotations

import json
from datetime import datetime

from billdesk.core.gateways.sandbox import books, messages
from billdesk.core.gateways.sandbox.acts import Act
from billdesk.core.gateways.sandbox.hands import Hands
from billdesk.core.gateways.sandbox.messages import UNASKED
from billdesk.core.gateways.sandbox.rows import PaymentRow
from billdesk.core.rules.gateway import Fact, Stage
from billdesk.core.rules.mirrors import (
    GatewayInvoice,
    GatewayLine,
    GatewayPart,
    GatewaySubscription,
    InvoiceRequest,
    Mirrored,
    invoice_from_plain,
    subscription_from_plain,
    to_plain,
)
from billdesk.core.values.clock import from_micros
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money


class Billing(Hands):
    """A sandbox whose customers also subscribe there."""

    def subscribe(
        self,
        customer_id: str,
        price: Money,
        until: datetime,
        *,
        plan: str = "sandbox-plan",
        our_plan: str | None = None,
        trial: bool = False,
    ) -> Fact:
        """Let a customer subscribe now; the first period ends at `until`.

        `our_plan`: a plan of the desk's that is noted on it. Raises GatewayError for an unknown customer.
        """
        with self._act() as act:
            books.check_customer(act.books, customer_id)
            count = books.count_bills(act.books)
            now = from_micros(act.now)
            state = GatewaySubscription(
                status="trialing" if trial else "active",
                plan_id=plan,
                plan_name=plan,
                plan_code=our_plan,
                schedule="monthly",
                quantity=1,
                asset=price.asset,
                price_minor=price.minor,
                since=now,
                until=until,
                customer_id=customer_id,
                started_at=now,
                trial_until=until if trial else None,
            )
            object_id = self._chance.make_id("sbs", "subscription", f"{customer_id}/{count}")
            return self._tell(act, object_id, "subscription_changed", state)

    def change_subscription(self, external_id: str, **fields: object) -> Fact:
        """Change fields of a subscription now, as its owner or the sandbox's staff would.

        Raises GatewayError for an unknown one.
        """
        with self._act() as act:
            plain = json.loads(books.bill(act.books, external_id))
            state = subscription_from_plain(plain)
            state = state._replace(**fields)  # type: ignore[arg-type]  # the caller names them
            stage: Stage = (
                "subscription_ended" if state.status == "canceled" else "subscription_changed"
            )
            return self._tell(act, external_id, stage, state)

    def remind_of_trial(self, external_id: str) -> Fact:
        """Let the sandbox say that a trial ends soon. Raises GatewayError for an unknown one."""
        with self._act() as act:
            state = subscription_from_plain(json.loads(books.bill(act.books, external_id)))
            return self._tell(act, external_id, "trial_ending", state)

    def bill(self, subscription_id: str) -> Fact:
        """Bill a subscription's present period: an open invoice. Raises GatewayError."""
        with self._act() as act:
            state = subscription_from_plain(json.loads(books.bill(act.books, subscription_id)))
            count = books.count_bills(act.books)
            minor = state.price_minor or 0
            line = GatewayLine(
                state.plan_name, "1", "", minor, minor, 0, since=state.since, until=state.until
            )
            invoice = GatewayInvoice(
                status="open",
                number=f"SBX-{count:04}",
                asset=state.asset,
                subtotal_minor=minor,
                tax_minor=0,
                total_minor=minor,
                paid_minor=0,
                lines=(line,),
                customer_id=state.customer_id,
                subscription_id=subscription_id,
                issued_at=from_micros(act.now),
                since=state.since,
                until=state.until,
            )
            object_id = self._chance.make_id("sbi", "invoice", f"{subscription_id}/{count}")
            return self._tell(act, object_id, "invoice_finalized", invoice)

    def pay_invoice(self, external_id: str, *, by_credit_minor: int = 0) -> Fact:
        """Let an invoice's customer pay it now; paid twice is paid once.

        `by_credit_minor` of it is paid by credit that the sandbox keeps for its customer, and moves no
        money. Raises GatewayError.
        """
        with self._act() as act:
            invoice = self._unpaid_invoice(act, external_id)
            if invoice.status == "paid":
                return self._fact(books.object_history(act.books, external_id)[-1])
            parts = self._take_for(act, external_id, invoice, by_credit_minor)
            state = invoice._replace(
                status="paid", paid_minor=invoice.total_minor, parts=parts, failure=""
            )
            return self._tell(act, external_id, "invoice_paid", state)

    def fail_invoice(self, external_id: str, reason: str) -> Fact:
        """Let the bank of an invoice's customer say no now. Raises GatewayError."""
        with self._act() as act:
            invoice = self._unpaid_invoice(act, external_id)
            state = invoice._replace(attempts=invoice.attempts + 1, failure=reason)
            return self._tell(act, external_id, "invoice_failed", state, reason)

    def void_invoice(self, external_id: str) -> Fact:
        """Void an open invoice now. Raises GatewayError."""
        with self._act() as act:
            state = self._unpaid_invoice(act, external_id)._replace(status="void")
            return self._tell(act, external_id, "invoice_closed", state)

    def give_up_invoice(self, external_id: str) -> Fact:
        """Let the sandbox's staff call an open invoice uncollectible now. Raises GatewayError."""
        with self._act() as act:
            state = self._unpaid_invoice(act, external_id)._replace(status="uncollectible")
            return self._tell(act, external_id, "invoice_closed", state)

    # --- what the desk asks ------------------------------------------------------------------

    def _send(self, request: InvoiceRequest) -> tuple[Fact, bool]:
        """An invoice of the desk's, and whether it was sent before. Raises GatewayError."""
        with self._act() as act:
            object_id = self._chance.make_id("sbi", "sent invoice", request.invoice_id)
            lines = request.lines
            state = GatewayInvoice(
                status="open",
                number=request.number,
                asset=request.asset,
                subtotal_minor=sum(line.net_minor for line in lines),
                tax_minor=sum(line.tax_minor for line in lines),
                total_minor=request.total_minor,
                paid_minor=0,
                lines=lines,
                customer_id=request.customer_id,
                account_ref=request.account_ref,
                invoice_id=request.invoice_id,
                issued_at=from_micros(act.now),
                due_at=request.due_at,
                page_url=f"https://sandbox.invalid/invoice/{object_id}",
            )
            known = books.object_history(act.books, object_id)
            if not known:
                books.check_customer(act.books, request.customer_id)
                return self._tell(act, object_id, "invoice_finalized", state), False
            first = invoice_from_plain(json.loads(known[0].body or ""))
            if (first.total_minor, first.lines) != (state.total_minor, state.lines):
                raise GatewayError(
                    f"{request.invoice_id} was sent with other content", "use a new invoice"
                )
            return self._fact(known[-1]), True

    def _bill_now(self, external_id: str) -> Fact:
        """A subscription or an invoice as it is now. Raises GatewayError for an unknown one."""
        with self._act() as act:
            books.bill(act.books, external_id)
            return self._fact(books.object_history(act.books, external_id)[-1])

    # --- inside ------------------------------------------------------------------------------

    def _unpaid_invoice(self, act: Act, external_id: str) -> GatewayInvoice:
        invoice = invoice_from_plain(json.loads(books.bill(act.books, external_id)))
        if invoice.status == "void":
            raise GatewayError(f"{external_id} is void", "see its facts")
        return invoice

    def _take_for(
        self, act: Act, external_id: str, invoice: GatewayInvoice, by_credit_minor: int
    ) -> tuple[GatewayPart, ...]:
        """The money that is taken for an invoice, in a payment that the desk did not ask for."""
        if by_credit_minor >= invoice.total_minor:
            return ()
        payment = PaymentRow(
            external_id=self._chance.make_id("sbx", "id", external_id),
            payment_id=f"{UNASKED}{external_id}",
            account_ref="",
            description=invoice.number or "",
            amount_minor=invoice.total_minor - by_credit_minor,
            asset=invoice.asset,
            customer_id=invoice.customer_id,
            method_id=None,
            saves_method=0,
        )
        books.add_payment(act.books, payment)
        act.settle(payment, act.now)
        *_, settled = books.object_history(act.books, payment.external_id)
        return (
            GatewayPart(
                payment.external_id,
                messages.charge_id_of(payment.external_id),
                payment.amount_minor,
                settled.fee_minor,
            ),
        )

    def _tell(
        self, act: Act, object_id: str, stage: Stage, state: Mirrored, detail: str = ""
    ) -> Fact:
        """A subscription or an invoice is now like this, and an event says so."""
        body = json.dumps(to_plain(state))
        books.keep_bill(act.books, object_id, body)
        count = len(books.object_history(act.books, object_id))
        books.add_event(
            act.books,
            object_id,
            stage,
            payment_external_id=None,
            method_id=None,
            fee_minor=None,
            detail=detail or state.status,
            created_at=act.now,
            visible_at=act.now,
            occurrence=f"{object_id}:{count}",
            body=body,
        )
        return self._fact(books.object_history(act.books, object_id)[-1])
