from __future__ import annotations

import pytest

from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import BadInput


def test_a_cursor_is_the_number_that_a_page_has_handed_out() -> None:
    assert read_cursor(None) is None
    assert read_cursor("0") == 0
    assert read_cursor("9223372036854775807") == 2**63 - 1


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "١٢", "9223372036854775808", "9" * 5000])
def test_anything_else_is_refused_instead_of_beginning_again(after: str) -> None:
    with pytest.raises(BadInput, match="is not where a page ended"):
        read_cursor(after)
