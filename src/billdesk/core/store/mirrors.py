"""Where the rows of what a gateway bills by itself are found, by its names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.invoices import LineRecord
from billdesk.core.rules.mirrors import GatewayInvoice
from billdesk.core.store.invoices import add_lines
from billdesk.core.store.methods import account_of_customer
from billdesk.core.store.sessions import Session


class SettledFact(NamedTuple):
    """What a gateway said of money that came: which attempt it was, and what it kept."""

    occurrence: str
    fee_minor: int | None


def invoice_of_fact(session: Session, fact: Fact, state: GatewayInvoice) -> str | None:
    """The invoice here that a gateway's is, or that its money has paid already.

    One that we sent is known by our own id, if we sent it to that gateway.
    """
    row = session.one(
        "SELECT id FROM invoice WHERE gateway = ? AND mode = ? AND external_id = ?",
        (fact.gateway, fact.mode, fact.object_id),
    )
    if row is None and state.invoice_id is not None:
        row = session.one(
            "SELECT id FROM invoice WHERE id = ? AND gateway = ? AND mode = ?"
            " AND external_id IS NULL",
            (state.invoice_id, fact.gateway, fact.mode),
        )
    for part in state.parts:
        row = row or session.one(
            "SELECT invoice_id FROM payment WHERE gateway = ? AND mode = ? AND external_id = ?"
            " AND invoice_id IS NOT NULL",
            (fact.gateway, fact.mode, part.external_id),
        )
    return None if row is None else str(row[0])


def owner_of(session: Session, fact: Fact) -> str | None:
    """Whose account a gateway's subscription or invoice is, by what is known here."""
    for table in ("subscription", "invoice"):
        row = session.one(
            f"SELECT account_id FROM {table} WHERE gateway = ? AND mode = ? AND external_id = ?",
            (fact.gateway, fact.mode, fact.object_id),
        )
        if row is not None:
            return str(row[0])
    state = fact.subscription or fact.invoice
    if state is None or state.customer_id is None:
        return None
    return account_of_customer(session, fact.gateway, fact.mode, state.customer_id)


def place_at(
    session: Session,
    invoice_id: str,
    gateway: str | None,
    mode: str | None,
    external_id: str | None,
) -> None:
    """Say where an invoice is kept, too; None of all: nowhere."""
    session.run(
        "UPDATE invoice SET gateway = ?, mode = ?, external_id = ? WHERE id = ?",
        (gateway, mode, external_id, invoice_id),
    )


def replace_lines(session: Session, invoice_id: str, lines: Sequence[LineRecord]) -> None:
    """Give a draft other lines."""
    session.run("DELETE FROM invoice_line WHERE invoice_id = ?", (invoice_id,))
    add_lines(session, lines)


def free_number(session: Session, series: str, number: str | None, external_id: str) -> str:
    """The gateway's number of an invoice; with its id where the number is taken already."""
    if number is None:
        return external_id
    taken = session.one(
        "SELECT 1 FROM invoice WHERE series = ? AND invoice_number = ?", (series, number)
    )
    return f"{number} {external_id}" if taken else number


def settled_fact(session: Session, gateway: str, mode: str, external_id: str) -> SettledFact | None:
    """What the gateway said of a payment that came, if it did."""
    row = session.one(
        "SELECT occurrence, fee_minor FROM fact WHERE gateway = ? AND mode = ? AND object_id = ?"
        " AND stage = 'settled' ORDER BY number DESC LIMIT 1",
        (gateway, mode, external_id),
    )
    return None if row is None else SettledFact(row[0], row[1])


def set_gateway_price(session: Session, subscription_id: str, price_minor: int | None) -> None:
    """Write what a gateway takes for a period of a subscription that it keeps, as far as it tells."""
    session.run(
        "UPDATE subscription SET price_minor = ? WHERE id = ?", (price_minor, subscription_id)
    )


def gateway_price(session: Session, subscription_id: str) -> int | None:
    """What a gateway takes for a period of a subscription that it keeps, minor units, if it tells."""
    [[price_minor]] = session.all(
        "SELECT price_minor FROM subscription WHERE id = ?", (subscription_id,)
    )
    return None if price_minor is None else int(price_minor)


def gateway_subscriptions(session: Session, account_id: str, gateway: str, mode: str) -> list[str]:
    """The names of what an account still has at a gateway."""
    rows = session.all(
        "SELECT memo FROM subscription WHERE account_id = ? AND gateway = ? AND mode = ?"
        " AND status <> 'canceled' AND paid_by = 'elsewhere' ORDER BY number",
        (account_id, gateway, mode),
    )
    return [str(row[0]) for row in rows]
