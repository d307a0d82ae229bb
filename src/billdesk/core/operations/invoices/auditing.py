"""Proving invoices: no number missing or doubled, nothing changed, each payment with its posting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from billdesk.core.operations.office import Office
from billdesk.core.rules.invoices import digest_of_invoice, earnings, totals_of
from billdesk.core.rules.sheets import InvoiceAuditSheet
from billdesk.core.store import invoice_audits as store
from billdesk.core.store.invoice_audits import Audited, Series
from billdesk.core.store.sessions import Session
from billdesk.core.values.money import Money

_MOST_PROBLEMS = 100
"""More are not listed, only found."""


class _Problems:
    """What is wrong: the first of it in words, the rest by number alone."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._more = 0

    def add(self, text: str) -> None:
        if len(self._texts) < _MOST_PROBLEMS:
            self._texts.append(text)
        else:
            self._more += 1

    def told(self) -> tuple[str, ...]:
        return (*self._texts, *([f"and {self._more:,} more"] if self._more else []))


def audit_invoices(
    office: Office, on_progress: Callable[[int, int], None] | None = None
) -> InvoiceAuditSheet:
    """Look at every number and every finalized invoice, in flat memory. Raises StoreError kinds."""
    problems = _Problems()
    with office.database.read(snapshot=True) as session:
        told = store.series_told(session)
        for series in told:
            for text in _numbers(session, series):
                problems.add(text)
        checked, everything = 0, store.count_finalized(session) if on_progress else 0
        for some in store.finalized_invoices(session):
            checked += len(some)
            for audited in some:
                for text in _wrongs(audited):
                    problems.add(f"{audited.record.name}: {text}")
            if on_progress:
                on_progress(checked, everything)
        for posting_id, reference in store.strange_postings(session):
            problems.add(f"the posting {posting_id} says {reference}, which does not name it")
        for name, posting_id in store.reversed_postings(session):
            problems.add(f"{name}: its posting {posting_id} was undone alone")
    return InvoiceAuditSheet(
        series=tuple(
            (each.name, each.numbers, each.first_number, each.last_number) for each in told
        ),
        checked=checked,
        problems=problems.told(),
    )


def _numbers(session: Session, series: Series) -> Iterator[str]:
    """What is wrong with a series of numbers: they go from 1 to the counter, each once."""
    if series.numbers != series.last:
        for first, last in store.gaps(session, series.name):
            missing = f"{first}" if first == last else f"{first} to {last}"
            yield f"series {series.name}: {missing} is missing"
    if series.counter != series.last:
        yield f"series {series.name}: the last number is {series.last}, the counter says {series.counter}"


def _wrongs(audited: Audited) -> Iterator[str]:
    """What is wrong with one finalized invoice or credit note."""
    record = audited.record
    if record.digest != digest_of_invoice(record, audited.lines):
        yield "it was changed after it was finalized"
    totals = totals_of(audited.lines)
    stored = (record.subtotal_minor, record.tax_minor, record.total_minor)
    if stored != (*totals, totals.total_minor):
        yield "its totals are not the sums of its lines"
    if record.sequence is not None and not (record.invoice_number or "").endswith(
        str(record.sequence)
    ):
        yield f"its number is not the {record.sequence}th of its series"
    if record.kind == "invoice" and record.credited_minor != audited.credited_minor:
        yield f"{Money(audited.credited_minor, record.asset)} of it is credited by credit notes"
    yield from _money(audited)


def _money(audited: Audited) -> Iterator[str]:
    """What is wrong between an invoice and its posting."""
    record, posted = audited.record, audited.posted
    if record.posting_id is None:
        # What a gateway was paid in credits of its own never reached the desk.
        if record.paid_minor and record.source != "gateway":
            yield "it is paid without a posting"
        return
    if record.status != "paid":
        yield f"it is {record.status} and has a posting"
    if record.kind == "credit_note":
        expected = {party: -share_minor for party, share_minor in earnings(audited.lines)}
        sign = -1
    else:
        expected, sign = dict(earnings(audited.lines, audited.noted)), 1
    if posted != expected or sum(posted.values()) != sign * record.paid_minor:
        yield f"its posting {record.posting_id} is not what it comes to"
