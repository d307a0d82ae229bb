"""What happens when a wallet runs low: it is told of, and topped up by itself. Here it is set."""

from __future__ import annotations

from billdesk.core.operations.accounts.enrolling import HOUSE
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.depositing import MINIMUM
from billdesk.core.rules.sheets import Page, WatchSheet
from billdesk.core.rules.watches import NOTHING_SAVED, STOPPED_BY_HAND, Watch
from billdesk.core.store import watches as store
from billdesk.core.store.methods import method_in_role
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import AccountClosed, BadInput, Broken, Refused
from billdesk.core.values.money import CREDIT, Money, exponent_of, read_amount


class Watches:
    """`desk.watches`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def get(self, account: str, asset: str | None = None) -> WatchSheet:
        """What is watched of a wallet; all empty where nothing is. Raises NotFound, BadInput."""
        office = self._office
        asset = asset or office.default_asset
        exponent_of(asset)
        with office.database.read() as session:
            owner = office.account(session, account)
            watch = store.watch_of(session, owner.id, asset)
        if watch is None:
            return WatchSheet(owner.ref, asset, None, None, None, None, None, 0, None)
        return store.watch_sheet(watch)

    def list(self, *, after: str | None = None, limit: int = 200) -> Page[WatchSheet]:
        """Wallets that are watched, by ref. Raises BadInput."""
        check_limit(limit)
        ref, _, asset = (after or "").partition("/")
        with self._office.database.read() as session:
            rows = store.list_watches(session, (ref, asset), limit)
        more = f"{rows[-1].account_ref}/{rows[-1].asset}" if len(rows) == limit else None
        return Page(tuple(store.watch_sheet(row) for row in rows), more)

    def set_alert(
        self, account: str, below: Money | str | None, asset: str | None = None
    ) -> WatchSheet:
        """Have it told, once per dip, when less than `below` is available; None: not any more.

        The same again changes nothing. Raises BadInput, NotFound.
        """
        office = self._office
        money = None if below is None else read_amount(below, asset or office.default_asset)
        asset = money.asset if money else asset or office.default_asset
        exponent_of(asset)
        minor = None if money is None else money.minor
        with office.database.write() as session:
            watch = self._watch(session, account, asset)
            if watch.alert_minor == minor:
                return store.watch_sheet(watch)
            watch = watch._replace(alert_minor=minor, alert_armed=True, alerted_at=None)
            return self._save(
                session, watch, "alert.set", f"told below {money}" if money else "off"
            )

    def set_topup(
        self,
        account: str,
        *,
        below: Money | str,
        amount: Money | str,
        daily: Money | str | None = None,
    ) -> WatchSheet:
        """Have `amount` taken from the default method, once per dip, when less than `below` is available.

        `daily` is the most that is taken so in a day of the desk's time zone. What was stopped stays so.
        Raises BadInput (10.00 USD at least), NotFound, AccountClosed, Refused without a default method.
        """
        office = self._office
        low = read_amount(below, office.default_asset)
        taken = read_amount(amount, low.asset)
        most = None if daily is None else read_amount(daily, low.asset)
        _check_topup(low, taken, most)
        with office.database.write() as session:
            watch = self._watch(session, account, low.asset)
            if watch.account_status != "open":
                raise AccountClosed(f"the account is {watch.account_status}", "reopen it first")
            _check_default(session, watch)
            wanted = watch._replace(
                below_minor=low.minor,
                amount_minor=taken.minor,
                daily_minor=None if most is None else most.minor,
            )
            if wanted == watch:
                return store.watch_sheet(watch)
            summary = f"{taken} below {low}" + (f", {most} a day at most" if most else "")
            return self._save(session, wanted, "topup.set", summary)

    def stop_topup(self, account: str, asset: str | None = None) -> WatchSheet:
        """Take nothing more by itself; what is on its way arrives. Raises NotFound, Refused."""
        with self._office.database.write() as session:
            watch = self._topped_up(session, account, asset)
            if watch.stopped == STOPPED_BY_HAND:
                return store.watch_sheet(watch)
            watch = watch._replace(stopped=STOPPED_BY_HAND)
            return self._save(session, watch, "topup.stop", STOPPED_BY_HAND)

    def resume_topup(self, account: str, asset: str | None = None) -> WatchSheet:
        """Top up again after it was stopped, at once if attempts had failed and the wallet is low.

        Raises NotFound, Refused when no top-up is set or no default method is saved.
        """
        with self._office.database.write() as session:
            watch = self._topped_up(session, account, asset)
            _check_default(session, watch)
            if watch.stopped is None and watch.declines == 0:
                return store.watch_sheet(watch)
            # A dip that was topped up, or is about to be, is not topped up again by resuming.
            had_failed = watch.declines > 0 and watch.payment_id is None
            armed = watch.topup_armed or had_failed
            watch = watch._replace(stopped=None, declines=0, topup_armed=armed)
            return self._save(session, watch, "topup.resume", "topped up again")

    def _watch(self, session: Session, account: str, asset: str) -> Watch:
        """The watch of a wallet, locked; made if it is not there."""
        office = self._office
        owner = office.account(session, account)
        if owner.ref == HOUSE:
            raise Refused("the house account belongs to the desk", "name a customer's account")
        watch = store.open_watch(session, owner.id, asset, to_micros(office.now()))
        if watch is None:
            raise Broken("a watch that was just made is not there")
        return watch

    def _topped_up(self, session: Session, account: str, asset: str | None) -> Watch:
        """The watch of a wallet that is topped up, locked. Raises Refused where none is."""
        wanted = asset or self._office.default_asset
        owner = self._office.account(session, account)
        watch = store.locked_watch(session, owner.id, wanted)
        if watch is None or watch.below_minor is None:
            raise Refused(f"no top-up is set for {wanted[:20]} of {owner.ref}", "set one first")
        return watch

    def _save(self, session: Session, watch: Watch, action: str, summary: str) -> WatchSheet:
        now = self._office.now()
        store.save_watch(session, watch, to_micros(now))
        self._office.audit(
            session, now=now, action=action, summary=f"{watch.asset}: {summary}",
            account_id=watch.account_id,
        )  # fmt: skip
        return store.watch_sheet(watch)


def _check_topup(low: Money, taken: Money, most: Money | None) -> None:
    """Raises BadInput for a top-up that could never be."""
    if low.asset == CREDIT:
        raise BadInput("credits are not topped up by themselves", "watch a wallet of money")
    if {low.asset, taken.asset, most.asset if most else low.asset} != {low.asset}:
        raise BadInput(f"{taken} does not go into a wallet of {low.asset}", "use one asset")
    if taken.asset == MINIMUM.asset and taken.minor < MINIMUM.minor:
        raise BadInput(f"{taken} is less than the smallest deposit", f"{MINIMUM} at least")
    if most is not None and most.minor < taken.minor:
        raise BadInput(
            f"with {most} a day at most, {taken} would never be taken", "allow for one at least"
        )


def _check_default(session: Session, watch: Watch) -> None:
    if method_in_role(session, watch.account_id, "default") is None:
        raise Refused(NOTHING_SAVED, "have one saved first: billdesk method add")
