"""Moving a ledger between SQLite and Postgres: copied, read back and proven, or not there at all.

The hashes of both databases are the same, so every wallet must end where it ended before. The old
ledger is only read, and stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from billdesk.core.desk.opening import open_desk, sandbox_books
from billdesk.core.operations.ledger import checking
from billdesk.core.operations.office import Office
from billdesk.core.rules.sheets import LedgerSheet, MoveSheet, VerifySheet
from billdesk.core.settings import Paths
from billdesk.core.store import moving as rows_moving
from billdesk.core.store.addresses import check_postgres, is_postgres, is_there
from billdesk.core.store.checks import size
from billdesk.core.store.copying import backup_file
from billdesk.core.store.opening import database_at
from billdesk.core.store.sessions import Database, Session
from billdesk.core.values.errors import BilldeskError, Broken, Refused, StoreError

Report = Callable[[str, int, int], None]

_NAMES = {"sqlite": "SQLite files", "postgres": "Postgres databases"}


def preview(
    office: Office, info: LedgerSheet, paths: Paths, target: str | os.PathLike[str]
) -> MoveSheet:
    """What a move would come to; nothing is made. Raises Refused, AlreadyExists, StoreError kinds."""
    address = _address(info, target)
    rows_moving.check_free(address)
    with office.database.read(snapshot=True) as session:
        return _outlook(session, office.database, info, paths, address)


def move(
    office: Office,
    info: LedgerSheet,
    paths: Paths,
    target: str | os.PathLike[str],
    checkpoint: Path | None,
    on_progress: Report | None,
) -> MoveSheet:
    """Copy a ledger whole, prove the copy, and only then let it be there.

    `checkpoint`: the newest that is known, which the copy is held against. Raises Refused,
    AlreadyExists, BadInput for the checkpoint, StoreError kinds.
    """
    if office.database.in_block():
        raise Refused("a ledger is not moved inside a transaction", "end it first")
    address = _address(info, target)
    report = on_progress or _quiet
    with office.database.read(snapshot=True) as source:
        outlook = _outlook(source, office.database, info, paths, address)
        heads = rows_moving.heads_digest(source)
        moved: list[MoveSheet] = []

        def fill(session: Session) -> None:
            rows_moving.copy_rows(source, session, outlook.tables, report)
            rows_moving.index_all(session, report)
            proof = _prove(session, info, checkpoint, heads, report)
            office.audit(
                session,
                now=office.now(),
                action="ledger.move",
                summary=f"moved here from {info.where}",
                data={"rows": sum(outlook.tables.values()), "heads": heads},
            )
            # The last that is asked of the old one: what fails from here on harms neither.
            with office.database.read(snapshot=True) as later:
                behind = _grown(outlook.tables, rows_moving.row_counts(later))
            notes = (*_behind_notes(behind), *outlook.notes)
            moved.append(outlook._replace(proof=proof, heads=heads, behind=behind, notes=notes))

        rows_moving.make_whole(address, fill)
    return _settle(office, moved[0], sandbox_books(office.database, paths, info.ledger_id), address)


def _address(info: LedgerSheet, target: str | os.PathLike[str]) -> str:
    """The target as an address. Raises Refused unless it is a database of the other kind, BadInput."""
    address = os.fspath(target)
    kind = "postgres" if is_postgres(address) else "sqlite"
    if kind == "postgres":
        check_postgres(address)
    if kind == info.kind:
        raise Refused(
            f"both are {_NAMES[kind]}", "`billdesk backup` and `billdesk restore` make another one"
        )
    return address


def _outlook(
    session: Session, database: Database, info: LedgerSheet, paths: Paths, address: str
) -> MoveSheet:
    """What there is to move, and what not."""
    books = sandbox_books(database, paths, info.ledger_id)
    with closing(database_at(address)) as new:
        where, kind = new.where, new.kind
        new_books = sandbox_books(new, paths, info.ledger_id) if is_there(books) else None
    own_tables = tuple(rows_moving.own_tables(session))
    wallets, entries = size(session)
    return MoveSheet(
        source=info.where,
        source_kind=info.kind,
        target=where,
        target_kind=kind,
        ledger_id=info.ledger_id,
        schema=info.schema,
        wallets=wallets,
        entries=entries,
        tables=rows_moving.row_counts(session),
        own_tables=own_tables,
        books=None if new_books is None else str(new_books),
        notes=tuple(_notes(info, kind, own_tables)),
    )


def _notes(info: LedgerSheet, kind: str, own_tables: tuple[str, ...]) -> list[str]:
    """What is to be known about any move."""
    notes = [
        f"{info.where} stays as it is: write to it no more, and put it away",
        "from now on --ledger, BILLDESK_LEDGER or config.toml has to name the new one",
    ]
    if own_tables:
        notes.append(f"tables that are not billdesk's stay behind: {', '.join(own_tables)}")
    if kind == "postgres":
        notes.append("whoever makes it owns it: `billdesk grant` lets other logins in")
    else:
        notes.append("logins stay behind: whoever may write to the file may change it")
    return notes


def _prove(
    session: Session,
    info: LedgerSheet,
    checkpoint: Path | None,
    heads: str,
    report: Report,
) -> VerifySheet:
    """Verify the copy in full, before it counts. Raises StoreError when it does not prove true."""
    proof = checking.prove(
        session, info.ledger_id, checkpoint, lambda done, total: report("proving", done, total)
    )
    for finding in proof.findings:
        raise StoreError(
            f"the copy does not prove true, so nothing was moved: {finding.text}",
            "`billdesk verify` says whether the ledger itself does",
        )
    if rows_moving.heads_digest(session) != heads:
        raise Broken("a copied wallet does not end where it ended before")
    return proof


def _grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """How many rows each table got meanwhile, of those that got any."""
    return {
        table: after[table] - before[table] for table in before if after[table] != before[table]
    }


def _behind_notes(behind: Mapping[str, int]) -> list[str]:
    """What to do about rows that the new ledger lacks."""
    if not behind:
        return []
    rows = ", ".join(f"{count:,} of {table}" for table, count in behind.items())
    return [
        f"somebody wrote to the old ledger while it was copied, and the new one lacks that: {rows}",
        "to lose nothing, stop whoever writes, delete the new ledger, and move once more",
    ]


def _settle(office: Office, moved: MoveSheet, books: Path, address: str) -> MoveSheet:
    """What goes along with a ledger that is there now: the sandbox's books, and a new checkpoint.

    Neither is worth failing for; what could not be done is told.
    """
    notes, checkpoint, new_books = list(moved.notes), None, moved.books
    if new_books is not None:
        try:
            backup_file(books, Path(new_books))
        except BilldeskError as error:
            new_books = None
            notes.append(f"the sandbox's books at {books} were not copied: {error.message}")
    try:
        with open_desk(
            address, clock=office.clock, actor=office.actor, origin=office.origin, gateways=()
        ) as desk:
            checkpoint = desk.seal().path
    except BilldeskError as error:
        notes.append(f"no checkpoint was sealed: {error.message}")
    return moved._replace(notes=tuple(notes), checkpoint=checkpoint, books=new_books)


def _quiet(*_: object) -> None:
    """Nobody asked how far it is."""
