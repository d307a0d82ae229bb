"""What can be done with the subscription that is marked, in the list and on its own screen alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding, BindingType

from billdesk.screens import subscription_verbs as verbs
from billdesk.screens.marked import MarkedScreen

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import SubscriptionSheet
    from billdesk.screens.acts import Act

Answer = TypeVar("Answer")

ACTS = ("change", "unschedule", "cancel", "reactivate", "pause", "sync")


def may(action: str, sheet: SubscriptionSheet) -> bool:
    """Whether a subscription can be acted on like this; what a gateway keeps is only asked for."""
    if sheet.paid_by == "elsewhere":
        return action == "sync"
    ends = sheet.cancel_at is not None
    return {
        "change": sheet.status != "canceled" and not ends,
        "unschedule": sheet.next_plan_code is not None,
        "cancel": sheet.status != "canceled",
        "reactivate": sheet.status == "canceled" or ends,
        "pause": sheet.status != "canceled",
    }.get(action, False)


class SubscriptionActs(MarkedScreen[Answer, "SubscriptionSheet"]):
    """Subclasses say which subscription is meant by `marked`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("U", "change", "Change", id="subscription.change"),
        Binding("X", "unschedule", "Keep plan", id="subscription.unschedule"),
        Binding("C", "cancel", "Cancel", id="subscription.cancel"),
        Binding("R", "reactivate", "Reactivate", id="subscription.reactivate"),
        Binding("P", "pause", "Pause, resume", id="subscription.pause"),
        Binding("S", "sync", "Ask gateway", id="subscription.sync"),
        Binding("o", "open_account", "Account", id="subscription.account", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action not in ACTS and action != "open_account":
            return True
        sheet = self.marked()
        return sheet is not None and (action == "open_account" or may(action, sheet))

    def action_change(self) -> None:
        self.review_with(lambda desk, _: verbs.offer_of(desk), self._change)

    def _change(self, sheet: SubscriptionSheet, offer: verbs.Offer) -> Act:
        return verbs.change(sheet, offer, self.app.times)

    def action_unschedule(self) -> None:
        self.review(verbs.unschedule)

    def action_cancel(self) -> None:
        self.review(lambda sheet: verbs.cancel(sheet, self.app.times))

    def action_reactivate(self) -> None:
        self.review(verbs.reactivate)

    def action_pause(self) -> None:
        self.review(
            lambda sheet: (verbs.resume if sheet.status == "paused" else verbs.pause)(sheet)
        )

    def action_sync(self) -> None:
        self.review(verbs.sync)

    def action_open_account(self) -> None:
        sheet = self.marked()
        if sheet is not None:
            self.app.show_account(sheet.account_ref)
