"""What happened at PayPal: its list of events, its report, and messages brought by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from billdesk.core.gateways.paypal.amounts import reading, write_time
from billdesk.core.gateways.paypal.client import Client
from billdesk.core.gateways.paypal.events import (
    EVENTS_PATH,
    REVERSED,
    event_facts,
    next_page,
    read_event,
)
from billdesk.core.gateways.paypal.money_back import DISPUTES_PATH, MoneyBack
from billdesk.core.gateways.paypal.objects import Json, Source, dispute_facts, link
from billdesk.core.gateways.paypal.reports import (
    Movement,
    Place,
    first_place,
    paid_fact,
    returned_fact,
    search,
)
from billdesk.core.rules.gateway import Event, Fact, FactPage
from billdesk.core.values.clock import Clock, format_instant, parse_instant
from billdesk.core.values.errors import (
    BadInput,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotOffered,
)

OVERLAP = timedelta(minutes=10)
RETENTION = timedelta(days=30)
"""How long PayPal is said to list events. It promises nothing."""
EVENTS_WINDOW = timedelta(days=1)
OLDEST_SIGNATURE = timedelta(minutes=5)
EVENTS_PAGE_SIZE = 50
MOST_EVENTS_PAGES = 2_000
# Each payment of ours on a page costs one more request, so pages are small.
SWEEP_PAGE_SIZE = 100
DISPUTES_PAGE_SIZE = 50

_VERIFY_PATH = "/v1/notifications/verify-webhook-signature"
_SIGNATURE = {
    "auth_algo": "paypal-auth-algo",
    "cert_url": "paypal-cert-url",
    "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig",
    "transmission_time": "paypal-transmission-time",
}


class Feed:
    """What one account tells."""

    def __init__(
        self,
        client: Client,
        source: Source,
        clock: Clock,
        money_back: MoneyBack,
        webhook_id: str | None,
    ) -> None:
        self._client = client
        self._source = source
        self._clock = clock
        self._money_back = money_back
        self._webhook_id = webhook_id

    # --- the list of events ------------------------------------------------------------------

    def facts(self, cursor: str | None) -> FactPage:
        """The events of one day, oldest first, from ten minutes before the mark on.

        The mark is PayPal's own time: the end of a day that is over, else the newest event.
        """
        state = _read_cursor(cursor, "facts")
        oldest = self._clock.now() - RETENTION
        mark = parse_instant(state["mark"]) if state else oldest
        start = max(mark - OVERLAP, oldest)
        end = start + EVENTS_WINDOW
        listed = self._list_events(start, end)
        if listed is None:
            # No right to read them, or none kept for this app: the open objects tell as well.
            return FactPage((), _cursor("facts", mark=mark), complete=True)
        messages, heard_at = listed
        events = sorted(
            # Newest first as they come, so that those of one second are told in their order.
            ((read_event(message), message) for message in reversed(messages)),
            key=lambda pair: pair[0].happened_at,
        )
        facts = tuple(fact for _, message in events for fact in self._event_facts(message))
        complete = end >= heard_at
        newest = max([mark, *(event.happened_at for event, _ in events)])
        return FactPage(
            facts,
            _cursor("facts", mark=newest if complete else end),
            complete=complete,
            events=tuple(event for event, _ in events),
            gap_since=mark if mark < oldest else None,
        )

    def _list_events(self, start: datetime, end: datetime) -> tuple[list[Json], datetime] | None:
        """All events of a span in PayPal's order, and its time; None if it lets nobody read them."""
        params = {
            "page_size": str(EVENTS_PAGE_SIZE),
            "start_time": write_time(start),
            "end_time": write_time(end),
        }
        answer = self._client.ask("GET", EVENTS_PATH, params=params, accept={403, 404})
        if answer.status >= 400:
            return None
        messages, heard_at = list[Json](), answer.at
        for _ in range(MOST_EVENTS_PAGES):
            with reading("events"):
                page = answer.data.get("events", [])
                rest = next_page(answer.data) if page else None
            messages += page
            if rest is None:
                return messages, heard_at
            answer = self._client.ask("GET", rest)
        raise GatewayError(f"{self._source.gateway}'s list of events does not end")

    def read_message(self, body: bytes, headers: Mapping[str, str], now: datetime) -> FactPage:
        """A message brought by hand; PayPal itself is asked whether it signed it."""
        if self._webhook_id is None:
            raise BadInput(
                f"{self._source.gateway} knows no webhook id, so no message can be proved",
                "connect it with the id of the webhook that the message was sent to",
            )
        signature = _read_signature(headers, now)
        message, event = _read_message(body)
        fields = json.dumps({**signature, "webhook_id": self._webhook_id}).encode()
        # What was signed are the bytes, so they go back as they came.
        question = fields[:-1] + b', "webhook_event": ' + body + b"}"
        answer = self._client.ask("POST", _VERIFY_PATH, body=question)
        if answer.data.get("verification_status") != "SUCCESS":
            raise BadInput("PayPal did not sign this message", "poll instead; nothing is lost")
        return FactPage(self._event_facts(message), "", complete=True, events=(event,))

    def _event_facts(self, message: Json) -> tuple[Fact, ...]:
        facts = event_facts(self._source, message)
        if message["event_type"] == REVERSED and facts[0].stage == "refunded":
            return self._money_back.reversal(facts[0])
        return facts

    # --- everything, by listing ----------------------------------------------------------------

    def sweep(self, since: datetime, cursor: str | None) -> FactPage:
        """One page of the disputes that changed from `since` on, then of the report."""
        state = _read_cursor(cursor, "sweep")
        if "until" not in state:
            return self._sweep_disputes(since, state.get("disputes", ""))
        until = parse_instant(state["until"])
        start, end = parse_instant(state["start"]), parse_instant(state["end"])
        place = Place(start, end, int(state["page"]))
        try:
            found = search(self._client, place, until, page_size=SWEEP_PAGE_SIZE)
        except KeyRefused as error:
            raise NotOffered(
                f"{self._source.gateway} may not search its transactions",
                "grant the app that right; until then only what is open is asked for",
            ) from error
        facts = tuple(
            fact for movement in found.movements for fact in self._movement_facts(movement)
        )
        cursor = _place_cursor(found.rest or Place(until, until), until)
        return FactPage(facts, cursor, complete=found.rest is None)

    def _sweep_disputes(self, since: datetime, token: str) -> FactPage:
        params = {"page_size": str(DISPUTES_PAGE_SIZE), "update_time_after": _millis(since)}
        if token:
            params["next_page_token"] = token
        # Without the right to read them there are none for us; `check` says so.
        answer = self._client.ask("GET", DISPUTES_PATH, params=params, accept={403, 404})
        with reading("disputes"):
            items = answer.data.get("items", []) if answer.status < 300 else []
            rest = _next_token(answer.data) if items else None
            facts = tuple(
                fact
                for item in items
                for fact in dispute_facts(
                    self._source, self._money_back.dispute(item["dispute_id"])
                )
            )
        if rest is not None:
            return FactPage(facts, _cursor("sweep", disputes=rest), complete=False)
        now = self._clock.now()
        return FactPage(facts, _place_cursor(first_place(since, now), now), complete=False)

    def _movement_facts(self, movement: Movement) -> tuple[Fact, ...]:
        if movement.kind == "payment":
            return (paid_fact(self._client, self._source, movement),)
        fact = returned_fact(self._source, movement)
        return (fact,) if movement.kind == "refund" else self._money_back.reversal(fact)


def _read_signature(headers: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What PayPal signed a message with. Raises BadInput when that is missing or old."""
    given = {name.lower(): value for name, value in headers.items()}
    missing = [header for header in _SIGNATURE.values() if not given.get(header)]
    if missing:
        raise BadInput(
            f"the message came without {', '.join(missing)}", "keep the headers it was sent with"
        )
    sent_at = parse_instant(given[_SIGNATURE["transmission_time"]])
    if abs(now - sent_at) > OLDEST_SIGNATURE:
        raise BadInput(
            f"the message was signed at {format_instant(sent_at)}, more than five minutes ago",
            "poll instead; nothing is lost",
        )
    return {name: given[header] for name, header in _SIGNATURE.items()}


def _read_message(body: bytes) -> tuple[Json, Event]:
    """A message and its event. Raises BadInput when it is none."""
    try:
        message = json.loads(body)
        return message, read_event(message)
    except (ValueError, GatewayUnreachable) as error:
        raise BadInput(
            "the message is no event of PayPal's", "pass the body as it was sent"
        ) from error


# --- cursors -------------------------------------------------------------------------------------


def _cursor(kind: str, **state: object) -> str:
    """Where a reading continues, as text that no other make would take for its own."""
    texts = {
        name: format_instant(value) if isinstance(value, datetime) else str(value)
        for name, value in state.items()
    }
    return json.dumps({"paypal": kind, **texts})


def _read_cursor(cursor: str | None, kind: str) -> dict[str, Any]:
    """The state in a cursor, empty for none. Raises GatewayError for a cursor of another kind."""
    if cursor is None:
        return {}
    try:
        state = json.loads(cursor)
    except ValueError:
        state = None
    if isinstance(state, dict) and state.pop("paypal", None) == kind:
        return state
    raise GatewayError(f"{cursor[:40]!r} is no cursor of PayPal's {kind}", "begin without one")


def _place_cursor(place: Place, until: datetime) -> str:
    return _cursor("sweep", until=until, start=place.start, end=place.end, page=place.page)


def _next_token(data: Json) -> str | None:
    address = link(data, "next")
    if address is None:
        return None
    return dict(parse_qsl(urlsplit(address).query)).get("next_page_token")


def _millis(instant: datetime) -> str:
    """The disputes' way to write a time: RFC 3339 with milliseconds."""
    return write_time(instant).replace("Z", ".000Z")
