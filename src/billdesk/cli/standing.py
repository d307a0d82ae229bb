"""`billdesk why | may-run | incident`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billdesk.cli.door import Door
from billdesk.cli.parameters import Needs, Ref
from billdesk.cli.printing import table

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import StandingSheet

REFUSED = 3


def why(door: Door, ref: Ref, *, needs: Needs = None) -> None:
    """Say whether an account may run, and why not.

    Every reason at once, each with since when, by whom, and what lifts it.
    """
    with door.desk() as desk:
        sheet = desk.standing.why(ref, needs=needs)
    door.answer(sheet, *_describe(sheet))


def may_run(door: Door, ref: Ref, *, needs: Needs = None) -> int:
    """Answer by exit code whether one may run.

    0 for yes and 3 for no, so that a script can ask before each send.
    """
    with door.desk() as desk:
        allowed = desk.standing.may_run(ref, needs=needs)
    door.answer({"account_ref": ref, "may_run": allowed}, "yes" if allowed else "no")
    return 0 if allowed else REFUSED


def incident(door: Door, ref: Ref) -> None:
    """Everything about one account, newest first."""
    with door.desk() as desk:
        sheet = desk.incident(ref)
    wallets = ((wallet.purpose, wallet.balance, wallet.available) for wallet in sheet.wallets)
    holds = ((hold.id, hold.amount, hold.subject, hold.expires_at) for hold in sheet.open_holds)
    payments = (
        (payment.id, payment.gateway, payment.amount, payment.detail)
        for payment in sheet.open_payments
    )
    story = (
        (line.at, line.kind, line.title, line.amount, line.actor, line.id)
        for line in sheet.timeline
    )
    tables = (
        table(("WALLET", "BALANCE", "AVAILABLE"), wallets),
        table(("OPEN HOLD", "AMOUNT", "SUBJECT", "EXPIRES"), holds),
        table(("OPEN PAYMENT", "GATEWAY", "AMOUNT", "WAITS FOR"), payments),
        table(("WHEN", "KIND", "WHAT", "AMOUNT", "BY", "ID"), story),
    )
    door.answer(
        sheet,
        *_describe(sheet.standing),
        *(line for part in tables if part for line in ("", *part)),
    )


def _describe(sheet: StandingSheet) -> list[str]:
    verdict = "may run" if sheet.may_run else "may not run"
    reasons = (
        (reason.text, reason.since, reason.set_by, reason.remedy) for reason in sheet.reasons
    )
    return [
        f"{sheet.account_ref} {verdict}: {sheet.word} ({sheet.account_name})",
        *table(("WHY NOT", "SINCE", "BY", "WHAT LIFTS IT"), reasons),
    ]
