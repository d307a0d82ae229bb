"""What an operator does with nothing but a keyboard."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.values.money import Money
from billdesk.screens.account import AccountScreen
from billdesk.screens.balances import BalancesScreen
from billdesk.screens.heartbeat import Rhythm
from billdesk.screens.help import Help
from billdesk.screens.ledger import LedgerScreen
from billdesk.screens.overview import OverviewScreen
from billdesk.screens.review import Review
from tests.screens.desk_pilot import (
    LARGE,
    Staged,
    on_stage,
    press,
    said,
    settle,
    text_of,
    until,
    where,
    write,
)
from tests.screens.shop import NOW, Shop


async def test_an_account_is_found_by_what_one_knows_of_it(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "ctrl+k")
        await write(pilot, "zoe@cafe")
        await until(pilot, lambda: "cafe-zoe" in text_of(app))
        assert "e-mail begins" in text_of(app), "the finder says why it matched"
        await press(pilot, "enter")
        assert where(app) is AccountScreen
        assert "SPENT  may not run" in text_of(app)
        await press(pilot, "escape")
        assert where(app) is OverviewScreen


async def test_a_charge_is_refunded_after_a_review(staged: Staged, shop: Shop) -> None:
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "3", "slash")
        await write(pilot, "kind:charge account:delta")
        await press(pilot, "enter", "j", "R")
        assert isinstance(app.screen, Review)
        await until(pilot, lambda: "Entries" in text_of(app))
        assert "120.86 →         125.89" in text_of(app), "the balance before and after"
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert "ref_" in text_of(app), "a receipt with an id"
        await press(pilot, "enter")
        assert isinstance(app.screen, Review), "the receipt stays until it is put away"
        await press(pilot, "escape")
        assert isinstance(app.screen, LedgerScreen)
    with shop.desk() as desk:
        assert desk.wallets.balance("delta").balance == Money(12589, "USD")


async def test_the_same_charge_is_not_refunded_twice(staged: Staged, shop: Shop) -> None:
    with shop.desk() as desk:
        bad = desk.ledger.entries("delta", kinds=("charge",)).rows[0]
        assert bad.subject == "a wrong number"
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "3", "slash")
        await write(pilot, "wrong number kind:charge")
        await press(pilot, "enter", "R")
        await until(pilot, lambda: "Not possible" in text_of(app))
        assert app.screen.query_one("#confirm").disabled
        await press(pilot, "escape")


async def test_cancel_keeps_the_money_where_it_is(staged: Staged, shop: Shop) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "enter", "A", "tab", "tab")
        await write(pilot, "99.00")
        await press(pilot, "tab")
        await write(pilot, "a slip of the hand")
        await press(pilot, "tab")
        await write(pilot, "99.00")
        await until(pilot, lambda: not app.screen.query_one("#confirm").disabled)
        await press(pilot, "escape")
        assert where(app) is AccountScreen
    with shop.desk() as desk:
        assert desk.wallets.balance("acme").balance == Money(12931, "USD")


async def test_a_frozen_account_is_freed_by_the_key_its_reason_names(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "j", "j", "enter")
        assert "U  unfreeze the wallet" in text_of(app)
        await press(pilot, "U", "tab")
        await write(pilot, "settled with the customer")
        await until(pilot, lambda: not app.screen.query_one("#confirm").disabled)
        assert "FROZEN →             OK" in text_of(app)
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "OK  may run" in text_of(app))


async def test_a_new_account_is_one_key_away(staged: Staged, shop: Shop) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "N", "tab")
        await write(pilot, "not a ref!")
        assert "1 to 64 of a-z" in text_of(app)
        await press(pilot, "ctrl+u")
        await write(pilot, "zeta")
        await press(pilot, "tab")
        await write(pilot, "Zeta Ltd")
        await press(pilot, "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        # It has no balance to be listed with: it is shown itself, with what can be done.
        assert where(app) is AccountScreen
        assert "Account zeta" in text_of(app)
    with shop.desk() as desk:
        assert desk.accounts.get("zeta").name == "Zeta Ltd"


async def test_a_credit_limit_shows_how_low_one_may_go(staged: Staged, shop: Shop) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "enter", "L", "tab")
        await write(pilot, "50.00")
        await press(pilot, "tab")
        await write(pilot, "a good customer for years")
        await press(pilot, "tab")
        await write(pilot, "50.00")
        await until(pilot, lambda: "USD may go to" in text_of(app))
        assert "0.00 →         -50.00" in text_of(app)
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "limit 50.00" in text_of(app))


async def test_the_ledger_is_proven_and_sealed_from_the_desk(staged: Staged) -> None:
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "8")
        assert "not asked for yet" in text_of(app)
        await press(pilot, "v")
        await until(pilot, lambda: "the ledger proves true: 244 entries" in said(app))
        assert "unproven" in text_of(app)
        await press(pilot, "s")
        await until(pilot, lambda: "sealed 244 entries" in said(app))
        await press(pilot, "v")
        await until(pilot, lambda: "unproven" not in text_of(app))


async def test_an_altered_entry_is_named_on_the_desk(staged: Staged, shop: Shop) -> None:
    _forge_elsewhere(shop)
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "8", "v")
        await until(pilot, lambda: "in the ledger, see below" in said(app))
        assert "problem" in text_of(app)


async def test_left_and_right_lead_out_of_and_into_an_account(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "l")
        assert where(app) is AccountScreen
        await press(pilot, "h")
        assert where(app) is BalancesScreen
        await press(pilot, "right", "left")
        assert where(app) is BalancesScreen


async def test_attention_leads_to_the_accounts_it_speaks_of(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "standing:FROZEN" in text_of(app))
        assert isinstance(app.screen, BalancesScreen)
        await until(pilot, lambda: app.screen.table.row_count == 1)  # type: ignore[attr-defined]
        assert "Birch & Sons" in text_of(app)


async def test_money_keys_do_nothing_on_a_desk_to_look_at(staged: Staged) -> None:
    app = staged(read_only=True)
    async with on_stage(app) as pilot:
        assert "READ-ONLY" in text_of(app)
        await press(pilot, "2", "j", "j", "enter")
        assert "FROZEN  may not run" in text_of(app)
        for key in ("U", "F", "A", "D", "R", "H", "O", "V", "C", "S", "X"):
            await press(pilot, key)
            assert where(app) is AccountScreen, key
        assert "Unfreeze" not in text_of(app)
        await press(pilot, "3", "R", "V")
        assert where(app) is LedgerScreen
        assert "Reverse" not in text_of(app)


async def test_help_lists_the_keys_that_count_here(staged: Staged) -> None:
    app = staged()
    async with on_stage(app, (120, 60)) as pilot:
        await press(pilot, "2", "question_mark")
        assert isinstance(app.screen, Help)
        shown = text_of(app)
        for line in ("s                 Sort", "Turn order", "Find account", "Quit billdesk"):
            assert line in shown
        assert "Reverse" not in shown, "not a key of this screen"
        await press(pilot, "escape")
        assert isinstance(app.screen, BalancesScreen)


async def test_a_command_can_be_typed(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "colon")
        await write(pilot, "acct tokyo")
        await press(pilot, "enter")
        assert where(app) is AccountScreen
        await press(pilot, "escape", "colon")
        await write(pilot, "goto 2026-03")
        await press(pilot, "enter")
        await until(pilot, lambda: "asof:2026-03" in text_of(app))
        assert isinstance(app.screen, LedgerScreen)
        assert "02-28" in text_of(app)
        assert "03-01" not in text_of(app)
        await press(pilot, "colon")
        await write(pilot, "theme high-contrast-light")
        await press(pilot, "enter")
        assert app.theme == "high-contrast-light"


async def test_an_account_that_is_not_there_is_said_in_words(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "colon")
        await write(pilot, "acct nobody")
        await press(pilot, "enter")
        await until(pilot, lambda: "There is no account 'nobody'" in said(app))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("kind:bribe", "There is no kind"),
        ("account:nobody", "There is no account"),
        ("since:yesterday", "is not a time"),
        ("kind:", "Nothing follows kind:"),
    ],
)
async def test_a_filter_that_cannot_be_used_says_why(
    line: str, answer: str, staged: Staged
) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "3", "slash")
        await write(pilot, line)
        await press(pilot, "enter")
        await until(pilot, lambda: answer in said(app))
        await press(pilot, "slash", "escape")
        await until(pilot, lambda: said(app) == "")


async def test_escape_clears_a_filter_then_leaves_it_and_never_quits(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "slash")
        await write(pilot, "birch")
        await press(pilot, "enter")
        await until(pilot, lambda: app.screen.table.row_count == 1)  # type: ignore[attr-defined]
        await press(pilot, "slash", "escape")
        await until(pilot, lambda: app.screen.table.row_count == 12)  # type: ignore[attr-defined]
        await press(pilot, "escape", "escape", "escape")
        assert isinstance(app.screen, BalancesScreen)
        assert app.is_running


async def test_what_another_process_posts_appears_without_a_key(staged: Staged, shop: Shop) -> None:
    app = staged(rhythm=Rhythm(pulse_seconds=0.05, tick_seconds=0))
    async with on_stage(app) as pilot:
        await press(pilot, "3")
        assert "from elsewhere" not in text_of(app)
        _post_elsewhere(shop, "from elsewhere")
        await until(pilot, lambda: "1 of 245" in text_of(app))
        assert app.screen.query_one("LedgerView").row.subject == "from elsewhere"  # type: ignore[attr-defined]


async def test_what_arrives_never_moves_the_rows_under_the_cursor(
    staged: Staged, shop: Shop
) -> None:
    app = staged(rhythm=Rhythm(pulse_seconds=0.05, tick_seconds=0))
    async with on_stage(app) as pilot:
        await press(pilot, "3", "j", "j", "j")
        screen = app.screen
        assert isinstance(screen, LedgerScreen)
        marked = screen.table.row
        _post_elsewhere(shop, "from elsewhere")
        await until(pilot, lambda: "1 new (r to load)" in text_of(app))
        assert screen.table.row == marked
        await press(pilot, "r")
        await until(pilot, lambda: "5 of 245" in text_of(app))
        assert screen.table.row == marked, "the cursor stays on its entry, not on its row number"


async def test_a_list_keeps_its_cursor_on_the_same_account(staged: Staged, shop: Shop) -> None:
    app = staged(rhythm=Rhythm(pulse_seconds=0.05, tick_seconds=0))
    async with on_stage(app) as pilot:
        await press(pilot, "2", "j", "j")
        with shop.desk(actor="somebody else") as desk:
            desk.accounts.add("aardvark", name="Aardvark Ltd")
            desk.adjustments.credit("aardvark", "5.00", memo="a welcome present")
        await until(pilot, lambda: "aardvark" in text_of(app))
        screen = app.screen
        assert isinstance(screen, BalancesScreen)
        assert screen.table.row is not None
        assert screen.table.row.wallet.account_ref == "birch"


def _post_elsewhere(shop: Shop, subject: str) -> None:
    """Another process charges an account."""
    program = (
        "import sys; from billdesk.core.desk import open_desk;"
        "from billdesk.core.values.clock import MovingClock, parse_instant;"
        "desk = open_desk(sys.argv[1], clock=MovingClock(parse_instant(sys.argv[3])));"
        "desk.charges.create('iris', '1.00', reference='elsewhere:1', subject=sys.argv[2])"
    )
    at = (NOW + timedelta(seconds=1)).isoformat()
    subprocess.run(
        [sys.executable, "-c", program, shop.ledger, subject, at],
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )


def _forge_elsewhere(shop: Shop) -> None:
    """Another process drops the guards and alters an amount."""
    forge = (
        "import sqlite3, sys; ledger = sqlite3.connect(sys.argv[1]);"
        "names = [row[0] for row in ledger.execute("
        "\"SELECT name FROM sqlite_master WHERE type = 'trigger'\")];"
        "[ledger.execute('DROP TRIGGER ' + name) for name in names];"
        "ledger.execute('UPDATE entry SET amount_minor = amount_minor - 100 WHERE number = 100');"
        "ledger.commit()"
    )
    subprocess.run([sys.executable, "-c", forge, shop.ledger], check=True, timeout=60)


async def test_ids_and_rows_go_to_the_terminals_clipboard(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "y")
        assert app.clipboard == "acme"
        assert "acme sent to terminal clipboard" in said(app)
        await press(pilot, "Y")
        assert app.clipboard.split("\t")[:3] == ["acme", "Acme Plumbing Ltd", "OK"]
        await press(pilot, "enter", "i")
        assert app.clipboard.startswith("## acme: OK\n")
        assert "| USD | 129.31 | 35.00 | 94.31 |" in app.clipboard


async def test_all_entries_that_match_are_exported_not_one_page(
    staged: Staged, tmp_path: Path
) -> None:
    app = staged()
    target = tmp_path / "charges.jsonl"
    async with on_stage(app) as pilot:
        await press(pilot, "3", "slash")
        await write(pilot, "kind:charge")
        await press(pilot, "enter", "e")
        await press(pilot, "ctrl+u")
        await write(pilot, "jsonl")
        await press(pilot, "tab", "ctrl+u")
        await write(pilot, str(target))
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "rows written" in text_of(app))
        await settle(pilot)
    lines = target.read_text().splitlines()
    assert len(lines) > 150
    assert all('"charge"' in line for line in lines)
