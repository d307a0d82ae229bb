"""The desk as a whole: opening, joined transactions, rehearsals, backups, and the one round trip."""

import contextlib
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlmodel import Field, SQLModel

from billdesk.core.desk import (
    ChargeRequest,
    Desk,
    Transaction,
    create_ledger,
    grant,
    migrate,
    open_desk,
    restore,
)
from billdesk.core.store.schema import SCHEMA_VERSION
from billdesk.core.store.sqlite import sqlite3
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    InsufficientFunds,
    NotFound,
    NotOffered,
    ReadOnly,
    ReferenceReused,
    Refused,
    StoreError,
)
from tests.core.operations.conftest import MEMO
from tests.new_ledger import START, seeded

CREATE = "CREATE TABLE public.assignment (lead TEXT PRIMARY KEY, charge TEXT NOT NULL)"
INSERT = "INSERT INTO assignment (lead, charge) VALUES (?, ?)"


class Assignment(SQLModel, table=True):
    """The caller's own table, as SQLModel knows it."""

    lead: str = Field(primary_key=True)
    charge: str


class Boom(Exception):
    """Something that goes wrong in the caller's own code."""


@pytest.fixture
def shop(desk: Desk) -> Iterator[Desk]:
    """A desk with 100.00 USD on acme, and a table of the caller's own beside the ledger's."""
    desk.accounts.add("acme", name="Acme Ltd")
    desk.adjustments.credit("acme", "100", memo=MEMO)
    with desk.transaction() as tx:
        schema = "public." if desk.info.kind == "postgres" else ""
        tx.execute(CREATE.replace("public.", schema))
    yield desk
    assert desk.verify().findings == ()


def cents(desk: Desk) -> int:
    return desk.wallets.balance("acme").balance.minor


def assignments(desk: Desk) -> list[str]:
    with desk.transaction() as tx:
        return [lead for (lead,) in tx.execute("SELECT lead FROM assignment ORDER BY lead")]


def assign(desk: Desk, tx: Transaction, lead: str, amount: str = "10") -> str:
    """What a caller does: charge, and write down whom the lead went to."""
    sheet = desk.charges.create("acme", amount, reference=f"lead:{lead}")
    tx.execute(INSERT, (lead, sheet.id))
    return sheet.id


# --- joined transactions -----------------------------------------------------------------------


def test_a_charge_and_the_callers_own_row_are_kept_together(shop: Desk) -> None:
    with shop.transaction() as tx:
        charge = assign(shop, tx, "1")
        assert tx.execute("SELECT charge FROM assignment WHERE lead = ?", ("1",)) == [(charge,)]
    assert (cents(shop), assignments(shop)) == (9000, ["1"])


def test_neither_is_kept_when_the_caller_fails(shop: Desk) -> None:
    def assign_and_fail() -> None:
        with shop.transaction() as tx:
            assign(shop, tx, "1")
            raise Boom

    with pytest.raises(Boom):
        assign_and_fail()
    assert (cents(shop), assignments(shop)) == (10_000, [])


def test_a_statement_that_fails_leaves_the_block_usable(shop: Desk) -> None:
    with shop.transaction() as tx:
        assign(shop, tx, "1")
        with pytest.raises(Exception, match=r"(?i)unique"):
            tx.execute(INSERT, ("1", "again"))
        assign(shop, tx, "2")
    assert (cents(shop), assignments(shop)) == (8000, ["1", "2"])


def test_a_table_that_is_not_there_is_told_as_such(shop: Desk) -> None:
    with shop.transaction() as tx:
        with pytest.raises(BadInput, match="nowhere"):
            tx.execute("SELECT * FROM nowhere")
        assign(shop, tx, "1")
    assert assignments(shop) == ["1"]


@pytest.mark.parametrize(
    ("verb", "error"),
    [
        (lambda desk: desk.charges.create("acme", "500", reference="x"), InsufficientFunds),
        (lambda desk: desk.charges.create("nobody", "5", reference="x"), NotFound),
        (lambda desk: desk.charges.create("acme", "11", reference="lead:1"), ReferenceReused),
        (
            lambda desk: desk.charges.create_many(
                [ChargeRequest("acme", "1", "y"), ChargeRequest("acme", "500", "x")]
            ),
            InsufficientFunds,
        ),
        (lambda desk: desk.holds.place("acme", "500", reference="x"), InsufficientFunds),
        (lambda desk: desk.wallets.set_floor("acme", "-1 EUR", memo=MEMO), BadInput),
        (lambda desk: desk.accounts.close("acme", memo=MEMO), Refused),
        (lambda desk: desk.accounts.add("acme", name="Other"), AlreadyExists),
    ],
)
def test_a_verb_that_is_refused_leaves_the_block_usable(
    shop: Desk, verb: Callable[[Desk], object], error: type[Exception]
) -> None:
    with shop.transaction() as tx:
        assign(shop, tx, "1")
        with pytest.raises(error):
            verb(shop)
        assign(shop, tx, "2")
    assert (cents(shop), assignments(shop)) == (8000, ["1", "2"])


def test_a_freeze_that_is_there_already_leaves_the_block_usable(shop: Desk) -> None:
    with shop.transaction() as tx:
        shop.wallets.freeze("acme", memo=MEMO)
        with pytest.raises(Refused):
            shop.wallets.freeze("acme", memo=MEMO)
        shop.wallets.unfreeze("acme", memo=MEMO)
        assign(shop, tx, "1")
    assert cents(shop) == 9000


def test_blocks_nest_and_an_inner_one_that_fails_takes_only_its_own_back(shop: Desk) -> None:
    def inner(*, fails: bool) -> None:
        with shop.transaction() as tx:
            assign(shop, tx, "2")
            if fails:
                raise Boom

    with shop.transaction() as tx:
        assign(shop, tx, "1")
        with pytest.raises(Boom):
            inner(fails=True)
        assert cents(shop) == 9000
        inner(fails=False)
    assert (cents(shop), assignments(shop)) == (8000, ["1", "2"])


def test_every_verb_joins_a_block(shop: Desk) -> None:
    before = shop.ledger.pulse()

    def everything() -> None:
        with shop.transaction():
            shop.accounts.add("new", name="New")
            shop.adjustments.credit("new", "10", memo=MEMO)
            charge = shop.charges.create("new", "5", reference="a")
            shop.refunds.create(charge.id)
            shop.holds.capture(shop.holds.place("new", "10", reference="h").id, "12")
            shop.adjustments.credit("new", "5", memo=MEMO)
            shop.wallets.freeze("new", memo=MEMO)
            shop.accounts.suspend("new", memo=MEMO)
            assert shop.incident("new").standing.word == "SUSPENDED"
            assert shop.overview().accounts == 2
            raise Boom

    with pytest.raises(Boom):
        everything()
    assert shop.ledger.pulse() == before
    with pytest.raises(NotFound):
        shop.accounts.get("new")


def test_rows_of_sqlmodel_join_the_block(shop: Desk) -> None:
    def sell(lead: str, *, fails: bool) -> None:
        with shop.transaction() as tx:
            charge = shop.charges.create("acme", "10", reference=f"lead:{lead}")
            with tx.session() as session:
                session.add(Assignment(lead=lead, charge=charge.id))
                session.commit()
            if fails:
                raise Boom

    sell("1", fails=False)
    with pytest.raises(Boom):
        sell("2", fails=True)
    assert (cents(shop), assignments(shop)) == (9000, ["1"])


@pytest.mark.parametrize("first_commits", [True, False], ids=["commits", "rolls back"])
def test_one_reference_in_two_blocks_at_once_is_one_charge(
    shop: Desk, ledger_url: str, *, first_commits: bool
) -> None:
    inside, replays = threading.Event(), list[bool]()

    def second() -> None:
        with open_desk(ledger_url, clock=shop.clock, chance=seeded(2)) as other:
            assert inside.wait(20)
            with other.transaction() as tx:
                sheet = other.charges.create("acme", "10", reference="lead:1")
                tx.execute(INSERT, ("second", sheet.id))
                replays.append(sheet.replayed)

    thread = threading.Thread(target=second)
    thread.start()

    def first() -> None:
        with shop.transaction() as tx:
            sheet = shop.charges.create("acme", "10", reference="lead:1")
            tx.execute(INSERT, ("first", sheet.id))
            inside.set()
            thread.join(0.3)  # long enough to be waiting for us
            if not first_commits:
                raise Boom

    with contextlib.suppress(Boom):
        first()
    thread.join(20)
    assert cents(shop) == 9000
    assert replays == [first_commits]
    assert assignments(shop) == (["first", "second"] if first_commits else ["second"])
    with shop.transaction() as tx:
        assert len(set(tx.execute("SELECT charge FROM assignment"))) == 1


def test_threads_share_a_desk(shop: Desk) -> None:
    errors: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for number in range(10):
                shop.charges.create("acme", "1", reference=f"{name}:{number}")
                shop.wallets.balance("acme")
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert cents(shop) == 2000


# --- a connection of the caller's own ----------------------------------------------------------


def test_a_file_ledger_joins_no_connection(sqlite_url: str) -> None:
    with open_desk(sqlite_url) as desk:
        joining = desk.transaction(connection=object())  # type: ignore[arg-type]
        with pytest.raises(NotOffered):
            joining.__enter__()


@pytest.fixture
def joined(postgres_url: str, clock: MovingClock) -> Iterator[tuple[Desk, psycopg.Connection[Any]]]:
    """A desk on Postgres, and a connection of the caller's own to the same database."""
    with (
        open_desk(postgres_url, clock=clock, chance=seeded()) as desk,
        psycopg.connect(postgres_url) as connection,
    ):
        desk.accounts.add("acme", name="Acme Ltd")
        desk.adjustments.credit("acme", "100", memo=MEMO)
        connection.execute(CREATE)
        connection.commit()
        yield desk, connection
        assert desk.verify().findings == ()


def test_verbs_join_a_transaction_of_the_callers_own(
    joined: tuple[Desk, psycopg.Connection[Any]],
) -> None:
    desk, connection = joined
    connection.execute("SET search_path = public, pg_temp")
    with desk.transaction(connection=connection) as tx:
        assign(desk, tx, "1")
        with pytest.raises(InsufficientFunds):
            desk.charges.create("acme", "500", reference="x")
        with desk.transaction():
            desk.charges.create("acme", "1", reference="y")
    assert connection.execute("SHOW search_path").fetchone() == ("public, pg_temp",)
    connection.execute("INSERT INTO assignment VALUES ('own', 'row')")
    assert cents(desk) == 10_000
    connection.commit()
    assert (cents(desk), assignments(desk)) == (8900, ["1", "own"])
    refused = [line for line in desk.audit.list(account="acme").rows if line.outcome == "refused"]
    assert len(refused) == 1


def test_the_caller_rolls_back_its_own_transaction(
    joined: tuple[Desk, psycopg.Connection[Any]],
) -> None:
    desk, connection = joined
    with desk.transaction(connection=connection) as tx:
        assign(desk, tx, "1")
    connection.rollback()
    assert (cents(desk), assignments(desk)) == (10_000, [])


# --- one round trip ----------------------------------------------------------------------------


def test_a_charge_on_postgres_is_one_round_trip(
    joined: tuple[Desk, psycopg.Connection[Any]], tmp_path: Path
) -> None:
    desk, _ = joined
    desk.charges.create("acme", "1", reference="the statement is prepared here")
    database: Any = desk._office.database
    connection = database.take()
    with (tmp_path / "trace").open("w+") as trace:
        connection.pgconn.trace(trace.fileno())
        database.give_back(connection)
        desk.charges.create("acme", "1", reference="lead:1")
        assert database.take() is connection
        connection.pgconn.untrace()
        database.give_back(connection)
        trace.seek(0)
        fields = [line.strip().split("\t") for line in trace]
        sent = [field[3] for field in fields if field[1] == "F"]
    assert sent == ["Bind", "Describe", "Execute", "Sync"]


# --- opening -----------------------------------------------------------------------------------


def test_a_new_ledger_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "desk.ledger"
    with create_ledger(
        path, asset="EUR", zone="Europe/Berlin", demo=True, clock=MovingClock(START), actor="me"
    ) as desk:
        info = desk.info
    assert (info.where, info.kind, info.default_asset, info.zone) == (
        str(path), "sqlite", "EUR", "Europe/Berlin",
    )  # fmt: skip
    assert (info.demo, info.actor, info.created_at, info.read_only) == (True, "me", START, False)
    with open_desk(path, read_only=True) as again:
        assert again.info.ledger_id == info.ledger_id
        assert again.info.read_only


def test_the_days_of_the_overview_are_the_desks_own(tmp_path: Path) -> None:
    clock = MovingClock(START.replace(hour=23, minute=30))
    with create_ledger(tmp_path / "a", zone="Asia/Tokyo", clock=clock) as desk:
        assert desk.overview().today.day.isoformat() == "2026-01-06"


@pytest.mark.parametrize("wrong", [{"asset": "XXX"}, {"zone": "Mars/Olympus"}, {"zone": "../etc"}])
def test_a_ledger_of_unknown_asset_or_zone_is_not_made(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        create_ledger(tmp_path / "a", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_is_not_made_twice(ledger_url: str) -> None:
    with pytest.raises(AlreadyExists):
        create_ledger(ledger_url)


def test_the_ledger_that_is_set_is_opened_when_none_is_named(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound):
        open_desk()
    monkeypatch.setenv("BILLDESK_LEDGER", sqlite_url)
    with open_desk() as desk:
        assert desk.info.where == sqlite_url
        assert desk.now().tzinfo is not None


def test_a_desk_that_only_looks_changes_nothing(shop: Desk, ledger_url: str) -> None:
    with open_desk(ledger_url, read_only=True) as reader:
        assert cents(reader) == 10_000
        for verb in (
            lambda: reader.charges.create("acme", "1", reference="a"),
            lambda: reader.charges.create_many([ChargeRequest("acme", "1", "a")]),
            lambda: reader.accounts.add("new", name="New"),
            lambda: reader.wallets.freeze("acme", memo=MEMO),
            lambda: reader.deposits.start("acme", "20"),
            lambda: reader.transaction().__enter__(),
            reader.tick,
        ):
            with pytest.raises(ReadOnly):
                verb()
    assert cents(shop) == 10_000


def test_a_rehearsal_that_fails_leaves_no_trace_either(shop: Desk) -> None:
    before = shop.audit.list().rows

    def rehearse() -> None:
        with shop.rehearsal():
            shop.charges.create("acme", "10", reference="a")
            shop.charges.create("acme", "500", reference="b")

    with pytest.raises(InsufficientFunds):
        rehearse()
    assert (cents(shop), shop.audit.list().rows) == (10_000, before)


# --- keeping -----------------------------------------------------------------------------------


def test_a_backup_is_brought_back_whole_and_over_nothing(
    shop: Desk, tmp_path: Path, request: pytest.FixtureRequest, clock: MovingClock
) -> None:
    checkpoint = shop.seal(tmp_path / "sealed").path
    backup = tmp_path / "copy"
    assert shop.backup(backup) == str(backup)
    shop.charges.create("acme", "1", reference="after the backup")
    with pytest.raises(AlreadyExists):
        shop.backup(backup)
    if shop.info.kind == "postgres":
        target = request.getfixturevalue("postgres_empty_url")
        again = request.getfixturevalue("ledger_url")
    else:
        target = again = str(tmp_path / "restored.ledger")
    where = restore(backup, target)
    with open_desk(target, clock=clock) as restored:
        assert where == restored.info.where
        assert restored.info.ledger_id == shop.info.ledger_id
        assert cents(restored) == 10_000
        sheet = restored.verify(checkpoint)
        assert (sheet.findings, sheet.unproven) == ((), ())
        restored.charges.create("acme", "1", reference="goes on")
        assert restored.verify(checkpoint).ok
    with pytest.raises(AlreadyExists):
        restore(backup, again)
    with pytest.raises(NotFound, match="no backup"):
        restore(tmp_path / "none", tmp_path / "new.ledger")


def test_a_backup_of_a_file_is_one_file_even_while_it_is_read(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "kept" / "here"
    with open_desk(sqlite_url) as desk:
        desk.backup(folder / "desk.backup")
    with open_desk(folder / "desk.backup", read_only=True) as copy:
        assert copy.verify().ok
        assert [path.name for path in folder.iterdir()] == ["desk.backup"]
    restore(folder / "desk.backup", tmp_path / "restored.ledger")
    with open_desk(tmp_path / "restored.ledger") as restored:
        restored.accounts.add("new", name="New")
        with restored.transaction() as block:
            assert block.execute("PRAGMA journal_mode") == [("wal",)]


def test_a_path_that_no_system_has_is_refused_in_words(sqlite_url: str, tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 300)
    with open_desk(sqlite_url) as desk, pytest.raises(StoreError, match="cannot be reached"):
        desk.backup(too_long)
    for source, target in ((too_long, tmp_path / "new"), (sqlite_url, too_long)):
        with pytest.raises(StoreError, match="cannot be reached"):
            restore(source, target)
    with pytest.raises(StoreError, match="cannot be reached"):
        create_ledger(too_long)
    with pytest.raises(BadInput, match="nobody's home folder"):
        restore(sqlite_url, "~nobody-at-all/desk.ledger")


@pytest.mark.parametrize("place", ["[h/desk", "h:port/desk", "h:5432:1/desk", "h/desk?port=x"])
def test_an_address_that_cannot_be_read_is_refused_without_its_password(
    place: str, tmp_path: Path
) -> None:
    address = f"postgresql://mira:s3cr3t@{place}"
    backup = tmp_path / "some.backup"
    backup.touch()
    for verb in (
        open_desk, create_ledger, migrate, partial(restore, backup), partial(grant, "client"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match="no address of a Postgres database") as refusal:
            verb(address)
        told = "".join(traceback.format_exception(refusal.value))
        assert "s3cr3t" not in f"{refusal.value} {refusal.value.hint} {told}"


def test_there_is_nothing_to_migrate_in_a_new_ledger(ledger_url: str) -> None:
    assert "nothing to do" in migrate(ledger_url)


def test_an_old_ledger_is_migrated_after_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "old.ledger"
    with contextlib.closing(sqlite3.connect(str(path))) as old:
        old.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        old.commit()
    backup = f"{path}.before-{SCHEMA_VERSION}"
    assert migrate(path) == f"schema 0000 → {SCHEMA_VERSION}, backup at {backup}"


def test_a_login_is_granted_its_work_on_postgres_alone(
    sqlite_url: str, postgres_url: str, clock: MovingClock
) -> None:
    with pytest.raises(Refused, match="no logins"):
        grant("ann", sqlite_url)
    login = f"ann_{postgres_url.rpartition('_')[2].partition('?')[0]}"
    with contextlib.closing(psycopg.connect(postgres_url, autocommit=True)) as owner:
        owner.execute(f'CREATE ROLE "{login}" LOGIN')
        assert grant(login, postgres_url) == f"{login} may work at the desk now"
        with open_desk(postgres_url, clock=clock) as desk:
            desk.accounts.add("acme", name="Acme")
            desk.adjustments.credit("acme", "10", memo=MEMO)
        with open_desk(postgres_url.replace("postgres@", f"{login}@"), actor="somebody") as desk:
            sheet = desk.charges.create("acme", "1", reference="a")
            assert desk.ledger.posting(sheet.id).actor == login
        owner.execute(f'DROP OWNED BY "{login}"')
        owner.execute(f'DROP ROLE "{login}"')


# --- what is loaded when it is first asked for ---------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A new ledger in a file."""
    create_ledger(tmp_path / "desk.ledger").close()
    return tmp_path / "desk.ledger"


def test_a_desk_lists_its_nouns_and_has_no_others(ledger: Path) -> None:
    with open_desk(ledger) as desk:
        assert {"charges", "invoices", "pdfs", "reconcile"} <= set(dir(desk))
        assert desk.invoices is desk.invoices
        with pytest.raises(AttributeError, match="a desk has no 'teapots'"):
            desk.teapots  # type: ignore[attr-defined]  # noqa: B018


def test_a_sheet_that_is_not_there_is_said_to_be_missing() -> None:
    from billdesk.core.rules import sheets

    with pytest.raises(AttributeError, match="no attribute 'TeapotSheet'"):
        sheets.TeapotSheet  # type: ignore[attr-defined]  # noqa: B018


def test_the_built_in_sandbox_is_made_when_it_is_asked_for_something(ledger: Path) -> None:
    with open_desk(ledger) as desk:
        sandbox = desk._office.gateways["sandbox"]
        assert (sandbox.name, sandbox.make, sandbox.mode) == ("sandbox", "sandbox", "test")
        assert not hasattr(sandbox, "_books")
        assert "_sandbox" not in vars(sandbox)
        assert sandbox.check().account == "sandbox"
        assert "_sandbox" in vars(sandbox)
