"""Bringing in a business that exists already: its accounts, what they had, and what happened.

A file is read twice. First every line is checked, and all that is wrong is listed; then everything
goes in in one write block, or nothing does. What came in before stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

from billdesk.core.operations.accounts.enrolling import HOUSE
from billdesk.core.operations.accounts.tables import Table
from billdesk.core.operations.ledger.booking import book
from billdesk.core.operations.ledger.burning import keep_many_lots
from billdesk.core.operations.office import Office
from billdesk.core.rules.import_rows import (
    ACCOUNTS,
    ENTRIES,
    AccountRow,
    EntryRow,
    account_row,
    entry_row,
)
from billdesk.core.rules.ledger import IMPORT, Draft, Leg, digest_of, purpose_of
from billdesk.core.rules.sheets import ImportSheet, RowError
from billdesk.core.store import accounts as store
from billdesk.core.store.imports import KnownAccount, KnownPosting, known_accounts, known_postings
from billdesk.core.store.posting import post_many
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import BadInput, BilldeskError, Refused

BATCH = 500
MOST_ERRORS = 1000

Progress = Callable[[int, int], None]
Row = TypeVar("Row", AccountRow, EntryRow)


class Imports:
    """`desk.imports`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def accounts(
        self, path: str | os.PathLike[str], on_progress: Progress | None = None
    ) -> ImportSheet:
        """Bring in accounts with their opening balances and credit limits, all or none.

        A wallet comes in once; afterwards its balance and limit are the desk's business, and the
        same file changes nothing. `on_progress` hears how much is done, of how much. Raises
        BadInput when the file is no such table, ReadOnly, StoreError kinds.
        """
        office, now = self._office, self._office.now()
        return _bring_in(office, Table(path, ACCOUNTS), _Accounts(office, now), now, on_progress)

    def entries(
        self, path: str | os.PathLike[str], on_progress: Progress | None = None
    ) -> ImportSheet:
        """Bring in the history of accounts, in the order of the file, all or none.

        A reference comes in once, so the same file changes nothing. `on_progress` hears how much is
        done, of how much. Raises BadInput when the file is no such table, ReadOnly, StoreError
        kinds.
        """
        office, now = self._office, self._office.now()
        return _bring_in(office, Table(path, ENTRIES), _Entries(office, now), now, on_progress)


class _Item(NamedTuple):
    """A line as it will be booked, and how low its wallet may go (if the line says so)."""

    line: int
    draft: Draft
    floor_minor: int | None = 0
    sets_floor: bool = False


class _Kind(Protocol[Row]):
    """What differs between files of accounts and files of entries."""

    name: str

    def read(self, fields: Mapping[str, str]) -> Row:
        """What a line says. Raises BadInput."""
        ...

    def check(self, session: Session, rows: Sequence[tuple[int, Row]]) -> list[RowError]:
        """What the ledger has against some lines, as far as it can be told beforehand."""
        ...

    def items(self, session: Session, rows: Sequence[tuple[int, Row]], /) -> list[_Item]:
        """How lines that passed the check are booked."""
        ...


class _Accounts:
    """Accounts and wallets; an opening is a posting even of nothing, to show what came in."""

    name = "accounts"

    def __init__(self, office: Office, now: datetime) -> None:
        self._office = office
        self._now = now

    def read(self, fields: Mapping[str, str]) -> AccountRow:
        """What a line says. Raises BadInput."""
        return account_row(fields, self._office.default_asset)

    def check(self, session: Session, rows: Sequence[tuple[int, AccountRow]]) -> list[RowError]:
        """An account that is here already, or further up, must have the same name and e-mail."""
        known = known_accounts(session, [row.ref for _, row in rows])
        errors = []
        for line, row in rows:
            first = known.setdefault(row.ref, KnownAccount("", row.name, row.email))
            if (first.name, first.email) != (row.name, row.email):
                told = f"there is an account {row.ref} already, called {first.name[:60]}"
                errors.append(RowError(line, f"{told}; use its name and e-mail, or another ref"))
        return errors

    def items(self, session: Session, rows: Sequence[tuple[int, AccountRow]]) -> list[_Item]:
        """The openings of the wallets, after the accounts that are new have been added."""
        known = known_accounts(session, [row.ref for _, row in rows])
        ids = {ref: account.id for ref, account in known.items()}
        new = []
        for _, row in rows:
            if row.ref not in ids:
                ids[row.ref] = self._office.ids.make("acc", self._now)
                new.append((ids[row.ref], row.ref, row.name, row.email, to_micros(self._now)))
        store.add_accounts(session, new)
        for account_id, ref, name, _, _ in new:
            self._office.audit(
                session,
                now=self._now,
                action="account.add",
                summary=f"{ref} · {name}",
                account_id=account_id,
            )
        return [self._item(line, row, ids[row.ref]) for line, row in rows]

    def _item(self, line: int, row: AccountRow, account_id: str) -> _Item:
        asset = row.opening.asset
        leg = Leg(account_id, purpose_of(asset), asset, row.opening.minor, 0, "imported")
        floor_minor = None if row.floor is None else row.floor.minor
        draft = Draft(
            id=self._office.ids.make("opn", self._now),
            # A kind that moves no money needs no entry to show for it.
            kind="opening" if row.opening.minor else "empty_opening",
            scope=IMPORT,
            reference=f"opening:{row.ref}:{asset}",
            digest=digest_of("opening", (leg,), str(floor_minor)),
            actor=self._office.actor,
            legs=(leg,),
            recorded_at=self._office.recorded_at(self._now),
            guarded=False,
        )
        return _Item(line, draft, floor_minor, sets_floor=True)


class _Entries:
    """The history of accounts that are here."""

    name = "entries"

    def __init__(self, office: Office, now: datetime) -> None:
        self._office = office
        self._now = now
        self._ids: dict[str, str] = {}

    def read(self, fields: Mapping[str, str]) -> EntryRow:
        """What a line says. Raises BadInput."""
        return entry_row(fields, self._office.default_asset)

    def check(self, session: Session, rows: Sequence[tuple[int, EntryRow]]) -> list[RowError]:
        """Every line needs an account that is here, of a customer."""
        unseen = {row.account for _, row in rows} - self._ids.keys() - {HOUSE}
        for ref, account in known_accounts(session, sorted(unseen)).items():
            self._ids[ref] = account.id
        return [
            RowError(line, f"there is no account {row.account}; import the accounts first")
            for line, row in rows
            if row.account not in self._ids
        ]

    def items(self, _: Session, rows: Sequence[tuple[int, EntryRow]]) -> list[_Item]:
        """Postings as the desk's own verbs would make them."""
        return [_Item(line, self._draft(row)) for line, row in rows]

    def _draft(self, row: EntryRow) -> Draft:
        office, kind = self._office, row.kind
        leg = Leg(
            self._ids[row.account],
            purpose_of(row.amount.asset),
            row.amount.asset,
            row.amount.minor,
            0,
            kind.counterparty,
        )
        happened_at = None if row.happened_at is None else to_micros(row.happened_at)
        return Draft(
            id=office.ids.make(kind.prefix, self._now),
            kind=kind.kind,
            scope=IMPORT,
            reference=row.reference,
            digest=digest_of(kind.kind, (leg,), None if happened_at is None else str(happened_at)),
            actor=office.actor,
            legs=(leg,),
            subject=row.subject,
            memo=row.memo,
            salt=office.ids.salt() if row.subject or row.memo else None,
            happened_at=happened_at,
            recorded_at=office.recorded_at(self._now),
            guarded=leg.amount_minor < 0,
        )


class _RolledBack(Exception):
    """Ends a block of which nothing shall stay; never leaves this file."""


def _roll_back_if(wrong: object) -> None:
    if wrong:
        raise _RolledBack


class _Tally:
    """What has become of the lines so far."""

    def __init__(self) -> None:
        self.rows = 0
        self.added = 0
        self.unchanged = 0
        self.errors: list[RowError] = []

    @property
    def is_full(self) -> bool:
        """Whether so much is wrong that nobody wants to read on."""
        return len(self.errors) >= MOST_ERRORS

    def sheet(self, table: Table) -> ImportSheet:
        """The answer to the door: with errors, nothing was added."""
        errors = sorted(self.errors, key=lambda error: error.line)[:MOST_ERRORS]
        if self.is_full:
            errors.append(RowError(errors[-1].line, "there may be more; mend these first"))
        return ImportSheet(
            path=str(table.path),
            rows=self.rows,
            added=0 if errors else self.added,
            unchanged=0 if errors else self.unchanged,
            errors=tuple(errors),
        )


def _bring_in(
    office: Office, table: Table, kind: _Kind[Row], now: datetime, on_progress: Progress | None
) -> ImportSheet:
    office.check_writable()
    tell = on_progress or _say_nothing
    checked = _Tally()
    with office.database.read() as session:
        for rows in _batches(table, kind, checked):
            checked.errors += kind.check(session, rows)
            tell(table.position, 2 * table.size)
    if checked.errors:
        return checked.sheet(table)
    written = _Tally()
    try:
        with office.database.write() as session:
            for rows in _batches(table, kind, written):
                written.errors += kind.check(session, rows)
                _write(office, session, kind.items(session, rows), now, written)
                tell(table.size + table.position, 2 * table.size)
            _roll_back_if(written.errors)
            if written.added:
                summary = f"{written.added} of {written.rows} lines of {table.path.name}"
                office.audit(session, now=now, action=f"import.{kind.name}", summary=summary)
    except _RolledBack:
        pass
    return written.sheet(table)


def _say_nothing(_done: int, _total: int) -> None:
    """For callers who do not ask how far it is."""


def _batches(table: Table, kind: _Kind[Row], tally: _Tally) -> Iterator[list[tuple[int, Row]]]:
    """The lines that can be read, some hundred at a time, until too much is wrong."""
    lines = table.lines()
    while not tally.is_full and (batch := list(islice(lines, BATCH))):
        rows = []
        for number, fields in batch:
            tally.rows += 1
            try:
                if isinstance(fields, BadInput):
                    raise fields
                rows.append((number, kind.read(fields)))
            except BadInput as error:
                tally.errors.append(_row_error(number, error))
        if rows:
            yield rows


def _row_error(line: int, error: BilldeskError) -> RowError:
    return RowError(line, f"{error.message}; {error.hint}" if error.hint else error.message)


def _write(
    office: Office, session: Session, items: Sequence[_Item], now: datetime, tally: _Tally
) -> None:
    """Book those lines that are new; what is wrong with any goes to the tally."""
    known = known_postings(session, IMPORT, [item.draft.reference for item in items])
    new: dict[str, _Item] = {}
    for item in items:
        reference = item.draft.reference
        if reference in new:
            same = _content(new[reference].draft) == _content(item.draft)
        elif reference in known:
            same = _is_replay(known[reference], item.draft)
        else:
            new[reference] = item
            continue
        if same:
            tally.unchanged += 1
        else:
            told = (
                f"the reference {reference} was used for something else; nothing is changed twice"
            )
            tally.errors.append(RowError(item.line, told))
    opened: set[tuple[str, ...]] = set()
    for item in new.values():
        wallet = item.draft.legs[0][:3]
        if item.sets_floor or wallet not in opened:
            opened.add(wallet)
            _open_wallet(office, session, item, now, tally)
    _book(office, list(new.values()), now, tally)


def _content(draft: Draft) -> tuple[bytes, str, str | None, str | None]:
    return draft.digest, draft.legs[0].account, draft.subject, draft.memo


def _is_replay(first: KnownPosting, draft: Draft) -> bool:
    """Whether `draft` is what its reference led to; texts that were erased say nothing."""
    texts = (draft.subject, draft.memo) if first.erased else (first.subject, first.memo)
    return (first.digest, first.account_id, *texts) == _content(draft)


def _open_wallet(
    office: Office, session: Session, item: _Item, now: datetime, tally: _Tally
) -> None:
    """Have the wallet of a new line there, with the floor that the line asks for."""
    leg = item.draft.legs[0]
    state = wallet_state(session, leg.account, leg.purpose, leg.asset, lock=True)
    if state is None:
        store.open_wallet(
            session,
            id=office.ids.make("wal", now),
            account_id=leg.account,
            purpose=leg.purpose,
            asset=leg.asset,
            floor_minor=item.floor_minor,
        )
    elif item.sets_floor and not store.set_floor(session, state.number, item.floor_minor):
        told = "the wallet is here and used below this credit limit already; raise the limit"
        tally.errors.append(RowError(item.line, told))


def _book(office: Office, items: Sequence[_Item], now: datetime, tally: _Tally) -> None:
    """Book lines together if that goes, else one by one to learn which are refused, and why."""
    try:
        with office.database.write() as session:
            drafts = [item.draft for item in items]
            answer = post_many(session, drafts)
            if isinstance(answer, int):
                raise _RolledBack
            keep_many_lots(office, session, drafts, answer, now)
        tally.added += len(items)
    except (_RolledBack, KeyTaken, Refused):
        for item in items:
            try:
                booked = book(office, item.draft, now)
            except Refused as error:
                tally.errors.append(_row_error(item.line, error))
            else:
                tally.added += not booked.replayed
                tally.unchanged += booked.replayed
