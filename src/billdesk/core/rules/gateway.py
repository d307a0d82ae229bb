"""What a payment gateway can be asked, and the frozen facts it answers with.

Every make in `gateways/` speaks this protocol, and the operations know no other. A reply, a polled
event and one from a file become the same `Fact`, so all take the same way in. Nothing here talks to
anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypedDict

from billdesk.core.rules.mirrors import GatewayInvoice, GatewaySubscription, InvoiceRequest
from billdesk.core.values.money import Money

Make = Literal["sandbox", "stripe", "paypal", "paystack"]
Mode = Literal["test", "live"]

Stage = Literal[
    # a payment
    "opened",
    "processing",
    "settled",
    "declined",
    "expired",
    # money on its way back
    "refund_pending",
    "refunded",
    "refund_failed",
    # a payment that its payer contests
    "disputed",
    "dispute_won",
    "dispute_lost",
    # a saved way to pay
    "method_saved",
    "method_removed",
    # what the gateway bills by itself
    "invoice_created",
    "invoice_finalized",
    "invoice_paid",
    "invoice_failed",
    "invoice_closed",
    "subscription_changed",
    "subscription_ended",
    "trial_ending",
    # kept, and understood by nobody yet
    "unknown",
]
"""How far an object at the gateway has come.

A payment: `opened` waits for the customer, `processing` for a slow bank; `settled`, `declined` and
`expired` are the ends. `declined` of a payment that can still be paid comes again as `opened`. An
invoice that is `invoice_closed` was voided, or given up as uncollectible.
"""

PAYMENT_STAGES = frozenset({"opened", "processing", "settled", "declined", "expired"})
REFUND_STAGES = frozenset({"refund_pending", "refunded", "refund_failed"})
DISPUTE_STAGES = frozenset({"disputed", "dispute_won", "dispute_lost"})
METHOD_STAGES = frozenset({"method_saved", "method_removed"})
SUBSCRIPTION_STAGES = frozenset({"subscription_changed", "subscription_ended", "trial_ending"})
INVOICE_STAGES = frozenset(
    {"invoice_created", "invoice_finalized", "invoice_paid", "invoice_failed", "invoice_closed"}
)


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Money that an account shall pay in. `payment_id` is ours and the idempotency key.

    `save_method`: keep what the customer pays with, for charges without the customer.
    """

    payment_id: str
    amount: Money
    account_ref: str
    description: str
    email: str | None = None
    customer_id: str | None = None
    save_method: bool = False


@dataclass(frozen=True, slots=True)
class OffSessionRequest:
    """Money to be taken from a saved method while its owner is away."""

    payment_id: str
    amount: Money
    account_ref: str
    description: str
    customer_id: str
    method_id: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentQuery:
    """What we know of a payment of ours that we ask about.

    `external_id` is None when the reply to our request was lost; then the gateway is searched for
    `payment_id` from `created_at` on. `charge_id` is the gateway's id of what was paid, once known.
    """

    payment_id: str
    external_id: str | None
    charge_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Money of a payment that goes back to where it came from. `refund_id` is ours and the key.

    `external_id` and `charge_id` are the payment's. `whole` says that nothing was given back before
    and all of it goes.
    """

    refund_id: str
    payment_id: str
    external_id: str
    charge_id: str | None
    amount: Money
    whole: bool
    note: str


@dataclass(frozen=True, slots=True)
class RefundQuery:
    """What we know of a refund that we ask about; `external_id` is None when the reply was lost."""

    refund_id: str
    external_id: str | None
    payment_id: str
    payment_external_id: str
    charge_id: str | None
    amount: Money
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Method:
    """A saved way to pay, as the gateway shows it; never a number that could be used elsewhere.

    `label` is such as `Visa ···· 4242`; `expires` is `2028-04`, or None.
    """

    method_id: str
    customer_id: str
    label: str
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class HostedPage:
    """A page of the gateway's own, where a customer saves a way to pay."""

    url: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What a gateway says happened to one of its objects; never changed afterwards.

    `gateway` (the name it is connected under), `account` (whose account there it is) and `mode` say
    whose word it is. `object_id` is the gateway's own id of what `stage` speaks of: the payment, the
    refund, the dispute, the method. `occurrence` is the attempt, charge or refund it speaks of: the
    same in a reply and in an event, another for a second decline.

    `amount` is known where the stage moves money (of a refund or dispute: its own amount); `fee` is
    what the gateway keeps. `happened_at` is the gateway's time. `raw` is the gateway's own JSON, kept
    so that a mapping can be run again.

    Ties to the rest: `payment_id` and `refund_id` are ours, if the gateway carries them;
    `payment_external_id` is the gateway's id of the payment that a refund or dispute is about, and
    `charge_id` the id of what was paid, by which a refund or dispute may name it. `pay_url` is where
    the customer pays, while opened. `method` is what was paid with or saved, if it can be used again.
    `subscription` and `invoice` are what the gateway bills by itself, as far as the fact shows it.
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
    refund_id: str | None = None
    payment_external_id: str | None = None
    charge_id: str | None = None
    method: Method | None = None
    subscription: GatewaySubscription | None = None
    invoice: GatewayInvoice | None = None

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


class Ties(TypedDict, total=False):
    """The ties of a `Fact` to the rest, as an adapter hands them on."""

    payment_id: str | None
    pay_url: str | None
    refund_id: str | None
    payment_external_id: str | None
    charge_id: str | None
    method: Method | None
    subscription: GatewaySubscription | None
    invoice: GatewayInvoice | None


@dataclass(frozen=True, slots=True)
class Event:
    """A message of the gateway's as it came, kept once per `event_id`; facts are read from it."""

    event_id: str
    type: str
    object_id: str
    happened_at: datetime
    raw: str


@dataclass(frozen=True, slots=True)
class FactPage:
    """One page of a gateway's facts, and the messages they were read from.

    `cursor` continues the reading and means nothing to anybody but the gateway that made it; it may
    carry how far a pass has come, so that only a whole pass moves its mark. `complete` says that the
    pass is over; otherwise ask again at once. `gap_since`: what happened from then until the time of
    the first fact is out of the gateway's reach by this way, and only listing objects will tell.
    """

    facts: tuple[Fact, ...]
    cursor: str
    complete: bool
    events: tuple[Event, ...] = ()
    gap_since: datetime | None = None


class GatewayRow(NamedTuple):
    """One line of a gateway's own books, for reconciling. Amounts are in minor units.

    `kind`: payment, refund or dispute. `external_id` is the id by which our records know it: the
    payment's, the refund's, the dispute's object id; `charge_id` another name for it. `amount_minor`
    is positive for money in, negative for money back; `fee_minor` is what the gateway kept.
    """

    kind: str
    external_id: str
    charge_id: str | None
    payment_id: str | None
    asset: str
    amount_minor: int
    fee_minor: int
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class GatewayCheck:
    """What a gateway says of the key it was tried with. `missing`: rights that are lacking."""

    account: str
    mode: Mode
    missing: tuple[str, ...] = ()


class Gateway(Protocol):
    """A payment gateway: asked, never listened to.

    Every method may raise GatewayError (it said no), GatewayUnreachable (it said nothing, and the
    outcome is unknown) or NotOffered (it does not have that). A decline is a fact, not an error.
    """

    @property
    def name(self) -> str:
        """What it is connected as; unique in a desk."""
        ...

    @property
    def make(self) -> Make:
        """Which adapter this is."""
        ...

    @property
    def account(self) -> str:
        """Whose account there it speaks for, in the gateway's own words."""
        ...

    @property
    def mode(self) -> Mode:
        """Whether the money is real: `live`, or `test`."""
        ...

    def check(self) -> GatewayCheck:
        """Try the key: whose account it opens, in which mode, and which rights it lacks."""
        ...

    def open_payment(self, request: PaymentRequest) -> Fact:
        """Have a customer asked for money; the answer carries the address to pay at.

        The same request again gives the same payment. Raises GatewayError for a known payment id
        with other content, GatewayUnreachable.
        """
        ...

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """What is known now of one of our payments, oldest first; nothing if it was never heard of.

        Where a payment has to be completed by us after the customer agreed (PayPal's capture), this
        completes it, with a key of its own.
        """
        ...

    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method: settled, declined or processing; same id, same payment."""
        ...

    def refund(self, request: RefundRequest) -> Fact:
        """Send money back: refund_pending, refunded or refund_failed; same id, same refund."""
        ...

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """What is known now of one of our refunds; nothing if it was never heard of."""
        ...

    def facts(self, cursor: str | None) -> FactPage:
        """What happened since `cursor` (None: from the beginning), told at least once.

        Facts told before come again, since gateways are late and pages overlap; `Fact.key` tells
        them. Raises GatewayError (also for a cursor of another make), GatewayUnreachable.
        """
        ...

    def sweep(self, since: datetime, cursor: str | None) -> FactPage:
        """Everything from `since` on by listing objects, however late or forgotten by the feed.

        `cursor` continues a sweep that has begun; its cursors are not those of `facts`.
        """
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> FactPage:
        """A message brought by hand, with the headers it came with; `cursor` of the page is empty.

        Raises BadInput when the signature is missing, wrong or older than five minutes, or the
        message cannot be read.
        """
        ...

    def ensure_customer(self, account_ref: str, name: str, email: str | None) -> str:
        """The gateway's id for a customer of ours, made when it is new; same ref, same customer."""
        ...

    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        """A page where the customer saves a way to pay. Raises NotOffered."""
        ...

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What the customer has saved."""
        ...

    def remove_method(self, method: Method) -> None:
        """Forget a saved method; one that is gone already is no error."""
        ...

    def rows(self, since: datetime, until: datetime) -> Iterator[GatewayRow]:
        """The gateway's own books of a half-open span, in any order, one row per movement."""
        ...

    def subscription(self, external_id: str) -> Fact:
        """A subscription kept at the gateway, as it is now. Raises NotOffered."""
        ...

    def invoice(self, external_id: str) -> Fact:
        """An invoice kept at the gateway, as it is now. Raises NotOffered."""
        ...

    def send_invoice(self, request: InvoiceRequest) -> Fact:
        """Have an invoice of ours sent to its customer; same id, same invoice.

        Raises NotOffered, GatewayError where it would come to another total than ours.
        """
        ...
