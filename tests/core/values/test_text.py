"""Free text is kept as given, or refused with what would be right."""

from __future__ import annotations

import pytest

from billdesk.core.values.errors import BadInput
from billdesk.core.values.text import check_memo, check_optional_text, check_text, check_word

KEPT = ["Zoë", "株式会社", "a\u202eb", "\x1b[2J", "👩‍👩‍👧", "two\nlines", "x" * 20]
LOST = ["a\x00b", "\ud800", "x" * 21]


@pytest.mark.parametrize("text", KEPT)
def test_text_is_kept_as_given(text: str) -> None:
    assert check_text(text, "subject", 20) == text
    assert check_optional_text(text, "subject", 20) == text


@pytest.mark.parametrize("text", LOST)
def test_text_no_database_can_keep_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="subject"):
        check_text(text, "subject", 20)
    with pytest.raises(BadInput, match="subject"):
        check_optional_text(text, "subject", 20)


@pytest.mark.parametrize("text", [None, "", "  ", "\n\t"])
def test_blank_text_is_none(text: str | None) -> None:
    assert check_optional_text(text, "subject", 20) is None


def test_a_memo_says_why() -> None:
    assert check_memo("  wrong lead, credited  ") == "wrong lead, credited"
    for memo in ("", "too short", "   short   ", "x" * 501, "a good reason\x00"):
        with pytest.raises(BadInput, match="memo"):
            check_memo(memo)


def test_a_word_is_one_of_those_that_there_are_or_none() -> None:
    for word in (None, "open", "closed"):
        check_word(word, "status", ("open", "closed"))
    for word in ("", "OPEN", "opened"):
        with pytest.raises(BadInput, match="there is no status") as refused:
            check_word(word, "status", ("open", "closed"))
        assert refused.value.hint == "one of open, closed"
