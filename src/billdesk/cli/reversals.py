"""`billdesk reverse`."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.ledger import describe_posting
from billdesk.cli.parameters import Memo, Yes


def reverse(
    door: Door,
    posting: Annotated[str, typer.Argument(metavar="POSTING", help="The posting's id.")],
    *,
    memo: Memo,
    yes: Yes = False,
) -> None:
    """Undo a posting by its counterpart.

    Nothing is deleted: a second posting points at the first and moves the money back.
    """
    with door.desk() as desk:
        wrong = desk.ledger.posting(posting)
        question = f"Reverse the {wrong.kind} {wrong.id} of {wrong.account_ref}?"
        door.confirm(wrong.account_ref, question, yes=yes)
        sheet = desk.reversals.create(posting, memo=memo)
    door.answer(sheet, *describe_posting(sheet))
