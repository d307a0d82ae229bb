"""A scripted Paystack on 127.0.0.1: real HTTP before books of its own, and faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from billdesk.core.values.clock import Clock
from tests.gateway_servers.paystack_books import Books, Refused, Row
from tests.gateway_servers.paystack_description import Description, description

SECRET_KEY = "sk_test_4f0scripted9c1"
BROKE_THE_DESCRIPTION = 599


class PaystackServer(ThreadingHTTPServer):
    """Answers requests one at a time, and remembers them."""

    daemon_threads = True

    def __init__(self, clock: Clock) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.books = Books(clock)
        self.requests: list[tuple[str, str]] = []
        self.violations: list[str] = []
        self.lose: str | None = None  # "before" or "after" the effect, of the next POST
        self.canned: tuple[int, Mapping[str, str], bytes] | None = None
        self.before_lists: list[Callable[[], None]] = []
        self.closing = threading.Event()
        self.stalling = False
        self.lock = threading.Lock()
        self._description: Description | None = description()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes] | None:
        """Status, headers and body; None to hang up."""
        with self.lock:
            self.requests.append((method, target.partition("?")[0]))
            if self.canned is not None:
                canned, self.canned = self.canned, None
                return canned
            lose = self.lose if method == "POST" else None
            if lose is not None:
                self.lose = None
            if lose == "before":
                return None
            broken = self._mistakes(method, target, headers, body)
            if broken:
                self.violations += broken
                return BROKE_THE_DESCRIPTION, {}, json.dumps(broken).encode()
            status, answer = self._done(method, target, headers, body)
            return None if lose == "after" else (status, {}, json.dumps(answer).encode())

    def _mistakes(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> list[str]:
        if self._description is None:
            return []
        return self._description.mistakes(method, target, headers, body)

    def _done(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, Row]:
        try:
            if headers.get("Authorization") != f"Bearer {SECRET_KEY}":
                raise Refused(401, "Invalid key", "invalid_Key")
            self.books.arrive()
            url = urlsplit(target)
            path = [unquote(part) for part in url.path.strip("/").split("/")]
            if method == "POST":
                return 200, self._post("/".join(path), json.loads(body))
            return 200, self._get(path, dict(parse_qsl(url.query)))
        except Refused as refusal:
            return refusal.status, refusal.answer

    def _post(self, path: str, body: Row) -> Row:
        books = self.books
        if path == "transaction/initialize":
            return _said("Authorization URL created", books.initialize(body))
        if path == "transaction/charge_authorization":
            return _said("Charge attempted", books.charge_authorization(body))
        if path == "refund":
            return _said("Refund has been queued for processing", books.create_refund(body))
        if path == "customer":
            customer = books.customer_of(body["email"], body.get("first_name"))
            return _said("Customer created", customer)
        if path == "customer/authorization/deactivate":
            books.deactivate(body["authorization_code"])
            return {"status": True, "message": "Authorization has been deactivated"}
        raise Refused(404, "Entity not found", "not_found")

    def _get(self, path: list[str], query: Mapping[str, str]) -> Row:
        books = self.books
        lists: dict[str, Mapping[Any, Row]] = {
            "transaction": books.transactions,
            "refund": books.refunds,
            "dispute": books.disputes,
            "customer": books.customers,
        }
        match path:
            case [name] if name in lists:
                if self.before_lists:
                    self.before_lists.pop(0)()
                return books.page(lists[name], query, _about(query.get("transaction")))
            case ["transaction", "verify", reference]:
                return _said("Verification successful", books.verify(reference))
            case ["refund", number]:
                return _said("Refund retrieved", books.refund(int(number)))
            case ["customer", named]:
                return _said("Customer retrieved", books.customer(named))
            case ["subscription", code]:
                return _said("Subscription retrieved", books.subscription(code))
            case _:
                raise Refused(404, "Entity not found", "not_found")


def _said(message: str, data: Row) -> Row:
    return {"status": True, "message": message, "data": data}


def _about(transaction: str | None) -> Callable[[Row], bool]:
    def keep(row: Row) -> bool:
        return transaction is None or str(row["transaction"]["id"]) == transaction

    return keep


class _Handler(BaseHTTPRequestHandler):
    server: PaystackServer

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.title(): value for name, value in self.headers.items()}
        if self.server.stalling:
            self.server.closing.wait(5)
            return
        answer = self.server.answer(self.command, self.path, headers, body)
        if answer is None:
            return
        status, extra, content = answer
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **extra}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests read `requests`."""
