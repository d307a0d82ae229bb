"""What an act would do, found out by doing it and taking it back; and how that is shown.

The verb itself runs, so that a screen never believes what the desk would not do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from billdesk.core.values.errors import Refused
from billdesk.screens.figures import number, signed
from billdesk.screens.safe_text import cut, fit, safe_line, safe_lines, safe_text

if TYPE_CHECKING:
    from textual.content import Content

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import EntrySheet, WalletSheet
    from billdesk.screens.acts import Act, Outlook, Receipt, Values

OUTLOOK_CELLS = 54


@dataclass(frozen=True)
class Preview:
    """What a rehearsal showed: wallets and standing before and after, and the entries between.

    `foreseen` says what comes later, when a gateway has answered; `outlook` what the act comes to.
    """

    before: tuple[WalletSheet, ...]
    after: tuple[WalletSheet, ...]
    standing_before: str
    standing_after: str
    entries: tuple[EntrySheet, ...]
    foreseen: str = ""
    outlook: Outlook = ()


class BalanceMoved(Refused):
    """Somebody else moved the balance since it was shown; nothing was posted."""


def rehearse(desk: Desk, act: Act, values: Values) -> Preview:
    """Do the act and take it back, to see what it does. Raises what the verb raises."""
    ref = act.whose(values)
    before = desk.wallets.list(ref)
    standing = desk.standing.why(ref).word
    outlook = act.outlook(desk, values) if act.outlook is not None else ()
    with desk.rehearsal():
        receipt = act.perform(desk, values)
        return Preview(
            before,
            desk.wallets.list(ref),
            standing,
            desk.standing.why(ref).word,
            receipt.entries,
            act.foreseen(values),
            outlook,
        )


def post(desk: Desk, act: Act, values: Values, seen: Preview | None) -> Receipt:
    """Do the act for good, if the balances are still what was shown.

    Raises BalanceMoved, and what the verb raises.
    """
    if seen is None:
        return act.perform(desk, values)
    if act.remote:
        # No block is open while a gateway is asked; what it is asked for is guarded by itself.
        _check_still(desk, act.whose(values), seen)
        return act.perform(desk, values)
    with desk.transaction():
        _check_still(desk, act.whose(values), seen)
        return act.perform(desk, values)


def _check_still(desk: Desk, ref: str, seen: Preview) -> None:
    """Raises BalanceMoved unless the balances are what was shown."""
    now = desk.wallets.list(ref)
    moved = [
        f"{before.balance} became {after.balance}"
        for before, after in zip(seen.before, now, strict=False)
        if (before.balance, before.held) != (after.balance, after.held)
    ]
    if moved:
        raise BalanceMoved("the balance has moved meanwhile", "; ".join(moved))


def preview_lines(preview: Preview) -> Content:
    """Before → after for each wallet, the standing, then the entries one by one."""
    lines = [
        safe_line(
            fit(cut(words, OUTLOOK_CELLS), OUTLOOK_CELLS), (fit(much, 18, right=True), "strong")
        )
        for words, much in preview.outlook
    ]
    lines.append(safe_text(f"{'':18}{'before':>14}   {'after':>14}", "muted"))
    before = {wallet.id: wallet for wallet in preview.before}
    for wallet in preview.after:
        old = before.get(wallet.id)
        was, is_now = (old.balance if old else None), wallet.balance
        lines.append(_change(f"{wallet.asset} balance", number(was), number(is_now)))
        if old is None or old.available != wallet.available:
            was, is_now = (old.available if old else None), wallet.available
            lines.append(_change(f"{wallet.asset} available", number(was), number(is_now)))
        lines += _terms(old, wallet)
    lines.append(_change("standing", preview.standing_before, preview.standing_after))
    if preview.entries:
        lines += [safe_text(""), safe_text("Entries", "muted")]
        lines += [entry_line(entry) for entry in preview.entries]
    elif not preview.foreseen and not preview.outlook:
        lines += [safe_text(""), safe_text("No entries: no money moves.", "muted")]
    if preview.foreseen:
        lines += [safe_text(""), safe_text(preview.foreseen)]
    return safe_lines(*lines)


def _terms(old: WalletSheet | None, new: WalletSheet) -> list[Content]:
    """What changed of a wallet besides its money: how low it may go, and whether it is frozen."""
    lines = []
    if old is not None and old.floor != new.floor:
        lines.append(_change(f"{new.asset} may go to", _floor(old), _floor(new)))
    if old is not None and old.freezes != new.freezes:
        lines.append(_change(f"{new.asset} freezes", str(old.freezes), str(new.freezes)))
    return lines


def _floor(wallet: WalletSheet) -> str:
    return "no limit" if wallet.floor is None else number(wallet.floor)


def _change(name: str, before: str, after: str) -> Content:
    changed = before != after
    return safe_line(
        (fit(name, 18), "muted"),
        fit(before, 14, right=True),
        (" → ", "accent" if changed else "muted"),
        (fit(after, 14, right=True), "strong" if changed else ""),
        "" if changed else ("   unchanged", "muted"),
    )


def entry_line(entry: EntrySheet) -> Content:
    """One entry as it is, or will be, in the ledger."""
    return safe_line(
        fit(f"  {entry.kind}", 18),
        (fit(signed(entry.amount), 14, right=True), "strong"),
        f" {entry.amount.asset}  ",
        (cut(f"against {entry.counterparty}", 36), "muted"),
    )
