"""The desk: one object, nouns as attributes. Nothing is decided here; each noun is an operation's class.

Imports inside functions keep the start of a shell command short: most need one noun.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from billdesk.core.desk.gateways import Gateways
from billdesk.core.operations.accounts.enrolling import Accounts, Wallets
from billdesk.core.operations.ledger.charging import Charges
from billdesk.core.operations.office import Office
from billdesk.core.rules.sheets import (
    CheckpointSheet,
    DoctorSheet,
    EntryFilter,
    ExportSheet,
    IncidentSheet,
    LedgerSheet,
    MoveSheet,
    OverviewSheet,
    TickSheet,
    VerifySheet,
)
from billdesk.core.settings import Paths
from billdesk.core.store.copying import backup_file
from billdesk.core.store.sessions import Database, Session
from billdesk.core.values.clock import format_instant
from billdesk.core.values.errors import NotOffered

if TYPE_CHECKING:
    import psycopg
    import sqlmodel

    from billdesk.core.operations.accounts.importing import Imports
    from billdesk.core.operations.accounts.parties import Parties
    from billdesk.core.operations.catalog.cataloguing import Catalogs
    from billdesk.core.operations.credits.crediting import Credits
    from billdesk.core.operations.credits.packing import Packs
    from billdesk.core.operations.gateways.mirroring import Mirrors
    from billdesk.core.operations.gateways.reconciling import Reconciliations
    from billdesk.core.operations.invoices.correcting import CreditNotes
    from billdesk.core.operations.invoices.drawing import Pdfs
    from billdesk.core.operations.invoices.invoicing import Invoices
    from billdesk.core.operations.ledger.correcting import Adjustments, Refunds, Reversals
    from billdesk.core.operations.ledger.holding import Holds
    from billdesk.core.operations.ledger.reading import Audit, Ledger, Standing
    from billdesk.core.operations.payments.depositing import Deposits, Facts
    from billdesk.core.operations.payments.registering import Methods
    from billdesk.core.operations.payments.retrying import Payments
    from billdesk.core.operations.payments.returning import CardRefunds, Disputes
    from billdesk.core.operations.payments.watching import Watches
    from billdesk.core.operations.subscriptions.subscribing import Subscriptions
    from billdesk.core.operations.usage.metering import Usage
    from billdesk.core.operations.usage.rating import UsageRuns

Progress = Callable[[int, int], None]


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


_NOUNS = {
    "holds": "ledger.holding:Holds",
    "refunds": "ledger.correcting:Refunds",
    "reversals": "ledger.correcting:Reversals",
    "adjustments": "ledger.correcting:Adjustments",
    "deposits": "payments.depositing:Deposits",
    "card_refunds": "payments.returning:CardRefunds",
    "disputes": "payments.returning:Disputes",
    "payments": "payments.retrying:Payments",
    "methods": "payments.registering:Methods",
    "watches": "payments.watching:Watches",
    "facts": "payments.depositing:Facts",
    "ledger": "ledger.reading:Ledger",
    "audit": "ledger.reading:Audit",
    "standing": "ledger.reading:Standing",
    "catalog": "catalog.cataloguing:Catalogs",
    "subscriptions": "subscriptions.subscribing:Subscriptions",
    "credits": "credits.crediting:Credits",
    "packs": "credits.packing:Packs",
    "usage": "usage.metering:Usage",
    "usage_runs": "usage.rating:UsageRuns",
    "invoices": "invoices.invoicing:Invoices",
    "credit_notes": "invoices.correcting:CreditNotes",
    "parties": "accounts.parties:Parties",
    "pdfs": "invoices.drawing:Pdfs",
    "mirrors": "gateways.mirroring:Mirrors",
    "imports": "accounts.importing:Imports",
    "reconcile": "gateways.reconciling:Reconciliations",
}
"""Where the nouns are that are opened when they are first asked for: a charge needs none of them."""


class Desk:
    """A billing desk on one ledger. Safe to use from several threads; close it, or use `with`."""

    holds: Holds
    """Money set aside for later."""
    refunds: Refunds
    """The whole of a charge back to the wallet, once."""
    reversals: Reversals
    """Any posting undone by its opposite."""
    adjustments: Adjustments
    """Credits and debits by hand, each with its reason."""
    deposits: Deposits
    """Money that accounts shall pay in."""
    card_refunds: CardRefunds
    """Money of a payment back to where it came from."""
    disputes: Disputes
    """Payments that their payers contest."""
    payments: Payments
    """What accounts were asked to pay in, and trying again."""
    methods: Methods
    """Saved ways to pay."""
    watches: Watches
    """What happens when a wallet runs low."""
    facts: Facts
    """What gateways said."""
    ledger: Ledger
    """Entries, postings and trial balances."""
    audit: Audit
    """Every act and every refusal."""
    standing: Standing
    """Whether an account may be served, and every reason why not."""
    catalog: Catalogs
    """What is sold: plans, packs, meters, tax rates, and the file they come from."""
    subscriptions: Subscriptions
    """Who is on which plan, and every change of it."""
    credits: Credits
    """Credits in lots: what came, what burns next, what expires."""
    packs: Packs
    """Packs of credits: buying them, giving them back."""
    usage: Usage
    """What was used: taking it in, the present period, forecasts, budgets."""
    usage_runs: UsageRuns
    """Billing what was used, period by period."""
    invoices: Invoices
    """Invoices, from draft to paid or void."""
    credit_notes: CreditNotes
    """What was invoiced and is taken back."""
    parties: Parties
    """Who accounts are on paper."""
    pdfs: Pdfs
    """Invoices as PDF files."""
    mirrors: Mirrors
    """Subscriptions and invoices that are kept at a gateway."""
    imports: Imports
    """Bringing in accounts and entries from files."""
    reconcile: Reconciliations
    """Comparing with gateways' own books."""

    def __init__(self, office: Office, info: LedgerSheet, paths: Paths, gateways: Gateways) -> None:
        self._office = office
        self._paths = paths
        self.info = info
        self.clock = office.clock
        self.accounts = Accounts(office)
        self.wallets = Wallets(office)
        self.charges = Charges(office)
        self.gateways = gateways

    if not TYPE_CHECKING:  # it would take every name, right or wrong

        def __getattr__(self, name: str) -> object:
            place = _NOUNS.get(name)
            if place is None:
                raise AttributeError(f"a desk has no {name!r}")
            module, _, noun = place.partition(":")
            make = getattr(import_module(f"billdesk.core.operations.{module}"), noun)
            more = (self._paths,) if name == "pdfs" else ()
            # Another thread may have been quicker; then its noun stays.
            return self.__dict__.setdefault(name, make(self._office, *more))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_NOUNS})

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
        from billdesk.core.operations import surveying

        return surveying.incident(self._office, ref)

    def overview(self) -> OverviewSheet:
        """The desk at a glance."""
        from billdesk.core.operations import surveying
        from billdesk.core.operations.ledger import checking

        newest = self._newest_checkpoint()
        sealed_at = None if newest is None else checking.read_checkpoint(newest).sealed_at
        return surveying.overview(self._office, self.info, sealed_at)

    def doctor(self) -> tuple[DoctorSheet, ...]:
        """Whether this installation is fit to keep money, check by check."""
        from billdesk.core.operations import surveying

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
        from billdesk.core.operations.ledger import checking

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
        from billdesk.core.operations.ledger import checking

        if path is None:
            stamp = format_instant(self.now()).replace(":", "")
            target = self._checkpoints() / f"{stamp}.checkpoint"
        else:
            target = Path(path)
        return checking.seal(self._office, self.info.ledger_id, target)

    def tick(self) -> TickSheet:
        """Do everything that is due; safe to repeat, in bounded steps. Raises ReadOnly, StoreError."""
        from billdesk.core.operations.ticking import tick

        self.gateways.follow()
        sheet = tick(self._office)
        if all(gateway.make == "sandbox" for gateway in self._office.gateways.values()):
            return sheet
        from billdesk.core.operations.gateways import reconciling  # once a day is enough

        compared, errors = reconciling.compare_due(self._office, sheet.at)
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

    def move(
        self,
        target: str | os.PathLike[str],
        *,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> MoveSheet:
        """Make this ledger anew in the other database, SQLite or Postgres, and prove it the same.

        `target` is a path or address where nothing is yet. What is open is read in one snapshot and stays
        as it is. `on_progress` is told what is done, how much of it, of how much. Raises Refused for
        two of a kind and for a text that the other cannot keep, AlreadyExists, BadInput, StoreError.
        """
        from billdesk.core.desk import moving  # few commands move

        return moving.move(
            self._office, self.info, self._paths, target, self._newest_checkpoint(), on_progress
        )

    def preview_move(self, target: str | os.PathLike[str]) -> MoveSheet:
        """What moving to `target` would copy, and what not. Raises Refused, AlreadyExists, StoreError."""
        from billdesk.core.desk import moving  # few commands move

        return moving.preview(self._office, self.info, self._paths, target)

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
        from billdesk.core.operations.ledger import exporting  # few commands export

        return exporting.export_entries(
            self._office, Path(path), format, filter or EntryFilter(), on_progress
        )

    def _checkpoints(self) -> Path:
        return self._paths.data / "checkpoints" / self.info.ledger_id

    def _newest_checkpoint(self) -> Path | None:
        """The newest that is known: where `seal` puts them, or in a folder beside the ledger's file."""
        from billdesk.core.operations.ledger import checking

        folders = [self._checkpoints()]
        if self.info.kind == "sqlite":
            folders.append(Path(f"{self.info.where}.checkpoints"))
        newest = (checking.newest_checkpoint(folder) for folder in folders)
        # Their names begin with the instant of sealing.
        return max((path for path in newest if path), key=lambda path: path.name, default=None)


class _TakenBack(Exception):
    """Ends a rehearsal: everything in its block is rolled back."""
