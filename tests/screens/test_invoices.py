"""Invoices: the list, one of them, and everything that is done about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from billdesk.app import BilldeskApp
from billdesk.core.values.money import Money
from billdesk.screens import invoice_verbs as verbs
from billdesk.screens.detail import Detail
from billdesk.screens.invoice import InvoiceScreen
from billdesk.screens.invoices import InvoicesScreen
from billdesk.screens.review import Review
from billdesk.screens.task import TaskDialog
from tests.screens.billed import furnish_billed
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    confirm,
    fill_in,
    on_stage,
    press,
    run_on,
    said,
    stages,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import Step, play
from tests.screens.shop import HOSTILE_NAMES, Shop, copied

if TYPE_CHECKING:
    from textual.pilot import Pilot


INVOICES: tuple[Step, ...] = ("colon", ("write", "invoices and"), "enter", ("wait", "INV-000006"))
OPEN = (*INVOICES, "slash", ("write", "INV-000006"), "enter", ("gone", "INV-000005"))

SCENES: dict[str, tuple[Step, ...]] = {
    "list": INVOICES,
    "invoice": (*OPEN, "enter", ("wait", "Travel")),
    "credit-note": (*OPEN, "K", "tab", "tab", ("write", "the travel was not agreed"), "tab",
                    ("write", "219.63"), ("wait", "Less is due")),
}  # fmt: skip


@pytest.fixture(scope="session")
def furnished_billed(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shop with invoices in every state."""
    folder = tmp_path_factory.mktemp("billed") / "shop"
    furnish_billed(copied(furnished, folder))
    return folder


@pytest.fixture
def billed(furnished_billed: Path, tmp_path: Path) -> Shop:
    """A copy of that, to do with as one likes."""
    return copied(furnished_billed, tmp_path / "billed")


@pytest.fixture
def at_desk(billed: Shop) -> Iterator[Staged]:
    """Makes the app on it; its desk is closed after the test."""
    yield from stages(billed)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
def test_every_screen_of_invoices_looks_as_it_was_agreed(
    scene: str, size: tuple[int, int], at_desk: Staged, snap_compare: Callable[..., bool]
) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *SCENES[scene])

    assert snap_compare(at_desk(), terminal_size=size, run_before=act_it_out)


# --- looking ---


async def test_the_list_says_who_owes_what_and_since_when(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *INVOICES)
        shown = text_of(app)
        for words in ("INV-000001", "333.20", "overdue", "CN-000001", "draft", "uncollectible"):
            assert words in shown
        await press(pilot, "d")
        await until(pilot, lambda: "INV-000006" not in text_of(app))
        assert "INV-000003" in text_of(app)
        await press(pilot, "d", "f")
        await until(pilot, lambda: "of 1" in text_of(app))
        assert "harbor" in text_of(app)


async def test_the_list_is_filtered_as_one_types(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *INVOICES)
        for line, there, gone in (
            ("status:void", "INV-000004", "INV-000001"),
            ("account:acme", "INV-000006", "INV-000001"),
            ("kind:credit_note", "CN-000001", "INV-000002"),
            ("overdue:yes", "INV-000001", "INV-000006"),
            ("since:2026-03-01", "INV-000006", "INV-000001"),
            ("until:2026-02-20", "INV-000001", "INV-000006"),
            ("株式会社", "INV-000003", "INV-000001"),
            ("INV-000004", "INV-000004", "INV-000005"),
        ):
            await press(pilot, "slash", "end", "ctrl+u")
            await write(pilot, line)
            await press(pilot, "enter")
            await until(pilot, partial(_shows_only, app, there, gone))


def _shows(app: BilldeskApp, words: str) -> bool:
    return words in text_of(app)


def _shows_only(app: BilldeskApp, there: str, gone: str) -> bool:
    return there in text_of(app) and gone not in text_of(app)


async def test_a_filter_that_makes_no_sense_is_told_in_words(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *INVOICES)
        for line, words in (
            ("since:yesterday", "is no day"),
            ("overdue:perhaps", "neither yes nor no"),
            ("status:gone", "no status 'gone'"),
            ("account:nobody", "no account 'nobody'"),
        ):
            await press(pilot, "slash", "end", "ctrl+u")
            await write(pilot, line)
            await press(pilot, "enter")
            await until(pilot, partial(_says, app, words))


def _says(app: BilldeskApp, words: str) -> bool:
    return words in said(app)


async def test_an_invoice_shows_its_lines_sums_and_everything(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *SCENES["invoice"])
        assert where(app) is InvoiceScreen
        for words in ("Travel", "118  km", "0.42", "19 %", "184.56", "35.07", "219.63 USD"):
            assert words in text_of(app)
        await press(pilot, "j", "enter")
        assert where(app) is Detail
        assert "vat, 19 %" in text_of(app)
        await press(pilot, "escape", "i")
        assert where(app) is Detail
        shown = text_of(app)
        assert "Northwind Labs GmbH" in shown
        assert "Payable within 14 days." in shown
        await press(pilot, "escape", "o")
        await until(pilot, lambda: "acme" in text_of(app) and where(app) is not InvoiceScreen)


async def test_a_paid_one_names_its_credit_note(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *INVOICES, "slash", ("write", "INV-000002"), "enter", "enter",
                   ("wait", "CN-000001"))  # fmt: skip
        for words in ("paid", "-47.60", "-11.90"):
            assert words in text_of(app)


# --- acting ---


async def test_one_is_drafted_changed_finalized_and_paid(at_desk: Staged, billed: Shop) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *INVOICES, "N")
        assert where(app) is Review
        await press(pilot, "tab")
        for text in ("acme", "USD", "Spare parts", "3", "2.50", "vat"):
            await fill_in(pilot, text)
        app.screen.query_one("#confirm").focus()
        await press(pilot, "enter")
        await until(pilot, lambda: where(app) is InvoiceScreen and "Spare parts" in text_of(app))
        await press(pilot, "L", "tab")
        for text in ("A mistake", "1", "1.00", "none"):
            await fill_in(pilot, text)
        app.screen.query_one("#confirm").focus()
        await press(pilot, "enter")
        await until(pilot, lambda: where(app) is InvoiceScreen and "A mistake" in text_of(app))
        await press(pilot, "j", "X")
        await until(pilot, lambda: not app.screen.query_one("#confirm").disabled)
        app.screen.query_one("#confirm").focus()
        await press(pilot, "enter")
        await until(pilot, lambda: "A mistake" not in text_of(app))
        await press(pilot, "F")
        await until(pilot, lambda: "the next number" in text_of(app))
        await confirm(pilot)
        await until(pilot, lambda: "INV-000007" in text_of(app))
        await press(pilot, "P", "tab")
        await confirm(pilot, "8.93")
        await until(pilot, lambda: "paid" in text_of(app))
    with billed.desk() as desk:
        invoice = desk.invoices.get("INV-000007")
        assert (invoice.status, invoice.total) == ("paid", Money(893, "USD"))
        assert invoice.issued_on == date(2026, 3, 12)


async def test_nothing_is_voided_before_the_word_is_typed(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *OPEN, "V", "tab")
        await fill_in(pilot, "billed twice, says the customer")
        await until(pilot, lambda: "nothing is due" in text_of(app))
        await write(pilot, "voi")
        assert app.screen.query_one("#confirm").disabled


async def test_what_the_wallet_lacks_is_said_before_anything_is_done(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *INVOICES, "slash", ("write", "INV-000001"), "enter",
                   ("gone", "INV-000005"), "P")  # fmt: skip
        await until(pilot, lambda: "Not possible" in text_of(app))
        assert app.screen.query_one("#confirm").disabled


@pytest.mark.parametrize(
    ("key", "memo", "typed", "status", "due_minor"),
    [
        ("M", "bank transfer of this morning", "219.63", "paid", 0),
        ("V", "billed twice, says the customer", "void", "void", 0),
        ("W", "nobody answers there any more", "219.63", "uncollectible", 21963),
    ],
)
async def test_an_open_invoice_ends_in_every_way(
    key: str, memo: str, typed: str, status: str, due_minor: int, at_desk: Staged, billed: Shop
) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *OPEN, key, "tab")
        await fill_in(pilot, memo)
        await confirm(pilot, typed)
        await until(pilot, lambda: status in text_of(app))
    with billed.desk() as desk:
        invoice = desk.invoices.get("INV-000006")
        assert (invoice.status, invoice.due.minor) == (status, due_minor)


async def test_an_act_is_about_what_was_marked_when_it_was_called_for(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *INVOICES)
        screen = app.screen
        assert isinstance(screen, InvoicesScreen)
        first, moved_on = screen.marked(), Event()
        assert first is not None
        screen.review_with(lambda _, __: moved_on.wait(10), lambda sheet, _: verbs.void(sheet))
        screen.table.move_to(1)
        assert screen.marked() != first
        moved_on.set()
        await until(pilot, lambda: isinstance(app.screen, Review))
        await until(pilot, partial(_shows, app, f"Void {verbs.name_of(first)}"))


async def test_a_part_is_credited(at_desk: Staged, billed: Shop) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *OPEN, "K", "tab")
        await fill_in(pilot, "19.63")
        await fill_in(pilot, "the travel was not agreed")
        await confirm(pilot, "19.63")
    with billed.desk() as desk:
        assert desk.invoices.get("INV-000006").due == Money(20000, "USD")


async def test_no_more_is_credited_than_is_left_and_in_no_other_currency(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *OPEN, "K", "tab")
        for text, words in (
            ("219.64", "at most 219.63 USD"),
            ("5.00 EUR", "give an amount in USD"),
        ):
            await press(pilot, "end", "ctrl+u")
            await write(pilot, text)
            await until(pilot, partial(_shows, app, words))


async def test_nothing_saved_is_nothing_charged(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *OPEN, "C")
        await until(pilot, lambda: "Not possible" in text_of(app))


async def test_keys_are_offered_only_where_the_state_allows_them(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *INVOICES)
        screen = app.screen
        assert isinstance(screen, InvoicesScreen)
        offered = {}
        for _ in range(screen.table.row_count):
            row = screen.table.row
            assert row is not None
            acts = ("finalize", "pay", "credit", "void", "write_off", "save_pdf", "ask")
            offered[row.kind, row.status] = {a for a in acts if screen.check_action(a, ())}
            await press(pilot, "j")
    everywhere = {"save_pdf", "ask"}
    assert offered == {
        ("invoice", "draft"): {"finalize", "void"} | everywhere,
        ("invoice", "open"): {"pay", "credit", "void", "write_off"} | everywhere,
        ("invoice", "paid"): {"credit"} | everywhere,
        ("invoice", "void"): everywhere,
        ("invoice", "uncollectible"): {"pay", "credit", "void"} | everywhere,
        ("credit_note", "paid"): everywhere,
    }


async def test_whoever_only_looks_is_refused_but_may_save_paper(
    at_desk: Staged, tmp_path: Path
) -> None:
    app = at_desk(read_only=True)
    async with on_stage(app) as pilot:
        await play(pilot, *OPEN, "P")
        assert "read-only" in said(app)
        await press(pilot, "N")
        assert where(app) is InvoicesScreen
        await press(pilot, "L", "s")
        assert where(app) is TaskDialog


# --- paper ---


async def test_an_invoice_is_saved_as_a_pdf_and_never_over_another_file(
    at_desk: Staged, tmp_path: Path
) -> None:
    target = tmp_path / "bill.pdf"
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *OPEN, "s")
        await fill_in(pilot, str(target))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert str(target) in run_on(app)
        assert target.read_bytes().startswith(b"%PDF-")
        await press(pilot, "y")
        assert app.clipboard == str(target)
        await press(pilot, "escape")
        target.write_bytes(b"something else")
        await press(pilot, "s")
        await fill_in(pilot, str(target))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "here is another file" in text_of(app))
    assert target.read_bytes() == b"something else"


async def test_a_pdf_is_opened_by_the_systems_viewer_or_its_place_is_told(
    at_desk: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *OPEN, "b")
        await until(pilot, lambda: "no window" in said(app))


# --- hostile ---


@pytest.mark.parametrize("kind", ["markup", "escapes", "right-to-left", "wide"])
async def test_hostile_lines_and_names_stay_in_their_cells(
    kind: str, at_desk: Staged, billed: Shop
) -> None:
    text = HOSTILE_NAMES[kind]
    with billed.desk() as desk:
        desk.accounts.add("hostile", name=text)
        drafted = desk.invoices.draft("hostile", asset="USD", memo=text)
        desk.invoices.add_line(drafted.id, text, "1.00", unit=text, tax="none")
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *INVOICES, "enter", ("wait", "total"))
        shown = text_of(app)
        assert not set(shown) & set("\x1b\x9b\u202e\u2066\u200b\ufeff")
        await press(pilot, "enter", "escape", "i")
        assert not set(text_of(app)) & set("\x1b\x9b\u202e\u2066\u200b\ufeff")
