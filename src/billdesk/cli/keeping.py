"""`billdesk init | backup | restore | migrate`: the ledger as a file or database."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import Yes
from billdesk.cli.printing import card

BackupFile = Annotated[str, typer.Argument(metavar="FILE", help="The backup.")]


def init(
    door: Door,
    *,
    asset: Annotated[
        str, typer.Option(metavar="ASSET", help="What amounts are in unless they say so.")
    ] = "USD",
    zone: Annotated[
        str, typer.Option(metavar="ZONE", help="Where a billing day begins: Europe/Vienna …")
    ] = "UTC",
) -> None:
    """Make a new, empty ledger.

    Where --ledger says, a file or a Postgres database; what is there already is left alone.
    """
    from billdesk.core.desk import create_ledger

    with create_ledger(door.ledger, asset=asset, zone=zone) as desk:
        sheet = desk.info
    door.answer(
        sheet,
        *card(
            [
                ("ledger", sheet.where),
                ("asset", sheet.default_asset),
                ("zone", sheet.zone),
                ("id", sheet.ledger_id),
            ]
        ),
    )


def backup(door: Door, file: BackupFile) -> None:
    """Copy the ledger while it is in use."""
    with door.desk() as desk:
        written = desk.backup(file)
    door.answer({"path": written}, f"backed up to {written}")


def restore(door: Door, file: BackupFile, *, yes: Yes = False) -> None:
    """Make a ledger from a backup.

    It goes where --ledger says, and never over a ledger that is there already.
    """
    from billdesk.core.desk import restore as restore_ledger

    door.confirm("restore", f"Restore from {file}?", yes=yes)
    restored = restore_ledger(file, door.ledger)
    door.answer({"ledger": restored}, f"restored {restored}")


def migrate(door: Door) -> None:
    """Bring an older ledger up to date.

    A backup is made first.
    """
    from billdesk.core.desk import migrate as migrate_ledger

    schema = migrate_ledger(door.ledger)
    door.answer({"schema": schema}, f"the ledger's schema is {schema}")
