"""The one place that knows the stripe SDK: how it is called, and what each of its errors means."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import stripe

from billdesk.core.values.clock import Clock, aware
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
)

if TYPE_CHECKING:
    from stripe._v1_services import V1Services

JSON = dict[str, Any]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")

_RIGHT = re.compile(r"rak_\w+", re.ASCII)
_ACCOUNT = re.compile(r"\bacct_[A-Za-z0-9]+", re.ASCII)
_POLL = "poll to learn the outcome"

# Nothing about this machine goes out with a request.
stripe.enable_telemetry = False


class Answer(NamedTuple):
    """Stripe's own JSON, and when it said so by its own clock."""

    data: JSON
    at: datetime


class CardRefused(GatewayError):
    """A bank said no; `intent` is the payment that came of it, if one did."""

    def __init__(self, message: str, intent: JSON | None, at: datetime) -> None:
        super().__init__(message)
        self.intent = intent
        self.at = at


class RightMissing(KeyRefused):
    """The key is good, but not for this.

    `right` is what Stripe calls what it lacks, `account` whose key it is; both if Stripe says so.
    """

    def __init__(self, message: str, hint: str, right: str, account: str) -> None:
        super().__init__(message, hint)
        self.right = right
        self.account = account


class Gone(GatewayError):
    """There is no such object, or not any more."""


class KeyReused(GatewayError):
    """An idempotency key came again with other content."""


class FailureReplayed(GatewayUnreachable):
    """Stripe failed under this idempotency key before and will say so for a day, whatever is asked."""


# What reading an object of an unknown shape comes to.
STRANGE = (AttributeError, KeyError, TypeError, ValueError)


@contextmanager
def understood() -> Iterator[None]:
    """Reading an answer; in a shape that nobody knows it tells as much as none."""
    try:
        yield
    except STRANGE as error:
        raise GatewayUnreachable(
            f"Stripe answered in a way that is not understood: {error!r}",
            "see whether there is a newer billdesk",
        ) from error


class _Line(stripe.HTTPXClient):
    """The SDK's line over httpx, which hands forms over in a way that httpx is about to give up."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> Any:
        arguments, named = super()._get_request_args_kwargs(method, url, headers, post_data)
        named["content"] = named.pop("data") or None
        return arguments, named


class StripeCaller:
    """Calls Stripe with one key. Every call may raise GatewayError and its kinds, nothing else."""

    def __init__(
        self, name: str, key: str, *, clock: Clock, base_url: str | None, timeout_seconds: float
    ) -> None:
        if base_url is not None:
            _check_base_url(base_url)
        http = _Line(allow_sync_methods=True, timeout=timeout_seconds)
        self._api = stripe.StripeClient(
            key,
            base_addresses={"api": base_url} if base_url else {},
            http_client=http,
            # The operations decide what is asked again, and when.
            max_network_retries=0,
        )
        self._name = name
        self._key = key
        self._clock = clock
        self.close = weakref.finalize(self, http.close)

    def call(self, ask: Callable[[V1Services], Any]) -> Answer:
        """What Stripe answers to one request."""
        try:
            # What is no object at all has no such attribute.
            response = getattr(ask(self._api.v1), "last_response", None)
        except stripe.StripeError as error:
            raise self._meaning(error) from error
        if response is None:
            raise GatewayUnreachable(f"{self._name} answered with no object", _POLL)
        return Answer(response.data, self._told_at(response.headers))

    def _told_at(self, headers: Any) -> datetime:
        """Stripe's time of an answer; ours if a server between leaves it out."""
        try:
            return aware(parsedate_to_datetime(headers["date"]))
        except (KeyError, ValueError):
            return self._clock.now()

    def _meaning(self, error: stripe.StripeError) -> GatewayError:
        """What one of the SDK's errors means to the desk; it never carries the key."""
        name, status = self._name, error.http_status or 0
        match error:
            case stripe.APIConnectionError():
                return GatewayUnreachable(f"{name} could not be reached", _POLL)
            case stripe.AuthenticationError():
                return KeyRefused(f"the key of {name} was refused", "give it a valid key")
            case stripe.PermissionError():
                return self._right_missing(error)
            case stripe.RateLimitError():
                return self._busy(error)
            case _:
                pass
        if 400 <= status < 500 and status != 409:
            return self._refusal(error)
        return self._failure(error)

    def _right_missing(self, error: stripe.StripeError) -> RightMissing:
        said = error.user_message or ""
        named, owner = _RIGHT.search(said), _ACCOUNT.search(said)
        right = named[0] if named else ""
        return RightMissing(
            f"the key of {self._name} was refused: it lacks a right",
            f"let the restricted key have {right or 'all that billdesk asks for'}",
            right,
            owner[0] if owner else "",
        )

    def _refusal(self, error: stripe.StripeError) -> GatewayError:
        """It was understood, and nothing was done."""
        name, said = self._name, self._said(error)
        if isinstance(error, stripe.CardError):
            return CardRefused(said, _intent_of(error), self._told_at(error.headers))
        if isinstance(error, stripe.IdempotencyError):
            return KeyReused(f"{name} knows this request with other content", "use a new id for it")
        if _is_gone(error, said):
            return Gone(f"{name} knows nothing of it: {said}", "see whether the id is right")
        return GatewayError(f"{name} refused: {said}", "change what is asked for")

    def _failure(self, error: stripe.StripeError) -> GatewayUnreachable:
        """Nobody can tell what was done: Stripe failed, or is busy with the same request."""
        if (error.headers or {}).get("idempotent-replayed") == "true":
            return FailureReplayed(f"{self._name} failed at this before", _POLL)
        return GatewayUnreachable(f"{self._name} failed: {self._said(error)}", _POLL)

    def _said(self, error: stripe.StripeError) -> str:
        return (error.user_message or "without a reason").replace(self._key, "(key)")

    def _busy(self, error: stripe.StripeError) -> GatewayBusy:
        message, hint = f"{self._name} asks to be left alone for a while", "try again later"
        seconds = (error.headers or {}).get("retry-after", "")
        if not seconds.isdecimal():
            return GatewayBusy(message, hint)
        return GatewayBusy(message, hint, retry_after_seconds=int(seconds))


def _intent_of(error: stripe.CardError) -> JSON | None:
    body: Any = error.json_body
    intent = body["error"].get("payment_intent")
    return intent if isinstance(intent, dict) else None


def _is_gone(error: stripe.StripeError, said: str) -> bool:
    """Whether an object does not exist, or an event is too old to be listed after."""
    return error.code == "resource_missing" or "retention" in said


def _check_base_url(base_url: str) -> None:
    """Keys leave this machine encrypted or not at all."""
    address = urlsplit(base_url)
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        raise BadInput(f"{base_url!r} is not encrypted", "use https, or an address of this machine")
