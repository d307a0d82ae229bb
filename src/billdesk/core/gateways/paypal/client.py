"""Requests to PayPal: its token, its idempotency keys, and what its refusals mean.

The only place that knows HTTP. It never tries a request again by itself, except that a token which
PayPal no longer takes is fetched anew once: a refused token did nothing.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from billdesk.core.gateways.paypal.amounts import reading
from billdesk.core.values.clock import Clock, aware
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
)

TOKEN_PATH = "/v1/oauth2/token"  # noqa: S105 - an address, no secret
ORDERS_PATH = "/v2/checkout/orders"
CAPTURES_PATH = "/v2/payments/captures"
PAYMENT_TOKENS_PATH = "/v3/vault/payment-tokens"
TOKEN_MARGIN = timedelta(seconds=60)
RETRY_AFTER_SECONDS = 60.0


def path_of(collection: str, id: str) -> str:
    """Where one object of a collection lies, whatever its id is made of."""
    return f"{collection}/{quote(id, safe='')}"


class Answer(NamedTuple):
    """What PayPal answered, and when by its own clock."""

    status: int
    data: dict[str, Any]
    at: datetime

    @property
    def issue(self) -> str:
        """The name of what PayPal found wrong: the first detail's, or else the error's own."""
        details = self.data.get("details") or [{}]
        return str(details[0].get("issue") or self.data.get("name") or "")

    @property
    def words(self) -> str:
        """What PayPal says was wrong, short enough for a line."""
        details = self.data.get("details") or [{}]
        text = details[0].get("description") or self.data.get("message") or ""
        return f"{self.issue}: {text}"[:240] if text else self.issue or f"HTTP {self.status}"


class Token(NamedTuple):
    """A token of PayPal's, until when to use it, and the rights it carries."""

    text: str
    until: datetime
    scopes: frozenset[str]


class Client:
    """One account's way to PayPal. Its secret and its tokens never leave it."""

    def __init__(
        self,
        name: str,
        client_id: str,
        secret: str,
        *,
        base_url: str,
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        self._name = name
        self._client_id = client_id
        self._secret = secret
        self._clock = clock
        self._http = httpx.Client(base_url=base_url, timeout=timeout_seconds)
        # Nobody closes a gateway; its connections go when it does.
        weakref.finalize(self, self._http.close)
        self._token: Token | None = None
        self._lock = threading.Lock()

    @property
    def app(self) -> str:
        """A name for the app: the same for the same client id, which it does not tell."""
        return f"app-{hashlib.sha256(self._client_id.encode()).hexdigest()[:16]}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        key: str | None = None,
        accept: Container[int] = (),
    ) -> Answer:
        """Ask PayPal once and return its answer: a success, or a status in `accept`.

        `body`: what to send as JSON, or JSON as it stands. `key`: the idempotency key. Raises
        KeyRefused (401, 403), GatewayBusy (429), GatewayUnreachable (no answer, 409, 5xx, or one
        that cannot be read), GatewayError for any other refusal.
        """
        answer = self._ask(self.token(), method, path, params, body, key)
        if answer.status == 401:
            answer = self._ask(self.token(fresh=True), method, path, params, body, key)
        if answer.status < 300 or answer.status in accept:
            return answer
        raise self.refusal(answer)

    def token(self, *, fresh: bool = False) -> Token:
        """A token that is good for a minute at least; kept until then. Raises as `ask` does."""
        with self._lock:
            now = self._clock.now()
            if fresh or self._token is None or now >= self._token.until:
                self._token = self._fetch_token(now)
            return self._token

    def refusal(self, answer: Answer) -> GatewayError:
        """What an answer that is no success means for the caller."""
        match answer.status:
            case 401:
                return KeyRefused(
                    f"the key of {self._name} was refused", "check its client id, secret and mode"
                )
            case 403:
                return KeyRefused(
                    f"the key of {self._name} was refused: it lacks a right ({answer.words})",
                    "grant it in the developer dashboard; it may take hours until it counts",
                )
            case 409:
                return GatewayUnreachable(
                    f"{self._name} still works on the first request ({answer.words})", "poll later"
                )
            case status if status >= 500:
                return GatewayUnreachable(f"{self._name} failed ({answer.words})", "poll later")
            case _:
                return GatewayError(f"{self._name} said no: {answer.words}")

    # --- inside ------------------------------------------------------------------------------

    def _fetch_token(self, now: datetime) -> Token:
        request = self._http.build_request(
            "POST", TOKEN_PATH, data={"grant_type": "client_credentials"}
        )
        answer = self._send(request, (self._client_id, self._secret))
        if answer.status >= 300:
            raise self.refusal(answer)
        with reading("the token"):
            return Token(
                text=answer.data["access_token"],
                until=now + timedelta(seconds=int(answer.data["expires_in"])) - TOKEN_MARGIN,
                scopes=frozenset(answer.data.get("scope", "").split()),
            )

    def _ask(
        self,
        token: Token,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | bytes | None,
        key: str | None,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token.text}"}
        if key is not None:
            headers |= {"PayPal-Request-Id": key, "Prefer": "return=representation"}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
        request = self._http.build_request(
            method,
            path,
            params=params,
            headers=headers,
            content=body if isinstance(body, bytes) else None,
            json=None if isinstance(body, bytes) else body,
        )
        return self._send(request, None)

    def _send(self, request: httpx.Request, auth: tuple[str, str] | None) -> Answer:
        try:
            response = self._http.send(request, auth=auth)
        except httpx.RequestError as error:
            raise GatewayUnreachable(
                f"{self._name} did not answer ({type(error).__name__})", "poll later"
            ) from error
        if response.status_code == 429:
            raise GatewayBusy(
                f"{self._name} asks to be left alone for a while",
                "wait; polling goes on by itself",
                retry_after_seconds=self._retry_after_seconds(response),
            )
        at = _instant(response.headers.get("Date")) or self._clock.now()
        return Answer(response.status_code, self._read(response), at)

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        """The body; that of a refusal may be anything, that of a success must be an object."""
        if not response.content:
            return {}
        try:
            data = response.json()
        except ValueError:
            data = None
        if isinstance(data, dict):
            return data
        if response.status_code >= 300:
            return {}
        raise GatewayUnreachable(f"{self._name}'s answer cannot be read", "poll later")

    def _retry_after_seconds(self, response: httpx.Response) -> float:
        text = response.headers.get("Retry-After", "")
        if text.isascii() and text.isdigit():
            return float(text)
        until = _instant(text)
        if until is None:
            return RETRY_AFTER_SECONDS
        return max(0.0, (until - self._clock.now()).total_seconds())


def _instant(text: str | None) -> datetime | None:
    """The instant of an HTTP date, None if it is none."""
    try:
        return aware(parsedate_to_datetime(text or ""))
    except (ValueError, BadInput):
        return None
