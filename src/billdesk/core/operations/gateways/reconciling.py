"""Comparing what the desk has with a gateway's own books, line by line and in total.

The gateway is read first, with nothing open in the ledger; then both sides go by once, in order. What
came of it is written in one block at the end, so that an interrupted comparison leaves its row and
nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from billdesk.core.operations.gateways.comparing import Comparison, Progress
from billdesk.core.operations.gateways.connecting import is_here
from billdesk.core.operations.ledger.exporting import csv_line, new_file
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.depositing import gateway_named
from billdesk.core.rules.gateway import Gateway
from billdesk.core.rules.matching import MATCHED, OUTCOMES, USUAL_TERMS, Span, Terms
from billdesk.core.rules.sheets import (
    ExportSheet,
    Page,
    ReconcileItemSheet,
    ReconcileSheet,
)
from billdesk.core.store import reconciliations as store
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import aware, format_instant, to_micros
from billdesk.core.values.errors import (
    BadInput,
    BilldeskError,
    GatewayError,
    NotFound,
    ReferenceReused,
    Refused,
)
from billdesk.core.values.ids import check_reference
from billdesk.core.values.money import Money, format_minor
from billdesk.core.values.text import check_memo, check_word

USUAL_SPAN = timedelta(days=30)
REFERENCE_KEPT = timedelta(hours=24)
SHORTEST_REFERENCE = 16
RUN_EVERY = timedelta(hours=24)
TRY_AGAIN_AFTER = timedelta(hours=1)
FILTERS = (*OUTCOMES, store.EXPLAINED, store.OPEN)
FORMATS = ("csv", "jsonl")


class Reconciliations:
    """`desk.reconcile`."""

    def __init__(self, office: Office, terms: Terms = USUAL_TERMS) -> None:
        self._office = office
        self._terms = terms

    def run(
        self,
        gateway: str,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        reference: str | None = None,
        on_progress: Progress | None = None,
    ) -> ReconcileSheet:
        """Compare a half-open span with a gateway's books: the last 30 days up to the full hour.

        `reference`, 16 characters or more, makes the call safe to repeat: for 24 hours it gives the
        first result. `on_progress` hears how many lines are read, of about how many. Raises NotFound,
        BadInput, ReferenceReused for another span or gateway, Refused inside a transaction, ReadOnly,
        NotOffered, GatewayError; after GatewayUnreachable nothing is kept but that it was tried.
        """
        office = self._office
        office.check_writable()
        office.check_outside()
        now = office.now()
        maker = gateway_named(office, gateway)
        span = _span(since, until, now)
        if reference is not None:
            _check_key(reference)
            known = self._known(reference, gateway, since, until, now)
            if known is not None:
                return known
        run_id = self._begin(maker, span, reference, now)
        try:
            with Comparison(office, maker, span, self._terms) as comparison:
                comparison.run(on_progress)
                self._finish(run_id, gateway, comparison)
        except BilldeskError as error:
            self._interrupt(run_id, gateway, error)
            raise
        return self.get(run_id)

    def _known(
        self,
        reference: str,
        gateway: str,
        since: datetime | None,
        until: datetime | None,
        now: datetime,
    ) -> ReconcileSheet | None:
        """The first result of a reference. An end of the span that is not given is the same."""
        with self._office.database.read() as session:
            known = store.finished_run(session, reference, to_micros(now - REFERENCE_KEPT))
        if known is None:
            return None
        same = (known.gateway, since or known.since, until or known.until)
        if same != (gateway, known.since, known.until):
            raise ReferenceReused(
                f"the reference {reference} was used for another comparison ({known.id})",
                "use a new reference for another gateway or span",
            )
        return known

    def _begin(self, maker: Gateway, span: Span, reference: str | None, now: datetime) -> str:
        office = self._office
        run_id = office.ids.make("rec", now)
        with office.database.write() as session:
            store.begin_run(
                session,
                id=run_id,
                reference=reference,
                gateway=maker.name,
                mode=maker.mode,
                span=span,
                actor=office.actor,
                at=to_micros(now),
            )
        return run_id

    def _finish(self, run_id: str, gateway: str, comparison: Comparison) -> None:
        office = self._office
        now = office.now()
        outcomes = comparison.tally.outcomes
        apart = {name: count for name, count in outcomes.items() if name != MATCHED and count}
        with office.database.write() as session:
            store.finish_run(
                session,
                run_id,
                comparison.items(),
                outcomes=outcomes,
                totals=comparison.totals(),
                matched_kept=comparison.matched_kept,
                digest=comparison.digest(),
                at=to_micros(now),
            )
            office.audit(
                session,
                now=now,
                action="reconcile.run",
                summary=f"{gateway}: {outcomes[MATCHED]} matched, {sum(apart.values())} not",
                data={"run": run_id, **apart},
            )

    def _interrupt(self, run_id: str, gateway: str, error: BilldeskError) -> None:
        office = self._office
        with office.database.write() as session:
            store.interrupt_run(session, run_id, error.message)
            office.audit(
                session, now=office.now(), action="reconcile.run",
                summary=f"{gateway}: {error.message}", outcome="refused",
                data={"run": run_id, "code": error.code},
            )  # fmt: skip

    def list(
        self, *, gateway: str | None = None, after: str | None = None, limit: int = 200
    ) -> Page[ReconcileSheet]:
        """Comparisons, the newest first, those among them that were interrupted. Raises BadInput."""
        check_limit(limit)
        with self._office.database.read() as session:
            rows, cursor = store.list_runs(session, gateway=gateway, after=after, limit=limit)
        return Page(tuple(rows), cursor)

    def get(self, id: str) -> ReconcileSheet:
        """One comparison. Raises NotFound."""
        with self._office.database.read() as session:
            return _run(session, id)

    def items(
        self, id: str, outcome: str | None = None, after: str | None = None, limit: int = 200
    ) -> Page[ReconcileItemSheet]:
        """Items of a comparison, by gateway id.

        `outcome`: one of the outcomes, `explained`, or `open` for what does not match and nobody has
        explained. Raises BadInput, NotFound.
        """
        check_limit(limit)
        check_word(outcome, "outcome", FILTERS)
        now = to_micros(self._office.now())
        with self._office.database.read() as session:
            _run(session, id)
            rows, cursor = store.list_items(
                session, id, outcome=outcome, after=after, limit=limit, now=now
            )
        return Page(tuple(rows), cursor)

    def explain(self, item: int, note: str) -> ReconcileItemSheet:
        """Say in 10 to 500 characters why an item does not match; later runs know it from here.

        Explained again, the newer note counts. Raises NotFound, BadInput for the note, Refused for
        an item that matches, ReadOnly.
        """
        office, now = self._office, self._office.now()
        text = check_memo(note)
        with office.database.write() as session:
            sheet = _item(session, item, now)
            if sheet.outcome == MATCHED:
                raise Refused("both sides agree about this item", "explain one that differs")
            store.explain_item(session, item, text, office.actor, to_micros(now))
            office.audit(
                session, now=now, action="reconcile.explain",
                summary=f"{sheet.kind} {sheet.external_id}: {text}", data={"item": item},
            )  # fmt: skip
            return _item(session, item, now)

    def export(self, id: str, path: str | os.PathLike[str], format: str = "csv") -> ExportSheet:
        """Write all kept items of a comparison to a new file, csv or jsonl; whole or not at all.

        The totals are the differences, each without its sign. Raises NotFound, BadInput,
        AlreadyExists.
        """
        check_word(format, "format", FORMATS)
        rows, target, now = 0, Path(path), to_micros(self._office.now())
        write = csv_line if format == "csv" else _json_line
        with self._office.database.read(snapshot=True) as session:
            sheet = _run(session, id)
            with new_file(target) as stream:
                if format == "csv":
                    stream.write(csv_line(_COLUMNS))
                for item in store.stream_items(session, id, now):
                    stream.write(write(_cells(item)))
                    rows += 1
        totals = tuple(total.difference for total in sheet.totals)
        return ExportSheet(str(target), format, rows, totals)


_COLUMNS = (
    "item", "kind", "outcome", "external_id", "our_id", "account", "asset", "ours_minor",
    "theirs_minor", "ours", "theirs", "our_fee_minor", "their_fee_minor", "happened_at", "age_days",
    "note", "explained_by", "explained_at",
)  # fmt: skip


def _cells(item: ReconcileItemSheet) -> tuple[object, ...]:
    return (
        item.number, item.kind, item.outcome, item.external_id, item.our_id, item.account_ref,
        item.asset, _minor(item.ours), _minor(item.theirs), _major(item.ours), _major(item.theirs),
        _minor(item.our_fee), _minor(item.their_fee), format_instant(item.happened_at),
        item.age_days, item.note, item.explained_by,
        None if item.explained_at is None else format_instant(item.explained_at),
    )  # fmt: skip


def _minor(money: Money | None) -> int | None:
    return None if money is None else money.minor


def _major(money: Money | None) -> str | None:
    return None if money is None else format_minor(money.minor, money.asset)


def _json_line(cells: Sequence[object]) -> str:
    return json.dumps(dict(zip(_COLUMNS, cells, strict=True))) + "\n"


def due(office: Office, now: datetime) -> tuple[str, ...]:
    """The gateways whose books were last compared more than a day ago, or never.

    One that could not be asked is left alone for an hour.
    """
    with office.database.read() as session:
        last = store.last_runs(session)
    waiting = []
    for name, gateway in tuple(office.gateways.items()):
        started, finished = last.get((name, gateway.mode), (None, None))
        is_old = finished is None or finished <= to_micros(now - RUN_EVERY)
        if is_old and (started is None or started <= to_micros(now - TRY_AGAIN_AFTER)):
            waiting.append(name)
    return tuple(waiting)


def compare_due(office: Office, now: datetime) -> tuple[int, tuple[str, ...]]:
    """Compare with one gateway whose turn it is, real ones only: (how many, what went wrong).

    Those whose key is not on this machine are left to the machine that has it.
    """
    waiting = [name for name in due(office, now) if office.gateways[name].make != "sandbox"]
    for name in waiting:
        try:
            if is_here(office.gateways[name]):
                Reconciliations(office).run(name)
                return 1, ()
        except GatewayError as error:
            return 0, (f"{name}: {error.message}",)
    return 0, ()


def _span(since: datetime | None, until: datetime | None, now: datetime) -> Span:
    """The span asked for, or the usual one. Raises BadInput for an empty one or the future."""
    end = aware(until) if until else now.replace(minute=0, second=0, microsecond=0)
    start = aware(since) if since else end - USUAL_SPAN
    if end > now:
        raise BadInput("the span ends in the future", "choose an end that has passed")
    if start >= end:
        raise BadInput("the span ends before it begins", "choose an end after the beginning")
    return Span(to_micros(start), to_micros(end))


def _check_key(reference: str) -> None:
    check_reference(reference)
    if len(reference) < SHORTEST_REFERENCE:
        raise BadInput(
            f"the reference has {len(reference)} characters",
            f"{SHORTEST_REFERENCE} at least, so that no two runs share one by chance",
        )


def _run(session: Session, run_id: str) -> ReconcileSheet:
    sheet = store.run_by_id(session, run_id)
    if sheet is None:
        raise NotFound(f"there is no comparison {run_id[:64]!r}", "see billdesk reconcile list")
    return sheet


def _item(session: Session, number: int, now: datetime) -> ReconcileItemSheet:
    sheet = store.item_by_number(session, number, to_micros(now))
    if sheet is None:
        raise NotFound(f"there is no item {number}", "see billdesk reconcile show")
    return sheet
