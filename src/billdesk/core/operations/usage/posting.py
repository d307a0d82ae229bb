"""Having bills of usage paid: from the wallet or on an invoice, inside the caller's write block.

A bill is paid whole or not at all. One that cannot be paid says why, and what is billed after it for the
same account waits with it, so that periods are closed in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from billdesk.core.operations.invoices.correcting import credit_invoice
from billdesk.core.operations.invoices.issuing import issue, tax_for
from billdesk.core.operations.ledger.booking import book
from billdesk.core.operations.ledger.settling import book_credit
from billdesk.core.operations.office import Office
from billdesk.core.operations.usage.pricing import Owed, Pricer
from billdesk.core.rules.invoices import InvoiceDraft, LineDraft
from billdesk.core.rules.ledger import SYSTEM, Draft, digest_of
from billdesk.core.rules.tax import tax_line
from billdesk.core.rules.usage_bills import (
    CLOSING,
    Bill,
    UsageLine,
    assets_of,
    kind_of,
    legs_of,
    revenue_of,
)
from billdesk.core.store.posting import lock_accounts, post_many
from billdesk.core.store.sessions import KeyTaken, LegRefused, Session
from billdesk.core.store.usage_lines import invoice_of
from billdesk.core.store.usage_runs import Run
from billdesk.core.values.clock import from_micros
from billdesk.core.values.errors import Refused
from billdesk.core.values.money import CREDIT
from billdesk.core.values.quantities import format_parts
from billdesk.core.values.text import MEMO_LENGTH


class Settled(NamedTuple):
    """What became of a bill: its postings and invoices, or why it could not be billed.

    `papers` by the index of a line, `postings` by asset.
    """

    owed: Owed
    postings: dict[str, str]
    papers: dict[int, str]
    failure: str | None = None

    @property
    def is_booked(self) -> bool:
        """Whether the ledger or an invoice has it now."""
        return self.failure is None


class _OneByOne(Exception):
    """A batch that needs the slow path; its savepoint is rolled back first."""


def settle(
    office: Office, session: Session, run: Run, pricer: Pricer, owed: Sequence[Owed], now: datetime
) -> list[Settled]:
    """Have bills paid, those of an account together and in order."""
    if run.post_to == "invoice":
        return _on_invoices(office, session, run, pricer, owed, now)
    return _from_wallets(office, owed, now)


def draft_of(office: Office, owed: Owed, asset: str, now: datetime, id: str | None = None) -> Draft:
    """The posting of a bill on the account's own wallet in `asset`."""
    subscription, bill = owed
    kind = kind_of(asset)
    legs = legs_of(bill, subscription.account_ref, asset)
    return Draft(
        id=id or office.ids.make("use", now),
        kind=kind,
        scope=SYSTEM,
        reference=f"usage:{subscription.id}:{bill.since}:{bill.seq}:{asset}",
        digest=digest_of(kind, legs, subscription.id, str(bill.since), str(bill.until)),
        actor=office.actor,
        legs=legs,
        recorded_at=office.recorded_at(now),
        about=subscription.id,
        # What is given back is not kept from an account that may take no new business.
        guarded=sum(leg.amount_minor for leg in legs) < 0,
    )


# --- from the wallet -----------------------------------------------------------------------------


def _from_wallets(office: Office, owed: Sequence[Owed], now: datetime) -> list[Settled]:
    """All at once if everybody can pay in money, else one by one to learn who cannot, and why."""
    wanted = [(place, asset) for place, each in enumerate(owed) for asset in assets_of(each.bill)]
    ids = office.ids.make_many("use", now, len(wanted))
    drafts = [
        draft_of(office, owed[place], asset, now, posting_id)
        for (place, asset), posting_id in zip(wanted, ids, strict=True)
    ]
    # Credits have lots that are kept in step, and money that comes back may settle a debt.
    if all(draft.guarded and draft.kind == "usage" for draft in drafts):
        try:
            with office.database.write() as session:
                if isinstance(post_many(session, drafts), int):
                    raise _OneByOne
        except (_OneByOne, KeyTaken, LegRefused):
            pass
        else:
            settled = [Settled(each, {}, {}) for each in owed]
            for (place, asset), posting_id in zip(wanted, ids, strict=True):
                settled[place].postings[asset] = posting_id
            return settled
    return _one_by_one(office, owed, now)


def _one_by_one(office: Office, owed: Sequence[Owed], now: datetime) -> list[Settled]:
    settled, stuck = [], set()
    for each in owed:
        account_id = each.subscription.account_id
        if account_id in stuck:
            continue
        try:
            with office.database.write():
                postings = {
                    asset: _book(office, each, asset, now) for asset in assets_of(each.bill)
                }
        except Refused as refusal:
            stuck.add(account_id)
            settled.append(Settled(each, {}, {}, refusal.message))
        else:
            settled.append(Settled(each, postings, {}))
    return settled


def _book(office: Office, owed: Owed, asset: str, now: datetime) -> str:
    draft = draft_of(office, owed, asset, now)
    return (book if draft.guarded else book_credit)(office, draft, now).id


# --- on an invoice -------------------------------------------------------------------------------


class _Entry(NamedTuple):
    """A line of a bill as it will stand on paper: which bill, which line of it, and what with tax."""

    place: int
    row: int
    line: UsageLine
    draft: LineDraft

    @property
    def gross_minor(self) -> int:
        """What it comes to with tax."""
        return sum(tax_line(self.draft.amount_minor, self.draft.tax))


def _on_invoices(
    office: Office, session: Session, run: Run, pricer: Pricer, owed: Sequence[Owed], now: datetime
) -> list[Settled]:
    """One invoice for each account and asset; an account whose invoice is refused is left as it was."""
    # Wallets are locked before the series of numbers, as everybody else does.
    lock_accounts(
        session, {each.subscription.account_id for each in owed if _touches_wallet(each.bill)}
    )
    settled: list[Settled] = []
    for _, some in groupby(owed, key=lambda each: each.subscription.account_id):
        together = list(some)
        try:
            with office.database.write():
                settled += _on_invoice(office, session, run, pricer, together, now)
        except Refused as refusal:
            settled += [Settled(each, {}, {}, refusal.message) for each in together]
    return settled


def _touches_wallet(bill: Bill) -> bool:
    return any(line.asset == CREDIT or line.amount_minor < 0 for line in bill.lines)


def _on_invoice(
    office: Office, session: Session, run: Run, pricer: Pricer, owed: Sequence[Owed], now: datetime
) -> list[Settled]:
    settled = [Settled(each, {}, {}) for each in owed]
    for each in settled:
        if CREDIT in assets_of(each.owed.bill):
            each.postings[CREDIT] = _book(office, each.owed, CREDIT, now)
    entries = _entries(session, pricer, owed)
    for asset in dict.fromkeys(entry.line.asset for entry in entries):
        some = [entry for entry in entries if entry.line.asset == asset]
        if sum(entry.gross_minor for entry in some) < 0:
            given_back = [entry for entry in some if entry.line.amount_minor < 0]
            some = [entry for entry in some if entry.line.amount_minor >= 0]
            _give_back(office, session, settled, given_back, now)
        if any(entry.line.amount_minor for entry in some):
            draft = _invoice(run, owed[0].subscription.account_id, asset, some)
            invoice = issue(office, session, draft, now)
            for entry in some:
                settled[entry.place].papers[entry.row] = invoice.id
    return settled


def _entries(session: Session, pricer: Pricer, owed: Sequence[Owed]) -> list[_Entry]:
    """The lines in money, but for those of which nothing was used and which cost nothing."""
    entries = []
    for place, (subscription, bill) in enumerate(owed):
        plan = pricer.plan(session, bill.plan_code, bill.plan_version)
        tax = tax_for(session, subscription.account_id, plan.tax_code)
        for row, line in enumerate(bill.lines):
            if line.asset == CREDIT or not (line.quantity or line.amount_minor):
                continue
            meter = pricer.meters[line.meter]
            text = f"{plan.name}, {meter.name}" + (", late" if bill.seq > CLOSING else "")
            priced = f"{text}: {line.detail}"
            draft = LineDraft(
                text=priced if line.detail and len(priced) <= MEMO_LENGTH else text,
                amount_minor=line.amount_minor,
                quantity=format_parts(line.quantity, meter.decimals),
                unit=meter.unit,
                tax=tax,
                revenue=revenue_of(line.meter),
                period_since=from_micros(bill.since),
                period_until=from_micros(bill.until),
            )
            entries.append(_Entry(place, row, line, draft))
    return entries


def _invoice(run: Run, account_id: str, asset: str, entries: Sequence[_Entry]) -> InvoiceDraft:
    lines = tuple(entry.draft for entry in entries)
    return InvoiceDraft(
        account=account_id,
        asset=asset,
        lines=lines,
        source="usage",
        reference=f"usage:{run.id}:{account_id}:{asset}",
        about=run.id,
        period_since=min(line.period_since for line in lines if line.period_since),
        period_until=max(line.period_until for line in lines if line.period_until),
    )


def _give_back(
    office: Office,
    session: Session,
    settled: Sequence[Settled],
    entries: Iterable[_Entry],
    now: datetime,
) -> None:
    """Credit what was billed too much on the invoice that billed it; else pay it back to the wallet."""
    to_wallet: dict[tuple[int, str], list[UsageLine]] = {}
    for place, row, line, draft in entries:
        subscription, bill = settled[place].owed
        invoice_id = invoice_of(session, subscription.id, line.meter, bill.since)
        if invoice_id is None:
            to_wallet.setdefault((place, line.asset), []).append(line)
            continue
        note = credit_invoice(
            office,
            session,
            invoice_id,
            now,
            memo="less is owed for this usage",
            lines=[draft._replace(amount_minor=-line.amount_minor)],
        )
        settled[place].papers[row] = note.id
    for (place, asset), lines in to_wallet.items():
        subscription, bill = settled[place].owed
        only = Owed(subscription, bill._replace(lines=tuple(lines)))
        settled[place].postings[asset] = _book(office, only, asset, now)
