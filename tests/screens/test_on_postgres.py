"""The same screens on a ledger that lives in Postgres."""

from __future__ import annotations

from pathlib import Path

from billdesk.screens.ledger import LedgerScreen
from tests.screens.desk_pilot import LARGE, on_stage, press, stage, text_of, until, write
from tests.screens.shop import Shop, found_shop


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
        await until(pilot, lambda: "4 of 236" in text_of(app))
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
