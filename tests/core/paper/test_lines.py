from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from billdesk.core.paper.fonts import BOLD, BOX, REGULAR, WIDE, ready, runs_of, sign, width_of
from billdesk.core.paper.lines import broken

EM = 1000.0
"""The size itself: lines are broken in thousandths of it."""


def test_a_line_that_fits_stays_whole() -> None:
    assert broken("Acme Corporation", REGULAR, 20 * EM) == ["Acme Corporation"]


def test_a_line_ends_between_words() -> None:
    assert broken("one two three", REGULAR, 3.6 * EM) == ["one two", "three"]


def test_line_breaks_begin_a_line_and_nothing_is_no_line() -> None:
    assert broken("one\ntwo\r\n\nthree", REGULAR, 9 * EM) == ["one", "two", "", "three"]
    assert broken("", REGULAR, 9 * EM) == []


def test_a_word_wider_than_a_line_is_cut() -> None:
    lines = broken(f"see {'W' * 30} there", REGULAR, 8 * EM)
    assert "".join(lines).replace(" ", "") == f"see{'W' * 30}there"
    assert max(width_of(line, REGULAR) for line in lines) <= 8 * EM


def test_what_follows_a_cut_word_goes_on_beside_its_end() -> None:
    assert broken("WWWWW it", REGULAR, 3 * EM)[-1].endswith("W it")


def test_where_not_even_a_sign_fits_each_has_a_line() -> None:
    assert broken("abc", REGULAR, 1.0) == ["a", "b", "c"]


def test_a_mark_is_not_cut_off_its_letter() -> None:
    assert broken("x\u0323\u0302y\u0323\u0302", REGULAR, 1.0) == ["x\u0323\u0302", "\u1ef5\u0302"]


def test_han_and_kana_break_anywhere_but_before_what_closes() -> None:
    assert broken("請求書の発行。", REGULAR, 3 * EM) == ["請求書", "の発", "行。"]


def test_each_line_of_a_paragraph_from_the_right_is_turned_by_itself() -> None:
    assert broken("אבג דהו", REGULAR, 2.5 * EM) == ["גבא", "והד"]


def test_a_script_that_the_first_font_lacks_is_drawn_by_the_other() -> None:
    runs = runs_of("Acme 株式会社 주식회사", BOLD)
    assert [(run.font, run.text) for run in runs] == [
        (BOLD, "Acme "), (WIDE, "株式会社"), (BOLD, " "), (WIDE, "주식회사"),
    ]  # fmt: skip
    assert sum(run.width for run in runs) == width_of("Acme 株式会社 주식회사", BOLD)


def test_what_no_font_has_is_a_box_that_is_seen() -> None:
    assert sign("\U0001f9fe", REGULAR).drawn == BOX
    assert sign("\U0001f9fe", REGULAR).width > 500


def test_european_scripts_hebrew_and_arabic_have_signs_in_both_weights() -> None:
    for text in (
        "Łódź",
        "Ελληνικά",
        "Україна ґ",
        "שלום",
        "شركة المستقبل",
        "ქართული",
        "Հայերեն",
        "Việt",
    ):
        for weight in (REGULAR, BOLD):
            assert BOX not in {sign(each, weight).drawn for each in ready(text)}, text


# Brackets are turned round on their way, and marks make a sign of several.
_SIGNS = st.characters(
    exclude_categories=["Cs", "Mn", "Me", "Mc"], exclude_characters="()[]{}<>«»\u2039\u203a"
)


@given(st.text(_SIGNS, max_size=60), st.floats(min_value=600, max_value=9000))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_and_nothing_is_wider_than_its_line(text: str, room: float) -> None:
    lines = broken(text, REGULAR, room)
    wanted = "".join(ready(paragraph) for paragraph in text.splitlines())
    assert sorted("".join(lines).replace(" ", "")) == sorted(wanted.replace(" ", ""))
    for line in lines:
        assert width_of(line, REGULAR) <= room or len(line) == 1
