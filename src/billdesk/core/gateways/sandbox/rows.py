"""What stands in the sandbox's books, row by row."""

from __future__ import annotations

from typing import Any, NamedTuple

from billdesk.core.rules.gateway import Stage

OWN = 8  # so many fields of an event are its own


class PaymentRow(NamedTuple):
    """A payment as it was asked for. `method_id`: what it is charged from, off session."""

    external_id: str
    payment_id: str
    account_ref: str
    description: str
    amount_minor: int
    asset: str
    customer_id: str | None
    method_id: str | None
    saves_method: int


class PaybackRow(NamedTuple):
    """Money of a payment that goes back (`refund`) or is claimed back (`dispute`)."""

    external_id: str
    kind: str
    refund_id: str | None
    payment_external_id: str
    amount_minor: int
    note: str


class MethodRow(NamedTuple):
    """A way to pay that a customer saves. `declines`: charges of it are always declined."""

    method_id: str
    customer_id: str
    label: str
    expires: str
    declines: int


class PlanRow(NamedTuple):
    """What will become of an object at `due_at`, unless somebody is faster."""

    object_id: str
    stage: Stage
    detail: str
    due_at: int


class EventRow(NamedTuple):
    """One line of the feed, with the payment, the money back and the method it is about.

    `body`: of a subscription or invoice, as it was then.
    """

    number: int
    object_id: str
    stage: Stage
    fee_minor: int | None
    detail: str
    created_at: int
    occurrence: str
    body: str | None
    payment: PaymentRow | None
    payback: PaybackRow | None
    method: MethodRow | None


def event_row(row: tuple[Any, ...]) -> EventRow:
    """An event as it was read: its own fields, then those of what it is about, where there is any."""
    own, rest = row[:OWN], row[OWN:]
    payment, rest = rest[: len(PaymentRow._fields)], rest[len(PaymentRow._fields) :]
    payback, method = rest[: len(PaybackRow._fields)], rest[len(PaybackRow._fields) :]
    about = (
        None if payment[0] is None else PaymentRow(*payment),
        None if payback[0] is None else PaybackRow(*payback),
        None if method[0] is None else MethodRow(*method),
    )
    return EventRow._make((*own, *about))
