"""How the demo puts answers of the desk into words, a line each."""

from __future__ import annotations

from billdesk.core.rules.sheets import (
    AccountSheet,
    ChargeSheet,
    FreezeSheet,
    HoldSheet,
    PaymentSheet,
    PostingSheet,
    WalletSheet,
)


def account_told(account: AccountSheet) -> str:
    """What became of an account."""
    return f"{account.ref} is {account.status}"


def charge_told(charge: ChargeSheet) -> str:
    """What a charge left."""
    again = "the first result again, " if charge.replayed else ""
    return f"{again}{charge.amount}, {charge.balance_after} left"


def hold_told(hold: HoldSheet) -> str:
    """What became of a hold."""
    told = f"{hold.amount} {hold.status}"
    if hold.captured is not None:
        told += f", {hold.captured} taken"
    if hold.shortfall is not None:
        told += f", {hold.shortfall} owed to us"
    return told


def posting_told(posting: PostingSheet) -> str:
    """What a posting moved."""
    return ", ".join(f"{entry.amount} → {entry.balance_after}" for entry in posting.entries)


def payment_told(payment: PaymentSheet) -> str:
    """What became of a payment."""
    return f"{payment.amount} {payment.status}"


def freezes_told(freezes: FreezeSheet | tuple[FreezeSheet, ...]) -> str:
    """What is frozen or free again."""
    if isinstance(freezes, FreezeSheet):
        return f"frozen by {freezes.set_by}: {freezes.cause}"
    return f"{len(freezes)} lifted"


def wallet_told(wallet: WalletSheet) -> str:
    """How low a wallet may go."""
    floor = "no limit" if wallet.floor is None else f"down to {wallet.floor}"
    return f"{wallet.available} available, {floor}"
