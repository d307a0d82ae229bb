"""May an account be used, and every reason why not: one pure function that all doors ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from billdesk.core.rules.sheets import FreezeSheet, ReasonSheet, StandingSheet
from billdesk.core.values.money import Money


class Purse(NamedTuple):
    """What standing needs to know of one wallet."""

    purpose: str
    available: Money
    floor: Money | None
    last_entry_at: datetime | None


def standing(
    *,
    account_ref: str,
    account_name: str,
    status: str,
    status_since: datetime,
    status_set_by: str,
    purses: Sequence[Purse],
    freezes: Sequence[FreezeSheet],
    needs: Money | None,
) -> StandingSheet:
    """The verdict on an account, with all the reasons, the most final first.

    An account may run when it is open, nothing is frozen, nothing is owed, and it can pay what
    `needs` asks for (one minor unit of anything when nothing is said).
    """
    reasons = [
        *_status_reasons(status, status_since, status_set_by),
        *map(_freeze_reason, freezes),
        *_debt_reasons(purses),
        *_spent_reasons(purses, needs),
    ]
    return StandingSheet(
        account_ref=account_ref,
        account_name=account_name,
        may_run=not reasons,
        word=word_of(
            status=status,
            frozen=bool(freezes),
            owes=any(_owes(purse) for purse in purses),
            spent=bool(_spent_reasons(purses, needs)),
        ),
        reasons=tuple(reasons),
    )


def word_of(*, status: str, frozen: bool, owes: bool, spent: bool) -> str:
    """The state in one word, the most final first: the same ladder for one account and for lists."""
    if status != "open":
        return status.upper()
    if frozen:
        return "FROZEN"
    if owes:
        return "OWES"
    return "SPENT" if spent else "OK"


def _status_reasons(status: str, since: datetime, set_by: str) -> list[ReasonSheet]:
    if status == "open":
        return []
    return [
        ReasonSheet(
            code=status,
            text=f"the account is {status}",
            since=since,
            set_by=set_by,
            remedy="reopen the account",
            action="reopen",
        )
    ]


def _freeze_reason(freeze: FreezeSheet) -> ReasonSheet:
    return ReasonSheet(
        code="frozen",
        text=f"the {freeze.asset} wallet is frozen ({freeze.cause}): {freeze.memo}",
        since=freeze.since,
        set_by=freeze.set_by,
        remedy="unfreeze the wallet",
        action="unfreeze",
    )


def _owes(purse: Purse) -> bool:
    return purse.purpose == "receivable" and purse.available.minor < 0


def _debt_reasons(purses: Sequence[Purse]) -> list[ReasonSheet]:
    return [
        ReasonSheet(
            code="owes",
            text=f"{purse.available.negated()} is owed to us",
            since=purse.last_entry_at,
            set_by="system",
            remedy="settle the debt with a deposit or a credit",
            action="deposit",
        )
        for purse in purses
        if _owes(purse)
    ]


def _spent_reasons(purses: Sequence[Purse], needs: Money | None) -> list[ReasonSheet]:
    own = [
        purse
        for purse in purses
        if purse.purpose != "receivable" and (needs is None or purse.available.asset == needs.asset)
    ]
    least_minor = 1 if needs is None else needs.minor
    if any(purse.floor is None or _room_minor(purse) >= least_minor for purse in own):
        return []
    return [
        ReasonSheet(
            code="spent",
            text=_spent_text(own, needs),
            since=max((purse.last_entry_at for purse in own if purse.last_entry_at), default=None),
            set_by="system",
            remedy="deposit money, or credit the wallet",
            action="deposit",
        )
    ]


def _spent_text(own: Sequence[Purse], needs: Money | None) -> str:
    if not own:
        return "there is no money in any wallet"
    available = ", ".join(str(purse.available) for purse in own)
    wanted = "something above the floor" if needs is None else str(needs)
    return f"{available} is available, {wanted} is needed"


def _room_minor(purse: Purse) -> int:
    """How much can be used: from what is available down to the floor."""
    return purse.available.minor - (purse.floor.minor if purse.floor is not None else 0)
