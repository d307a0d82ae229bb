"""Two runs at once, a run that died, bills in credits and on invoices, and the tick's own run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.usage import rating
from billdesk.core.operations.usage.rating import run_due
from billdesk.core.rules.catalog import Company, TaxRate, Tier, UsageTerms
from billdesk.core.store import usage_runs as store
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import AtWork
from billdesk.core.values.money import Money
from tests.core.operations.metered import METERED, STARTER, sell
from tests.core.operations.rated import months, pay_for, subscribe
from tests.core.operations.usage.test_rating import (
    FEBRUARY,
    FIRST,
    JANUARY,
    MARCH,
    MEMO,
    assert_every_line_is_in_the_books,
    balance,
    customer,
    figures,
    lines,
    use,
)
from tests.new_ledger import seeded

DAY = timedelta(days=1)


class Killed(BaseException):
    """Ends a run as a kill would, but for what Python does on its way out."""


@pytest.fixture
def metered(desk: Desk, acme: str) -> Iterator[Desk]:
    """A desk with meters, whose account acme is on Starter from January."""
    sell(desk)
    subscribe(desk, acme, months(FIRST, 1))
    yield desk
    assert_every_line_is_in_the_books(desk)


@pytest.fixture
def crowd(metered: Desk, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Five customers with use in January, worked through one by one, on the first of February."""
    monkeypatch.setattr(rating, "ACCOUNTS_AT_ONCE", 1)
    for number in range(4):
        customer(metered, f"a{number}")
        use(metered, 1010, JANUARY + DAY, account=f"a{number}")
    use(metered, 1010, JANUARY + DAY)
    clock.move_to(FEBRUARY)
    return metered


def stop_after(accounts: int) -> rating.Progress:
    def tell(done: int, _total: int) -> None:
        if done == accounts:
            raise Killed

    return tell


def run_until_killed(desk: Desk, accounts: int) -> str:
    """Leave a run behind as a process that was killed does: at work, by its row; its id."""
    with pytest.raises(Killed):
        desk.usage_runs.run(on_progress=stop_after(accounts))
    [run] = desk.usage_runs.list(limit=1).rows
    assert (run.status, run.done) == ("stopped", accounts)
    assert run.id is not None
    with desk._office.database.write() as session:
        session.run(
            "UPDATE usage_run SET status = 'running', lease_until = ? WHERE id = ?",
            (store.clock(session) + 20_000_000, run.id),
        )
    return run.id


def lose_lease(desk: Desk) -> None:
    """Let the lease's time pass."""
    with desk._office.database.write() as session:
        session.run("UPDATE usage_run SET lease_until = 1 WHERE status = 'running'")


def test_a_stopped_run_goes_on_where_it_was(crowd: Desk) -> None:
    with pytest.raises(Killed):
        crowd.usage_runs.run(on_progress=stop_after(2))
    [stopped] = crowd.usage_runs.list().rows
    assert (stopped.status, stopped.done, stopped.subscriptions) == ("stopped", 2, 5)
    told: list[tuple[int, int]] = []
    assert stopped.id is not None
    done = crowd.usage_runs.resume(stopped.id, on_progress=lambda *far: told.append(far))
    assert told == [(3, 5), (4, 5), (5, 5)]
    assert (done.status, figures(done)) == ("done", (5, 5, 0, 0))
    assert crowd.usage_runs.resume(stopped.id) == done._replace(replayed=True)
    assert len(lines(crowd, done)) == 5


def test_of_two_runs_at_once_one_works_and_the_other_says_so(crowd: Desk, ledger_url: str) -> None:
    told: list[str] = []

    def meanwhile(done: int, _total: int) -> None:
        if done == 2:
            [first] = crowd.usage_runs.list().rows
            with open_desk(ledger_url, clock=crowd.clock, actor="other", chance=seeded(2)) as other:
                with pytest.raises(AtWork) as refused:
                    other.usage_runs.run()
                told.append(f"{refused.value.message}; {refused.value.hint}")
                with pytest.raises(AtWork) as refused:
                    other.usage_runs.resume(str(first.id))
                told.append(f"{refused.value.message}; {refused.value.hint}")

    run = crowd.usage_runs.run(on_progress=meanwhile)
    assert (run.status, figures(run)) == ("done", (5, 5, 0, 0))
    assert len(crowd.usage_runs.list().rows) == 1
    assert all(f"{run.id} by tester is at work" in each and "seconds" in each for each in told)
    assert len(told) == 2


def test_a_killed_run_is_resumed_when_its_lease_is_over(crowd: Desk) -> None:
    run_id = run_until_killed(crowd, 2)
    with pytest.raises(AtWork):
        crowd.usage_runs.resume(run_id)
    lose_lease(crowd)
    assert figures(crowd.usage_runs.resume(run_id)) == (5, 5, 0, 0)


def test_the_next_run_closes_what_a_killed_one_left_open(crowd: Desk) -> None:
    run_id = run_until_killed(crowd, 2)
    with pytest.raises(AtWork):
        crowd.usage_runs.run()
    lose_lease(crowd)
    assert figures(crowd.usage_runs.run()) == (3, 3, 0, 0)
    assert crowd.usage_runs.get(run_id).status == "stopped"
    assert figures(crowd.usage_runs.resume(run_id)) == (2, 2, 0, 0)


def test_a_lease_that_a_wrong_clock_gave_is_no_lease(crowd: Desk) -> None:
    run_until_killed(crowd, 2)
    with crowd._office.database.write() as session:
        session.run("UPDATE usage_run SET lease_until = lease_until + 3600000000")
    assert figures(crowd.usage_runs.run()) == (3, 3, 0, 0)


def test_a_run_that_was_taken_over_stops_by_itself(crowd: Desk, ledger_url: str) -> None:
    """As one does whose machine slept for an hour."""

    def meanwhile(done: int, _total: int) -> None:
        if done == 2:
            lose_lease(crowd)
            with open_desk(ledger_url, clock=crowd.clock, chance=seeded(2)) as other:
                assert figures(other.usage_runs.run()) == (3, 3, 0, 0)

    with pytest.raises(AtWork, match="taken over"):
        crowd.usage_runs.run(on_progress=meanwhile)
    newest, oldest = crowd.usage_runs.list().rows
    assert (newest.status, oldest.status, oldest.done) == ("done", "stopped", 2)


def test_a_run_that_was_taken_over_at_its_end_does_not_call_itself_done(
    crowd: Desk, ledger_url: str
) -> None:
    def meanwhile(done: int, total: int) -> None:
        if done == total:
            lose_lease(crowd)
            with open_desk(ledger_url, clock=crowd.clock, chance=seeded(2)) as other:
                [run] = other.usage_runs.list().rows
                assert other.usage_runs.resume(str(run.id)).status == "done"

    with pytest.raises(AtWork, match="taken over"):
        crowd.usage_runs.run(on_progress=meanwhile)


def test_a_run_that_ended_meanwhile_is_not_gone_on_with(crowd: Desk) -> None:
    run_id = run_until_killed(crowd, 2)
    lose_lease(crowd)
    with crowd._office.database.read() as session:
        seen = store.find_run(session, run_id)
    assert seen is not None
    crowd.usage_runs.resume(run_id)
    with pytest.raises(AtWork, match="another process"):
        crowd.usage_runs._go_on(seen, None)


def begin_another(session: Session) -> None:
    session.run(
        "INSERT INTO usage_run (id, until, post_to, status, actor, started_at)"
        " VALUES ('urn_other', 0, 'wallet', 'running', 'other', 0)"
    )


def later(act: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """Do something in a thread of its own, which soon waits for a lock; what it raised."""
    raised: list[BaseException] = []

    def work() -> None:
        with pytest.raises(AtWork) as refused:
            act()
        raised.append(refused.value)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    return thread, raised


@pytest.mark.parametrize("ledger_url", ["postgres"], indirect=True)
def test_a_run_that_began_in_the_same_moment_goes_first(crowd: Desk) -> None:
    with crowd._office.database.write() as session:
        store.newest_event(session)  # keeps the one that begins waiting
        begin_another(session)
        thread, raised = later(crowd.usage_runs.run)
    thread.join()
    assert "just begun" in str(raised[0])


@pytest.mark.parametrize("ledger_url", ["postgres"], indirect=True)
def test_a_run_that_began_while_another_was_resumed_goes_first(crowd: Desk) -> None:
    with pytest.raises(Killed):
        crowd.usage_runs.run(on_progress=stop_after(2))
    [stopped] = crowd.usage_runs.list().rows
    with crowd._office.database.write() as session:
        session.one("SELECT 1 FROM usage_run WHERE id = ? FOR UPDATE", (stopped.id,))
        begin_another(session)
        thread, raised = later(lambda: crowd.usage_runs.resume(str(stopped.id)))
    thread.join()
    assert "another process" in str(raised[0])


def test_the_reference_of_a_stopped_run_goes_on_with_it(crowd: Desk) -> None:
    with pytest.raises(Killed):
        crowd.usage_runs.run(reference="january", on_progress=stop_after(3))
    run = crowd.usage_runs.run(reference="january")
    assert (run.replayed, run.done, figures(run)) == (False, 5, (5, 5, 0, 0))


def test_late_use_is_corrected_by_a_resumed_run_too(crowd: Desk, clock: MovingClock) -> None:
    crowd.usage_runs.run()
    for number in range(4):
        use(crowd, 10, JANUARY + DAY, account=f"a{number}")
    with pytest.raises(Killed):
        crowd.usage_runs.run(on_progress=stop_after(2))
    [stopped] = crowd.usage_runs.list(limit=1).rows
    assert stopped.corrections == 1
    assert crowd.usage_runs.resume(str(stopped.id)).corrections == 4
    assert figures(crowd.usage_runs.run()) == (0, 0, 0, 0)


def test_lists_come_in_pages(crowd: Desk) -> None:
    runs = [crowd.usage_runs.run() for _ in range(3)]
    first = crowd.usage_runs.list(limit=2)
    second = crowd.usage_runs.list(after=first.after, limit=2)
    assert [row.id for row in (*first.rows, *second.rows)] == [run.id for run in reversed(runs)]
    assert second.after is None
    page = crowd.usage_runs.lines(str(runs[0].id), limit=4)
    rest = crowd.usage_runs.lines(str(runs[0].id), page.after, limit=4)
    assert [line.account_ref for line in (*page.rows, *rest.rows)] == [
        "acme",
        "a0",
        "a1",
        "a2",
        "a3",
    ]
    assert rest.after is None


def test_previewed_lines_come_in_pages(metered: Desk, clock: MovingClock) -> None:
    for number in range(4):
        customer(metered, f"a{number}")
        use(metered, 1010, JANUARY + DAY, account=f"a{number}")
    clock.move_to(FEBRUARY)
    seen, after = [], None
    while True:
        page = metered.usage_runs.preview_lines(limit=2, after=after)
        seen += [line.account_ref for line in page.rows]
        after = page.after
        if after is None:
            break
    assert seen == ["a0", "a1", "a2", "a3"]


# --- credits -------------------------------------------------------------------------------------

IN_CREDITS = STARTER._replace(
    version=2,
    usage=(
        UsageTerms("calls", Decimal(0), "package", "CREDIT", Decimal(1), Decimal(10)),
        STARTER.usage[1],
    ),
)


@pytest.fixture
def paid_in_credits(metered: Desk) -> Desk:
    """Nine calls are a credit, begun ones too; and transfer in money."""
    sell(metered, METERED._replace(plans={"starter": IN_CREDITS}))
    metered.accounts.add("lead", name="Lead")
    metered.adjustments.credit("lead", "1.00", memo=MEMO)
    subscribe(metered, "lead", months(FIRST, 1, version=2))
    use(metered, 95, JANUARY + DAY, account="lead")
    return metered


@pytest.mark.parametrize("post_to", ["wallet", "invoice"])
def test_terms_in_credits_use_credits_up(
    paid_in_credits: Desk, clock: MovingClock, post_to: str
) -> None:
    desk = paid_in_credits
    desk.credits.grant("lead", 50, memo=MEMO)
    clock.move_to(FEBRUARY)
    run = desk.usage_runs.run(account="lead", post_to=post_to)
    assert (run.totals, run.failed) == ((Money(10, "CREDIT"),), 0)
    [line] = lines(desk, run)
    entries = desk.ledger.entries("lead", kinds=("credit_use",)).rows
    assert [(each.posting_id, each.counterparty) for each in entries] == [
        (line.posting_id, "revenue:usage:calls")
    ]
    assert desk.credits.get("lead").balance == 40


def test_a_bill_is_paid_whole_or_not_at_all(paid_in_credits: Desk, clock: MovingClock) -> None:
    desk = paid_in_credits
    desk.credits.grant("lead", 50, memo=MEMO)
    use(desk, 250, JANUARY + DAY, account="lead", meter="transfer")
    clock.move_to(FEBRUARY)
    assert desk.usage_runs.preview(account="lead").failed == 1
    run = desk.usage_runs.run(account="lead")
    assert figures(run) == (0, 0, 0, 1)
    assert desk.credits.get("lead").balance == 50
    assert [line.seq for line in lines(desk, run)] == [0, 0]
    desk.adjustments.credit("lead", "9.00", memo=MEMO)
    assert figures(desk.usage_runs.run()) == (2, 2, 0, 0)
    assert balance(desk, "lead") == 0


# --- what comes back -----------------------------------------------------------------------------

BY_VOLUME = STARTER._replace(
    version=2,
    usage=(
        UsageTerms(
            "calls",
            Decimal(0),
            "volume",
            "USD",
            tiers=(Tier(Decimal(1000), Decimal("0.05")), Tier(None, Decimal("0.01"))),
        ),
    ),
)


@pytest.fixture
def by_volume(metered: Desk, clock: MovingClock) -> Desk:
    """More than 1,000 calls are so much cheaper each that they cost less than 1,000; 900 were used."""
    sell(
        metered,
        METERED._replace(
            plans={"starter": BY_VOLUME},
            taxes={"vat": TaxRate("vat", "VAT", "Germany", Decimal(19), inclusive=False)},
            company=Company(name="Us", tax_code="vat"),
        ),
    )
    metered.accounts.add("bulk", name="Bulk")
    metered.adjustments.credit("bulk", "100.00", memo=MEMO)
    subscribe(metered, "bulk", months(FIRST, 1, version=2))
    use(metered, 900, JANUARY + DAY, account="bulk")
    clock.move_to(FEBRUARY)
    return metered


def test_late_use_that_makes_all_of_it_cheaper_comes_back_to_the_wallet(by_volume: Desk) -> None:
    assert by_volume.usage_runs.run(account="bulk").totals == (Money(4500, "USD"),)
    use(by_volume, 200, JANUARY + DAY, account="bulk")
    assert by_volume.usage_runs.preview().totals == (Money(-3400, "USD"),)
    run = by_volume.usage_runs.run()
    assert (run.totals, run.corrections) == ((Money(-3400, "USD"),), 1)
    assert balance(by_volume, "bulk") == 10_000 - 1_100


def test_what_comes_back_is_not_kept_from_a_suspended_account(by_volume: Desk) -> None:
    by_volume.usage_runs.run(account="bulk")
    use(by_volume, 200, JANUARY + DAY, account="bulk")
    by_volume.accounts.suspend("bulk", memo=MEMO)
    assert by_volume.usage_runs.run(account="bulk").corrections == 1
    assert balance(by_volume, "bulk") == 10_000 - 1_100


# --- on invoices ---------------------------------------------------------------------------------


def test_an_invoice_has_a_line_for_each_meter_and_month(
    by_volume: Desk, clock: MovingClock
) -> None:
    pay_for(by_volume, "sub_acme", months(FIRST, 2)[1:])
    for day, meter, quantity in (
        (JANUARY, "calls", 1100),
        (JANUARY, "transfer", "50.5"),
        (FEBRUARY, "calls", 10),
        (FEBRUARY, "transfer", "60.1"),
    ):
        use(by_volume, quantity, day + DAY, meter=meter)
    clock.move_to(MARCH)
    run = by_volume.usage_runs.run(account="acme", post_to="invoice")
    assert (run.periods, run.totals, run.failed) == (2, (Money(1054, "USD"),), 0)
    [invoice] = by_volume.invoices.list(account="acme").rows
    assert (invoice.status, invoice.subtotal.minor, invoice.tax.minor) == (
        "open",
        1054,
        190 + 1 + 10,
    )
    told = by_volume.invoices.detail(invoice.id).lines
    assert [(line.text, line.quantity, line.unit) for line in told] == [
        ("Starter, API calls: 100 × 0.10", "1100", "call"),
        ("Starter, Data transfer: 0.5 × 0.05", "50.500", "GB"),
        ("Starter, API calls", "10", "call"),
        ("Starter, Data transfer: 10.1 × 0.05", "60.100", "GB"),
    ]
    assert {line.invoice_id for line in lines(by_volume, run)} == {invoice.id}
    assert {line.posting_id for line in lines(by_volume, run)} == {None}
    assert balance(by_volume) == 10_000
    assert by_volume.usage_runs.run(account="acme", post_to="invoice").lines == 0


def test_months_that_cost_nothing_make_no_invoice(by_volume: Desk) -> None:
    use(by_volume, 10, JANUARY + DAY)
    run = by_volume.usage_runs.run(account="acme", post_to="invoice")
    assert (run.periods, run.lines) == (1, 1)
    assert by_volume.invoices.list().rows == ()


def test_a_correction_is_invoiced_by_the_next_run(by_volume: Desk) -> None:
    use(by_volume, 1100, JANUARY + DAY)
    by_volume.usage_runs.run(account="acme", post_to="invoice")
    use(by_volume, 100, JANUARY + DAY)
    by_volume.usage_runs.run(post_to="invoice")
    newest, _ = by_volume.invoices.list(account="acme").rows
    [line] = by_volume.invoices.detail(newest.id).lines
    assert line.text == "Starter, API calls, late: 200 × 0.10 in all"
    assert newest.subtotal.minor == 1000


def test_less_than_was_invoiced_is_given_back_by_a_credit_note(by_volume: Desk) -> None:
    by_volume.usage_runs.run(account="bulk", post_to="invoice")
    [invoice] = by_volume.invoices.list(account="bulk").rows
    use(by_volume, 200, JANUARY + DAY, account="bulk")
    run = by_volume.usage_runs.run(account="bulk", post_to="invoice")
    [note] = by_volume.credit_notes.list(account="bulk").rows
    assert note.total == Money(3400 + 646, "USD")
    assert lines(by_volume, run)[0].invoice_id == note.id
    assert by_volume.invoices.get(invoice.id).due.minor == (1100 * 119) // 100


def test_a_credit_line_stands_on_an_invoice_that_is_larger(
    by_volume: Desk, clock: MovingClock
) -> None:
    by_volume.usage_runs.run(account="bulk", post_to="invoice")
    pay_for(by_volume, "sub_bulk", months(FIRST, 2, version=2)[1:])
    use(by_volume, 200, JANUARY + DAY, account="bulk")
    use(by_volume, 800, FEBRUARY + DAY, account="bulk")
    clock.move_to(MARCH)
    by_volume.usage_runs.run(account="bulk", post_to="invoice")
    newest, _ = by_volume.invoices.list(account="bulk").rows
    amounts = [line.net.minor for line in by_volume.invoices.detail(newest.id).lines]
    assert amounts == [-3400, 4000]


def test_less_than_the_wallet_paid_comes_back_to_the_wallet(
    by_volume: Desk, clock: MovingClock
) -> None:
    by_volume.usage_runs.run(account="bulk")
    pay_for(by_volume, "sub_bulk", months(FIRST, 2, version=2)[1:])
    use(by_volume, 200, JANUARY + DAY, account="bulk")
    use(by_volume, 100, FEBRUARY + DAY, account="bulk")
    clock.move_to(MARCH)
    run = by_volume.usage_runs.run(account="bulk", post_to="invoice")
    late, closing = lines(by_volume, run)
    assert (late.invoice_id, closing.posting_id) == (None, None)
    [invoice] = by_volume.invoices.list(account="bulk").rows
    assert (closing.invoice_id, invoice.subtotal.minor) == (invoice.id, 500)
    assert balance(by_volume, "bulk") == 10_000 - 1_100


def test_an_invoice_that_is_refused_leaves_its_account_as_it_was(
    by_volume: Desk, clock: MovingClock
) -> None:
    use(by_volume, 1100, JANUARY + DAY)
    sell(by_volume, METERED._replace(company=Company(tax_code="gone")))
    run = by_volume.usage_runs.run(post_to="invoice")
    assert figures(run) == (0, 0, 0, 2)
    assert "'gone'" in lines(by_volume, run)[0].detail
    sell(by_volume, METERED._replace(company=Company()))
    assert figures(by_volume.usage_runs.run(post_to="invoice")) == (2, 2, 0, 0)


# --- by the tick ---------------------------------------------------------------------------------


@pytest.mark.parametrize("post_to", ["wallet", "invoice"])
def test_the_tick_bills_use_once_a_day_where_the_company_wants_it(
    crowd: Desk, clock: MovingClock, post_to: str
) -> None:
    office = crowd._office
    assert run_due(office, crowd.now()) == 0
    sell(crowd, METERED._replace(company=Company(usage_to=post_to)))  # type: ignore[arg-type]  # one of its words
    assert run_due(office, crowd.now()) == 5
    use(crowd, 10, JANUARY + DAY)
    assert run_due(office, crowd.now()) == 0
    clock.advance(DAY)
    assert run_due(office, crowd.now()) == 1
    assert {run.post_to for run in crowd.usage_runs.list().rows} == {post_to}


def test_the_tick_leaves_a_run_at_work_alone_and_goes_on_with_a_dead_one(crowd: Desk) -> None:
    sell(crowd, METERED._replace(company=Company(usage_to="wallet")))
    run_until_killed(crowd, 2)
    assert run_due(crowd._office, crowd.now()) == 0
    lose_lease(crowd)
    assert run_due(crowd._office, crowd.now()) == 3


def test_the_tick_begins_no_run_where_nobody_subscribes(desk: Desk) -> None:
    sell(desk, METERED._replace(company=Company(usage_to="wallet")))
    assert run_due(desk._office, desk.now()) == 0
    assert desk.usage_runs.list().rows == ()


def test_a_meter_that_is_counted_no_more_is_billed_to_its_end(
    metered: Desk, clock: MovingClock
) -> None:
    use(metered, 1010, JANUARY + DAY)
    sell(metered, METERED._replace(meters={}, plans={}))
    clock.move_to(FEBRUARY)
    [line] = lines(metered, metered.usage_runs.run())
    assert (line.unit, line.amount.minor) == ("call", 100)


def test_use_told_while_a_run_works_is_late_for_the_next(crowd: Desk) -> None:
    def meanwhile(done: int, _total: int) -> None:
        if done == 3:
            use(crowd, 100, JANUARY + DAY, account="a0")  # closed already
            use(crowd, 100, JANUARY + DAY, account="a3")  # not yet

    run = crowd.usage_runs.run(on_progress=meanwhile)
    assert run.totals == (Money(5 * 100 + 1000, "USD"),)
    [late] = lines(crowd, crowd.usage_runs.run())
    assert (late.account_ref, late.amount.minor) == ("a0", 1000)


def test_a_year_is_billed_by_the_month(metered: Desk, clock: MovingClock) -> None:
    metered.accounts.add("yearly", name="Yearly")
    metered.adjustments.credit("yearly", "100.00", memo=MEMO)
    subscribe(metered, "yearly", months(FIRST, 1, each=12))
    use(metered, 1010, JANUARY + DAY, account="yearly")
    use(metered, 1010, FEBRUARY + DAY, account="yearly")
    clock.move_to(datetime.fromisoformat("2026-03-15T00:00Z"))
    run = metered.usage_runs.run(account="yearly")
    assert [(line.period_since, line.amount.minor) for line in lines(metered, run)] == [
        (JANUARY, 100),
        (FEBRUARY, 100),
    ]
