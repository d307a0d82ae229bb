"""A running Paystack for the contract suite, with the hands of those who act on its pages."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from billdesk.core.gateways.paystack import Paystack
from billdesk.core.gateways.paystack.references import refund_id_of
from billdesk.core.rules.gateway import Fact
from billdesk.core.values.clock import Clock
from tests.gateway_servers.paystack_books import INTEGRATION, Row
from tests.gateway_servers.paystack_server import SECRET_KEY, PaystackServer


class PaystackScene:
    make = "paystack"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.server = PaystackServer(clock)
        self.books = self.server.books

    def gateway(self, *, timeout_seconds: float = 2, **more: Any) -> Paystack:
        given: dict[str, Any] = {
            "account": str(INTEGRATION),
            "clock": self._clock,
            "base_url": self.server.url,
            "timeout_seconds": timeout_seconds,
            **more,
        }
        return Paystack(given.pop("name", "paystack"), given.pop("key", SECRET_KEY), **given)

    # --- what people do ----------------------------------------------------------------------

    def pay(self, fact: Fact) -> None:
        self.books.settle(self.books.transactions[fact.object_id])

    def decline(self, fact: Fact) -> None:
        self.books.fail(self.books.transactions[fact.object_id])

    def abandon(self, fact: Fact) -> None:
        """Nothing is to be done: a payment is abandoned until it is paid."""

    def refund_outside(self, charge_id: str, minor: int) -> None:
        self.books.create_refund({"transaction": charge_id, "amount": minor})

    def dispute(self, charge_id: str, minor: int) -> str:
        return str(self.books.open_dispute(charge_id, minor)["id"])

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        self.books.close_dispute(int(dispute_id), "declined" if won else "merchant-accepted")

    def save_method(self, customer_id: str, *, declines: bool = False) -> str:
        code: str = self.books.authorize(customer_id)["authorization_code"]
        if declines:
            self.books.declining.add(code)
        return code

    # --- faults ------------------------------------------------------------------------------

    def lose_next_reply(self, *, before_effect: bool = False) -> None:
        """The next POST: what only reads has no effect that a lost reply could hide."""
        self.server.lose = "before" if before_effect else "after"

    def answer_next(
        self, status: int, headers: Mapping[str, str] = {}, body: bytes = b"{}"
    ) -> None:
        self.server.canned = (status, headers, body)

    # --- books -------------------------------------------------------------------------------

    def totals(self) -> dict[str, tuple[int, int, int]]:
        totals: dict[str, tuple[int, int, int]] = {}
        for kind, _, currency, minor, fee in self._movements():
            paid, fees, back = totals.get(currency, (0, 0, 0))
            if kind == "payment":
                totals[currency] = (paid + minor, fees + fee, back)
            else:
                totals[currency] = (paid, fees, back + minor)
        return totals

    def effects(self) -> list[tuple[str, str, int]]:
        return [(kind, known_by, minor) for kind, known_by, _, minor, _ in self._movements()]

    def _movements(self) -> list[tuple[str, str, str, int, int]]:
        moved: list[tuple[str, str, str, int, int]] = []
        for row in self.books.transactions.values():
            if row["status"] in {"success", "reversed"}:
                known_by = str((row["metadata"] or {}).get("payment_id", row["reference"]))
                moved.append(("payment", known_by, row["currency"], row["amount"], row["fees"]))
        for row in self.books.refunds.values():
            if row["status"] != "failed":
                kind = "dispute" if row["dispute"] else "refund"
                known_by = refund_id_of(row) or str(row["id"])
                moved.append((kind, known_by, row["currency"], row["amount"], 0))
        return moved

    def requests(self) -> list[tuple[str, str]]:
        return list(self.server.requests)

    # --- messages ----------------------------------------------------------------------------

    def signed(self, fact_or_event_id: str) -> tuple[bytes, dict[str, str]]:
        if fact_or_event_id in self.books.transactions:
            row = self.books.transactions[fact_or_event_id]
            return self.message("charge.success", row)
        number = int(fact_or_event_id)
        if number in self.books.refunds:
            return self.refund_message(self.books.refunds[number])
        dispute = self.books.disputes[number]
        ended = dispute["status"] == "resolved"
        return self.message(f"charge.dispute.{'resolve' if ended else 'create'}", dispute)

    def refund_message(self, refund: Row) -> tuple[bytes, dict[str, str]]:
        """As documented: without a number of its own, a time or a note."""
        names = "status transaction_reference currency customer integration domain"
        data = {name: refund[name] for name in names.split()}
        data |= {"amount": str(refund["amount"]), "refund_reference": None, "processor": "mpgs_zen"}
        return self.message(f"refund.{refund['status']}", data)

    def message(self, event: str, data: Row | list[Row]) -> tuple[bytes, dict[str, str]]:
        body = json.dumps({"event": event, "data": data}).encode()
        return body, self.headers(body)

    def headers(self, body: bytes) -> dict[str, str]:
        signature = hmac.new(SECRET_KEY.encode(), body, hashlib.sha512).hexdigest()
        return {"Content-Type": "application/json", "x-paystack-signature": signature}

    def violations(self) -> list[str]:
        return list(self.server.violations)

    def close(self) -> None:
        self.server.stop()


def scene(clock: Clock) -> PaystackScene:
    """A Paystack without any customer yet."""
    return PaystackScene(clock)
