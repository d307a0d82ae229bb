"""The act on usage: a budget for an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billdesk.screens.acts import NONE, Act, Receipt, Values, amount_or_none_field
from billdesk.screens.figures import amount

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import BudgetSheet


def set_budget(budget: BudgetSheet) -> Act:
    """Say what an account means to spend on usage in a period."""
    asset = budget.spent.asset

    def perform(desk: Desk, values: Values) -> Receipt:
        given = values["amount"]
        after = desk.usage.set_budget(budget.account_ref, None if given == NONE else given)
        lines = (
            ("budget", amount(after.budget)),
            ("spent", amount(after.spent)),
            ("forecast", amount(after.forecast)),
        )
        return Receipt(after.account_ref, lines)

    example = f"100.00 in {asset}"
    return Act(
        title=f"Usage budget of {budget.account_ref}",
        verb="Set",
        account_ref=budget.account_ref,
        perform=perform,
        fields=(amount_or_none_field("amount", "A period", budget.budget, asset, example),),
        facts=(("spent", amount(budget.spent)), ("forecast", amount(budget.forecast))),
    )
