"""Having Stripe send an invoice of ours: its lines, as they are, and not a minor unit more or less.

Each step carries an idempotency key that follows from our invoice's id, and before anything is made it
is looked for by the notes that the desk leaves, since Stripe forgets keys after a day. Taxes are worked
out here already: an exclusive tax goes as a line of its own.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from billdesk.core.gateways.stripe.amounts import money_of, stripe_amount
from billdesk.core.gateways.stripe.client import JSON, Answer, StripeCaller
from billdesk.core.gateways.stripe.objects import everything, fetched, made
from billdesk.core.gateways.stripe.requests import NAME_LENGTH, NOTE_LENGTH
from billdesk.core.gateways.stripe.shapes import (
    ACCOUNT_KEY,
    INVOICE_KEY,
    LINE_KEY,
    notes_of,
    seconds_of,
)
from billdesk.core.rules.mirrors import GatewayLine, InvoiceRequest
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money

if TYPE_CHECKING:
    from stripe._v1_services import V1Services


def sent_invoice(stripe: StripeCaller, request: InvoiceRequest) -> Answer:
    """The invoice as Stripe has it, finalized and whole. Raises GatewayError and its kinds.

    Where Stripe would come to another total than ours, its draft is left as it is and sent to nobody.
    """
    draft = (
        _known(stripe, request)
        or made(
            stripe,
            request.invoice_id,
            lambda api, key: api.invoices.create(_invoice_params(request), key),
        ).data
    )
    if draft["status"] == "draft":
        _add_lines(stripe, request, draft["id"])
        _check_total(request, _whole(stripe, draft["id"]).data)
        made(
            stripe,
            f"{request.invoice_id}:finalize",
            lambda api, key: api.invoices.finalize_invoice(
                draft["id"], {"auto_advance": False}, key
            ),
        )
    whole = _whole(stripe, draft["id"])
    _check_total(request, whole.data)
    return whole


def _known(stripe: StripeCaller, request: InvoiceRequest) -> JSON | None:
    """The invoice at Stripe that was made for ours, if one was."""
    for invoice in everything(stripe, "invoice", customer=request.customer_id):
        if notes_of(invoice).get(INVOICE_KEY) == request.invoice_id and invoice["status"] != "void":
            return invoice
    return None


def _add_lines(stripe: StripeCaller, request: InvoiceRequest, external_id: str) -> None:
    there = {
        notes_of(item).get(LINE_KEY)
        for item in everything(stripe, "invoiceitem", invoice=external_id)
    }
    # The newest stands first on paper.
    for place, line in reversed(list(enumerate(request.lines, 1))):
        if str(place) not in there:
            params = _line_params(request, line, place, external_id)
            made(
                stripe,
                f"{request.invoice_id}:line:{place}",
                partial(_new_item, params),
            )


def _new_item(params: Any, api: V1Services, key: Any) -> Any:
    return api.invoice_items.create(params, key)


def _whole(stripe: StripeCaller, external_id: str) -> Answer:
    answer = fetched(stripe, "invoice", external_id)
    if answer is None:
        raise GatewayError(f"{external_id} is gone at Stripe", "send the invoice again")
    return answer


def _check_total(request: InvoiceRequest, invoice: JSON) -> None:
    theirs, ours = money_of(invoice["total"], invoice["currency"]), _total(request)
    if theirs != ours:
        raise GatewayError(
            f"Stripe comes to {theirs} where {request.number} is {ours}",
            f"see {invoice['id']} there: a coupon or automatic tax of the customer changes it",
        )


def _total(request: InvoiceRequest) -> Money:
    return Money(request.total_minor, request.asset)


def _invoice_params(request: InvoiceRequest) -> Any:
    """An empty draft, which Stripe neither fills nor finalizes by itself. Raises GatewayError."""
    stripe_amount(_total(request))  # nothing is begun with a total that Stripe does not take
    params: dict[str, Any] = {
        "customer": request.customer_id,
        "currency": request.asset.lower(),
        "number": request.number,
        "collection_method": "send_invoice",
        "auto_advance": False,
        "automatic_tax": {"enabled": False},
        "discounts": "",
        "pending_invoice_items_behavior": "exclude",
        "metadata": {INVOICE_KEY: request.invoice_id, ACCOUNT_KEY: request.account_ref},
    }
    if request.due_at is None:
        params["days_until_due"] = 0
    else:
        params["due_date"] = seconds_of(request.due_at)
    return {**params, "description": request.memo[:NOTE_LENGTH]} if request.memo else params


def _line_params(request: InvoiceRequest, line: GatewayLine, place: int, external_id: str) -> Any:
    params: dict[str, Any] = {
        "customer": request.customer_id,
        "invoice": external_id,
        "currency": request.asset.lower(),
        "amount": _signed(Money(line.amount_minor, request.asset)),
        "description": line.text[:NAME_LENGTH],
        "discountable": False,
        "metadata": {INVOICE_KEY: request.invoice_id, LINE_KEY: str(place)},
    }
    if line.since is not None and line.until is not None:
        params["period"] = {"start": seconds_of(line.since), "end": seconds_of(line.until)}
    return params


def _signed(money: Money) -> int:
    """A line's amount, which may be below zero or nothing at all."""
    if money.minor == 0:
        return 0
    return stripe_amount(money) if money.minor > 0 else -stripe_amount(money.negated())
