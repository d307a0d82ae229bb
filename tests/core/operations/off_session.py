"""A desk whose customers have saved what they pay with, and a gateway at which a process may be killed."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from billdesk.core.desk import Desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, Method, OffSessionRequest, PaymentRequest
from billdesk.core.rules.sheets import MethodSheet, PaymentSheet
from billdesk.core.values.clock import MovingClock

MINUTE = timedelta(minutes=1)
BY_HAND = SandboxSwitches(settles_after=None)


class Killed(BaseException):
    """The process is gone: nothing of ours may catch this."""


class Fragile(Sandbox):
    """A sandbox at whose door the process is killed, before or after it did what it was asked for."""

    kill: Literal["", "before", "after"] = ""

    def charge(self, request: OffSessionRequest) -> Fact:
        self._die("before")
        fact = super().charge(request)
        self._die("after")
        return fact

    def open_payment(self, request: PaymentRequest) -> Fact:
        self._die("before")
        fact = super().open_payment(request)
        self._die("after")
        return fact

    def ensure_customer(self, account_ref: str, name: str, email: str | None) -> str:
        self._die("before")
        customer_id = super().ensure_customer(account_ref, name, email)
        self._die("after")
        return customer_id

    def remove_method(self, method: Method) -> None:
        self._die("before")
        super().remove_method(method)
        self._die("after")

    def _die(self, when: str) -> None:
        if self.kill == when:
            self.kill = ""
            raise Killed


class Shop:
    """A desk with one account, `acme`, at a fragile gateway."""

    def __init__(self, desk: Desk, gateway: Fragile, clock: MovingClock) -> None:
        self.desk, self.gateway, self.clock = desk, gateway, clock

    def save(self, *, declines: bool = False, account: str = "acme") -> MethodSheet:
        """Have the account save a method; the desk knows it afterwards."""
        sheet = self.desk.accounts.get(account)
        customer_id = self.gateway.ensure_customer(sheet.ref, sheet.name, sheet.email)
        self.desk.methods.page(account)
        fact = self.gateway.save_method(customer_id, declines=declines)
        self.clock.advance(timedelta(seconds=1))
        return next(
            method
            for method in self.desk.methods.refresh(account)
            if method.external_id == fact.object_id
        )

    def save_both(self, *, default_declines: bool = False) -> tuple[MethodSheet, MethodSheet]:
        """A default and a backup."""
        default, backup = self.save(declines=default_declines), self.save()
        return default, self.desk.methods.set_role(backup.id, "backup")

    def tick(self, by: timedelta = MINUTE) -> int:
        """Let time go by, then do what is due; how many top-ups were started."""
        self.clock.advance(by)
        return self.desk.tick().topups

    def cents(self) -> int:
        return self.desk.wallets.balance("acme").balance.minor

    def spend(self, minor: int) -> None:
        """Use money until the wallet has `minor` left."""
        excess = self.cents() - minor
        if excess > 0:
            amount = f"{excess // 100}.{excess % 100:02}"
            reference = f"use:{self.clock.now().isoformat()}:{minor}"
            self.desk.charges.create("acme", amount, reference=reference)

    def payments(self, purpose: str | None = None) -> list[PaymentSheet]:
        """Payments of the account, the oldest first."""
        rows = self.desk.payments.list(account="acme").rows
        return [row for row in reversed(rows) if purpose in (None, row.purpose)]

    def taken(self) -> int:
        """What the gateway itself says it took, in cents."""
        return self.gateway.totals().get("USD", (0, 0, 0))[0]

    def audited(self, action: str) -> list[str]:
        rows = self.desk.audit.list(account="acme", limit=500).rows
        return [row.summary for row in rows if row.action == action]
