"""Any three letters of a subject, a memo or a reference find their posting, indexed or not."""

from __future__ import annotations

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import EntryFilter
from billdesk.core.store import history, search
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput

TEXTS = {
    "plain": "Roof repair in Bristol",
    "percent": "100% cotton",
    "underscore": "snake_case name",
    "quote": 'the "big" one',
    "single": "it's done",
    "backslash": "C:\\temp\\x",
    "wide": "株式会社テスト",
    "star": "fts* OR subject:x NEAR(a b)",
}
FOUND_BY = [
    *(("plain", part) for part in ("Roo", "roof REPAIR", "tol", "pair in br")),
    *(("percent", part) for part in ("00%", "0% c")),
    *(("underscore", part) for part in ("ke_ca", "e_c")),
    *(("quote", part) for part in ('"big"', 'e "b')),
    ("single", "t's"),
    ("backslash", ":\\t"),
    ("wide", "式会社"),
    *(("star", part) for part in ("ts* OR", "t:x NEAR(", "OR subject:")),
]
FOUND_BY_NOBODY = ["0_%", "snakeXcase", "roof%", "___", "%%%", '""""', "xyz", "Roof*", "NOT x"]


@pytest.fixture(params=["fresh", "indexed", "half"])
def texts(request: pytest.FixtureRequest, desk: Desk) -> Desk:
    """A charge for each text: in the subject, the memo or the reference, indexed or not yet."""
    desk.accounts.add("acme", name="Acme")
    desk.adjustments.credit("acme", "100.00", memo="opening balance")
    for number, (name, text) in enumerate(TEXTS.items()):
        desk.charges.create(
            "acme",
            "1.00",
            reference=f"ref:{name}",
            subject=text if number % 2 else None,
            memo=None if number % 2 else text,
        )
        if request.param == "half" and number == 3:
            desk.tick()
    if request.param == "indexed":
        assert desk.tick().indexed == len(TEXTS) + 1
        assert desk.tick().indexed == 0
    return desk


def references(desk: Desk, text: str) -> list[str]:
    """What a search finds."""
    return [entry.reference for entry in desk.ledger.entries(text=text).rows]


def test_any_part_finds_its_text(texts: Desk) -> None:
    for name, part in FOUND_BY:
        assert references(texts, part) == [f"ref:{name}"], part
        assert references(texts, part.lower()) == [f"ref:{name}"], part
    for name in TEXTS:
        assert references(texts, f"REF:{name}") == [f"ref:{name}"]
    assert len(references(texts, "ref:")) == len(TEXTS)


def test_signs_of_a_pattern_or_a_question_mean_themselves(texts: Desk) -> None:
    for text in FOUND_BY_NOBODY:
        assert references(texts, text) == [], text


def test_two_letters_are_too_few(texts: Desk) -> None:
    with pytest.raises(BadInput):
        texts.ledger.entries(text="ro")


@pytest.mark.parametrize("indexed", ["before", "after"])
def test_erased_text_is_not_found(desk: Desk, indexed: str) -> None:
    desk.accounts.add("acme", name="Acme")
    desk.adjustments.credit("acme", "1.00", memo="Ann Example, 5 High Street", reference="grant:1")
    if indexed == "before":
        desk.tick()
        assert references(desk, "High Street") == ["grant:1"]
    with desk._office.database.write() as session:
        session.run("UPDATE posting SET subject = NULL, memo = NULL, salt = NULL")
    assert references(desk, "High Street") == []
    desk.tick()
    assert references(desk, "High Street") == []
    assert references(desk, "grant:") == ["grant:1"]


def test_pages_of_a_search_follow_each_other(
    desk: Desk, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_MATCHES", 3)
    monkeypatch.setattr(search, "BATCH", 4)
    desk.accounts.add("acme", name="Acme")
    desk.accounts.add("zoe", name="Zoë")
    for number in range(20):
        desk.adjustments.credit(("acme", "zoe")[number % 2], "1.00", memo=f"a grant no {number}")
        if number == 14:
            desk.tick()
    everything = [entry.number for entry in desk.ledger.entries(text="grant").rows]
    assert everything == sorted(everything, reverse=True)
    assert len(everything) == 20
    paged: list[int] = []
    after = None
    while True:
        page = desk.ledger.entries(text="grant", limit=7, after=after)
        paged += [entry.number for entry in page.rows]
        after = page.after
        if after is None:
            break
    assert paged == everything
    of_acme = desk.ledger.entries("acme", text="grant", kinds=("manual_credit",)).rows
    assert [entry.account_ref for entry in of_acme] == ["acme"] * 10
    view = desk.ledger.view(EntryFilter(text="grant"))
    assert view.count() == 20
    assert [entry.number for entry in view.page(0)] == everything
