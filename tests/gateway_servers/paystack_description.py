"""Requests held against Paystack's official description of its interface, if it is there.

Stricter than the description: a field or parameter that it does not name is a mistake.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HOST = "https://api.paystack.co"


class Description:
    def __init__(self, path: Path) -> None:
        # Half a second, and only for those who have the descriptions.
        from jsonschema_path.readers import PathReader
        from openapi_core import Config, OpenAPI

        spec: dict[str, Any] = dict(PathReader(path).read()[0])
        for schema in spec["components"]["schemas"].values():
            _forbid_unknown(schema)
        self._parameters = {
            (template, method): {parameter["name"] for parameter in operation.get("parameters", [])}
            for template, operations in spec["paths"].items()
            for method, operation in operations.items()
            if method in {"get", "post"}
        }
        self._openapi = OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None))

    def mistakes(self, method: str, target: str, headers: dict[str, str], body: bytes) -> list[str]:
        """What a request does that the description does not know."""
        from openapi_core.exceptions import OpenAPIError
        from openapi_core.testing import MockRequest

        url = urlsplit(target)
        query = parse_qsl(url.query, keep_blank_values=True)
        request = MockRequest(
            HOST,
            method.lower(),
            url.path,
            args=dict(query),
            headers=headers,
            data=body or None,
            content_type=headers.get("Content-Type", "").partition(";")[0],
        )
        try:
            result = self._openapi.unmarshal_request(request)
        except OpenAPIError as error:
            return [_in_words(method, target, error)]
        mistakes = [_in_words(method, target, error) for error in result.errors]
        known = self._parameters.get((self._template(url.path, method), method.lower()), set())
        strangers = sorted({name for name, _ in query} - known)
        return mistakes + [f"{method} {target}: no parameter {name}" for name in strangers]

    def _template(self, path: str, method: str) -> str:
        parts = path.split("/")
        fitting = [
            template
            for template, verb in self._parameters
            if verb == method.lower() and _fits(template.split("/"), parts)
        ]
        return min(fitting, key=lambda template: template.count("{"), default="")


def _fits(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        name.startswith("{") or name == part for name, part in zip(template, parts, strict=True)
    )


def _in_words(method: str, target: str, error: Exception) -> str:
    cause = error.__cause__ or error
    details = [line.message for line in getattr(cause, "schema_errors", ())]
    return f"{method} {target}: {'; '.join(details) or cause}"


def _forbid_unknown(schema: Any) -> None:
    """Close every object that says what it holds."""
    if isinstance(schema, list):
        for each in schema:
            _forbid_unknown(each)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
        for each in schema.values():
            _forbid_unknown(each)


@cache
def load(folder: str) -> Description:
    """Half a second, so once for a whole run."""
    return Description(Path(folder) / "paystack" / "paystack.yaml")


def description() -> Description | None:
    """The official description, where BILLDESK_SPECS says that it lies."""
    folder = os.environ.get("BILLDESK_SPECS")
    return load(folder) if folder else None
