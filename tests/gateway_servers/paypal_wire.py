"""What goes over the wire to our own PayPal, and what can go wrong on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from billdesk.core.values.clock import Clock
from tests.gateway_servers.paypal_shapes import Json


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def parts(self) -> list[str]:
        return self.path.strip("/").split("/")

    @property
    def json(self) -> Json:
        data: Json = json.loads(self.body or b"{}")
        return data

    @property
    def key(self) -> str | None:
        return self.headers.get("paypal-request-id")


@dataclass
class Fault:
    """What happens to the next request whose method and path end so."""

    method: str = ""
    ending: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    effect: bool = False
    seconds: float = 0

    def hits(self, request: Request) -> bool:
        if self.ending:
            return request.method == self.method and request.path.endswith(self.ending)
        # A look at the method to be charged only prepares the request that counts.
        prepares = request.method == "GET" and request.path.startswith("/v3/vault/payment-tokens/")
        return request.path != "/v1/oauth2/token" and not prepares


def error_json(name: str, issue: str, text: str) -> Json:
    data: Json = {"name": name, "message": text, "debug_id": "90957fca61718"}
    if issue:
        data["details"] = [{"issue": issue, "description": f"{issue}: {text}"}]
    return data


def error_body(name: str, issue: str, text: str = "as the test wished") -> bytes:
    """A refusal to put on the wire."""
    return json.dumps(error_json(name, issue, text)).encode()


def send(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    clock: Clock,
    headers: Mapping[str, str],
) -> None:
    handler.send_response_only(status)
    handler.send_header("Date", format_datetime(clock.now(), usegmt=True))
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    # One request a connection, so that nothing is left open when a test is over.
    handler.send_header("Connection", "close")
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
