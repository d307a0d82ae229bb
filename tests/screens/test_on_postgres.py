"""The same screens on a ledger that lives in Postgres."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from billdesk.screens.ledger import LedgerScreen
from tests.postgres_fixtures import Databases
from tests.screens.desk_pilot import (
    LARGE,
    app_on,
    fill_in,
    on_stage,
    press,
    run_on,
    said,
    stage,
    text_of,
    until,
    write,
)
from tests.screens.scenes import play
from tests.screens.shop import Shop, found_shop
from tests.screens.test_keeping import backups

LOGINS = (f"desk_{os.getpid()}_{number}" for number in itertools.count())


async def test_the_desk_works_on_postgres(postgres_empty_url: str, tmp_path: Path) -> None:
    found_shop(tmp_path, postgres_empty_url)
    app = stage(Shop(tmp_path, postgres_empty_url))
    async with on_stage(app, LARGE) as pilot:
        assert "Postgres" in text_of(app)
        assert "10 accounts" in text_of(app)
        password = postgres_empty_url.partition("://")[2].partition("@")[0].partition(":")[2]
        assert not password or password not in text_of(app)
        await press(pilot, "3", "j", "j", "j")
        screen = app.screen
        assert isinstance(screen, LedgerScreen)
        await until(pilot, lambda: "4 of 244" in text_of(app))
        assert screen.table.row is not None
        await press(pilot, "R")
        await until(pilot, lambda: "Not possible" in text_of(app))
        await press(pilot, "escape", "slash")
        await write(pilot, "account:tokyo kind:charge")
        await press(pilot, "enter", "R")
        await until(pilot, lambda: "Entries" in text_of(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape", "2", "enter")
        await until(pilot, lambda: "may run" in text_of(app))


async def test_money_in_and_out_works_on_postgres(postgres_empty_url: str, tmp_path: Path) -> None:
    found_shop(tmp_path, postgres_empty_url)
    app = stage(Shop(tmp_path, postgres_empty_url))
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, "4", "j", "j", "enter", ("wait", "settled"), "escape", "R")
        await press(pilot, "tab", "tab")
        await write(pilot, "the customer paid twice")
        await until(pilot, lambda: "Held at once" in text_of(app) or "Not possible" in text_of(app))
        await press(pilot, "escape", "c", "d", "9", "s")
        await until(pilot, lambda: "sandbox: " in said(app))
        await press(pilot, "w", "0", "N", "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "within the limit" in text_of(app))
        await press(pilot, "escape", "2", "enter", "p", "A", "shift+tab")
        await fill_in(pilot, "75.00")
        await until(pilot, lambda: "No entries" in text_of(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))


# --- keeping ---


@pytest.fixture
def login(postgres_empty_url: str) -> Iterator[str]:
    """A login of the server that nobody else has; dropped after the test."""
    name = next(LOGINS)
    with psycopg.connect(postgres_empty_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN")
        yield name
        owner.execute(f"DROP OWNED BY {name}")
        owner.execute(f"DROP ROLE {name}")


@pytest.fixture
def another(postgres_databases: Databases) -> Iterator[str]:
    """One more database with nothing in it; dropped after the test."""
    url = postgres_databases.create()
    yield url
    postgres_databases.drop(url)


def with_password(url: str) -> str:
    """The address with a password in it; the server of the tests takes any."""
    scheme, _, rest = url.partition("://")
    user, _, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}:s3cr3t@{place}"


async def test_on_postgres_all_of_it_works_and_no_password_is_shown(
    postgres_empty_url: str, another: str, login: str, tmp_path: Path
) -> None:
    found_shop(tmp_path, postgres_empty_url)
    app = app_on(with_password(postgres_empty_url))
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, "8", "b")
        assert "a Postgres database" in text_of(app)
        await press(pilot, "L", "tab", "tab", "enter")
        assert "no login is named" in text_of(app).lower()
        await press(pilot, "shift+tab", "shift+tab")
        await write(pilot, 'x"; DROP SCHEMA billdesk; --')
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "is not the name of a login" in text_of(app))
        await press(pilot, "shift+tab", "shift+tab")
        await fill_in(pilot, login)
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: f"{login} may work at the desk now" in text_of(app))
        await press(pilot, "escape", "M")
        await until(pilot, lambda: "nothing to do" in said(app))
        await press(pilot, "B", "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert "the ledger proves true" in text_of(app)
        (made,) = backups()
        await press(pilot, "escape")
        await until(pilot, lambda: made.name in run_on(app))
        await press(pilot, "R")
        await fill_in(pilot, str(made))
        await fill_in(pilot, str(app.address))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Not done." in text_of(app))
        assert "holds a ledger already" in text_of(app)
        await press(pilot, "shift+tab", "shift+tab")
        await fill_in(pilot, with_password(another))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert "it proves true" in text_of(app)
        await press(pilot, "o")
        await until(pilot, lambda: urlsplit(another).path[1:] in text_of(app))
        assert app.desk is not None
        assert len(app.desk.accounts.list().rows) == 10
        assert "s3cr3t" not in text_of(app) + str(app.notes)
