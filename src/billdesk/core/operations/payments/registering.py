"""Ways to pay that accounts have saved: seen, added on the gateway's own page, ranked, removed.

No card number ever enters the desk: what is typed is typed at the gateway, and what is kept is what it
shows.
"""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.accounts.enrolling import HOUSE
from billdesk.core.operations.facts.saving import customer_at, keep_method, mark_removed
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.depositing import gateway_of
from billdesk.core.operations.payments.paying import gateway_of_method
from billdesk.core.rules.gateway import Gateway, Method
from billdesk.core.rules.sheets import HostedPageSheet, MethodSheet
from billdesk.core.store import methods as store
from billdesk.core.store.mirrors import gateway_subscriptions
from billdesk.core.store.sessions import Session
from billdesk.core.store.watches import topped_up_assets
from billdesk.core.values.errors import AccountClosed, BadInput, NotFound, Refused

ROLES = ("default", "backup", "")


class Methods:
    """`desk.methods`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def list(self, account: str) -> tuple[MethodSheet, ...]:
        """What an account has saved: the default, the backup, then the others. Raises NotFound."""
        with self._office.database.read() as session:
            return tuple(store.methods_of(session, self._office.account(session, account).id))

    def get(self, method_id: str) -> MethodSheet:
        """One saved method; also one that was removed since. Raises NotFound."""
        with self._office.database.read() as session:
            known = store.method_by_id(session, method_id)
        if known is None:
            raise _not_found(method_id)
        return known[0]

    def page(self, account: str, gateway: str | None = None) -> HostedPageSheet:
        """A page of the gateway's own where the account's owner saves a way to pay.

        `gateway` as for a deposit. What was saved there is known with the next poll or refresh.
        Raises NotFound, AccountClosed, Refused inside a transaction, NotOffered, GatewayError kinds.
        """
        office = self._office
        self._check_free_to_ask()
        now = office.now()
        with office.database.read() as session:
            owner = office.account(session, account)
            maker = gateway_of(office, session, account, gateway)
        if owner.ref == HOUSE:
            raise Refused("the house account pays nothing in", "name a customer's account")
        if owner.status == "closed":
            raise AccountClosed("the account is closed", "reopen it first")
        page = maker.method_page(customer_at(office, owner, maker, now), owner.ref)
        with office.database.write() as session:
            office.audit(
                session, now=now, action="method.page", summary=f"a page of {maker.name} to save at",
                account_id=owner.id,
            )  # fmt: skip
        return HostedPageSheet(owner.ref, maker.name, maker.mode, page.url)

    def refresh(self, account: str) -> tuple[MethodSheet, ...]:
        """Ask the gateways what an account has saved there; what is gone is removed here.

        Gateways that are not connected are left out. Raises NotFound, Refused inside a transaction,
        GatewayError kinds.
        """
        office = self._office
        self._check_free_to_ask()
        now = office.now()
        with office.database.read() as session:
            account_id = office.account(session, account).id
            customers = store.customers_of(session, account_id)
        for name, mode, customer_id in customers:
            gateway = office.gateways.get(name)
            if gateway is not None and gateway.mode == mode:
                self._compare(account_id, gateway, customer_id, now)
        return self.list(account)

    def _check_free_to_ask(self) -> None:
        """Raises ReadOnly, Refused inside a transaction: what a gateway did is not rolled back."""
        self._office.check_writable()
        self._office.check_outside()

    def _compare(self, account_id: str, gateway: Gateway, customer_id: str, now: datetime) -> None:
        """Bring one customer's methods up to date with what the gateway has now."""
        office = self._office
        there = gateway.methods(customer_id)
        ids = {method.method_id for method in there}
        with office.database.write() as session:
            for method in there:
                keep_method(office, session, account_id, gateway.name, gateway.mode, method, now)
            for sheet in store.methods_of(session, account_id):
                is_here = (sheet.gateway, sheet.mode) == (gateway.name, gateway.mode)
                # What was saved since we asked is not gone.
                if (
                    is_here
                    and sheet.customer_id == customer_id
                    and sheet.external_id not in ids
                    and sheet.added_at < now
                ):
                    mark_removed(office, session, sheet.id, now, "gone at the gateway")

    def set_role(self, method_id: str, role: str) -> MethodSheet:
        """Make a method the `default`, the `backup`, or (empty) neither; whichever was it is no more.

        Raises BadInput, NotFound, Refused where a top-up would be left without its default.
        """
        office = self._office
        now = office.now()
        if role not in ROLES:
            raise BadInput(f"there is no role {role[:30]!r}", "default, backup, or nothing")
        with office.database.write() as session:
            sheet, account_id = _locked(session, method_id)
            if sheet.role == role:
                return sheet
            _check_not_needed(session, sheet, account_id)
            store.set_role(session, method_id, account_id, role)
            office.audit(
                session, now=now, action="method.role",
                summary=f"{sheet.label} is {f'the {role}' if role else 'neither default nor backup'}",
                account_id=account_id, data={"method": method_id},
            )  # fmt: skip
        return sheet._replace(role=role)

    def remove(self, method_id: str) -> MethodSheet:
        """Remove a method at its gateway, then here; one that is removed already is no error.

        Raises NotFound, Refused while something needs it or inside a transaction, GatewayError kinds.
        """
        office = self._office
        self._check_free_to_ask()
        now = office.now()
        with office.database.read() as session:
            known = store.method_by_id(session, method_id)
            if known is None:
                raise _not_found(method_id)
            sheet, account_id, is_gone = known
            if is_gone:
                return sheet
            _check_not_needed(session, sheet, account_id)
            _check_not_last(session, sheet, account_id)
        gateway_of_method(office, sheet).remove_method(
            Method(sheet.external_id, sheet.customer_id, sheet.label, sheet.expires)
        )
        with office.database.write() as session:
            mark_removed(office, session, sheet.id, now, "removed")
        return sheet._replace(role="")


def _check_not_needed(session: Session, sheet: MethodSheet, account_id: str) -> None:
    """Raises Refused, saying what, while something charges this method by itself."""
    if sheet.role != "default":
        return
    assets = topped_up_assets(session, account_id)
    if assets:
        raise Refused(
            f"the {' and the '.join(assets)} wallet of {sheet.account_ref} is topped up from"
            f" {sheet.label}",
            "make another method the default, or stop the top-up first",
        )
    plans = store.charged_plans(session, account_id)
    if plans:
        raise Refused(
            f"{sheet.account_ref} pays {' and '.join(plans)} from {sheet.label}",
            "make another method the default, or let the subscription be paid in another way",
        )


def _check_not_last(session: Session, sheet: MethodSheet, account_id: str) -> None:
    """Raises Refused for the last method at a gateway that still keeps a subscription of the account."""
    kept = gateway_subscriptions(session, account_id, sheet.gateway, sheet.mode)
    others = [
        each
        for each in store.methods_of(session, account_id)
        if (each.gateway, each.mode) == (sheet.gateway, sheet.mode) and each.id != sheet.id
    ]
    if kept and not others:
        raise Refused(
            f"{sheet.gateway} charges {sheet.account_ref} for {' and '.join(kept)}, and"
            f" {sheet.label} is the last method there",
            f"cancel it at {sheet.gateway}, or have another method saved first",
        )


def _locked(session: Session, method_id: str) -> tuple[MethodSheet, str]:
    """A method that is there, and its account's id; others change nothing of it until the block ends."""
    known = store.method_by_id(session, method_id)
    if known is not None:
        store.lock_methods(session, known[1])
        known = store.method_by_id(session, method_id)
    if known is None or known[2]:
        raise _not_found(method_id)
    return known[0], known[1]


def _not_found(method_id: str) -> NotFound:
    return NotFound(f"there is no saved method {method_id[:64]!r}", "see billdesk method list")
