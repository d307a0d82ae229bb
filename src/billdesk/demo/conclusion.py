"""How the told demo ends: the ledger is proved, and its books are laid open."""

from __future__ import annotations

from billdesk.core.desk import open_desk
from billdesk.core.rules.sheets import TrialBalanceSheet
from billdesk.core.values.errors import StoreError
from billdesk.core.values.money import Money, format_grouped
from billdesk.demo.narration import PlainTeller


def conclude(where: str, teller: PlainTeller) -> int:
    """Tell how the business stands and prove its ledger; an exit status."""
    with open_desk(where, read_only=True, origin="demo") as desk:
        overview = desk.overview()
        teller.heading("How it stands")
        for word, count in sorted(overview.standings.items(), key=lambda item: -item[1]):
            teller.line(f"{count:8}  {word}")
        teller.heading("Trial balance")
        books = desk.ledger.trial_balance()
        for book in books:
            for line in _told(book):
                teller.line(line)
        teller.heading("Verify")
        proof = desk.verify()
    teller.line(f"{proof.wallets:8,}  wallets")
    teller.line(f"{proof.entries:8,}  entries, every link of every chain counted again")
    for finding in proof.findings:
        teller.line(f"  WRONG   {finding.check}: {finding.text}")
    for unproven in proof.unproven:
        teller.line(f"          not proved: {unproven}")
    sound = proof.ok and all(book.difference.minor == 0 for book in books)
    teller.line("the ledger is sound" if sound else "the ledger is NOT sound")
    teller.heading(f"Look around with: billdesk --ledger {where}")
    return 0 if sound else StoreError.exit_status


def _told(book: TrialBalanceSheet) -> list[str]:
    """One asset: what customers have, and who is on the other side."""
    rows = [("wallets", book.wallets), *((side.name, side.amount) for side in book.counterparties)]
    return [
        *(f"          {name:<32}{_figure(amount):>18}" for name, amount in rows),
        f"          {'difference':<32}{_figure(book.difference):>18}",
        "",
    ]


def _figure(amount: Money) -> str:
    return f"{format_grouped(amount.minor, amount.asset)} {amount.asset}"
