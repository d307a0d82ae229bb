"""Customers and their saved ways to pay, as the gateways tell of them or answer when asked.

Only what a gateway shows is kept: a label such as `Visa ···· 4242` and its own id. The first that an
account saves becomes its default.
"""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Gateway, Method
from billdesk.core.rules.sheets import AccountSheet
from billdesk.core.store import methods as store
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros


def keep_method(
    office: Office,
    session: Session,
    account_id: str,
    gateway: str,
    mode: str,
    method: Method,
    now: datetime,
    *,
    seen_at: datetime | None = None,
) -> bool:
    """Keep a saved method of an account, once; whether it is new.

    `seen_at` (else now) is when it was there: one that was removed since then stays removed. A method
    that another account has saved stays with that account.
    """
    store.lock_methods(session, account_id)
    known = store.known_method(session, gateway, mode, method.method_id)
    at = to_micros(now)
    if known is not None:
        method_id, owner_id, removed_at = known
        if removed_at is None:
            store.renew_method(session, method_id, owner_id, method)
            return False
        if removed_at >= to_micros(seen_at or now):
            return False
        store.renew_method(session, method_id, account_id, method)
    else:
        method_id = office.ids.make("pm", now)
        store.add_method(
            session, id=method_id, account_id=account_id, gateway=gateway, mode=mode,
            method=method, at=at,
        )  # fmt: skip
    store.keep_customer(
        session, account_id=account_id, gateway=gateway, mode=mode,
        external_id=method.customer_id, at=at,
    )  # fmt: skip
    if store.method_in_role(session, account_id, "default") is None:
        store.set_role(session, method_id, account_id, "default")
    office.audit(
        session, now=now, action="method.add", summary=f"{method.label} at {gateway}",
        account_id=account_id, data={"method": method_id},
    )  # fmt: skip
    return True


def forget_method(
    office: Office, session: Session, gateway: str, mode: str, method: Method, now: datetime
) -> bool:
    """Mark a method as removed that is gone at the gateway; whether it was there."""
    known = store.known_method(session, gateway, mode, method.method_id)
    return known is not None and mark_removed(office, session, known[0], now, "gone at the gateway")


def mark_removed(office: Office, session: Session, method_id: str, now: datetime, why: str) -> bool:
    """Mark a method as removed, and say why in the audit log; whether it was there."""
    known = store.method_by_id(session, method_id)
    if known is None or not store.remove_method(session, method_id, to_micros(now)):
        return False
    sheet, account_id, _ = known
    office.audit(
        session, now=now, action="method.remove",
        summary=f"{sheet.label} at {sheet.gateway}: {why}", account_id=account_id,
        data={"method": method_id},
    )  # fmt: skip
    return True


def customer_at(office: Office, account: AccountSheet, gateway: Gateway, now: datetime) -> str:
    """The gateway's id of an account, made when it is new there. Raises GatewayError kinds."""
    with office.database.read() as session:
        known = store.customer_of(session, account.id, gateway.name, gateway.mode)
    if known is not None:
        return known
    external_id = gateway.ensure_customer(account.ref, account.name, account.email)
    with office.database.write() as session:
        store.keep_customer(
            session, account_id=account.id, gateway=gateway.name, mode=gateway.mode,
            external_id=external_id, at=to_micros(now),
        )  # fmt: skip
    return external_id
