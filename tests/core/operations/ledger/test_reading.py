"""Reading back: history by filter and page, balances of the past, standing, the audit log."""

from datetime import UTC, datetime, timedelta

import pytest

from billdesk.core.desk import Desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, InsufficientFunds, NotFound
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO

HOUR = timedelta(hours=1)


@pytest.fixture
def story(desk: Desk, clock: MovingClock, acme: str) -> Desk:
    """Acme: a credit at nine, charges at ten and eleven, a refund at twelve; some EUR; beta: one."""
    desk.accounts.add("beta", name="Beta")
    desk.adjustments.credit("beta", "50", memo="welcome to the desk")
    clock.advance(HOUR)
    charge = desk.charges.create(acme, "10", reference="lead:1", subject="Lead in Düsseldorf")
    clock.advance(HOUR)
    yesterday = clock.now() - timedelta(days=1)
    desk.charges.create(acme, "20", reference="lead:2", memo="100% sure", happened_at=yesterday)
    clock.advance(HOUR)
    desk.refunds.create(charge.id)
    desk.adjustments.credit(acme, "5 EUR", memo=MEMO)
    desk.tick()
    return desk


def kinds(desk: Desk, account: str | None = None, **wanted: object) -> list[str]:
    return [row.kind for row in desk.ledger.entries(account, **wanted).rows]  # type: ignore[arg-type]


# --- history -----------------------------------------------------------------------------------


def test_history_is_the_newest_first(story: Desk) -> None:
    assert kinds(story) == [
        "manual_credit", "refund", "charge", "charge", "manual_credit", "manual_credit",
    ]  # fmt: skip
    assert kinds(story, "beta") == ["manual_credit"]
    assert kinds(story, story.accounts.get("beta").id) == ["manual_credit"]


def test_history_is_filtered_by_kind_asset_reference_and_time(
    story: Desk, clock: MovingClock
) -> None:
    assert kinds(story, kinds=("charge", "refund")) == ["refund", "charge", "charge"]
    assert kinds(story, "acme", kinds=("refund",)) == ["refund"]
    assert kinds(story, asset="EUR") == ["manual_credit"]
    assert kinds(story, reference="lead:2") == ["charge"]
    assert kinds(story, "beta", reference="lead:2") == []
    assert kinds(story, reference="lead:") == []
    start = clock.now() - 3 * HOUR
    assert kinds(story, since=start + HOUR, until=start + 3 * HOUR) == ["charge", "charge"]


@pytest.mark.parametrize("text", ["düssel", "Düsseldorf", "00% su", "ead:1"])
def test_history_is_searched_in_subject_memo_and_reference(story: Desk, text: str) -> None:
    assert len(story.ledger.entries(text=text).rows) == 1


def test_a_search_finds_what_no_tick_has_indexed_yet(story: Desk) -> None:
    story.charges.create("acme", "1", reference="brand-new")
    assert kinds(story, text="brand-n") == ["charge"]


def test_a_long_history_is_read_page_by_page(story: Desk) -> None:
    numbers: list[int] = []
    after = None
    for _ in range(3):
        page = story.ledger.entries(limit=2, after=after)
        numbers += [row.number for row in page.rows]
        after = page.after
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 6
    assert story.ledger.entries(limit=2, after=after).rows == ()


def test_history_is_asked_for_in_words_it_knows(story: Desk) -> None:
    with pytest.raises(BadInput, match="no kind 'gift'"):
        story.ledger.entries(kinds=("gift",))
    with pytest.raises(BadInput, match="XXX"):
        story.ledger.entries(asset="XXX")
    with pytest.raises(BadInput, match="no zone"):
        story.ledger.entries(since=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(BadInput, match="too short"):
        story.ledger.entries(text="ab")
    with pytest.raises(BadInput, match="page of 0"):
        story.ledger.entries(limit=0)
    with pytest.raises(NotFound):
        story.ledger.entries("nobody")
    with pytest.raises(BadInput):
        story.ledger.entries(after="page two")


def test_a_posting_is_read_by_its_id(story: Desk) -> None:
    (entry,) = story.ledger.entries(reference="lead:1").rows
    posting = story.ledger.posting(entry.posting_id)
    assert posting.entries == (entry,)
    with pytest.raises(NotFound, match="chg_x"):
        story.ledger.posting("chg_x")


def test_the_pulse_beats_when_anybody_posts(story: Desk) -> None:
    before = story.ledger.pulse()
    story.charges.create("acme", "1", reference="x")
    assert story.ledger.pulse() == before + 1


# --- balances ----------------------------------------------------------------------------------


def test_a_balance_is_known_as_it_was_recorded_and_as_it_happened(
    story: Desk, clock: MovingClock
) -> None:
    start = clock.now() - 3 * HOUR
    recorded = [
        story.wallets.balance("acme", at=start + hours * HOUR).balance.minor
        for hours in (-1, 0, 1, 2, 3)
    ]
    assert recorded == [0, 10_000, 9000, 7000, 8000]
    happened = story.wallets.balance("acme", effective=start - 20 * HOUR)
    assert (happened.balance, happened.held, happened.available) == (
        Money(-2000, "USD"),
        None,
        None,
    )
    assert story.wallets.balance("acme", "JPY", at=start).balance == Money(0, "JPY")
    assert story.wallets.balance("acme", "JPY", effective=start).balance == Money(0, "JPY")


def test_a_balance_is_asked_for_at_one_time(story: Desk) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    with pytest.raises(BadInput, match="two times"):
        story.wallets.balance("acme", at=now, effective=now)
    with pytest.raises(BadInput, match="no zone"):
        story.wallets.balance("acme", at=datetime(2026, 1, 5))  # noqa: DTZ001
    with pytest.raises(BadInput, match="XXX"):
        story.wallets.balance("acme", "XXX")
    with pytest.raises(NotFound):
        story.wallets.balance("nobody")


def test_a_balance_without_a_wallet_is_nothing(desk: Desk) -> None:
    account = desk.accounts.add("new", name="New")
    sheet = desk.wallets.balance(account.id)
    assert (sheet.account_ref, sheet.balance, sheet.available) == (
        "new", Money(0, "USD"), Money(0, "USD"),
    )  # fmt: skip


# --- the whole ---------------------------------------------------------------------------------


def test_wallets_and_counterparties_sum_up_to_nothing(story: Desk) -> None:
    euros, dollars = story.ledger.trial_balance()
    assert (euros.asset, dollars.asset) == ("EUR", "USD")
    assert dollars.wallets == Money(13_000, "USD")
    assert {party.name: (party.amount.minor, party.entries) for party in dollars.counterparties} == {
        "adjustment": (-15_000, 2), "revenue": (2000, 3),
    }  # fmt: skip
    assert dollars.difference.minor == euros.difference.minor == 0


def test_balances_are_counted_anew_for_all_or_for_one(story: Desk) -> None:
    sheet = story.ledger.recount()
    assert (sheet.ok, sheet.wallets, sheet.entries, sheet.findings) == (True, 3, 6, ())
    assert sheet.unproven
    one = story.ledger.recount("acme")
    assert (one.ok, one.wallets, one.entries) == (True, 2, 5)
    with pytest.raises(NotFound):
        story.ledger.recount("nobody")


# --- standing ----------------------------------------------------------------------------------


def test_a_standing_names_every_reason(desk: Desk, clock: MovingClock, acme: str) -> None:
    assert desk.standing.may_run(acme)
    assert desk.standing.why(acme).reasons == ()
    hold = desk.holds.place(acme, "100", reference="job:1")
    desk.holds.capture(hold.id, "130")
    clock.advance(HOUR)
    desk.wallets.freeze(acme, memo="looks like fraud")
    clock.advance(HOUR)
    desk.accounts.suspend(acme, memo="the owner asked for it")
    sheet = desk.standing.why(acme)
    assert (sheet.may_run, sheet.word) == (False, "SUSPENDED")
    assert [(reason.code, reason.set_by, reason.action) for reason in sheet.reasons] == [
        ("suspended", "tester", "reopen"), ("frozen", "tester", "unfreeze"),
        ("owes", "system", "deposit"), ("spent", "system", "deposit"),
    ]  # fmt: skip
    assert [reason.since for reason in sheet.reasons] == [
        clock.now(), clock.now() - HOUR, clock.now() - 2 * HOUR, clock.now() - 2 * HOUR,
    ]  # fmt: skip


def test_a_service_says_what_it_needs(desk: Desk, acme: str) -> None:
    assert desk.standing.may_run(acme, needs="100")
    assert not desk.standing.may_run(acme, needs="100.01")
    assert desk.standing.why(acme, needs="1 EUR").reasons[0].code == "spent"
    with pytest.raises(NotFound):
        desk.standing.why("nobody")


# --- the audit log -----------------------------------------------------------------------------


def test_the_audit_log_holds_acts_refusals_and_postings(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    clock.advance(HOUR)
    credit = desk.adjustments.credit(acme, "1", memo=MEMO)
    clock.advance(HOUR)
    with pytest.raises(InsufficientFunds):
        desk.charges.create(acme, "102", reference="lead:1")
    rows = desk.audit.list(account=acme).rows
    assert [(row.action, row.outcome, row.posting_id) for row in rows[:2]] == [
        ("charge", "refused", None), ("manual_credit", "done", credit.id),
    ]  # fmt: skip
    assert desk.audit.list(action="charge").rows == rows[:1]
    assert [row.action for row in desk.audit.list(text="Acme Ltd").rows] == ["account.add"]


def test_the_audit_log_is_read_page_by_page_and_nothing_twice(story: Desk) -> None:
    whole = story.audit.list().rows
    read: list[object] = []
    after = None
    while True:
        page = story.audit.list(limit=2, after=after)
        read += page.rows
        after = page.after
        if after is None:
            break
    assert read == list(whole)
    with pytest.raises(NotFound):
        story.audit.list(account="nobody")
    with pytest.raises(BadInput):
        story.audit.list(limit=0)
