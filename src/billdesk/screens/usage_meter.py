"""One meter of one account: the present period, its last hours, where it will end, and the budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from billdesk.core.values.errors import NotFound
from billdesk.core.values.quantities import format_parts, group_digits
from billdesk.screens.figures import NOTHING, amount, counted
from billdesk.screens.form import Line, written
from billdesk.screens.frame import DeskScreen
from billdesk.screens.pane import Pane
from billdesk.screens.review import Review
from billdesk.screens.usage_plot import LEVEL_TONES, ForecastPlot, share_bar, sparkline
from billdesk.screens.usage_verbs import set_budget

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import (
        BudgetSheet,
        ForecastSheet,
        MeterUseSheet,
        UsageAlertSheet,
    )

BAR_CELLS = 20
ALERTS_SHOWN = 3


class Meter(NamedTuple):
    """Everything that is shown."""

    use: MeterUseSheet
    forecast: ForecastSheet
    budget: BudgetSheet
    alerts: tuple[UsageAlertSheet, ...]


class UsageMeter(DeskScreen[Meter]):
    """Figures on top, the plot below them."""

    place = "usage"

    DEFAULT_CSS = """
    UsageMeter #figures { padding: 0 1; background: $surface; }
    UsageMeter ForecastPlot { padding: 0 1; margin-top: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("B", "budget", "Budget", id="usage.budget"),
        Binding("o", "open_account", "Account", id="usage.account"),
    ]

    def __init__(self, account: str, meter: str) -> None:
        super().__init__()
        self._account, self._meter = account, meter
        self.title = f"{meter} of {account}"

    def body(self) -> ComposeResult:
        yield Pane(id="figures")
        yield ForecastPlot()

    def question(self) -> Callable[[Desk], Meter]:
        account, meter = self._account, self._meter

        def ask(desk: Desk) -> Meter:
            for use in desk.usage.period(account):
                if use.meter == meter:
                    return Meter(
                        use,
                        desk.usage.forecast(account, meter),
                        desk.usage.budget(account),
                        desk.usage.alerts(account, limit=50).rows,
                    )
            raise NotFound(f"{account} uses no {meter} in this period", "Esc goes back")

        return ask

    def paint(self, answer: Meter) -> None:
        lines = self._lines(answer)
        self.query_one("#figures", Pane).show(lambda width: written(lines, width))
        self.query_one(ForecastPlot).show(answer.forecast)

    def _lines(self, answer: Meter) -> tuple[Line, ...]:
        use, ahead, times = answer.use, answer.forecast, self.app.times
        used = f"{group_digits(use.used)} {use.unit}"
        share = ""
        if use.included is not None:
            used = f"{group_digits(use.used)} of {group_digits(use.included)} {use.unit}"
        if use.share is not None:
            share = f"{share_bar(use.share, BAR_CELLS)} {use.share:,} %  {use.level}"

        def words(parts: int) -> str:
            return group_digits(format_parts(parts, ahead.decimals))

        off = "not tested on a past period yet"
        if ahead.error_percent is not None:
            off = f"{ahead.error_percent} % off on average over {counted(ahead.periods_tested, 'period')}"
        likely = f"{words(ahead.likely)} {ahead.unit}"
        between = f"between {words(ahead.low)} and {words(ahead.high)}"
        return (
            ("account", f"{use.account_ref}  {use.account_name}", ""),
            ("period", f"{times.stamp(use.period_since)} to {times.stamp(use.period_until)}", ""),
            ("plan", use.plan_code or NOTHING, ""),
            ("used", used, ""),
            *([("share", share, LEVEL_TONES[use.level])] if share else []),
            ("cost", f"{amount(use.cost)} so far, {amount(ahead.likely_cost)} expected", ""),
            ("forecast", f"{likely}, {between}", ""),
            ("method", f"{ahead.method}: {off}", "muted"),
            ("budget", _budget(answer.budget), _budget_tone(answer.budget)),
            ("48 hours", _hours(use, ahead.decimals), ""),
            *(("told", f"{times.short(each.at)} {each.summary}", "") for each in _told(answer)),
        )

    def action_budget(self) -> None:
        if self.may_act():
            account = self._account
            self.act(
                lambda desk: desk.usage.budget(account),
                self._review_budget,
            )

    def _review_budget(self, budget: BudgetSheet) -> None:
        self.app.push_screen(Review(set_budget(budget)), lambda _: self.ask())

    def action_open_account(self) -> None:
        self.app.show_account(self._account)


def _budget(sheet: BudgetSheet) -> str:
    if sheet.budget is None:
        return "none; B sets one"
    return (
        f"{amount(sheet.spent)} of {amount(sheet.budget)} ({sheet.percent} %),"
        f" {amount(sheet.forecast)} expected"
    )


def _budget_tone(sheet: BudgetSheet) -> str:
    if sheet.budget is None:
        return "muted"
    if sheet.spent.minor >= sheet.budget.minor:
        return "bad"
    return "warn" if sheet.forecast.minor >= sheet.budget.minor else "good"


def _hours(use: MeterUseSheet, decimals: int) -> str:
    most = group_digits(format_parts(max(use.hours), decimals))
    return f"{sparkline(use.hours)} at most {most} an hour"


def _told(answer: Meter) -> list[UsageAlertSheet]:
    """What was told in this period of this meter, and of the budget."""
    found = [
        each
        for each in answer.alerts
        if each.meter in {answer.use.meter, ""} and each.at >= answer.use.period_since
    ]
    return found[:ALERTS_SHOWN]
