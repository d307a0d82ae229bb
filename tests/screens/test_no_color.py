"""Without colour everything is still told apart: the text of each screen, kept as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.screens.desk_pilot import SMALL, Staged, on_stage, text_of
from tests.screens.scenes import SCENES, TILL_SCENES, play

if TYPE_CHECKING:
    from rich.segment import Segment
    from syrupy.assertion import SnapshotAssertion


TOLD = {
    "overview": ("1 FROZEN", "1 OWES", "!  warning", "·  note", "DEMO", "live"),
    "balances": ("FROZEN", "SPENT", "OWES", "SUSPENDED", "USD owed", "▌acme"),
    "ledger": ("-18.00", "+18.00"),
    "payments": ("pending", "succeeded", "TEST"),
    "refunds": ("+18.00",),
    "adjustments": ("-5.00", "+40.00"),
    "audit": ("refused", "done"),
    "account-frozen": ("FROZEN  may not run", " !  the USD wallet is frozen", "[all]"),
    "review": ("129.31 →         141.81", "unchanged", "type 12.50 here to allow it"),
    "review-refused": ("Not possible.",),
    "receipt": ("Done.", "receipt"),
}


def is_grey(segment: Segment) -> bool:
    colours = (segment.style.color, segment.style.bgcolor) if segment.style else ()
    return all(
        colour is None or colour.triplet is None or len(set(colour.triplet)) == 1
        for colour in colours
    )


TOLD_AT_THE_TILL = {
    "till-payments": ("disputed", "failed", "pending", "TEST"),
    "till-payment-link": ("pending", "TEST: no real money", "█▀▀▀▀▀█"),
    "till-disputes": ("open", "won"),
    "till-gateways": ("TEST", "fine", "2 facts nobody could place", "open until a sweep"),
    "till-facts": ("waiting", "waits: no payment"),
    "till-items": ("timing", "to explain", "within the limit"),
    "till-methods": ("default", "TEST"),
}


@pytest.mark.parametrize("scene", TOLD_AT_THE_TILL)
async def test_every_state_at_the_till_is_told_by_a_word(
    scene: str, at_till: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = at_till()
    async with on_stage(app, SMALL) as pilot:
        await play(pilot, *TILL_SCENES[scene])
        shown = text_of(app)
        for words in TOLD_AT_THE_TILL[scene]:
            assert words in shown


@pytest.mark.parametrize("scene", TOLD)
async def test_every_state_is_told_by_a_word_or_a_sign(
    scene: str, staged: Staged, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = staged()
    async with on_stage(app, SMALL) as pilot:
        await play(pilot, *SCENES[scene])
        shown = text_of(app)
        for words in TOLD[scene]:
            assert words in shown
        strips = app.screen._compositor.render_strips()
        filtered = [
            strip.apply_filter(each, app.screen.background_colors[1])
            for strip in strips
            for each in app._filters
        ]
        assert all(is_grey(segment) for strip in filtered for segment in strip)
        assert shown == snapshot
