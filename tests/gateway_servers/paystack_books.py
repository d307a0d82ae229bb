"""Paystack's own books: what it does with requests, and what people do on its pages.

Answers have the shapes of Paystack's documentation. Time is the clock's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from billdesk.core.values.clock import Clock, parse_instant

Row = dict[str, Any]

INTEGRATION = 463433
REFUND_TAKES = timedelta(seconds=30)


class Refused(Exception):
    """An answer that says no."""

    def __init__(self, status: int, message: str, code: str, next_step: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.answer = {
            "status": False,
            "message": message,
            "meta": {"nextStep": next_step or "Check the request"},
            "type": "validation_error",
            "code": code,
        }


class Books:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = 4_000_000_000
        self.transactions: dict[str, Row] = {}
        self.refunds: dict[int, Row] = {}
        self.disputes: dict[int, Row] = {}
        self.customers: dict[str, Row] = {}
        self.authorizations: dict[str, Row] = {}
        self.subscriptions: dict[str, Row] = {}
        self.declining: set[str] = set()
        self.confirming: set[str] = set()
        self.hidden: set[int] = set()
        self.refund_takes: timedelta | None = REFUND_TAKES

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def now(self) -> str:
        return self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    # --- transactions ------------------------------------------------------------------------

    def initialize(self, body: Row) -> Row:
        row = self._begin(body, body["email"], body.get("metadata"))
        code = f"access{row['id']}"
        return {
            "authorization_url": f"https://checkout.paystack.test/{code}",
            "access_code": code,
            "reference": row["reference"],
        }

    def _begin(self, body: Row, email: str, metadata: object) -> Row:
        reference = body.get("reference") or f"ref{self.number()}"
        if reference in self.transactions:
            raise Refused(
                400, "Duplicate Transaction Reference", "duplicate_reference",
                "Try another reference",
            )  # fmt: skip
        now = self.now()
        row: Row = {
            "id": self.number(),
            "domain": "test",
            "status": "abandoned",
            "reference": reference,
            "receipt_number": None,
            "amount": body["amount"],
            "message": None,
            "gateway_response": "The transaction was not completed",
            "paid_at": None,
            "created_at": now,
            "channel": "card",
            "currency": body.get("currency", "NGN"),
            "ip_address": None,
            "metadata": metadata or "",
            "log": None,
            "fees": None,
            "fees_split": None,
            "customer": _short(self.customer_of(email)),
            "authorization": {},
            "plan": None,
            "split": {},
            "subaccount": {},
            "order_id": None,
            "paidAt": None,
            "createdAt": now,
            "requested_amount": body["amount"],
            "source": None,
            "connect": None,
            "pos_transaction_data": None,
        }
        self.transactions[reference] = row
        return row

    def verify(self, reference: str) -> Row:
        row = self.transactions.get(reference)
        if row is None:
            raise Refused(
                400, "Transaction reference not found.", "transaction_not_found",
                "Ensure that you're passing in the reference of a transaction that exists",
            )  # fmt: skip
        return {**row, "plan_object": {}, "transaction_date": row.get("created_at")}

    def settle(self, row: Row, authorization: Row | None = None) -> None:
        """The money is there."""
        if row["status"] in {"success", "reversed"}:
            return
        now = self.now()
        customer_code = row["customer"]["customer_code"]
        row.update(
            status="success",
            gateway_response="Successful",
            paid_at=now,
            paidAt=now,
            fees=row["amount"] * 15 // 1000,
            authorization=authorization or self.authorize(customer_code),
        )

    def fail(self, row: Row, why: str = "Declined") -> None:
        row.update(status="failed", gateway_response=why)

    def charge_authorization(self, body: Row) -> Row:
        authorization = self.authorizations.get(body["authorization_code"])
        if authorization is None or not authorization["reusable"]:
            raise Refused(400, "Authorization code not found", "invalid_authorization")
        owner = self._customer_with(body["authorization_code"])
        if owner["email"] != body["email"]:
            raise Refused(
                400, "Email does not match Authorization code. Please confirm", "invalid_params"
            )
        row = self._begin(body, body["email"], json.loads(body.get("metadata", "{}")))
        code = authorization["authorization_code"]
        if code in self.confirming:
            return {
                "authorization_url": f"https://checkout.paystack.test/confirm{row['id']}",
                "access_code": f"confirm{row['id']}",
                "reference": row["reference"],
                "paused": True,
            }
        if code in self.declining:
            self.fail(row, "Insufficient Funds")
            row["authorization"] = authorization
        else:
            self.settle(row, authorization)
        names = (
            "amount currency status reference domain gateway_response message channel ip_address"
        )
        reply = {name: row[name] for name in (*names.split(), *"log fees plan id".split())}
        return {
            **reply,
            "transaction_date": row["paid_at"] or row["created_at"],
            "metadata": json.dumps(row["metadata"]),
            "authorization": row["authorization"],
            "customer": row["customer"],
        }

    def transaction_numbered(self, charge_id: str | int) -> Row:
        return next(row for row in self.transactions.values() if str(row["id"]) == str(charge_id))

    # --- refunds -----------------------------------------------------------------------------

    def create_refund(self, body: Row) -> Row:
        named = str(body["transaction"])
        rows = self.transactions.values()
        found = [row for row in rows if named in {row["reference"], str(row["id"])}]
        if not found or found[0]["status"] not in {"success", "reversed"}:
            raise Refused(404, "Transaction not found", "not_found")
        [payment] = found
        amount = int(body.get("amount") or payment["amount"])
        given = sum(
            row["amount"]
            for row in self.refunds.values()
            if row["transaction"] == payment["id"] and row["status"] != "failed"
        )
        if given == payment["amount"]:
            raise Refused(400, "Transaction has been fully reversed", "transaction_reversed")
        if given + amount > payment["amount"]:
            raise Refused(
                400, "Refund amount cannot be more than the transaction amount", "invalid_amount"
            )
        row = self.add_refund(payment, amount, body.get("merchant_note"))
        if given + amount == payment["amount"]:
            payment["status"] = "reversed"
        return {
            "transaction": {
                "id": payment["id"],
                "domain": "test",
                "reference": payment["reference"],
                "amount": payment["amount"],
                "paid_at": payment["paid_at"],
                "channel": "card",
                "currency": payment["currency"],
                "authorization": {"exp_month": None, "exp_year": None, "account_name": None},
                "customer": {"international_format_phone": None},
                "plan": {},
                "subaccount": {"currency": None},
                "split": {},
                "order_id": None,
                "paidAt": payment["paid_at"],
                "pos_transaction_data": None,
                "source": None,
                "fees_breakdown": None,
            },
            "integration": INTEGRATION,
            "deducted_amount": 0,
            "channel": None,
            "merchant_note": row["merchant_note"],
            "customer_note": row["customer_note"],
            "status": "pending",
            "refunded_by": row["refunded_by"],
            "expected_at": row["createdAt"],
            "currency": row["currency"],
            "domain": "test",
            "amount": amount,
            "fully_deducted": False,
            "id": row["id"],
            "createdAt": row["createdAt"],
            "updatedAt": row["createdAt"],
        }

    def add_refund(
        self, payment: Row, amount: int, note: str | None, dispute: int | None = None
    ) -> Row:
        row: Row = {
            "integration": INTEGRATION,
            "transaction": payment["id"],
            "dispute": dispute,
            "settlement": None,
            "id": self.number(),
            "domain": "test",
            "currency": payment["currency"],
            "amount": amount,
            "status": "pending",
            "refunded_at": None,
            "refunded_by": "owner@desk.test",
            "customer_note": "Refund for transaction",
            "merchant_note": note or "Refund by owner@desk.test",
            "deducted_amount": 0,
            "fully_deducted": 0,
            "createdAt": self.now(),
            "bank_reference": None,
            "transaction_reference": payment["reference"],
            "reason": "PARTIAL-REFUND",
            "customer": payment["customer"],
            "refund_type": "partial",
            "transaction_amount": payment["amount"],
            "initiated_by": "owner@desk.test",
            "refund_channel": "card",
            "session_id": None,
            "collect_account_number": False,
        }
        self.refunds[row["id"]] = row
        return row

    def arrive(self) -> None:
        """Refunds that have taken their time arrive."""
        if self.refund_takes is None:
            return
        for row in self.refunds.values():
            due = parse_instant(row["createdAt"]) + self.refund_takes
            if row["status"] == "pending" and due <= self._clock.now():
                row.update(status="processed", refunded_at=_written(due))

    def refund(self, number: int) -> Row:
        if number not in self.refunds:
            raise Refused(404, "Refund not found", "not_found")
        return self.refunds[number]

    # --- disputes ----------------------------------------------------------------------------

    def open_dispute(self, charge_id: str, minor: int | None) -> Row:
        payment = self.transaction_numbered(charge_id)
        now = self.now()
        row: Row = {
            "id": self.number(),
            "refund_amount": minor,
            "currency": payment["currency"] if minor is not None else None,
            "status": "awaiting-merchant-feedback",
            "resolution": None,
            "domain": "test",
            "transaction": payment,
            "transaction_reference": None,
            "category": "chargeback",
            "customer": payment["customer"],
            "bin": "408408",
            "last4": "4081",
            "dueAt": None,
            "resolvedAt": None,
            "evidence": None,
            "attachments": None,
            "note": None,
            "history": [{"status": "pending", "by": "payer@bank.test", "createdAt": now}],
            "messages": [],
            "createdAt": now,
            "updatedAt": now,
        }
        self.disputes[row["id"]] = row
        return row

    def close_dispute(self, number: int, resolution: str) -> None:
        row, now = self.disputes[number], self.now()
        row.update(status="resolved", resolution=resolution, resolvedAt=now, updatedAt=now)
        if resolution != "declined":
            payment = row["transaction"]
            lost = row["refund_amount"] or payment["amount"]
            self.add_refund(payment, lost, "Chargeback accepted", dispute=number)

    # --- customers ---------------------------------------------------------------------------

    def customer_of(self, email: str, name: str | None = None) -> Row:
        for row in self.customers.values():
            if row["email"] == email:
                return row
        now = self.now()
        row = {
            "transactions": [],
            "subscriptions": [],
            "authorizations": [],
            "first_name": name,
            "last_name": None,
            "email": email,
            "phone": None,
            "metadata": None,
            "domain": "test",
            "customer_code": f"CUS_{self.number()}",
            "risk_action": "default",
            "id": self.number(),
            "integration": INTEGRATION,
            "createdAt": now,
            "updatedAt": now,
            "identified": False,
            "identifications": None,
        }
        self.customers[str(row["customer_code"])] = row
        return row

    def customer(self, named: str) -> Row:
        for row in self.customers.values():
            if named in {row["customer_code"], row["email"]}:
                return row
        raise Refused(404, "Customer not found", "customer_not_found")

    def authorize(self, customer_code: str, *, reusable: bool = True) -> Row:
        row: Row = {
            "authorization_code": f"AUTH_{self.number()}",
            "bin": "408408",
            "last4": "4081",
            "exp_month": "12",
            "exp_year": "2030",
            "channel": "card",
            "card_type": "visa ",
            "bank": "TEST BANK",
            "country_code": "NG",
            "brand": "visa",
            "reusable": reusable,
            "signature": "SIG_yEXu7dLBeqG0kU7g95Ke",
            "account_name": None,
        }
        self.authorizations[row["authorization_code"]] = row
        self.customers[customer_code]["authorizations"].append(row)
        return row

    def deactivate(self, code: str) -> None:
        if code not in self.authorizations:
            raise Refused(400, "Authorization code not found", "invalid_authorization")
        self._customer_with(code)["authorizations"].remove(self.authorizations.pop(code))

    def _customer_with(self, code: str) -> Row:
        return next(
            row
            for row in self.customers.values()
            if any(each["authorization_code"] == code for each in row["authorizations"])
        )

    def subscription(self, code: str) -> Row:
        if code not in self.subscriptions:
            raise Refused(404, "Subscription not found", "not_found")
        return self.subscriptions[code]

    # --- lists -------------------------------------------------------------------------------

    def page(
        self, rows: Mapping[Any, Row], query: Mapping[str, str], keep: Callable[[Row], bool]
    ) -> Row:
        """One page of what was made in a span, newest first."""
        size = min(int(query.get("perPage") or query.get("per_page") or 50), 100)
        number = int(query.get("page", 1))
        fitting = [
            row
            for row in rows.values()
            if row["id"] not in self.hidden and keep(row) and _made_in(row, query)
        ]
        fitting.sort(key=lambda row: (row["createdAt"], row["id"]), reverse=True)
        return {
            "status": True,
            "message": "Retrieved",
            "data": fitting[(number - 1) * size : number * size],
            "meta": {
                "total": len(fitting),
                "skipped": (number - 1) * size,
                "perPage": size,
                "page": number,
                "pageCount": -(-len(fitting) // size),
            },
        }


def _made_in(row: Row, query: Mapping[str, str]) -> bool:
    made = parse_instant(row["createdAt"])
    since, until = query.get("from"), query.get("to")
    return (since is None or made >= parse_instant(since)) and (
        until is None or made <= parse_instant(until)
    )


def _short(customer: Row) -> Row:
    names = "id first_name last_name email customer_code phone metadata risk_action"
    return {name: customer[name] for name in names.split()}


def _written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")
