"""What gateways bill by themselves, as they show it: their subscriptions and invoices.

A fact carries one of these beside its stage; the desk mirrors it and never bills it. `to_plain` and
`from_plain` turn them into what JSON can hold and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from billdesk.core.values.clock import from_micros, to_micros


class GatewaySubscription(NamedTuple):
    """A subscription as its gateway keeps it.

    `status`: trialing, active, past_due, paused or canceled; empty while it has not begun. `plan_id` is
    the gateway's price or plan, `plan_code` a plan of ours if it is noted there. `price_minor` is for
    the whole quantity and period, where the gateway tells it. `customer_id` is the gateway's,
    `account_ref` ours, if we noted it there.
    """

    status: str
    plan_id: str
    plan_name: str
    plan_code: str | None
    schedule: str
    quantity: int
    asset: str
    price_minor: int | None
    since: datetime
    until: datetime
    customer_id: str | None = None
    account_ref: str | None = None
    started_at: datetime | None = None
    trial_until: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None


class GatewayLine(NamedTuple):
    """One line of a gateway's invoice. `net_minor` and `tax_minor` are what it comes to."""

    text: str
    quantity: str
    unit_price: str
    amount_minor: int
    net_minor: int
    tax_minor: int
    tax_rate: str = "0"
    tax_inclusive: bool = False
    since: datetime | None = None
    until: datetime | None = None


class GatewayPart(NamedTuple):
    """Money that an invoice was paid with, by the gateway's id of that payment and its charge."""

    external_id: str
    charge_id: str
    amount_minor: int
    fee_minor: int | None


class GatewayInvoice(NamedTuple):
    """An invoice as its gateway keeps it.

    `status`: draft, open, paid, void or uncollectible. `number` is theirs. `invoice_id` is ours, if the
    invoice was sent there by the desk. `parts` are the payments that brought its money; an invoice can
    be paid without any, by credit that the gateway keeps or by money it never saw.
    """

    status: str
    number: str | None
    asset: str
    subtotal_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    lines: tuple[GatewayLine, ...] = ()
    parts: tuple[GatewayPart, ...] = ()
    customer_id: str | None = None
    account_ref: str | None = None
    subscription_id: str | None = None
    invoice_id: str | None = None
    issued_at: datetime | None = None
    due_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    attempts: int = 0
    failure: str = ""
    page_url: str | None = None


class InvoiceRequest(NamedTuple):
    """An invoice of ours that a gateway shall send. `invoice_id` is the root of every idempotency key.

    `lines` sum to `total_minor`, tax included: an exclusive tax is a line of its own.
    """

    invoice_id: str
    number: str
    customer_id: str
    account_ref: str
    asset: str
    total_minor: int
    lines: tuple[GatewayLine, ...]
    memo: str
    due_at: datetime | None


Mirrored = GatewaySubscription | GatewayInvoice

_INSTANTS = {
    "since", "until", "started_at", "trial_until", "cancel_at", "ended_at", "issued_at", "due_at",
}  # fmt: skip


def to_plain(mirrored: Mirrored) -> dict[str, Any]:
    """What JSON can hold of it; instants are microseconds."""
    return {name: _plain(value) for name, value in mirrored._asdict().items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return to_micros(value)
    if isinstance(value, tuple):
        return [{name: _plain(part) for name, part in each._asdict().items()} for each in value]
    return value


def subscription_from_plain(plain: Mapping[str, Any]) -> GatewaySubscription:
    """What `to_plain` made of a subscription."""
    return GatewaySubscription(**_read(plain))


def invoice_from_plain(plain: Mapping[str, Any]) -> GatewayInvoice:
    """What `to_plain` made of an invoice."""
    fields = _read(plain)
    fields["lines"] = tuple(GatewayLine(**_read(line)) for line in plain["lines"])
    fields["parts"] = tuple(GatewayPart(**part) for part in plain["parts"])
    return GatewayInvoice(**fields)


def _read(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: from_micros(value) if name in _INSTANTS and value is not None else value
        for name, value in plain.items()
    }


_SCHEDULES = {("month", 1): "monthly", ("month", 3): "quarterly", ("month", 12): "annual",
              ("year", 1): "annual"}  # fmt: skip


def schedule_of(unit: str, count: int) -> str:
    """A gateway's rhythm in the catalog's words where it has one: `monthly`, else `every 2 weeks`."""
    known = _SCHEDULES.get((unit, count))
    return known or (f"every {unit}" if count == 1 else f"every {count} {unit}s")
