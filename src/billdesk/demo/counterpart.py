"""The gateway of the demo: the desk's own sandbox, and what people do there.

Banks take their days here: a refund arrives the next day, a dispute is decided after a week.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from billdesk.core.desk import default_paths
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, PaymentQuery, PaymentRequest
from billdesk.core.rules.sheets import LedgerSheet, PaymentSheet
from billdesk.core.values.clock import EPOCH, Clock, SystemClock
from billdesk.core.values.money import Money

__all__ = ["SANDBOX", "Counterpart", "Fact"]

SANDBOX = "sandbox"
"""What it is connected as; real gateways that somebody connected to a demo are left alone."""

USUAL = SandboxSwitches(
    refund_takes=timedelta(hours=20),
    disputed_after=timedelta(days=3),
    dispute_takes=timedelta(days=9),
)


class Counterpart:
    """The sandbox beside the ledger that `info` tells of, and the people who use its pages.

    What they do is in its books for good; done again, as when the story was cut short, it is the same.
    """

    def __init__(self, info: LedgerSheet, clock: Clock) -> None:
        if info.kind == "sqlite":
            path = Path(f"{info.where}.sandbox")
        else:
            path = default_paths().data / f"{info.ledger_id}.sandbox"
        self.gateway = Sandbox(path, name=SANDBOX, clock=clock, switches=USUAL)

    def set_down(self, *, down: bool) -> None:
        """Whether anything answers."""
        self.gateway.switches = replace(USUAL, down=down)

    def pay(self, payment: PaymentSheet) -> Fact:
        """The customer pays now."""
        return self.gateway.pay(payment.external_id or "")

    def pay_by_other_means(self, payment_id: str, amount: Money, ref: str) -> Fact:
        """Somebody asks for money without the desk, and it is paid."""
        request = PaymentRequest(payment_id, amount, ref, "asked for without the desk")
        return self.gateway.pay(self.gateway.open_payment(request).object_id)

    def refund(self, payment: PaymentSheet, amount: Money) -> Fact:
        """Somebody sends a part of a payment back on the gateway's own pages, once."""
        query = PaymentQuery(payment.id, payment.external_id, payment.charge_id, payment.created_at)
        for fact in self.gateway.find(query):
            if fact.stage == "refund_pending":
                return fact
        return self.gateway.refund_outside(payment.external_id or "", amount.minor)

    def save_declining_method(self, customer_id: str) -> None:
        """The customer saves a second method, whose bank refuses every charge; once."""
        if len(self.gateway.methods(customer_id)) == 1:
            self.gateway.save_method(customer_id, declines=True)

    def kept_minor(self, external_ids: Collection[str]) -> dict[str, int]:
        """What these payments brought after fees, per asset, in minor units."""
        sums: dict[str, int] = {}
        for row in self.gateway.rows(EPOCH, SystemClock().now() + timedelta(days=1)):
            if row.external_id in external_ids:
                kept_minor = row.amount_minor - row.fee_minor
                sums[row.asset] = sums.get(row.asset, 0) + kept_minor
        return sums
