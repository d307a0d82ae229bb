"""What a payment gateway can be asked, and the frozen facts it answers with.

Every make in `gateways/` speaks this protocol, and the operations know no other. A reply and a
polled event become the same `Fact`, so both take the same way in. Nothing here talks to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from billdesk.core.values.money import Money

Mode = Literal["test", "live"]

Stage = Literal["opened", "settled", "declined", "expired"]
"""How far an object at the gateway has come.

`opened` waits for the customer; `settled`, `declined` and `expired` are the ends.
"""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Money that an account shall pay in. `payment_id` is ours and the idempotency key."""

    payment_id: str
    amount: Money
    account_ref: str
    description: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What a gateway says happened to one of its objects; never changed afterwards.

    `gateway`, `account` and `mode` say whose word it is. `object_id` is the gateway's own id.
    `occurrence` is the attempt, charge or refund it speaks of: the same in a reply and in an event,
    another for a second decline. `amount` and `fee` are known where the stage moves money; the fee
    is what the gateway keeps of the amount. `happened_at` is the gateway's time. `payment_id` is
    our id, if the gateway carries it; `pay_url` is where the customer pays, while opened.
    `raw` is the gateway's own JSON, kept so that a mapping can be run again.
    """

    gateway: str
    account: str
    mode: Mode
    object_id: str
    stage: Stage
    occurrence: str
    amount: Money | None
    fee: Money | None
    happened_at: datetime
    detail: str
    raw: str
    payment_id: str | None = None
    pay_url: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str, str, str]:
        """What makes two facts one: a fact with a known key has been told before."""
        return (
            self.gateway,
            self.account,
            self.mode,
            self.object_id,
            self.stage,
            self.occurrence,
        )


@dataclass(frozen=True, slots=True)
class FactPage:
    """One page of a gateway's facts, oldest first.

    `cursor` continues the reading and means nothing to anybody but the gateway that made it.
    `complete` says that nothing newer is known; otherwise ask again at once.
    """

    facts: tuple[Fact, ...]
    cursor: str
    complete: bool


class Gateway(Protocol):
    """A payment gateway: asked, never listened to.

    Every method may raise GatewayError (it said no) or GatewayUnreachable (it said nothing, and
    the outcome is unknown).
    """

    @property
    def name(self) -> str:
        """The make of it: sandbox, stripe, paypal or paystack."""
        ...

    @property
    def account(self) -> str:
        """Whose account there it speaks for."""
        ...

    @property
    def mode(self) -> Mode:
        """Whether the money is real: `live`, or `test`."""
        ...

    def open_payment(self, request: PaymentRequest) -> Fact:
        """Have a customer asked for money; the answer carries the address to pay at.

        The same request again gives the same payment. Raises GatewayError for a known payment id
        with other content, GatewayUnreachable.
        """
        ...

    def find(self, payment_id: str) -> Fact | None:
        """The latest fact about one of our payments, None if the gateway never heard of it.

        Raises GatewayError, GatewayUnreachable.
        """
        ...

    def facts(self, cursor: str | None) -> FactPage:
        """What happened since `cursor` (None: from the beginning), told at least once.

        Facts told before come again, since gateways are late and pages overlap; `Fact.key` tells
        them. Raises GatewayError (also for a cursor of another make), GatewayUnreachable.
        """
        ...
