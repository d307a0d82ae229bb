"""One process that renews what is due at an instant: `renewing_worker.py URL INSTANT`.

It says that it begins, and how many periods it renewed.
"""

import sys

from billdesk.core.desk import open_desk
from billdesk.core.operations.subscriptions.renewing import renew_due
from billdesk.core.values.clock import MovingClock, parse_instant

url, instant = sys.argv[1:]
now = parse_instant(instant)
with open_desk(url, clock=MovingClock(now), actor="worker") as desk:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    done = renew_due(desk._office, now)
    sys.stdout.write(f"{done.renewed} {len(done.errors)}\n")
