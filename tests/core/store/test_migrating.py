"""A fresh file, Alembic's revisions and the SQLModel tables are one schema."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from billdesk.core.desk import migrate, open_desk
from billdesk.core.store import migrating, revising
from billdesk.core.store.migrating import postgres_engine, sqlite_engine, upgrade
from billdesk.core.store.schema import SCHEMA_VERSION, revision_statements, schema_statements
from billdesk.core.store.sqlite import APPLICATION_ID, sqlite3
from billdesk.core.store.tables import LedgerTable
from billdesk.core.values.errors import NotALedger, NotFound, SchemaMismatch, StoreBusy, StoreGone
from billdesk.core.values.ids import is_id
from tests.core.store.other_process import HOLD_GATE, HOLD_WRITE_LOCK, holding

OURS: dict[str, sa.Table] = dict(LedgerTable.metadata.tables)
NOT_MODELLED = {"alembic_version", "posting_search"}


def master(path: Path | str) -> set[tuple[str, str, str]]:
    """Everything a file's schema says, but for Alembic's own table."""
    connection = sqlite3.connect(str(path))
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    connection.close()
    return {row for row in rows if "alembic_version" not in row[1]}


def test_a_fresh_file_is_what_the_revisions_make(sqlite_url: str, tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "migrated")
    with engine.begin() as connection:
        upgrade(connection)
    assert master(sqlite_url) == master(tmp_path / "migrated")
    assert len(master(sqlite_url)) > 40


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_models_agree_with_the_schema(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    engine = postgres_engine(url) if kind == "postgres" else sqlite_engine(Path(url))
    schema = "billdesk" if kind == "postgres" else None
    inspector = sa.inspect(engine)
    there = {
        name
        for name in inspector.get_table_names(schema=schema)
        if not name.startswith("posting_text")
    }
    assert there - NOT_MODELLED == set(OURS)
    for name, table in OURS.items():
        columns = {column["name"]: column for column in inspector.get_columns(name, schema=schema)}
        assert list(columns) == [column.name for column in table.columns]
        for column in table.columns:
            found = columns[column.name]
            assert found["nullable"] == column.nullable, f"{name}.{column.name}"
            wanted = getattr(column.type, "impl", column.type).python_type
            have = found["type"].python_type
            assert have is wanted, f"{name}.{column.name}: {have}, {wanted}"
        key = inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]
        if (kind, name) != ("postgres", "entry"):  # ready for partitions, which need the month
            assert key == [column.name for column in table.primary_key]
        bound = {
            (tuple(each["constrained_columns"]), each["referred_table"])
            for each in inspector.get_foreign_keys(name, schema=schema)
        }
        modelled = {((each.parent.name,), each.column.table.name) for each in table.foreign_keys}
        assert modelled <= bound
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_current_ledger_has_nothing_to_do(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    assert migrate(url) == f"the schema is {SCHEMA_VERSION} already, nothing to do"


def test_an_older_file_is_copied_and_brought_up(tmp_path: Path, sqlite_url: str) -> None:
    old = tmp_path / "old"
    connection = sqlite3.connect(str(old), isolation_level=None)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.close()
    with pytest.raises(SchemaMismatch, match="0000"):
        open_desk(old)
    said = migrate(str(old))
    assert said == f"schema 0000 → {SCHEMA_VERSION}, backup at {old}.before-{SCHEMA_VERSION}"
    assert Path(f"{old}.before-{SCHEMA_VERSION}").exists()
    assert master(old) == master(sqlite_url)


def test_an_older_database_is_brought_up(postgres_empty_url: str) -> None:
    with psycopg.connect(postgres_empty_url) as connection:
        connection.execute("CREATE SCHEMA billdesk")
        connection.execute("CREATE TABLE billdesk.alembic_version (version_num varchar(32))")
    assert migrate(postgres_empty_url) == f"schema 0000 → {SCHEMA_VERSION}"


def test_a_revision_that_fails_leaves_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    engine = sqlite_engine(old)
    with engine.begin() as connection:
        upgrade(connection, "0001")
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    before = master(old)

    def broken(kind: str, revision: str) -> list[str]:
        return ["CREATE TABLE half_done (x)", "CREATE TABLE half_done (x)"]

    monkeypatch.setattr(revising, "revision_statements", broken)
    with pytest.raises(sqlite3.OperationalError):
        migrate(str(old))
    assert master(old) == before
    monkeypatch.undo()
    assert migrate(str(old)).startswith(f"schema 0001 → {SCHEMA_VERSION}")


def forget_revision_3(url: str) -> None:
    """Take away what revision 0003 brought: tables, functions, columns with what looks them up."""
    kind = "postgres" if url.startswith("postgres") else "sqlite"
    schema = "billdesk." if kind == "postgres" else ""
    statements = "\n".join(revision_statements(kind, "0003"))
    engine = postgres_engine(url) if kind == "postgres" else sqlite_engine(Path(url))
    cascade = " CASCADE" if kind == "postgres" else ""
    made = re.findall(r"^CREATE (TABLE|FUNCTION) (\w+)", statements, re.MULTILINE)
    added = re.findall(r"^ALTER TABLE (\w+) ADD COLUMN (\w+)", statements, re.MULTILINE)
    with engine.begin() as connection:
        for table, column in added:
            for name in re.findall(
                rf"^CREATE INDEX (\w+) ON {table} \({column}\)", statements, re.MULTILINE
            ):
                connection.exec_driver_sql(f"DROP INDEX {schema}{name}")
            connection.exec_driver_sql(f"ALTER TABLE {schema}{table} DROP COLUMN {column}")
        for sort, name in reversed(made):
            connection.exec_driver_sql(f"DROP {sort} {schema}{name}{cascade}")
        connection.exec_driver_sql(f"UPDATE {schema}alembic_version SET version_num = '0002'")
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_credits_that_were_there_before_lots_come_in_one_lot(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = str(request.getfixturevalue(f"{kind}_url"))
    memo = "for a test of the desk"
    with open_desk(url) as desk:
        for ref in ("ann", "bob", "cid"):
            desk.accounts.add(ref, name=ref.title())
            desk.adjustments.credit(ref, "10.00", memo=memo)
        desk.adjustments.credit("ann", "100 CREDIT", memo=memo)
        desk.charges.create("ann", "30 CREDIT", reference="r1")
        desk.adjustments.credit("bob", "5 CREDIT", memo=memo)
        desk.charges.create("bob", "5 CREDIT", reference="r2")
    forget_revision_3(url)
    assert migrate(url).startswith("schema 0002 → ")
    with open_desk(url) as desk:
        (lot,) = desk.credits.lots("ann", all=True)
        assert (lot.source, lot.granted, lot.remaining, lot.expires_at) == ("opening", 70, 70, None)
        assert is_id(lot.id, "lot")
        assert desk.credits.lots("bob", all=True) == desk.credits.lots("cid", all=True) == ()
        desk.charges.create("ann", "70 CREDIT", reference="r3")
        assert desk.credits.lots("ann") == ()
        assert desk.verify().findings == ()


def test_a_revision_waits_for_its_turn_at_the_gate(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "DEADLINE_SECONDS", 0.2)
    engine = sqlite_engine(Path(sqlite_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    engine.dispose()
    with holding(HOLD_GATE, f"{sqlite_url}.lock"), pytest.raises(StoreBusy):
        migrate(sqlite_url)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_newer_ledger_is_left_alone(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    engine = postgres_engine(url) if kind == "postgres" else sqlite_engine(Path(url))
    where = "billdesk.alembic_version" if kind == "postgres" else "alembic_version"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {where} SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(SchemaMismatch, match="newer"):
        migrate(url)
    assert not list(Path(url).parent.glob("*.before-*"))


def test_what_is_no_ledger_is_not_migrated(tmp_path: Path, postgres_empty_url: str) -> None:
    other = tmp_path / "other"
    sqlite3.connect(str(other)).execute("CREATE TABLE x (y)").connection.close()
    text = tmp_path / "text"
    text.write_text("hello " * 1000)
    for address in (str(other), postgres_empty_url):
        with pytest.raises(NotALedger, match="no ledger here"):
            migrate(address)
    with pytest.raises(NotALedger, match=f"not a ledger: {text}"):
        migrate(str(text))
    with pytest.raises(NotFound):
        migrate(str(tmp_path / "missing"))
    with pytest.raises(StoreGone):
        migrate("postgresql://nobody@127.0.0.1:1/desk")


def test_a_locked_ledger_is_busy(sqlite_url: str) -> None:
    connection = sqlite3.connect(sqlite_url)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    with holding(HOLD_WRITE_LOCK, sqlite_url), pytest.raises(StoreBusy):
        migrate(sqlite_url)


def test_the_schemas_are_cut_into_whole_statements() -> None:
    for kind in ("sqlite", "postgres"):
        statements = schema_statements(kind)
        begun = ("CREATE", "SET", "REVOKE", "DROP TRIGGER", "ALTER TABLE", "INSERT")
        assert all(statement.startswith(begun) for statement in statements)
        assert not any(
            statement.endswith(";") for statement in statements if "END" not in statement
        )
    bodies = [text for text in schema_statements("postgres") if "FUNCTION post(" in text]
    assert len(bodies) == 1
    assert bodies[0].endswith("END $$")
