"""A gateway that says what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from billdesk.core.gateways.sandbox import Sandbox
from billdesk.core.rules.gateway import (
    Fact,
    FactPage,
    GatewayCheck,
    GatewayRow,
    HostedPage,
    Make,
    Method,
    Mode,
    OffSessionRequest,
    PaymentQuery,
    PaymentRequest,
    RefundQuery,
    RefundRequest,
    Stage,
)
from billdesk.core.rules.mirrors import InvoiceRequest
from billdesk.core.values.errors import BadInput, GatewayError, NotOffered
from billdesk.core.values.money import Money

AT = datetime.fromisoformat("2026-01-05T09:00:00+00:00")
EMPTY = FactPage((), "", complete=True)

Said = TypeVar("Said")


class ScriptedGateway:
    """Opens payments as the sandbox does; all else comes from the lists that a test fills."""

    make: Make = "stripe"
    account = "shop"
    mode: Mode = "test"

    def __init__(self, sandbox: Sandbox, name: str = "scripted") -> None:
        self.name = name
        self.sandbox = sandbox
        self.pages: list[FactPage | GatewayError] = []
        self.sweeps: list[FactPage | GatewayError] = []
        self.found: list[tuple[Fact, ...] | GatewayError] = []
        self.opening: GatewayError | None = None
        self.comparing: GatewayError | None = None
        self.refunding: Callable[[RefundRequest], Fact] | GatewayError | None = None
        self.found_refunds: list[tuple[Fact, ...] | GatewayError] = []
        self.asked: list[tuple[str, object]] = []

    def check(self) -> GatewayCheck:
        return GatewayCheck(self.account, self.mode)

    def open_payment(self, request: PaymentRequest) -> Fact:
        self.asked.append(("open", request))
        if self.opening is not None:
            raise self.opening
        return replace(self.sandbox.open_payment(request), gateway=self.name, account=self.account)

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        self.asked.append(("find", query))
        return _next(self.found, ())

    def charge(self, request: OffSessionRequest) -> Fact:
        self.asked.append(("charge", request))
        return self.fact("settled", f"ch_{request.payment_id}", request.amount)

    def refund(self, request: RefundRequest) -> Fact:
        self.asked.append(("refund", request))
        if isinstance(self.refunding, GatewayError):
            raise self.refunding
        if self.refunding is not None:
            return self.refunding(request)
        return self.fact("refund_pending", f"re_{request.refund_id}", request.amount)

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        self.asked.append(("find_refund", query))
        return _next(self.found_refunds, ())

    def facts(self, cursor: str | None) -> FactPage:
        self.asked.append(("facts", cursor))
        return _next(self.pages, replace(EMPTY, cursor=cursor or "0"))

    def sweep(self, since: datetime, cursor: str | None) -> FactPage:
        self.asked.append(("sweep", (since, cursor)))
        return _next(self.sweeps, EMPTY)

    def read_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> FactPage:
        if headers.get("signature") != "right":
            raise BadInput("the signature is wrong", "bring the message as it came")
        return _next(self.pages, EMPTY)

    def ensure_customer(self, account_ref: str, name: str, email: str | None) -> str:
        return self.sandbox.ensure_customer(account_ref, name, email)

    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        raise NotOffered("there is no such page", "use another gateway")

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        return ()

    def remove_method(self, method: Method) -> None:
        """Nothing is saved here."""

    def rows(self, since: datetime, until: datetime) -> Iterator[GatewayRow]:
        if self.comparing is not None:
            raise self.comparing
        return iter(())

    def subscription(self, external_id: str) -> Fact:
        raise NotOffered("there are no subscriptions", "use another gateway")

    def invoice(self, external_id: str) -> Fact:
        raise NotOffered("there are no invoices", "use another gateway")

    def send_invoice(self, request: InvoiceRequest) -> Fact:
        raise NotOffered("it sends no invoices", "use another gateway")

    def fact(
        self,
        stage: Stage,
        object_id: str,
        amount: Money | None = None,
        *,
        occurrence: str = "1",
        happened_at: datetime = AT,
        fee: Money | None = None,
        payment_id: str | None = None,
        refund_id: str | None = None,
        payment_external_id: str | None = None,
        charge_id: str | None = None,
        method: Method | None = None,
    ) -> Fact:
        """One of its facts."""
        return Fact(
            gateway=self.name, account=self.account, mode=self.mode, object_id=object_id,
            stage=stage, occurrence=occurrence, amount=amount, fee=fee, happened_at=happened_at,
            detail=stage, raw="{}", payment_id=payment_id, refund_id=refund_id,
            payment_external_id=payment_external_id, charge_id=charge_id, method=method,
        )  # fmt: skip


def _next(script: list[Said | GatewayError], otherwise: Said) -> Said:
    said = script.pop(0) if script else otherwise
    if isinstance(said, GatewayError):
        raise said
    return said
