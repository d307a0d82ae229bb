"""One comparison with a gateway's own books: both sides read, paired, counted.

Memory stays flat however long the lists are: theirs goes through a file, ours comes in order from the
database, and what neither names alike waits in the file again until both lists have gone by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from typing import TypeVar

from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Gateway
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
from billdesk.core.store.spill import Rest, Spill
from billdesk.core.values.clock import from_micros
from billdesk.core.values.money import Money

MOST_MATCHED_KEPT = 20_000
"""Of longer lists only those items are kept that do not match."""

_BATCH = 500
_TELL_EVERY = 1_000

Progress = Callable[[int, int], None]
Row = TypeVar("Row")


class Comparison:
    """What is compared, and what it comes to; `items` lie in the spill, which the caller closes."""

    def __init__(
        self, office: Office, gateway: Gateway, span: Span, terms: Terms, spill: Spill
    ) -> None:
        self.tally = Tally()
        self.matched_kept = True
        self._office, self._gateway, self._span = office, gateway, span
        self._terms, self._spill = terms, spill
        self._clearing: dict[str, int] = {}
        self._items: list[Item] = []

    def run(self, on_progress: Progress | None) -> None:
        """Read and pair everything. Raises what the gateway raises, StoreError kinds."""
        tell = on_progress or _say_nothing
        rows = self._gateway.rows(from_micros(self._span.since), from_micros(self._span.until))
        # About as much again is to come from our side.
        theirs = self._spill.take_theirs(_told(rows, lambda done: tell(done, 2 * done)))
        self.matched_kept = theirs <= MOST_MATCHED_KEPT
        with self._office.database.read(snapshot=True) as session:
            ours = our_lines(
                session, self._gateway.name, self._gateway.mode, self._span,
                late_from(self._span, self._terms),
            )  # fmt: skip
            self._pair(_told(ours, lambda done: tell(theirs + done, theirs + max(theirs, done))))
            self._settle_rests(session)
            self._clearing = clearing(session, self._gateway.name, self._span)
        self._spill.keep(self._items)

    def items(self) -> Iterator[Item]:
        """The items to be kept, in their order."""
        return self._spill.items()

    def _pair(self, ours: Iterator[Line]) -> None:
        """Take what both sides have under one name; keep the rest of either aside."""
        rests: dict[Rest, list[Line]] = {"our_rest": [], "their_rest": []}
        for our, their in paired(ours, self._spill.theirs()):
            if our is not None and their is not None:
                self._take(our, their)
            elif our is not None:
                self._leave(rests, "our_rest", our)
            elif their is not None:
                self._leave(rests, "their_rest", their)
        for side, lines in rests.items():
            self._spill.leave(side, lines)

    def _leave(self, rests: dict[Rest, list[Line]], side: Rest, line: Line) -> None:
        rests[side].append(line)
        if len(rests[side]) >= _BATCH:
            self._spill.leave(side, rests[side])
            rests[side] = []

    def _settle_rests(self, session: Session) -> None:
        """Pair by other names what is left of both sides, and say what becomes of the others."""
        self._spill.rename()
        unknown: list[Line] = []
        for our, their in paired(self._spill.rest("our_rest"), self._spill.rest("their_rest")):
            if our is not None:
                self._take(our, their)
            elif their is not None:
                unknown.append(their)
            if len(unknown) >= _BATCH:
                self._take_theirs(session, unknown)
                unknown = []
        self._take_theirs(session, unknown)

    def _take_theirs(self, session: Session, lines: Sequence[Line]) -> None:
        """Take what only they have in this span; the desk may know it all the same."""
        for kind, group in groupby(lines, lambda line: line.kind):
            alike = list(group)
            known = known_objects(
                session, self._gateway.name, self._gateway.mode, self._span, kind, alike
            )
            for line in alike:
                names = (line.our_id, line.charge_id, line.external_id)
                found = next((known[name] for name in names if name in known), None)
                self._take(
                    None,
                    line._replace(our_id=None)
                    if found is None
                    else line._replace(
                        our_id=found.our_id, account_id=found.account_id, waits=found.waits
                    ),
                )

    def _take(self, our: Line | None, their: Line | None) -> None:
        outcome = outcome_of(our, their, self._span, self._terms)
        self.tally.add(our, their, outcome)
        if outcome != MATCHED or self.matched_kept:
            self._items.append(item_of(our, their, outcome))
            if len(self._items) >= _BATCH:
                self._spill.keep(self._items)
                self._items = []

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
        for item in self._spill.items():
            digest.update(json.dumps(item).encode())
        return digest.hexdigest()


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
