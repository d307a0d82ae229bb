"""One process that works until it is killed: `killed_worker.py URL NAME [CREDIT]`: in cents or credits.

Every charge that the desk has acknowledged is told on standard output before the next begins.
"""

import sys
from itertools import count

from billdesk.core.desk import ChargeRequest, open_desk


def tell(reference: str) -> None:
    """Say that a charge was acknowledged, past every buffer."""
    sys.stdout.write(f"{reference}\n")
    sys.stdout.flush()


url, name, *asset = sys.argv[1:]
one, two = ("1 CREDIT", "2 CREDIT") if asset else ("0.01", "0.02")
with open_desk(url, actor=name) as desk:
    for number in count():
        reference = f"{name}:{number}"
        if number % 5 == 3:
            many = [ChargeRequest("acme", one, f"{reference}:{part}") for part in range(3)]
            for sheet in desk.charges.create_many(many):
                tell(sheet.reference)
        elif number % 5 == 4:
            with desk.transaction():
                hold = desk.holds.place("acme", two, reference=f"hold:{reference}")
                desk.charges.create("acme", one, reference=reference)
                desk.holds.capture(hold.id, one)
            tell(reference)
        else:
            desk.charges.create("acme", one, reference=reference)
            tell(reference)
