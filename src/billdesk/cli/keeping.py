"""`billdesk init | backup | restore | migrate | grant`: the ledger as a file or database."""

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


def restore(door: Door, backup: BackupFile, *, yes: Yes = False) -> None:
    """Make a ledger from a backup.

    It goes where --ledger says, and never over a ledger that is there already.
    """
    from billdesk.core.desk import restore as restore_ledger

    door.confirm("restore", f"Restore from {backup}?", yes=yes)
    where = restore_ledger(backup, door.ledger)
    door.answer({"ledger": where}, f"restored {where}")


def migrate(door: Door) -> None:
    """Bring an older ledger up to date.

    A backup is made first.
    """
    from billdesk.core.desk import migrate as migrate_ledger

    done = migrate_ledger(door.ledger)
    door.answer({"done": done}, done)


def grant(
    door: Door,
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="A role of the database.")],
) -> None:
    """Let a Postgres login in.

    It may read everything, and post through the functions alone: never forge or edit an entry.
    """
    from billdesk.core.desk import grant as grant_login

    done = grant_login(login, door.ledger)
    door.answer({"done": done}, done)
