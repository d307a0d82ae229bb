"""Ending an invoice that nobody pays: as void, or as uncollectible. Inside the caller's write block."""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.invoices.following import follow_nothing
from billdesk.core.operations.invoices.issuing import locked, sheet_of
from billdesk.core.operations.office import Office
from billdesk.core.rules.invoices import InvoiceRecord
from billdesk.core.rules.sheets import InvoiceSheet
from billdesk.core.store import invoices as store
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Refused


def void_invoice(
    office: Office, session: Session, invoice_id: str, memo: str, now: datetime
) -> InvoiceSheet:
    """End an invoice as if it had never been sent; it keeps its number, a draft has none.

    A payment that is still on its way stays in the wallet when it comes. Raises NotFound, Refused when
    it is paid, void or a credit note.
    """
    record = locked(session, invoice_id)
    _check_unpaid(record, ("draft", "open", "uncollectible"))
    _close(office, session, record, "void", memo, now)
    follow_nothing(office, session, record._replace(status="void", detail=memo), now)
    return sheet_of(session, invoice_id, now)


def write_off_invoice(
    office: Office, session: Session, invoice_id: str, memo: str, now: datetime
) -> InvoiceSheet:
    """Give up on an open invoice: it is uncollectible, until it is paid after all.

    Raises NotFound, Refused when it is not open.
    """
    record = locked(session, invoice_id)
    _check_unpaid(record, ("open",))
    _close(office, session, record, "uncollectible", memo, now)
    return sheet_of(session, invoice_id, now)


def _check_unpaid(record: InvoiceRecord, allowed: tuple[str, ...]) -> None:
    if record.kind != "invoice":
        raise Refused(f"{record.name} is a credit note", "issue another invoice instead")
    if record.status == "paid":
        raise Refused(
            f"{record.name} is paid", "give it back by a credit note: billdesk credit-note create"
        )
    if record.status not in allowed:
        remedy = "discard it: billdesk invoice void" if record.status == "draft" else "it is over"
        raise Refused(f"{record.name} is {record.status}", remedy)


def _close(
    office: Office, session: Session, record: InvoiceRecord, status: str, memo: str, now: datetime
) -> None:
    store.close_invoice(session, record.id, status=status, detail=memo, at=to_micros(now))
    action = "void" if status == "void" else "write_off"
    office.audit(
        session, now=now, action=f"invoice.{action}", summary=f"{record.name}: {memo}",
        account_id=record.account_id, data={"invoice": record.id},
    )  # fmt: skip
