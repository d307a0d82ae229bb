"""A usage run over many accounts, beside summing up the same hours and posting the same money."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from benchmarks.ledgers import new_ledger
from benchmarks.ratios import Figure, Limit, alone, by_turns, compared
from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.usage.rating import ACCOUNTS_AT_ONCE
from billdesk.core.rules.catalog import Meter, UsageTerms
from billdesk.core.rules.ledger import Draft, Leg, digest_of
from billdesk.core.rules.periods import period_bounds
from billdesk.core.store.posting import post_many
from billdesk.core.values.clock import from_micros, to_micros
from tests.core.operations.metered import METERED, STARTER, sell

METERS = ("calls", "impressions", "transfer")
ANCHOR = date(2026, 1, 1)
HOURS = 24
"""In how many hours of a month each meter is used."""

ROUNDS = 3
_STEP = 27 * 3_600_000_000
_PEAK = """
import sys
from pathlib import Path
from benchmarks.rating import bill
bill(Path(sys.argv[1]))
status = Path("/proc/self/status")
if status.exists():  # what Linux says of a process's peak otherwise may be its parent's
    [peak] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    print(int(peak.split()[1]) / 1024)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def usage_run(*, quick: bool) -> list[Figure]:
    """Close a month: hours summed, priced, posted, every line and period kept, batch by batch."""
    accounts, few = (4_000, 1_000) if quick else (10_000, 1_000)
    with tempfile.TemporaryDirectory(prefix="billdesk-benchmark-") as name:
        folder = Path(name)
        for ledger, size in (("many", accounts), ("few", few), ("bare", accounts)):
            _make(folder / ledger, size, months=ROUNDS)
        with open_desk(folder / "many") as desk, open_desk(folder / "bare") as bare:
            closed, summed = iter(_months(ROUNDS)), iter(_months(ROUNDS))

            def ours() -> float:
                since, until = next(closed)
                _use(desk, since)
                started = perf_counter()
                run = desk.usage_runs.run(from_micros(until))
                took = perf_counter() - started
                if run.lines != len(METERS) * accounts or run.failed:
                    raise AssertionError(f"{run.lines} lines, {run.failed} failed")
                return accounts / took

            def floor() -> float:
                since, until = next(summed)
                _use(bare, since)
                started = perf_counter()
                _sum_and_post(bare, since, until)
                return accounts / (perf_counter() - started)

            measured = by_turns(ROUNDS, ours, floor)
            if desk.verify().findings:
                raise AssertionError("the books do not agree with what was billed")
        _make(folder / "fresh", accounts, months=1)
        growth = _peak_mebibytes(folder / "fresh") - _peak_mebibytes(folder / "few")
    return [
        compared(
            f"usage run over {accounts:,} accounts x {len(METERS)} meters",
            "one GROUP BY of the hours, and posting the same", "/s", Limit(0.5, 0.7), measured,
        ),
        # A ledger's pages are kept in caches of 16 MiB, which a small one does not fill.
        alone(f"… memory it takes above {few:,} accounts", "peak of a process each", "MiB",
              Limit(16, 8), growth),
    ]  # fmt: skip


def bill(path: Path) -> None:
    """Close the first month of a ledger."""
    [(since, until)] = _months(1)
    with open_desk(path) as desk:
        _use(desk, since)
        run = desk.usage_runs.run(from_micros(until))
        if run.lines != len(METERS) * run.subscriptions or not run.lines:
            raise AssertionError(f"{run.lines} lines")


def _peak_mebibytes(path: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(path)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def _months(count: int) -> list[tuple[int, int]]:
    bounds = (period_bounds(ANCHOR, 1, index, ZoneInfo("UTC")) for index in range(count))
    return [(to_micros(since), to_micros(until)) for since, until in bounds]


def _make(path: Path, accounts: int, *, months: int) -> None:
    """Customers on one plan, paid for month by month, and the hours in which they used something."""
    terms = [
        UsageTerms(meter, Decimal(1000), "per_unit", "USD", Decimal("0.10"), Decimal(1000))
        for meter in METERS
    ]
    with new_ledger(path, accounts) as desk:
        meters = {code: Meter(code, code.title(), "unit", 0) for code in METERS}
        sell(desk, METERED._replace(meters=meters,
                                    plans={"starter": STARTER._replace(usage=tuple(terms))}))  # fmt: skip
        _subscribe_all(desk, months)
        with desk._office.database.write() as session:
            for meter in METERS:
                session.run(
                    "INSERT INTO usage_stream (account_id, meter)"
                    " SELECT id, ? FROM account WHERE ref LIKE 'a%'",
                    (meter,),
                )


def _use(desk: Desk, since: int) -> None:
    """A month of events and their hours, told after the month before was closed."""
    now = to_micros(desk.now())
    numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    quantity = "100 + (s.number * 31 + n.i * 7) % 997"
    with desk._office.database.write() as session:
        session.run(
            f"{numbers} INSERT INTO usage_hour (stream_number, hour, quantity, events, changed_at)"
            f" SELECT s.number, ? + n.i * ?, {quantity}, 1, ? FROM usage_stream s CROSS JOIN n",
            (HOURS - 1, since, _STEP, now),
        )
        session.run(
            f"{numbers} INSERT INTO usage_event (stream_number, event_id, quantity, at, received_at)"
            f" SELECT s.number, ? || n.i || ':' || s.number, {quantity}, ? + n.i * ?, ?"
            " FROM n CROSS JOIN usage_stream s",
            (HOURS - 1, f"{since}:", since, _STEP, now),
        )


def _subscribe_all(desk: Desk, months: int) -> None:
    bounds = _months(months)
    with desk._office.database.write() as session:
        session.run(
            "INSERT INTO subscription (id, account_id, plan_code, plan_version, schedule, asset,"
            " paid_by, status, anchor_on, period_since, period_until, actor, created_at, changed_at)"
            " SELECT 'sub' || substr(id, 4), id, 'starter', 1, 'monthly', 'USD', 'wallet', 'active',"
            " ?, ?, ?, 'bench', 0, 0 FROM account WHERE ref LIKE 'a%'",
            (ANCHOR.isoformat(), *bounds[-1]),
        )
        for seq, (since, until) in enumerate(bounds, 1):
            session.run(
                "INSERT INTO billing_period (subscription_id, seq, since, until, plan_code,"
                " plan_version, schedule, quantity, created_at, anchor_on)"
                " SELECT id, ?, ?, ?, 'starter', 1, 'monthly', 1, 0, ? FROM subscription",
                (seq, since, until, ANCHOR.isoformat()),
            )


def _sum_and_post(desk: Desk, since: int, until: int) -> None:
    """What no run can do without: the sums by one statement, and a posting for each account."""
    office, now = desk._office, desk.now()
    with office.database.read() as session:
        rows = session.all(
            "SELECT a.ref, s.meter, sum(h.quantity) FROM usage_stream s"
            " JOIN usage_hour h ON h.stream_number = s.number JOIN account a ON a.id = s.account_id"
            " WHERE h.hour >= ? AND h.hour < ? GROUP BY a.ref, s.meter",
            (since, until),
        )
    sums: dict[str, list[tuple[str, int]]] = {}
    for ref, meter, quantity in rows:
        sums.setdefault(ref, []).append((meter, quantity))
    refs = list(sums)
    for start in range(0, len(refs), ACCOUNTS_AT_ONCE):
        some = refs[start : start + ACCOUNTS_AT_ONCE]
        ids = office.ids.make_many("use", now, len(some))
        drafts = []
        for ref, posting_id in zip(some, ids, strict=True):
            legs = tuple(
                Leg(ref, "cash", "USD", -(quantity // 100), 0, f"revenue:usage:{meter}")
                for meter, quantity in sums[ref]
            )
            drafts.append(
                Draft(posting_id, "usage", "system", f"usage:{ref}:{since}:1",
                      digest_of("usage", legs), "bench", legs, recorded_at=to_micros(now),
                      about=ref)
            )  # fmt: skip
        with office.database.write() as session:
            refused = post_many(session, drafts)
        if isinstance(refused, int):
            raise AssertionError(f"{some[refused]} has no money")  # noqa: TRY004 - nothing of a type
