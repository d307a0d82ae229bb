"""Gateways at the desk: how fresh they are, what waits, and how one is connected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.widgets import Input

from billdesk.core.values.clock import SystemClock
from billdesk.screens.chrome import StatusLine
from billdesk.screens.connect import Choose, Connect
from billdesk.screens.detail import Detail
from billdesk.screens.facts import FactsScreen
from billdesk.screens.gateways import GatewaysScreen
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.payments import PaymentsScreen
from billdesk.screens.task import TaskDialog
from tests.core.keyrings import MemoryKeyring, keys
from tests.gateway_servers.paystack_scene import PaystackScene
from tests.gateway_servers.paystack_server import SECRET_KEY
from tests.screens.desk_pilot import (
    LARGE,
    Staged,
    fill_in,
    on_stage,
    press,
    run_on,
    said,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import play
from tests.screens.shop import Shop

__all__ = ["keys"]


LIVE_KEY = "sk_live_" + "3" * 40


@pytest.fixture
def paystack(monkeypatch: pytest.MonkeyPatch) -> Iterator[PaystackScene]:
    """A Paystack on this machine, and the adapter told that it lives there."""
    scene = PaystackScene(SystemClock())
    monkeypatch.setattr("billdesk.core.gateways.paystack.BASE_URL", scene.server.url)
    yield scene
    scene.close()


# --- how they are ---


async def test_a_gateway_shows_its_mode_by_word_what_is_open_what_waits_and_its_gaps(
    at_till: Staged,
) -> None:
    app = at_till()
    async with on_stage(app) as pilot:
        await press(pilot, "9")
        assert where(app) is GatewaysScreen
        for words in (
            "TEST: no real money", "1 payment, 0 refunds, 1 dispute", "2 facts nobody could place",
            "open until a sweep covers it", "none is needed", "fine",
        ):  # fmt: skip
            assert words in text_of(app)
        await press(pilot, "enter")
        assert where(app) is Detail
        assert "sandbox account sandbox" in text_of(app)
        await press(pilot, "escape", "o")
        assert where(app) is PaymentsScreen
        assert "gateway:sandbox" in text_of(app)


async def test_a_poll_and_a_sweep_are_one_key_each_and_say_what_came(
    at_till: Staged, till: Shop
) -> None:
    app = at_till()
    async with on_stage(app) as pilot:
        await press(pilot, "9", "p")
        await until(pilot, lambda: "sandbox: " in said(app) and "new fact" in said(app))
        await press(pilot, "s")
        await until(pilot, lambda: said(app).startswith("sandbox: "))
        await until(pilot, lambda: "0s ago" in text_of(app))
    with till.desk() as desk:
        assert desk.gateways.list()[0].last_polled_at == desk.now()


async def test_waiting_facts_say_why_they_wait_and_can_be_replayed(at_till: Staged) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "9", "w")
        assert where(app) is FactsScreen
        await until(pilot, lambda: "1 of 2" in text_of(app))
        assert "no payment of ours is known for it" in text_of(app)
        await press(pilot, "enter")
        assert "why" in text_of(app)
        await press(pilot, "escape", "R")
        await until(pilot, lambda: "0 waiting facts placed" in said(app))
        await press(pilot, "f")
        await until(pilot, lambda: "state:applied" in text_of(app))
        await press(pilot, "b", "R")
        assert where(app) is GatewaysScreen
        await until(pilot, lambda: "0 waiting facts placed" in said(app))


async def test_what_waits_needs_attention_and_is_one_key_from_the_overview(
    at_till: Staged,
) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        assert "2 facts of sandbox wait for a person" in text_of(app)
        assert "sandbox TEST asked" in text_of(app)
        attention = app.screen.query_one(PagedTable)
        titles = [row.title for row in attention.rows]
        attention.move_to(titles.index("2 facts of sandbox wait for a person"))
        await press(pilot, "enter")
        assert where(app) is FactsScreen
        await until(pilot, lambda: "state:waiting" in text_of(app))


async def test_what_went_wrong_and_until_when_a_gateway_is_left_alone_is_said(
    at_till: Staged, till: Shop
) -> None:
    with till.desk() as desk, desk.transaction() as block:
        block.execute(
            "UPDATE freshness SET error = ?, quiet_until = ?",
            ("the key of sandbox was refused", int(desk.now().timestamp() * 1e6) + 3_600_000_000),
        )
    app = at_till()
    async with on_stage(app) as pilot:
        await press(pilot, "9")
        assert "the key of sandbox was refused" in text_of(app)
        assert "quiet" in text_of(app)
        assert "until 2026-03-12 13:04:00 UTC" in text_of(app)


async def test_whoever_only_looks_is_refused_in_words(at_till: Staged) -> None:
    app = at_till(read_only=True)
    async with on_stage(app) as pilot:
        await press(pilot, "9")
        for key in ("p", "s", "N", "K", "R"):
            app.screen.query_one(StatusLine).say("")
            await press(pilot, key)
            assert where(app) is GatewaysScreen, key
            assert "read-only" in said(app), key


# --- connecting one ---


async def test_a_gateway_is_connected_step_by_step_and_its_key_is_never_seen(
    at_till: Staged, till: Shop, paystack: PaystackScene, keys: MemoryKeyring
) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "9", "N")
        assert where(app) is Choose
        await fill_in(pilot, "paystack")
        await fill_in(pilot, "test")
        await write(pilot, "paystack-ng")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: where(app) is Connect)
        assert "https://dashboard.paystack.com" in text_of(app)
        assert "TEST: no real money" in text_of(app)
        await write(pilot, SECRET_KEY)
        assert SECRET_KEY not in run_on(app)
        await press(pilot, "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "Connected." in text_of(app))
        assert "in the keyring" in text_of(app)
        assert SECRET_KEY not in run_on(app) + str(app.notes)
        await press(pilot, "escape")
        await until(pilot, lambda: "paystack-ng" in text_of(app))
        assert len(keys.kept) == 1
        await press(pilot, "j", "K", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape", "X")
        assert where(app) is TaskDialog
        await press(pilot, "tab", "tab", "enter")
        assert "type paystack-ng" in text_of(app).lower()
        await press(pilot, "shift+tab", "shift+tab")
        await write(pilot, "paystack-ng")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "1 of 1" in text_of(app))
        assert keys.kept == {}
    with till.desk() as desk:
        assert SECRET_KEY not in str(desk.audit.list().rows)


async def test_a_live_key_is_never_taken_for_a_test_one_and_live_is_typed_in_words(
    at_till: Staged, paystack: PaystackScene, keys: MemoryKeyring
) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "9", "N")
        await fill_in(pilot, "paystack")
        await press(pilot, "tab", "tab", "tab", "enter")
        await until(pilot, lambda: where(app) is Connect)
        await write(pilot, LIVE_KEY)
        await press(pilot, "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "That is a live key" in text_of(app))
        await press(pilot, "escape", "N")
        await fill_in(pilot, "paystack")
        await fill_in(pilot, "live")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: where(app) is Connect)
        assert "LIVE: real money" in text_of(app)
        await write(pilot, LIVE_KEY)
        await press(pilot, "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "Real money moves by this key" in text_of(app))
        assert keys.kept == {}
        assert LIVE_KEY not in run_on(app) + str(app.notes)
    assert paystack.requests() == []


async def test_which_rights_a_key_needs_is_said_before_it_is_asked_for(at_till: Staged) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, "9", "N", "tab", "tab", "tab", "tab", "enter", ("wait", "2 of 2"))
        await press(pilot, "ctrl+r")
        assert "Events: read: to hear what happened" in text_of(app)
        fields = app.screen.query("#field-key").results(Input)
        assert all(field.password for field in fields)


async def test_a_key_in_the_environment_is_found_there_and_not_asked_for(
    at_till: Staged, paystack: PaystackScene, keys: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLDESK_GATEWAY_PAYSTACK_KEY", SECRET_KEY)
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "9", "N")
        await fill_in(pilot, "paystack")
        await press(pilot, "tab", "tab", "tab", "enter")
        await until(pilot, lambda: where(app) is Connect)
        assert "in the environment: BILLDESK_GATEWAY_PAYSTACK_KEY" in text_of(app)
        assert not app.screen.query("#field-key")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Connected." in text_of(app))
        assert "in the environment" in text_of(app)
    assert keys.kept == {}
