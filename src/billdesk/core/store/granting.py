"""Who may do what in a Postgres ledger: a client reads all, and moves money through functions alone."""

from __future__ import annotations

import re

from billdesk.core.store.postgres import PostgresDatabase
from billdesk.core.values.errors import BadInput, NotFound

_LOGIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", re.ASCII)

_GRANTS = (
    "GRANT USAGE ON SCHEMA billdesk TO {login}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA billdesk TO {login}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA billdesk TO {login}",
    "GRANT INSERT ON account, wallet_freeze, payment, fact, freshness, posting_search TO {login}",
    "GRANT UPDATE (status, status_since) ON account TO {login}",
    "GRANT UPDATE (floor_minor, freezes) ON wallet TO {login}",
    "GRANT UPDATE (lifted_at, lifted_by, lift_memo) ON wallet_freeze TO {login}",
    "GRANT UPDATE (status, detail, changed_at, external_id, pay_url, fee_minor) ON payment TO {login}",
    "GRANT UPDATE (posting_id, asked_at, asks) ON payment TO {login}",
    "GRANT UPDATE (state, detail) ON fact TO {login}",
    "GRANT UPDATE ON freshness TO {login}",
    "GRANT INSERT, UPDATE ON indexing TO {login}",
    "GRANT UPDATE (gateway) ON account TO {login}",
    "GRANT UPDATE (charge_id, refunded_minor, disputed_minor) ON payment TO {login}",
    "GRANT INSERT ON gateway, gateway_event, gap, card_refund, dispute, customer TO {login}",
    "GRANT INSERT ON payment_method, watch, reconciliation, reconciliation_item TO {login}",
    "GRANT UPDATE (account, mode, settings, added_at, added_by, removed_at) ON gateway TO {login}",
    "GRANT UPDATE (healed_at) ON gap TO {login}",
    (
        "GRANT UPDATE (external_id, status, detail, posting_id, changed_at, asked_at, asks)"
        " ON card_refund TO {login}"
    ),
    "GRANT UPDATE (status, hold_id, posting_id, detail, closed_at) ON dispute TO {login}",
    "GRANT UPDATE (external_id) ON customer TO {login}",
    (
        "GRANT UPDATE (account_id, customer_id, label, expires, role, removed_at)"
        " ON payment_method TO {login}"
    ),
    "GRANT UPDATE ON watch TO {login}",
    "GRANT UPDATE (finished_at, summary, digest) ON reconciliation TO {login}",
    "GRANT UPDATE (note, explained_by, explained_at) ON reconciliation_item TO {login}",
    "GRANT INSERT ON catalog, catalog_item, party, subscription, billing_period TO {login}",
    "GRANT INSERT ON subscription_change, credit_lot, credit_use, pack_purchase TO {login}",
    "GRANT INSERT ON usage_stream, usage_event, usage_hour, usage_budget, usage_alert TO {login}",
    "GRANT INSERT ON usage_run, usage_line, usage_period, invoice_series TO {login}",
    "GRANT INSERT ON invoice, invoice_line TO {login}",
    "GRANT UPDATE (retired_at) ON catalog_item TO {login}",
    "GRANT UPDATE ON party, subscription, usage_budget, usage_run, usage_period TO {login}",
    "GRANT UPDATE (invoice_id) ON billing_period TO {login}",
    "GRANT UPDATE (remaining, ended_at, expires_at, priority) ON credit_lot TO {login}",
    (
        "GRANT UPDATE (status, refunded_minor, invoice_id, lot_id, detail, changed_at)"
        " ON pack_purchase TO {login}"
    ),
    "GRANT UPDATE (quantity, events, changed_at) ON usage_hour TO {login}",
    "GRANT UPDATE (last, prefix, digits) ON invoice_series TO {login}",
    "GRANT UPDATE ON invoice, invoice_line TO {login}",
    "GRANT DELETE ON invoice_line, usage_budget TO {login}",
    "GRANT UPDATE (invoice_id) ON payment TO {login}",
)


def grant_statements(login: str) -> list[str]:
    """The statements that give a login, which exists, what a client needs."""
    return [statement.format(login=f'"{login}"') for statement in _GRANTS]


def grant_client(url: str, login: str) -> None:
    """Give a login what a client needs. Raises BadInput, NotFound, NotAllowed, StoreError kinds."""
    if _LOGIN.fullmatch(login) is None:
        raise BadInput(f"{login[:40]!r} is not the name of a login", "letters, digits, _ and -")
    database = PostgresDatabase(url)
    try:
        with database.write() as session:
            if session.one("SELECT 1 FROM pg_roles WHERE rolname = ?", (login,)) is None:
                raise NotFound(f"there is no login {login}", "make it with CREATE ROLE … LOGIN")
            for statement in grant_statements(login):
                session.run(statement)
    finally:
        database.close()
