"""One thing in full: a posting with its entries, a hold, a payment, a line of the audit log."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from billdesk.core.values.plain_text import visible
from billdesk.screens.figures import NOTHING, Times, amount, mode_in_words, signed, tone_of
from billdesk.screens.host import DeskHost
from billdesk.screens.pane import Pane
from billdesk.screens.safe_text import fit, safe_line, safe_lines, safe_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.content import Content

    from billdesk.core.rules.sheets import (
        AuditSheet,
        CardRefundSheet,
        DisputeSheet,
        EntrySheet,
        FactSheet,
        HoldSheet,
        PaymentSheet,
        PostingSheet,
    )

Lines = tuple[tuple[str, str], ...]

NAME_CELLS = 14


class Detail(ModalScreen[None]):
    """Names and values under one another, to read and to copy."""

    DEFAULT_CSS = """
    Detail { align: center middle; background: $background 60%; }
    Detail > Vertical {
        width: 100; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $line; padding: 0 2;
    }
    Detail VerticalScroll { height: auto; scrollbar-size-vertical: 1; }
    Detail Static { height: auto; }
    Detail #said { height: 1; color: $muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close", id="detail.close"),
        Binding("y", "copy_id", "Copy the id", id="detail.copy-id"),
        Binding("Y", "copy_all", "Copy everything", id="detail.copy-all"),
    ]

    app = getters.app(DeskHost)

    def __init__(self, title: str, key: str, lines: Lines) -> None:
        super().__init__()
        self._heading, self._key, self._lines = title, key, lines

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(
                safe_line((self._heading, "title"), "  ", (self._key, "muted")), markup=False
            )
            with VerticalScroll():
                yield Pane(id="lines")
            yield Static(
                safe_text("y copies the id, Y everything, Esc closes"), markup=False, id="said"
            )

    def on_resize(self) -> None:
        # The frame and the two lines around what scrolls stay in sight, however much it is.
        self.query_one(VerticalScroll).styles.max_height = max(1, self.size.height - 4)

    def on_mount(self) -> None:
        self.query_one("#lines", Pane).show(self._write)

    def _write(self, width: int) -> Content:
        """Long values go on under themselves, so that none is cut off."""
        lines: list[Content] = []
        for name, value in self._lines:
            parts = textwrap.wrap(visible(value), max(10, width - NAME_CELLS)) or [""]
            for index, part in enumerate(parts):
                shown = fit("" if index else name, NAME_CELLS)
                lines.append(safe_line((shown, "muted"), (part, tone_of(value))))
        return safe_lines(*lines)

    def action_copy_id(self) -> None:
        self._copy(self._key, self._key)

    def action_copy_all(self) -> None:
        text = "\n".join(f"{name}\t{visible(value)}" for name, value in self._lines)
        self._copy(text, "everything")

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(text)
        self.query_one("#said", Static).update(safe_text(f"{what} sent to terminal clipboard"))


def posting_lines(posting: PostingSheet, times: Times) -> Lines:
    """A posting and its entries."""
    lines = [
        ("kind", posting.kind),
        ("account", posting.account_ref),
        ("reference", f"{posting.reference}  (scope {posting.scope})"),
        ("subject", posting.subject or NOTHING),
        ("memo", posting.memo or NOTHING),
        ("by", posting.actor),
        ("happened", times.full(posting.happened_at)),
        ("recorded", times.full(posting.recorded_at)),
    ]
    if posting.corrects:
        lines.append(("corrects", posting.corrects))
    if posting.about:
        lines.append(("about", posting.about))
    for entry in posting.entries:
        lines += [("", ""), *_entry_lines(entry)]
    return tuple(lines)


def _entry_lines(entry: EntrySheet) -> Lines:
    return (
        (f"entry {entry.number:,}", f"{signed(entry.amount)} {entry.amount.asset}"),
        ("", f"against {entry.counterparty}, leaves {amount(entry.balance_after)}"),
        ("", f"{entry.purpose} wallet of {entry.account_ref}, its entry {entry.seq:,}"),
        ("", f"hash {entry.hash}"),
    )


def hold_lines(hold: HoldSheet, times: Times) -> Lines:
    """A hold and what became of it."""
    return (
        ("account", f"{hold.account_ref}  {hold.account_name}"),
        ("amount", amount(hold.amount)),
        ("status", hold.status),
        ("reference", hold.reference),
        ("subject", hold.subject or NOTHING),
        ("placed", times.full(hold.placed_at)),
        ("expires", times.full(hold.expires_at)),
        ("resolved", times.full(hold.resolved_at)),
        ("by", hold.resolved_by or NOTHING),
        ("captured", amount(hold.captured)),
        ("shortfall", amount(hold.shortfall)),
    )


def payment_lines(payment: PaymentSheet, times: Times) -> Lines:
    """A payment, its pay link and what the gateway said."""
    return (
        ("account", f"{payment.account_ref}  {payment.account_name}"),
        ("amount", amount(payment.amount)),
        ("fee", amount(payment.fee)),
        ("refunded", amount(payment.refunded)),
        ("disputed", amount(payment.disputed)),
        ("status", payment.status),
        ("detail", payment.detail or NOTHING),
        ("purpose", payment.purpose),
        ("gateway", payment.gateway),
        ("mode", mode_in_words(payment.mode)),
        ("their id", payment.external_id or NOTHING),
        ("their charge", payment.charge_id or NOTHING),
        ("pay at", payment.pay_url or NOTHING),
        ("started", times.full(payment.created_at)),
        ("changed", times.full(payment.changed_at)),
        ("posting", payment.posting_id or NOTHING),
    )


def fact_lines(facts: Sequence[FactSheet], times: Times) -> Lines:
    """What a gateway said, a line for each, and why those wait that do."""
    lines: list[tuple[str, str]] = []
    for fact in facts:
        money = f"{amount(fact.amount)}, " if fact.amount is not None else ""
        lines += [("", ""), (f"fact {fact.number:,}", f"{fact.stage}, {money}{fact.state}")]
        lines.append(("", f"{fact.object_id}, {times.full(fact.happened_at)}"))
        if fact.detail:
            lines.append(("", fact.detail))
    return tuple(lines)


def card_refund_lines(refund: CardRefundSheet, times: Times) -> Lines:
    """Money on its way back to where it came from."""
    return (
        ("account", f"{refund.account_ref}  {refund.account_name}"),
        ("amount", amount(refund.amount)),
        ("status", refund.status),
        ("detail", refund.detail or NOTHING),
        ("reason", refund.memo or NOTHING),
        ("payment", refund.payment_id),
        ("gateway", refund.gateway),
        ("mode", mode_in_words(refund.mode)),
        ("their id", refund.external_id or NOTHING),
        ("by", refund.actor),
        ("started", times.full(refund.created_at)),
        ("changed", times.full(refund.changed_at)),
        ("posting", refund.posting_id or NOTHING),
    )


def dispute_lines(dispute: DisputeSheet, times: Times) -> Lines:
    """A payment that its payer contests."""
    return (
        ("account", f"{dispute.account_ref}  {dispute.account_name}"),
        ("amount", amount(dispute.amount)),
        ("status", dispute.status),
        ("detail", dispute.detail or NOTHING),
        ("payment", dispute.payment_id),
        ("gateway", dispute.gateway),
        ("mode", mode_in_words(dispute.mode)),
        ("their id", dispute.external_id),
        ("opened", times.full(dispute.opened_at)),
        ("closed", times.full(dispute.closed_at)),
    )


def audit_lines(line: AuditSheet, times: Times) -> Lines:
    """A line of the audit log with its data."""
    data = [(str(name), json.dumps(value, ensure_ascii=False)) for name, value in line.data.items()]
    return (
        ("at", times.full(line.at)),
        ("by", line.actor),
        ("from", line.origin),
        ("account", line.account_ref or NOTHING),
        ("action", line.action),
        ("outcome", line.outcome),
        ("summary", line.summary),
        ("posting", line.posting_id or NOTHING),
        *data,
    )
