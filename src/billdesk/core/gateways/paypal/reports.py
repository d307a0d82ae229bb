"""PayPal's report of transactions: what moved on the account, up to three hours late.

It is asked in windows of at most 31 days; a window with too much in it is halved. It reaches back
three years and forward to `last_refreshed_datetime`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from billdesk.core.gateways.paypal.amounts import read_amount, reading, write_time
from billdesk.core.gateways.paypal.client import CAPTURES_PATH, Client, path_of
from billdesk.core.gateways.paypal.objects import Json, Source, capture_fact
from billdesk.core.rules.gateway import Fact
from billdesk.core.values.clock import MICROSECOND, parse_instant
from billdesk.core.values.money import Money

REPORT_PATH = "/v1/reporting/transactions"
LONGEST_WINDOW = timedelta(days=31)
LARGEST_PAGE = 500
SECOND = timedelta(seconds=1)

_TOO_LARGE = "RESULTSET_TOO_LARGE"
_NOT_YET = "Data for the given start date is not available"

MovementKind = Literal["payment", "refund", "reversal"]

_REFUND = "T1107"
_SUCCEEDED = frozenset({"S", "V"})  # V: and reversed in full since
# The payer's bank or PayPal took a payment back, or gave it again.
_REVERSALS = frozenset({"T1106", "T1201", "T1202", "T1205", "T1208"})


class Movement(NamedTuple):
    """One line of the report that is about a customer's payment.

    `amount` and `fee` are signed as PayPal signs them: above zero for money that came in.
    `reference_id` is the transaction that this one is about, or the payment's order.
    """

    kind: MovementKind
    transaction_id: str
    reference_id: str | None
    reference_type: str | None
    amount: Money
    fee: Money
    custom_id: str | None
    happened_at: datetime
    raw: Json

    @property
    def payment_charge_id(self) -> str | None:
        """The capture it is about, where it is about another transaction."""
        return self.reference_id if self.reference_type == "TXN" else None


class Place(NamedTuple):
    """How far a reading of the report has come: a page of a half-open window."""

    start: datetime
    end: datetime
    page: int = 1


class Found(NamedTuple):
    """What one page told, and where to read on, if anywhere."""

    movements: tuple[Movement, ...]
    rest: Place | None


def first_place(since: datetime, until: datetime) -> Place:
    """Where a reading of the half-open span from `since` to `until` begins.

    PayPal's times are whole seconds, so the span begins and ends with one.
    """
    start = _whole_second(since)
    return Place(start, min(_whole_second(until), start + LONGEST_WINDOW))


def search(
    client: Client, place: Place, until: datetime, *, page_size: int = LARGEST_PAGE
) -> Found:
    """The page at `place` of a reading that goes on until before `until`.

    Raises GatewayError, also for a second with more transactions than PayPal lists.
    """
    while place.start < place.end:
        answer = client.ask("GET", REPORT_PATH, params=_params(place, page_size), accept={400})
        if answer.status < 300:
            with reading("transactions"):
                return Found(_movements(answer.data), _rest(answer.data, place, until))
        if str(answer.data.get("message", "")).startswith(_NOT_YET):
            break
        half_seconds = (place.end - place.start) // SECOND // 2
        if _TOO_LARGE not in (answer.issue, answer.data.get("name")) or not half_seconds:
            raise client.refusal(answer)
        place = Place(place.start, place.start + timedelta(seconds=half_seconds))
    return Found((), None)


def everything(client: Client, since: datetime, until: datetime) -> Iterator[Movement]:
    """All that moved from `since` until before `until`, each movement once. Raises as `search`."""
    place: Place | None = first_place(since, until)
    told: set[tuple[str, str, int]] = set()
    while place is not None:
        found = search(client, place, until)
        for movement in found.movements:
            # A line that moves to the next page while we read comes twice.
            key = (movement.kind, movement.transaction_id, movement.amount.minor)
            if key not in told:
                told.add(key)
                yield movement
        place = found.rest


def _params(place: Place, page_size: int) -> dict[str, str]:
    return {
        "start_date": write_time(place.start),
        # Both ends count at PayPal.
        "end_date": write_time(place.end - SECOND),
        "fields": "transaction_info",
        "page_size": str(page_size),
        "page": str(place.page),
    }


def _rest(data: Json, place: Place, until: datetime) -> Place | None:
    """The next page, or else the next window, unless the report does not reach that far yet."""
    if place.page < int(data.get("total_pages", 1)):
        return place._replace(page=place.page + 1)
    refreshed_at = data.get("last_refreshed_datetime")
    reaches_on = refreshed_at is None or place.end <= parse_instant(refreshed_at)
    return first_place(place.end, until) if place.end < until and reaches_on else None


def _whole_second(instant: datetime) -> datetime:
    """The first whole second at `instant` or later."""
    return (instant + SECOND - MICROSECOND).replace(microsecond=0)


def _movements(data: Json) -> tuple[Movement, ...]:
    lines = data.get("transaction_details", [])
    read = (_movement(line["transaction_info"]) for line in lines)
    return tuple(movement for movement in read if movement is not None)


def _movement(info: Json) -> Movement | None:
    """A line of the report, None for what is about no customer's payment or did not succeed."""
    kind = _kind(info["transaction_event_code"])
    if kind is None or info["transaction_status"] not in _SUCCEEDED:
        return None
    amount = read_amount(info["transaction_amount"])
    if kind == "payment" and amount.minor <= 0:
        return None  # money that we paid somebody
    fee = info.get("fee_amount")
    return Movement(
        kind=kind,
        transaction_id=info["transaction_id"],
        reference_id=info.get("paypal_reference_id"),
        reference_type=info.get("paypal_reference_id_type"),
        amount=amount,
        fee=read_amount(fee) if fee else Money(0, amount.asset),
        custom_id=info.get("custom_field"),
        happened_at=parse_instant(info["transaction_initiation_date"]),
        raw=info,
    )


def _kind(code: str) -> MovementKind | None:
    if code.startswith("T00"):
        return "payment"
    if code == _REFUND:
        return "refund"
    return "reversal" if code in _REVERSALS else None


def paid_fact(client: Client, source: Source, movement: Movement) -> Fact:
    """A payment that the report knows, as the fact that its order would tell.

    The report names no orders; those that carry an id are asked for, one request each.
    """
    if movement.custom_id:
        path = path_of(CAPTURES_PATH, movement.transaction_id)
        answer = client.ask("GET", path, accept={404})
        if answer.status != 404:
            with reading("a capture"):
                return capture_fact(source, answer.data)
    return source.fact(
        movement.transaction_id,
        "settled",
        movement.transaction_id,
        amount=movement.amount,
        fee=movement.fee.negated(),
        happened_at=movement.happened_at,
        raw=movement.raw,
        payment_id=movement.custom_id,
        charge_id=movement.transaction_id,
    )


def returned_fact(source: Source, movement: Movement) -> Fact:
    """Money that went back, as the report knows it; `unknown` for some that came again."""
    ours, _, refund_id = (movement.custom_id or "").partition(",")
    back = movement.amount.minor < 0
    return source.fact(
        movement.transaction_id,
        "refunded" if back else "unknown",
        movement.transaction_id,
        amount=movement.amount.negated() if back else movement.amount,
        fee=movement.fee.negated() if movement.fee.minor else None,
        happened_at=movement.happened_at,
        detail="" if movement.kind == "refund" else "reversed by PayPal",
        raw=movement.raw,
        payment_id=ours or None,
        refund_id=refund_id or None,
        charge_id=movement.payment_charge_id,
    )
