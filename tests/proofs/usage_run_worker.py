"""A process that bills usage until it kills itself: `usage_run_worker.py URL TO BATCH MOMENT COUNT [RUN]`.

MOMENT `between`: after COUNT batches were kept. `inside`: when it asks for chance the COUNT-th time, which
a batch does between working out its bills and booking them. `never` tells the run's id.
"""

import os
import signal
import sys

from billdesk.core.desk import open_desk
from billdesk.core.operations.usage import rating

url, post_to, batch, moment, count, *resumed = sys.argv[1:]
rating.ACCOUNTS_AT_ONCE = rating.INVOICES_AT_ONCE = int(batch)
left = int(count)


def count_down(now: str) -> None:
    """Kill this process, as no Python code can hinder, when its moment has come."""
    global left  # noqa: PLW0603 - it is the whole state of this script
    if now == moment:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def chance(size: int) -> bytes:
    """Real chance, and a place where one may die."""
    count_down("inside")
    return os.urandom(size)


with open_desk(url, actor="worker", chance=chance) as desk:

    def tell(_done: int, _total: int) -> None:
        """Between two batches."""
        count_down("between")

    if resumed:
        run = desk.usage_runs.resume(resumed[0], on_progress=tell)
    else:
        run = desk.usage_runs.run(post_to=post_to, on_progress=tell)
    sys.stdout.write(f"{run.id}\n")
