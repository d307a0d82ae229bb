"""HTTP to Paystack: one client, one attempt, and the only place where its errors get our names."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from billdesk.core.values.errors import (
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
)

Row = dict[str, Any]
"""A JSON object of Paystack's."""

_BUSY_SECONDS = 60  # when it does not say how long
_MESSAGE_LENGTH = 200
_LATER = "nothing is lost: it is asked again later"


class Answer(NamedTuple):
    """What came back: the object or the list, and what is said of the list's pages."""

    data: object
    meta: Row


class Refusal(GatewayError):
    """Paystack understood and said no; `reason` is its own code, `status` that of HTTP."""

    def __init__(self, message: str, hint: str, *, reason: str, status: int) -> None:
        super().__init__(message, hint)
        self.reason = reason
        self.status = status

    @property
    def is_duplicate(self) -> bool:
        """Whether a reference was used before."""
        return self.reason == "duplicate_reference" or "duplicate transaction" in self._said

    @property
    def is_not_found(self) -> bool:
        """Whether there is no such thing: with 404, or with 400 for a transaction."""
        return self.status == 404 or "not found" in self._said

    @property
    def _said(self) -> str:
        return self.message.lower()


class Calls:
    """Asks Paystack with a secret key. Never tries twice: whoever asked knows what may be repeated."""

    def __init__(self, name: str, key: str, base_url: str, timeout_seconds: float) -> None:
        self._name = name
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=timeout_seconds,
        )
        weakref.finalize(self, self._client.close)

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Answer:
        """Read something. Raises GatewayError, GatewayUnreachable."""
        return self._ask("GET", path, query, None)

    def post(self, path: str, body: Row) -> Answer:
        """Have something done. Raises GatewayError; GatewayUnreachable when it may be done or not."""
        return self._ask("POST", path, None, body)

    def _ask(
        self, method: str, path: str, query: Mapping[str, str | int] | None, body: Row | None
    ) -> Answer:
        try:
            response = self._client.request(method, path, params=query, json=body)
        except httpx.HTTPError as error:
            raise GatewayUnreachable(
                f"{self._name} did not answer ({type(error).__name__})", _LATER
            ) from error
        self._check_status(response)
        try:
            answer = response.json()
        except ValueError as error:
            raise GatewayUnreachable(
                f"{self._name} answered {response.status_code} with something else than JSON",
                _LATER,
            ) from error
        if not isinstance(answer, dict) or answer.get("status") is not True:
            raise self._refusal(response.status_code, answer)
        meta = answer.get("meta")
        return Answer(answer.get("data"), meta if isinstance(meta, dict) else {})

    def _check_status(self, response: httpx.Response) -> None:
        if response.status_code in {401, 403}:
            raise KeyRefused(
                f"the key of {self._name} was refused",
                "give the secret key of the integration, from Paystack's dashboard under API keys",
            )
        if response.status_code == 429:
            wait = response.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isascii() and wait.isdecimal() else _BUSY_SECONDS
            raise GatewayBusy(
                f"{self._name} asks to be left alone for {seconds:g} seconds",
                "nothing was done; it is asked again later",
                retry_after_seconds=seconds,
            )
        if response.status_code >= 500:
            raise GatewayUnreachable(f"{self._name} failed with {response.status_code}", _LATER)

    def _refusal(self, status: int, answer: object) -> Refusal:
        said = answer if isinstance(answer, dict) else {}
        meta = said.get("meta")
        hint = meta.get("nextStep") if isinstance(meta, dict) else None
        message = str(said.get("message") or f"no reason, with {status}")
        return Refusal(
            f"{self._name} said no: {message[:_MESSAGE_LENGTH]}",
            str(hint or "see Paystack's dashboard")[:_MESSAGE_LENGTH],
            reason=str(said.get("code") or ""),
            status=status,
        )
