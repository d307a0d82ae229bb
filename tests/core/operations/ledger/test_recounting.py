"""A wrong balance is told by the first tick of a day, and on the overview until it is right."""

from datetime import timedelta

from billdesk.core.desk import Desk
from billdesk.core.values.clock import MovingClock

DAY = timedelta(days=1)


def add_to_balances(desk: Desk, minor: int) -> None:
    """What nobody should do: change what is stored, past the ledger."""
    with desk.transaction() as tx:
        tx.execute(f"UPDATE wallet SET balance_minor = balance_minor + {minor}")


def wrong_balances(desk: Desk) -> list[str]:
    """What the overview says of them."""
    return [each.title for each in desk.overview().attention if "wrong" in each.title]


def test_balances_are_counted_anew_at_the_first_tick_of_a_day(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    assert desk.tick().errors == ()
    add_to_balances(desk, 100)
    clock.advance(timedelta(hours=12))
    assert desk.tick().errors == ()
    assert wrong_balances(desk) == []
    clock.advance(timedelta(hours=3))  # past midnight
    (told,) = desk.tick().errors
    assert told == "acme: the stored balance is 101.00 USD, its entries sum to 100.00 USD"
    assert desk.tick().errors == ()
    assert [line.summary for line in desk.audit.list(action="ledger.recount").rows] == [told]
    clock.advance(DAY)
    assert desk.tick().errors == (told,)
    add_to_balances(desk, -100)


def test_what_was_found_wrong_needs_a_person_until_it_is_right(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    desk.accounts.add("beta", name="Beta")
    desk.adjustments.credit("beta", "100.00", memo="so that there are two")
    add_to_balances(desk, 100)
    desk.tick()
    worst = desk.overview().attention[0]
    assert (worst.severity, worst.title, worst.screen) == (
        "problem", "2 stored balances are wrong", "health",
    )  # fmt: skip
    with desk.transaction() as tx:
        tx.execute(
            "UPDATE wallet SET balance_minor = balance_minor - 100 WHERE account_id ="
            " (SELECT id FROM account WHERE ref = 'beta')"
        )
    assert wrong_balances(desk) == ["a stored balance is wrong"]
    with desk.transaction() as tx:
        tx.execute(
            "UPDATE wallet SET balance_minor = balance_minor - 100 WHERE account_id <>"
            " (SELECT id FROM account WHERE ref = 'beta')"
        )
    assert wrong_balances(desk) == []
    clock.advance(DAY)
    assert desk.tick().errors == ()
