"""`billdesk init | backup | restore | migrate | move | grant`: the ledger as a file or database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door, Interrupted
from billdesk.cli.parameters import Yes
from billdesk.cli.printing import card, plural, table
from billdesk.cli.progress import Progress

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import MoveSheet

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


def move(
    door: Door,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A new file, or an empty Postgres database.")
    ],
    *,
    preview: Annotated[bool, typer.Option("--preview", help="Only say what it would do.")] = False,
) -> None:
    """Move the ledger to the other database.

    From SQLite to Postgres, or back. Every row is copied, read back and proven; only then the new
    ledger is there. The old one is read and stays as it is: stop whoever writes to it first, and
    write to it no more afterwards.
    """
    with door.desk(read_only=True) as desk, Progress("copying") as progress:
        if preview:
            _answer_preview(door, desk.preview_move(target))
            return

        def report(phase: str, done: int, total: int) -> None:
            progress.what = phase
            progress(done, total)

        try:
            sheet = desk.move(target, on_progress=report)
        except KeyboardInterrupt:
            raise Interrupted(
                "interrupted: the new ledger is there whole, or nothing of it is",
                "try again: one that is there is refused and left alone",
            ) from None
    _answer_moved(door, sheet)


def _answer_preview(door: Door, sheet: MoveSheet) -> None:
    counts = [(name, rows) for name, rows in sheet.tables.items() if rows]
    door.answer(
        sheet,
        f"would move {sheet.source}",
        f"to {sheet.target}:",
        *table(("TABLE", "ROWS"), counts),
        *([f"the sandbox's books would go to {sheet.books}"] if sheet.books else []),
        *sheet.notes,
    )


def _answer_moved(door: Door, sheet: MoveSheet) -> None:
    rows = plural(sum(sheet.tables.values()), "row")
    entries, wallets = plural(sheet.entries, "entry"), plural(sheet.wallets, "wallet")
    door.answer(
        sheet,
        *card(
            [
                ("moved", sheet.source),
                ("to", sheet.target),
                ("copied", f"{rows}, all read back the same"),
                ("proven", f"{entries} of {wallets}: every hash and balance as before"),
                ("heads", sheet.heads),
                ("checkpoint", sheet.checkpoint),
                ("books", sheet.books),
            ]
        ),
        *(f"not proven: {text}" for text in (sheet.proof.unproven if sheet.proof else ())),
        *sheet.notes,
    )


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
