"""What needs a person, the worst first: troubles of accounts, and of the desk itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from billdesk.core.rules.matching import MATCHED
from billdesk.core.rules.sheets import AttentionSheet, GatewaySheet, ReconcileSheet
from billdesk.core.store import troubles
from billdesk.core.store.checks import recount
from billdesk.core.store.recounts import recounted_wrong
from billdesk.core.store.sessions import Session
from billdesk.core.store.troubles import Trouble
from billdesk.core.store.watches import low_wallets, stopped_topups

_SEVERITIES = ("problem", "warning", "note")
_STALE_SECONDS = 600
_CHECKPOINT_DAYS = 7


def worst_first(found: list[AttentionSheet]) -> tuple[AttentionSheet, ...]:
    """The same troubles by how bad they are, otherwise in the order given."""
    return tuple(sorted(found, key=lambda each: _SEVERITIES.index(each.severity)))


def account_troubles(session: Session, today: date) -> list[AttentionSheet]:
    """What is wrong with accounts: where it is one account, that; else the list that has them."""
    past_due = troubles.subscriptions_that_are(session, "past_due")
    unpaid = troubles.subscriptions_that_are(session, "paused", "balance")
    found = []
    for trouble, severity, one, many, detail, place in (
        (
            troubles.open_disputes(session), "problem", "a payment of {} is contested",
            "{} payments are contested", "answer at the gateway before its deadline",
            ("disputes", "status:open"),
        ),
        (
            Trouble(*stopped_topups(session)), "problem", "the top-up of {} stopped",
            "{} top-ups stopped", "mend the way to pay, then resume it", ("balances", None),
        ),
        (
            past_due, "warning", "the subscription of {} is past due",
            "{} subscriptions are past due", "an invoice could not be collected",
            ("subscriptions", "status:past_due"),
        ),
        (
            unpaid, "warning", "the subscription of {} is paused",
            "{} subscriptions are paused", "the balance cannot pay the next period",
            ("subscriptions", "status:paused"),
        ),
        (
            troubles.overdue_invoices(session, today.isoformat()), "warning",
            "an invoice of {} is overdue", "{} invoices are overdue", "not paid in time",
            ("invoices", "overdue:yes"),
        ),
        (
            Trouble(*low_wallets(session)), "warning", "{} is low", "{} wallets are low",
            "less is available than is watched for", ("balances", None),
        ),
    ):  # fmt: skip
        if trouble.total == 1:
            title = one.format(trouble.account_ref)
            found.append(AttentionSheet(severity, title, detail, "account", trouble.account_ref))
        elif trouble.total:
            more = "+" if trouble.total == troubles.MOST_COUNTED else ""
            title = many.format(f"{trouble.total}{more}")
            found.append(AttentionSheet(severity, title, detail, *place))
    return found


def ledger_troubles(session: Session) -> list[AttentionSheet]:
    """Balances that the last daily recount found wrong, if they still are."""
    wrong = len(recount(session)) if recounted_wrong(session) else 0
    if not wrong:
        return []
    title = "a stored balance is wrong" if wrong == 1 else f"{wrong} stored balances are wrong"
    detail = "verify says which, and since when"
    return [AttentionSheet("problem", title, detail, "health", None)]


def reconcile_troubles(runs: Sequence[ReconcileSheet]) -> list[AttentionSheet]:
    """Gateways whose last comparison raised the alarm, until somebody has explained every line."""
    found = []
    for run in runs:
        apart = sum(many for outcome, many in run.outcomes.items() if outcome != MATCHED)
        left = apart - run.explained
        if run.alarm and left > 0:
            title = f"the books of {run.gateway} and ours are too far apart"
            detail = f"{left} line{'s' if left > 1 else ''} to explain"
            place = ("reconcile", f"gateway:{run.gateway}")
            found.append(AttentionSheet("problem", title, detail, *place))
    return found


def desk_troubles(
    now: datetime,
    gateways: tuple[GatewaySheet, ...],
    standings: dict[str, int],
    overdue: int,
    checkpoint_at: datetime | None,
    entries: int,
) -> list[AttentionSheet]:
    """What a person should look at, the worst first."""
    found = []
    for gateway in gateways:
        if gateway.last_error:
            title = f"{gateway.name} could not be asked"
            found.append(AttentionSheet("problem", title, gateway.last_error, "gateways", None))
        elif gateway.lag_seconds is not None and gateway.lag_seconds > _STALE_SECONDS:
            title = f"{gateway.name} was last asked {gateway.lag_seconds // 60} minutes ago"
            found.append(AttentionSheet("warning", title, "poll it now", "gateways", None))
        if gateway.waiting_facts:
            title = f"{gateway.waiting_facts} facts of {gateway.name} wait for a person"
            found.append(AttentionSheet("problem", title, "each says why it waits", "facts", None))
    for word, severity, detail in (
        ("FROZEN", "warning", "debits are refused until they are unfrozen"),
        ("OWES", "warning", "more was used than could be paid"),
        ("SUSPENDED", "note", "they take no new business"),
        ("SPENT", "note", "nothing more can be charged"),
    ):
        if standings.get(word):
            count = standings[word]
            title = f"{count} account{'s' if count > 1 else ''} {word}"
            found.append(AttentionSheet(severity, title, detail, "balances", word))
    if overdue:
        title = f"{overdue} holds are past their deadline"
        found.append(AttentionSheet("note", title, "the next tick frees them", "overview", None))
    if entries and (
        checkpoint_at is None or now - checkpoint_at > timedelta(days=_CHECKPOINT_DAYS)
    ):
        title = "no recent checkpoint" if checkpoint_at else "no checkpoint was ever sealed"
        found.append(
            AttentionSheet("note", title, "seal one, and keep a copy elsewhere", "health", None)
        )
    return found
