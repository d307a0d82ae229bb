"""Killed at every boundary of a call to a gateway: exactly one effect in the end, in both books."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.ids import IdMaker
from billdesk.core.values.money import Money
from tests.proofs.conftest import HERE
from tests.proofs.late_feed import START, LateFeed

BOUNDARIES = ("after the intent", "after the effect", "after the reply")


@pytest.fixture
def books(tmp_path: Path) -> Sandbox:
    """The gateway's own books, which know nothing of the ledger."""
    return Sandbox(
        tmp_path / "books", switches=SandboxSwitches(settles_after=None, refund_takes=timedelta(0))
    )


@pytest.fixture
def till(ledger_url: str, books: Sandbox) -> Iterator[Desk]:
    """A desk on the same ledger and books as the workers, by the machine's clock."""
    with open_desk(ledger_url, gateways=[books]) as desk:
        desk.accounts.add("acme", name="Acme", email="acme@example.com")
        yield desk
        assert desk.verify().findings == ()


def killed(url: str, books: Sandbox, boundary: str, act: str, *arguments: str) -> None:
    """Run the worker until it kills itself."""
    done = subprocess.run(
        [
            sys.executable,
            HERE / "gateway_worker.py",
            url,
            str(books.path),
            boundary,
            act,
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def settle(desk: Desk) -> None:
    """Poll as an operator would, until nothing is owed an answer that could be had now."""
    for _ in range(3):
        with desk._office.database.write() as session:
            session.run("UPDATE payment SET asked_at = 0, changed_at = 0 WHERE status = 'pending'")
            session.run("UPDATE card_refund SET asked_at = 0 WHERE status = 'pending'")
        desk.gateways.poll()


def agree(desk: Desk, books: Sandbox) -> None:
    """The ledger's clearing of the gateway is what the gateway's own books say."""
    clearing = {
        sheet.asset: party.amount.minor
        for sheet in desk.ledger.trial_balance()
        for party in sheet.counterparties
        if party.name == "gateway:sandbox"
    }
    theirs = {
        asset: fees_minor + back_minor - paid_minor
        for asset, (paid_minor, fees_minor, back_minor) in books.totals().items()
    }
    assert {asset: minor for asset, minor in theirs.items() if minor} == clearing


def paid(desk: Desk, books: Sandbox) -> str:
    """A payment of 25.00 USD that is credited; its id."""
    payment = desk.deposits.start("acme", "25")
    books.pay(payment.external_id or "")
    desk.gateways.poll()
    return payment.id


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_deposit_killed_at_any_boundary_is_one_payment(
    till: Desk, ledger_url: str, books: Sandbox, boundary: str
) -> None:
    payment_id = IdMaker().make("pay", till.now())
    killed(ledger_url, books, boundary, "deposit", "acme", payment_id)
    till.deposits.start("acme", "25", id=payment_id)
    payment = till.payments.get(payment_id)
    books.pay(payment.external_id or "")
    settle(till)
    assert [each.id for each in till.payments.list().rows] == [payment_id]
    assert till.wallets.balance("acme").balance == Money(2500, "USD")
    agree(till, books)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_deposit_that_nobody_starts_again_is_healed_by_the_next_poll(
    till: Desk, ledger_url: str, books: Sandbox, boundary: str
) -> None:
    payment_id = IdMaker().make("pay", till.now())
    killed(ledger_url, books, boundary, "deposit", "acme", payment_id)
    settle(till)
    payment = till.payments.get(payment_id)
    assert payment.pay_url is not None
    books.pay(payment.external_id or "")
    settle(till)
    assert till.wallets.balance("acme").balance == Money(2500, "USD")
    agree(till, books)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_refund_killed_at_any_boundary_goes_back_once(
    till: Desk, ledger_url: str, books: Sandbox, boundary: str
) -> None:
    payment_id = paid(till, books)
    refund_id = IdMaker().make("rfd", till.now())
    killed(ledger_url, books, boundary, "refund", payment_id, refund_id)
    for _ in range(40):
        settle(till)
        if till.card_refunds.get(refund_id).status == "succeeded":
            break
    assert [each.id for each in till.card_refunds.list().rows] == [refund_id]
    assert till.wallets.balance("acme").balance == Money(1500, "USD")
    assert books.totals()["USD"][2] == 1000
    agree(till, books)


@pytest.mark.parametrize("boundary", ["before the facts", "between facts and cursor"])
def test_a_poll_killed_between_facts_and_cursor_is_read_again_and_credits_once(
    till: Desk, ledger_url: str, books: Sandbox, boundary: str
) -> None:
    payment = till.deposits.start("acme", "25")
    books.pay(payment.external_id or "")
    killed(ledger_url, books, boundary, "poll")
    settle(till)
    assert till.wallets.balance("acme").balance == Money(2500, "USD")
    agree(till, books)


# --- late, twice, shuffled, restarted ------------------------------------------------------------


@pytest.mark.parametrize("size", [150, pytest.param(10_000, marks=pytest.mark.soak)])
def test_of_facts_that_come_late_twice_and_shuffled_none_is_lost_and_none_applied_twice(
    ledger_url: str, size: int
) -> None:
    clock = MovingClock(START)
    with open_desk(ledger_url, clock=clock) as desk:
        desk.accounts.add("acme", name="Acme")
        payments = [desk.deposits.start("acme", "25", gateway="sandbox") for _ in range(size)]
    feed = LateFeed([], clock, random.Random(size))
    feed.tell(
        [
            replace(
                settled(feed, place),
                payment_id=payment.id,
            )
            for place, payment in enumerate(payments)
        ]
    )
    with open_desk(ledger_url, gateways=[feed]) as desk, desk._office.database.write() as session:
        session.run("UPDATE payment SET gateway = 'late'")
    feed.run(lambda: open_desk(ledger_url, clock=clock, gateways=[feed]))
    with open_desk(ledger_url, clock=clock, gateways=[feed]) as desk:
        assert desk.payments.list(status="succeeded", limit=1).rows
        assert desk.wallets.balance("acme").balance == Money(2500 * size, "USD")
        assert desk.facts.list(state="waiting").rows == ()
        assert desk.verify().findings == ()


def settled(feed: LateFeed, place: int) -> Fact:
    """The fact that settles a payment of 25.00 USD, one every two seconds."""
    return feed.fact(
        "settled", f"cs_{place}", Money(2500, "USD"), occurrence=f"ch_{place}",
        happened_at=START + timedelta(seconds=2 * place), charge_id=f"ch_{place}",
    )  # fmt: skip
