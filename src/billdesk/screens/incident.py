"""How an incident reads: on the screen of its account, and as Markdown for a ticket."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from billdesk.core.values.plain_text import visible
from billdesk.screens.figures import Times, ago, amount, number, tone_of
from billdesk.screens.safe_text import fit, safe_line, safe_lines, safe_text

if TYPE_CHECKING:
    from textual.content import Content

    from billdesk.core.rules.sheets import (
        IncidentSheet,
        InvoiceSheet,
        ReasonSheet,
        SubscriptionSheet,
        WalletSheet,
    )

DEBT = "receivable"
STORY_LINES = 20


@dataclass(frozen=True)
class Offer:
    """An act that can be done now: its key, its name, and the desk's verb behind it."""

    key: str
    title: str
    action: str


def incident_lines(
    sheet: IncidentSheet, times: Times, offers: Sequence[Offer], width: int, *, roomy: bool
) -> Content:
    """The state of an account in `width` cells; `roomy` adds headings and what can be done."""
    standing = sheet.standing
    lines = _head(sheet, times, width)
    if standing.reasons:
        lines += _heading("Why it may not run", roomy=roomy)
        for reason in standing.reasons:
            lines += _reason(reason, times, offers, width)
    lines.append(safe_text(""))
    lines += _wallets(sheet.wallets, width)
    if sheet.subscriptions or sheet.open_invoices:
        lines += _heading("Plans and invoices", roomy=roomy)
    for plan in sheet.subscriptions:
        lines += _told(plan.status, plan_in_words(plan, times), width)
    for invoice in sheet.open_invoices:
        word = "overdue" if invoice.overdue else "open"
        lines += _told(word, invoice_in_words(invoice), width)
    if sheet.open_holds or sheet.open_payments:
        lines += _heading("Set aside and on its way", roomy=roomy)
    for hold in sheet.open_holds:
        about = f"{amount(hold.amount)} for {hold.subject or hold.reference}"
        until = f", free {ago(hold.expires_at, sheet.as_of)}"
        lines.append(safe_line(("hold  ", "accent"), fit(about + until, width - 6)))
    for payment in sheet.open_payments:
        about = f"{amount(payment.amount)} by {payment.gateway}, {payment.detail or payment.status}"
        lines.append(safe_line(("due   ", "accent"), fit(about, width - 6)))
    if roomy and offers:
        lines += _heading("What can be done", roomy=roomy)
        lines += [safe_line((fit(offer.key, 4), "accent"), offer.title) for offer in offers]
    return safe_lines(*lines)


def plan_in_words(plan: SubscriptionSheet, times: Times) -> str:
    """What an account is on, what it costs, and what comes next."""
    told = f"{plan.plan_name} {plan.schedule}, {amount(plan.price)}"
    until = times.stamp(plan.period_until)[:10]
    if plan.paused_why:
        return f"{told}, paused for want of balance" if plan.paused_why == "balance" else told
    if plan.cancel_at is not None:
        return f"{told}, ends {until}"
    if plan.next_plan_code is not None:
        return f"{told}, then {plan.next_plan_code} from {until}"
    return f"{told}, next {until}"


def invoice_in_words(invoice: InvoiceSheet) -> str:
    """What is to be paid, until when, and why it is not."""
    told = f"{invoice.invoice_number or 'draft'} {amount(invoice.due)}, due {invoice.due_on}"
    return f"{told}, {invoice.detail}" if invoice.detail else told


def _told(word: str, text: str, width: int) -> list[Content]:
    """A word for the eye, and what it is about on as many lines as that takes."""
    room = max(10, width - 10)
    first, *more = textwrap.wrap(visible(text), room) or [""]
    return [
        safe_line((fit(word, 10), tone_of(word)), fit(first, room)),
        *(safe_line(fit("", 10), fit(line, room)) for line in more),
    ]


def _head(sheet: IncidentSheet, times: Times, width: int) -> list[Content]:
    """Who it is, the verdict in words, and since when it is so."""
    account, standing = sheet.account, sheet.standing
    verdict = "may run" if standing.may_run else "may not run"
    who = account.name + (f"  {account.email}" if account.email else "")
    room = max(10, width - len(standing.word) - len(verdict) - 4)
    since = f"{account.status} since {times.stamp(account.status_since)}"
    customer = f"   customer since {times.stamp(account.created_at)[:10]}"
    return [
        safe_line(
            (fit(who, room), "strong"),
            "  ",
            (standing.word, tone_of(standing.word)),
            (f"  {verdict}", "good" if standing.may_run else "bad"),
        ),
        safe_text(since + (customer if len(since + customer) <= width else ""), "muted"),
    ]


def _heading(text: str, *, roomy: bool) -> list[Content]:
    return [safe_text(""), safe_text(text, "title")] if roomy else []


def _reason(
    reason: ReasonSheet, times: Times, offers: Sequence[Offer], width: int
) -> list[Content]:
    """Why it may not run: what, since when and by whom; then what lifts it, and its key."""
    since = f" since {times.short(reason.since)}" if reason.since is not None else ""
    text = f"{visible(reason.text)}{since}, by {visible(reason.set_by)}"
    wrapped = textwrap.wrap(text, max(10, width - 4)) or [""]
    lines = [
        safe_line((" !  " if index == 0 else "    ", "bad"), (line, "bad" if index == 0 else ""))
        for index, line in enumerate(wrapped)
    ]
    key = next((offer.key for offer in offers if offer.action == reason.action), "")
    lines.append(
        safe_line(
            "    ",
            (f"{key}  " if key else "", "accent"),
            (fit(reason.remedy, max(10, width - 8)).rstrip(), "muted"),
        )
    )
    return lines


def _wallets(wallets: tuple[WalletSheet, ...], width: int) -> list[Content]:
    """What is in each wallet; columns as wide as the longest amount, for no digit may be missing."""
    if not wallets:
        return [safe_text("no wallet yet: the first deposit or credit makes one", "muted")]
    titles = ("balance", "held", "available")
    shown = [(number(each.balance), number(each.held), number(each.available)) for each in wallets]
    cells = 3 + max(len(text) for row in (titles, *shown) for text in row)
    head = fit("Wallet", 7) + "".join(fit(title, cells, right=True) for title in titles)
    lines = [safe_text(head, "muted")]
    for wallet, (balance, held, available) in zip(wallets, shown, strict=True):
        marks, low = _marks(wallet), wallet.available.minor < 0
        line = safe_line(
            fit(wallet.asset, 7),
            fit(balance, cells, right=True),
            (fit(held, cells, right=True), "muted"),
            (fit(available, cells, right=True), "bad" if low else "strong"),
        )
        beside = line.cell_length + len(marks) <= width
        lines.append(safe_line(line, (marks, "warn")) if beside else line)
        if marks and not beside:
            lines.append(safe_text(fit(marks.strip(), 7 + 3 * cells, right=True), "warn"))
    return lines


def _marks(wallet: WalletSheet) -> str:
    if wallet.purpose == DEBT:
        return "  owed to us"
    marks = "  FROZEN" if wallet.freezes else ""
    if wallet.floor is None:
        marks += "  no floor"
    elif wallet.floor.minor < 0:
        marks += f"  limit {number(wallet.floor.negated())}"
    return marks


def incident_markdown(sheet: IncidentSheet, times: Times) -> str:
    """The incident for a ticket: nothing in it acts, whatever was stored as a name."""
    account, standing = sheet.account, sheet.standing
    lines = [
        f"## {_plain(account.ref)}: {standing.word}",
        "",
        f"- **Name** {_plain(account.name)} {_plain(account.email or '')}".rstrip(),
        f"- **Account** {account.status} since {times.full(account.status_since)}, `{account.id}`",
        f"- **May run** {'yes' if standing.may_run else 'no'}",
        f"- **As of** {times.full(sheet.as_of)}",
        "",
    ]
    if standing.reasons:
        lines += ["### Why not", ""]
        lines += [
            f"- {_plain(reason.text)} (since {times.full(reason.since)}, "
            f"by {_plain(reason.set_by)}); {_plain(reason.remedy)}"
            for reason in standing.reasons
        ]
        lines.append("")
    lines += ["| wallet | balance | held | available |", "|---|---:|---:|---:|"]
    lines += [
        f"| {wallet.asset} | {number(wallet.balance)} | {number(wallet.held)} "
        f"| {number(wallet.available)} |"
        for wallet in sheet.wallets
    ]
    if sheet.subscriptions or sheet.open_invoices:
        lines += ["", "### Plans and invoices", ""]
        lines += [
            f"- {each.status}: {_plain(plan_in_words(each, times))} `{each.id}`"
            for each in sheet.subscriptions
        ]
        lines += [
            f"- {'overdue' if each.overdue else 'open'}: {_plain(invoice_in_words(each))}"
            for each in sheet.open_invoices
        ]
    lines += ["", "### What happened", ""]
    lines += [
        f"- {times.full(row.at)} {row.kind}: {_plain(row.title)} {amount(row.amount)} "
        f"{_plain(row.detail)} ({_plain(row.actor)}) `{row.id}`"
        for row in sheet.timeline[:STORY_LINES]
    ]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """`text` with everything Markdown might take for a sign of its own set off by a backslash."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>()#+!|~" else sign for sign in visible(text))
