"""`billdesk account add | list | show | suspend | reopen | close`, and `billdesk find`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Limit, Memo, Ref, Text, Yes, count
from billdesk.cli.printing import card, table

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import AccountSheet

Status = Literal["open", "suspended", "closed"]


def add(
    door: Door,
    ref: Annotated[str, typer.Argument(metavar="REF", help="Your own name for the account.")],
    *,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Who is billed.")],
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to write.")] = None,
) -> None:
    """Open an account.

    The same again changes nothing and shows the account there is.
    """
    with door.desk() as desk:
        sheet = desk.accounts.add(ref, name=name, email=email)
    door.answer(sheet, f"account {sheet.ref} is open ({sheet.id})")


def list_accounts(
    door: Door,
    *,
    text: Text = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List accounts."""
    with door.desk() as desk:
        page = desk.accounts.list(text=text, status=status, after=after, limit=count(limit))
    headings = ("REF", "NAME", "E-MAIL", "STATUS", "SINCE")
    rows = (
        (account.ref, account.name, account.email, account.status, account.status_since)
        for account in page.rows
    )
    door.answer_page(page, table(headings, rows))


def show(door: Door, ref: Ref) -> None:
    """Show an account with its wallets."""
    with door.desk() as desk:
        account = desk.accounts.get(ref)
        wallets = desk.wallets.list(ref)
    rows = (
        (
            wallet.purpose,
            wallet.balance,
            wallet.held,
            wallet.available,
            wallet.floor,
            wallet.freezes,
            wallet.last_entry_at,
        )
        for wallet in wallets
    )
    headings = ("WALLET", "BALANCE", "HELD", "AVAILABLE", "FLOOR", "FREEZES", "LAST ENTRY")
    door.answer(
        {"account": account, "wallets": wallets},
        *card(
            [
                ("account", account.ref),
                ("name", account.name),
                ("e-mail", account.email),
                ("status", account.status),
                ("since", account.status_since),
                ("pays by", account.gateway or "whatever the desk chooses"),
                ("id", account.id),
            ]
        ),
        "",
        *table(headings, rows),
    )


def suspend(door: Door, ref: Ref, *, memo: Memo) -> None:
    """Stop new business.

    Charges, holds and deposits are refused until the account is reopened.
    """
    with door.desk() as desk:
        sheet = desk.accounts.suspend(ref, memo=memo)
    _answer_status(door, sheet)


def reopen(door: Door, ref: Ref, *, memo: Memo) -> None:
    """Allow business again."""
    with door.desk() as desk:
        sheet = desk.accounts.reopen(ref, memo=memo)
    _answer_status(door, sheet)


def close(door: Door, ref: Ref, *, memo: Memo, yes: Yes = False) -> None:
    """Close an empty account.

    Refused while money or holds are left.
    """
    with door.desk() as desk:
        account = desk.accounts.get(ref)
        door.confirm(account.ref, f"Close {account.ref} ({account.name})?", yes=yes)
        sheet = desk.accounts.close(ref, memo=memo)
    _answer_status(door, sheet)


def find(
    door: Door,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Ref, id, e-mail, name, reference …")],
    *,
    limit: Limit = "50",
) -> None:
    """Find accounts by anything known of them.

    Looks for refs, ids, e-mail addresses, names, postings, payments and references.
    """
    with door.desk() as desk:
        matches = desk.accounts.find(text, limit=count(limit))
    headings = ("REF", "NAME", "STATUS", "FOUND BY")
    rows = (
        (match.account.ref, match.account.name, match.account.status, match.why)
        for match in matches
    )
    door.answer_rows(matches, table(headings, rows))


def _answer_status(door: Door, sheet: AccountSheet) -> None:
    door.answer(sheet, f"account {sheet.ref} is {sheet.status}")
