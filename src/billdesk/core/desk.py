"""The composition root: one object, nouns as attributes. All three doors open it.

Nothing is decided here; each noun is an operation's class, given the office it works in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from billdesk.core.operations import checking, surveying
from billdesk.core.operations.charging import ChargeRequest, Charges
from billdesk.core.operations.correcting import Adjustments, Refunds, Reversals
from billdesk.core.operations.depositing import Deposits, Facts, gateway_named
from billdesk.core.operations.enrolling import HOUSE, Accounts, Wallets
from billdesk.core.operations.holding import Holds
from billdesk.core.operations.intake import Intake
from billdesk.core.operations.office import Office
from billdesk.core.operations.polling import gap_sheets, gateway_sheets
from billdesk.core.operations.reading import Audit, Ledger, Standing
from billdesk.core.operations.registering import Methods
from billdesk.core.operations.retrying import Payments
from billdesk.core.operations.returning import CardRefunds, Disputes
from billdesk.core.operations.ticking import poll_once, tick
from billdesk.core.operations.watching import Watches
from billdesk.core.operations.windows import LedgerView
from billdesk.core.rules.gateway import Gateway
from billdesk.core.rules.sheets import (
    CheckpointSheet,
    ConnectionSheet,
    DisconnectionSheet,
    DoctorSheet,
    EntryFilter,
    ExportSheet,
    GapSheet,
    GatewaySheet,
    IncidentSheet,
    IntakeSheet,
    LedgerSheet,
    NeedsSheet,
    OverviewSheet,
    TickSheet,
    VerifySheet,
)
from billdesk.core.settings import Paths, Settings, default_paths, read_settings
from billdesk.core.store import accounts as account_store
from billdesk.core.store import opening
from billdesk.core.store.addresses import check_postgres, is_postgres, is_there, sqlite_path
from billdesk.core.store.copying import backup_file
from billdesk.core.store.gateway_links import list_links
from billdesk.core.store.meta import read_meta, write_meta
from billdesk.core.store.schema import SCHEMA_VERSION
from billdesk.core.store.sessions import Database, Session
from billdesk.core.values.clock import Clock, SystemClock, format_instant, parse_instant, to_micros
from billdesk.core.values.errors import BadInput, NotFound, NotOffered, Refused
from billdesk.core.values.ids import Chance, IdMaker
from billdesk.core.values.money import exponent_of

if TYPE_CHECKING:
    import psycopg
    import sqlmodel

    from billdesk.core.operations.cataloguing import Catalogs
    from billdesk.core.operations.connecting import Connections
    from billdesk.core.operations.correcting_invoices import CreditNotes
    from billdesk.core.operations.crediting import Credits
    from billdesk.core.operations.drawing import Pdfs
    from billdesk.core.operations.importing import Imports
    from billdesk.core.operations.invoicing import Invoices
    from billdesk.core.operations.metering import Usage
    from billdesk.core.operations.mirroring import Mirrors
    from billdesk.core.operations.packing import Packs
    from billdesk.core.operations.parties import Parties
    from billdesk.core.operations.rating import UsageRuns
    from billdesk.core.operations.reconciling import Reconciliations
    from billdesk.core.operations.subscribing import Subscriptions
    from billdesk.core.rules.gateway_keys import Secrets
    from billdesk.core.rules.links import Link

__all__ = [
    "ChargeRequest",
    "Desk",
    "LedgerView",
    "Transaction",
    "create_ledger",
    "default_paths",
    "grant",
    "migrate",
    "open_desk",
    "restore",
]

Progress = Callable[[int, int], None]


class Gateways:
    """`desk.gateways`. `among` is where connected ones are put, and taken away again.

    `connected`: those that the ledger knows of are among them; else only what was given.
    """

    def __init__(
        self, office: Office, among: dict[str, Gateway], ledger_id: str, *, connected: bool
    ) -> None:
        self._office = office
        self._among = among
        self._ledger_id = ledger_id
        self._connected = connected

    @cached_property
    def _connections(self) -> Connections:
        from billdesk.core.gateways.making import make_gateway  # only where one is connected
        from billdesk.core.operations.connecting import Connections

        clock = self._office.clock

        def make(link: Link, secrets: Secrets) -> Gateway:
            return make_gateway(link, secrets, clock)

        return Connections(self._office, self._among, self._ledger_id, make)

    def follow(self) -> None:
        """Know what other programs connected and removed meanwhile; whatever asks gateways does so."""
        if not self._connected:
            return
        with self._office.database.read() as session:
            links = list_links(session)
        if links or "_connections" in vars(self):
            self._connections.follow(links)

    def needs(self, make: str, name: str | None = None) -> NeedsSheet:
        """Which key a gateway needs, with which rights and what for, and the variables it may be in.

        Raises BadInput.
        """
        return self._connections.needs(make, name)

    def add(
        self,
        make: str,
        name: str | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        live: bool = False,
        webhook_id: str | None = None,
        return_url: str | None = None,
    ) -> ConnectionSheet:
        """Connect a gateway under a name (its make, if none is given), after its key was tried.

        `secrets` by word (`needs` tells which) go to the keyring; None: those of the environment.
        `live` must be said for keys that move real money. The same again with another key of the
        same account and mode replaces the key. Raises BadInput, AlreadyExists for a name or account
        that is taken, KeyRefused, GatewayUnreachable, Refused without a keyring and inside a
        transaction, ReadOnly.
        """
        return self._connections.add(
            make, name, secrets=secrets, live=live, webhook_id=webhook_id, return_url=return_url
        )

    def check(self, name: str) -> ConnectionSheet:
        """Try a gateway's key again; from then on it is asked again, whatever went wrong before.

        Raises NotFound, KeyRefused, GatewayUnreachable, Refused inside a transaction, ReadOnly.
        """
        return self._connections.check(name)

    def remove(self, name: str) -> DisconnectionSheet:
        """Ask a gateway no more, and forget its key; its payments stay as they are, in sight.

        Raises NotFound, ReadOnly, Refused for the sandbox and inside a transaction.
        """
        return self._connections.remove(name)

    def poll(self, name: str | None = None) -> TickSheet:
        """Ask one gateway, or all, what happened. Raises NotFound, ReadOnly."""
        self.follow()
        return poll_once(self._office, name)

    def sweep(self, name: str | None = None) -> TickSheet:
        """Poll, and list everything of the last three days once more. Raises NotFound, ReadOnly."""
        self.follow()
        return poll_once(self._office, name, sweep=True)

    def list(self) -> tuple[GatewaySheet, ...]:
        """How fresh each gateway's facts are, what is open there, and where its key is."""
        self.follow()
        place = self._connections.place_of_key
        return tuple(
            sheet._replace(key=place(sheet.name)) for sheet in gateway_sheets(self._office)
        )

    def gaps(self) -> tuple[GapSheet, ...]:
        """Spans that a gateway's feed could not tell any more, open ones first."""
        return gap_sheets(self._office)

    def take(self, name: str, body: bytes, headers: Mapping[str, str]) -> IntakeSheet:
        """Take in a message brought by hand, with the headers it came with.

        Raises NotFound, BadInput when its signature is missing, wrong or old or it cannot be read,
        GatewayError kinds, ReadOnly.
        """
        return Intake(self._office).take(gateway_named(self._office, name), body, headers)


class Transaction:
    """An open write block: the desk's verbs join it, and so do the caller's own statements."""

    def __init__(self, database: Database, session: Session) -> None:
        self._database = database
        self._session = session

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement of the caller's, with `?` for values; its rows, if it has any.

        On Postgres the caller's tables are found in `public`. A statement that fails leaves the
        block usable and raises the driver's error, BadInput for a table that is not there or a
        value that cannot be kept, StoreError kinds.
        """
        with self._database.write() as session:
            return session.execute(sql, values)

    def session(self) -> sqlmodel.Session:
        """A SQLModel session on this very block, for the caller's own tables."""
        from billdesk.core.store.orm import orm_session  # SQLModel costs 0.7 s at start-up

        return orm_session(self._session)


class Desk:
    """A billing desk on one ledger. Safe to use from several threads; close it, or use `with`."""

    def __init__(self, office: Office, info: LedgerSheet, paths: Paths, gateways: Gateways) -> None:
        self._office = office
        self._paths = paths
        self.info = info
        self.clock = office.clock
        self.accounts = Accounts(office)
        self.wallets = Wallets(office)
        self.charges = Charges(office)
        self.holds = Holds(office)
        self.refunds = Refunds(office)
        self.reversals = Reversals(office)
        self.adjustments = Adjustments(office)
        self.deposits = Deposits(office)
        self.card_refunds = CardRefunds(office)
        self.disputes = Disputes(office)
        self.payments = Payments(office)
        self.methods = Methods(office)
        self.watches = Watches(office)
        self.gateways = gateways
        self.facts = Facts(office)
        self.ledger = Ledger(office)
        self.audit = Audit(office)
        self.standing = Standing(office)

    # Nouns of their own floors are opened when they are first asked for: a charge needs none.

    @cached_property
    def catalog(self) -> Catalogs:
        """What is sold: plans, packs, meters, tax rates, and the file they come from."""
        from billdesk.core.operations.cataloguing import Catalogs

        return Catalogs(self._office)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """Who is on which plan, and every change of it."""
        from billdesk.core.operations.subscribing import Subscriptions

        return Subscriptions(self._office)

    @cached_property
    def credits(self) -> Credits:
        """Credits in lots: what came, what burns next, what expires."""
        from billdesk.core.operations.crediting import Credits

        return Credits(self._office)

    @cached_property
    def packs(self) -> Packs:
        """Packs of credits: buying them, giving them back."""
        from billdesk.core.operations.packing import Packs

        return Packs(self._office)

    @cached_property
    def usage(self) -> Usage:
        """What was used: taking it in, the present period, forecasts, budgets."""
        from billdesk.core.operations.metering import Usage

        return Usage(self._office)

    @cached_property
    def usage_runs(self) -> UsageRuns:
        """Billing what was used, period by period."""
        from billdesk.core.operations.rating import UsageRuns

        return UsageRuns(self._office)

    @cached_property
    def invoices(self) -> Invoices:
        """Invoices, from draft to paid or void."""
        from billdesk.core.operations.invoicing import Invoices

        return Invoices(self._office)

    @cached_property
    def credit_notes(self) -> CreditNotes:
        """What was invoiced and is taken back."""
        from billdesk.core.operations.correcting_invoices import CreditNotes

        return CreditNotes(self._office)

    @cached_property
    def parties(self) -> Parties:
        """Who accounts are on paper."""
        from billdesk.core.operations.parties import Parties

        return Parties(self._office)

    @cached_property
    def pdfs(self) -> Pdfs:
        """Invoices as PDF files."""
        from billdesk.core.operations.drawing import Pdfs

        return Pdfs(self._office, self._paths)

    @cached_property
    def mirrors(self) -> Mirrors:
        """Subscriptions and invoices that are kept at a gateway."""
        from billdesk.core.operations.mirroring import Mirrors

        return Mirrors(self._office)

    @cached_property
    def imports(self) -> Imports:
        """Bringing in accounts and entries from files."""
        from billdesk.core.operations.importing import Imports  # few desks ever need it

        return Imports(self._office)

    @cached_property
    def reconcile(self) -> Reconciliations:
        """Comparing with gateways' own books."""
        from billdesk.core.operations.reconciling import Reconciliations  # once a day is enough

        return Reconciliations(self._office)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give connections and files back."""
        self._office.database.close()

    def now(self) -> datetime:
        """The desk's present instant."""
        return self._office.now()

    @contextmanager
    def transaction(
        self, connection: psycopg.Connection[Any] | None = None
    ) -> Iterator[Transaction]:
        """One write block around several verbs and the caller's own statements: all or nothing.

        On Postgres a `connection` with a transaction of the caller's own may be given; then the
        caller commits. Raises ReadOnly, StoreError kinds.
        """
        database = self._office.database
        if connection is None:
            with database.write() as session:
                yield Transaction(database, session)
            return
        join = getattr(database, "join", None)
        if join is None:
            raise NotOffered("only a Postgres ledger can join a connection", "leave it out")
        with join(connection) as session:
            yield Transaction(database, session)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Verbs inside run for real and are then taken back, whatever happens: a dry run."""
        database = self._office.database
        try:
            with database.write():
                try:
                    yield
                finally:
                    database.forget_afterwards()
                raise _TakenBack
        except _TakenBack:
            pass

    def incident(self, ref: str) -> IncidentSheet:
        """One account on one screen: standing, reasons, money, time line. Raises NotFound."""
        return surveying.incident(self._office, ref)

    def overview(self) -> OverviewSheet:
        """The desk at a glance."""
        newest = self._newest_checkpoint()
        sealed_at = None if newest is None else checking.read_checkpoint(newest).sealed_at
        return surveying.overview(self._office, self.info, sealed_at)

    def doctor(self) -> tuple[DoctorSheet, ...]:
        """Whether this installation is fit to keep money, check by check."""
        return surveying.doctor(self._office, self.info)

    def verify(
        self,
        checkpoint: str | os.PathLike[str] | None = None,
        *,
        on_progress: Progress | None = None,
    ) -> VerifySheet:
        """Prove the ledger: chain, balances, and the sealed checkpoint (the newest known if none).

        Raises NotFound and BadInput for the checkpoint, StoreError kinds.
        """
        if checkpoint is not None:
            path = Path(checkpoint)
        else:
            newest = self._newest_checkpoint()
            if newest is None:
                return checking.verify(self._office, self.info.ledger_id, None, on_progress)
            path = newest
        return checking.verify(self._office, self.info.ledger_id, path, on_progress)

    def seal(self, path: str | os.PathLike[str] | None = None) -> CheckpointSheet:
        """Seal a checkpoint in a file outside the ledger. Raises AlreadyExists, BadInput."""
        if path is None:
            stamp = format_instant(self.now()).replace(":", "")
            target = self._checkpoints() / f"{stamp}.checkpoint"
        else:
            target = Path(path)
        return checking.seal(self._office, self.info.ledger_id, target)

    def tick(self) -> TickSheet:
        """Do everything that is due; safe to repeat, in bounded steps. Raises ReadOnly, StoreError."""
        self.gateways.follow()
        sheet = tick(self._office)
        if all(gateway.make == "sandbox" for gateway in self._office.gateways.values()):
            return sheet
        from billdesk.core.operations.reconciling import compare_due  # once a day is enough

        compared, errors = compare_due(self._office, sheet.at)
        return sheet._replace(compared=compared, errors=(*sheet.errors, *errors))

    def backup(self, path: str | os.PathLike[str]) -> str:
        """Copy the ledger to a new file while others write. Raises AlreadyExists, StoreError."""
        target = Path(path)
        if self._office.database.kind == "sqlite":
            backup_file(Path(self.info.where), target)
        else:
            from billdesk.core.store.dumping import dump_postgres  # psycopg's copy

            dump_postgres(self._office.database, target)
        return str(target)

    def export_entries(
        self,
        path: str | os.PathLike[str],
        format: str = "csv",
        filter: EntryFilter | None = None,
        on_progress: Progress | None = None,
    ) -> ExportSheet:
        """Write entries to a new file: csv, jsonl, hledger or beancount.

        Raises BadInput, AlreadyExists, NotFound.
        """
        from billdesk.core.operations import exporting  # few commands export

        return exporting.export_entries(
            self._office, Path(path), format, filter or EntryFilter(), on_progress
        )

    def _checkpoints(self) -> Path:
        return self._paths.data / "checkpoints" / self.info.ledger_id

    def _newest_checkpoint(self) -> Path | None:
        """The newest that is known: where `seal` puts them, or in a folder beside the ledger's file."""
        folders = [self._checkpoints()]
        if self.info.kind == "sqlite":
            folders.append(Path(f"{self.info.where}.checkpoints"))
        newest = (checking.newest_checkpoint(folder) for folder in folders)
        # Their names begin with the instant of sealing.
        return max((path for path in newest if path), key=lambda path: path.name, default=None)


class _TakenBack(Exception):
    """Ends a rehearsal: everything in its block is rolled back."""


def open_desk(
    url: str | os.PathLike[str] | None = None,
    *,
    read_only: bool = False,
    clock: Clock | None = None,
    actor: str | None = None,
    origin: str = "python",
    gateways: Sequence[Gateway] | None = None,
    chance: Chance = os.urandom,
) -> Desk:
    """Open the ledger at a path or address (none: the one that is set, else the default).

    `gateways` replaces the built-in sandbox and those that are connected. Raises NotFound when nothing
    is there, NotALedger, SchemaMismatch, StoreError kinds.
    """
    settings = read_settings()
    address = _address(url, settings)
    database = opening.open_existing(
        address,
        read_only=read_only,
        deadline_seconds=settings.deadline_seconds,
        prepared=settings.prepared_statements,
    )
    return _desk(database, settings, clock, actor, origin, gateways, chance)


def _address(url: str | os.PathLike[str] | None, settings: Settings) -> str:
    """The path or address that was asked for, else the one that is set. Raises BadInput."""
    address = settings.ledger if url is None else os.fspath(url)
    if is_postgres(address):
        check_postgres(address)
    return address


def create_ledger(
    url: str | os.PathLike[str] | None = None,
    *,
    asset: str = "USD",
    zone: str = "UTC",
    demo: bool = False,
    clock: Clock | None = None,
    actor: str | None = None,
    origin: str = "python",
    gateways: Sequence[Gateway] | None = None,
    chance: Chance = os.urandom,
) -> Desk:
    """Make a new ledger and open it. Raises AlreadyExists, BadInput, StoreError kinds."""
    from zoneinfo import ZoneInfo  # 2 ms that only a new ledger needs

    exponent_of(asset)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(
            f"there is no time zone {zone[:40]!r}", "write it like Europe/Berlin"
        ) from error
    settings = read_settings()
    address = _address(url, settings)
    ids, now = IdMaker(chance), (clock or SystemClock()).now()

    def fill(session: Session) -> None:
        write_meta(session, "ledger_id", ids.make("led", now))
        write_meta(session, "default_asset", asset)
        write_meta(session, "zone", zone)
        write_meta(session, "created_at", format_instant(now))
        write_meta(session, "demo", "yes" if demo else "no")
        house = ids.make("acc", now)
        account_store.add_account(
            session, id=house, ref=HOUSE, name="The desk itself", email=None, at=to_micros(now)
        )

    database = opening.make_ledger(
        address,
        fill,
        deadline_seconds=settings.deadline_seconds,
        prepared=settings.prepared_statements,
    )
    return _desk(database, settings, clock, actor, origin, gateways, chance)


def _desk(
    database: Database,
    settings: Settings,
    clock: Clock | None,
    actor: str | None,
    origin: str,
    gateways: Sequence[Gateway] | None,
    chance: Chance,
) -> Desk:
    with database.read() as session:
        meta = read_meta(session)
    clock = clock or SystemClock()
    who = actor or settings.actor
    info = LedgerSheet(
        where=database.where,
        kind=database.kind,
        ledger_id=meta["ledger_id"],
        default_asset=meta["default_asset"],
        zone=meta["zone"],
        created_at=parse_instant(meta["created_at"]),
        schema=SCHEMA_VERSION,
        read_only=database.read_only,
        demo=meta["demo"] == "yes",
        actor=who,
    )
    own = gateways if gateways is not None else [_sandbox(database, settings.paths, info, clock)]
    among = {gateway.name: gateway for gateway in own}
    office = Office(
        database=database,
        clock=clock,
        ids=IdMaker(chance),
        actor=who,
        origin=origin,
        default_asset=info.default_asset,
        gateways=among,
    )
    noun = Gateways(office, among, info.ledger_id, connected=gateways is None)
    noun.follow()
    return Desk(office, info, settings.paths, noun)


def _sandbox(database: Database, paths: Paths, info: LedgerSheet, clock: Clock) -> Gateway:
    """The built-in gateway, its books beside the ledger's file (or in the data folder)."""
    from billdesk.core.gateways.sandbox import Sandbox

    if database.kind == "sqlite":
        path = Path(f"{database.where}.sandbox")
    else:
        path = paths.data / f"{info.ledger_id}.sandbox"
        with suppress(OSError):  # then the sandbox says so, when it is asked
            paths.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Sandbox(path, clock=clock)


def restore(backup: str | os.PathLike[str], url: str | os.PathLike[str] | None = None) -> str:
    """Bring a backup back as a new ledger; never over another one.

    Returns where it lies, in words that can be shown: an address may hold a password. Raises
    NotFound, NotALedger, AlreadyExists, StoreError kinds.
    """
    source = Path(backup)
    address = _address(url, read_settings())
    if not is_there(source):
        raise NotFound(f"there is no backup at {source}", "check the path")
    if is_postgres(address):
        from billdesk.core.store.dumping import restore_postgres  # psycopg's copy

        restore_postgres(source, address)
    else:
        opening.open_existing(
            str(source), read_only=True, deadline_seconds=5, prepared=True
        ).close()
        backup_file(source, sqlite_path(address))
    with closing(opening.database_at(address)) as database:
        return database.where


def migrate(url: str | os.PathLike[str] | None = None) -> str:
    """Bring a ledger to the newest schema, after a backup; says what was done.

    Raises NotFound, NotALedger, StoreError kinds.
    """
    from billdesk.core.store.migrating import migrate as migrate_store  # Alembic costs a second

    address = _address(url, read_settings())
    before, after, backup = migrate_store(address)
    if before == after:
        return f"the schema is {after} already, nothing to do"
    return f"schema {before} → {after}" + (f", backup at {backup}" if backup else "")


def grant(login: str, url: str | os.PathLike[str] | None = None) -> str:
    """Let a Postgres login work at the desk: read everything, post through the functions alone.

    Raises Refused on SQLite, BadInput for the name, NotFound, StoreError kinds.
    """
    address = _address(url, read_settings())
    if not is_postgres(address):
        raise Refused("a SQLite ledger has no logins", "give others the file's rights instead")
    from billdesk.core.store.granting import grant_client  # psycopg costs 0.3 s at start-up

    grant_client(address, login)
    return f"{login} may work at the desk now"
