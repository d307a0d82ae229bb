"""What the pretended Stripe bills by itself: subscriptions, invoices with lines, and what pays them."""

from __future__ import annotations

from typing import Any

from tests.gateway_servers.stripe_books import JSON, Refusal, StripeBooks, shown

MONTH_SECONDS = 30 * 86_400
FIRST_LINES = 10  # so many lines come with an invoice; the rest has a list of its own


class StripeBilling:
    """Subscriptions and invoices in the books, in today's shape of the interface."""

    def __init__(self, books: StripeBooks) -> None:
        self._books = books
        self.surcharge = 0  # what this Stripe adds to each invoice, as a tax of its own would

    # --- what the merchant and the customers do ---------------------------------------------------

    def subscribe(self, customer_id: str, amount: int = 2_000, **fields: Any) -> JSON:
        """A customer subscribes on a page of Stripe's; no event tells of it."""
        now = self._books.now()
        price = {
            "id": "price_pro", "object": "price", "currency": "usd", "unit_amount": amount,
            "nickname": "Pro at Stripe", "metadata": {},
            "recurring": {"interval": "month", "interval_count": 1},
        }  # fmt: skip
        item = {
            "id": "si_1", "object": "subscription_item", "price": price, "quantity": 1,
            "current_period_start": now, "current_period_end": now + MONTH_SECONDS,
        }  # fmt: skip
        given = {
            "status": "active", "customer": customer_id, "currency": "usd", "start_date": now,
            "trial_end": None, "cancel_at": None, "cancel_at_period_end": False, "ended_at": None,
            "items": {"object": "list", "data": [item], "has_more": False},
        }  # fmt: skip
        return self._books.make("sub", "subscription", **{**given, **fields})

    def bill(self, subscription: JSON, reason: str = "subscription_cycle", **line: Any) -> JSON:
        """The draft of a subscription's next invoice."""
        [item] = subscription["items"]["data"]
        invoice = self._draft(
            subscription["customer"],
            subscription["currency"],
            billing_reason=reason,
            parent={
                "type": "subscription_details",
                "subscription_details": {
                    "subscription": subscription["id"],
                    "metadata": subscription["metadata"],
                },
            },
        )
        amount = item["price"]["unit_amount"] * item["quantity"]
        self._add_line(invoice, {"amount": amount, "description": "1 x Pro at Stripe", **line})
        self._books.tell("invoice.created", invoice)
        return invoice

    def pay(self, invoice_id: str, outcome: str = "pays") -> JSON:
        """A customer's card is charged for an invoice, or refused."""
        invoice = self._books.get(invoice_id, "invoice")
        intent = self._books.make(
            "pi", "payment_intent", amount=invoice["amount_due"], amount_received=0,
            currency=invoice["currency"], customer=invoice["customer"], payment_method=None,
            setup_future_usage=None, latest_charge=None, last_payment_error=None,
            status="requires_payment_method",
        )  # fmt: skip
        invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        if outcome != "pays":
            self._books.tell("invoice.payment_failed", invoice)
            return invoice
        self._books._take(intent)
        self._settle(invoice, {"type": "payment_intent", "payment_intent": intent["id"]})
        return invoice

    def pay_outside(self, invoice_id: str) -> None:
        """Somebody marks an invoice as paid by money that Stripe never saw."""
        invoice = self._books.get(invoice_id, "invoice")
        invoice |= {"status": "paid", "amount_paid": 0, "paid_out_of_band": True}
        invoice["status_transitions"]["paid_at"] = self._books.now()
        self._books.tell("invoice.paid", invoice)

    def void(self, invoice_id: str) -> None:
        """Somebody voids an invoice; no event that is asked for tells of it."""
        invoice = self._books.get(invoice_id, "invoice")
        invoice["status"] = "void"
        invoice["status_transitions"]["voided_at"] = self._books.now()

    def change(self, subscription: JSON, event: str = "updated", **fields: Any) -> None:
        """A subscription is changed, and an event tells of it."""
        subscription |= fields
        self._books.tell(f"customer.subscription.{event}", subscription)

    # --- what is asked for ------------------------------------------------------------------------

    def make_invoice(self, params: JSON) -> JSON:
        self._books.get(params["customer"], "customer")
        invoice = self._draft(
            params["customer"], params["currency"], number=params.get("number"),
            metadata=params.get("metadata", {}), due_date=params.get("due_date"),
        )  # fmt: skip
        if self.surcharge:
            self._add_line(invoice, {"amount": self.surcharge, "description": "Surcharge"})
        self._books.tell("invoice.created", invoice)
        return invoice

    def add_item(self, params: JSON) -> JSON:
        invoice = self._books.get(params["invoice"], "invoice")
        if invoice["status"] != "draft":
            raise Refusal(400, "Invoice items can only be added to draft invoices")
        self._add_line(invoice, params)
        fields = {name: params.get(name) for name in ("invoice", "customer", "amount", "currency")}
        return self._books.make("ii", "invoiceitem", metadata=params.get("metadata", {}), **fields)

    def finalize(self, invoice_id: str) -> JSON:
        invoice = self._books.get(invoice_id, "invoice")
        if invoice["status"] != "draft":
            raise Refusal(400, "This invoice is already finalized")
        invoice |= {
            "status": "open",
            "number": invoice["number"] or f"STRIPE-{len(self._books.of('invoice')):04}",
            "hosted_invoice_url": f"https://invoice.stripe.test/i/{invoice_id}",
        }
        invoice["status_transitions"]["finalized_at"] = self._books.now()
        self._books.tell("invoice.finalized", invoice)
        return invoice

    def payments_of(self, invoice_id: str) -> JSON:
        data = [
            shown(paid) for paid in self._books.of("invoice_payment")
            if paid["invoice"] == invoice_id
        ]  # fmt: skip
        return {"object": "list", "data": data, "has_more": False}

    def lines_page(self, invoice_id: str, form: JSON) -> JSON:
        lines: list[JSON] = self._books.get(invoice_id, "invoice")["_lines"]
        place = [line["id"] for line in lines].index(form["starting_after"]) + 1
        data = lines[place : place + form["limit"]]
        return {"object": "list", "data": data, "has_more": place + len(data) < len(lines)}

    # --- inside -----------------------------------------------------------------------------------

    def _draft(self, customer_id: str, currency: str, **fields: Any) -> JSON:
        given: JSON = {
            "customer": customer_id, "currency": currency, "status": "draft", "number": None,
            "amount_due": 0, "amount_paid": 0, "total": 0, "attempted": False, "attempt_count": 0,
            "last_finalization_error": None, "hosted_invoice_url": None, "due_date": None,
            "billing_reason": "manual", "parent": None, "period_start": self._books.now(),
            "period_end": self._books.now(), "_lines": [],
            "status_transitions": {
                "finalized_at": None, "paid_at": None, "voided_at": None,
            },
            "lines": {"object": "list", "data": [], "has_more": False},
        }  # fmt: skip
        return self._books.make("in", "invoice", **{**given, **fields})

    def _add_line(self, invoice: JSON, params: JSON) -> None:
        line = {
            "id": f"il_{len(invoice['_lines'])}", "object": "line_item", "quantity": 1,
            "amount": params["amount"], "description": params["description"],
            "period": params.get("period") or {
                "start": self._books.now(), "end": self._books.now() + MONTH_SECONDS,
            },
            "discount_amounts": params.get("discount_amounts", []),
            "taxes": params.get("taxes"), "metadata": params.get("metadata", {}),
        }  # fmt: skip
        invoice["_lines"].append(line)
        cut = sum(part["amount"] for part in line["discount_amounts"])
        added = sum(
            tax["amount"] for tax in line["taxes"] or [] if tax["tax_behavior"] == "exclusive"
        )
        invoice["total"] += line["amount"] - cut + added
        invoice["amount_due"] = max(invoice["total"], 0)
        invoice["lines"] = {
            "object": "list",
            "data": invoice["_lines"][:FIRST_LINES],
            "has_more": len(invoice["_lines"]) > FIRST_LINES,
        }

    def _settle(self, invoice: JSON, means: JSON) -> None:
        now = self._books.now()
        self._books.make(
            "inpay", "invoice_payment", invoice=invoice["id"], status="paid", payment=means,
            amount_paid=invoice["amount_due"], amount_requested=invoice["amount_due"],
            currency=invoice["currency"], is_default=True,
        )  # fmt: skip
        invoice |= {"status": "paid", "amount_paid": invoice["amount_due"]}
        invoice["status_transitions"]["paid_at"] = now
        self._books.tell("invoice.paid", invoice)
        self._books.tell("invoice.payment_succeeded", invoice)
