"""The one way in for what gateways say: replies, polled facts, messages from files.

Messages and facts are kept once, then applied, in one write block. What has been told before costs a
look, not a write. Settled payments, which are most of what matters, are posted together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from billdesk.core.operations.facts.applying import apply_fact, why_it_waits
from billdesk.core.operations.facts.outcomes import UNSETTLED, settled_drafts
from billdesk.core.operations.ledger.settling import settle_debts
from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Event, Fact, Gateway
from billdesk.core.rules.sheets import IntakeSheet, PaymentSheet
from billdesk.core.store import facts as store
from billdesk.core.store.payments import MOVE_PAYMENT, payments_by_id
from billdesk.core.store.posting import post_many
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.values.clock import to_micros

_REPLAYED = 500


class Taken(NamedTuple):
    """What came of facts: how many were new, how many of those were applied, wait, brought money."""

    new: int = 0
    applied: int = 0
    waiting: int = 0
    deposits: int = 0


class _Source(NamedTuple):
    """Whose word facts are."""

    name: str
    mode: str
    account: str


class Intake:
    """`desk.intake`: messages brought by hand."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def take(self, gateway: Gateway, body: bytes, headers: Mapping[str, str]) -> IntakeSheet:
        """Take a gateway's message in, as it came and with the headers it came with.

        Raises BadInput when its signature is missing, wrong or older than five minutes, or when it
        cannot be read, GatewayError kinds where the gateway itself has to be asked, ReadOnly.
        """
        office = self._office
        office.check_writable()
        office.check_outside()
        now = office.now()
        page = gateway.read_event(body, headers, now)
        taken = take_in(office, page.facts, now, page.events, gateway)
        return IntakeSheet(
            gateway=gateway.name,
            events=len(page.events),
            new=taken.new,
            applied=taken.applied,
            waiting=taken.waiting,
            known=len(page.facts) - taken.new,
        )


def take_in(
    office: Office,
    facts: Sequence[Fact],
    now: datetime,
    events: Sequence[Event] = (),
    gateway: Gateway | None = None,
) -> Taken:
    """Keep what is new and apply it, in one write block; nothing is written when nothing is new.

    All facts and messages of one call come from one gateway, which must be given where there may be no
    fact. Call it outside any write block.
    """
    if gateway is not None:
        source = _Source(gateway.name, gateway.mode, gateway.account)
    else:
        source = _Source(facts[0].gateway, facts[0].mode, facts[0].account)
    with office.database.read() as session:
        known = store.known_facts(session, facts)
        heard = store.known_events(
            session, source.name, source.mode, [event.event_id for event in events]
        )
    new = list(
        {store.key_of(fact): fact for fact in facts if store.key_of(fact) not in known}.values()
    )
    fresh = list(
        {event.event_id: event for event in events if event.event_id not in heard}.values()
    )
    if not new and not fresh:
        return Taken()
    at = to_micros(now)
    with office.database.write() as session:
        if fresh:
            store.keep_events(session, source.name, source.mode, fresh, at)
        kept = _keep(session, new, at)
        outcomes = _apply(office, session, kept, now)
        if "credited" in outcomes.values():
            # Refunds and disputes that came before their deposits can be placed now.
            outcomes |= _try_waiting(office, session, source, 0, now)[0]
    return _taken(outcomes, len(kept))


def replay(office: Office, gateway: Gateway, now: datetime) -> Taken:
    """Try everything again that waits from a gateway: a target may have come since."""
    source = _Source(gateway.name, gateway.mode, gateway.account)
    outcomes: dict[int, str] = {}
    while True:
        tried = _try_all(office, source, now)
        outcomes |= tried
        # What waited for money that came now can be placed in another round.
        if "credited" not in tried.values():
            return _taken(outcomes, 0)


def _try_all(office: Office, source: _Source, now: datetime) -> dict[int, str]:
    """Try all that waits once, some hundreds in each write block; what came of each."""
    outcomes: dict[int, str] = {}
    after: int | None = 0
    while after is not None:
        with office.database.write() as session:
            tried, after = _try_waiting(office, session, source, after, now)
        outcomes |= tried
    return outcomes


def _taken(outcomes: Mapping[int, str], new: int) -> Taken:
    said = list(outcomes.values())
    waiting = said.count("waiting")
    return Taken(new, len(said) - waiting, waiting, said.count("credited"))


def _try_waiting(
    office: Office, session: Session, of: _Source, after: int, now: datetime
) -> tuple[dict[int, str], int | None]:
    """Try what waits from a gateway, from a number on: what came of each, and where to go on."""
    waiting = store.waiting_facts(session, of.name, of.mode, of.account, _REPLAYED, after)
    outcomes = {number: apply_fact(office, session, number, fact, now) for number, fact in waiting}
    return outcomes, waiting[-1][0] if len(waiting) == _REPLAYED else None


def _keep(session: Session, facts: Sequence[Fact], at: int) -> list[tuple[int, Fact]]:
    """Keep facts; those that another process took in since we looked are left out."""
    if session.kind == "sqlite":
        known = store.known_facts(session, facts)
        new = [fact for fact in facts if store.key_of(fact) not in known]
        return list(zip(store.keep_facts(session, new, at), new, strict=True))
    numbered = [(store.keep_fact(session, fact, at), fact) for fact in facts]
    return [(number, fact) for number, fact in numbered if number is not None]


def _apply(
    office: Office, session: Session, kept: Sequence[tuple[int, Fact]], now: datetime
) -> dict[int, str]:
    """Apply facts in the order in which they happened; a run of plain deposits goes together."""
    outcomes: dict[int, str] = {}
    batch: list[tuple[int, Fact]] = []
    for number, fact in sorted(kept, key=lambda pair: (pair[1].happened_at, pair[0])):
        if session.kind == "sqlite" and _is_plain_deposit(fact):
            batch.append((number, fact))
            continue
        outcomes |= _apply_batch(office, session, batch, now)
        batch = []
        outcomes[number] = apply_fact(office, session, number, fact, now)
    return outcomes | _apply_batch(office, session, batch, now)


def _is_plain_deposit(fact: Fact) -> bool:
    return fact.stage == "settled" and fact.payment_id is not None and fact.method is None


def _apply_batch(
    office: Office, session: Session, batch: Sequence[tuple[int, Fact]], now: datetime
) -> dict[int, str]:
    """Post settled payments together; one by one where something about them is not plain."""
    plain = _plain_ones(session, batch) if len(batch) > 1 else []
    if not _post_together(office, plain, now):
        plain = []
    done = {number: "credited" for number, _, _ in plain}
    for number, fact in batch:
        if number not in done:
            done[number] = apply_fact(office, session, number, fact, now)
    return done


def _plain_ones(
    session: Session, batch: Sequence[tuple[int, Fact]]
) -> list[tuple[int, Fact, PaymentSheet]]:
    """Those of which each settles a payment that is known and open, each payment once."""
    payments = payments_by_id(session, [fact.payment_id or "" for _, fact in batch])
    plain = []
    for number, fact in batch:
        payment = payments.pop(fact.payment_id or "", None)
        if payment is None or payment.status not in UNSETTLED or why_it_waits(fact, payment):
            continue
        if payment.invoice_id is not None:  # its invoice is paid with it
            continue
        plain.append((number, fact, payment))
    return plain


def _post_together(
    office: Office, plain: Sequence[tuple[int, Fact, PaymentSheet]], now: datetime
) -> bool:
    """Post deposits and fees folded; False when that cannot be, and nothing of it is kept."""
    if not plain:
        return False
    drafts = [settled_drafts(office, fact, payment, now) for _, fact, payment in plain]
    at = to_micros(now)
    try:
        with office.database.write() as session:
            posted = post_many(session, [draft for pair in drafts for draft in pair])
            if isinstance(posted, int):
                raise _OneByOne
            session.many(
                MOVE_PAYMENT,
                [
                    (
                        *("succeeded", fact.detail, at, fact.object_id, fact.pay_url),
                        *(fact.fee.minor if fact.fee else None, pair[0].id, fact.charge_id),
                        payment.id,
                    )
                    for (_, fact, payment), pair in zip(plain, drafts, strict=True)
                ],
            )
            session.many(
                store.MARK_FACT, [("applied", fact.detail, number) for number, fact, _ in plain]
            )
            settle_debts(office, session, [pair[0] for pair in drafts], now)
    except (_OneByOne, KeyTaken):
        return False
    return True


class _OneByOne(Exception):
    """Some wallet is missing or a reference was seen: the slow way finds out. Rolls back first."""
