from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from billdesk.screens.safe_text import (
    TONES,
    cut,
    fit,
    fit_number,
    safe_line,
    safe_lines,
    safe_text,
    width_of,
)

HOSTILE = (
    "Acme [/b][@click=app.quit]pay[/] \x1b]52;c;AA\x07\x9b2J \u202egnp.exe\u2066 a\u200bb\x00\n"
)
ANY_TEXT = st.text(
    st.one_of(
        st.characters(codec=None),
        st.sampled_from("\x00\x1b\x9b\n\t\u202e\u2066\u200b\u200d\ufe0f👩💰株e\u0301[]"),
    )
)


def raw_characters(text: str) -> set[str]:
    return {
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(character)
        in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    }


def test_markup_is_shown_and_never_read() -> None:
    content = safe_text("Acme [/b][@click=app.quit]pay[/] Ltd", "muted")
    assert content.plain == "Acme [/b][@click=app.quit]pay[/] Ltd"
    assert [span.style for span in content.spans] == ["$muted"]


def test_a_tone_nobody_knows_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        safe_text("paid", "purple")


def test_a_hostile_name_stays_on_its_line() -> None:
    assert safe_lines(safe_text(HOSTILE), safe_text("next")).plain.count("\n") == 1


def test_a_line_is_put_together_from_parts_with_their_tones() -> None:
    line = safe_line("balance ", ("12.50\n", "good"), safe_text(" USD", "muted"))
    assert line.plain == "balance 12.50␊ USD"
    assert [(span.start, span.end, span.style) for span in line.spans] == [
        (8, 14, TONES["good"]),
        (14, 18, TONES["muted"]),
    ]


@given(ANY_TEXT)
def test_nothing_a_terminal_obeys_passes(text: str) -> None:
    assert raw_characters(safe_text(text).plain) == set()
    assert raw_characters(safe_line(text, (text, "bad")).plain) == set()


@given(text=ANY_TEXT, width=st.integers(0, 60), right=st.booleans())
def test_text_is_exactly_as_wide_as_the_room_it_was_given(
    *, text: str, width: int, right: bool
) -> None:
    fitted = fit(text, width, right=right)
    assert cell_len(fitted) == width
    assert raw_characters(fitted) == set()


@given(ANY_TEXT, st.integers(0, 60))
def test_a_cut_says_that_something_is_missing_and_only_then(text: str, width: int) -> None:
    shown = cut(text, width)
    if width_of(text) <= width:
        assert cell_len(shown) == width_of(text)
    else:
        assert cell_len(shown) <= width
        assert width == 0 or shown.endswith("…")


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("Acme", 4, "Acme"),
        ("Acme Ltd", 6, "Acme…"),
        ("株式会社", 5, "株式…"),
        ("株式会社", 4, "株…"),
        ("株式会社", 8, "株式会社"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_cutting_counts_cells_not_characters(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@pytest.mark.parametrize(
    ("number", "width", "shown"),
    [
        ("1,234.50", 10, "  1,234.50"),
        ("1,234.50", 8, "1,234.50"),
        ("1,234.50", 7, "1234.50"),
        ("-1,234,567.89", 12, " -1234567.89"),
        ("1,234.50", 6, "######"),
    ],
)
def test_no_digit_of_an_amount_is_ever_cut_off(number: str, width: int, shown: str) -> None:
    assert fit_number(number, width) == shown


def test_amounts_end_in_the_same_cell() -> None:
    assert fit("12.50", 8, right=True) == "   12.50"
    assert fit("株", 4, right=True) == "  株"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("49.00 USD monthly, 1,429.00 yearly", 25, "49.00 USD monthly,…"),
        ("49.00 USD monthly, 1,429.00 yearly", 28, "49.00 USD monthly, 1,429.00…"),
        ("lead 37030", 9, "lead…"),
        ("due -12.50 USD", 8, "due…"),
        ("INV-000021", 8, "INV…"),
        ("1,429.00 USD", 6, "…"),
        ("pay_01m0qh0rbg", 10, "pay_01m0q…"),
        ("20261121143612345", 10, "202611211…"),
    ],
)
def test_a_number_is_left_out_before_it_reads_as_another(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@given(st.integers(0, 10**12), st.integers(1, 40))
def test_what_is_left_of_a_sentence_has_its_number_whole_or_not_at_all(
    number: int, width: int
) -> None:
    kept = cut(f"owes {number:,} since then", width)
    digits = "".join(character for character in kept if character.isdigit())
    assert digits in {"", str(number)}
