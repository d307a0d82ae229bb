"""A pretended Stripe on 127.0.0.1: real HTTP over the books, idempotency keys, lists, and faults."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Lock, Thread
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

from billdesk.core.values.clock import EPOCH, Clock
from tests.gateway_servers import stripe_parameters
from tests.gateway_servers.stripe_billing import StripeBilling
from tests.gateway_servers.stripe_books import ACCOUNT, JSON, Refusal, StripeBooks, shown
from tests.gateway_servers.stripe_forms import described, read_form

RETENTION_SECONDS = 30 * 86_400
KEYS_LAST_SECONDS = 86_400
BREACH = 599

_KINDS = {
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "checkout/sessions": "checkout.session",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "invoiceitems": "invoiceitem",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "refunds": "refund",
    "subscriptions": "subscription",
}


class Reply(NamedTuple):
    """A body of text goes out as it is, everything else as JSON."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


class Kept(NamedTuple):
    """What came of the first request under an idempotency key."""

    asked: tuple[str, str]
    reply: Reply
    at: int


class StripeServer:
    """Serves books until it is closed. The fields without an underscore are for tests to turn."""

    def __init__(self, clock: Clock) -> None:
        self.books = StripeBooks(clock)
        self.billing = StripeBilling(self.books)
        self.asked: list[tuple[str, str]] = []
        self.forms: list[JSON] = []
        self.keys: list[str | None] = []
        self.breaches: list[str] = []
        self.lacking: set[str] = set()
        self.names_account = False
        self.answer: Reply | None = None
        self.answers_after = 0
        self.tells_time = True
        self.lose: str = ""
        self.lose_at = 0  # the number of the request whose reply gets lost
        self.fails_keyed = False
        self.doubled = False
        self.unlisted_after: set[str] = set()
        self._kept: dict[str, Kept] = {}
        self._lock = Lock()
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._http = _Listener(("127.0.0.1", 0), handler, self.breaches)
        self._http.daemon_threads = True
        serve = self._http.serve_forever
        self._thread = Thread(target=serve, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def respond(self, method: str, url: str, body: str, headers: Mapping[str, str]) -> Reply | None:
        """The reply to one request; None where the line drops."""
        address = urlsplit(url)
        form = read_form(body if method == "POST" else address.query)
        with self._lock:
            self.asked.append((method, address.path))
            self.forms.append(form)
            self.keys.append(headers.get("Idempotency-Key"))
            breach = self._breach(method, address.path, form, headers)
            if breach:
                self.breaches.append(breach)
                return Reply(BREACH, {"error": {"message": breach, "type": "api_error"}})
            return self._with_faults(method, address.path, form, headers)

    # --- inside ----------------------------------------------------------------------------------

    def _breach(self, method: str, path: str, form: JSON, headers: Mapping[str, str]) -> str:
        broken = stripe_parameters.breaches(method, path, form)
        description = described(method, path)
        if description is not None:
            broken += description.breaches(form)
        if method == "POST" and not 0 < len(headers.get("Idempotency-Key", "")) <= 255:
            broken.append("no idempotency key")
        if any(len(note) > 500 for note in form.get("metadata", {}).values()):
            broken.append("a note of more than 500 characters")
        if any(name.lower() == "x-stripe-client-telemetry" for name in headers):
            broken.append("telemetry")
        return f"{method} {path}: {'; '.join(broken)}" if broken else ""

    def _with_faults(
        self, method: str, path: str, form: JSON, headers: Mapping[str, str]
    ) -> Reply | None:
        if self.answer is not None and self.answers_after == 0:
            reply, self.answer = self.answer, None
            return reply
        self.answers_after = max(0, self.answers_after - 1)
        lose, self.lose = self.lose, ""
        if len(self.asked) == self.lose_at:
            lose = "after"
        if lose == "before":
            return None
        if not headers.get("Authorization", "").startswith("Bearer sk_test_scene"):
            return _error(401, "Invalid API Key provided: sk_test_******")
        if any(path.startswith(f"/v1/{lack}") for lack in self.lacking):
            owner = f" on account '{ACCOUNT}'" if self.names_account else ""
            return _error(
                403,
                f"The provided key does not have the required permissions for this endpoint{owner}.",
            )
        key = headers.get("Idempotency-Key", "")
        reply = self._keyed(key, path, form) if method == "POST" else self._read(path, form)
        return None if lose == "after" else reply

    def _keyed(self, key: str, path: str, form: JSON) -> Reply:
        asked, kept, now = (path, json.dumps(form)), self._kept.get(key), self.books.now()
        if kept is not None and now - kept.at < KEYS_LAST_SECONDS:
            if kept.asked != asked:
                return _error(
                    400, "Keys for idempotent requests can only be used with the same parameters.",
                    type="idempotency_error",
                )  # fmt: skip
            return kept.reply._replace(headers={"Idempotent-Replayed": "true"})
        reply = self._try(lambda: self._write(path, _with_numbers(form)))
        if self.fails_keyed:
            self.fails_keyed = False
            reply = _error(500, "An unknown error occurred", type="api_error")
        # What was never begun is not kept.
        if reply.status != 404:
            self._kept[key] = Kept(asked, reply, now)
        return reply

    def _write(self, path: str, form: JSON) -> JSON:
        expand = form.pop("expand", [])
        finalized = re.fullmatch(r"/v1/invoices/(\w+)/finalize", path)
        if finalized:
            return self._shown(self.billing.finalize(finalized[1]))
        detached = re.fullmatch(r"/v1/payment_methods/(\w+)/detach", path)
        if detached:
            return self._shown(self.books.detach(detached[1]))
        make = {
            "/v1/checkout/sessions": self.books.open_session,
            "/v1/payment_intents": self.books.make_intent,
            "/v1/refunds": self.books.make_refund,
            "/v1/customers": self.books.make_customer,
            "/v1/invoices": self.billing.make_invoice,
            "/v1/invoiceitems": self.billing.add_item,
        }[path]
        return self._shown(make(form), expand)

    def _read(self, path: str, form: JSON) -> Reply:
        if path == "/v1/account":
            return Reply(200, {"id": ACCOUNT, "object": "account"})
        form = _with_numbers(form)
        kind = _KINDS.get(path.removeprefix("/v1/"))
        if kind is not None:
            return self._try(lambda: self._list(kind, path, form))
        lines_of = re.fullmatch(r"/v1/invoices/(\w+)/lines", path)
        if lines_of:
            return self._try(lambda: self.billing.lines_page(lines_of[1], form))
        folder, _, object_id = path.removeprefix("/v1/").rpartition("/")
        expand = form.get("expand", [])
        return self._try(lambda: self._shown(self.books.get(object_id, _KINDS[folder]), expand))

    def _try(self, work: Callable[[], JSON]) -> Reply:
        try:
            return Reply(200, work())
        except Refusal as refusal:
            return Reply(refusal.status, refusal.body)

    def _list(self, kind: str, path: str, form: JSON) -> JSON:
        found = [thing for thing in self.books.of(kind) if self._is_listed(thing, form)]
        after = form.get("starting_after")
        if after is not None:
            found = found[self._place_of(after, found) + 1 :]
        limit = form.get("limit", 10)
        data = [
            self._shown(
                thing,
                [part.removeprefix("data.") for part in form.get("expand", [])],
            )
            for thing in found[:limit]
        ]
        if self.doubled:
            data = [thing for thing in data for _ in range(2)]
        return {"object": "list", "url": path, "data": data, "has_more": len(found) > limit}

    def _place_of(self, after: str, found: list[JSON]) -> int:
        for place, thing in enumerate(found):
            if thing["id"] == after and after not in self.unlisted_after:
                return place
        raise Refusal(
            400,
            f"The event {after} is no longer available because it aged out of our retention policy",
        )

    def _is_listed(self, thing: JSON, form: JSON) -> bool:
        created, now = form.get("created", {}), self.books.now()
        if thing["object"] == "event":
            listed = thing["_visible_at"] <= now < thing["created"] + RETENTION_SECONDS
            if not listed or ("types" in form and thing["type"] not in form["types"]):
                return False
        in_span = (
            created.get("gte", 0) <= thing["created"]
            and thing["created"] < created.get("lt", 10**12)
            and thing["created"] <= created.get("lte", 10**12)
        )
        named = ("payment_intent", "charge", "customer", "email", "invoice")
        return in_span and all(thing.get(name) == form[name] for name in named if name in form)

    def _shown(self, thing: JSON, expand: list[str] | tuple[str, ...] = ()) -> JSON:
        whole = shown(thing)
        for path in expand:
            place = whole
            for name in path.split("."):
                if name == "payments":
                    place["payments"] = self.billing.payments_of(place["id"])
                    break
                inner = place.get(name)
                if isinstance(inner, str):
                    inner = place[name] = shown(self.books.get(inner))
                if inner is None:
                    break
                place = inner
        return whole


class _Listener(ThreadingHTTPServer):
    """Where a fault of the pretended Stripe itself fails the test."""

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], breaches: list[str]
    ) -> None:
        super().__init__(address, handler)
        self._breaches = breaches

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - given
        fault = sys.exception()
        if not isinstance(fault, ConnectionError):
            self._breaches.append(f"the pretended Stripe broke: {fault!r}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet per reply: nobody waits for an acknowledgement
    server_of: ClassVar[StripeServer]

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        reply = self.server_of.respond(method, self.path, body, dict(self.headers))
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(SHUT_RDWR)
            return
        body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        text = body.encode()
        self.send_response_only(reply.status)
        if self.server_of.tells_time:
            self.send_header("Date", self.date_time_string())
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    def date_time_string(self, timestamp: float | None = None) -> str:
        now = EPOCH + timedelta(seconds=timestamp or self.server_of.books.now())
        return format_datetime(now, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _error(status: int, message: str, **fields: str) -> Reply:
    fields.setdefault("type", "invalid_request_error")
    return Reply(status, {"error": {"message": message, **fields}})


def _with_numbers(thing: Any) -> Any:
    """A form's text as the values that it stands for, where Stripe counts or asks for a truth."""
    numbers = {
        "amount", "unit_amount", "quantity", "limit", "gte", "gt", "lt", "lte", "start", "end",
        "due_date", "days_until_due",
    }  # fmt: skip
    if isinstance(thing, list):
        return [_with_numbers(part) for part in thing]
    if not isinstance(thing, dict):
        return thing
    return {
        name: int(value) if name in numbers else _with_numbers(value)
        for name, value in copy.copy(thing).items()
    }
