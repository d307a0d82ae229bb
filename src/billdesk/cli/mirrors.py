"""`billdesk invoice send | sync` and `subscription sync`: what is kept at a gateway, too."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.links import open_link
from billdesk.cli.parameters import InvoiceName, Yes, refs_like
from billdesk.cli.printing import card, cell

GatewayName = Annotated[
    str, typer.Argument(metavar="GATEWAY", help="The gateway that keeps it, by its name.")
]
ExternalId = Annotated[
    str, typer.Argument(metavar="EXTERNAL", help="Its id there, such as in_… or sub_…")
]
OwnAccount = Annotated[
    str | None,
    typer.Option(
        metavar="REF",
        help="Whose it is, where nobody here is its customer yet.",
        autocompletion=refs_like,
    ),
]


def send(
    door: Door,
    invoice: InvoiceName,
    *,
    gateway: Annotated[
        str | None, typer.Option(metavar="NAME", help="By this one; else the account's own.")
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Open its page in a browser.")] = False,
    yes: Yes = False,
) -> None:
    """Have a gateway send one.

    Make an open invoice at a gateway, with its lines and to the minor unit, and finalize it there. Sent
    again, it is the same one. What is paid for it there pays it here.
    """
    with door.desk() as desk:
        wanted = desk.invoices.get(invoice)
        question = f"{wanted.account_name} can then pay {cell(wanted.total)} at the gateway."
        door.confirm(wanted.account_ref, question, yes=yes)
        sheet = desk.mirrors.send_invoice(wanted.id, gateway)
    door.answer(
        sheet,
        *card(
            [
                ("invoice", sheet.invoice_number),
                ("account", sheet.account_ref),
                ("gateway", f"{sheet.gateway} ({sheet.mode})"),
                ("there", sheet.external_id),
                ("status", sheet.status),
                ("total", sheet.total),
                ("page", sheet.url),
            ]
        ),
    )
    if open and sheet.url is not None:
        open_link(door, sheet.url)


def sync_invoice(
    door: Door, gateway: GatewayName, external: ExternalId, *, account: OwnAccount = None
) -> None:
    """Ask a gateway for one of its own.

    Mirror an invoice that a gateway keeps, as it is now. What waited for its account is applied, too.
    """
    with door.desk() as desk:
        sheet = desk.mirrors.sync_invoice(gateway, external, account=account)
    door.answer(
        sheet,
        *card(
            [
                ("invoice", sheet.invoice_number),
                ("id", sheet.id),
                ("account", sheet.account_ref),
                ("status", sheet.status),
                ("total", sheet.total),
                ("due", sheet.due),
                ("detail", sheet.detail),
            ]
        ),
    )


def sync_subscription(
    door: Door, gateway: GatewayName, external: ExternalId, *, account: OwnAccount = None
) -> None:
    """Ask a gateway for one of its own.

    Mirror a subscription that a gateway keeps, as it is now. What waited for its account is applied,
    too: invoices that were paid, money that came.
    """
    with door.desk() as desk:
        sheet = desk.mirrors.sync_subscription(gateway, external, account=account)
    door.answer(
        sheet,
        *card(
            [
                ("subscription", sheet.id),
                ("account", sheet.account_ref),
                ("plan", sheet.plan_name),
                ("status", sheet.status),
                ("price", sheet.price),
                ("since", sheet.period_since),
                ("until", sheet.period_until),
                ("ends", sheet.cancel_at),
            ]
        ),
    )
