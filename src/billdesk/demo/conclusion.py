"""How the told demo ends: the ledger is proved, and held against the gateway's own books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from billdesk.core.desk import Desk, open_desk
from billdesk.core.rules.sheets import TrialBalanceSheet
from billdesk.core.values.clock import MovingClock, SystemClock
from billdesk.core.values.errors import StoreError
from billdesk.core.values.money import Money, format_grouped
from billdesk.demo.counterpart import Counterpart
from billdesk.demo.narration import PlainTeller


def conclude(where: str, teller: PlainTeller) -> int:
    """Tell how the business stands, prove its ledger, and compare it with the gateway's own books.

    Returns an exit status: that of a StoreError when anything is not as it must be.
    """
    # Nobody moves this clock: what has not happened yet happens on neither side.
    clock = MovingClock(SystemClock().now())
    with open_desk(where, read_only=True) as desk:
        counterpart = Counterpart(desk.info, clock)
    with open_desk(
        where, clock=clock, actor="lead-engine", origin="demo", gateways=[counterpart.gateway]
    ) as desk:
        desk.gateways.poll()
        _tell_standings(desk, teller)
        books = desk.ledger.trial_balance()
        _tell_books(books, teller)
        is_sound = _proves(desk, teller) and all(not book.difference.minor for book in books)
        teller.line("the ledger is sound" if is_sound else "the ledger is NOT sound")
        does_agree = _agrees(desk, counterpart, books, teller)
    teller.heading(f"Look around with: billdesk --ledger {where}")
    return 0 if is_sound and does_agree else StoreError.exit_status


def _tell_standings(desk: Desk, teller: PlainTeller) -> None:
    teller.heading("How it stands")
    for word, count in sorted(desk.overview().standings.items(), key=lambda item: -item[1]):
        teller.line(f"{count:8}  {word}")
    teller.heading("Money in and out")
    waiting = desk.facts.list(state="waiting").rows
    for what, states in (
        ("payments", (each.status for each in desk.payments.list(limit=1000).rows)),
        ("refunds to cards", (each.status for each in desk.card_refunds.list().rows)),
        ("disputes", (each.status for each in desk.disputes.list().rows)),
        ("facts that wait", (each.stage for each in waiting)),
    ):
        teller.line(f"          {what:<18}{_counted(states)}")


def _counted(states: Iterable[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in Counter(states).most_common())


def _tell_books(books: tuple[TrialBalanceSheet, ...], teller: PlainTeller) -> None:
    """Each asset: what customers have, and who is on the other side."""
    teller.heading("Trial balance")
    for book in books:
        rows = [(side.name, side.amount) for side in book.counterparties]
        for name, amount in [("wallets", book.wallets), *rows, ("difference", book.difference)]:
            teller.line(f"          {name:<32}{_figure(amount):>18}")
        teller.line("")


def _proves(desk: Desk, teller: PlainTeller) -> bool:
    teller.heading("Verify")
    proof = desk.verify()
    teller.line(f"{proof.wallets:8,}  wallets")
    teller.line(f"{proof.entries:8,}  entries, every link of every chain counted again")
    for finding in proof.findings:
        teller.line(f"  WRONG   {finding.check}: {finding.text}")
    for unproven in proof.unproven:
        teller.line(f"          not proved: {unproven}")
    return proof.ok


def _agrees(
    desk: Desk,
    counterpart: Counterpart,
    books: tuple[TrialBalanceSheet, ...],
    teller: PlainTeller,
) -> bool:
    """Whether the gateway kept, asset by asset, what the ledger and what waits for a person say."""
    teller.heading("The gateway's own books")
    party = f"gateway:{counterpart.gateway.name}"
    cleared_minor = {
        book.asset: -side.amount.minor
        for book in books
        for side in book.counterparties
        if side.name == party
    }
    settled = desk.facts.list(state="waiting", limit=1000).rows
    waiting_minor = counterpart.kept_minor(
        {fact.object_id for fact in settled if fact.stage == "settled"}
    )
    does_agree = True
    totals = counterpart.gateway.totals()
    for asset in sorted({*totals, *cleared_minor}):
        paid_minor, fee_minor, back_minor = totals.get(asset, (0, 0, 0))
        net_minor = paid_minor - fee_minor - back_minor
        ours_minor = cleared_minor.get(asset, 0)
        waits_minor = waiting_minor.get(asset, 0)
        for name, minor in (
            ("paid in", paid_minor),
            ("fees", -fee_minor),
            ("paid back", -back_minor),
            ("left there", net_minor),
            ("in the ledger", ours_minor),
            ("waits for a person", waits_minor),
        ):
            teller.line(f"          {name:<32}{_figure(Money(minor, asset)):>18}")
        apart = Money(net_minor - ours_minor - waits_minor, asset)
        if apart.minor:
            does_agree = False
            teller.line(f"  WRONG   {_figure(apart)} nobody can explain")
        teller.line("")
    verdict = "agree" if does_agree else "do NOT agree"
    teller.line(f"the gateway's own books {verdict}")
    return does_agree


def _figure(amount: Money) -> str:
    return f"{format_grouped(amount.minor, amount.asset)} {amount.asset}"
