"""PayPal's official descriptions as judges: of every request, and of our own server's answers.

Found by BILLDESK_SPECS. PayPal's own files do not forbid unknown fields, so those are looked for here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.gateway_servers.paypal_shapes import BASE

Json = dict[str, Any]

DESCRIPTIONS = {
    "/v1/billing": "billing_subscriptions_v1",
    "/v1/customer": "customer_disputes_v1",
    "/v1/notifications": "notifications_webhooks_v1",
    "/v1/reporting": "reporting_transactions_v1",
    "/v2/checkout": "checkout_orders_v2",
    "/v2/payments": "payments_payment_v2",
    "/v3/vault": "vault_payment_tokens_v3",
}
# PayPal writes these itself into the links that it wants followed.
IN_LINKS = {"page_token"}


def folder() -> Path | None:
    """Where the descriptions are, None if nobody said."""
    said = os.environ.get("BILLDESK_SPECS")
    return Path(said) / "paypal" if said else None


class Description:
    """One official description, to judge by."""

    def __init__(self, path: Path) -> None:
        from openapi_core import Config, OpenAPI

        self.spec: Json = json.loads(path.read_text("utf-8"))
        # Who may ask is for the server to say; the judge knows no OAuth.
        for operations in self.spec["paths"].values():
            for operation in operations.values():
                operation.pop("security", None)
                for parameter in operation.get("parameters", []):
                    # Some defaults are sentences, and break the pattern beside them.
                    self.resolve(parameter).get("schema", {}).pop("default", None)
                    # PayPal's own links to a next page carry what it calls deprecated.
                    self.resolve(parameter).pop("deprecated", None)
        # To have an event verified is to send it back, read-only fields and all.
        for field in self.spec["components"]["schemas"].get("event", {}).get("properties", {}):
            self.spec["components"]["schemas"]["event"]["properties"][field].pop("readOnly", None)
        # PayPal's raw files do not pass the check of descriptions themselves.
        self.judge = OpenAPI.from_dict(self.spec, config=Config(spec_validator_cls=None))

    def operation(self, method: str, path: str) -> Json | None:
        """What is said of a request to `path`, if anything."""
        parts = path.split("/")
        for pattern, operations in self.spec["paths"].items():
            wanted = pattern.split("/")
            if len(wanted) == len(parts) and all(
                want.startswith("{") or want == part
                for want, part in zip(wanted, parts, strict=True)
            ):
                found: Json | None = operations.get(method.lower())
                return found
        return None

    def resolve(self, schema: Json) -> Json:
        while "$ref" in schema:
            place: Any = self.spec
            for part in schema["$ref"].split("/")[1:]:
                place = place[part.replace("~1", "/")]
            schema = place
        return schema

    def unknown(self, schema: Json, value: Any, where: str) -> Iterator[str]:
        """Fields, at any depth, that no part of the schema names."""
        parts = list(self._parts(schema))
        if isinstance(value, list):
            items = [part["items"] for part in parts if "items" in part]
            for number, one in enumerate(value):
                yield from self.unknown({"allOf": items}, one, f"{where}[{number}]")
        if not isinstance(value, dict) or any(part.get("additionalProperties") for part in parts):
            return
        known: dict[str, list[Json]] = {}
        for part in parts:
            for name, inside in part.get("properties", {}).items():
                known.setdefault(name, []).append(inside)
        for name, one in value.items():
            if name not in known:
                yield f"{where}.{name} is unknown"
            else:
                yield from self.unknown({"allOf": known[name]}, one, f"{where}.{name}")

    def _parts(self, schema: Json) -> Iterator[Json]:
        schema = self.resolve(schema)
        yield schema
        for kind in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(kind, []):
                yield from self._parts(part)


@cache
def description_of(path: str) -> Description | None:
    """The description that speaks of `path`; None without descriptions, or for the token."""
    where = folder()
    for start, name in DESCRIPTIONS.items():
        if where is not None and path.startswith(start):
            return _load(where / f"{name}.json")
    return None


@cache
def _load(path: Path) -> Description:
    return Description(path)


def judge_request(method: str, target: str, headers: Json, body: bytes) -> list[str]:
    """What is wrong with a request by the official description; nothing without one."""
    parts = urlsplit(target)
    description = description_of(parts.path)
    if description is None:
        return []
    operation = description.operation(method, parts.path)
    if operation is None:
        return [f"{method} {parts.path} is not described"]
    query = dict(parse_qsl(parts.query))
    wrong = [
        f"{method} {parts.path}: {text}"
        for text in _broken(description, method, target, headers, body)
    ]
    known = {description.resolve(one)["name"] for one in operation.get("parameters", [])}
    wrong += [f"{parts.path}?{name} is unknown" for name in query.keys() - known - IN_LINKS]
    if body:
        content = description.resolve(operation["requestBody"])["content"]["application/json"]
        wrong += description.unknown(content["schema"], json.loads(body), f"{method} {parts.path}")
    return wrong


def _broken(
    description: Description, method: str, target: str, headers: Json, body: bytes
) -> Iterator[str]:
    from openapi_core.exceptions import OpenAPIError
    from openapi_core.testing import MockRequest

    parts = urlsplit(target)
    request = MockRequest(
        BASE,
        method.lower(),
        parts.path,
        args=dict(parse_qsl(parts.query)),
        headers=headers,
        data=body or None,
    )
    try:
        description.judge.validate_request(request)
    except OpenAPIError as error:
        yield _explain(error)


def judge_answer(
    method: str, target: str, headers: Json, body: bytes, status: int, answer: Json
) -> list[str]:
    """What is wrong with an answer of our own server by the official description."""
    from openapi_core.exceptions import OpenAPIError
    from openapi_core.testing import MockRequest, MockResponse

    parts = urlsplit(target)
    description = description_of(parts.path)
    operation = description.operation(method, parts.path) if description else None
    if description is None or operation is None or status >= 300:
        return []
    args = dict(parse_qsl(parts.query))
    request = MockRequest(BASE, method.lower(), parts.path, args=args, headers=headers, data=body)
    wrong = []
    data = b"" if status == 204 else json.dumps(answer).encode()
    try:
        description.judge.validate_response(request, MockResponse(data, status_code=status))
    except OpenAPIError as error:
        wrong.append(f"answer to {method} {parts.path}: {_explain(error)}")
    schema = description.resolve(operation["responses"][str(status)]).get("content", {})
    if schema:
        inside = schema["application/json"]["schema"]
        wrong += description.unknown(inside, answer, f"answer to {method} {parts.path}")
    return wrong


def _explain(error: Exception) -> str:
    """An error with its causes, which say what was wrong where."""
    texts = [str(error)]
    inner = error.__cause__
    while inner is not None:
        texts.append(str(inner)[:300])
        texts += [str(one)[:300] for one in getattr(inner, "schema_errors", ())]
        inner = inner.__cause__
    return " / ".join(texts)
