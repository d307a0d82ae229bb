"""A fresh file, Alembic's revisions and the SQLModel tables are one schema."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from billdesk.core.desk import migrate, open_desk
from billdesk.core.store import tables
from billdesk.core.store.migrating import postgres_engine, sqlite_engine, upgrade
from billdesk.core.store.schema import SCHEMA_VERSION, schema_statements
from billdesk.core.store.sqlite import APPLICATION_ID, sqlite3
from billdesk.core.values.errors import NotALedger, NotFound, SchemaMismatch, StoreBusy, StoreGone
from tests.core.store.other_process import HOLD_WRITE_LOCK, holding

MODELS = [
    model
    for model in vars(tables).values()
    if isinstance(model, type) and issubclass(model, SQLModel) and model is not SQLModel
]
OURS: dict[str, sa.Table] = {str(model.__tablename__): vars(model)["__table__"] for model in MODELS}
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
    for address in (str(other), str(text), postgres_empty_url):
        with pytest.raises(NotALedger):
            migrate(address)
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
        assert all(statement.startswith(("CREATE", "SET", "REVOKE")) for statement in statements)
        assert not any(
            statement.endswith(";") for statement in statements if "END" not in statement
        )
    bodies = [text for text in schema_statements("postgres") if "FUNCTION post(" in text]
    assert len(bodies) == 1
    assert bodies[0].endswith("END $$")
