"""Opening, making, restoring and migrating ledgers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from billdesk.core.desk.gateways import Gateways
from billdesk.core.desk.nouns import Desk
from billdesk.core.operations.accounts.enrolling import HOUSE
from billdesk.core.operations.office import Office
from billdesk.core.rules.sheets import LedgerSheet
from billdesk.core.settings import Paths, Settings, read_settings
from billdesk.core.store import accounts as account_store
from billdesk.core.store import opening
from billdesk.core.store.addresses import check_postgres, is_postgres, is_there, sqlite_path
from billdesk.core.store.copying import backup_file
from billdesk.core.store.meta import read_meta, write_meta
from billdesk.core.store.schema import SCHEMA_VERSION
from billdesk.core.store.sessions import Database, Session
from billdesk.core.values.clock import Clock, SystemClock, format_instant, parse_instant, to_micros
from billdesk.core.values.errors import BadInput, NotFound, Refused
from billdesk.core.values.ids import Chance, IdMaker
from billdesk.core.values.money import exponent_of

if TYPE_CHECKING:
    from billdesk.core.rules.gateway import Gateway, Make, Mode


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


class BuiltInSandbox:
    """The built-in gateway, which is only imported and made when it is asked for something."""

    name = account = "sandbox"
    make: Make = "sandbox"
    mode: Mode = "test"

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    @cached_property
    def _sandbox(self) -> Gateway:
        from billdesk.core.gateways.sandbox import Sandbox

        return Sandbox(self.path, clock=self._clock)

    def __getattr__(self, call: str) -> Any:  # noqa: ANN401 - whichever call of the protocol it is
        if call.startswith("_"):
            raise AttributeError(call)
        return getattr(self._sandbox, call)


def _sandbox(database: Database, paths: Paths, info: LedgerSheet, clock: Clock) -> Gateway:
    path = sandbox_books(database, paths, info.ledger_id)
    with suppress(OSError):  # then the sandbox says so, when it is asked
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return cast("Gateway", BuiltInSandbox(path, clock))


def sandbox_books(database: Database, paths: Paths, ledger_id: str) -> Path:
    """Where a ledger's sandbox keeps its books: beside its file, or in the data folder."""
    if database.kind == "sqlite":
        return Path(f"{database.where}.sandbox")
    return paths.data / f"{ledger_id}.sandbox"


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
