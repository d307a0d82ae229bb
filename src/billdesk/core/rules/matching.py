"""Two lists of what a gateway did, ours and its own, and what becomes of each line of either.

Both come in the order of `Line.key`, so one pass over both, side by side, is enough: a merge join in
flat memory. Lines of one object are taken together first, so that a refund that failed later is
nothing, on either side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from billdesk.core.values.errors import Broken
from billdesk.core.values.money import EXPONENTS

MATCHED = "matched"
WITHIN_TOLERANCE = "within_tolerance"
TIMING = "timing"
MISSING_HERE = "missing_here"
MISSING_THERE = "missing_there"
DIFFERS = "differs"
OUTCOMES = (MATCHED, WITHIN_TOLERANCE, TIMING, MISSING_HERE, MISSING_THERE, DIFFERS)

_WHOLE_BASIS_POINTS = 10_000
_MICROS_PER_HOUR = 3_600_000_000


class Line(NamedTuple):
    """What one side says of one object, in an asset: a movement of money, or several summed.

    `amount_minor` is positive for money in, negative for money back; `fee_minor` is what the gateway
    kept. `happened_at` is the gateway's time in microseconds. `charge_id` and `our_id` are other
    names of the object, if known. `waits`: the other side may well not have it yet, or in another span.
    """

    kind: str
    external_id: str
    asset: str
    amount_minor: int
    fee_minor: int
    happened_at: int
    charge_id: str = ""
    our_id: str = ""
    account_id: str = ""
    waits: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What lines of one object have in common: kind, external id and asset."""
        return self[:3]


class Terms(NamedTuple):
    """How strictly two sides are compared.

    Amounts may differ by `tolerance_basis_points` of the larger one. What only one side has counts
    as late in the last `late_hours` of the span, since gateways report up to some hours later, and
    as cut off otherwise in its first `early_hours`. The alarm is raised when the differences of an
    asset come to more than `alarm_major` of its major units, such as 1,000 USD or 1,000 JPY.
    """

    tolerance_basis_points: int = 50
    late_hours: int = 24
    early_hours: int = 1
    alarm_major: int = 1000


USUAL_TERMS = Terms()


class Span(NamedTuple):
    """A half-open span of time, in microseconds."""

    since: int
    until: int


class Item(NamedTuple):
    """One object as both sides have it, and the outcome. None where a side has nothing."""

    kind: str
    outcome: str
    external_id: str
    our_id: str | None
    account_id: str | None
    asset: str
    ours_minor: int | None
    theirs_minor: int | None
    our_fee_minor: int | None
    their_fee_minor: int | None
    happened_at: int


Pair = tuple[Line | None, Line | None]
"""Ours and theirs of one object; one of them may be missing."""


def paired(ours: Iterable[Line], theirs: Iterable[Line]) -> Iterator[Pair]:
    """Each object of two lists in order, with what either side says. Broken if one is not in order."""
    our_lines, their_lines = folded(ours), folded(theirs)
    our, their = next(our_lines, None), next(their_lines, None)
    while our is not None and their is not None:
        our_key, their_key = our[:3], their[:3]
        if our_key == their_key:
            yield our, their
            our, their = next(our_lines, None), next(their_lines, None)
        elif our_key < their_key:
            yield our, None
            our = next(our_lines, None)
        else:
            yield None, their
            their = next(their_lines, None)
    while our is not None:
        yield our, None
        our = next(our_lines, None)
    while their is not None:
        yield None, their
        their = next(their_lines, None)


def folded(lines: Iterable[Line]) -> Iterator[Line]:
    """Lines in order, those of one object summed. Broken if they are not in order."""
    last: Line | None = None
    for line in lines:
        if last is None:
            last = line
        elif last[:3] < line[:3]:
            yield last
            last = line
        elif last[:3] == line[:3]:
            last = _sum(last, line)
        else:
            raise Broken(f"{line.key} comes after {last.key}: the database sorts in another way")
    if last is not None:
        yield last


def _sum(one: Line, other: Line) -> Line:
    return one._replace(
        amount_minor=one.amount_minor + other.amount_minor,
        fee_minor=one.fee_minor + other.fee_minor,
        happened_at=min(one.happened_at, other.happened_at),
        charge_id=max(one.charge_id, other.charge_id),
        our_id=max(one.our_id, other.our_id),
        account_id=max(one.account_id, other.account_id),
        waits=max(one.waits, other.waits),
    )


def outcome_of(our: Line | None, their: Line | None, span: Span, terms: Terms) -> str:
    """What becomes of an object. A side that does not have it says that no money moved."""
    our_minor = our.amount_minor if our else 0
    their_minor = their.amount_minor if their else 0
    if our_minor == their_minor:
        same_fee = (our.fee_minor if our else 0) == (their.fee_minor if their else 0)
        return MATCHED if same_fee else WITHIN_TOLERANCE
    if our is None or their is None:
        if _may_follow(_known(our, their), span, terms):
            return TIMING
        return MISSING_HERE if our is None else MISSING_THERE
    larger = max(abs(our_minor), abs(their_minor))
    tolerated = terms.tolerance_basis_points * larger
    within = abs(our_minor - their_minor) * _WHOLE_BASIS_POINTS <= tolerated
    return WITHIN_TOLERANCE if within else DIFFERS


def _known(our: Line | None, their: Line | None) -> Line:
    """The side that knows the object; ours, if both do."""
    if our is not None:
        return our
    if their is None:
        raise Broken("a pair of nothing")
    return their


def late_from(span: Span, terms: Terms) -> int:
    """From when on in a span the other side may be late."""
    return span.until - terms.late_hours * _MICROS_PER_HOUR


def _may_follow(line: Line, span: Span, terms: Terms) -> bool:
    """Whether the other side may simply be late, or have cut the span a little otherwise."""
    early_until = span.since + terms.early_hours * _MICROS_PER_HOUR
    return (
        bool(line.waits)
        or line.happened_at >= late_from(span, terms)
        or line.happened_at < early_until
    )


def item_of(our: Line | None, their: Line | None, outcome: str) -> Item:
    """A pair as one line of a comparison."""
    some = _known(our, their)
    return Item(
        some.kind,
        outcome,
        some.external_id,
        some.our_id or None,
        some.account_id or None,
        some.asset,
        None if our is None else our.amount_minor,
        None if their is None else their.amount_minor,
        None if our is None else our.fee_minor,
        None if their is None else their.fee_minor,
        some.happened_at,
    )


@dataclass(slots=True)
class Sums:
    """One asset in total, in minor units; `difference_minor` adds up what does not agree."""

    ours_minor: int = 0
    theirs_minor: int = 0
    our_fees_minor: int = 0
    their_fees_minor: int = 0
    difference_minor: int = 0


class Tally:
    """How often each outcome came, and each asset's sums."""

    def __init__(self) -> None:
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.sums: dict[str, Sums] = {}

    def add(self, our: Line | None, their: Line | None, outcome: str) -> None:
        """Count one object. What may follow is no difference yet."""
        self.outcomes[outcome] += 1
        asset = _known(our, their).asset
        sums = self.sums.get(asset)
        if sums is None:
            sums = self.sums[asset] = Sums()
        our_minor = their_minor = 0
        if our is not None:
            our_minor = our.amount_minor
            sums.ours_minor += our_minor
            sums.our_fees_minor += our.fee_minor
        if their is not None:
            their_minor = their.amount_minor
            sums.theirs_minor += their_minor
            sums.their_fees_minor += their.fee_minor
        if outcome != TIMING:
            sums.difference_minor += abs(their_minor - our_minor)


def alarm_minor(asset: str, terms: Terms) -> int:
    """Differences above this raise the alarm: so many of the asset's own major units."""
    return int(terms.alarm_major * 10 ** EXPONENTS.get(asset, 0))
