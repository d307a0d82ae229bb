"""Sell a lead: the charge and your own row are kept together, or neither is.

    python charge_with_own_table.py                              a ledger in a new SQLite file
    python charge_with_own_table.py postgresql://localhost/mine  an empty Postgres database

Your tables live in the ledger's own file or database. `desk.transaction()` opens one write block;
the desk's verbs join it, and `tx.execute` runs your statements in it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from billdesk import Desk, InsufficientFunds, create_ledger


def sell(desk: Desk, buyer: str, lead: str, price: str) -> None:
    """Charge the buyer and assign the lead, in one block."""
    with desk.transaction() as tx:
        charge = desk.charges.create(buyer, price, reference=f"lead:{lead}", subject=lead)
        tx.execute(
            "INSERT INTO assignment (lead, buyer, charge) VALUES (?, ?, ?)",
            (lead, buyer, charge.id),
        )


def main(url: str) -> None:
    """Sell leads until the money is gone."""
    with create_ledger(url) as desk:
        # On Postgres your tables belong to the schema "public".
        table = "public.assignment" if desk.info.kind == "postgres" else "assignment"
        with desk.transaction() as tx:
            tx.execute(
                f"CREATE TABLE {table}"
                " (lead TEXT PRIMARY KEY, buyer TEXT NOT NULL, charge TEXT NOT NULL)"
            )
        desk.accounts.add("acme", name="Acme Plumbing")
        desk.adjustments.credit("acme", "50.00", memo="a voucher to begin with")

        for lead in ("burst pipe", "new boiler", "leaking tap"):
            try:
                sell(desk, "acme", lead, "20.00")
            except InsufficientFunds as refusal:
                print(f"{lead}: not sold, {refusal.message}")
            else:
                print(f"{lead}: sold")

        with desk.transaction() as tx:
            rows = tx.execute("SELECT lead, buyer FROM assignment ORDER BY lead")
        print(f"assigned: {', '.join(lead for lead, _ in rows)}")
        print(f"left: {desk.wallets.balance('acme').balance}")
        print(f"verified: {'sound' if desk.verify().ok else 'NOT SOUND'}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(str(Path(folder) / "leads.ledger"))
