"""What happens at the sandbox within one act on its books: asked for, by chance, or by hand.

What becomes of an object is planned when its last step is taken, and carried out by whoever looks
first after it was due, with the time at which it was due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from billdesk.core.gateways.sandbox import books
from billdesk.core.gateways.sandbox.chance import Chance, SandboxSwitches, is_fate_of
from billdesk.core.gateways.sandbox.rows import MethodRow, PaybackRow, PaymentRow, PlanRow
from billdesk.core.rules.gateway import METHOD_STAGES, OffSessionRequest, PaymentRequest, Stage
from billdesk.core.values.clock import from_micros
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money

if TYPE_CHECKING:
    import sqlite3

FEE_BASIS_POINTS = 290
FEE_FIXED_MINOR = 30

_DECLINES = (
    "the card was declined: not enough money on it",
    "the card was declined: expired",
    "the card was declined: the bank gave no reason",
    "the customer's bank wanted a confirmation that never came",
)
_BRANDS = ("Visa", "Mastercard", "American Express")
_METHOD_LASTS_YEARS = 4


@dataclass(frozen=True, slots=True)
class Act:
    """One act on the books at `now` (microseconds), under these switches."""

    books: sqlite3.Connection
    now: int
    switches: SandboxSwitches
    chance: Chance

    def catch_up(self) -> None:
        """Let happen what was due since somebody last looked."""
        while (plan := books.next_plan(self.books, self.now)) is not None:
            self._carry_out(plan)

    def _carry_out(self, plan: PlanRow) -> None:
        if plan.stage in METHOD_STAGES:
            self.save(books.method(self.books, plan.object_id), plan.due_at)
        elif plan.stage == "settled":
            self.settle(books.payment(self.books, plan.object_id), plan.due_at)
        elif plan.stage in {"declined", "expired"}:
            payment = books.payment(self.books, plan.object_id)
            self.end(payment, plan.stage, plan.detail, plan.due_at)
        elif plan.stage == "disputed":
            books.drop_plan(self.books, plan.object_id)
            self._contest(books.payment(self.books, plan.object_id), plan)
        elif plan.stage == "refunded":
            self._return(books.payback(self.books, plan.object_id), plan.due_at)
        else:
            payback = books.payback(self.books, plan.object_id)
            self.move(payback, plan.stage, plan.detail, plan.due_at)

    # --- payments --------------------------------------------------------------------------

    def open(self, request: PaymentRequest) -> None:
        """A customer is asked for money, and will do something about it."""
        payment = self._add_payment(request, None, saves_method=request.save_method)
        self._happen(payment.external_id, "opened", "waits for the customer", self.now, payment)
        switches, minor = self.switches, payment.amount_minor
        if switches.settles_after is None or self.chance.is_to(
            "abandon", minor, switches.abandoned_percent, payment.payment_id
        ):
            self._plan(
                payment.external_id, "expired", "nobody paid in time", switches.expires_after
            )
        elif self.chance.is_to("decline", minor, switches.declines_percent, payment.payment_id):
            reason = self._reason(payment.payment_id)
            self._plan(payment.external_id, "declined", reason, switches.settles_after)
        else:
            self._plan(payment.external_id, "settled", "", switches.settles_after)

    def charge(self, request: OffSessionRequest, method: MethodRow) -> None:
        """Money is taken from a saved method, or its bank says no, at once."""
        payment = self._add_payment(request, method.method_id, saves_method=False)
        minor, percent = payment.amount_minor, self.switches.off_session_declines_percent
        if (
            method.declines
            or is_fate_of(minor, "decline")
            or self.chance.is_to("off-session decline", minor, percent, payment.payment_id)
        ):
            self.end(payment, "declined", self._reason(payment.payment_id), self.now)
        else:
            self.settle(payment, self.now)

    def settle(self, payment: PaymentRow, at: int) -> None:
        """A payment brings its money, and the method that it was to save."""
        method_id, saved = payment.method_id, None
        if payment.saves_method and payment.customer_id is not None:
            saved = self.add_method(payment.customer_id, payment.payment_id, at=at)
            method_id = saved.method_id
        self._happen(
            payment.external_id,
            "settled",
            "",
            at,
            payment,
            method_id=method_id,
            fee_minor=fee_minor(payment.amount_minor),
        )
        if saved is not None:
            self.save(saved, at)
        minor = payment.amount_minor
        if (
            is_fate_of(minor, "dispute, lost")
            or is_fate_of(minor, "dispute, won")
            or self.chance.falls(self.switches.disputes_percent, "dispute", payment.payment_id)
        ):
            self._plan(
                payment.external_id,
                "disputed",
                "the payer says: not mine",
                self.switches.disputed_after,
                at,
            )

    def end(self, payment: PaymentRow, stage: Stage, detail: str, at: int) -> None:
        """A payment comes to an end without money."""
        self._happen(payment.external_id, stage, detail, at, payment)

    def _add_payment(
        self,
        request: PaymentRequest | OffSessionRequest,
        method_id: str | None,
        *,
        saves_method: bool,
    ) -> PaymentRow:
        external_id = self.chance.make_id("sbx", "id", request.payment_id)
        payment = payment_row(external_id, request, method_id, saves_method=saves_method)
        books.add_payment(self.books, payment)
        return payment

    # --- money back ------------------------------------------------------------------------

    def send_back(
        self, payment: PaymentRow, amount_minor: int, refund_id: str | None, note: str
    ) -> str:
        """A refund sets out; it arrives after a while. Answers with its id."""
        payback = self._add_payback("refund", payment, amount_minor, refund_id, note)
        self.move(payback, "refund_pending", "on its way to the payer's bank", self.now)
        self._plan(payback.external_id, "refunded", "", self.switches.refund_takes)
        return payback.external_id

    def dispute(self, payment: PaymentRow, amount_minor: int, detail: str, at: int) -> str:
        """The payer contests a payment. Answers with the dispute's id."""
        payback = self._add_payback("dispute", payment, amount_minor, None, detail)
        self.move(payback, "disputed", detail, at)
        return payback.external_id

    def move(self, payback: PaybackRow, stage: Stage, detail: str, at: int) -> None:
        """A refund or a dispute goes a step further."""
        payment = books.payment(self.books, payback.payment_external_id)
        self._happen(payback.external_id, stage, detail, at, payment)

    def _return(self, refund: PaybackRow, at: int) -> None:
        self.move(refund, "refunded", "", at)
        payment = books.payment(self.books, refund.payment_external_id)
        if self.chance.is_to(
            "refund fails",
            payment.amount_minor,
            self.switches.refunds_fail_late_percent,
            refund.external_id,
        ):
            detail = "the payer's bank sent it back: the account is closed"
            self._plan(refund.external_id, "refund_failed", detail, self.switches.refund_takes, at)

    def _contest(self, payment: PaymentRow, plan: PlanRow) -> None:
        """Chance has the payer contest what has not gone back yet; it ends by chance, too."""
        left_minor = payment.amount_minor - books.taken_minor(self.books, payment.external_id)
        if left_minor <= 0:
            return
        dispute_id = self.dispute(payment, left_minor, plan.detail, plan.due_at)
        won = is_fate_of(payment.amount_minor, "dispute, won") or (
            not is_fate_of(payment.amount_minor, "dispute, lost")
            and self.chance.falls(50, "dispute, won", dispute_id)
        )
        stage: Stage = "dispute_won" if won else "dispute_lost"
        self._plan(
            dispute_id, stage, "the bank has decided", self.switches.dispute_takes, plan.due_at
        )

    def _add_payback(
        self, kind: str, payment: PaymentRow, amount_minor: int, refund_id: str | None, note: str
    ) -> PaybackRow:
        count = books.count_paybacks(self.books, payment.external_id)
        known_by = refund_id or f"{payment.external_id}/{count}"
        payback = PaybackRow(
            external_id=self.chance.make_id("sbr" if kind == "refund" else "sbd", kind, known_by),
            kind=kind,
            refund_id=refund_id,
            payment_external_id=payment.external_id,
            amount_minor=amount_minor,
            note=note,
        )
        books.add_payback(self.books, payback)
        return payback

    def check_left(self, payment: PaymentRow, minor: int) -> None:
        """Raise GatewayError unless so much of a payment is there to be sent back."""
        taken_minor = books.taken_minor(self.books, payment.external_id)
        self.check_paid(payment, minor, taken_minor)

    def check_paid(self, payment: PaymentRow, minor: int, taken_minor: int = 0) -> None:
        """Raise GatewayError unless a payment settled and brought so much, less what was taken."""
        settled = self.stage_of(payment.external_id) == "settled"
        if not settled or not 0 < minor <= payment.amount_minor - taken_minor:
            raise GatewayError(
                f"{payment.external_id} does not hold {Money(minor, payment.asset)} to take back",
                "see what is left of it",
            )

    def stage_of(self, object_id: str) -> Stage:
        """How far an object in the books has come."""
        *_, last = books.object_history(self.books, object_id)
        return last.stage

    # --- methods ---------------------------------------------------------------------------

    def add_method(
        self, customer_id: str, known_by: str, *, at: int, declines: bool = False
    ) -> MethodRow:
        """A way to pay that a customer is about to save."""
        drawn = self.chance.draw("method", known_by)
        expires = from_micros(at)
        method = MethodRow(
            method_id=self.chance.make_id("sbm", "method", known_by),
            customer_id=customer_id,
            label=f"{_BRANDS[drawn % len(_BRANDS)]} ···· {drawn // 7 % 10_000:04d}",
            expires=f"{expires.year + _METHOD_LASTS_YEARS}-{expires.month:02d}",
            declines=int(declines),
        )
        books.add_method(self.books, method)
        return method

    def await_method(self, customer_id: str) -> str:
        """A customer is shown a page to save a method on; answers with the id it will have."""
        count = books.count_methods(self.books, customer_id)
        method = self.add_method(customer_id, f"{customer_id}/{count}", at=self.now)
        if self.switches.settles_after is not None:
            self._plan(method.method_id, "method_saved", "", self.switches.settles_after)
        return method.method_id

    def save(self, method: MethodRow, at: int) -> None:
        """A method is saved."""
        self._happen(method.method_id, "method_saved", "", at, method_id=method.method_id)

    def remove(self, method: MethodRow) -> None:
        """A method is forgotten."""
        self._happen(method.method_id, "method_removed", "", self.now, method_id=method.method_id)

    # --- inside ----------------------------------------------------------------------------

    def _happen(
        self,
        object_id: str,
        stage: Stage,
        detail: str,
        at: int,
        payment: PaymentRow | None = None,
        *,
        method_id: str | None = None,
        fee_minor: int | None = None,
    ) -> None:
        """Something happens to an object, whatever else was planned; the feed may tell it late."""
        books.drop_plan(self.books, object_id)
        own = payment is not None and payment.external_id == object_id
        late = self.chance.falls(
            self.switches.late_percent, "late", payment.payment_id if payment and own else object_id
        )
        books.add_event(
            self.books,
            object_id,
            stage,
            payment_external_id=payment.external_id if payment else None,
            method_id=method_id,
            fee_minor=fee_minor,
            detail=detail,
            created_at=at,
            visible_at=at + to_duration_micros(self.switches.late_by) if late else at,
        )

    def _plan(
        self, object_id: str, stage: Stage, detail: str, after: timedelta, at: int | None = None
    ) -> None:
        due_at = (self.now if at is None else at) + to_duration_micros(after)
        books.add_plan(self.books, PlanRow(object_id, stage, detail, due_at))

    def _reason(self, payment_id: str) -> str:
        return _DECLINES[self.chance.draw("reason", payment_id) % len(_DECLINES)]


def fee_minor(amount_minor: int) -> int:
    """2.9 % rounded half up, and a fixed part, but never more than the whole."""
    share_minor = (amount_minor * FEE_BASIS_POINTS + 5000) // 10_000
    return min(amount_minor, share_minor + FEE_FIXED_MINOR)


def to_duration_micros(duration: timedelta) -> int:
    """A span in microseconds, exactly."""
    return duration // timedelta(microseconds=1)


def payment_row(
    external_id: str,
    request: PaymentRequest | OffSessionRequest,
    method_id: str | None,
    *,
    saves_method: bool,
) -> PaymentRow:
    """A payment as it is asked for."""
    return PaymentRow(
        external_id=external_id,
        payment_id=request.payment_id,
        account_ref=request.account_ref,
        description=request.description,
        amount_minor=request.amount.minor,
        asset=request.amount.asset,
        customer_id=request.customer_id,
        method_id=method_id,
        saves_method=int(saves_method),
    )
