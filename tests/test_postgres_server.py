"""The server the other tests rely on: it answers, and no test meets another's data."""

import psycopg
import pytest

from tests.postgres_fixtures import Databases


def test_answers_in_utc_and_utf8(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "SELECT current_setting('timezone'), current_setting('server_encoding'), lower('ŁÓDŹ')"
        ).fetchone()
    assert row == ("UTC", "UTF8", "łódź")


def test_two_databases_are_isolated(postgres_databases: Databases, postgres_url: str) -> None:
    other_url = postgres_databases.create()
    try:
        with psycopg.connect(postgres_url) as one, psycopg.connect(other_url) as other:
            one.execute("CREATE TABLE entry (id int)")
            one.commit()
            assert one.execute("SELECT to_regclass('entry')").fetchone() == ("entry",)
            assert other.execute("SELECT to_regclass('entry')").fetchone() == (None,)
    finally:
        postgres_databases.drop(other_url)


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_starts_afresh(postgres_url: str, turn: int) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE left_behind (turn int)")
        connection.execute("INSERT INTO left_behind VALUES (%s)", [turn])


def test_a_dropped_database_hangs_up_on_those_still_connected(
    postgres_databases: Databases,
) -> None:
    url = postgres_databases.create()
    connection = psycopg.connect(url)
    postgres_databases.drop(url)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
