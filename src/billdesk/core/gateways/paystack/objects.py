"""Asking Paystack for its objects, one by one or as they belong together."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from billdesk.core.gateways.paystack.calls import Calls, Refusal, Row
from billdesk.core.gateways.paystack.parts import MADE, instant, number, row_of
from billdesk.core.gateways.paystack.passes import REFUNDS, read_all
from billdesk.core.gateways.paystack.references import payment_of


def one(calls: Calls, path: str, own_name: str) -> Row | None:
    """One object by what Paystack calls it, None if there is none."""
    try:
        return row_of(calls.get(f"{path}/{quote(own_name, safe='')}").data)
    except Refusal as refusal:
        if refusal.is_not_found:
            return None
        raise


def transaction(calls: Calls, reference: str) -> Row | None:
    """A payment by its reference, None if there is none."""
    return one(calls, "/transaction/verify", reference)


def customer(calls: Calls, customer_id: str) -> Row | None:
    """A customer with what is saved, None if there is none."""
    return one(calls, "/customer", customer_id)


def refunds_of(calls: Calls, payment: Row) -> Iterator[Row]:
    """Refunds can be listed by their time alone, and none is older than its payment."""
    charge_id = number(payment, "id")
    for row in read_all(calls, REFUNDS, instant(payment, *MADE)):
        if number(payment_of(row), "id") == charge_id:
            yield row
