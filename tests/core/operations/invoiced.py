"""A desk in Berlin that sells with tax, and short ways to issue invoices there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from billdesk.core.desk import Desk
from billdesk.core.operations.invoices.issuing import issue
from billdesk.core.operations.office import Office
from billdesk.core.rules.catalog import TaxRate
from billdesk.core.rules.invoices import InvoiceDraft, LineDraft, Source
from billdesk.core.rules.sheets import InvoiceSheet
from billdesk.core.store.meta import write_meta
from billdesk.core.store.sessions import Session

VAT = TaxRate("vat", "VAT", "Germany", Decimal(19), inclusive=False)
GST = TaxRate("gst", "GST", "India", Decimal(18), inclusive=True)

CATALOG = """
[company]
name = "Seller Ltd"
address = "1 Long Street\\nBerlin"
tax_id = "DE123"
email = "billing@seller.example"
terms = "Thank you."
due_days = 10
tax = "vat"

[taxes.vat]
name = "VAT"
jurisdiction = "Germany"
percent = "19"

[taxes.gst]
name = "GST"
jurisdiction = "India"
percent = "18"
inclusive = true
"""


def office_of(desk: Desk) -> Office:
    """What the desk's operations work with."""
    return desk._office


def sell(desk: Desk, catalog: str, folder: Path) -> None:
    """Sell by this catalog from now on; a plan is in it, since there is none without."""
    path = folder / "catalog.toml"
    path.write_text(catalog + _PLAN)
    assert desk.catalog.apply(path).mistakes == ()


_PLAN = """
[schedules.monthly]
name = "Monthly"
months = 1

[plans.pro]
name = "Pro"
family = "seats"
rank = 1
prices.monthly = "31.00 USD"

[packs.small]
name = "500 credits"
credits = 500
price = "5.00 USD"
"""


def set_up(desk: Desk, folder: Path) -> None:
    """Sell with tax, in Berlin."""
    sell(desk, CATALOG, folder)
    with office_of(desk).database.write() as session:
        write_meta(session, "zone", "Europe/Berlin")


@contextmanager
def block(desk: Desk) -> Iterator[tuple[Office, Session]]:
    """A write block for operations that run inside one."""
    office = office_of(desk)
    with office.database.write() as session:
        yield office, session


def issued(
    desk: Desk,
    *lines: LineDraft,
    account: str = "acme",
    asset: str = "USD",
    source: Source = "manual",
    about: str | None = None,
    reference: str | None = None,
    due_days: int | None = None,
) -> InvoiceSheet:
    """An invoice over these lines, else over 10.00 in one."""
    draft = InvoiceDraft(
        account, asset, lines or (LineDraft("Work", 1000),), source=source, about=about,
        reference=reference, due_days=due_days,
    )  # fmt: skip
    with block(desk) as (office, session):
        return issue(office, session, draft, desk.now())


def entries(desk: Desk, posting_id: str | None) -> dict[str, int]:
    """What a posting moved on the wallet, by counterparty, minor units."""
    assert posting_id is not None
    return {
        entry.counterparty: entry.amount.minor for entry in desk.ledger.posting(posting_id).entries
    }
