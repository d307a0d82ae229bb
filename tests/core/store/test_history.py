"""History by key: every filter, every page and every past balance as a naive reading has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import EntryFilter, EntrySheet
from billdesk.core.store import history
from billdesk.core.values.clock import MovingClock, to_micros
from tests.new_ledger import START

MINUTE = timedelta(minutes=1)
REFS = ("acme", "zoe", "bob")


@pytest.fixture
def busy(desk: Desk, clock: MovingClock) -> Desk:
    """Sixty postings on several wallets of three accounts, some at one instant, some told late."""
    chance = Random(7)
    for ref in REFS:
        desk.accounts.add(ref, name=ref.title())
        desk.adjustments.credit(ref, "1000.00", memo="opening balance")
        desk.adjustments.credit(ref, "1000 CREDIT", memo="a promotional grant")
    for number in range(54):
        clock.advance(MINUTE * chance.randrange(3))
        amount = chance.choice(["1.00", "2.50", "7 CREDIT"])
        happened = clock.now() - MINUTE * chance.randrange(5) if chance.random() < 0.5 else None
        ref = chance.choice(REFS)
        desk.charges.create(
            ref,
            amount,
            reference=f"job:{number}",
            subject=chance.choice([None, "roof", "tiles"]),
            happened_at=happened,
        )
    return desk


def all_pages(desk: Desk, limit: int, wanted: EntryFilter) -> Iterator[EntrySheet]:
    """Every entry of a filter, page by page."""
    after = None
    while True:
        page = desk.ledger.entries(
            wanted.account,
            kinds=wanted.kinds,
            since=wanted.since,
            until=wanted.until,
            reference=wanted.reference,
            text=wanted.text,
            asset=wanted.asset,
            after=after,
            limit=limit,
        )
        yield from page.rows
        after = page.after
        if after is None:
            return


def holds(wanted: EntryFilter, entry: EntrySheet) -> bool:
    """Whether an entry belongs to a filter, read naively."""
    words = f"{entry.subject} {entry.memo} {entry.reference}".lower()
    tests: list[tuple[object, Callable[[], bool]]] = [
        (wanted.account, lambda: entry.account_ref == wanted.account),
        (wanted.kinds, lambda: entry.kind in wanted.kinds),
        (wanted.since, lambda: wanted.since is not None and entry.recorded_at >= wanted.since),
        (wanted.until, lambda: wanted.until is not None and entry.recorded_at < wanted.until),
        (wanted.reference, lambda: entry.reference == wanted.reference),
        (wanted.text, lambda: (wanted.text or "").lower() in words),
        (wanted.asset, lambda: entry.amount.asset == wanted.asset),
    ]
    return all(test() for given_value, test in tests if given_value)


filters = st.builds(
    EntryFilter,
    account=st.sampled_from([None, *REFS]),
    kinds=st.sampled_from([(), ("charge",), ("charge", "manual_credit"), ("refund",)]),
    since=st.none() | st.integers(0, 60).map(lambda minutes: START + MINUTE * minutes),
    until=st.none() | st.integers(0, 60).map(lambda minutes: START + MINUTE * minutes),
    reference=st.sampled_from([None, None, None, "job:7", "job:999"]),
    text=st.sampled_from([None, None, "roof", "JOB:1", "grant", "nowhere"]),
    asset=st.sampled_from([None, None, "USD", "CREDIT", "EUR"]),
)
same_ledger = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_every_filter_finds_what_a_naive_reading_finds(busy: Desk) -> None:
    everything = busy.ledger.entries(limit=10_000).rows
    assert len(everything) == 60

    @same_ledger
    @given(filters, st.sampled_from([1, 7, 60, 200]))
    def check(wanted: EntryFilter, limit: int) -> None:
        expected = [entry for entry in everything if holds(wanted, entry)]
        assert list(all_pages(busy, limit, wanted)) == expected
        view = busy.ledger.view(wanted)
        assert view.count() == len(expected)
        assert list(view.page(0)) == expected

    check()


def test_every_past_balance_is_what_the_entries_say(busy: Desk, clock: MovingClock) -> None:
    everything = list(reversed(busy.ledger.entries(limit=10_000).rows))
    moments = sorted({entry.recorded_at for entry in everything})
    for wallet, entries in groupby(
        sorted(everything, key=lambda entry: entry.wallet_id), key=lambda entry: entry.wallet_id
    ):
        mine = list(entries)
        ref, asset = mine[0].account_ref, mine[0].amount.asset
        assert len({entry.wallet_id for entry in mine}) == 1, wallet
        for moment in [START - MINUTE, *moments, clock.now() + MINUTE]:
            for instant in (moment, moment - timedelta(microseconds=1)):
                recorded = sum(e.amount.minor for e in mine if e.recorded_at <= instant)
                happened = sum(e.amount.minor for e in mine if e.happened_at <= instant)
                at = busy.wallets.balance(ref, asset, at=instant)
                effective = busy.wallets.balance(ref, asset, effective=instant)
                assert at.balance.minor == recorded
                assert effective.balance.minor == happened
                assert (at.available, at.held) == (None, None)


def test_the_first_number_of_a_moment_is_found_by_bisection(busy: Desk) -> None:
    everything = list(reversed(busy.ledger.entries(limit=10_000).rows))

    def naive(instant: datetime) -> int:
        later = [entry.number for entry in everything if entry.recorded_at >= instant]
        return min(later, default=everything[-1].number + 1)

    with busy._office.database.read() as session:
        for entry in everything:
            for instant in (entry.recorded_at, entry.recorded_at + timedelta(microseconds=1)):
                assert history.first_number_at(session, to_micros(instant)) == naive(instant)


def test_an_account_without_wallets_has_no_history(desk: Desk) -> None:
    desk.accounts.add("acme", name="Acme")
    for wanted in (
        EntryFilter(account="acme"),
        EntryFilter(account="acme", reference="x"),
        EntryFilter(account="acme", text="nothing"),
        EntryFilter(),
    ):
        assert list(all_pages(desk, 10, wanted)) == []
        assert desk.ledger.view(wanted).count() == 0
    assert desk.wallets.balance("acme", at=START).balance.minor == 0
