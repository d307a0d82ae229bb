"""Charges: money for something, once per reference, never below the floor."""

import gc
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from billdesk.core.desk import ChargeRequest, Desk
from billdesk.core.rules.sheets import AuditSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    InsufficientFunds,
    NotFound,
    ReferenceReused,
    Refused,
    WalletFrozen,
)
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO


def balance(desk: Desk, asset: str = "USD", ref: str = "acme") -> str:
    return str(desk.wallets.balance(ref, asset).balance)


def refusals(desk: Desk, ref: str = "acme") -> list[AuditSheet]:
    return [line for line in desk.audit.list(account=ref).rows if line.outcome == "refused"]


# --- what a charge does ------------------------------------------------------------------------


def test_a_charge_takes_money_and_says_what_is_left(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    sheet = desk.charges.create(acme, "12.50", reference="lead:1", subject="a lead", memo="north")
    assert (sheet.amount, sheet.balance_after) == (Money(1250, "USD"), Money(8750, "USD"))
    assert (sheet.account_ref, sheet.reference, sheet.replayed) == ("acme", "lead:1", False)
    assert sheet.recorded_at == clock.now()
    assert sheet.id.startswith("chg_")


def test_a_charge_is_kept_with_everything_that_was_said_of_it(desk: Desk, acme: str) -> None:
    happened = datetime(2026, 1, 4, 23, 30, tzinfo=UTC)
    sheet = desk.charges.create(
        acme, "1", reference="lead:2", subject="a lead", memo="north", to="revenue:lead",
        happened_at=happened,
    )  # fmt: skip
    posting = desk.ledger.posting(sheet.id)
    (entry,) = posting.entries
    assert (posting.kind, posting.actor, posting.subject, posting.memo) == (
        "charge", "tester", "a lead", "north",
    )  # fmt: skip
    assert (entry.amount, entry.counterparty) == (Money(-100, "USD"), "revenue:lead")
    assert (posting.happened_at, posting.recorded_at) == (happened, sheet.recorded_at)


def test_an_account_is_charged_by_ref_or_by_id(desk: Desk, acme: str) -> None:
    account_id = desk.accounts.get(acme).id
    desk.charges.create(account_id, "1", reference="lead:3")
    desk.charges.create(acme, "1", reference="lead:4")
    assert balance(desk) == "98.00 USD"


@pytest.mark.parametrize(
    ("asset", "amount", "left"),
    [("JPY", "500", "500 JPY"), ("KWD", "0.001", "999.999 KWD"), ("CREDIT", "1", "999 CREDIT")],
)
def test_every_asset_goes_by_its_own_smallest_unit(
    desk: Desk, acme: str, asset: str, amount: str, left: str
) -> None:
    desk.adjustments.credit(acme, f"1000 {asset}", memo=MEMO)
    sheet = desk.charges.create(acme, f"{amount} {asset}", reference="x")
    assert str(sheet.balance_after) == left
    assert balance(desk) == "100.00 USD"


def test_a_charge_may_use_all_there_is_and_no_more(desk: Desk, acme: str) -> None:
    desk.charges.create(acme, "100.00", reference="all")
    with pytest.raises(InsufficientFunds, match=r"0\.01 USD is needed, 0\.00 USD can be used"):
        desk.charges.create(acme, "0.01", reference="more")


def test_a_credit_limit_lets_a_charge_go_below_zero_and_no_further(desk: Desk, acme: str) -> None:
    desk.wallets.set_floor(acme, "-50.00", memo=MEMO)
    assert desk.charges.create(acme, "150.00", reference="a").balance_after.minor == -5000
    with pytest.raises(InsufficientFunds):
        desk.charges.create(acme, "0.01", reference="b")


def test_without_a_floor_a_wallet_takes_any_charge(desk: Desk, acme: str) -> None:
    desk.wallets.set_floor(acme, None, memo=MEMO)
    assert desk.charges.create(acme, "1000000.00", reference="a").balance_after.minor == -99_990_000


def test_recorded_time_never_runs_backwards_within_a_wallet(
    desk: Desk, acme: str, ledger_url: str, clock: MovingClock
) -> None:
    from billdesk.core.desk import open_desk

    first = desk.charges.create(acme, "1", reference="a")
    late = MovingClock(clock.now() - timedelta(hours=1))
    with open_desk(ledger_url, clock=late) as other:
        second = other.charges.create(acme, "1", reference="b")
    assert second.recorded_at == first.recorded_at


# --- once per reference ------------------------------------------------------------------------


def test_the_same_charge_again_gives_the_first_result(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    first = desk.charges.create(acme, "10", reference="lead:1", subject="s", memo="m")
    desk.charges.create(acme, "5", reference="lead:2")
    clock.advance(timedelta(days=3))
    again = desk.charges.create(acme, Money(1000, "USD"), reference="lead:1", subject="s", memo="m")
    assert again.replayed
    assert (again.id, again.balance_after, again.recorded_at) == (
        first.id, first.balance_after, first.recorded_at,
    )  # fmt: skip
    assert balance(desk) == "85.00 USD"


def test_a_replay_may_name_the_account_by_its_id(desk: Desk, acme: str) -> None:
    first = desk.charges.create(acme, "10", reference="lead:1")
    assert desk.charges.create(desk.accounts.get(acme).id, "10", reference="lead:1").id == first.id
    assert balance(desk) == "90.00 USD"


def test_a_replay_works_when_nothing_is_left_and_the_wallet_is_frozen(
    desk: Desk, acme: str
) -> None:
    first = desk.charges.create(acme, "100", reference="lead:1")
    desk.wallets.freeze(acme, memo=MEMO)
    assert desk.charges.create(acme, "100", reference="lead:1").id == first.id


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "10.01"},
        {"account": "other"},
        {"amount": "10 EUR"},
        {"subject": "another"},
        {"subject": None},
        {"memo": "another"},
        {"to": "revenue:other"},
        {"happened_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_the_same_reference_with_other_content_is_refused(
    desk: Desk, acme: str, other: dict[str, Any]
) -> None:
    desk.accounts.add("other", name="Other")
    desk.adjustments.credit("other", "100", memo=MEMO)
    desk.adjustments.credit(acme, "100 EUR", memo=MEMO)
    content: dict[str, Any] = {"account": acme, "amount": "10", "subject": "s", "memo": "m"}
    desk.charges.create(**content, reference="lead:1")
    with pytest.raises(ReferenceReused, match="lead:1"):
        desk.charges.create(**{**content, **other}, reference="lead:1")
    assert (balance(desk), balance(desk, ref="other")) == ("90.00 USD", "100.00 USD")
    assert balance(desk, "EUR") == "100.00 EUR"


def test_a_refused_attempt_consumes_nothing_and_may_be_tried_again(desk: Desk, acme: str) -> None:
    with pytest.raises(InsufficientFunds):
        desk.charges.create(acme, "150", reference="lead:1")
    desk.adjustments.credit(acme, "50", memo=MEMO)
    assert not desk.charges.create(acme, "150", reference="lead:1").replayed
    assert balance(desk) == "0.00 USD"


def test_a_reference_that_others_take_while_money_is_freed_for_it_is_refused(
    desk: Desk, ledger_url: str, clock: MovingClock, acme: str
) -> None:
    from billdesk.core.desk import open_desk

    desk.accounts.add("beta", name="Beta")
    desk.adjustments.credit("beta", "5", memo=MEMO)
    desk.holds.place(acme, "100", reference="job:1", lasts=timedelta(hours=1))
    clock.advance(timedelta(hours=1))
    inside = threading.Event()

    def others() -> None:
        with open_desk(ledger_url, clock=clock) as other, other.transaction():
            other.charges.create("beta", "5", reference="lead:1")
            inside.set()
            time.sleep(0.5)

    thread = threading.Thread(target=others)
    thread.start()
    assert inside.wait(20)
    with pytest.raises(ReferenceReused):
        desk.charges.create(acme, "5", reference="lead:1")
    thread.join()
    assert (balance(desk), balance(desk, ref="beta")) == ("100.00 USD", "0.00 USD")


# --- refusals ----------------------------------------------------------------------------------


def freeze(desk: Desk) -> None:
    desk.wallets.freeze("acme", memo=MEMO)


def suspend(desk: Desk) -> None:
    desk.accounts.suspend("acme", memo=MEMO)


def close(desk: Desk) -> None:
    desk.adjustments.debit("acme", "100", memo=MEMO)
    desk.accounts.close("acme", memo=MEMO)


@pytest.mark.parametrize(
    ("before", "error", "words"),
    [
        (freeze, WalletFrozen, "frozen"),
        (suspend, AccountClosed, "suspended"),
        (close, AccountClosed, "closed"),
    ],
)
def test_new_business_is_refused_with_its_reason(
    desk: Desk, acme: str, before: Callable[[Desk], None], error: type[Refused], words: str
) -> None:
    before(desk)
    entries = desk.ledger.pulse()
    with pytest.raises(error, match=words):
        desk.charges.create(acme, "1", reference="lead:1")
    assert desk.ledger.pulse() == entries


def test_an_unknown_account_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        desk.charges.create("nobody", "1", reference="lead:1")


def test_a_refusal_is_remembered_with_what_was_asked(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    with pytest.raises(InsufficientFunds):
        desk.charges.create(acme, "150", reference="lead:1")
    (line,) = refusals(desk)
    assert (line.action, line.at, line.actor) == ("charge", clock.now(), "tester")
    assert line.data == {
        "code": "insufficient_funds", "reference": "lead:1", "amount": "-150.00 USD",
    }  # fmt: skip


def test_a_reused_reference_is_remembered_once(desk: Desk, acme: str) -> None:
    desk.charges.create(acme, "1", reference="lead:1")
    with pytest.raises(ReferenceReused):
        desk.charges.create(acme, "2", reference="lead:1")
    assert [line.data["code"] for line in refusals(desk)] == ["reference_reused"]


def test_a_refusal_is_remembered_when_the_caller_rolls_back(desk: Desk, acme: str) -> None:
    def one_too_many() -> None:
        with desk.transaction():
            desk.charges.create(acme, "1", reference="lead:1")
            desk.charges.create(acme, "150", reference="lead:2")

    with pytest.raises(InsufficientFunds):
        one_too_many()
    assert balance(desk) == "100.00 USD"
    assert [line.data["reference"] for line in refusals(desk)] == ["lead:2"]


def test_a_refusal_is_remembered_when_the_caller_carries_on(desk: Desk, acme: str) -> None:
    with desk.transaction():
        with pytest.raises(InsufficientFunds):
            desk.charges.create(acme, "150", reference="lead:2")
        desk.charges.create(acme, "1", reference="lead:1")
    assert balance(desk) == "99.00 USD"
    assert len(refusals(desk)) == 1


def test_a_rehearsal_leaves_no_trace_not_even_of_a_refusal(desk: Desk, acme: str) -> None:
    before = desk.audit.list().rows
    with desk.rehearsal():
        assert desk.charges.create(acme, "10", reference="lead:1").balance_after.minor == 9000
        with pytest.raises(InsufficientFunds):
            desk.charges.create(acme, "150", reference="lead:2")
    assert desk.audit.list().rows == before
    assert balance(desk) == "100.00 USD"


# --- many at once ------------------------------------------------------------------------------


def request(reference: str, amount: str = "10", account: str = "acme") -> ChargeRequest:
    return ChargeRequest(account, amount, reference)


def test_many_charges_go_in_together_in_their_order(desk: Desk, acme: str) -> None:
    desk.accounts.add("beta", name="Beta")
    desk.adjustments.credit("beta", "20", memo=MEMO)
    sheets = desk.charges.create_many(
        [request("a"), request("b", "5", "beta"), request("c"), request("d", "15", "beta")]
    )
    assert [str(sheet.balance_after) for sheet in sheets] == [
        "90.00 USD", "15.00 USD", "80.00 USD", "0.00 USD",
    ]  # fmt: skip
    assert [sheet.reference for sheet in sheets] == ["a", "b", "c", "d"]
    assert not any(sheet.replayed for sheet in sheets)


@pytest.mark.parametrize("enabled", [True, False])
def test_many_charges_leave_the_garbage_collector_as_it_was(
    desk: Desk, acme: str, *, enabled: bool
) -> None:
    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        desk.charges.create_many([ChargeRequest(acme, "1", "a"), ChargeRequest(acme, "2", "b")])
        assert gc.isenabled() == enabled
        with pytest.raises(InsufficientFunds):
            desk.charges.create_many([ChargeRequest(acme, "100000", "c")])
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


def test_many_charges_of_nothing_do_nothing(desk: Desk) -> None:
    assert desk.charges.create_many([]) == ()


def test_too_many_charges_at_once_are_refused(desk: Desk) -> None:
    with pytest.raises(BadInput, match="100001 charges"):
        desk.charges.create_many([request("a")] * 100_001)


def test_many_charges_are_all_or_nothing_and_the_first_refusal_has_a_place(
    desk: Desk, acme: str
) -> None:
    with pytest.raises(InsufficientFunds, match=r"charge 3 of 4: .*40\.00 USD"):
        desk.charges.create_many(
            [request("a", "30"), request("b", "30"), request("c", "50"), request("d", "1")]
        )
    assert balance(desk) == "100.00 USD"
    assert [line.data["reference"] for line in refusals(desk)] == ["c"]
    desk.charges.create_many([request("a", "30"), request("c", "50")])
    assert balance(desk) == "20.00 USD"


def test_what_cannot_be_read_among_many_has_a_place_too(desk: Desk, acme: str) -> None:
    with pytest.raises(BadInput, match=r"charge 2 of 3: '1e3' is not an amount"):
        desk.charges.create_many([request("a"), request("b", "1e3"), request("c", "-5")])
    assert balance(desk) == "100.00 USD"


def test_replays_among_many_give_their_first_results(desk: Desk, acme: str) -> None:
    first = desk.charges.create(acme, "10", reference="b")
    sheets = desk.charges.create_many([request("a"), request("b"), request("a")])
    assert [sheet.replayed for sheet in sheets] == [False, True, True]
    assert sheets[1].id == first.id
    assert sheets[2].id == sheets[0].id
    assert balance(desk) == "80.00 USD"


def test_many_charges_with_a_reference_reused_are_refused_whole(desk: Desk, acme: str) -> None:
    desk.charges.create(acme, "10", reference="b")
    with pytest.raises(ReferenceReused, match="charge 2 of 2"):
        desk.charges.create_many([request("a"), request("b", "11")])
    assert balance(desk) == "90.00 USD"


def test_many_charges_open_wallets_and_free_overdue_holds_where_needed(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    desk.holds.place(acme, "95", reference="h", lasts=timedelta(hours=1))
    clock.advance(timedelta(hours=2))
    desk.charges.create_many([request("a"), request("b")])
    assert balance(desk) == "80.00 USD"


# --- hostile input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "amount",
    [
        "1e3", "-5", "+5", "12.345", "١٢", "\uff11\uff12", "9e99", "NaN", "inf", "0", "0.00", "", " ",
        "1,000",
        "1_000", "0x10", "1.", ".5", "5  USD", "5 USD ", "5 usd", "5 XXX", "5 ", " 5",
        "9223372036854775808", "92233720368547758.08", "1\n", "1\x00", "\ud800", "5 USD EUR",
        1.5, 5, True, None, Decimal(5), b"5",
        Money(0, "USD"), Money(-1, "USD"),
        Money(2**63, "USD"), Money(1, "XXX"), Money(1.5, "USD"),  # type: ignore[arg-type]
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_amount_is_refused(desk: Desk, acme: str, amount: object) -> None:
    with pytest.raises(BadInput):
        desk.charges.create(acme, cast("str", amount), reference="lead:1")
    assert balance(desk) == "100.00 USD"


def test_the_largest_amount_is_an_amount(desk: Desk, acme: str) -> None:
    with pytest.raises(InsufficientFunds):
        desk.charges.create(acme, Money(2**63 - 1, "USD"), reference="lead:1")


def test_a_balance_that_would_not_fit_is_refused_by_name(desk: Desk, acme: str) -> None:
    with pytest.raises(BadInput, match="would not fit 64 bits"):
        desk.adjustments.credit(acme, Money(2**63 - 1, "USD"), memo=MEMO)
    assert balance(desk) == "100.00 USD"


@pytest.mark.parametrize(
    "reference",
    ["", " a", "a ", "a\n", "a\x00b", "é", "\u202ea", "a" * 201, "\ud800", "a\x1b[2J"],
    ids=ascii,
)
def test_what_is_no_reference_is_refused(desk: Desk, acme: str, reference: str) -> None:
    with pytest.raises(BadInput):
        desk.charges.create(acme, "1", reference=reference)
    with pytest.raises(BadInput):
        desk.charges.create(acme, "1", reference="r", to=reference)
    assert balance(desk) == "100.00 USD"


@pytest.mark.parametrize("text", ["a\x00b", "half \ud800", "x" * 501], ids=ascii)
def test_text_that_no_database_can_keep_is_refused(desk: Desk, acme: str, text: str) -> None:
    with pytest.raises(BadInput, match="subject"):
        desk.charges.create(acme, "1", reference="r", subject=text)
    with pytest.raises(BadInput, match="memo"):
        desk.charges.create(acme, "1", reference="r", memo=text)
    assert balance(desk) == "100.00 USD"


@pytest.mark.parametrize(
    "text",
    [
        "[bold]x[/]",
        "\x1b[31mred\x1b[0m",
        "\u202eabc",
        "'; DROP TABLE entry; --",
        "💸" * 50,
        "%s ? {}",
    ],
    ids=ascii,
)
def test_other_text_is_kept_as_it_was_given(desk: Desk, acme: str, text: str) -> None:
    sheet = desk.charges.create(acme, "1", reference="r", subject=text, memo=text)
    posting = desk.ledger.posting(sheet.id)
    assert (posting.subject, posting.memo) == (text, text)
    assert desk.charges.create(acme, "1", reference="r", subject=text, memo=text).replayed


@pytest.mark.parametrize("ref", ["", "a\x00b", "\ud800", "\u202e", "acc_", "x" * 10_000], ids=ascii)
def test_a_ref_that_cannot_be_is_not_found(desk: Desk, acme: str, ref: str) -> None:
    with pytest.raises((NotFound, BadInput)):
        desk.charges.create(ref, "1", reference="r")


def test_a_time_without_a_zone_is_refused(desk: Desk, acme: str) -> None:
    with pytest.raises(BadInput, match="no zone"):
        desk.charges.create(acme, "1", reference="r", happened_at=datetime(2026, 1, 1))  # noqa: DTZ001
