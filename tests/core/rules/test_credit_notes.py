"""Whatever is credited, in whatever parts: shares sum to the whole, and nobody gives back more."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from billdesk.core.rules.catalog import TaxRate
from billdesk.core.rules.credit_notes import all_left, part_left
from billdesk.core.rules.invoices import LineDraft, LineRecord, earnings, line_record, totals_of

TAXES = (
    None,
    TaxRate("vat", "VAT", "Germany", Decimal(19), inclusive=False),
    TaxRate("gst", "GST", "India", Decimal(18), inclusive=True),
    TaxRate("sales", "Sales", "Oregon", Decimal("8.875"), inclusive=False),
)

invoice_lines = st.lists(
    st.tuples(
        st.integers(-5_000, 100_000),
        st.sampled_from(TAXES),
        st.sampled_from(("revenue:a", "revenue:b")),
    ).map(lambda parts: LineDraft("x", parts[0], tax=parts[1], revenue=parts[2])),
    min_size=1,
    max_size=8,
).map(lambda drafts: [line_record(line, "inv", place) for place, line in enumerate(drafts, 1)])


@given(invoice_lines)
@settings(max_examples=60)
def test_totals_are_sums_and_all_of_it_is_earned_by_somebody(lines: list[LineRecord]) -> None:
    totals = totals_of(lines)
    assert totals.subtotal_minor == sum(line.net_minor for line in lines)
    assert totals.tax_minor == sum(line.tax_minor for line in lines)
    shares = earnings(lines)
    assert sum(minor for _, minor in shares) == totals.total_minor
    assert all(minor for _, minor in shares)
    assert [minor for _, minor in shares] == sorted(minor for _, minor in shares)
    for line in lines:
        given_minor = line.net_minor if not line.tax_inclusive else line.gross_minor
        assert given_minor == line.amount_minor


@given(invoice_lines, st.lists(st.integers(1, 100), max_size=6))
@settings(max_examples=100)
def test_parts_and_the_rest_are_the_whole(lines: list[LineRecord], parts: list[int]) -> None:
    credited: list[LineRecord] = []
    left = totals_of(lines).total_minor
    for percent in parts:
        amount = left * percent // 100
        if not 0 < amount < left:
            continue
        noted = part_left("crn", lines, credited, amount)
        assert totals_of(noted).total_minor == amount
        assert all(line.net_minor >= 0 or line.tax_minor >= 0 for line in noted)
        credited += noted
        left -= amount
    rest = all_left("crn", lines, credited)
    assert totals_of(rest).total_minor == left
    shares = Counter(dict(earnings(lines)))
    shares.subtract(dict(earnings([*credited, *rest])))
    assert set(shares.values()) <= {0}
