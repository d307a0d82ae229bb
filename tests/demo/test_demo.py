"""The demo shows everything, harms nothing, and goes on from wherever it stopped."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, create_ledger, default_paths, open_desk
from billdesk.core.store.sqlite import sqlite3
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BilldeskError, Refused, SchemaMismatch
from billdesk.core.values.money import Money
from billdesk.demo import furnish, run
from billdesk.demo.companion import accompany, live_on
from billdesk.demo.conclusion import conclude
from billdesk.demo.narration import PlainTeller, ProgressTeller, Step
from tests.demo.listener import NOW, Listener


def balances(desk: Desk) -> dict[tuple[str, str, str], Money]:
    return {
        (row.wallet.account_ref, row.wallet.purpose, row.wallet.asset): row.wallet.balance
        for row in desk.wallets.rows().rows
    }


def topups_and_payments(desk: Desk) -> tuple[list[str], Counter[tuple[str, str, Money, str]]]:
    stopped = [watch.account_ref for watch in desk.watches.list().rows if watch.stopped]
    payments = desk.payments.list(limit=1000).rows
    return stopped, Counter(
        (each.account_ref, each.purpose, each.amount, each.status) for each in payments
    )


def codes(steps: list[Step]) -> set[str]:
    """How the refusals of a story are called."""
    return {
        step.outcome.partition(":")[0].removeprefix("refused, ")
        for step in steps
        if step.outcome.startswith("refused")
    }


def test_the_checkpoint_of_a_demo_lies_beside_its_ledger(demo: str) -> None:
    (checkpoint,) = Path(f"{demo}.checkpoints").iterdir()
    with open_desk(demo) as desk:
        proof = desk.verify()
        assert (proof.ok, proof.unproven) == (True, ())
        assert proof == desk.verify(checkpoint)
        assert desk.overview().checkpoint_at == proof.checkpoint_at


def test_every_step_comes_out_as_the_story_says(furnished: tuple[Path, Listener, int]) -> None:
    assert furnished[2] == 0


def test_every_refusal_of_the_tree_is_shown_with_what_would_help(
    furnished: tuple[Path, Listener, int],
) -> None:
    def tree(kind: type[BilldeskError]) -> set[str]:
        own = {kind.code.replace("_", " ")}
        return own.union(*(tree(below) for below in kind.__subclasses__()))

    steps = furnished[1].steps
    # Only a login of Postgres lacks a right.
    wanted = tree(Refused) - {"not allowed"}
    wanted |= {"not found", "gateway unreachable", "gateway error"}
    assert codes(steps) == wanted
    assert all(step.hint for step in steps if step.outcome.startswith("refused"))


def test_every_standing_is_there_and_ninety_days_of_life(demo: str) -> None:
    with open_desk(demo, read_only=True) as desk:
        standings = Counter(row.standing for row in desk.wallets.rows().rows)
        entries = desk.ledger.entries(limit=10_000).rows
        statuses = {payment.status for payment in desk.payments.list(limit=1000).rows}
        holds = {hold.status for hold in desk.holds.list().rows}
        assets = {row.wallet.asset for row in desk.wallets.rows().rows}
        assert desk.info.demo
        assert desk.verify().ok
    assert {"OK", "FROZEN", "SPENT", "OWES", "SUSPENDED", "CLOSED"} <= set(standings)
    assert {"USD", "EUR", "JPY", "KWD", "CREDIT"} <= assets
    assert statuses == {"pending", "succeeded", "failed", "expired", "refunded", "disputed"}
    assert holds == {"open", "captured", "released", "expired"}
    assert {"charge", "deposit", "refund", "manual_credit", "manual_debit", "reversal"} <= {
        entry.kind for entry in entries
    }
    days = {entry.recorded_at.date() for entry in entries}
    assert len(days) >= 90
    assert NOW - timedelta(hours=1) < entries[0].recorded_at <= NOW


def test_the_demo_is_told_the_same_every_time(
    furnished: tuple[Path, Listener, int], tmp_path: Path
) -> None:
    again = Listener()
    furnish(str(tmp_path / "again.ledger"), again, now=NOW)
    assert again.steps == furnished[1].steps


def test_it_runs_on_postgres_all_the_same(
    furnished: tuple[Path, Listener, int], postgres_empty_url: str
) -> None:
    listener = Listener()
    assert furnish(postgres_empty_url, listener, now=NOW) == 0
    assert listener.headings == furnished[1].headings
    with (
        open_desk(postgres_empty_url) as desk,
        open_desk(furnished[0] / "demo.ledger", read_only=True) as other,
    ):
        assert balances(desk) == balances(other)
        assert desk.verify().ok
    assert conclude(postgres_empty_url, PlainTeller(io.StringIO())) == 0


@pytest.mark.parametrize(
    "leaves_after",
    [
        *(
            pytest.param(step, marks=pytest.mark.soak)
            for step in (3, 75, 117, 127, 134, 167, 178, 205)
        ),
        *(141, 197),
    ],
)
def test_a_story_cut_short_ends_as_one_told_in_one_go(
    furnished: tuple[Path, Listener, int], tmp_path: Path, leaves_after: int
) -> None:
    where = str(tmp_path / "demo.ledger")
    with pytest.raises(KeyboardInterrupt):
        furnish(where, Listener(leaves_after), now=NOW)
    furnish(where, Listener(), now=NOW)
    with (
        open_desk(where, read_only=True) as desk,
        open_desk(furnished[0] / "demo.ledger", read_only=True) as other,
    ):
        assert balances(desk) == balances(other)
        assert desk.overview().standings == other.overview().standings
        assert topups_and_payments(desk) == topups_and_payments(other)
        assert desk.verify().ok


def test_a_demo_told_again_at_once_stays_as_it_is(demo: str) -> None:
    with open_desk(demo, read_only=True) as desk:
        before = desk.ledger.pulse()
    assert furnish(demo, Listener(), now=NOW + timedelta(hours=5)) == 0
    with open_desk(demo, read_only=True) as desk:
        assert desk.ledger.pulse() == before


def test_a_demo_opened_three_days_later_has_lived_on(demo: str) -> None:
    listener = Listener()
    furnish(demo, listener, now=NOW + timedelta(days=3))
    assert listener.told[0] == (0, 12)
    with open_desk(demo, read_only=True) as desk:
        newest = desk.ledger.entries(limit=1).rows[0]
        assert NOW + timedelta(days=2, hours=23) < newest.recorded_at <= NOW + timedelta(days=3)
        since = desk.ledger.entries(since=NOW, limit=10_000).rows
        assert len({entry.recorded_at.date() for entry in since}) == 4
        assert desk.verify().ok


def test_a_demo_forgotten_for_years_catches_up_with_the_last_ninety_days(demo: str) -> None:
    listener = Listener()
    later = NOW + timedelta(days=800)
    furnish(demo, listener, now=later)
    assert listener.told[0] == (0, 360)
    with open_desk(demo, read_only=True) as desk:
        assert desk.verify().ok


def test_a_ledger_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    where = tmp_path / "desk.ledger"
    create_ledger(where).close()
    before = where.read_bytes()
    with pytest.raises(Refused, match="is not a demo, and is left alone"):
        furnish(str(where), Listener(), now=NOW)
    assert where.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "sandbox" in path.name] == []


def age(where: str) -> None:
    """Make a ledger one of the version before: nothing but its number tells, in a file."""
    with closing(sqlite3.connect(where, isolation_level=None)) as file:
        file.execute("UPDATE alembic_version SET version_num = '0003'")


def test_a_demo_of_an_older_version_is_brought_up_in_its_own_place_and_nowhere_else(
    tmp_path: Path,
) -> None:
    usual, elsewhere = default_paths().demo_ledger, tmp_path / "elsewhere.ledger"
    for where in (str(usual), str(elsewhere)):
        create_ledger(where, demo=True, clock=MovingClock(NOW)).close()
        age(where)
    assert furnish(str(usual), Listener(), now=NOW) == 0
    with open_desk(usual) as desk:
        assert desk.verify().ok
    with pytest.raises(SchemaMismatch):
        furnish(str(elsewhere), Listener(), now=NOW)


def test_without_a_terminal_it_is_told_in_plain_lines_and_ends_with_a_proof(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(None, no_ui=False) == 0
    told = capsys.readouterr().out
    assert "Customers arrive" in told
    assert "refused, insufficient funds" in told
    assert "Trial balance" in told
    assert "the ledger is sound" in told
    assert "the gateway's own books agree" in told
    assert not any(letter < " " or letter in "\x7f\u202e" for letter in told.replace("\n", ""))
    assert [path.name for path in home.rglob("demo.ledger")] == ["demo.ledger"]


def test_whoever_listens_may_leave(tmp_path: Path) -> None:
    script = (
        f"from billdesk.demo import run; raise SystemExit(run({str(tmp_path / 'd')!r}, no_ui=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_progress_is_wiped_away_at_the_end() -> None:
    out = io.StringIO()
    teller = ProgressTeller(out)
    teller.heading("a")
    teller.step(Step(NOW, "b", "c"))
    teller.progress(90, 360)
    assert out.getvalue().endswith(" 25 %")
    teller.progress(360, 360)
    assert out.getvalue().endswith("\r\x1b[2K")


def test_a_refusal_is_told_with_its_hint_below() -> None:
    out = io.StringIO()
    PlainTeller(out).step(Step(NOW, "charge acme 5.00", "refused: no\x1b", "say please"))
    first, second = out.getvalue().splitlines()
    assert first.startswith("21 Aug  charge acme 5.00 ....")
    assert first.endswith(" refused: no␛")
    assert second.endswith("→ say please")
    assert second.index("say") == first.index("refused") + 2


# --- while one looks -----------------------------------------------------------------------------


def test_customers_go_on_while_one_looks(demo: str) -> None:
    with open_desk(demo, actor="lead-engine") as desk:
        before = desk.ledger.pulse()
        chance = random.Random(7)
        done = 0
        for _ in range(40):
            try:
                live_on(desk, chance)
                done += 1
            except Refused:
                continue
        assert done >= 35
        assert desk.ledger.pulse() - before >= 20
        kinds = Counter(entry.kind for entry in desk.ledger.entries(limit=30).rows)
        assert kinds["charge"] > 10
        assert desk.payments.list(status="pending").rows, "and some have begun to pay in"
        assert desk.verify().ok


def test_the_companion_leaves_with_the_desk(demo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billdesk.demo.companion.PAUSE_SECONDS", 0.01)
    with open_desk(demo) as desk:
        before = desk.ledger.pulse()
        looks = iter(range(60))
        accompany(demo, desk, lambda: next(looks) >= 50)
        assert desk.ledger.pulse() > before
