"""The acts on what an account has saved to pay with, and on what is done when its wallet runs low."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billdesk.core.values.money import read_amount
from billdesk.screens.acts import (
    NONE,
    Act,
    Field,
    Receipt,
    Values,
    amount_or_none_field,
    as_typed,
    choice_field,
)
from billdesk.screens.figures import NOTHING, amount, mode_in_words
from billdesk.screens.task import Outcome, Task

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import MethodSheet, WatchSheet
    from billdesk.core.values.money import Money
    from billdesk.screens.progress import Report


def remove(method: MethodSheet) -> Act:
    """Remove a saved method at its gateway, then here."""

    def perform(desk: Desk, _: Values) -> Receipt:
        gone = desk.methods.remove(method.id)
        return Receipt(gone.id, (("removed", f"{gone.label} at {gone.gateway}"),))

    return Act(
        title=f"Remove {method.label} of {method.account_ref}",
        verb="Remove",
        account_ref=method.account_ref,
        perform=perform,
        facts=(
            ("method", method.id),
            ("gateway", f"{method.gateway}, {mode_in_words(method.mode)}"),
            ("role", method.role or NOTHING),
        ),
        typed=lambda _: method.label.split()[-1],
        rehearsable=False,
        foreseen=lambda _: "It is removed at the gateway, too, and can only be saved anew.",
        remote=True,
    )


def alert(watch: WatchSheet) -> Act:
    """Have it told, once per dip, when less than so much is left."""

    def perform(desk: Desk, values: Values) -> Receipt:
        given = values["below"]
        below = None if given == NONE else given
        after = desk.watches.set_alert(watch.account_ref, below, watch.asset)
        return Receipt(watch.account_ref, (("told below", amount(after.alert_below)),))

    return Act(
        title=f"Alert of {watch.account_ref}, {watch.asset}",
        verb="Set",
        account_ref=watch.account_ref,
        perform=perform,
        fields=(_limit_field("below", "Told below", watch.alert_below, watch.asset),),
    )


def topup(watch: WatchSheet) -> Act:
    """Have money taken from the default method when less than so much is left."""

    def perform(desk: Desk, values: Values) -> Receipt:
        daily = values["daily"]
        after = desk.watches.set_topup(
            watch.account_ref,
            below=values["below"],
            amount=values["amount"],
            daily=None if daily == NONE else daily,
        )
        lines = (
            ("takes", amount(after.topup_amount)),
            ("below", amount(after.topup_below)),
            ("a day", amount(after.topup_daily)),
        )
        return Receipt(watch.account_ref, lines)

    asset = watch.asset
    return Act(
        title=f"Top-up of {watch.account_ref}, {asset}",
        verb="Set",
        account_ref=watch.account_ref,
        perform=perform,
        fields=(
            _money_field("below", "When below", watch.topup_below, asset),
            _money_field("amount", "Take", watch.topup_amount, asset),
            _limit_field("daily", "A day", watch.topup_daily, asset),
        ),
        typed=lambda values: values["amount"],
        foreseen=lambda values: (
            f"From then on {values['amount']} is charged to the default method by itself, once"
            " per dip; three declines in a row stop it."
        ),
    )


def stop(watch: WatchSheet) -> Act:
    """Take nothing more by itself."""

    def perform(desk: Desk, _: Values) -> Receipt:
        after = desk.watches.stop_topup(watch.account_ref, watch.asset)
        return Receipt(watch.account_ref, (("stopped", after.stopped or NOTHING),))

    return Act(
        title=f"Stop the top-up of {watch.account_ref}",
        verb="Stop",
        account_ref=watch.account_ref,
        perform=perform,
        foreseen=lambda _: "Nothing more is taken by itself; what is on its way arrives.",
    )


def resume(watch: WatchSheet) -> Act:
    """Top up again."""

    def perform(desk: Desk, _: Values) -> Receipt:
        after = desk.watches.resume_topup(watch.account_ref, watch.asset)
        return Receipt(watch.account_ref, (("takes", amount(after.topup_amount)),))

    return Act(
        title=f"Resume the top-up of {watch.account_ref}",
        verb="Resume",
        account_ref=watch.account_ref,
        perform=perform,
        facts=(("stopped", watch.stopped or NOTHING),),
        foreseen=lambda _: "If attempts had failed and the wallet is low, it is charged at once.",
    )


def own_gateway(desk: Desk, ref: str, names: tuple[str, ...]) -> Task:
    """Say which gateway an account pays by where none is named."""

    def perform(values: Values, _: Report) -> Outcome:
        name = values["gateway"]
        account = desk.accounts.set_gateway(ref, None if name == NONE else name)
        pays_by = account.gateway or "whichever the desk chooses"
        return Outcome((("pays by", pays_by, ""),), account.ref)

    return Task(
        title=f"By which gateway {ref} pays",
        verb="Set",
        about="Deposits, saved methods and top-ups use it where no other is named. none: the desk's.",
        perform=perform,
        fields=(choice_field("gateway", "Gateway", (*names, NONE)),),
    )


def _money_field(name: str, label: str, now: Money | None, asset: str) -> Field:
    return Field(
        name,
        label,
        lambda text: read_amount(text, asset),
        value=as_typed(now),
        placeholder=_example(asset),
    )


def _limit_field(name: str, label: str, now: Money | None, asset: str) -> Field:
    return amount_or_none_field(name, label, now, asset, _example(asset))


def _example(asset: str) -> str:
    return f"20.00, in {asset}"
