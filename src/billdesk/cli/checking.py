"""`billdesk verify | seal | recount | trial-balance | doctor`.

What does not prove right ends with the store's exit status, so that a script notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import refs_like
from billdesk.cli.printing import plural, table
from billdesk.cli.progress import Progress
from billdesk.core.values.money import Money

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import VerifySheet

NOT_RIGHT = 6


def verify(
    door: Door,
    *,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="FILE", help="Compare with this sealed checkpoint.")
    ] = None,
) -> int:
    """Prove the ledger whole and unaltered.

    Follows every wallet's chain of hashes, recounts every balance, and says what it cannot prove.
    """
    with door.desk() as desk, Progress("verifying") as progress:
        sheet = desk.verify(checkpoint, on_progress=progress)
    return _answer(door, sheet, "verified")


def seal(
    door: Door,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Where to; keep it outside this machine.")
    ] = None,
) -> None:
    """Write a checkpoint to keep elsewhere.

    With it `billdesk verify --checkpoint` notices even entries cut off at the end.
    """
    with door.desk() as desk:
        sheet = desk.seal(file)
    door.answer(
        sheet,
        f"sealed {plural(sheet.entries, 'entry')} of {plural(sheet.wallets, 'wallet')}: "
        f"{sheet.hash}",
        sheet.path,
    )


def recount(
    door: Door,
    ref: Annotated[
        str | None,
        typer.Argument(
            metavar="REF", help="Only this account; else all.", autocompletion=refs_like
        ),
    ] = None,
) -> int:
    """Compare balances with the sum of entries."""
    with door.desk() as desk:
        sheet = desk.ledger.recount(ref)
    return _answer(door, sheet, "recounted")


def trial_balance(door: Door) -> int:
    """Both sides of every asset.

    What wallets hold and what their counterparties gave must come to nothing.
    """
    with door.desk() as desk:
        sheets = desk.ledger.trial_balance()
    rows: list[tuple[str, Money]] = []
    for sheet in sheets:
        rows.append((f"{sheet.asset} in wallets", sheet.wallets))
        rows += [(f"  {other.name}", other.amount) for other in sheet.counterparties]
        rows.append((f"{sheet.asset} difference", sheet.difference))
    door.answer_rows(sheets, table(("SIDE", "AMOUNT"), rows))
    return NOT_RIGHT if any(sheet.difference.minor for sheet in sheets) else 0


def doctor(door: Door) -> int:
    """Check the installation and say what to do."""
    with door.desk() as desk:
        sheets = desk.doctor()
    rows = (
        (sheet.state, sheet.name, sheet.text, None if sheet.state == "ok" else sheet.remedy)
        for sheet in sheets
    )
    door.answer_rows(sheets, table(("STATE", "CHECK", "FOUND", "WHAT TO DO"), rows))
    return NOT_RIGHT if any(sheet.state == "problem" for sheet in sheets) else 0


def _answer(door: Door, sheet: VerifySheet, done: str) -> int:
    findings = ((finding.account_ref, finding.check, finding.text) for finding in sheet.findings)
    verdict = "all right" if sheet.ok else plural(len(sheet.findings), "finding")
    door.answer(
        sheet,
        f"{done} {plural(sheet.entries, 'entry')} of {plural(sheet.wallets, 'wallet')}: {verdict}",
        *table(("REF", "CHECK", "FINDING"), findings),
        *(f"not proven: {text}" for text in sheet.unproven),
    )
    return 0 if sheet.ok else NOT_RIGHT
