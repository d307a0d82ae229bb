"""A complete small gateway inside the package: the whole desk runs with no account and no network.

It keeps books of its own in a SQLite file of its own and never reads the ledger. Every act is one
durable commit, so the books survive a kill and several processes see one truth. Customers are made
up: whether and when one pays follows from the seed and the payment id alone. So that every ending
can be tried from any door, some amounts decide it themselves. What ends in (6601 in the smallest
unit, and so on)

* 66.01 is declined,
* 66.02 is never paid,
* 66.03 has the first reply lost, of a payment, a charge or a refund,
* 66.04 is disputed after it settled, and lost,
* 66.05 is disputed after it settled, and won,
* 66.06 has its refunds fail late, after they seemed to have arrived,
* 66.07 is declined when it is charged off session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from billdesk.core.gateways.sandbox import books, messages
from billdesk.core.gateways.sandbox.acts import Act, payment_row, to_duration_micros
from billdesk.core.gateways.sandbox.billing import Billing
from billdesk.core.gateways.sandbox.chance import SandboxSwitches
from billdesk.core.gateways.sandbox.hands import EVER
from billdesk.core.gateways.sandbox.rows import EventRow, MethodRow, PaymentRow
from billdesk.core.rules.gateway import (
    Fact,
    FactPage,
    GatewayCheck,
    GatewayRow,
    HostedPage,
    Method,
    OffSessionRequest,
    PaymentQuery,
    PaymentRequest,
    RefundQuery,
    RefundRequest,
)
from billdesk.core.rules.mirrors import InvoiceRequest
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
)
from billdesk.core.values.money import CREDIT, Money

__all__ = ["PAGE_SIZE", "PaymentRow", "Sandbox", "SandboxSwitches"]

PAGE_SIZE = 100
OVERLAP = timedelta(minutes=10)


class Sandbox(Billing):
    """The sandbox whose books lie at `path` (made with the first act), on the given clock.

    `name` is what it is connected as. `seed` decides, together with the ids, all that is left to
    chance. `switches` may be exchanged at any time and hold for this instance alone; what an object
    comes to is decided one step ahead, when it is opened, settled or sent back.
    """

    # --- payments --------------------------------------------------------------------------

    def check(self) -> GatewayCheck:
        """Whose account it is: its own, where nothing costs anything.

        Raises KeyRefused, GatewayBusy or GatewayUnreachable when the switches say so.
        """
        self._check_reachable()
        return GatewayCheck(self.account, self.mode)

    def open_payment(self, request: PaymentRequest) -> Fact:
        """Ask a customer for money; the same request again gives the same answer.

        Raises GatewayError for a known payment id with other content, for credits, for amounts that
        are not above zero and for a method to be saved for nobody, GatewayUnreachable when it is
        down or the reply is lost.
        """
        self._check_reachable()
        _check_money(request.amount)
        with self._act() as act:
            known = books.history(act.books, request.payment_id)
            if not known:
                if request.save_method and request.customer_id is None:
                    raise GatewayError(
                        "a method is saved for a customer", "make the customer first"
                    )
                if request.customer_id is not None:
                    books.check_customer(act.books, request.customer_id)
                act.open(request)
            [first, *_] = known or books.history(act.books, request.payment_id)
            _check_same(first, request, None, saves_method=request.save_method)
        self._reply(request.payment_id, request.amount.minor, repeated=bool(known))
        return self._fact(first)

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """All that is known of a payment, its refunds and disputes; nothing if it is unknown.

        Raises GatewayUnreachable when it is down.
        """
        self._check_reachable()
        with self._act() as act:
            return self._facts(books.history(act.books, query.payment_id))

    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method: settled or declined at once; same id, same answer.

        Raises GatewayError for a known payment id with other content, for what is no money and for
        a method that the customer has not saved, GatewayUnreachable as `open_payment`.
        """
        self._check_reachable()
        _check_money(request.amount)
        with self._act() as act:
            known = books.history(act.books, request.payment_id)
            if not known:
                method = _saved(act, request.customer_id, request.method_id)
                if method is None:
                    raise GatewayError(
                        f"the customer has saved no method {request.method_id[:40]!r}",
                        "see what is saved",
                    )
                act.charge(request, method)
            [first, *_] = known or books.history(act.books, request.payment_id)
            _check_same(first, request, request.method_id, saves_method=False)
        self._reply(request.payment_id, request.amount.minor, repeated=bool(known))
        return self._fact(first)

    # --- money back ------------------------------------------------------------------------

    def refund(self, request: RefundRequest) -> Fact:
        """Send money back to where it came from; the same id again tells how far it has come.

        Raises GatewayError for a known refund id with other content, for a payment that did not
        settle and for more than is left of it, GatewayUnreachable as `open_payment`.
        """
        self._check_reachable()
        with self._act() as act:
            known = books.refund_history(act.books, request.refund_id)
            if not known:
                payment = books.payment(act.books, request.external_id)
                if request.amount.asset != payment.asset:
                    raise GatewayError(
                        f"{payment.external_id} was paid in {payment.asset}", "refund it in that"
                    )
                act.check_left(payment, request.amount.minor)
                act.send_back(payment, request.amount.minor, request.refund_id, request.note)
                act.catch_up()
            *_, last = books.refund_history(act.books, request.refund_id)
        fact = self._fact(last)
        if (fact.amount, fact.payment_external_id) != (request.amount, request.external_id):
            raise GatewayError(
                f"{request.refund_id} was asked for with other content", "use a new refund id"
            )
        self._reply(request.refund_id, request.amount.minor, repeated=bool(known))
        return fact

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """All that is known of one of our refunds; nothing if it is unknown.

        Raises GatewayUnreachable when it is down.
        """
        self._check_reachable()
        with self._act() as act:
            return self._facts(books.refund_history(act.books, query.refund_id))

    # --- what happened ---------------------------------------------------------------------

    def facts(self, cursor: str | None) -> FactPage:
        """Up to 100 facts after `cursor`, by time; a new pass begins ten minutes back.

        Raises GatewayError for a cursor that is not the sandbox's, GatewayUnreachable when down.
        """
        self._check_reachable()
        high_water, after = messages.read_cursor(cursor)
        if after is None:
            after = (high_water - to_duration_micros(OVERLAP), -1)
        with self._act() as act:
            rows = books.feed(act.books, after, act.now, PAGE_SIZE + 1)
        told = [row for row in rows[:PAGE_SIZE] for _ in range(self._times_told(row))]
        complete = len(rows) <= PAGE_SIZE
        if complete:
            newest = max((row.created_at for row in rows), default=high_water)
            cursor = str(max(high_water, newest))
        else:
            # Only a whole pass moves the mark: one cut short is begun again.
            last = rows[PAGE_SIZE - 1]
            cursor = f"{high_water}/{last.created_at}/{last.number}"
        events = tuple(messages.to_event(row) for row in told)
        return FactPage(self._facts(told), cursor, complete=complete, events=events)

    def sweep(self, since: datetime, cursor: str | None) -> FactPage:
        """All that happened from `since` on, whether the feed has told it yet or not.

        Raises GatewayError for a cursor that is not a sweep's, GatewayUnreachable when down.
        """
        self._check_reachable()
        after = (to_micros(since), -1) if cursor is None else messages.read_sweep_cursor(cursor)
        with self._act() as act:
            rows = books.feed(act.books, after, EVER, PAGE_SIZE + 1)
        page = rows[:PAGE_SIZE]
        last = (page[-1].created_at, page[-1].number) if page else after
        return FactPage(
            self._facts(page),
            f"sweep/{last[0]}/{max(last[1], 0)}",
            complete=len(rows) <= PAGE_SIZE,
        )

    def read_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> FactPage:
        """A message of the sandbox's brought by hand, whether it is down or not.

        Raises BadInput for a signature that is missing, wrong or older than five minutes, and for a
        message that cannot be read.
        """
        with self._act() as act:
            messages.check_signature(body, headers, books.secret(act.books), now)
            row = books.event(act.books, messages.read_event_number(body))
        if row is None:
            raise BadInput("the message speaks of what never happened", "poll instead")
        return FactPage((self._fact(row),), "", complete=True, events=(messages.to_event(row),))

    # --- customers and what they saved -----------------------------------------------------

    def ensure_customer(self, account_ref: str, name: str, email: str | None) -> str:
        """The id of a customer, made when new; a known one gets this name and address.

        Raises GatewayUnreachable when it is down.
        """
        self._check_reachable()
        customer_id = self._chance.make_id("sbc", "customer", account_ref)
        with self._act() as act:
            books.keep_customer(act.books, customer_id, account_ref, name, email)
        return customer_id

    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        """A page where the customer saves a method; its id is the one that the method will have.

        Raises GatewayError for an unknown customer, GatewayUnreachable when it is down.
        """
        self._check_reachable()
        with self._act() as act:
            books.check_customer(act.books, customer_id)
            method_id = act.await_method(customer_id)
        return HostedPage(f"https://sandbox.invalid/save/{method_id}", method_id)

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What the customer has saved. Raises GatewayUnreachable when it is down."""
        self._check_reachable()
        with self._act() as act:
            rows = books.saved_methods(act.books, customer_id)
        return tuple(messages.to_method(row) for row in rows)

    def remove_method(self, method: Method) -> None:
        """Forget a saved method, if it is still there. Raises GatewayUnreachable when down."""
        self._check_reachable()
        with self._act() as act:
            known = _saved(act, method.customer_id, method.method_id)
            if known is not None:
                act.remove(known)

    # --- books, and what is billed here -----------------------------------------------------

    def rows(self, since: datetime, until: datetime) -> Iterator[GatewayRow]:
        """Every movement of a half-open span. Raises GatewayUnreachable when it is down."""
        self._check_reachable()
        return iter(self._movements(to_micros(since), to_micros(until)))

    def subscription(self, external_id: str) -> Fact:
        """A subscription that a customer has here. Raises GatewayError, GatewayUnreachable."""
        self._check_reachable()
        return self._bill_now(external_id)

    def invoice(self, external_id: str) -> Fact:
        """An invoice as it is now. Raises GatewayError, GatewayUnreachable."""
        self._check_reachable()
        return self._bill_now(external_id)

    def send_invoice(self, request: InvoiceRequest) -> Fact:
        """Send an invoice of the desk's; same id, same invoice.

        Raises GatewayError for a known id with other content, GatewayUnreachable as `open_payment`.
        """
        self._check_reachable()
        fact, known = self._send(request)
        self._reply(request.invoice_id, request.total_minor, repeated=known)
        return fact

    # --- inside ----------------------------------------------------------------------------

    def _times_told(self, row: EventRow) -> int:
        own = row.payment is not None and row.payback is None
        known_by = row.payment.payment_id if row.payment and own else row.object_id
        return (
            2 if self._chance.falls(self.switches.duplicates_percent, "duplicate", known_by) else 1
        )

    def _check_reachable(self) -> None:
        if self.switches.down:
            raise GatewayUnreachable("the sandbox is down", "try again later")
        if self.switches.key_refused:
            raise KeyRefused(f"the key of {self.name} was refused", "connect it again")
        if self.switches.busy_seconds is not None:
            raise GatewayBusy(
                f"{self.name} asks to be left alone for a while",
                "wait, then ask again",
                retry_after_seconds=self.switches.busy_seconds,
            )

    def _reply(self, id: str, minor: int, *, repeated: bool) -> None:
        """Send an answer; the first one to a request may get lost."""
        percent = self.switches.lost_replies_percent
        if not repeated and self._chance.is_to("lose reply", minor, percent, id):
            raise GatewayUnreachable("the sandbox's reply was lost", "poll to learn what it did")


def _check_money(amount: Money) -> None:
    if amount.asset == CREDIT or amount.minor <= 0:
        raise GatewayError(f"the sandbox takes no {amount}", "ask for real money")


def _check_same(
    row: EventRow,
    request: PaymentRequest | OffSessionRequest,
    method_id: str | None,
    *,
    saves_method: bool,
) -> None:
    """Raise GatewayError for other content under a known id; an address may have changed."""
    asked = payment_row(row.object_id, request, method_id, saves_method=saves_method)
    if asked != row.payment:
        raise GatewayError(
            f"{request.payment_id} was opened with other content", "use a new payment id"
        )


def _saved(act: Act, customer_id: str, method_id: str) -> MethodRow | None:
    saved = books.saved_methods(act.books, customer_id)
    return next((row for row in saved if row.method_id == method_id), None)
