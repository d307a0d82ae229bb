"""Stripe's bracketed forms read back, and held to the official descriptions of its interface.

Two descriptions: the parameter types of the installed SDK, always; and the trimmed OpenAPI file in
`BILLDESK_SPECS`, where it is there. Neither lets an unknown field pass.
"""

from __future__ import annotations

import functools
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

JSON = dict[str, Any]


def read_form(text: str) -> JSON:
    """`a[b][0]=1&a[c]=2` → {'a': {'b': ['1'], 'c': '2'}}."""
    tree: JSON = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *folders, leaf = re.findall(r"[^\[\]]+", name)
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[leaf] = value
    listed: JSON = _lists(tree)
    return listed


def _lists(thing: Any) -> Any:
    if not isinstance(thing, dict):
        return thing
    if thing and all(name.isdecimal() for name in thing):
        return [_lists(thing[name]) for name in sorted(thing, key=int)]
    return {name: _lists(value) for name, value in thing.items()}


# What the interface has learned since the trimmed description was made; the SDK's types know it.
_NEWER = {
    ("get", "/v1/checkout/sessions"): {"created": {"type": "object"}},
    ("post", "/v1/checkout/sessions"): {
        "adaptive_pricing": {"type": "object"},
        "allowed_payment_method_types": {"type": "array"},
    },
    ("post", "/v1/invoices"): {"number": {"type": "string"}},
}


class Description:
    """What may be sent to one path, as one JSON schema."""

    def __init__(self, schema: JSON) -> None:
        from openapi_schema_validator import OAS30Validator

        self._schema = _closed(schema)
        self._validator = OAS30Validator(self._schema)

    def breaches(self, form: JSON) -> list[str]:
        typed = _typed(form, self._schema)
        return [error.message for error in self._validator.iter_errors(typed)]


@functools.cache
def described(method: str, path: str) -> Description | None:
    """The official description of a request; None where there is none."""
    for template, operations in _official_paths().items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in operations:
            schema = _schema_of(operations[method.lower()])
            schema["properties"] |= _NEWER.get((method.lower(), template), {})
            return Description(schema)
    return None


@functools.cache
def _official_paths() -> dict[str, JSON]:
    folder = os.environ.get("BILLDESK_SPECS")
    if not folder:
        return {}
    path = Path(folder) / "stripe" / "stripe-trimmed-2023-08-16.json"
    paths: dict[str, JSON] = json.loads(path.read_text())["paths"]
    return paths


def _schema_of(operation: JSON) -> JSON:
    queries = [part for part in operation.get("parameters", []) if part["in"] == "query"]
    content = operation.get("requestBody", {}).get("content", {})
    schema: JSON = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
    return {
        "type": "object",
        "properties": {
            **schema.get("properties", {}),
            **{part["name"]: part["schema"] for part in queries},
        },
        "required": [
            *schema.get("required", []),
            *(part["name"] for part in queries if part.get("required")),
        ],
    }


def _closed(schema: Any) -> Any:
    """The same schema, but nothing may be sent that it does not name."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    if closed.get("required") == []:
        del closed["required"]
    return closed


def _typed(value: Any, schema: JSON) -> Any:
    """A form knows only text: numbers and truths as the schema has them."""
    for choice in schema.get("anyOf", []):
        typed = _typed(value, choice)
        if type(typed) is not str or choice.get("type") == "string":
            return typed
    if isinstance(value, dict):
        parts, other = schema.get("properties", {}), schema.get("additionalProperties")
        rest = other if isinstance(other, dict) else {}
        return {name: _typed(part, parts.get(name, rest)) for name, part in value.items()}
    if isinstance(value, list):
        return [_typed(part, schema.get("items", {})) for part in value]
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if schema.get("type") == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value
