"""The acts on invoices in which a gateway takes part: having one sent, and asking how it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billdesk.screens.acts import Act, Receipt, Values, choice_field
from billdesk.screens.figures import amount, mode_in_words, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import InvoiceSheet


def send(invoice: InvoiceSheet, modes: Mapping[str, str]) -> Act:
    """Have a gateway send an open invoice; `modes` are the gateways and their modes."""

    def perform(desk: Desk, values: Values) -> Receipt:
        sent = desk.mirrors.send_invoice(invoice.id, values["gateway"])
        lines = [("gateway", sent.gateway), ("there", sent.external_id), ("status", sent.status)]
        if sent.url is not None:
            lines.append(("page", sent.url))
        return Receipt(sent.invoice_id, tuple(lines))

    def foreseen(values: Values) -> str:
        mode = mode_in_words(modes.get(values["gateway"], "test"))
        return (
            f"{mode}. It is made there with its lines, to the minor unit, and finalized. What is paid for"
            " it there pays it here; money in the wallet is left alone meanwhile."
        )

    return Act(
        title=f"Send {invoice.invoice_number} of {invoice.account_ref} by a gateway",
        verb="Send",
        account_ref=invoice.account_ref,
        perform=perform,
        fields=(choice_field("gateway", "Gateway", tuple(modes)),),
        facts=(
            ("account", f"{invoice.account_ref}  {invoice.account_name}"),
            ("total", amount(invoice.total)),
        ),
        typed=lambda _: number(invoice.total),
        rehearsable=False,
        foreseen=foreseen,
        remote=True,
    )


def sync(invoice: InvoiceSheet) -> Act:
    """Ask the gateway at which an invoice is how it is there now."""
    gateway, external_id = invoice.gateway or "", invoice.external_id or ""

    def perform(desk: Desk, _: Values) -> Receipt:
        sheet = desk.mirrors.sync_invoice(gateway, external_id)
        return Receipt(sheet.id, (("status", sheet.status), ("due", amount(sheet.due))))

    return Act(
        title=f"Ask {gateway} for {invoice.invoice_number}",
        verb="Ask",
        account_ref=invoice.account_ref,
        perform=perform,
        facts=(("account", invoice.account_ref), ("there", external_id)),
        rehearsable=False,
        foreseen=lambda _: "What is paid, failed or void there is so here afterwards.",
        remote=True,
    )
