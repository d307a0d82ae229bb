"""What is special in the demo's ninety days: scenes for every verb, standing and refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from billdesk.demo.scenes import business, trouble
from billdesk.demo.story import Story

Scene = Callable[[Story], None]


def _quarter(day: int, quarter: int = 2) -> int:
    """The number of a quarter (1 to 4) of a day (from 1)."""
    return (day - 1) * 4 + quarter


SCENES: Mapping[int, tuple[Scene, ...]] = {
    _quarter(1, 1): (business.open_accounts, business.first_money),
    _quarter(2): (trouble.wrong_words,),
    _quarter(4): (trouble.only_looking,),
    _quarter(6): (trouble.same_reference,),
    _quarter(12): (business.holds,),
    _quarter(15): (business.forgotten_hold,),
    _quarter(19): (business.refunds,),
    _quarter(23): (business.payments,),
    _quarter(24, 3): (business.unpaid,),
    _quarter(26): (business.by_hand,),
    _quarter(33): (trouble.spent,),
    _quarter(41): (trouble.frozen,),
    _quarter(48): (trouble.credit_limit,),
    _quarter(57): (trouble.suspended,),
    _quarter(65): (trouble.closed,),
    _quarter(72): (trouble.debt,),
    _quarter(80): (business.sealed,),
    _quarter(90, 4): (business.unfinished,),
}
"""Which scenes are played in which quarter of a day."""
