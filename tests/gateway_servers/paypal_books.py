"""The books of a PayPal of our own: orders, captures, refunds, disputes, saved methods.

Written from PayPal's descriptions, and knows nothing of the adapter it is meant to prove.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from billdesk.core.values.clock import Clock
from tests.gateway_servers.paypal_shapes import (
    BASE,
    WHOLE,
    Capture,
    Dispute,
    Json,
    Line,
    Order,
    Refund,
    SavedMethod,
    capture_json,
    dispute_json,
    link,
    method_json,
    money_json,
    order_json,
    refund_json,
    stamp,
    unit,
)

CURRENCIES = WHOLE | set("AUD BRL CAD CHF CZK DKK EUR GBP HKD ILS MXN MYR NOK NZD PHP".split())
CURRENCIES |= set("PLN SEK SGD THB USD".split())


class Refusal(Exception):
    """PayPal says no: an HTTP status, a name and an issue."""

    def __init__(self, status: int, name: str, issue: str = "", text: str = "") -> None:
        super().__init__(f"{status} {name} {issue}")
        self.status = status
        self.name = name
        self.issue = issue
        self.text = text
        self.links: list[Json] = []


class Books:
    """Everything one PayPal account holds; every act is made under one lock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.orders: dict[str, Order] = {}
        self.captures: dict[str, Capture] = {}
        self.refunds: dict[str, Refund] = {}
        self.disputes: dict[str, Dispute] = {}
        self.methods: dict[str, SavedMethod] = {}
        self.keys: dict[str, str] = {}
        self.events: list[Json] = []
        self.lines: list[Line] = []
        self.moves: list[tuple[str, str, str, Decimal, Decimal]] = []
        self.invoices_used: set[str] = set()
        self.methods_want = "COMPLETED"
        self.pending_captures = False
        self.pending_refunds = False
        self._numbers = 0

    @contextmanager
    def act(self) -> Iterator[datetime]:
        with self.lock:
            yield self.clock.now()

    def number(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}{self._numbers:0{17 - len(prefix)}d}"

    # --- orders ----------------------------------------------------------------------------

    def create_order(self, body: Json, key: str | None) -> tuple[Order, bool]:
        """The order and whether it is new: a known key gives the one it made, as it is now."""
        with self.act() as now:
            if key is not None and key in self.keys:
                return self.orders[self.keys[key]], False
            [unit] = body["purchase_units"]
            amount, currency = self._money(unit["amount"])
            [(kind, source)] = body["payment_source"].items()
            order = Order(
                self.number("ORD"), unit, amount, currency, source, kind, created=now, updated=now
            )
            if "vault_id" in source:
                self._pay_by_method(order, source["vault_id"])
            self.orders[order.id] = order
            if key is not None:
                self.keys[key] = order.id
            return order, True

    def _pay_by_method(self, order: Order, method_id: str) -> None:
        method = self.methods.get(method_id)
        if method is None:
            raise Refusal(422, "UNPROCESSABLE_ENTITY", "TOKEN_ID_NOT_FOUND")
        if method.declines:
            raise Refusal(422, "UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED")
        order.status = "APPROVED"
        if self.methods_want == "COMPLETED":
            self.capture(order)
        else:
            order.status = self.methods_want

    def approve(self, order_id: str, will: str = "pay") -> None:
        """The buyer agrees; `will` is what becomes of the capture: pay, decline or instrument."""
        with self.act() as now:
            order = self.orders[order_id]
            order.status, order.updated, order.will = "APPROVED", now, will
            self.tell("CHECKOUT.ORDER.APPROVED", "checkout-order", order_json(order))

    def capture(self, order: Order) -> None:
        with self.act() as now:
            if order.captures:
                raise Refusal(422, "UNPROCESSABLE_ENTITY", "ORDER_ALREADY_CAPTURED")
            if order.status != "APPROVED":
                raise Refusal(422, "UNPROCESSABLE_ENTITY", "ORDER_NOT_APPROVED")
            invoice_id = order.unit.get("invoice_id", "")
            if invoice_id in self.invoices_used:
                raise Refusal(422, "UNPROCESSABLE_ENTITY", "DUPLICATE_INVOICE_ID")
            if order.will == "instrument":
                order.status = "PAYER_ACTION_REQUIRED"
                refusal = Refusal(422, "UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED")
                refusal.links = [link(f"{BASE}/checkoutnow?token={order.id}&again=1", "redirect")]
                raise refusal
            if order.will not in {"pay", "decline"}:
                raise Refusal(422, "UNPROCESSABLE_ENTITY", order.will)
            order.status, order.updated = "COMPLETED", now
            fee = fee_of(order.amount, order.currency)
            status = {"decline": "DECLINED"}.get(order.will, "COMPLETED")
            if status == "COMPLETED" and self.pending_captures:
                status = "PENDING"
            capture = Capture(self.number("CAP"), order, order.amount, fee, status, "", created=now)
            capture.reason = {"PENDING": "ECHECK"}.get(status, "")
            order.captures.append(capture)
            self.captures[capture.id] = capture
            self._captured(capture)

    def clear(self, capture_id: str, *, accepted: bool = True) -> None:
        """What was pending comes, or does not."""
        with self.act():
            capture = self.captures[capture_id]
            capture.status = "COMPLETED" if accepted else "DECLINED"
            capture.reason = ""
            self._captured(capture)

    def _captured(self, capture: Capture) -> None:
        order = capture.order
        if capture.status == "COMPLETED":
            invoice_id = order.unit.get("invoice_id")
            if invoice_id:
                self.invoices_used.add(invoice_id)
            self.report("T0006", capture.id, order, capture.amount, -capture.fee, capture.created)
            self._move("payment", capture.order, capture.amount, capture.fee)
            self._save(order)
        word = {"DECLINED": "DENIED"}.get(capture.status, capture.status)
        self.tell(f"PAYMENT.CAPTURE.{word}", "capture", capture_json(capture))

    def _save(self, order: Order) -> None:
        attributes = order.source.get("attributes", {})
        if "vault" in attributes:
            customer = attributes.get("customer", {}).get("id") or self.number("CUS")
            inside = {"email_address": "buyer@example.com", "account_id": "BUYERPAYERQ22"}
            order.vault = self.save_method(customer, "paypal", inside).id

    # --- money back --------------------------------------------------------------------------

    def refund(self, capture_id: str, body: Json, key: str | None) -> tuple[Refund, bool]:
        with self.act() as now:
            if key is not None and key in self.keys:
                return self.refunds[self.keys[key]], False
            capture = self.captures.get(capture_id)
            if capture is None:
                raise Refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
            amount = capture.amount - capture.taken_back
            if "amount" in body:
                amount, currency = self._money(body["amount"])
                if currency != capture.order.currency:
                    raise Refusal(422, "UNPROCESSABLE_ENTITY", "CURRENCY_MISMATCH")
            if capture.status == "PENDING":
                raise Refusal(422, "UNPROCESSABLE_ENTITY", "PENDING_CAPTURE")
            if capture.taken_back == capture.amount:
                raise Refusal(422, "UNPROCESSABLE_ENTITY", "CAPTURE_FULLY_REFUNDED")
            if capture.taken_back + amount > capture.amount:
                raise Refusal(422, "UNPROCESSABLE_ENTITY", "REFUND_AMOUNT_EXCEEDED")
            # On its own site PayPal copies what the payment carries.
            copied = capture.order.unit.get("custom_id", "")
            refund = Refund(
                self.number("REF"),
                capture,
                amount,
                "PENDING" if self.pending_refunds else "COMPLETED",
                str(body.get("custom_id", copied)),
                body.get("invoice_id", ""),
                body.get("note_to_payer", ""),
                created=now,
            )
            self.refunds[refund.id] = refund
            capture.order.refunds.append(refund)
            if key is not None:
                self.keys[key] = refund.id
            self._take_back(capture, amount)
            if refund.status == "COMPLETED":
                self._refunded(refund)
            return refund, True

    def finish_refund(self, refund_id: str, status: str) -> None:
        """A pending refund arrives, or fails and the money is the seller's again."""
        with self.act():
            refund = self.refunds[refund_id]
            refund.status = status
            if status == "COMPLETED":
                self._refunded(refund)
            else:
                self._take_back(refund.capture, -refund.amount)

    def _refunded(self, refund: Refund) -> None:
        order = refund.capture.order
        self.report(
            "T1107",
            refund.id,
            order,
            -refund.amount,
            Decimal(0),
            refund.created,
            about=refund.capture.id,
            custom=refund.custom_id,
        )
        self._move("refund", order, -refund.amount, Decimal(0), refund.custom_id)
        self.tell("PAYMENT.CAPTURE.REFUNDED", "refund", refund_json(refund))

    @staticmethod
    def _take_back(capture: Capture, amount: Decimal) -> None:
        capture.taken_back += amount
        if not capture.taken_back:
            capture.status = "COMPLETED"
        elif capture.taken_back < capture.amount:
            capture.status = "PARTIALLY_REFUNDED"
        else:
            capture.status = "REFUNDED"

    def dispute(self, capture_id: str, amount: Decimal) -> Dispute:
        with self.act() as now:
            number = self.number("")
            one = Dispute(f"PP-D-{int(number)}", self.captures[capture_id], amount, now, now)
            self.disputes[one.id] = one
            self.tell("CUSTOMER.DISPUTE.CREATED", "dispute", dispute_json(one))
            return one

    def close_dispute(self, dispute_id: str, outcome: str) -> None:
        with self.act() as now:
            one = self.disputes[dispute_id]
            one.status, one.outcome, one.updated = "RESOLVED", outcome, now
            if outcome == "RESOLVED_BUYER_FAVOUR":
                self.reverse(one.capture, one.amount_lost or one.amount)
            self.tell("CUSTOMER.DISPUTE.RESOLVED", "dispute", dispute_json(one))

    def reverse(self, capture: Capture, amount: Decimal) -> str:
        """PayPal takes money back, for a dispute or for reasons of its own."""
        with self.act() as now:
            reversal = Refund(
                self.number("REV"), capture, amount, "COMPLETED", "", "", "", created=now
            )
            order = capture.order
            self.report(
                "T1106",
                reversal.id,
                order,
                -amount,
                Decimal(0),
                now,
                about=capture.id,
                custom="",
            )
            self._move("reversal", order, -amount, Decimal(0))
            self.tell("PAYMENT.CAPTURE.REVERSED", "refund", refund_json(reversal))
            return reversal.id

    # --- saved methods -----------------------------------------------------------------------

    def save_method(
        self, customer: str, kind: str, inside: Json, *, declines: bool = False
    ) -> SavedMethod:
        with self.act():
            method = SavedMethod(self.number("tok").lower(), customer, kind, inside, declines)
            self.methods[method.id] = method
            self.tell("VAULT.PAYMENT-TOKEN.CREATED", "payment_token", method_json(method))
            return method

    def remove_method(self, method_id: str) -> bool:
        with self.act():
            if self.methods.pop(method_id, None) is None:
                return False
            self.tell("VAULT.PAYMENT-TOKEN.DELETED", "payment_token", {"id": method_id})
            return True

    # --- what the books tell ---------------------------------------------------------------

    def tell(self, event_type: str, resource_type: str, resource: Json) -> Json:
        event = {
            "id": f"WH-{self.number('')}",
            "event_version": "1.0",
            "create_time": stamp(self.clock.now()),
            "resource_type": resource_type,
            "resource_version": "2.0",
            "event_type": event_type,
            "summary": event_type.replace(".", " ").lower(),
            "resource": resource,
        }
        self.events.append(event)
        return event

    def report(
        self,
        code: str,
        transaction_id: str,
        order: Order,
        amount: Decimal,
        fee: Decimal,
        at: datetime,
        *,
        about: str = "",
        custom: str | None = None,
    ) -> None:
        custom_id = order.unit.get("custom_id", "") if custom is None else custom
        info = {
            "paypal_account_id": "BUYERPAYERQ22",
            "transaction_id": transaction_id,
            "transaction_event_code": code,
            "transaction_initiation_date": stamp(at),
            "transaction_updated_date": stamp(at),
            "transaction_amount": money_json(amount, order.currency),
            "transaction_status": "S",
        }
        if fee:
            info["fee_amount"] = money_json(fee, order.currency)
        if about:
            info |= {"paypal_reference_id": about, "paypal_reference_id_type": "TXN"}
        if custom_id:
            info["custom_field"] = custom_id
        self.lines.append(Line(at, info))

    def _move(
        self, kind: str, order: Order, amount: Decimal, fee: Decimal, known_as: str = ""
    ) -> None:
        name = known_as or order.unit.get("custom_id") or order.id
        self.moves.append((kind, name.rpartition(",")[2], order.currency, amount, fee))

    def _money(self, data: Json) -> tuple[Decimal, str]:
        currency, value = data["currency_code"], Decimal(data["value"])
        if currency not in CURRENCIES:
            raise Refusal(422, "UNPROCESSABLE_ENTITY", "INVALID_CURRENCY_CODE")
        if value <= 0:
            raise Refusal(422, "UNPROCESSABLE_ENTITY", "CANNOT_BE_ZERO_OR_NEGATIVE")
        if value != value.quantize(unit(currency)):
            raise Refusal(422, "UNPROCESSABLE_ENTITY", "DECIMAL_PRECISION")
        return value, currency


def fee_of(amount: Decimal, currency: str) -> Decimal:
    """3.49 % and a fixed part, never more than the whole."""
    fixed = Decimal(40) if currency in WHOLE else Decimal("0.49")
    share = (amount * Decimal("0.0349") + fixed).quantize(unit(currency), ROUND_HALF_UP)
    return min(amount, share)
