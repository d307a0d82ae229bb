"""Facts and messages: what the gateways said, kept as they said it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from billdesk.core.rules.gateway import Event, Fact, Method
from billdesk.core.rules.mirrors import invoice_from_plain, subscription_from_plain, to_plain
from billdesk.core.rules.sheets import FactSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.money import Money

_KEY = "gateway, mode, object_id, stage, occurrence"
_FACT = f"""
SELECT number, {_KEY}, asset, amount_minor, happened_at, received_at, state, detail, payment_id,
       fee_minor, raw, refund_id, payment_external_id, charge_id, more FROM fact"""
_INSERT = f"""
INSERT INTO fact ({_KEY}, payment_id, asset, amount_minor, fee_minor, happened_at, received_at,
    state, detail, raw, refund_id, payment_external_id, charge_id, more)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?)"""
_INSERT_EVENT = """
INSERT INTO gateway_event (gateway, mode, event_id, type, object_id, happened_at, received_at, raw)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, mode, event_id) DO NOTHING"""

FactKey = tuple[str, str, str, str, str]


def key_of(fact: Fact) -> FactKey:
    """What the store tells facts apart by; a name is one account at one gateway."""
    return (fact.gateway, fact.mode, fact.object_id, fact.stage, fact.occurrence)


def fact_sheet(row: tuple[Any, ...]) -> FactSheet:
    """A row of `_FACT` as a sheet."""
    return FactSheet(
        number=row[0],
        gateway=row[1],
        mode=row[2],
        object_id=row[3],
        stage=row[4],
        occurrence=row[5],
        amount=None if row[7] is None else Money(row[7], row[6]),
        happened_at=from_micros(row[8]),
        received_at=from_micros(row[9]),
        state=row[10],
        detail=row[11],
        payment_id=row[12],
    )


def known_facts(session: Session, facts: Sequence[Fact]) -> set[FactKey]:
    """The keys of those that were told before."""
    keys = list(dict.fromkeys(key_of(fact) for fact in facts))
    if session.kind == "sqlite":
        rows = session.all(
            f"SELECT {_KEY} FROM json_each(?) AS told CROSS JOIN fact ON fact.gateway = told.value ->> 0"
            " AND fact.mode = told.value ->> 1 AND fact.object_id = told.value ->> 2"
            " AND fact.stage = told.value ->> 3 AND fact.occurrence = told.value ->> 4",
            (json.dumps(keys),),
        )
    else:
        rows = session.all(
            f"SELECT {_KEY} FROM fact WHERE ({_KEY}) IN (SELECT * FROM"
            " unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[]))",
            [list(column) for column in zip(*keys, strict=True)] or [[]] * 5,
        )
    return {(row[0], row[1], row[2], row[3], row[4]) for row in rows}


def known_events(session: Session, gateway: str, mode: str, event_ids: Sequence[str]) -> set[str]:
    """The ids of those messages that came before."""
    known = (
        "SELECT value FROM json_each(?)" if session.kind == "sqlite" else "SELECT unnest(?::text[])"
    )
    ids: Any = json.dumps(list(event_ids)) if session.kind == "sqlite" else list(event_ids)
    rows = session.all(
        f"SELECT event_id FROM gateway_event WHERE gateway = ? AND mode = ? AND event_id IN ({known})",
        (gateway, mode, ids),
    )
    return {row[0] for row in rows}


def keep_events(
    session: Session, gateway: str, mode: str, events: Sequence[Event], received_at: int
) -> None:
    """Keep messages as they came; one that came before is left as it was."""
    session.many(
        _INSERT_EVENT,
        [
            (
                *(gateway, mode, event.event_id, event.type, event.object_id),
                *(to_micros(event.happened_at), received_at, event.raw),
            )
            for event in events
        ],
    )


def keep_fact(session: Session, fact: Fact, received_at: int) -> int | None:
    """Keep a fact before anything is done with it: its number, or None when it was told before."""
    row = session.one(
        f"{_INSERT} ON CONFLICT ({_KEY}) DO NOTHING RETURNING number", _values(fact, received_at)
    )
    return row[0] if row else None


def keep_facts(session: Session, facts: Sequence[Fact], received_at: int) -> list[int]:
    """Keep facts of which none was told before; their numbers. For SQLite, under the write lock."""
    [(last,)] = session.all("SELECT coalesce(max(number), 0) FROM fact")
    numbered = _INSERT.replace("(gateway", "(number, gateway").replace("(?", "(?, ?", 1)
    numbers = list(range(last + 1, last + 1 + len(facts)))
    session.many(
        numbered,
        [
            (number, *_values(fact, received_at))
            for number, fact in zip(numbers, facts, strict=True)
        ],
    )
    return numbers


def _values(fact: Fact, received_at: int) -> tuple[Any, ...]:
    return (
        *key_of(fact),
        fact.payment_id,
        fact.amount.asset if fact.amount else None,
        fact.amount.minor if fact.amount else None,
        fact.fee.minor if fact.fee else None,
        to_micros(fact.happened_at),
        received_at,
        fact.detail,
        fact.raw,
        fact.refund_id,
        fact.payment_external_id,
        fact.charge_id,
        _more(fact),
    )


def _more(fact: Fact) -> str | None:
    """What has no column of its own."""
    more: dict[str, Any] = {}
    if fact.pay_url is not None or fact.method is not None:
        method = fact.method
        more["pay_url"] = fact.pay_url
        more["method"] = method and [
            method.method_id, method.customer_id, method.label, method.expires,
        ]  # fmt: skip
    if fact.subscription is not None:
        more["subscription"] = to_plain(fact.subscription)
    if fact.invoice is not None:
        more["invoice"] = to_plain(fact.invoice)
    return json.dumps(more) if more else None


MARK_FACT = "UPDATE fact SET state = ?, detail = ? WHERE number = ?"


def mark_fact(session: Session, number: int, *, state: str, detail: str) -> None:
    """Say what became of a fact."""
    session.run(MARK_FACT, (state, detail, number))


def number_of(session: Session, fact: Fact) -> int:
    """The number of a fact that is kept."""
    [[number]] = session.all(
        "SELECT number FROM fact WHERE gateway = ? AND mode = ? AND object_id = ? AND stage = ?"
        " AND occurrence = ?",
        key_of(fact),
    )
    return int(number)


def detail_of(session: Session, number: int) -> str:
    """What a fact says in words, or why it waits."""
    [[detail]] = session.all("SELECT detail FROM fact WHERE number = ?", (number,))
    return str(detail)


def last_declined_at(session: Session, fact: Fact) -> int | None:
    """When the object of a fact was declined last, by the gateway's time; None if it never was."""
    row = session.one(
        "SELECT max(happened_at) FROM fact WHERE gateway = ? AND mode = ? AND object_id = ?"
        " AND stage = 'declined'",
        (fact.gateway, fact.mode, fact.object_id),
    )
    return row[0] if row else None


def is_older(session: Session, fact: Fact, stages: Collection[str]) -> bool:
    """Whether something newer is known of the object of a fact, by the gateway's time."""
    marks = ", ".join("?" * len(stages))
    row = session.one(
        "SELECT 1 FROM fact WHERE gateway = ? AND mode = ? AND object_id = ?"
        f" AND stage IN ({marks}) AND state = 'applied' AND happened_at > ? LIMIT 1",
        (fact.gateway, fact.mode, fact.object_id, *sorted(stages), to_micros(fact.happened_at)),
    )
    return row is not None


def list_facts(
    session: Session,
    *,
    state: str | None,
    after: str | None,
    limit: int,
    gateway: str | None = None,
    payment_id: str | None = None,
) -> tuple[list[FactSheet], str | None]:
    """Facts, the newest first, and where to go on."""
    where: list[str] = ["1 = 1"]
    values: list[Any] = []
    if state:
        where.append("state = ?")
        values.append(state)
    if gateway:
        where.append("gateway = ?")
        values.append(gateway)
    if payment_id:
        where.append("payment_id = ?")
        values.append(payment_id)
    below = read_cursor(after)
    if below is not None:
        where.append("number < ?")
        values.append(below)
    rows = session.all(
        f"{_FACT} WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?", (*values, limit)
    )
    return [fact_sheet(row) for row in rows], str(rows[-1][0]) if len(rows) == limit else None


def waiting_facts(
    session: Session, gateway: str, mode: str, account: str, limit: int, after: int = 0
) -> list[tuple[int, Fact]]:
    """Facts that could not be placed yet, oldest first, from a number on; `account` is the gateway's."""
    rows = session.all(
        f"{_FACT} WHERE state = 'waiting' AND gateway = ? AND mode = ? AND number > ?"
        " ORDER BY number LIMIT ?",
        (gateway, mode, after, limit),
    )
    return [(row[0], _fact(row, account)) for row in rows]


def _fact(row: tuple[Any, ...], account: str) -> Fact:
    more = json.loads(row[18]) if row[18] else {}
    method, subscription, invoice = (
        more.get(name) for name in ("method", "subscription", "invoice")
    )
    return Fact(
        gateway=row[1],
        account=account,
        mode=row[2],
        object_id=row[3],
        stage=row[4],
        occurrence=row[5],
        amount=None if row[7] is None else Money(row[7], row[6]),
        fee=None if row[13] is None else Money(row[13], row[6]),
        happened_at=from_micros(row[8]),
        detail=row[11],
        raw=row[14],
        payment_id=row[12],
        pay_url=more.get("pay_url"),
        refund_id=row[15],
        payment_external_id=row[16],
        charge_id=row[17],
        method=Method(*method) if method else None,
        subscription=subscription_from_plain(subscription) if subscription else None,
        invoice=invoice_from_plain(invoice) if invoice else None,
    )
