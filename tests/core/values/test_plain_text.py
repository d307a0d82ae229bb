from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.values.plain_text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Acme Ltd", "Acme Ltd"),
        ("Zoë Müller – 株式会社 – أكمي", "Zoë Müller – 株式会社 – أكمي"),
        ("Acme [/b] [@click=app.quit]pay[/]", "Acme [/b] [@click=app.quit]pay[/]"),
        ("\x1b]52;c;cGF5\x07", "␛]52;c;cGF5␇"),
        ("\x00", "␀"),
        ("two\nlines\tand\rmore", "two␊lines␉and␍more"),
        ("\x7f", "␡"),
        ("\x9b2J", "<U+009B>2J"),
        ("gnp\u202e.exe", "gnp<U+202E>.exe"),
        ("ac\u200bme", "ac<U+200B>me"),
        ("\ufeffacme", "<U+FEFF>acme"),
        ("\ud800", "<U+D800>"),
        ("\u3164", "<U+3164>"),
        ("\U000e0041", "<U+E0041>"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("", ""),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_shown_as_a_mark(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_control_character_direction_mark_or_half_pair_survives() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    survivors = {
        character
        for character in visible(everything)
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(character)
        in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN"}
    }
    # Noncharacters have no shape to hide and no meaning to obey.
    assert {character for character in survivors if unicodedata.category(character) != "Cn"} == {
        character
        for character in survivors
        if unicodedata.name(character, "").startswith("EGYPTIAN HIEROGLYPH")
    }


@given(st.text())
def test_what_was_made_harmless_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    visible(text).encode()
