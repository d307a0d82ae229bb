"""What the accounts' SQL does where no verb of the desk's leads."""

from __future__ import annotations

from typing import Any

from billdesk.core.desk import Desk, open_desk
from billdesk.core.store.accounts import lift_freezes, like_anywhere


def test_lifting_what_is_not_frozen_changes_nothing(desk: Desk) -> None:
    desk.accounts.add("acme", name="Acme")
    desk.wallets.freeze("acme", memo="a dispute is open", cause="dispute")
    with desk._office.database.write() as session:
        lifted = lift_freezes(
            session, wallet_number=1, cause="operator", memo="no", lifted_by="mira", at=1
        )
    assert lifted == 0
    (wallet,) = desk.wallets.list("acme")
    assert wallet.freezes == 1


def test_signs_of_a_pattern_stand_for_themselves() -> None:
    assert like_anywhere("50%_\\") == "%50\\%\\_\\\\%"


def test_a_balance_is_one_look_up_by_keys(sqlite_url: str) -> None:
    """However many accounts, wallets and holds there are."""
    asked: list[str] = []
    with open_desk(sqlite_url) as desk:
        desk.accounts.add("acme", name="Acme")
        desk.adjustments.credit("acme", "10.00", memo="welcome to the desk")
        database: Any = desk._office.database
        with database.read() as session:
            session.connection.set_trace_callback(asked.append)
        desk.wallets.balance("acme")
        with database.read() as session:
            session.connection.set_trace_callback(None)
            (question,) = asked
            steps = [step for *_, step in session.all(f"EXPLAIN QUERY PLAN {question}")]
    assert [step.partition(" ")[0] for step in steps] == ["SEARCH", "SEARCH"]
