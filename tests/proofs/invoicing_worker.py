"""One process that issues invoices: `invoicing_worker.py URL NAME [COUNT]`; without COUNT until killed.

Some are paid in the block that numbers them, some credited, and some of those blocks are rolled back.
With COUNT it waits for its start, and tells at its end which numbers it was given; without, it tells
each one, past every buffer, before it takes the next.
"""

import json
import sys
from itertools import count

from billdesk.core.desk import Desk, open_desk

ACCOUNTS = 3
MEMO = "numbers without a gap"


class TakenBack(Exception):
    """Something went wrong after the number was taken."""


def issue(desk: Desk, name: str, turn: int) -> list[str]:
    """One invoice, and what its turn wants of it: the numbers that stand."""
    account = f"a{turn % ACCOUNTS}"
    draft = desk.invoices.draft(account, reference=f"{name}:{turn}")
    desk.invoices.add_line(draft.id, "Work", "0.01", quantity="3")
    try:
        with desk.transaction():
            sheet = desk.invoices.finalize(draft.id)
            if turn % 4 == 1:
                desk.invoices.pay(sheet.id)
            if turn % 4 == 3:
                raise TakenBack
    except TakenBack:
        return []
    numbers = [sheet.invoice_number or ""]
    if turn % 4 == 2:
        note = desk.credit_notes.create(sheet.id, "0.01", memo=MEMO)
        numbers.append(note.invoice_number or "")
    return numbers


url, name, *asked = sys.argv[1:]
with open_desk(url, actor=name) as desk:
    if asked:
        desk.wallets.balance("a0")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        given = [number for turn in range(int(asked[0])) for number in issue(desk, name, turn)]
        sys.stdout.write(json.dumps(given))
    else:
        for turn in count():
            for number in issue(desk, name, turn):
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()
