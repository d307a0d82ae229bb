"""How the demo puts answers of the desk into words, a line each."""

from __future__ import annotations

from billdesk.core.rules.sheets import (
    AccountSheet,
    CardRefundSheet,
    CatalogDiffSheet,
    ChangePreviewSheet,
    ChargeSheet,
    CreditsSheet,
    DisputeSheet,
    FreezeSheet,
    HoldSheet,
    IngestSheet,
    IntakeSheet,
    InvoiceSheet,
    LotSheet,
    MethodSheet,
    PaymentSheet,
    PostingSheet,
    PurchaseSheet,
    ReconcileItemSheet,
    ReconcileSheet,
    SubscriptionSheet,
    TickSheet,
    UsageRunSheet,
    WalletSheet,
    WatchSheet,
)


def account_told(account: AccountSheet) -> str:
    """What became of an account."""
    return f"{account.ref} is {account.status}"


def charge_told(charge: ChargeSheet) -> str:
    """What a charge left."""
    again = "the first result again, " if charge.replayed else ""
    return f"{again}{charge.amount}, {charge.balance_after} left"


def hold_told(hold: HoldSheet) -> str:
    """What became of a hold."""
    told = f"{hold.amount} {hold.status}"
    if hold.captured is not None:
        told += f", {hold.captured} taken"
    if hold.shortfall is not None:
        told += f", {hold.shortfall} owed to us"
    return told


def posting_told(posting: PostingSheet) -> str:
    """What a posting moved."""
    return ", ".join(f"{entry.amount} → {entry.balance_after}" for entry in posting.entries)


def payment_told(payment: PaymentSheet) -> str:
    """What became of a payment."""
    return f"{payment.amount} {payment.status}"


def freezes_told(freezes: FreezeSheet | tuple[FreezeSheet, ...]) -> str:
    """What is frozen or free again."""
    if isinstance(freezes, FreezeSheet):
        return f"frozen by {freezes.set_by}: {freezes.cause}"
    return f"{len(freezes)} lifted"


def wallet_told(wallet: WalletSheet) -> str:
    """How low a wallet may go."""
    floor = "no limit" if wallet.floor is None else f"down to {wallet.floor}"
    return f"{wallet.available} available, {floor}"


def tick_told(tick: TickSheet) -> str:
    """What was due."""
    counts = (
        (tick.facts, "new facts"),
        (tick.deposits, "deposits credited"),
        (tick.topups, "top-ups asked for"),
        (tick.alerts, "told to be low"),
        (tick.holds_expired, "holds expired"),
        (tick.renewed, "periods renewed"),
        (tick.paused, "subscriptions paused"),
        (tick.resumed, "subscriptions resumed"),
        (tick.ended, "subscriptions ended"),
        (tick.usage_lines, "lines of usage billed"),
        (tick.collected, "invoices paid"),
        (tick.expired_lots, "lots of credits expired"),
        (tick.usage_alerts, "usage thresholds crossed"),
    )
    done = [f"{count} {what}" for count, what in counts if count]
    return "; ".join((", ".join(done) or "nothing new", *tick.errors))


def methods_told(methods: tuple[MethodSheet, ...]) -> str:
    """What can be charged while its owner is away."""
    return ", ".join(f"{method.label} ({method.role or 'spare'})" for method in methods) or "none"


def method_told(method: MethodSheet) -> str:
    """What a saved method is good for."""
    return f"{method.label} is {method.role or 'a spare'}"


def watch_told(watch: WatchSheet) -> str:
    """What happens when a wallet runs low."""
    told = [] if watch.alert_below is None else [f"told below {watch.alert_below}"]
    if watch.topup_below is not None:
        most = f", {watch.topup_daily} a day at most" if watch.topup_daily else ""
        told.append(f"{watch.topup_amount} below {watch.topup_below}{most}")
    if watch.stopped is not None:
        told.append(f"stopped: {watch.stopped}")
    return "; ".join(told) or "nothing is watched"


def card_refund_told(refund: CardRefundSheet) -> str:
    """How far money on its way back has come."""
    why = f": {refund.detail}" if refund.detail else ""
    return f"{refund.amount} {refund.status}{why}"


def card_refunds_told(refunds: tuple[CardRefundSheet, ...]) -> str:
    """How far several have come, the oldest first."""
    return ", ".join(f"{refund.amount} {refund.status}" for refund in reversed(refunds))


def disputes_told(disputes: tuple[DisputeSheet, ...]) -> str:
    """What is contested, and how it ended."""
    told = (f"{each.amount} of {each.account_ref} {each.status}" for each in reversed(disputes))
    return ", ".join(told) or "nothing is contested"


def intake_told(intake: IntakeSheet) -> str:
    """What a message was good for."""
    return f"{intake.applied} facts applied, {intake.waiting} wait, {intake.known} were known"


def reconcile_told(run: ReconcileSheet) -> str:
    """What a comparison came to, item by item and in total."""
    counts = ", ".join(f"{count} {name}" for name, count in run.outcomes.items() if count)
    apart = [f"{total.difference} apart" for total in run.totals if total.difference.minor]
    return "; ".join((counts or "no movements", *apart))


def item_told(item: ReconcileItemSheet) -> str:
    """Why something does not match."""
    sides = f"{item.ours or 'nothing'} here, {item.theirs or 'nothing'} there"
    return f"{item.outcome.replace('_', ' ')}, {sides}: {item.note}"


def catalog_told(diff: CatalogDiffSheet) -> str:
    """What a catalog file is good for."""
    if diff.mistakes:
        first = diff.mistakes[0]
        return f"{len(diff.mistakes)} mistakes; line {first.line}: {first.message}"
    verb = "applied" if diff.applied else "would change"
    return f"{verb}: {len(diff.changes)} things, {diff.unchanged} stay"


def subscription_told(subscription: SubscriptionSheet) -> str:
    """How an account stands on its plan."""
    told = [
        f"{subscription.plan_name}, {subscription.price} {subscription.schedule}",
        subscription.status,
        f"until {subscription.period_until:%Y-%m-%d}",
    ]
    if subscription.paused_why:
        told.append(f"for want of {subscription.paused_why}")
    if subscription.next_plan_code:
        told.append(f"then {subscription.next_plan_code}")
    if subscription.cancel_at:
        told.append("then it ends")
    return ", ".join(told)


def preview_told(preview: ChangePreviewSheet) -> str:
    """What a change would do."""
    lines = "; ".join(f"{line.text} {line.amount}" for line in preview.lines)
    return f"{preview.due_now} now ({lines or 'nothing to invoice'})"


def purchase_told(purchase: PurchaseSheet) -> str:
    """How far a pack has come."""
    back = f", {purchase.refunded} given back" if purchase.refunded.minor else ""
    return f"{purchase.pack_name} for {purchase.price}: {purchase.status}{back}"


def lot_told(lot: LotSheet) -> str:
    """Credits that came at once."""
    end = f" until {lot.expires_at:%Y-%m-%d}" if lot.expires_at else ""
    return f"{lot.granted:,} credits{end} ({lot.source})"


def credits_told(credits: CreditsSheet) -> str:
    """What an account has, in the order in which it burns."""
    lots = ", ".join(f"{lot.remaining:,} {lot.source}" for lot in credits.lots)
    return f"{credits.available:,} available: {lots}"


def ingest_told(sheet: IngestSheet) -> str:
    """What a file of use came to."""
    wrong = "; ".join(f"line {error.line}: {error.text}" for error in sheet.errors)
    return f"{sheet.new} new, {sheet.known} known, {sheet.rejected} wrong" + (
        f" ({wrong})" if wrong else ""
    )


def usage_run_told(run: UsageRunSheet) -> str:
    """What a usage run came to."""
    total = ", ".join(map(str, run.totals)) or "nothing"
    corrections = f", {run.corrections} corrections" if run.corrections else ""
    failed = f", {run.failed} accounts could not pay" if run.failed else ""
    again = ", run before" if run.replayed else ""
    return f"{run.lines} lines, {total}{corrections}{failed}{again}"


def invoice_told(invoice: InvoiceSheet) -> str:
    """How far an invoice has come."""
    return f"{invoice.invoice_number or 'a draft'}: {invoice.total}, {invoice.status}"
