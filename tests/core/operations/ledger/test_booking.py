"""Booking: what all verbs share, met where no verb of today goes yet."""

import pytest

from billdesk.core.desk import Desk
from billdesk.core.operations.ledger.booking import book
from billdesk.core.rules.ledger import Draft, Leg, digest_of
from billdesk.core.values.errors import InsufficientFunds, ReferenceReused
from tests.core.operations.conftest import MEMO


def test_a_posting_of_two_accounts_that_one_cannot_pay_leaves_nothing(
    desk: Desk, acme: str
) -> None:
    desk.accounts.add("beta", name="Beta")
    desk.adjustments.credit("beta", "5", memo=MEMO)
    office, now = desk._office, desk.now()
    legs = (
        Leg(acme, "cash", "USD", 1000, 0, "transfer"),
        Leg("beta", "cash", "USD", -1000, 0, "transfer"),
    )
    draft = Draft(
        id=office.ids.make("trf", now),
        kind="transfer",
        scope="caller",
        reference="move:1",
        digest=digest_of("transfer", legs),
        actor="tester",
        legs=legs,
        recorded_at=office.recorded_at(now),
    )
    with desk.transaction():
        with pytest.raises(InsufficientFunds, match=r"10\.00 USD is needed, 5\.00 USD can be used"):
            book(office, draft, now)
        desk.adjustments.credit("beta", "5", memo=MEMO)
    assert desk.ledger.entries(kinds=("transfer",)).rows == ()
    assert book(office, draft, now).balances_after == (11_000, 0)


def test_a_charge_whose_text_was_erased_is_still_replayed(desk: Desk, acme: str) -> None:
    first = desk.charges.create(acme, "1", reference="a", subject="Ann", memo="her lead")
    with desk.transaction() as tx:
        tx.execute(
            "UPDATE posting SET subject = NULL, memo = NULL, salt = NULL WHERE id = ?", (first.id,)
        )
    assert desk.charges.create(acme, "1", reference="a", subject="whoever").id == first.id
    with pytest.raises(ReferenceReused):
        desk.charges.create(acme, "2", reference="a", subject="Ann", memo="her lead")
    sheet = desk.verify()
    assert (sheet.ok, sheet.erased_texts) == (True, 1)
