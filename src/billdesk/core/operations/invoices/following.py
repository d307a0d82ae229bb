"""What follows when an invoice is paid, fails or comes to nothing: in the same write block.

A subscription is active again, a pack's credits are granted. Those operations issue and collect
invoices themselves, so they are found by name, as the desk finds its nouns, and only when needed: a
payment for a manual invoice follows nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module

from billdesk.core.operations.office import Office
from billdesk.core.rules.invoices import InvoiceRecord
from billdesk.core.store.sessions import Session
from billdesk.core.values.ids import is_id

_SUBSCRIPTIONS, _PACKS = "subscriptions.subscribing", "credits.packing"
_BILLED = ("subscription", "proration", "usage")


def follow_paid(office: Office, session: Session, invoice: InvoiceRecord, now: datetime) -> None:
    """An invoice is paid: a subscription may be active again, a pack's credits are granted."""
    if _is_of_subscription(invoice):
        _found(_SUBSCRIPTIONS, "invoice_paid")(office, session, invoice.about, invoice.id, now)
    elif invoice.source == "pack":
        _found(_PACKS, "pack_paid")(office, session, invoice.id, now)


def follow_failure(office: Office, session: Session, invoice: InvoiceRecord, now: datetime) -> None:
    """An invoice could not be collected for the first time: its subscription is past due."""
    if _is_of_subscription(invoice):
        _found(_SUBSCRIPTIONS, "invoice_failed")(office, session, invoice.about, invoice.id, now)


def follow_nothing(office: Office, session: Session, invoice: InvoiceRecord, now: datetime) -> None:
    """An invoice comes to nothing (void, or all of it credited): nothing of it is owed any more."""
    if _is_of_subscription(invoice):
        _found(_SUBSCRIPTIONS, "invoice_paid")(office, session, invoice.about, invoice.id, now)
    elif invoice.source == "pack":
        _found(_PACKS, "pack_failed")(office, session, invoice.id, now)


def _is_of_subscription(invoice: InvoiceRecord) -> bool:
    return invoice.source in _BILLED and is_id(invoice.about or "", "sub")


def _found(module: str, name: str) -> Callable[..., None]:
    follower: Callable[..., None] = getattr(
        import_module(f"billdesk.core.operations.{module}"), name
    )
    return follower
