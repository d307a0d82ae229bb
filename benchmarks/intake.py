"""Taking facts in: how long it takes beside bare inserts, and that nothing is lost or applied twice."""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from time import perf_counter

from benchmarks.ledgers import new_ledger
from benchmarks.ratios import Figure, Limit, alone, by_turns, compared
from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.facts.intake import take_in
from billdesk.core.rules.gateway import Event, Fact
from billdesk.core.rules.ledger import Draft, Leg, digest_of
from billdesk.core.store.facts import keep_events, keep_facts
from billdesk.core.store.posting import post_many
from billdesk.core.values.clock import MovingClock, to_micros
from billdesk.core.values.money import Money
from tests.proofs.late_feed import START, LateFeed

PAGE = 100
ACCOUNTS = 200
AMOUNT, FEE = Money(2500, "USD"), Money(103, "USD")
RAW = (
    '{"object": {"status": "complete", "payment_status": "paid"}, "padding": "' + "x" * 1500 + '"}'
)


def ask_for_money(desk: Desk, first: int, payments: int) -> list[Fact]:
    """Open payments written down by the thousand, and the facts that will settle them."""
    now = to_micros(desk.now())
    with desk._office.database.write() as session:
        accounts = [
            row[0] for row in session.all("SELECT id FROM account WHERE ref LIKE 'a%' ORDER BY ref")
        ]
        session.many(
            "INSERT INTO payment (id, account_id, gateway, mode, status, asset, amount_minor, detail,"
            " actor, created_at, changed_at, external_id)"
            " VALUES (?, ?, 'late', 'test', 'pending', 'USD', ?, '', 'bench', ?, ?, ?)",
            [
                (f"pay_{number:026d}", accounts[number % ACCOUNTS], AMOUNT.minor, now, now,
                 f"cs_{number}")
                for number in range(first, first + payments)
            ],
        )  # fmt: skip
    return [
        Fact(
            gateway="late", account="late", mode="test", object_id=f"cs_{number}",
            stage="settled", occurrence=f"ch_{number}", amount=AMOUNT, fee=FEE,
            happened_at=START + timedelta(seconds=number), detail="", raw=RAW,
            payment_id=f"pay_{number:026d}", charge_id=f"ch_{number}",
        )
        for number in range(first, first + payments)
    ]  # fmt: skip


def messages(facts: list[Fact]) -> list[Event]:
    """The messages that facts were read from."""
    return [
        Event(f"evt_{fact.occurrence}", "checkout.session.completed", fact.object_id,
              fact.happened_at, RAW)
        for fact in facts
    ]  # fmt: skip


def drafts_of(desk: Desk, facts: list[Fact]) -> list[Draft]:
    """As many postings as the facts lead to, with other references."""
    now = desk.now()
    drafts = []
    for fact in facts:
        account = f"a{int(fact.object_id[3:]) % ACCOUNTS}"
        legs = (Leg(account, "cash", "USD", AMOUNT.minor, 0, "gateway:late"),)
        deposit = Draft(
            desk._office.ids.make("dep", now), "deposit", "bench", f"s:{fact.object_id}",
            digest_of("deposit", legs), "bench", legs, happened_at=to_micros(fact.happened_at),
            recorded_at=to_micros(now), guarded=False,
        )  # fmt: skip
        fee_legs = (Leg("house", "cash", "USD", -FEE.minor, 0, "gateway:late"),)
        fee = deposit._replace(
            id=desk._office.ids.make("fee", now), kind="fee", reference=f"f:{fact.object_id}",
            legs=fee_legs,
        )  # fmt: skip
        drafts += [deposit, fee]
    return drafts


def facts(*, quick: bool) -> list[Figure]:
    """Keep, dedupe, apply and post, in pages of a hundred."""
    size, rounds = (2_000, 3) if quick else (10_000, 5)
    with (
        tempfile.TemporaryDirectory() as folder,
        new_ledger(Path(folder) / "ours", ACCOUNTS) as desk,
        new_ledger(Path(folder) / "bare", ACCOUNTS) as bare,
    ):
        numbers = count(step=size)

        def ours() -> float:
            told = ask_for_money(desk, next(numbers), size)
            pages = [told[start : start + PAGE] for start in range(0, size, PAGE)]
            heard = [messages(page) for page in pages]
            started = perf_counter()
            credited = sum(
                take_in(desk._office, page, desk.now(), events).deposits
                for page, events in zip(pages, heard, strict=True)
            )
            took = perf_counter() - started
            if credited != size:
                raise AssertionError(f"{credited} of {size} were credited")
            return took

        def floor() -> float:
            told = ask_for_money(bare, next(numbers), size)
            pages = [told[start : start + PAGE] for start in range(0, size, PAGE)]
            heard = [messages(page) for page in pages]
            started = perf_counter()
            for page, events in zip(pages, heard, strict=True):
                drafts = drafts_of(bare, page)
                with bare._office.database.write() as session:
                    keep_facts(session, page, 0)
                    keep_events(session, "late", "test", events, 0)
                    post_many(session, drafts)
            return perf_counter() - started

        # The house's wallet is opened by the first fee: once in the life of a ledger.
        for each in (desk, bare):
            take_in(each._office, ask_for_money(each, 90_000_000, PAGE), each.now())
        measured = by_turns(rounds, ours, floor)
    return [
        compared(
            f"intake of {size:,} facts, pages of {PAGE}",
            "bare inserts of the rows, and the postings", "s", Limit(2, 1.3), measured,
        ),
        *_nothing_lost(1_000 if quick else 10_000),
    ]  # fmt: skip


def _nothing_lost(size: int) -> list[Figure]:
    """Late, doubled and shuffled facts, polled every ten seconds, with restarts at random."""
    clock, chance = MovingClock(START), random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        with new_ledger(path, ACCOUNTS) as desk:
            told = ask_for_money(desk, 0, size)
            before = _balances(desk)
        told = [replace(fact, raw="{}") for fact in told]
        feed = LateFeed(told, clock, chance)
        started = perf_counter()
        polls = feed.run(lambda: open_desk(path, clock=clock, gateways=[feed]))
        with open_desk(path, clock=clock, gateways=[feed]) as desk:
            credited = (_balances(desk) - before) // (AMOUNT.minor - FEE.minor)
            succeeded = desk._office.database.read
            with succeeded() as session:
                [(settled,)] = session.all(
                    "SELECT count(*) FROM payment WHERE status = 'succeeded'"
                )
    what = f"{size:,} facts, late, doubled, shuffled, {polls:,} polls"
    seconds = perf_counter() - started
    return [
        alone(f"… {what}: lost", f"simulated in {seconds:.0f} s", "trips", Limit(0, 0),
              size - settled),
        alone("… applied twice", "by the balances", "trips", Limit(0, 0), credited - settled),
    ]  # fmt: skip


def _balances(desk: Desk) -> int:
    return (
        sum(desk.wallets.balance(f"a{number}").balance.minor for number in range(ACCOUNTS))
        + desk.wallets.balance("house").balance.minor
    )
