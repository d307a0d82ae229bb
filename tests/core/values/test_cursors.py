from __future__ import annotations

import pytest

from billdesk.core.values.cursors import read_cursor, read_id_cursor
from billdesk.core.values.errors import BadInput
from billdesk.core.values.ids import IdMaker
from tests.new_ledger import START, seeded


def test_a_cursor_is_the_number_that_a_page_has_handed_out() -> None:
    assert read_cursor(None) is None
    assert read_cursor("0") == 0
    assert read_cursor("9223372036854775807") == 2**63 - 1


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "١٢", "9223372036854775808", "9" * 5000])
def test_anything_else_is_refused_instead_of_beginning_again(after: str) -> None:
    with pytest.raises(BadInput, match="is not where a page ended"):
        read_cursor(after)


def test_a_list_goes_on_after_an_id_of_its_own_kind_and_nothing_else() -> None:
    run = IdMaker(seeded()).make("run", START)
    assert read_id_cursor(None, "run") is None
    assert read_id_cursor(run, "run") == run
    for wrong in ("", "run_x", run[:-1], run.replace("run", "inv")):
        with pytest.raises(BadInput, match="is not where a page ended"):
            read_id_cursor(wrong, "run")
