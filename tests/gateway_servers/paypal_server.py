"""A PayPal of our own on 127.0.0.1: its addresses, its tokens, its faults."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

from billdesk.core.values.clock import Clock, parse_instant
from tests.gateway_servers.paypal_books import Books, Refusal
from tests.gateway_servers.paypal_checks import judge_answer, judge_request
from tests.gateway_servers.paypal_shapes import (
    BASE,
    MERCHANT,
    Json,
    capture_json,
    dispute_json,
    link,
    method_json,
    order_json,
    refund_json,
    stamp,
)
from tests.gateway_servers.paypal_wire import Fault, Request, error_body, error_json, send

CLIENT_ID = "AbClientIdOfTheTests"
SECRET = "EaSecretOfTheTests"
WEBHOOK_ID = "5GP028458E2496506"
SERVICES = "https://uri.paypal.com/services"
SCOPES = [
    "openid",
    f"{SERVICES}/payments/payment",
    f"{SERVICES}/payments/refund",
    f"{SERVICES}/payments/payment/authcapture",
    f"{SERVICES}/disputes/read-seller",
    f"{SERVICES}/reporting/search/read",
    f"{SERVICES}/vault/payment-tokens/readwrite",
    f"{SERVICES}/applications/webhooks",
]
TOKEN_LIFE_SECONDS = 32_400
MOST_RESULTS = 10_000
LONGEST_RANGE = timedelta(days=31)

Answer = tuple[int, Json]
Call = Callable[..., Answer]


class PayPalServer:
    """A PayPal with books of its own and switches for what can go wrong."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.books = Books(clock)
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.scopes = list(SCOPES)
        self.tokens: dict[str, datetime] = {}
        self.forbidden: set[str] = set()
        self.reporting_delay = timedelta(0)
        self.most_results = MOST_RESULTS
        self.events_page_size = 1_000
        self.subscriptions: dict[str, Json] = {}
        self.signatures: dict[str, bytes] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.serve(self)

            def do_POST(self) -> None:
                server.serve(self)

            def do_DELETE(self) -> None:
                server.serve(self)

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    # --- one request ---------------------------------------------------------------------------

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(
            handler.command,
            handler.path,
            {name.lower(): value for name, value in handler.headers.items()},
            handler.rfile.read(length),
        )
        self.requests.append(request)
        fault = next((one for one in self.faults if one.hits(request)), None)
        if fault is not None:
            self.faults.remove(fault)
            time.sleep(fault.seconds)
            if fault.status:
                body = error_body("FAULT", "") if fault.body is None else fault.body
                send(handler, fault.status, body, self.clock, fault.headers)
                return
            if fault.effect:
                self.answer(request)
            handler.close_connection = True
            return
        status, data = self.answer(request)
        body = b"" if status == 204 else json.dumps(data).encode()
        send(handler, status, body, self.clock, {})

    def answer(self, request: Request) -> Answer:
        if request.path == "/v1/oauth2/token":
            return self._token(request)
        if not self._authorised(request):
            return 401, {"error": "invalid_token", "error_description": "Token signature failed"}
        if any(request.path.startswith(start) for start in self.forbidden):
            return 403, error_json("NOT_AUTHORIZED", "PERMISSION_DENIED", "No permission.")
        wrong = judge_request(request.method, request.target, request.headers, request.body)
        if wrong:
            self.violations += wrong
            return 599, error_json("VIOLATION", "", "; ".join(wrong))
        try:
            status, data = self._route(request)
        except Refusal as refusal:
            data = error_json(refusal.name, refusal.issue, refusal.text or refusal.issue)
            data["links"] = refusal.links
            return refusal.status, data
        self.violations += judge_answer(
            request.method, request.target, request.headers, request.body, status, data
        )
        return status, data

    def _token(self, request: Request) -> Answer:
        basic = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return 401, {
                "error": "invalid_client",
                "error_description": "Client Authentication failed",
            }
        if dict(parse_qsl(request.body.decode())) != {"grant_type": "client_credentials"}:
            return 400, {"error": "unsupported_grant_type"}
        token = f"A21AA{len(self.tokens) + 1:020d}"
        self.tokens[token] = self.clock.now() + timedelta(seconds=TOKEN_LIFE_SECONDS)
        return 200, {
            "scope": " ".join(self.scopes),
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": TOKEN_LIFE_SECONDS,
            "nonce": "2026-01-01T00:00:00Znonce",
        }

    def _authorised(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        until = self.tokens.get(token)
        return until is not None and self.clock.now() < until

    def _route(self, request: Request) -> Answer:
        for (method, pattern), call in ROUTES.items():
            match = re.fullmatch(pattern, request.path)
            if match is not None and method == request.method:
                return call(self, request, *match.groups())
        raise Refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")

    @staticmethod
    def _known(kept: Mapping[str, Any], id: str) -> Any:
        if id not in kept:
            raise Refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        return kept[id]

    # --- orders ----------------------------------------------------------------------------

    def _order(self, _: Request, order_id: str) -> Answer:
        return 200, order_json(self._known(self.books.orders, order_id))

    def _create(self, request: Request) -> Answer:
        order, new = self.books.create_order(request.json, request.key)
        return (201 if new else 200), order_json(order)

    def _capture(self, request: Request, order_id: str) -> Answer:
        order = self._known(self.books.orders, order_id)
        known = self.books.keys.get(request.key or "")
        if known is None:
            self.books.capture(order)
            self.books.keys[request.key or ""] = order.id
        return (201 if known is None else 200), order_json(order)

    def _captured(self, _: Request, capture_id: str) -> Answer:
        capture = self._known(self.books.captures, capture_id)
        related = {"related_ids": {"order_id": capture.order.id}}
        return 200, capture_json(capture) | {"supplementary_data": related}

    def _refund(self, request: Request, capture_id: str) -> Answer:
        refund, _ = self.books.refund(capture_id, request.json, request.key)
        return 201, refund_json(refund)

    def _refunded(self, _: Request, refund_id: str) -> Answer:
        return 200, refund_json(self._known(self.books.refunds, refund_id))

    def _subscription(self, _: Request, subscription_id: str) -> Answer:
        return 200, self._known(self.subscriptions, subscription_id)

    def _balances(self, _: Request) -> Answer:
        return 200, {"balances": [], "account_id": MERCHANT}

    # --- what happened -------------------------------------------------------------------------

    def _events(self, request: Request) -> Answer:
        query = request.query
        start, end = parse_instant(query["start_time"]), parse_instant(query["end_time"])
        found = [
            event
            for event in reversed(self.books.events)
            if start <= parse_instant(event["create_time"]) <= end
        ]
        size = min(int(query["page_size"]), self.events_page_size)
        first = int(query.get("page_token", "0"))
        page = found[first : first + size]
        data: Json = {"events": page, "count": len(page), "links": []}
        if first + size < len(found):
            rest = urlencode({**query, "page_token": str(first + size)})
            # PayPal's links name its own host, whatever way the request came.
            data["links"] = [link(f"https://api.sandbox.paypal.com{request.path}?{rest}", "next")]
        return 200, data

    def _verify(self, request: Request) -> Answer:
        data = request.json
        body = request.body.partition(b'"webhook_event": ')[2][:-1]
        good = (
            self.signatures.get(data["transmission_sig"]) == body
            and data["webhook_id"] == WEBHOOK_ID
        )
        return 200, {"verification_status": "SUCCESS" if good else "FAILURE"}

    def sign(self, event: Json) -> tuple[bytes, dict[str, str]]:
        """An event as PayPal sends it to a webhook."""
        body = json.dumps(event, separators=(",", ":")).encode()
        signature = f"sig{len(self.signatures)}=="
        self.signatures[signature] = body
        return body, {
            "PayPal-Auth-Algo": "SHA256withRSA",
            "PayPal-Cert-Url": f"{BASE}/v1/notifications/certs/CERT-360caa42",
            "PayPal-Transmission-Id": "b2384410-f8d2-11e4-8bf3-77339302725b",
            "PayPal-Transmission-Sig": signature,
            "PayPal-Transmission-Time": stamp(self.clock.now()),
            "Content-Type": "application/json",
        }

    def _transactions(self, request: Request) -> Answer:
        query = request.query
        start, end = parse_instant(query["start_date"]), parse_instant(query["end_date"])
        refreshed = self.clock.now() - self.reporting_delay
        if end - start > LONGEST_RANGE or end < start:
            raise Refusal(400, "INVALID_REQUEST", "INVALID_DATE_RANGE", "Date range is wrong.")
        if start > refreshed:
            message = "Data for the given start date is not available."
            return 400, error_json("INVALID_REQUEST", "", message)
        end = min(end, refreshed)
        found = [line.info for line in self.books.lines if start <= line.at <= end]
        if len(found) > self.most_results:
            raise Refusal(400, "RESULTSET_TOO_LARGE", "", "Result set size is too large.")
        size, page = int(query["page_size"]), int(query["page"])
        data: Json = {
            "account_number": MERCHANT,
            "start_date": stamp(start),
            "end_date": stamp(end),
            "last_refreshed_datetime": stamp(refreshed),
            "page": page,
            "total_items": len(found),
            "total_pages": max(1, -(-len(found) // size)),
        }
        lines = found[(page - 1) * size : page * size]
        if lines:
            data["transaction_details"] = [{"transaction_info": info} for info in lines]
        return 200, data

    def _disputes(self, request: Request) -> Answer:
        query = request.query
        found = list(self.books.disputes.values())
        if "disputed_transaction_id" in query:
            found = [one for one in found if one.capture.id == query["disputed_transaction_id"]]
        if "update_time_after" in query:
            after = parse_instant(query["update_time_after"])
            found = [one for one in found if one.updated >= after]
        first, size = int(query.get("next_page_token", "0")), int(query.get("page_size", "10"))
        data: Json = {}
        page = found[first : first + size]
        if page:
            listed = ("dispute_id", "create_time", "update_time", "reason", "status")
            data["items"] = [
                {name: one[name] for name in listed}
                for one in (dispute_json(each) for each in page)
            ]
        if first + size < len(found):
            rest = urlencode({**query, "next_page_token": str(first + size)})
            data["links"] = [link(f"{BASE}{request.path}?{rest}", "next")]
        return 200, data

    def _dispute(self, _: Request, dispute_id: str) -> Answer:
        return 200, dispute_json(self._known(self.books.disputes, dispute_id))

    # --- saved methods -----------------------------------------------------------------------

    def _set_up(self, request: Request) -> Answer:
        token = self.books.number("set")
        url = f"https://www.sandbox.paypal.com/agreements/approve?approval={token}"
        return 201, {
            "id": token,
            "customer": request.json["customer"],
            "status": "PAYER_ACTION_REQUIRED",
            "payment_source": {"paypal": {"usage_type": "MERCHANT"}},
            "links": [link(url, "approve")],
        }

    def _methods(self, request: Request) -> Answer:
        query = request.query
        customer, size, page = query["customer_id"], int(query["page_size"]), int(query["page"])
        found = [one for one in self.books.methods.values() if one.customer == customer]
        if not found:
            raise Refusal(404, "RESOURCE_NOT_FOUND", "CUSTOMER_NOT_FOUND")
        return 200, {
            "customer": {"id": customer},
            "total_items": len(found),
            "total_pages": -(-len(found) // size),
            "payment_tokens": [method_json(one) for one in found[(page - 1) * size : page * size]],
        }

    def _method(self, _: Request, method_id: str) -> Answer:
        return 200, method_json(self._known(self.books.methods, method_id))

    def _forget(self, _: Request, method_id: str) -> Answer:
        self._known(self.books.methods, method_id)
        self.books.remove_method(method_id)
        return 204, {}


ROUTES: dict[tuple[str, str], Call] = {
    ("POST", "/v2/checkout/orders"): PayPalServer._create,
    ("GET", "/v2/checkout/orders/([^/]+)"): PayPalServer._order,
    ("POST", "/v2/checkout/orders/([^/]+)/capture"): PayPalServer._capture,
    ("GET", "/v2/payments/captures/([^/]+)"): PayPalServer._captured,
    ("POST", "/v2/payments/captures/([^/]+)/refund"): PayPalServer._refund,
    ("GET", "/v2/payments/refunds/([^/]+)"): PayPalServer._refunded,
    ("GET", "/v1/notifications/webhooks-events"): PayPalServer._events,
    ("POST", "/v1/notifications/verify-webhook-signature"): PayPalServer._verify,
    ("GET", "/v1/reporting/transactions"): PayPalServer._transactions,
    ("GET", "/v1/reporting/balances"): PayPalServer._balances,
    ("GET", "/v1/customer/disputes"): PayPalServer._disputes,
    ("GET", "/v1/customer/disputes/([^/]+)"): PayPalServer._dispute,
    ("GET", "/v1/billing/subscriptions/([^/]+)"): PayPalServer._subscription,
    ("POST", "/v3/vault/setup-tokens"): PayPalServer._set_up,
    ("GET", "/v3/vault/payment-tokens"): PayPalServer._methods,
    ("GET", "/v3/vault/payment-tokens/([^/]+)"): PayPalServer._method,
    ("DELETE", "/v3/vault/payment-tokens/([^/]+)"): PayPalServer._forget,
}
