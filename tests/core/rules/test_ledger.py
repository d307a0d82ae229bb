"""The canonical form and the guards, held against vectors written by hand."""

from __future__ import annotations

from hashlib import sha256

import pytest

from billdesk.core.rules.ledger import (
    Guard,
    Leg,
    WalletState,
    content_digest,
    field,
    front_of,
    genesis,
    guard,
    link,
    purpose_of,
    text_digest,
)

DIGEST = bytes(range(32))
TEXT = bytes(range(32, 64))


def front(text: bytes | None) -> str:
    """The posting of the vectors."""
    return front_of(
        id="chg_1",
        kind="charge",
        scope="caller",
        reference="lead:42",
        digest=DIGEST,
        text=text,
        actor="Zoë",
        corrects=None,
        about="hld_1",
        account_id="acc_1",
        happened_at=1767603600000000,
        recorded_at=1767603600000001,
    )


def test_the_canonical_form_of_a_posting_is_as_written_down() -> None:
    assert front(TEXT) == (
        "1"
        "5:chg_1"
        "6:charge"
        "6:caller"
        "7:lead:42"
        "64:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "64:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
        "4:Zoë"
        "-1:"
        "5:hld_1"
        "5:acc_1"
        "16:1767603600000000"
        "16:1767603600000001"
    )
    assert front(None) == front(TEXT).replace(f"64:{TEXT.hex()}", "-1:")


def test_the_hash_of_an_entry_covers_the_previous_head_its_posting_and_itself() -> None:
    canonical = (
        front(TEXT) + "5:wal_1" + "1:7" + "3:USD" + "5:-1250" + "4:8750" + "13:revenue:leads"
    )
    entry_hash = link(
        genesis("wal_1"),
        front(TEXT),
        wallet_id="wal_1",
        seq=7,
        asset="USD",
        amount_minor=-1250,
        balance_after=8750,
        counterparty="revenue:leads",
    )
    assert entry_hash == sha256(sha256(b"wal_1").digest() + canonical.encode()).digest()
    # Written down, so that a change of the form on both sides is seen too.
    assert entry_hash.hex() == "bf5161ab2c8ae3a24d0924e9482622e77a6a3a9c9c25a1fa7fe109a01d5aa40a"


def test_fields_cannot_run_into_each_other() -> None:
    assert [field(text) for text in (None, "", "a", "ë", "1:a")] == [
        "-1:",
        "0:",
        "1:a",
        "2:ë",
        "3:1:a",
    ]
    assert content_digest("ab", "c") != content_digest("a", "bc")
    assert content_digest(None) != content_digest("")
    assert content_digest("a", None) == sha256(b"1:a-1:").digest()


def test_text_is_kept_as_a_salted_digest() -> None:
    assert text_digest(b"salt", "Lead 42", None) == sha256(b"salt7:Lead 42-1:").digest()
    assert text_digest(b"salt", "a", "b") != text_digest(b"pepper", "a", "b")


def test_credits_are_kept_apart_from_money() -> None:
    assert (purpose_of("CREDIT"), purpose_of("USD")) == ("credits", "cash")


@pytest.mark.parametrize(
    ("wallet", "leg", "verdict"),
    [
        ({}, (-100, 0), None),
        ({}, (-101, 0), Guard.INSUFFICIENT),
        ({}, (0, 100), None),
        ({}, (0, 101), Guard.INSUFFICIENT),
        ({"held_minor": 60}, (-41, 0), Guard.INSUFFICIENT),
        ({"held_minor": 60}, (-60, -60), None),
        ({"held_minor": 60}, (-100, -60), None),
        ({"held_minor": 60}, (-101, -60), Guard.INSUFFICIENT),
        ({"floor_minor": -50}, (-150, 0), None),
        ({"floor_minor": -50}, (-151, 0), Guard.INSUFFICIENT),
        ({"floor_minor": None}, (-(10**9), 0), None),
        ({"balance_minor": -5}, (1, 0), None),
        ({"freezes": 1}, (-1, 0), Guard.FROZEN),
        ({"status": "suspended", "freezes": 1}, (-1, 0), Guard.SUSPENDED),
        ({"status": "closed"}, (-1, 0), Guard.CLOSED),
    ],
)
def test_a_guard_says_why(
    wallet: dict[str, object], leg: tuple[int, int], verdict: Guard | None
) -> None:
    state = WalletState(
        1, "wal_1", "acc_1", "open", "cash", "USD", 100, 0, 0, 0, 0, b"", 0
    )._replace(**wallet)  # type: ignore[arg-type]  # a table of fields
    amount, held = leg
    moved = Leg("acme", "cash", "USD", amount, held, "revenue")
    assert guard(state, moved, guarded=True) == verdict
    unguarded = None if verdict is not Guard.INSUFFICIENT else verdict
    assert guard(state, moved, guarded=False) == unguarded
