"""Both databases tell the same story with the same words, to the last bit of every hash."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from billdesk.core.desk import Desk, open_desk
from billdesk.core.rules.ledger import field, genesis
from billdesk.core.rules.sheets import AuditSheet, EntrySheet
from billdesk.core.values.clock import MovingClock, to_micros
from tests.core.store.story import tell
from tests.new_ledger import START, seeded


def told_on(url: str, sealed: Path) -> tuple[tuple[EntrySheet, ...], tuple[AuditSheet, ...], Any]:
    """The entries, the audit log and the sealed heads after the story."""
    clock = MovingClock(START)
    with open_desk(url, clock=clock, actor="tester", chance=seeded()) as desk:
        tell(desk, clock)
        assert desk.verify().ok
        entries = desk.ledger.entries().rows
        audit = desk.audit.list().rows
        desk.seal(sealed)
    return entries, audit, sealed.read_text()


def test_the_same_story_has_the_same_hashes(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    entries, audit, sealed = told_on(sqlite_url, tmp_path / "one")
    other_entries, other_audit, other_sealed = told_on(postgres_url, tmp_path / "other")
    assert len(entries) == 10
    assert other_entries == entries
    assert other_audit == audit
    assert other_sealed == sealed


def test_a_chain_can_be_followed_by_hand(desk: Desk, clock: MovingClock) -> None:
    told = tell(desk, clock)
    (entry,) = desk.ledger.posting(told.charge).entries
    with desk._office.database.read() as session:
        digest, account_id = session.all(
            "SELECT digest, account_id FROM posting WHERE id = ?", (told.charge,)
        )[0]
        before = session.all(
            "SELECT hash FROM entry WHERE wallet_number = (SELECT number FROM wallet WHERE id = ?)"
            " AND seq = ?",
            (entry.wallet_id, entry.seq - 1),
        )
    head = bytes(before[0][0]) if before else genesis(entry.wallet_id)
    instant = str(to_micros(entry.recorded_at))
    texts = [
        *(entry.posting_id, "charge", "caller", "lead:1", bytes(digest).hex(), None),
        *("tester", None, None, account_id, instant, instant, entry.wallet_id, str(entry.seq)),
        *("USD", "-1250", "8750", "revenue"),
    ]
    assert sha256(head + ("1" + "".join(map(field, texts))).encode()).hexdigest() == entry.hash
