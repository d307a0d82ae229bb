"""Usage runs: closing months of use for all accounts, or one, and billing what they come to.

A run works through accounts in batches, each in one write block with how far it has come, so that one
that was killed goes on where it stopped, and nothing is billed twice. One run works at a time: its row
holds a lease by the database's own clock, which it renews with every batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.operations.usage.posting import Settled, settle
from billdesk.core.operations.usage.previewing import preview, preview_lines
from billdesk.core.operations.usage.pricing import Pricer
from billdesk.core.operations.usage.tallying import add_up, new_tally, run_sheet, stored_line_sheet
from billdesk.core.rules.periods import day_of
from billdesk.core.rules.sheets import Page, UsageLineSheet, UsageRunSheet
from billdesk.core.rules.usage_bills import CLOSING, FAILED, UsageLine
from billdesk.core.store import usage_lines
from billdesk.core.store import usage_runs as store
from billdesk.core.store.catalogs import catalog_now
from billdesk.core.store.meta import read_meta
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.store.usage_runs import Run
from billdesk.core.values.clock import aware, to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import (
    AtWork,
    BadInput,
    NotFound,
    ReferenceReused,
    Refused,
    StoreError,
)
from billdesk.core.values.ids import check_reference

ACCOUNTS_AT_ONCE = 250
INVOICES_AT_ONCE = 50
"""Whoever else finalizes an invoice waits for the block in which a run does."""

POST_TO = ("wallet", "invoice")
ONLY = (None, "failed", "late")

Progress = Callable[[int, int], None]


class UsageRuns:
    """`desk.usage_runs`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def preview(
        self, until: datetime | None = None, account: str | None = None, post_to: str = "wallet"
    ) -> UsageRunSheet:
        """What a run would come to now, by the same arithmetic; nothing is changed.

        `failed` are the accounts whose wallet could not pay as it stands. Raises BadInput, NotFound.
        """
        end, account_id = self._read(until, account, post_to)
        return preview(self._office, end, account_id, account, post_to)

    def preview_lines(
        self,
        until: datetime | None = None,
        account: str | None = None,
        post_to: str = "wallet",
        *,
        only: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[UsageLineSheet]:
        """The lines that a run would book now, account by account; `only` as in `lines`.

        An account's lines stay on one page, which may thus hold a few more than `limit`. Raises
        BadInput, NotFound.
        """
        check_limit(limit)
        _check_only(only)
        end, account_id = self._read(until, account, post_to)
        return preview_lines(
            self._office, end, account_id, post_to, only, read_cursor(after) or 0, limit
        )

    def run(
        self,
        until: datetime | None = None,
        *,
        account: str | None = None,
        post_to: str = "wallet",
        reference: str | None = None,
        on_progress: Progress | None = None,
    ) -> UsageRunSheet:
        """Close every month of use that has ended by `until` (None: now), and bill it; then late use.

        Who cannot pay is counted in `failed`, and comes again with the next run. The same `reference`
        gives the first run, and goes on with it where it was stopped. `on_progress` hears how many
        subscriptions are done, of how many. Raises BadInput, NotFound, Refused while another run is at
        work or inside a transaction, ReferenceReused, ReadOnly, StoreError kinds.
        """
        self._check_free()
        end, account_id = self._read(until, account, post_to)
        if reference is not None:
            with self._office.database.read() as session:
                known = store.run_by_reference(session, check_reference(reference))
            if known is not None:
                asked = (known.until if until is None else end, account_id, post_to)
                if asked != (known.until, known.account_id, known.post_to):
                    raise ReferenceReused(
                        f"the reference {reference} was used for another run ({known.id})",
                        "use a new reference for another period, account or way to post",
                    )
                return self._go_on(known, on_progress)
        return self._work(self._begin(end, account_id, post_to, reference), on_progress)

    def resume(self, id: str, *, on_progress: Progress | None = None) -> UsageRunSheet:
        """Go on with a run that was stopped or killed; one that is done is given as it is.

        Raises NotFound, Refused while it, or another one, is at work, ReadOnly, StoreError kinds.
        """
        self._check_free()
        return self._go_on(self._find(id), on_progress)

    def list(self, after: str | None = None, limit: int = 50) -> Page[UsageRunSheet]:
        """Runs, the newest first. Raises BadInput."""
        check_limit(limit)
        with self._office.database.read() as session:
            runs = store.list_runs(session, read_cursor(after), limit)
        rows = tuple(run_sheet(run) for run in runs)
        return Page(rows, str(runs[-1].number) if len(runs) == limit else None)

    def get(self, id: str) -> UsageRunSheet:
        """One run, with what it came to so far. Raises NotFound."""
        return run_sheet(self._find(id))

    def lines(
        self, id: str, after: str | None = None, limit: int = 200, *, only: str | None = None
    ) -> Page[UsageLineSheet]:
        """The lines of a run, as they were booked.

        `only`: `failed` are those that could not be billed (`seq` 0), `late` the corrections (above 1).
        Raises BadInput, NotFound.
        """
        check_limit(limit)
        _check_only(only)
        run = self._find(id)
        with self._office.database.read() as session:
            rows = usage_lines.lines_of(session, run.number, read_cursor(after), limit, only)
            meters = store.meters_ever(session)
        sheets = tuple(stored_line_sheet(row, meters[row.meter]) for row in rows)
        return Page(sheets, str(rows[-1].number) if len(rows) == limit else None)

    # --- how it is done ---------------------------------------------------------------------------

    def _check_free(self) -> None:
        self._office.check_writable()
        if self._office.database.in_block():
            raise Refused(
                "a usage run has write blocks of its own", "run it outside of a transaction"
            )

    def _read(
        self, until: datetime | None, account: str | None, post_to: str
    ) -> tuple[int, str | None]:
        """The end of what is closed in microseconds, and the account's id."""
        office = self._office
        now = office.now()
        end = now if until is None else aware(until)
        if end > now:
            raise BadInput("usage is closed when its period is over", "give no end in the future")
        if post_to not in POST_TO:
            raise BadInput(f"usage is not posted to {post_to[:40]!r}", "wallet or invoice")
        if account is None:
            return to_micros(end), None
        with office.database.read() as session:
            return to_micros(end), office.account(session, account).id

    def _find(self, id: str) -> Run:
        with self._office.database.read() as session:
            run = store.find_run(session, id)
        if run is None:
            raise NotFound(f"there is no usage run {id[:64]!r}", "see billdesk usage-run list")
        return run

    def _begin(self, end: int, account_id: str | None, post_to: str, reference: str | None) -> Run:
        office, now = self._office, self._office.now()
        run_id = office.ids.make("urn", now)
        try:
            with office.database.write() as session:
                self._stop_dead(session)
                last = store.last_of_all(session)
                store.begin_run(
                    session,
                    id=run_id,
                    reference=reference,
                    until=end,
                    account_id=account_id,
                    post_to=post_to,
                    summary=new_tally(
                        subscriptions=store.count_metered(session, account_id),
                        # Use that was told since the last run over all accounts may be late.
                        events_since=last.summary["events_until"] if last else 0,
                        events_until=store.newest_event(session),
                        failed_in=last.number if last else 0,
                    ),
                    actor=office.actor,
                    at=to_micros(now),
                )
        except KeyTaken as error:
            raise AtWork("another usage run has just begun", "wait until it is done") from error
        return self._find(run_id)

    def _stop_dead(self, session: Session) -> None:
        """Stop a run whose process is gone: what it left open is closed by the one that begins."""
        run = store.running(session)
        if run is None:
            return
        _check_dead(session, run)
        store.end_run(session, run, "stopped", None)

    def _go_on(self, run: Run, on_progress: Progress | None) -> UsageRunSheet:
        if run.status == "done":
            return run_sheet(run)._replace(replayed=True)
        try:
            with self._office.database.write() as session:
                if run.status == "running":
                    _check_dead(session, run)
                else:
                    self._stop_dead(session)
                taken = store.take_over(session, run)
        except KeyTaken:
            taken = None
        if taken is None:
            raise AtWork(f"the usage run {run.id} was taken up by another process", "wait for it")
        return self._work(taken, on_progress)

    def _work(self, run: Run, on_progress: Progress | None) -> UsageRunSheet:
        try:
            pricer = self._pricer(run)
            while (moved := self._batch(run, pricer)) is not None:
                run = moved
                if on_progress is not None:
                    on_progress(run.summary["done"], run.summary["subscriptions"])
            self._finish(run)
        except BaseException:
            # Whatever ended it, Ctrl-C too: the next run need not wait for the lease. Where even this
            # cannot be written down, the lease runs out by itself.
            with suppress(StoreError), self._office.database.write() as session:
                store.end_run(session, run, "stopped", None)
            raise
        return self.get(run.id)

    def _pricer(self, run: Run) -> Pricer:
        with self._office.database.read(snapshot=True) as session:
            late = None
            if run.account_id is None:
                since, until = run.summary["events_since"], run.summary["events_until"]
                late = store.late_accounts(session, since, until, run.summary["failed_in"])
            return Pricer(session, run.until, late)

    def _batch(self, run: Run, pricer: Pricer) -> Run | None:
        """One batch of accounts, with how far the run has come; None at the end."""
        office, now = self._office, self._office.now()
        at_once = INVOICES_AT_ONCE if run.post_to == "invoice" else ACCOUNTS_AT_ONCE
        with office.database.write() as session:
            some = store.next_metered(session, run.cursor, run.account_id, at_once)
            if not some:
                return None
            held = store.renew_lease(session, run)
            if held is None:
                raise AtWork(f"the usage run {run.id} was taken over by another process", "")
            owed = pricer.work_out(session, some)
            settled = settle(office, session, held, pricer, owed, now)
            _write_down(session, held, settled, to_micros(now))
            moved = held._replace(
                cursor=some[-1].leader, summary=add_up(held.summary, len(some), settled)
            )
            store.move_on(session, moved)
        return moved

    def _finish(self, run: Run) -> None:
        office, now = self._office, self._office.now()
        with office.database.write() as session:
            if not store.end_run(session, run, "done", to_micros(now)):
                raise AtWork(f"the usage run {run.id} was taken over by another process", "")
            tally = run.summary
            summary = (
                f"{tally['periods']} periods, {tally['lines']} lines,"
                f" {tally['corrections']} corrections, {tally['failed']} accounts failed"
            )
            office.audit(
                session,
                now=now,
                action="usage.run",
                summary=summary,
                account_id=run.account_id,
                data={"run": run.id, "post_to": run.post_to},
            )


def run_due(office: Office, now: datetime) -> int:
    """Bill closed usage where the company says so, once a day of the desk's zone; how many lines.

    A run that was killed is gone on with. Raises ReadOnly, StoreError kinds.
    """
    with office.database.read() as session:
        post_to = catalog_now(session).company.usage_to
        if post_to == "hand" or not store.count_metered(session, None):
            return 0
        today = day_of(now, ZoneInfo(read_meta(session)["zone"]))
    try:
        sheet = UsageRuns(office).run(post_to=post_to, reference=f"usage:{today}:{post_to}")
    except AtWork:
        return 0
    return 0 if sheet.replayed else sheet.lines


def _check_only(only: str | None) -> None:
    if only not in ONLY:
        raise BadInput(f"{str(only)[:40]!r} is no sort of lines", "failed or late")


def _check_dead(session: Session, run: Run) -> None:
    """Raises AtWork for a run that moved on lately."""
    clock_now = store.clock(session)
    if run.lease_until is not None and store.is_at_work(run, clock_now):
        seconds = -(-(run.lease_until - clock_now) // 1_000_000)
        raise AtWork(
            f"the usage run {run.id} by {run.actor} is at work",
            f"wait until it is done; if its process was killed, resume it in {seconds} seconds",
        )


def _write_down(session: Session, run: Run, settled: Sequence[Settled], at: int) -> None:
    """Keep the lines of what was settled, what could not be, and what periods come to now."""
    rows, closed, corrected = [], [], []
    for each in settled:
        subscription, bill = each.owed
        whose = (subscription.account_id, subscription.id)
        for index, line in enumerate(bill.lines):
            if line.quantity or line.amount_minor:
                rows.append(
                    (
                        *(run.number, *whose, line.meter, bill.seq if each.is_booked else FAILED),
                        *(bill.since, bill.until, bill.plan_code, bill.plan_version),
                        *(line.quantity, line.billable, line.asset, line.amount_minor),
                        *_papers(each, index, line),
                        line.detail if each.failure is None else each.failure,
                    )
                )
            if not each.is_booked:
                continue
            if bill.seq == CLOSING:
                closed.append(
                    (
                        *(subscription.id, line.meter, bill.since, bill.until, whose[0]),
                        *(line.total_quantity, line.total_minor, bill.seq, at),
                    )
                )
            else:
                corrected.append(
                    (
                        *(line.total_quantity, line.total_minor, bill.seq, at),
                        *(subscription.id, line.meter, bill.since),
                    )
                )
    usage_lines.add_lines(session, rows)
    usage_lines.close_periods(session, closed)
    usage_lines.correct_periods(session, corrected)


def _papers(settled: Settled, index: int, line: UsageLine) -> tuple[str | None, str | None]:
    """The posting and the invoice that a line is part of."""
    paper = settled.papers.get(index)
    if paper is not None or not line.amount_minor:
        return None, paper
    return settled.postings.get(line.asset), None
