"""The acts in which a gateway takes part: asking for money, sending it back, trying again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billdesk.core.values.money import Money, read_amount
from billdesk.screens.acts import (
    Act,
    Receipt,
    Values,
    amount_field,
    amount_up_to_field,
    choice_field,
    memo_field,
)
from billdesk.screens.figures import amount, mode_in_words, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import GatewaySheet, PaymentSheet

NO_SAVING, SAVING = "no", "yes"


def gateways_for(desk: Desk, ref: str) -> dict[str, str]:
    """The gateways an account may pay by and their modes, the account's own first.

    The sandbox comes last: it counts only where no other is connected.
    """
    own = desk.accounts.get(ref).gateway
    sheets: list[GatewaySheet] = sorted(
        desk.gateways.list(), key=lambda each: (each.name != own, each.make == "sandbox")
    )
    return {sheet.name: sheet.mode for sheet in sheets}


def deposit(ref: str, asset: str, payment_id: str, modes: Mapping[str, str]) -> Act:
    """Ask a gateway to take a deposit; the money arrives once it is paid and polled."""

    def perform(desk: Desk, values: Values) -> Receipt:
        payment = desk.deposits.start(
            ref,
            values["amount"],
            gateway=values["gateway"],
            id=payment_id,
            save_method=values["save"] == SAVING,
        )
        return Receipt(payment.id, (("status", payment.status), ("detail", payment.detail)))

    def foreseen(values: Values) -> str:
        mode = mode_in_words(modes.get(values["gateway"], "test"))
        return f"{mode}. No balance changes now: the deposit is credited once it has been paid."

    return Act(
        title=f"Start a deposit for {ref}",
        verb="Start",
        account_ref=ref,
        perform=perform,
        fields=(
            choice_field("gateway", "Gateway", tuple(modes)),
            amount_field(asset),
            choice_field("save", "Save it", (NO_SAVING, SAVING)),
        ),
        facts=(("payment", payment_id),),
        typed=lambda values: values["amount"],
        rehearsable=False,
        foreseen=foreseen,
        remote=True,
        stays=False,
    )


def what_is_left(desk: Desk, payment_id: str) -> tuple[PaymentSheet, Money]:
    """A payment, and what of it can still go back: not what is on its way already."""
    payment = desk.payments.get(payment_id)
    on_its_way = desk.card_refunds.list(payment=payment_id, status="pending").rows
    gone_minor = payment.refunded.minor if payment.refunded else 0
    gone_minor += sum(refund.amount.minor for refund in on_its_way)
    left_minor = max(0, payment.amount.minor - gone_minor)
    return payment, Money(left_minor, payment.amount.asset)


def card_refund(payment: PaymentSheet, left: Money, refund_id: str) -> Act:
    """Send money of a payment back to where it came from."""

    def perform(desk: Desk, values: Values) -> Receipt:
        refund = desk.card_refunds.create(
            payment.id, values["amount"], memo=values["memo"], id=refund_id
        )
        lines = [("amount", amount(refund.amount)), ("status", refund.status)]
        if refund.detail:
            lines.append(("detail", refund.detail))
        return Receipt(refund.id, tuple(lines))

    def foreseen(values: Values) -> str:
        money = read_amount(values["amount"], left.asset)
        return (
            f"Held at once. When {payment.gateway} says that it is gone, {amount(money.negated())} is"
            f" booked against gateway:{payment.gateway}; if it fails, the hold is freed."
        )

    return Act(
        title=f"Refund to card: {payment.account_ref}, {mode_in_words(payment.mode)}",
        verb="Send back",
        account_ref=payment.account_ref,
        perform=perform,
        fields=(amount_up_to_field("Amount", left), memo_field()),
        facts=(
            ("payment", payment.id),
            ("paid", f"{amount(payment.amount)} by {payment.gateway}, {amount(left)} is left"),
            ("refund", refund_id),
        ),
        typed=lambda values: values["amount"],
        foreseen=foreseen,
        remote=True,
    )


def retry(payment: PaymentSheet) -> Act:
    """Try a failed payment again: from what is saved, or by a new link."""

    def perform(desk: Desk, values: Values) -> Receipt:
        saved = values["from"] == "saved"
        attempt = desk.payments.retry(payment.id, saved=saved)
        lines = [("status", attempt.status), ("detail", attempt.detail)]
        return Receipt(attempt.id, tuple(lines))

    ways = ("saved",) if payment.method_id is not None else ("link", "saved")
    about = (
        "A gateway is asked at once; no more than one attempt is ever on its way."
        " link: the customer gets a new one to pay at."
        " saved: the account's default method is charged, and the backup if that is declined."
    )
    return Act(
        title=f"Try {amount(payment.amount)} of {payment.account_ref} again",
        verb="Try again",
        account_ref=payment.account_ref,
        perform=perform,
        fields=(choice_field("from", "From", ways),),
        facts=(
            ("payment", payment.id),
            ("it was", f"{payment.status}: {payment.detail}" if payment.detail else payment.status),
            ("gateway", f"{payment.gateway}, {mode_in_words(payment.mode)}"),
        ),
        typed=lambda _: number(payment.amount),
        rehearsable=False,
        foreseen=lambda _: about,
        remote=True,
        stays=False,
    )
