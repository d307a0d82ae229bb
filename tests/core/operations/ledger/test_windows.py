"""Windows on the ledger: any page in any order, what is newer, and where an entry stands."""

import threading
from datetime import timedelta

import pytest

from billdesk.core.desk import ChargeRequest, Desk
from billdesk.core.operations.ledger.windows import LedgerView
from billdesk.core.rules.sheets import EntryFilter
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, NotFound, StoreError
from tests.core.operations.conftest import MEMO

CHARGES = 450


@pytest.fixture
def long(desk: Desk, clock: MovingClock, acme: str) -> Desk:
    """450 charges of acme's after its credit, an hour later one of beta's."""
    desk.charges.create_many(
        [
            ChargeRequest(acme, "0.01", f"n:{number}", subject=f"lead number {number}")
            for number in range(CHARGES)
        ]
    )
    clock.advance(timedelta(hours=1))
    desk.accounts.add("beta", name="Beta")
    desk.adjustments.credit("beta", "5", memo=MEMO)
    return desk


def numbers(view: LedgerView, page: int) -> list[int]:
    return [entry.number for entry in view.page(page)]


FILTERS = [
    EntryFilter(),
    EntryFilter(account="acme"),
    EntryFilter(kinds=("charge", "manual_credit")),
    EntryFilter(asset="USD"),
    EntryFilter(text="lead number"),
]


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
def test_counted_pages_can_be_read_in_any_order(long: Desk, wanted: EntryFilter) -> None:
    view = long.ledger.view(wanted)
    total = view.count()
    assert total == view.total == view.at_least
    backwards = [numbers(view, page) for page in (2, 1, 0)]
    everything = [number for page in reversed(backwards) for number in page]
    assert everything == sorted(everything, reverse=True)
    assert len(everything) == total
    assert [len(page) for page in backwards] == [total - 400, 200, 200]
    assert view.page(3) == view.page(1000) == ()


def test_before_it_is_counted_neighbouring_pages_can_be_read(long: Desk) -> None:
    view = long.ledger.view(EntryFilter(account="acme"))
    assert (view.total, view.at_least) == (None, 0)
    with pytest.raises(LookupError, match="page 1 is out of reach"):
        view.page(1)
    first, second = numbers(view, 0), numbers(view, 1)
    assert view.at_least == 400
    assert min(first) > max(second)
    view.count()
    assert (numbers(view, 0), numbers(view, 1)) == (first, second)


def test_a_view_does_not_move_while_others_write_and_says_what_is_newer(long: Desk) -> None:
    for wanted in (EntryFilter(), EntryFilter(account="acme")):
        view = long.ledger.view(wanted)
        view.count()
        before = [numbers(view, page) for page in range(3)]
        assert view.newer() == 0
        long.charges.create("beta", "1", reference=f"beta:{wanted}")
        assert view.newer() == (wanted.account is None)
        long.charges.create("acme", "1", reference=f"acme:{wanted}")
        assert view.newer() == 1 + (wanted.account is None)
        assert [numbers(view, page) for page in range(3)] == before


@pytest.mark.parametrize("wanted", [EntryFilter(), EntryFilter(account="acme")], ids=repr)
def test_an_entry_is_found_again_by_its_row(long: Desk, wanted: EntryFilter) -> None:
    view = long.ledger.view(wanted)
    view.count()
    for page in range(3):
        for row, number in enumerate(numbers(view, page), page * 200):
            if row % 50 == 0:
                assert view.row_of(number) == row
    assert view.row_of(view.top + 1) is None


def test_an_entry_that_is_not_in_the_view_has_no_row(long: Desk) -> None:
    (strange,) = long.ledger.entries("beta").rows
    view = long.ledger.view(EntryFilter(account="acme"))
    assert view.row_of(strange.number - 1) is None
    view.count()
    assert view.row_of(strange.number) is None
    beta = long.ledger.view(EntryFilter(account="beta"))
    beta.count()
    assert beta.row_of(strange.number) == 0
    assert beta.row_of(1) is None


def test_a_filter_that_finds_nothing_has_no_pages(long: Desk, clock: MovingClock) -> None:
    for wanted in (
        EntryFilter(kinds=("deposit",)), EntryFilter(reference="nothing"),
        EntryFilter(text="nothing like it"), EntryFilter(since=clock.now() + timedelta(days=1)),
    ):  # fmt: skip
        view = long.ledger.view(wanted)
        assert view.page(0) == ()
        assert (view.count(), view.page(0)) == (0, ())
        assert view.row_of(1) is None


def test_a_ledger_without_entries_has_no_pages(desk: Desk) -> None:
    view = desk.ledger.view(EntryFilter())
    assert (view.top, view.count(), view.page(0), view.newer()) == (0, 0, (), 0)


def test_a_window_is_asked_for_in_words_it_knows(long: Desk) -> None:
    with pytest.raises(NotFound):
        long.ledger.view(EntryFilter(account="nobody"))
    with pytest.raises(BadInput):
        long.ledger.view(EntryFilter(kinds=("gift",)))
    with pytest.raises(BadInput):
        long.ledger.view(EntryFilter(text="ab"))


def test_a_count_that_takes_too_long_can_be_cancelled(
    long: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is made to count for a minute; cancelled, it stops at once."""
    from billdesk.core.operations.ledger import windows

    slow = {
        "sqlite": "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 1000000000) SELECT count(*) FROM n",
        "postgres": "SELECT count(*), pg_sleep(60)",
    }[long.info.kind]
    started = threading.Event()
    view = long.ledger.view(EntryFilter(account="acme"))

    def for_long(session: Session, *_: object) -> None:
        started.set()
        session.one(slow)

    monkeypatch.setattr(windows, "build_anchors", for_long)
    errors: list[BaseException] = []

    def count() -> None:
        try:
            view.count()
        except StoreError as error:
            errors.append(error)

    counting = threading.Thread(target=count)
    counting.start()
    assert started.wait(10)
    for _ in range(100):
        view.cancel()
        counting.join(0.05)
        if not counting.is_alive():
            break
    (error,) = errors
    assert "the question was cancelled" in str(error)
    view.cancel()
    monkeypatch.undo()
    assert view.count() == CHARGES + 1
