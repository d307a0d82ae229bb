"""One process that charges: `charging_worker.py URL NAME COUNT REF[,REF…] [AMOUNT]`.

Charges AMOUNT (1.00 USD if none is given) COUNT times, one account after the other, and tells which
charges it was given: their references and ids, and how often money was short.
"""

import json
import sys

from billdesk.core.desk import open_desk
from billdesk.core.values.errors import InsufficientFunds

url, name, count, refs, *asked = sys.argv[1:]
amount = asked[0] if asked else "1"
accounts = refs.split(",")
given: dict[str, str] = {}
short = 0
with open_desk(url, actor=name) as desk:
    desk.wallets.balance(accounts[0])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for number in range(int(count)):
        reference = f"{name}:{number}"
        try:
            sheet = desk.charges.create(
                accounts[number % len(accounts)], amount, reference=reference
            )
        except InsufficientFunds:
            short += 1
        else:
            given[reference] = sheet.id
sys.stdout.write(json.dumps({"given": given, "short": short}))
