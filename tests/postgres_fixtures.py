"""Fixtures that hand a test a Postgres database of its own.

`postgres_url` is a copy of a template that is filled once per run; `postgres_empty_url` has nothing
in it. No test sees what another has left.
"""

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.postgres_server import NoPostgresError, Owner, locked, server_url
from tests.postgres_template import fill_template

OWNER = pytest.StashKey[Owner]()


class Worker(Protocol):
    """As much of an xdist worker, seen from the process that started it, as is needed here."""

    config: pytest.Config
    workerinput: dict[str, Any]


class Databases:
    """Makes and drops databases on the run's server, over one connection kept open."""

    def __init__(self, url: str, home: Path, worker: str) -> None:
        """Connect. The folder's random name keeps runs on a shared server apart."""
        self.url = url
        self.home = home
        self.prefix = f"billdesk_test_{home.name.rpartition('-')[2]}"
        self._names = (f"{self.prefix}_{worker}_{number}" for number in itertools.count(1))
        self._connection = psycopg.connect(url, autocommit=True)

    def create(self, template: str = "template0") -> str:
        """A new database, by its URL."""
        name = next(self._names)
        # Files copied as they are cost a third less than the same pages through the log.
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        return self.url_of(name)

    def drop(self, url: str) -> None:
        """Drop it, and hang up on whoever is still connected."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", urlsplit(url).path[1:])

    def template(self) -> str:
        """The name of the filled template; the run's first caller fills it, the others wait."""
        name = f"{self.prefix}_template"
        filled = self.home / "template"
        with locked(self.home / "template.lock"):
            if not filled.exists():
                self.drop(self.url_of(name))
                self._run("CREATE DATABASE {} TEMPLATE template0", name)
                fill_template(self.url_of(name))
                # A connection left open would make every copy fail, far from its cause.
                self._run("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
                filled.touch()
        return name

    def drop_all(self) -> None:
        """Drop everything that this run has made."""
        names = self._connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [self.prefix + "_"]
        ).fetchall()
        for (name,) in names:
            self.drop(self.url_of(name))

    def url_of(self, name: str) -> str:
        """The server's URL with another database in it."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _run(self, statement: str, *names: str) -> None:
        self._connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def pytest_configure(config: pytest.Config) -> None:
    """The process the run was started in owns the server; xdist's workers only use it."""
    if not hasattr(config, "workerinput"):
        config.stash[OWNER] = Owner()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Worker) -> None:
    """Tell a worker where the server lives, or will."""
    node.workerinput["postgres_home"] = str(node.config.stash[OWNER].home)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind, on a server of our own or on one we were lent."""
    owner = config.stash.get(OWNER, None)
    if owner is None:
        return
    lent = os.environ.get("BILLDESK_TEST_POSTGRES")
    if lent and (owner.home / "template").exists():
        databases = Databases(lent, owner.home, "last")
        databases.drop_all()
        databases.close()
    owner.close()


@pytest.fixture(scope="session")
def postgres_databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """The run's server: ours, started by the first test that asks, or the one we were lent."""
    worker = getattr(request.config, "workerinput", None)
    home = Path(worker["postgres_home"]) if worker else request.config.stash[OWNER].home
    url = os.environ.get("BILLDESK_TEST_POSTGRES")
    if not url:
        try:
            url = server_url(home, int(os.environ.get("BILLDESK_TEST_POSTGRES_MAJOR", "18")))
        except NoPostgresError as absent:
            if sys.platform == "win32":
                pytest.skip(str(absent))
            # Half of the promises are about Postgres: without it the run has not passed.
            pytest.fail(str(absent))
    databases = Databases(url, home, worker["workerid"] if worker else "main")
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_databases: Databases) -> str:
    """The name of the database that every `postgres_url` is a copy of."""
    return postgres_databases.template()


@pytest.fixture
def postgres_url(postgres_databases: Databases, postgres_template: str) -> Iterator[str]:
    """A database with a new ledger in it, dropped after the test."""
    url = postgres_databases.create(postgres_template)
    yield url
    postgres_databases.drop(url)


@pytest.fixture
def postgres_empty_url(postgres_databases: Databases) -> Iterator[str]:
    """A database without a schema, for what makes one; dropped after the test."""
    url = postgres_databases.create()
    yield url
    postgres_databases.drop(url)
