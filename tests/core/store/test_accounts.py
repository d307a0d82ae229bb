"""What the accounts' SQL does where no verb of the desk's leads."""

from __future__ import annotations

from billdesk.core.desk import Desk
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
