"""The sandbox's books outlive whoever writes them, and are one truth for all."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.values.clock import MovingClock, to_micros
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from tests.core.gateways.sandbox.steps import MINUTE, everything, last, request, stages

# --- books ---------------------------------------------------------------------------------------


def test_the_books_add_up_per_asset(sandbox: Sandbox, clock: MovingClock) -> None:
    for number, (minor, asset) in enumerate([(10_000, "USD"), (500, "JPY"), (10_000, "USD")]):
        sandbox.open_payment(request(number, minor, asset))
    clock.advance(MINUTE)
    assert sandbox.totals() == {"USD": (20_000, 640, 0), "JPY": (500, 45, 0)}


def test_the_books_outlive_the_object_and_are_private(sandbox: Sandbox, clock: MovingClock) -> None:
    opened = sandbox.open_payment(request())
    assert last(Sandbox(sandbox.path, clock=clock)) == opened
    assert sandbox.path.stat().st_mode & 0o777 == 0o600


def test_a_ledger_given_by_mistake_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE posting (id TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(GatewayError, match="does not hold a sandbox's books"):
        Sandbox(path).open_payment(request())
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(GatewayError, match="does not hold a sandbox's books"):
        last(Sandbox(path))
    assert path.read_text().startswith("Dear Sir")


def test_books_that_cannot_be_made_are_unreachable(tmp_path: Path) -> None:
    with pytest.raises(GatewayUnreachable, match="cannot be used"):
        last(Sandbox(tmp_path / "no" / "such" / "folder.db"))


FIRST_FORMAT = """
CREATE TABLE payment (
    external_id TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL UNIQUE,
    account_ref TEXT NOT NULL,
    description TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    asset TEXT NOT NULL,
    stage TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    due_stage TEXT NOT NULL,
    due_detail TEXT NOT NULL
);
CREATE INDEX payment_due ON payment (due_at) WHERE stage = 'opened';
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL REFERENCES payment,
    stage TEXT NOT NULL,
    fee_minor INTEGER,
    detail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    UNIQUE (external_id, stage)
);
CREATE INDEX event_feed ON event (created_at, number);
PRAGMA application_id = 1396854616;
INSERT INTO payment VALUES
    ('sbx_1', 'pay_1', 'acme', 'deposit to acme', 10000, 'USD', 'settled', {now}, 'settled', ''),
    ('sbx_2', 'pay_2', 'acme', 'deposit to acme', 10000, 'USD', 'opened', {soon}, 'declined', 'no'),
    ('sbx_3', 'pay_3', 'acme', 'deposit to acme', 10000, 'USD', 'opened', {soon}, 'settled', '');
INSERT INTO event VALUES
    (1, 'sbx_1', 'opened', NULL, 'waits for the customer', {now}, {now}),
    (2, 'sbx_2', 'opened', NULL, 'waits for the customer', {now}, {now}),
    (3, 'sbx_1', 'settled', 320, '', {now}, {now}),
    (4, 'sbx_3', 'opened', NULL, 'waits for the customer', {now}, {now});
"""


def test_books_of_the_first_format_go_on_where_they_stood(
    tmp_path: Path, clock: MovingClock
) -> None:
    path = tmp_path / "sandbox.db"
    now = to_micros(clock.now())
    with sqlite3.connect(path) as old:
        old.executescript(FIRST_FORMAT.format(now=now, soon=now + 60_000_000))
    old.close()
    sandbox = Sandbox(path, clock=clock)
    told, cursor = everything(sandbox)
    assert [(fact.object_id, fact.stage, fact.occurrence) for fact in told] == [
        ("sbx_1", "opened", "sbx_1:1"),
        ("sbx_2", "opened", "sbx_2:1"),
        ("sbx_1", "settled", "sbx_1:1"),
        ("sbx_3", "opened", "sbx_3:1"),
    ]
    assert sandbox.totals() == {"USD": (10_000, 320, 0)}
    assert sandbox.open_payment(request(2)) == told[1], "the same request is the same payment"
    clock.advance(MINUTE)
    assert stages(everything(sandbox, cursor)[0][4:]) == [
        ("pay_2", "declined"),
        ("pay_3", "settled"),
    ]
    assert sandbox.refund_outside("sbx_1", 10_000).stage == "refund_pending"


def test_books_of_a_newer_format_are_refused_in_words_and_left_alone(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.open_payment(request())
    with sqlite3.connect(sandbox.path) as books:
        books.execute("PRAGMA user_version = 99")
    books.close()
    before = sandbox.path.read_bytes()
    with pytest.raises(GatewayError, match="written by a newer billdesk"):
        last(sandbox)
    assert sandbox.path.read_bytes() == before


def test_an_upgrade_that_fails_half_way_leaves_the_old_books(
    tmp_path: Path, clock: MovingClock
) -> None:
    path = tmp_path / "sandbox.db"
    with sqlite3.connect(path) as old:
        old.executescript(FIRST_FORMAT.format(now=0, soon=1))
        # In the way of the upgrade's last steps.
        old.execute("CREATE VIEW secret AS SELECT 1")
    old.close()
    before = path.read_bytes()
    with pytest.raises(GatewayUnreachable, match="cannot be used"):
        last(Sandbox(path, clock=clock))
    assert path.read_bytes() == before


# --- processes -----------------------------------------------------------------------------------

OPENER = """
import sys
from datetime import timedelta
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import PaymentRequest
from billdesk.core.values.money import Money

sandbox = Sandbox(sys.argv[1], switches=SandboxSwitches(settles_after=timedelta(0)))
for number in range(int(sys.argv[2])):
    fact = sandbox.open_payment(
        PaymentRequest(f"pay_{number}", Money(10_000, "USD"), "acme", "deposit to acme")
    )
    print(fact.payment_id, fact.object_id, flush=True)
"""


def start(path: Path, payments: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPENER, str(path), str(payments)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_see_one_truth(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    both = [start(path, 40), start(path, 40)]
    answers = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert answers[0] == answers[1], "the same payment for both, whoever came first"
    assert len(answers[0].splitlines()) == 40
    sandbox = Sandbox(path)
    told, _ = everything(sandbox)
    assert len({fact.key for fact in told}) == len(told) == 80
    assert sandbox.totals() == {"USD": (400_000, 12_800, 0)}


REFUNDER = """
import sys
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import RefundRequest
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money

sandbox, external_id = Sandbox(sys.argv[1]), sys.argv[2]
for number in range(30):
    try:
        fact = sandbox.refund(
            RefundRequest(
                f"ref_{number}", "pay_1", external_id, None, Money(500, "USD"), False, ""
            )
        )
        print(fact.object_id, flush=True)
    except GatewayError:
        print("refused", flush=True)
"""


def test_two_processes_send_back_what_was_paid_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    sandbox = Sandbox(path, switches=SandboxSwitches(settles_after=None))
    payment = sandbox.pay(sandbox.open_payment(request()).object_id)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", REFUNDER, str(path), payment.object_id],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert answers[0] == answers[1]
    assert answers[0][20:] == ["refused"] * 10
    pending = [fact for fact in everything(sandbox)[0] if fact.stage == "refund_pending"]
    assert [fact.object_id for fact in pending] == answers[0][:20]


def test_an_acknowledged_payment_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    for pause in (0.0, 0.02, 0.05):
        process = start(path, 100_000)
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().split()]
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [line.split() for line in process.stdout if line.endswith("\n")]
        process.stdout.close()
        assert process.wait(timeout=30) == -signal.SIGKILL
        sandbox = Sandbox(path)
        found = {fact.payment_id: fact.object_id for fact in everything(sandbox)[0]}
        for payment_id, object_id in acknowledged:
            assert found[payment_id] == object_id
        settled = sum(fact.stage == "settled" for fact in everything(sandbox)[0])
        assert sandbox.totals() == {"USD": (10_000 * settled, 320 * settled, 0)}
    with sqlite3.connect(path) as books:
        assert books.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    books.close()


def test_it_runs_on_the_standard_library_where_nothing_newer_is_installed(tmp_path: Path) -> None:
    without = "import sys; sys.modules['pysqlite3'] = None\n"
    finished = subprocess.run(
        [sys.executable, "-c", without + OPENER, str(tmp_path / "sandbox.db"), "1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert finished.stdout.startswith("pay_0 sbx_")
