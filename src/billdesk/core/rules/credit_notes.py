"""What a credit note gives back of an invoice: all that is left, an amount of it, or parts of lines.

What is left is kept apart by who earned it and by its tax, so that a credit note takes each share from
whom it went to, and parts that are credited one after the other sum to the whole, to the minor unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from billdesk.core.rules.invoices import LineRecord
from billdesk.core.values.errors import Refused
from billdesk.core.values.money import Money, allocate, round_ratio


class _Key(NamedTuple):
    """What tells shares of an invoice apart: who earned the net amount, and its tax."""

    revenue: str
    tax_code: str | None
    tax_name: str
    tax_rate: str
    tax_inclusive: int


class _Share(NamedTuple):
    """What is left of a share, minor units, and the text of its lines."""

    net_minor: int
    tax_minor: int
    text: str

    @property
    def gross_minor(self) -> int:
        return self.net_minor + self.tax_minor


def all_left(
    note_id: str, lines: Sequence[LineRecord], credited: Sequence[LineRecord]
) -> tuple[LineRecord, ...]:
    """Lines of a credit note over everything that is left: the invoice's own where none was credited."""
    if not credited:
        return tuple(line._replace(invoice_id=note_id) for line in lines)
    shares = _left(lines, credited)
    return _note(
        note_id,
        [
            (key, share.net_minor, share.tax_minor, share.text)
            for key, share in shares.items()
            if share.net_minor or share.tax_minor
        ],
    )


def part_left(
    note_id: str, lines: Sequence[LineRecord], credited: Sequence[LineRecord], amount_minor: int
) -> tuple[LineRecord, ...]:
    """Lines of a credit note over `amount_minor` with tax, of what is left, minor units.

    It is split over the shares by largest remainder, and each part into net and tax as its share is,
    rounded once, half away from zero. `amount_minor` is above zero and not above what is left.
    """
    shares = {key: share for key, share in _left(lines, credited).items() if share.gross_minor > 0}
    parts = allocate(amount_minor, [share.gross_minor for share in shares.values()])
    pieces = []
    for (key, share), part_minor in zip(shares.items(), parts, strict=True):
        if part_minor:
            tax_minor = round_ratio(part_minor * share.tax_minor, share.gross_minor)
            pieces.append((key, part_minor - tax_minor, tax_minor, share.text))
    return _note(note_id, pieces)


def parts_of_lines(
    note_id: str,
    lines: Sequence[LineRecord],
    credited: Sequence[LineRecord],
    amounts_minor: Mapping[int, int],
    asset: str,
) -> tuple[LineRecord, ...]:
    """Lines of a credit note over parts of an invoice's lines: amounts with tax, by their place.

    Raises Refused for a line that is not there, and for more than a line holds or is left of its share.
    """
    by_place = {line.place: line for line in lines}
    left = {key: share.gross_minor for key, share in _left(lines, credited).items()}
    pieces = []
    for place, part_minor in amounts_minor.items():
        line = by_place.get(place)
        if line is None:
            raise Refused(f"there is no line {place}", f"lines 1 to {len(lines)}")
        most_minor = min(line.gross_minor, left[_key(line)])
        if not 0 < part_minor <= most_minor:
            raise Refused(
                f"line {place} holds {Money(max(most_minor, 0), asset)} that can be credited",
                "credit no more than that",
            )
        left[_key(line)] -= part_minor
        tax_minor = round_ratio(part_minor * line.tax_minor, line.gross_minor)
        pieces.append((_key(line), part_minor - tax_minor, tax_minor, line.text))
    return _note(note_id, pieces)


def _key(line: LineRecord) -> _Key:
    return _Key(line.revenue, line.tax_code, line.tax_name, line.tax_rate, line.tax_inclusive)


def _left(lines: Iterable[LineRecord], credited: Iterable[LineRecord]) -> dict[_Key, _Share]:
    """What is left of each share of an invoice, in the order of its lines."""
    shares: dict[_Key, _Share] = {}
    for sign, each in (*((1, line) for line in lines), *((-1, line) for line in credited)):
        share = shares.get(_key(each), _Share(0, 0, each.text))
        shares[_key(each)] = share._replace(
            net_minor=share.net_minor + sign * each.net_minor,
            tax_minor=share.tax_minor + sign * each.tax_minor,
        )
    return shares


def _note(note_id: str, pieces: Iterable[tuple[_Key, int, int, str]]) -> tuple[LineRecord, ...]:
    """Lines of a credit note from (share, net, tax, text)."""
    return tuple(
        LineRecord(
            invoice_id=note_id,
            place=place,
            text=text,
            quantity="1",
            unit="",
            unit_price="",
            amount_minor=net_minor + tax_minor if key.tax_inclusive else net_minor,
            tax_code=key.tax_code,
            tax_name=key.tax_name,
            tax_rate=key.tax_rate,
            tax_inclusive=key.tax_inclusive,
            net_minor=net_minor,
            tax_minor=tax_minor,
            revenue=key.revenue,
            period_since=None,
            period_until=None,
        )
        for place, (key, net_minor, tax_minor, text) in enumerate(pieces, 1)
    )
