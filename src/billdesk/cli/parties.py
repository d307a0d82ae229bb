"""`billdesk account party`: who an account is on paper."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import Ref, days
from billdesk.cli.printing import card


def party(
    door: Door,
    ref: Ref,
    *,
    legal_name: Annotated[str | None, typer.Option(metavar="TEXT", help="Its full name.")] = None,
    address: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With line breaks as on a letter.")
    ] = None,
    country: Annotated[str | None, typer.Option(metavar="CODE", help="Such as DE.")] = None,
    tax_id: Annotated[str | None, typer.Option(metavar="TEXT", help="Its VAT number.")] = None,
    tax_code: Annotated[
        str | None, typer.Option(metavar="CODE", help="A tax of the catalog; none exempts it.")
    ] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="Such as de.")] = None,
    due_days: Annotated[
        str | None, typer.Option(metavar="DAYS", help="Or default, for the company's.")
    ] = None,
) -> None:
    """Show or say who one is on paper.

    Without options it shows what is known. An empty text takes away what was there.
    """
    texts = {
        "legal_name": legal_name,
        "address": address,
        "country": country,
        "tax_id": tax_id,
        "tax_code": tax_code,
        "language": language,
    }
    with door.desk() as desk:
        if due_days is None and all(value is None for value in texts.values()):
            sheet = desk.parties.get(ref)
        elif due_days == "default":
            sheet = desk.parties.set(ref, due_days="default", **texts)
        else:
            within = None if due_days is None else days(due_days)
            sheet = desk.parties.set(ref, due_days=within, **texts)
    due = "the company's" if sheet.due_days is None else sheet.due_days
    door.answer(
        sheet,
        *card([
            ("account", sheet.account_ref),
            *((name.replace("_", " "), getattr(sheet, name)) for name in texts),
            ("due days", due),
        ]),
    )  # fmt: skip
