"""A complete small gateway inside the package: the whole desk runs with no account and no network.

It keeps books of its own in a SQLite file of its own and never reads the ledger. Every act is one
durable commit, so the books survive a kill and several processes see one truth. Customers are made
up: whether and when one pays follows from the seed and the payment id alone. So that every ending
can be tried from any door, some amounts decide it themselves: what ends in 66.01 (6601 in the
smallest unit) is declined, 66.02 is never paid, and of 66.03 the first reply is lost.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from billdesk.core.gateways.sandbox import books
from billdesk.core.gateways.sandbox.books import EventRow, PaymentRow
from billdesk.core.rules.gateway import Fact, FactPage, Mode, PaymentRequest, Stage
from billdesk.core.values.clock import (
    Clock,
    SystemClock,
    format_instant,
    from_micros,
    to_micros,
)
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import CREDIT, Money

if TYPE_CHECKING:
    import sqlite3

PAGE_SIZE = 100
OVERLAP = timedelta(minutes=10)
FEE_BASIS_POINTS = 290
FEE_FIXED_MINOR = 30

_DECLINES = (
    "the card was declined: not enough money on it",
    "the card was declined: expired",
    "the card was declined: the bank gave no reason",
    "the customer's bank wanted a confirmation that never came",
)
_BY_AMOUNT = {"decline": 6601, "abandon": 6602, "lose reply": 6603}
_CURSOR = re.compile(r"(\d{1,18})(?:/(\d{1,18})/(\d{1,18}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SandboxSwitches:
    """How this sandbox behaves. Shares are in percent of the payments.

    `settles_after`: how long the customer takes; None waits for `pay` or `decline`.
    `abandoned_percent` never pay and expire after `expires_after`. `lost_replies_percent`: the
    payment is opened, but the answer does not arrive. `duplicates_percent`: told twice on each
    page. `late_percent`: told by the feed only `late_by` after they happened. `down`: nothing
    answers and nothing is done.
    """

    settles_after: timedelta | None = timedelta(seconds=2)
    expires_after: timedelta = timedelta(hours=24)
    declines_percent: int = 0
    abandoned_percent: int = 0
    lost_replies_percent: int = 0
    duplicates_percent: int = 0
    late_percent: int = 0
    late_by: timedelta = timedelta(minutes=5)
    down: bool = False


class Sandbox:
    """The sandbox whose books lie at `path` (made with the first act), on the given clock.

    `seed` decides, together with a payment's id, all that is left to chance. `switches` may be
    exchanged at any time and hold for this instance alone; what a payment comes to is decided
    when it is opened.
    """

    name = "sandbox"
    account = "sandbox"
    mode: Mode = "test"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        seed: int = 0,
        switches: SandboxSwitches | None = None,
    ) -> None:
        self.path = Path(path)
        self.switches = switches or SandboxSwitches()
        self._clock = clock or SystemClock()
        self._seed = seed

    # --- what the desk asks ----------------------------------------------------------------

    def open_payment(self, request: PaymentRequest) -> Fact:
        """Ask a customer for money; the same request again gives the same answer.

        Raises GatewayError for a known payment id with other content, for credits and for amounts
        that are not above zero, GatewayUnreachable when it is down or the reply is lost.
        """
        self._check_reachable()
        if request.amount.asset == CREDIT or request.amount.minor <= 0:
            raise GatewayError(f"the sandbox takes no {request.amount}", "ask for real money")
        with self._act() as (act, now):
            known = books.history(act, request.payment_id)
            if not known:
                self._open(act, request, now)
            [opened, *_] = known or books.history(act, request.payment_id)
            _check_same(opened, request)
        if not known and self._is_to("lose reply", request, self.switches.lost_replies_percent):
            raise GatewayUnreachable("the sandbox's reply was lost", "poll to learn what it did")
        return _fact(opened)

    def find(self, payment_id: str) -> Fact | None:
        """The latest fact about a payment, None if the sandbox never heard of it.

        Raises GatewayUnreachable when it is down.
        """
        self._check_reachable()
        with self._act() as (act, _):
            known = books.history(act, payment_id)
        return _fact(known[-1]) if known else None

    def facts(self, cursor: str | None) -> FactPage:
        """Up to 100 facts after `cursor`, by time; a new pass begins ten minutes back.

        Raises GatewayError for a cursor that is not the sandbox's, GatewayUnreachable when down.
        """
        self._check_reachable()
        high_water, after = _read_cursor(cursor)
        if after is None:
            after = (high_water - _micros(OVERLAP), -1)
        with self._act() as (act, now):
            rows = books.feed(act, after, now, PAGE_SIZE + 1)
        facts = tuple(fact for row in rows[:PAGE_SIZE] for fact in self._tell(row))
        if len(rows) > PAGE_SIZE:
            # Only a whole pass moves the mark: one cut short is begun again.
            last = rows[PAGE_SIZE - 1]
            return FactPage(facts, f"{high_water}/{last.created_at}/{last.number}", complete=False)
        newest = max((row.created_at for row in rows), default=high_water)
        return FactPage(facts, str(max(high_water, newest)), complete=True)

    # --- what the customer does ------------------------------------------------------------

    def pay(self, external_id: str) -> Fact:
        """Let the customer pay now, whether the sandbox is down or not; paid twice is paid once.

        Raises GatewayError for an unknown payment and for one that was declined or has expired.
        """
        return self._finish(external_id, "settled", "")

    def decline(self, external_id: str, reason: str) -> Fact:
        """Let the customer's bank say no now, with a reason in words.

        Raises GatewayError for an unknown payment and for one that was settled or has expired.
        """
        return self._finish(external_id, "declined", reason)

    def totals(self) -> dict[str, tuple[int, int]]:
        """What these books hold: per asset, all money settled and all fees kept, in minor units."""
        sums: dict[str, tuple[int, int]] = {}
        with self._act() as (act, _):
            rows = books.settled(act)
        for row in rows:
            settled_minor, fee_minor = sums.get(row.asset, (0, 0))
            sums[row.asset] = settled_minor + row.amount_minor, fee_minor + (row.fee_minor or 0)
        return sums

    # --- inside ----------------------------------------------------------------------------

    @contextmanager
    def _act(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """One act on the books, after what customers did since somebody last looked."""
        now = to_micros(self._clock.now())
        with books.act(self.path) as act:
            for payment in books.due(act, now):
                self._happen(act, payment, payment.due_stage, payment.due_detail, at=payment.due_at)
            yield act, now

    def _open(self, act: sqlite3.Connection, request: PaymentRequest, now: int) -> None:
        due_stage, due_detail, due_at = self._plan(request, now)
        payment = PaymentRow(
            external_id=f"sbx_{self._draw('id', request.payment_id):064x}"[:28],
            payment_id=request.payment_id,
            account_ref=request.account_ref,
            description=request.description,
            amount_minor=request.amount.minor,
            asset=request.amount.asset,
            stage="opened",
            due_at=due_at,
            due_stage=due_stage,
            due_detail=due_detail,
        )
        books.add_payment(act, payment)
        self._happen(act, payment, "opened", "waits for the customer", at=now)

    def _plan(self, request: PaymentRequest, now: int) -> tuple[Stage, str, int]:
        """What the customer will do with this payment, why, and when."""
        switches = self.switches
        if switches.settles_after is None or self._is_to(
            "abandon", request, switches.abandoned_percent
        ):
            return "expired", "nobody paid in time", now + _micros(switches.expires_after)
        due_at = now + _micros(switches.settles_after)
        if self._is_to("decline", request, switches.declines_percent):
            reason = _DECLINES[self._draw("reason", request.payment_id) % len(_DECLINES)]
            return "declined", reason, due_at
        return "settled", "", due_at

    def _is_to(self, what: str, request: PaymentRequest, percent: int) -> bool:
        """Whether chance, or the amount itself, has this happen to a payment."""
        by_amount = request.amount.minor % 10_000 == _BY_AMOUNT[what]
        return by_amount or self._falls(percent, what, request.payment_id)

    def _happen(
        self, act: sqlite3.Connection, payment: PaymentRow, stage: Stage, detail: str, *, at: int
    ) -> None:
        """Something happens to a payment; the feed may tell it late."""
        late = self._falls(self.switches.late_percent, "late", payment.payment_id)
        books.add_event(
            act,
            payment.external_id,
            stage,
            fee_minor=_fee_minor(payment.amount_minor) if stage == "settled" else None,
            detail=detail,
            created_at=at,
            visible_at=at + _micros(self.switches.late_by) if late else at,
        )

    def _finish(self, external_id: str, stage: Stage, detail: str) -> Fact:
        with self._act() as (act, now):
            payment = books.payment(act, external_id)
            if payment.stage == "opened":
                self._happen(act, payment, stage, detail, at=now)
            row = books.history(act, payment.payment_id)[-1]
        if row.stage != stage:
            raise GatewayError(f"{external_id} is {row.stage}", "open another payment")
        return _fact(row)

    def _tell(self, row: EventRow) -> tuple[Fact, ...]:
        twice = self._falls(self.switches.duplicates_percent, "duplicate", row.payment_id)
        return (_fact(row),) * (2 if twice else 1)

    def _check_reachable(self) -> None:
        if self.switches.down:
            raise GatewayUnreachable("the sandbox is down", "try again later")

    def _falls(self, percent: int, what: str, payment_id: str) -> bool:
        return self._draw(what, payment_id) % 100 < percent

    def _draw(self, what: str, payment_id: str) -> int:
        """A large number that follows from the seed, the question and the payment alone."""
        text = f"{self._seed}/{what}/{payment_id}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def _check_same(row: EventRow, request: PaymentRequest) -> None:
    known = PaymentRequest(
        row.payment_id, Money(row.amount_minor, row.asset), row.account_ref, row.description
    )
    if known != request:
        raise GatewayError(
            f"{request.payment_id} was opened with other content", "use a new payment id"
        )


def _fact(row: EventRow) -> Fact:
    amount = Money(row.amount_minor, row.asset)
    return Fact(
        gateway=Sandbox.name,
        account=Sandbox.account,
        mode=Sandbox.mode,
        object_id=row.external_id,
        stage=row.stage,
        # One attempt per payment: the customer pays, fails or walks away.
        occurrence=f"{row.external_id}:1",
        amount=amount,
        fee=None if row.fee_minor is None else Money(row.fee_minor, row.asset),
        happened_at=from_micros(row.created_at),
        detail=row.detail,
        raw=_raw(row),
        payment_id=row.payment_id,
        pay_url=f"https://sandbox.invalid/pay/{row.external_id}" if row.stage == "opened" else None,
    )


def _raw(row: EventRow) -> str:
    """The event as a gateway would put it, with keys in a fixed order."""
    return json.dumps(
        {
            "id": f"evt_{row.number}",
            "type": f"payment.{row.stage}",
            "created": format_instant(from_micros(row.created_at)),
            "payment": {
                "id": row.external_id,
                "reference": row.payment_id,
                "customer": row.account_ref,
                "description": row.description,
                "amount_minor": row.amount_minor,
                "asset": row.asset,
                "fee_minor": row.fee_minor,
                "detail": row.detail,
            },
        }
    )


def _fee_minor(amount_minor: int) -> int:
    """2.9 % rounded half up, and a fixed part, but never more than the whole."""
    share_minor = (amount_minor * FEE_BASIS_POINTS + 5000) // 10_000
    return min(amount_minor, share_minor + FEE_FIXED_MINOR)


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _read_cursor(cursor: str | None) -> tuple[int, tuple[int, int] | None]:
    """The high-water mark of the last whole pass, and how far the present one has come."""
    if cursor is None:
        return 0, None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise GatewayError(f"{cursor[:40]!r} is no cursor of the sandbox", "begin without one")
    return int(match[1]), (int(match[2]), int(match[3])) if match[2] else None
