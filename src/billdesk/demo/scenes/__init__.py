"""What is special in the demo's ninety days: scenes for every verb, standing and refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from billdesk.demo.scenes import (
    billing,
    business,
    cards,
    money_back,
    month_end,
    trouble,
    word_of_mouth,
)
from billdesk.demo.story import Story

Scene = Callable[[Story], None]


def _quarter(day: int, quarter: int = 2) -> int:
    """The number of a quarter (1 to 4) of a day (from 1)."""
    return (day - 1) * 4 + quarter


SCENES: Mapping[int, tuple[Scene, ...]] = {
    _quarter(1, 1): (business.open_accounts, business.first_money),
    _quarter(2): (trouble.wrong_words,),
    _quarter(4): (trouble.only_looking,),
    _quarter(5): (billing.what_is_sold,),
    _quarter(6): (trouble.same_reference,),
    _quarter(7): (cards.saved,),
    _quarter(8): (billing.subscribed,),
    _quarter(10): (cards.topped_up,),
    _quarter(11): (billing.packs,),
    _quarter(12): (business.holds,),
    _quarter(14, 3): (business.forgotten_hold,),
    _quarter(15): (billing.left,),
    _quarter(17): (word_of_mouth.by_message,),
    _quarter(19): (business.refunds,),
    _quarter(20): (billing.changed,),
    _quarter(23): (business.payments,),
    _quarter(24, 3): (business.unpaid,),
    _quarter(26): (business.by_hand,),
    _quarter(28): (money_back.card_refunds,),
    _quarter(30): (money_back.card_refunds_arrived,),
    _quarter(31): (month_end.first_month,),
    _quarter(33): (trouble.spent,),
    _quarter(36): (cards.stopped,),
    _quarter(38): (cards.tried_again, money_back.contested),
    _quarter(39): (billing.paused,),
    _quarter(40): (billing.usage_billed,),
    _quarter(41): (trouble.frozen,),
    _quarter(42): (money_back.disputes,),
    _quarter(43): (billing.resumed,),
    _quarter(44): (billing.usage_file,),
    _quarter(46): (billing.pack_back,),
    _quarter(48): (trouble.credit_limit,),
    _quarter(52): (money_back.disputes_decided,),
    _quarter(54): (money_back.refund_elsewhere,),
    _quarter(55, 3): (money_back.refund_elsewhere_found,),
    _quarter(57): (trouble.suspended,),
    _quarter(58): (billing.invoiced,),
    _quarter(60, 4): (word_of_mouth.down,),
    _quarter(61, 1): (word_of_mouth.back, month_end.second_month),
    _quarter(65): (trouble.closed,),
    _quarter(70): (billing.usage_billed,),
    _quarter(72): (trouble.debt,),
    _quarter(76): (month_end.too_early,),
    _quarter(80): (business.sealed,),
    _quarter(85): (money_back.contested_again,),
    _quarter(87): (word_of_mouth.waits,),
    _quarter(90, 4): (month_end.third_month, business.unfinished, money_back.on_its_way),
}
"""Which scenes are played in which quarter of a day."""

DOWN = frozenset(range(_quarter(60, 1), _quarter(61, 1)))
"""The quarters in which the gateway does not answer."""
