"""Low wallets, looked after by the tick: told of once per dip, topped up once per dip.

What is decided is written down first, with the payment, in one write block; then, outside it, the
method is charged. Whoever is killed in between leaves an open payment, which a poll sends again with
the same id. What comes of it is learnt from the payment alone, whichever way the gateway's word came.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.paying import STAYS_OPEN, charge_saved, is_connected
from billdesk.core.rules.sheets import MethodSheet
from billdesk.core.rules.watches import (
    NOTHING_SAVED,
    Watch,
    fits_the_day,
    learn,
    rearm,
    role_to_charge,
    tell,
)
from billdesk.core.store import watches as store
from billdesk.core.store.attempts import all_failed, topped_up_minor
from billdesk.core.store.freshness import freshness_of
from billdesk.core.store.meta import read_meta
from billdesk.core.store.methods import method_in_role
from billdesk.core.store.payments import add_payment
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import GatewayError, Refused
from billdesk.core.values.money import Money

_BATCH = 200
_MOST_CHARGES = 100
"""In one run; a charge may take seconds, and the rest comes with the next tick."""


class Watched(NamedTuple):
    """What a run did: wallets told of, payments started, and what went wrong."""

    alerts: int = 0
    topups: int = 0
    errors: tuple[str, ...] = ()


def run_watches(office: Office, now: datetime) -> Watched:
    """Do what is due for every watched wallet, in bounded steps; safe to repeat, and to interrupt."""
    run = _Run(office, now)
    after = ("", "")
    while run.topups < _MOST_CHARGES:
        with office.database.read() as session:
            due = store.due_watches(session, after, _BATCH)
        for account_id, asset in due:
            run.look_after(account_id, asset)
        if len(due) < _BATCH:
            break
        after = due[-1]
    return Watched(run.alerts, run.topups, tuple(run.errors))


class _Intent(NamedTuple):
    """A payment that is written down and now to be asked for."""

    payment_id: str
    gateway: str


class _Run:
    """One run over the watches: what it counted, and which gateways are to be left alone."""

    def __init__(self, office: Office, now: datetime) -> None:
        self.office, self.now = office, now
        self.alerts = self.topups = 0
        self.errors: list[str] = []
        self.left_alone: set[str] = set()
        with office.database.read() as session:
            zone = ZoneInfo(read_meta(session)["zone"])
            for gateway in tuple(office.gateways.values()):
                quiet_until = freshness_of(session, gateway.name, gateway.mode).quiet_until
                if quiet_until is not None and to_micros(now) < quiet_until:
                    self.left_alone.add(gateway.name)
        midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        self.day_start = to_micros(midnight)

    def look_after(self, account_id: str, asset: str) -> None:
        """Do what is due for one wallet; where the default method fails, the backup follows at once."""
        while True:
            with self.office.database.write() as session:
                watch = store.locked_watch(session, account_id, asset)
                intent = self._move(session, watch) if watch else None
            if watch is None or intent is None:
                return
            self.topups += 1
            try:
                charge_saved(self.office, intent.payment_id, self.now)
            except (GatewayError, Refused) as error:
                self.errors.append(f"top-up of {watch.account_ref}: {error.message}")
                if isinstance(error, STAYS_OPEN):
                    self.left_alone.add(intent.gateway)

    def _move(self, session: Session, found: Watch) -> _Intent | None:
        """Write down what became of a watch, and the payment that is to be asked for now, if any."""
        at = to_micros(self.now)
        watch = tell(rearm(learn(found)), at)
        role = role_to_charge(found, watch)
        watch, intent = self._start(session, found, watch, role) if role else (watch, None)
        if watch != found:
            store.save_watch(session, watch, at)
        if found.alert_armed and not watch.alert_armed:
            self.alerts += 1
            available = Money(watch.available_minor, watch.asset)
            self._audit(session, watch, "alert.low_balance", f"{available} available")
        if watch.stopped is not None and found.stopped is None:
            self._audit(session, watch, "topup.stop", watch.stopped)
        return intent

    def _start(
        self, session: Session, found: Watch, watch: Watch, role: str
    ) -> tuple[Watch, _Intent | None]:
        """Write down a payment from the method in that role, where one may be taken now."""
        method = method_in_role(session, watch.account_id, role)
        if method is None and role == "default":
            return watch._replace(stopped=NOTHING_SAVED), None
        if method is None or method.id == found.payment_method_id or not self._may_ask(method):
            return watch, None
        if role == "backup" and found.payment_id and not all_failed(session, found.payment_id):
            return watch, None  # somebody retries it by hand
        taken_minor = topped_up_minor(session, watch.account_id, watch.asset, self.day_start)
        if watch.amount_minor is None or not fits_the_day(watch, taken_minor):
            return watch, None
        amount = Money(watch.amount_minor, watch.asset)
        payment_id = self.office.ids.make("pay", self.now)
        add_payment(
            session, id=payment_id, account_id=watch.account_id, gateway=method.gateway,
            mode=method.mode, amount=amount, actor=self.office.actor, at=to_micros(self.now),
            purpose="topup", method_id=method.id,
            retries_id=found.payment_id if role == "backup" else None,
        )  # fmt: skip
        self._audit(
            session, watch, "topup.start", f"{amount} from {method.label}", payment=payment_id
        )
        return (
            watch._replace(topup_armed=False, payment_id=payment_id),
            _Intent(payment_id, method.gateway),
        )

    def _may_ask(self, method: MethodSheet) -> bool:
        """Whether the gateway of a method is connected and not to be left alone."""
        if not is_connected(self.office, method):
            self.errors.append(
                f"top-up of {method.account_ref}: {method.gateway} is not connected in"
                f" {method.mode} mode"
            )
            return False
        return method.gateway not in self.left_alone

    def _audit(
        self, session: Session, watch: Watch, action: str, summary: str, **data: object
    ) -> None:
        self.office.audit(
            session, now=self.now, action=action, summary=f"{watch.asset}: {summary}",
            account_id=watch.account_id, data=data,
        )  # fmt: skip
