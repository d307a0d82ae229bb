from __future__ import annotations

import unicodedata

import pytest

from billdesk.core.paper.scripts import (
    LEFT,
    RIGHT,
    as_seen,
    beginning,
    clean,
    is_mark,
    join_letters,
)


def seen(text: str) -> str:
    """Text as its signs stand from the left."""
    return as_seen(text, beginning(text))


def test_plain_text_stays_as_it_is() -> None:
    assert clean("Acme, 12 (a) - b/c") == "Acme, 12 (a) - b/c"
    assert join_letters("Zażółć") == "Zażółć"
    assert seen("Zażółć 12 (a)") == "Zażółć 12 (a)"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\x1b[31mb\x00c\td", "a [31mb c d"),  # controls
        ("gnp\u202eexe\u2066.\u2069", "gnpexe."),  # marks of direction
        ("one\u2028two\u00a0three", "one two three"),  # blanks of other kinds
        ("e\u0301", "é"),  # composed
        ("\u2764\ufe0f", "\u2764"),  # chooses a shape
        ("soft\u00adhyphen\ufeff", "softhyphen"),
        ("half\ud800pair", "halfpair"),
    ],
)
def test_what_nobody_sees_is_not_drawn(text: str, kept: str) -> None:
    assert clean(text) == kept


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("\u0628", ["BEH ISOLATED"]),
        ("\u0628\u0628\u0628", ["BEH INITIAL", "BEH MEDIAL", "BEH FINAL"]),
        ("\u062f\u0628", ["DAL ISOLATED", "BEH ISOLATED"]),  # dal never joins what follows
        ("\u0628\u062f", ["BEH INITIAL", "DAL FINAL"]),
        ("\u0633\u0644\u0627", ["SEEN INITIAL", "LIGATURE LAM WITH ALEF FINAL"]),
        ("\u0644\u0627", ["LIGATURE LAM WITH ALEF ISOLATED"]),
        ("\u0628\u200c\u0628", ["BEH ISOLATED", "BEH ISOLATED"]),  # kept apart
        ("\u0628\u200d", ["BEH INITIAL"]),  # as if something followed
        ("\u0628\u0640", ["BEH INITIAL", "TATWEEL"]),
    ],
)
def test_arabic_letters_take_the_forms_they_have_beside_one_another(
    text: str, names: list[str]
) -> None:
    drawn = [unicodedata.name(each).removeprefix("ARABIC ") for each in join_letters(text)]
    assert [name.removeprefix("LETTER ").removesuffix(" FORM") for name in drawn] == names


def test_a_mark_between_two_letters_does_not_part_them() -> None:
    plain, marked = (
        join_letters("\u0645\u062d\u0645"),
        join_letters("\u0645\u064f\u062d\u064e\u0645"),
    )
    assert "".join(each for each in marked if not is_mark(each)) == plain


@pytest.mark.parametrize(
    ("text", "begins"),
    [("Acme", LEFT), ("שלום Acme", RIGHT), ("12 شركة", RIGHT), ("12 é שלום", LEFT), ("– 12", LEFT)],
)
def test_a_line_begins_where_its_first_letter_does(text: str, begins: int) -> None:
    assert beginning(text) == begins


# Each as FriBidi, the reference used by others, puts it.
@pytest.mark.parametrize(
    ("read", "shown"),
    [
        ("אבג", "גבא"),
        ("abc אבג def", "abc גבא def"),
        ("אבג abc דהו", "והד abc גבא"),
        ("אבג 123", "123 גבא"),
        ("אבג -12.50", "12.50- גבא"),
        ("אבג 10%", "10% גבא"),
        ("אבג 1,234", "1,234 גבא"),
        ("אבג (abc) דהו", "והד (abc) גבא"),
        ("אב (abc) 10%", "10% (abc) בא"),
        ("abc (אבג) def", "abc (גבא) def"),
        ("abc (אבג", "abc (גבא"),
        ("abc אב [12] גד", "abc דג [12] בא"),
        ("a (]אב) c", "a (]בא) c"),
        ("\u0627 12", "12 \u0627"),
        ("\u0627 \u0661\u0662,\u0663", "\u0661\u0662,\u0663 \u0627"),
        ("אב (!) גד", "דג (!) בא"),
        ("a (!) אב", "a (!) בא"),
        ("אב!", "!בא"),
        ("אב/abc.", ".abc/בא"),
    ],
)
def test_a_line_is_drawn_in_the_order_it_is_seen(read: str, shown: str) -> None:
    assert seen(read) == shown


def test_a_mark_stays_with_its_letter_when_the_line_is_turned() -> None:
    assert seen("א\u05b8ב") == "בא\u05b8"


def test_text_from_the_left_within_a_paragraph_from_the_right_stays_at_the_right() -> None:
    assert as_seen("é 12 é", RIGHT) == "é 12 é"
    assert as_seen("abc!", RIGHT) == "!abc"
    assert as_seen("\u00e9!", RIGHT) == "!\u00e9"
