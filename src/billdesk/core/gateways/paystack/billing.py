"""What Paystack bills by itself: subscriptions to its plans, and what it charges for them.

Invoices come in messages alone, and nobody can ask for one. But each charge for a plan is a transaction
like any other, and says whose plan it was for: so polling tells of it as an invoice with a single line.
"""

from __future__ import annotations

from datetime import datetime

from billdesk.core.gateways.paystack.calls import Row
from billdesk.core.gateways.paystack.parts import instant_if_any, money, part
from billdesk.core.rules.mirrors import (
    GatewayInvoice,
    GatewayLine,
    GatewayPart,
    GatewaySubscription,
    schedule_of,
)
from billdesk.core.values.money import Money

_STATUSES = {
    "active": "active",
    "non-renewing": "active",
    "attention": "past_due",
    "cancelled": "canceled",
    "complete": "canceled",
    "completed": "canceled",
}
_RHYTHMS = {
    "hourly": ("hour", 1),
    "daily": ("day", 1),
    "weekly": ("week", 1),
    "monthly": ("month", 1),
    "quarterly": ("month", 3),
    "biannually": ("month", 6),
    "annually": ("year", 1),
}


def subscription_state(row: Row, *, ended: bool) -> GatewaySubscription | None:
    """A subscription; None where it shows no plan with a price, or not since when it runs."""
    plan = part(row, "plan")
    customer_id, account_ref = _payer(row)
    currency, since = plan.get("currency"), _began_at(row)
    if not isinstance(currency, str) or since is None or not plan.get("plan_code"):
        return None
    status = str(row.get("status") or "")
    next_at = instant_if_any(row, "next_payment_date")
    unit, count = _RHYTHMS.get(str(plan.get("interval")), ("month", 1))
    return GatewaySubscription(
        status="canceled" if ended else _STATUSES.get(status, "active"),
        plan_id=str(plan["plan_code"]),
        plan_name=str(plan.get("name") or plan["plan_code"]),
        plan_code=None,
        schedule=schedule_of(unit, count),
        quantity=1,
        asset=currency.upper(),
        price_minor=money(row, "amount", currency).minor,
        since=since,
        until=next_at or since,
        started_at=since,
        cancel_at=next_at if status == "non-renewing" else None,
        customer_id=customer_id,
        account_ref=account_ref,
    )


def invoice_state(row: Row, *, paid: bool, failure: str) -> GatewayInvoice | None:
    """An invoice from a message; None while it shows no currency, which only a charge has."""
    charge, subscription = part(row, "transaction"), part(row, "subscription")
    currency = charge.get("currency")
    if not isinstance(currency, str):
        return None
    total = money(row, "amount", currency)
    reference = str(charge.get("reference") or "")
    code = subscription.get("subscription_code")
    return _of_one_line(
        total,
        f"Subscription {code or ''}".strip(),
        status="paid" if paid else "open",
        number=str(row["invoice_code"]),
        part=GatewayPart(reference, str(charge.get("id") or ""), total.minor, None)
        if paid and reference
        else None,
        subscription_id=code if isinstance(code, str) else None,
        issued_at=instant_if_any(row, "created_at"),
        since=instant_if_any(row, "period_start"),
        until=instant_if_any(row, "period_end"),
        failure=failure,
        payer=_payer(row),
    )


def charge_state(row: Row, amount: Money, fee: Money | None, at: datetime) -> GatewayInvoice | None:
    """A charge for a plan as the invoice that it stands for; None where it is for none."""
    plan = part(row, "plan_object") or part(row, "plan")
    code = plan.get("plan_code") or row.get("plan")
    if not isinstance(code, str) or not code.startswith("PLN_"):
        return None
    reference = str(row["reference"])
    return _of_one_line(
        amount,
        str(plan.get("name") or code),
        status="paid",
        number=reference,
        part=GatewayPart(reference, str(row["id"]), amount.minor, fee.minor if fee else None),
        subscription_id=None,
        issued_at=at,
        payer=_payer(row),
    )


def _of_one_line(
    total: Money,
    text: str,
    *,
    status: str,
    number: str,
    part: GatewayPart | None,
    subscription_id: str | None,
    issued_at: datetime | None,
    since: datetime | None = None,
    until: datetime | None = None,
    failure: str = "",
    payer: tuple[str | None, str | None],
) -> GatewayInvoice:
    line = GatewayLine(text, "1", "", total.minor, total.minor, 0, since=since, until=until)
    return GatewayInvoice(
        status=status,
        number=number,
        asset=total.asset,
        subtotal_minor=total.minor,
        tax_minor=0,
        total_minor=total.minor,
        paid_minor=part.amount_minor if part else 0,
        lines=(line,),
        parts=(part,) if part else (),
        customer_id=payer[0],
        account_ref=payer[1],
        subscription_id=subscription_id,
        issued_at=issued_at,
        since=since,
        until=until,
        attempts=1 if failure else 0,
        failure=failure,
    )


def _payer(row: Row) -> tuple[str | None, str | None]:
    """The customer, and the account that the desk noted on it, which takes the secret key to do."""
    customer = part(row, "customer")
    code, account = customer.get("customer_code"), part(customer, "metadata").get("account")
    return code if isinstance(code, str) else None, account if isinstance(account, str) else None


def _began_at(subscription: Row) -> datetime | None:
    """Lists and messages write the name of it in two ways."""
    named = instant_if_any(subscription, "createdAt")
    return named or instant_if_any(subscription, "created_at")
