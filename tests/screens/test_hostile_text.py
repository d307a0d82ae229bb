"""Whatever is stored as a name or a memo is shown, never obeyed, on every screen."""

from __future__ import annotations

import unicodedata

import pytest
from textual.widget import Widget

from billdesk.app import BilldeskApp
from tests.screens.desk_pilot import LARGE, SMALL, Staged, on_stage, press, text_of, until, write
from tests.screens.shop import HOSTILE_NAMES, Shop

LISTS: tuple[tuple[str, ...], ...] = (
    ("2",), ("3",), ("4",), ("5",), ("6",), ("7",), ("enter",), ("escape", "m"),
    ("escape", "3", "enter"), ("escape", "R"),
)  # fmt: skip
ONE_ACCOUNT: tuple[tuple[str, ...], ...] = (
    (), ("enter",), ("escape", "U"), ("escape", "t"), ("escape", "i", "y", "Y"),
)  # fmt: skip


def furnish(shop: Shop) -> None:
    """An account for each hostile name, and the same text wherever text can be put."""
    with shop.desk() as desk:
        for number, (kind, name) in enumerate(HOSTILE_NAMES.items()):
            text = name[:180].ljust(12, ".")
            ref = f"aa-{kind}"
            desk.accounts.add(ref, name=name, email=f"{kind}@aa.example")
            desk.adjustments.credit(ref, "50.00", memo=text)
            charge = desk.charges.create(ref, "5.00", reference=f"x:{number}", subject=text)
            desk.refunds.create(charge.id, memo=text)
            desk.holds.place(ref, "5.00", reference=f"h:{number}", subject=text)
            desk.deposits.start(ref, "20.00")
            desk.charges.create(ref, "6.00", reference=f"y:{number}", subject=text)
            desk.wallets.freeze(ref, memo=text)


def furnish_gateways(till: Shop) -> None:
    """The same text wherever a gateway, or a person speaking of it, can put some."""
    for number, text in enumerate(HOSTILE_NAMES.values()):
        with till.desk() as desk, desk.transaction() as block:
            for table in ("payment", "fact", "card_refund", "dispute"):
                block.execute(
                    f"UPDATE {table} SET detail = ? WHERE number % ? = ?",
                    (text, len(HOSTILE_NAMES), number),
                )
            if number == 0:
                block.execute("UPDATE payment SET pay_url = ?", (f"https://x.example/{text}",))
                block.execute("UPDATE payment_method SET label = ?", (text,))
                block.execute("UPDATE freshness SET error = ?", (text,))
                block.execute(
                    "UPDATE reconciliation_item SET note = ?, external_id = ? || number",
                    (text, text),
                )
                block.execute("UPDATE account SET name = ? WHERE ref = 'acme'", (text,))


AT_GATEWAYS: tuple[tuple[str, ...], ...] = (
    ("4",), ("enter",), ("escape", "v"), ("y",), ("escape", "c"), ("enter",), ("escape", "d"),
    ("enter",), ("escape", "9"), ("enter",), ("escape", "w"), ("enter",), ("escape", "0"),
    ("enter",), ("f", "f", "f"), ("enter",), ("escape", "E"), ("escape", "escape", "2"),
    ("enter",), ("p",), ("enter",), ("escape", "X"), ("escape", "T"), ("escape", "N"),
)  # fmt: skip


@pytest.mark.parametrize(
    "size",
    [pytest.param(SMALL, id="80x24"), pytest.param(LARGE, id="120x36", marks=pytest.mark.soak)],
)
async def test_what_a_gateway_says_is_harmless_on_every_screen(
    size: tuple[int, int], at_till: Staged, till: Shop
) -> None:
    furnish_gateways(till)
    app = at_till()
    async with on_stage(app, size) as pilot:
        seen = set()
        for keys in AT_GATEWAYS:
            await press(pilot, *keys)
            seen.add(type(app.screen).__name__)
            assert raw_characters(app) == set(), keys
            assert lines_that_spill(app) == [], keys
        assert "\x1b" not in app.clipboard
    assert {
        "PaymentsScreen", "LinkPage", "CardRefundsScreen", "DisputesScreen", "GatewaysScreen",
        "FactsScreen", "ReconcileItems", "Explain", "MethodsScreen", "Review", "SaveMethod", "Detail",
    } <= seen  # fmt: skip


def raw_characters(app: BilldeskApp) -> set[str]:
    """What of the screen a terminal would obey, as it is written to it."""
    text = "".join(
        segment.text for strip in app.screen._compositor.render_strips() for segment in strip
    )
    return {
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cs"}
        or unicodedata.bidirectional(character)
        in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        or character in "\u200b\u2060\ufeff\u00ad"
    }


def lines_that_spill(app: BilldeskApp) -> list[int]:
    """Lines that are not exactly as wide as the screen."""
    widths = [strip.cell_length for strip in app.screen._compositor.render_strips()]
    return [width for width in widths if width != app.size.width]


@pytest.mark.parametrize(
    "size",
    [pytest.param(SMALL, id="80x24"), pytest.param(LARGE, id="120x36", marks=pytest.mark.soak)],
)
async def test_hostile_names_are_harmless_in_every_list(
    size: tuple[int, int], staged: Staged, shop: Shop
) -> None:
    furnish(shop)
    app = staged()
    async with on_stage(app, size) as pilot:
        seen = set()
        for keys in LISTS:
            await press(pilot, *keys)
            seen.add(type(app.screen).__name__)
            assert raw_characters(app) == set(), keys
            assert lines_that_spill(app) == [], keys
        await press(pilot, "escape", "ctrl+k")
        await write(pilot, "aa-")
        await until(pilot, lambda: "aa-wide" in text_of(app))
        assert raw_characters(app) == set()
        assert lines_that_spill(app) == []
    assert {"Detail", "MessageLog", "Review", "LedgerScreen", "AuditScreen"} <= seen


@pytest.mark.parametrize("kind", HOSTILE_NAMES)
async def test_a_hostile_name_is_harmless_on_its_own_account(
    kind: str, staged: Staged, shop: Shop
) -> None:
    furnish(shop)
    app = staged(account=f"aa-{kind}")
    async with on_stage(app, SMALL) as pilot:
        seen = set()
        for keys in ONE_ACCOUNT:
            await press(pilot, *keys)
            seen.add(type(app.screen).__name__)
            assert raw_characters(app) == set(), keys
            assert lines_that_spill(app) == [], keys
        assert app.clipboard
        assert "\x1b" not in app.clipboard
    assert seen == {"AccountScreen", "Detail", "Review", "AsOf"}


async def test_no_name_becomes_a_link_or_presses_a_button(staged: Staged, shop: Shop) -> None:
    furnish(shop)
    app = staged(account="aa-markup")
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "enter")
        strips = app.screen._compositor.render_strips()
        assert any("[@click=app.quit]" in strip.text for strip in strips)
        metas = [segment.style.meta for strip in strips for segment in strip if segment.style]
        assert not any("@click" in meta for meta in metas)


def test_no_widget_reads_markup_out_of_what_it_is_given() -> None:
    """Static and its kin read markup unless told not to; a label or title must be content."""
    from pathlib import Path

    for file in Path("src/billdesk/screens").glob("*.py"):
        source = file.read_text()
        for call in source.split("Static(")[1:]:
            if not call.startswith(")"):
                assert "markup=False" in call.split("\n\n")[0], file
        assert "notify(" not in source, f"{file}: toasts read markup and vanish"
        for call in source.split("Button(")[1:]:
            assert "safe_text(" in call[:60], file


def test_our_private_names_are_not_textuals() -> None:
    """An attribute of the same name would change how Textual works, without a word."""
    import re
    from pathlib import Path

    from textual.screen import Screen
    from textual.widgets import Input

    theirs = {*dir(Widget()), *dir(Screen()), *dir(Input())}
    for file in Path("src/billdesk/screens").glob("*.py"):
        ours = set(re.findall(r"self\.(_[a-z]\w*)(?:: [^=\n]+)? =[^=]", file.read_text()))
        assert not ours & theirs, file
