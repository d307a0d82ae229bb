"""What can be done with the subscription that is marked, in the list and on its own screen alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding, BindingType

from billdesk.screens import subscription_verbs as verbs
from billdesk.screens.frame import DeskScreen
from billdesk.screens.review import Review

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import SubscriptionSheet
    from billdesk.screens.acts import Act, Receipt

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


class SubscriptionActs(DeskScreen[Answer]):
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

    def marked(self) -> SubscriptionSheet | None:
        """The subscription that acts are about."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action not in ACTS and action != "open_account":
            return True
        sheet = self.marked()
        return sheet is not None and (action == "open_account" or may(action, sheet))

    def _review(self, act: Act) -> None:
        self.app.push_screen(Review(act), self._reviewed)

    def _reviewed(self, _: Receipt | None) -> None:
        self.ask()

    def _meant(self) -> SubscriptionSheet | None:
        """The subscription to act on, if more than looking is allowed."""
        sheet = self.marked()
        return sheet if sheet is not None and self.may_act() else None

    def action_change(self) -> None:
        sheet = self._meant()
        if sheet is not None:
            times = self.app.times
            self.act(verbs.offer_of, lambda offer: self._review(verbs.change(sheet, offer, times)))

    def action_unschedule(self) -> None:
        if (sheet := self._meant()) is not None:
            self._review(verbs.unschedule(sheet))

    def action_cancel(self) -> None:
        if (sheet := self._meant()) is not None:
            self._review(verbs.cancel(sheet, self.app.times))

    def action_reactivate(self) -> None:
        if (sheet := self._meant()) is not None:
            self._review(verbs.reactivate(sheet))

    def action_pause(self) -> None:
        if (sheet := self._meant()) is not None:
            verb = verbs.resume if sheet.status == "paused" else verbs.pause
            self._review(verb(sheet))

    def action_sync(self) -> None:
        if (sheet := self._meant()) is not None:
            self._review(verbs.sync(sheet))

    def action_open_account(self) -> None:
        sheet = self.marked()
        if sheet is not None:
            self.app.show_account(sheet.account_ref)
