"""`billdesk method list | show | add | refresh | default | backup | plain | remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.links import open_link
from billdesk.cli.parameters import Ref, Yes
from billdesk.cli.printing import card, table

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import MethodSheet

MethodId = Annotated[str, typer.Argument(metavar="METHOD", help="A saved method, by its id.")]


def list_methods(door: Door, ref: Ref) -> None:
    """List what an account has saved.

    List what an account has saved to pay with.
    """
    with door.desk() as desk:
        sheets = desk.methods.list(ref)
    _answer_list(door, sheets)


def refresh(door: Door, ref: Ref) -> None:
    """Ask the gateways what is saved.

    What was saved there is known here afterwards, and what is gone there is gone here.
    """
    with door.desk() as desk:
        sheets = desk.methods.refresh(ref)
    _answer_list(door, sheets)


def show(door: Door, method: MethodId) -> None:
    """Show a saved method."""
    with door.desk() as desk:
        sheet = desk.methods.get(method)
    door.answer(
        sheet,
        *card(
            [
                ("method", sheet.id),
                ("account", sheet.account_ref),
                ("label", sheet.label),
                ("role", sheet.role),
                ("expires", sheet.expires),
                ("gateway", f"{sheet.gateway} ({sheet.mode})"),
                ("there", sheet.external_id),
                ("customer there", sheet.customer_id),
                ("added", sheet.added_at),
            ]
        ),
    )


def add(
    door: Door,
    ref: Ref,
    *,
    gateway: Annotated[
        str | None, typer.Option(metavar="NAME", help="At this one; else the account's own.")
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Have one saved; prints the page.

    A card number is typed on a page of the gateway's own and never enters the desk. What was saved
    is known with the next poll, or by `method refresh`.
    """
    with door.desk() as desk:
        sheet = desk.methods.page(ref, gateway)
    door.answer(sheet, f"{sheet.account_ref} saves a way to pay at {sheet.gateway}", sheet.url)
    if open:
        open_link(door, sheet.url)


def default(door: Door, method: MethodId) -> None:
    """Charge this one first."""
    _rank(door, method, "default", "is charged first")


def backup(door: Door, method: MethodId) -> None:
    """Charge this one second.

    Charge this one where the first is declined.
    """
    _rank(door, method, "backup", "is charged where the default is declined")


def plain(door: Door, method: MethodId) -> None:
    """Charge this one not by itself.

    Charge this one for nothing by itself.
    """
    _rank(door, method, "", "is neither default nor backup")


def remove(door: Door, method: MethodId, *, yes: Yes = False) -> None:
    """Remove one, there too.

    Remove one, at its gateway too. Refused while a top-up charges it. Asks for the last word of its
    label.
    """
    with door.desk() as desk:
        sheet = desk.methods.get(method)
        question = f"Remove {sheet.label} of {sheet.account_ref} at {sheet.gateway}?"
        door.confirm([sheet.id, *sheet.label.split()][-1], question, yes=yes)
        sheet = desk.methods.remove(method)
    door.answer(sheet, f"removed {sheet.label} of {sheet.account_ref}")


def _rank(door: Door, method: str, role: str, outcome: str) -> None:
    with door.desk() as desk:
        sheet = desk.methods.set_role(method, role)
    door.answer(sheet, f"{sheet.label} of {sheet.account_ref} {outcome}")


def _answer_list(door: Door, sheets: tuple[MethodSheet, ...]) -> None:
    headings = ("METHOD", "LABEL", "ROLE", "EXPIRES", "GATEWAY", "MODE", "ADDED")
    rows = (
        (
            sheet.id,
            sheet.label,
            sheet.role,
            sheet.expires,
            sheet.gateway,
            sheet.mode,
            sheet.added_at,
        )
        for sheet in sheets
    )
    door.answer_rows(sheets, table(headings, rows))
