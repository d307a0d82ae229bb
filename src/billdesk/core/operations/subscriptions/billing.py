"""Billing what subscriptions cost: from the wallet, by credits, or on an invoice that stays open.

Everything here runs in the caller's write block; what cannot be paid raises, and nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billdesk.core.operations.credits.granting import reset_cycle
from billdesk.core.operations.invoices.correcting import credit_invoice
from billdesk.core.operations.invoices.issuing import issue, pay_from_wallet
from billdesk.core.operations.ledger.booking import book, system_draft
from billdesk.core.operations.office import Office
from billdesk.core.operations.subscriptions.terms import available_for, on_terms
from billdesk.core.rules.invoices import InvoiceDraft, LineDraft, Source
from billdesk.core.rules.ledger import (
    CREDITS,
    Guard,
    Leg,
    guard,
    purpose_of,
)
from billdesk.core.rules.subscriptions import Subscription, Terms, period_line
from billdesk.core.rules.tax import tax_line
from billdesk.core.store import subscriptions as store
from billdesk.core.store.accounts import find_account
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Refused
from billdesk.core.values.money import CREDIT, Money


def total_of(lines: Sequence[LineDraft]) -> int:
    """What lines come to with tax, minor units."""
    return sum(sum(tax_line(line.amount_minor, line.tax)) for line in lines)


def why_unpayable(session: Session, subscription: Subscription, total_minor: int) -> str | None:
    """Why an account cannot be billed that much now, in words; None when it can.

    An account that is not open is billed nothing. From the wallet and by credits it must have the
    money; an invoice can wait for it. What costs nothing can always go on.
    """
    if total_minor <= 0:
        return None
    account = find_account(session, subscription.account_id)
    if account is not None and account.status != "open":
        return f"the account is {account.status}"
    if subscription.paid_by not in ("wallet", "credits"):
        return None
    asset = subscription.asset
    wallet = wallet_state(session, subscription.account_id, purpose_of(asset), asset)
    if wallet is not None:
        leg = Leg(wallet.account_id, wallet.purpose, asset, -total_minor, 0, "revenue")
        reason = guard(wallet, leg, guarded=True)
        if reason is None:
            return None
        if reason is Guard.FROZEN:
            return f"the {asset} wallet is frozen"
    usable = available_for(session, subscription.account_id, asset)
    return f"{Money(total_minor, asset)} is needed, {usable} can be used"


def open_period(
    office: Office,
    session: Session,
    subscription: Subscription,
    terms: Terms,
    bounds: tuple[datetime, datetime],
    now: datetime,
    *,
    trial: bool = False,
) -> tuple[Subscription, str | None]:
    """Bill a period and begin it: the subscription in it (not saved yet) and the invoice, if any.

    Its credits are granted unless it is over already. Raises InsufficientFunds, WalletFrozen,
    AccountClosed, KeyTaken when it was billed already.
    """
    since, until = bounds
    subscription = on_terms(subscription, terms)._replace(
        period_seq=subscription.period_seq + 1, period_since=since, period_until=until
    )
    lines = () if trial else (period_line(terms, since, until),)
    invoice_id = bill(office, session, subscription, lines, "subscription", now)
    store.add_stretch(session, subscription, since, now, trial=trial, invoice_id=invoice_id)
    if until > now:
        reset_cycle(
            office,
            session,
            subscription.account_id,
            subscription.id,
            terms.credits,
            since=since,
            until=until,
            now=now,
            key=str(subscription.period_seq),
        )
    return subscription, invoice_id


def bill(
    office: Office,
    session: Session,
    subscription: Subscription,
    lines: Sequence[LineDraft],
    source: Source,
    now: datetime,
) -> str | None:
    """Bill lines of a subscription's present period, once; the invoice, if one is made.

    Below zero, what is left is given back by credit notes on the period's own invoices. Raises
    InsufficientFunds, WalletFrozen, AccountClosed; Refused when there is too little to give back from.
    """
    lines = tuple(line for line in lines if line.amount_minor)
    if not lines:
        return None
    total_minor = total_of(lines)
    if total_minor < 0:
        give_back(office, session, subscription, -total_minor, lines[-1].text, now)
        return None
    if subscription.asset == CREDIT:
        _take_credits(office, subscription, total_minor, lines[-1], now)
        return None
    invoice = issue(
        office,
        session,
        InvoiceDraft(
            account=subscription.account_id,
            asset=subscription.asset,
            lines=tuple(lines),
            source=source,
            reference=f"period:{subscription.id}:{subscription.period_seq}",
            about=subscription.id,
            period_since=subscription.period_since,
            period_until=subscription.period_until,
        ),
        now,
    )
    if subscription.paid_by == "wallet":
        pay_from_wallet(office, session, invoice.id, now)
    return invoice.id


def _take_credits(
    office: Office, subscription: Subscription, amount: int, line: LineDraft, now: datetime
) -> None:
    """Pay a period, or a change of it, by credits: no invoice, one posting."""
    if amount == 0:
        return
    legs = (Leg(subscription.account_id, CREDITS, CREDIT, -amount, 0, line.revenue),)
    reference = f"period:{subscription.id}:{subscription.period_seq}"
    draft = system_draft(office, "chg", "credit_use", reference, legs, subscription.id, now)
    draft = draft._replace(subject=line.text, salt=office.ids.salt(), guarded=True)
    book(office, draft, now)


def give_back(
    office: Office,
    session: Session,
    subscription: Subscription,
    total_minor: int,
    memo: str,
    now: datetime,
) -> None:
    """Give money of the present period back, tax included, by credit notes, the newest invoice first.

    Raises Refused when its invoices hold less than that: nothing was paid, or not by an invoice.
    """
    until = to_micros(subscription.period_until)
    parts = []
    for invoice_id, left_minor in store.creditable_invoices(session, subscription.id, until):
        part_minor = min(left_minor, total_minor)
        total_minor -= part_minor
        parts.append((invoice_id, part_minor))
        if total_minor == 0:
            break
    if total_minor:
        raise Refused(
            f"{Money(total_minor, subscription.asset)} of this period is on no invoice to give back",
            "let the period end first",
        )
    for invoice_id, part_minor in parts:
        credit_invoice(office, session, invoice_id, now, memo=memo, amount_minor=part_minor)
