"""One comparison with a gateway's own books: both sides read, paired, counted.

Memory stays flat however long the lists are: theirs goes through a file, ours comes in order from the
database, and what neither names alike waits in the file again until both lists have gone by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import groupby, islice
from types import TracebackType
from typing import Self, TypeVar

from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Gateway, GatewayRow
from billdesk.core.rules.matching import (
    MATCHED,
    Item,
    Line,
    Span,
    Sums,
    Tally,
    Terms,
    alarm_minor,
    item_of,
    late_from,
    outcome_of,
    paired,
)
from billdesk.core.rules.sheets import ReconcileTotalSheet
from billdesk.core.store.movements import clearing, known_objects, our_lines
from billdesk.core.store.sessions import Session
from billdesk.core.store.spill import Spill
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.money import Money

MOST_MATCHED_KEPT = 20_000
"""Of longer lists only those items are kept that do not match."""

_KEY = 3  # the first fields of a line
_BATCH = 4_000
_TELL_EVERY = 1_000

Progress = Callable[[int, int], None]
Row = TypeVar("Row")


class Comparison:
    """What is compared, and what it comes to. Close it after use."""

    def __init__(self, office: Office, gateway: Gateway, span: Span, terms: Terms) -> None:
        self.tally = Tally()
        self.matched_kept = True
        self._office, self._gateway = office, gateway
        self._span, self._terms = span, terms
        self._clearing: dict[str, int] = {}
        self._theirs, self._items = Spill(sorted_by=_KEY), Spill(sorted_by=0)
        # What is left comes in order already.
        self._our_rest, self._their_rest = Spill(sorted_by=0), Spill(sorted_by=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for spill in (self._theirs, self._items, self._our_rest, self._their_rest):
            spill.close()

    def run(self, on_progress: Progress | None) -> None:
        """Read and pair everything. Raises what the gateway raises, StoreError kinds."""
        tell = on_progress or _say_nothing
        rows = self._gateway.rows(from_micros(self._span.since), from_micros(self._span.until))
        # About as much again is to come from our side.
        count = self._theirs.extend(map(_line, _told(rows, lambda done: tell(done, 2 * done))))
        self.matched_kept = count <= MOST_MATCHED_KEPT
        with self._office.database.read(snapshot=True) as session:
            ours = our_lines(
                session, self._gateway.name, self._gateway.mode, self._span,
                late_from(self._span, self._terms),
            )  # fmt: skip
            told = _told(ours, lambda done: tell(count + done, count + max(count, done)))
            self._pair(told)
            self._pair_rests(session)
            self._clearing = clearing(session, self._gateway.name, self._span)

    def items(self) -> Iterator[Item]:
        """The items to be kept: first what both sides have under one name, then the rest."""
        return map(Item._make, self._items)

    def _pair(self, ours: Iterator[Line]) -> None:
        """Take what both sides have under one name; keep the rest of either aside."""
        for our, their in paired(ours, map(Line._make, self._theirs)):
            if our is None and their is not None:
                self._their_rest.add(their)
            elif our is not None and their is None:
                self._our_rest.add(our)
            else:
                self._take(our, their)

    def _pair_rests(self, session: Session) -> None:
        """Pair what is left of both sides by the other names it has here."""
        with Spill(sorted_by=_KEY) as renamed:
            rest = map(Line._make, self._their_rest)
            while lines := list(islice(rest, _BATCH)):
                renamed.extend(self._renamed(session, lines))
            for our, their in paired(map(Line._make, self._our_rest), map(Line._make, renamed)):
                self._take(our, their)

    def _renamed(self, session: Session, lines: Sequence[Line]) -> Iterator[Line]:
        """Lines of theirs under the names that the desk has for them, if it knows them at all."""
        for kind, group in groupby(lines, lambda line: line.kind):
            alike = list(group)
            known = known_objects(
                session, self._gateway.name, self._gateway.mode, self._span, kind, alike
            )
            for line in alike:
                names = (line.our_id, line.charge_id, line.external_id)
                found = next((known[name] for name in names if name in known), None)
                yield line._replace(**found._asdict()) if found else line._replace(our_id="")

    def _take(self, our: Line | None, their: Line | None) -> None:
        outcome = outcome_of(our, their, self._span, self._terms)
        self.tally.add(our, their, outcome)
        if outcome != MATCHED or self.matched_kept:
            self._items.add(item_of(our, their, outcome))

    def totals(self) -> tuple[ReconcileTotalSheet, ...]:
        """Each asset in total, by name: of either side, and of the ledger's own entries."""
        sums = self.tally.sums
        assets = sorted({*sums, *self._clearing})
        return tuple(self._total(asset, sums.get(asset, Sums())) for asset in assets)

    def _total(self, asset: str, sums: Sums) -> ReconcileTotalSheet:
        cleared_minor = self._clearing.get(asset, 0)
        net_minor = sums.theirs_minor - sums.their_fees_minor
        limit_minor = alarm_minor(asset, self._terms)
        return ReconcileTotalSheet(
            asset=asset,
            ours=Money(sums.ours_minor, asset),
            theirs=Money(sums.theirs_minor, asset),
            our_fees=Money(sums.our_fees_minor, asset),
            their_fees=Money(sums.their_fees_minor, asset),
            clearing=Money(cleared_minor, asset),
            clearing_difference=Money(cleared_minor - net_minor, asset),
            difference=Money(sums.difference_minor, asset),
            limit=Money(limit_minor, asset),
            alarm=sums.difference_minor > limit_minor,
        )

    def digest(self) -> str:
        """SHA-256 of the kept items and the totals: the same for the same two lists."""
        digest = sha256(json.dumps(self.totals()).encode())
        for item in self._items:
            digest.update(json.dumps(item).encode())
        return digest.hexdigest()


def _line(row: GatewayRow) -> tuple[object, ...]:
    """A row of the gateway's as a line; only a payment has other names."""
    kind, external_id, charge_id, payment_id, asset, amount_minor, fee_minor, happened_at = row
    if kind != "payment":
        charge_id = payment_id = None
    at = to_micros(happened_at)
    names = (charge_id or "", payment_id or "", "", 0)
    return kind, external_id, asset, amount_minor, fee_minor, at, *names


def _told(rows: Iterable[Row], tell: Callable[[int], None]) -> Iterator[Row]:
    """The same rows; how many have gone by is told now and then."""
    done = 0
    for done, row in enumerate(rows, 1):
        if done % _TELL_EVERY == 0:
            tell(done)
        yield row
    tell(done)


def _say_nothing(_done: int, _total: int) -> None:
    """For callers who do not ask how far it is."""
