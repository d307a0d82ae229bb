"""The jobs that keep a ledger: backing it up, bringing it back, migrating it, letting logins in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from billdesk.core.desk import default_paths, open_desk
from billdesk.core.desk import grant as grant_login
from billdesk.core.desk import migrate as migrate_ledger
from billdesk.core.desk import restore as restore_ledger
from billdesk.core.values.errors import BadInput, BilldeskError
from billdesk.screens.acts import Field, Values
from billdesk.screens.figures import counted
from billdesk.screens.form import Line
from billdesk.screens.path_line import PathEnding, read_address, read_path, short
from billdesk.screens.progress import Report
from billdesk.screens.task import Outcome, Task
from billdesk.screens.threads import explain

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import LedgerSheet, VerifySheet

ENDING = ".backup"
NO_LOGINS = "A SQLite ledger has no logins: give others the file's rights instead"


class Backup(NamedTuple):
    """A backup where the desk proposes to put them."""

    path: Path
    made_at: datetime
    size_bytes: int


def newest_backup(ledger: LedgerSheet) -> Backup | None:
    """The newest backup of this ledger in the usual folder; others are not known of."""
    found = []
    for path in folder_of_backups().glob(f"{_mark(ledger)}-*{ENDING}"):
        try:
            stat = path.stat()
        except OSError:
            # It was there a moment ago.
            continue
        found.append(Backup(path, datetime.fromtimestamp(stat.st_mtime, UTC), stat.st_size))
    return max(found, key=lambda backup: backup.made_at, default=None)


def folder_of_backups() -> Path:
    """Where the desk proposes to put backups."""
    return default_paths().data / "backups"


def _mark(ledger: LedgerSheet) -> str:
    """What the names of a ledger's backups begin with: enough of its id to tell it from others."""
    return ledger.ledger_id[-8:]


def size(size_bytes: int) -> str:
    """`12,345 kB`."""
    return f"{-(-size_bytes // 1000):,} kB"


# --- the tasks ---


def back_up(desk: Desk, now: datetime) -> Task:
    """Copy the open ledger beside its writers, and prove the copy."""

    def perform(values: Values, report: Report) -> Outcome:
        report("copying", 0, 0)
        path = desk.backup(Path(read_path(values["path"])).absolute())
        if desk.info.kind == "sqlite":
            proof = _proof("the copy", partial(prove, path), report)
        else:
            # A Postgres backup is no ledger before it is restored.
            proof = _proof("the ledger", partial(_verify, desk), report)
        copied = size(Path(path).stat().st_size)
        return Outcome((("backup", path, "strong"), ("size", copied, ""), *proof), path)

    name = f"{_mark(desk.info)}-{now:%Y-%m-%d-%H%M%S}{ENDING}"
    return Task(
        title="Back up the ledger",
        verb="Back up",
        about="A copy in a new file, whole even while others write; then it is proven, entry by "
        "entry. A file that is there already is left alone.",
        perform=perform,
        fields=(Field("path", "New file", read_path, value=short(folder_of_backups() / name)),),
        suggesters={"path": PathEnding(ENDING)},
    )


def restore(newest: Backup | None, proposal: str) -> Task:
    """Bring a backup back as a new ledger, prove it, and offer to open it."""

    def perform(values: Values, report: Report) -> Outcome:
        address = read_address(values["target"])
        report("restoring", 0, 0)
        where = restore_ledger(read_path(values["backup"]), address)
        proof = _proof("it", partial(prove, address), report)
        return Outcome((("ledger", where, "strong"), *proof), where, address)

    return Task(
        title="Restore a backup",
        verb="Restore",
        about="The backup becomes a new ledger, at a path or at the address of an empty Postgres "
        "database. Nothing is ever restored over a ledger: what is open stays as it is.",
        perform=perform,
        fields=(
            Field(
                "backup",
                "Backup",
                read_path,
                value="" if newest is None else short(newest.path),
                placeholder="the file that was backed up to",
            ),
            Field(
                "target",
                "New ledger",
                read_address,
                value=proposal,
                placeholder="a path, or postgresql://user@host/database",
            ),
        ),
        suggesters={"backup": PathEnding(), "target": PathEnding("/")},
    )


def restored_proposal(now: datetime, how: str = "restored") -> str:
    """Where a restored (or moved) ledger may lie: beside the usual one, under the day's name."""
    return short(default_paths().data / f"{how}-{now:%Y-%m-%d}.ledger")


def migrate(address: str | None) -> Task:
    """Bring a ledger of an older billdesk up to date, and offer to open it."""

    def perform(_: Values, report: Report) -> Outcome:
        report("migrating", 0, 0)
        done = migrate_ledger(address)
        return Outcome((("", done, ""),), done, address)

    return Task(
        title="Migrate the ledger",
        verb="Migrate",
        about="Its tables get the form that this billdesk knows; no entry is changed. A file is "
        "copied first; back a Postgres database up yourself before you go on.",
        perform=perform,
    )


def grant(address: str | None) -> Task:
    """Let a Postgres login work at the desk."""

    def perform(values: Values, report: Report) -> Outcome:
        report("granting", 0, 0)
        login = values["login"].strip()
        done = grant_login(login, address)
        return Outcome((("", done, ""),), login)

    def check(text: str) -> object:
        if not text.strip():
            raise BadInput("no login is named", "the name of a role of the database")
        return text

    return Task(
        title="Grant a login",
        verb="Grant",
        about="The login may then read everything, and post through the functions alone: it can "
        "neither forge nor change an entry.",
        perform=perform,
        fields=(Field("login", "Login", check, placeholder="a role of the database"),),
    )


# --- proving ---


def prove(address: str, report: Report) -> VerifySheet:
    """Open a ledger to look at it alone, and prove it. Raises what opening and verifying raise."""
    with open_desk(address, read_only=True, origin="terminal", gateways=()) as desk:
        return _verify(desk, report)


def _verify(desk: Desk, report: Report) -> VerifySheet:
    return desk.verify(on_progress=lambda done, total: report("proving", done, total))


def _proof(what: str, verify: Callable[[Report], VerifySheet], report: Report) -> tuple[Line, ...]:
    """What verify says; where it cannot be asked, why not: what was done before is done."""
    try:
        sheet = verify(report)
    except BilldeskError as error:
        return (("proof", f"{what} could not be proven: {explain(error)}", "bad"),)
    if not sheet.ok:
        found = [("", f"{finding.check}: {finding.text}", "bad") for finding in sheet.findings]
        return (("proof", f"{counted(len(found), 'finding')} in {what}", "bad"), *found)
    entries = counted(sheet.entries, "entry", "entries")
    proven = f"{what} proves true: {entries} of {counted(sheet.wallets, 'wallet')}"
    return (("proof", proven, "good"), *(("not proven", text, "muted") for text in sheet.unproven))
