"""localstripe in a process of its own: somebody else's idea of Stripe, to check ours against.

Run as a module it serves on 127.0.0.1 and prints its port. It does not know all of Stripe's
parameters and refuses those it doesn't know; they are taken away before it sees them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

_UNKNOWN = {
    ("POST", "/v1/payment_intents"): {
        "automatic_payment_methods", "description", "receipt_email",
    },
    ("GET", "/v1/payment_intents"): {"created"},
}  # fmt: skip
_WANTED = {("GET", "/v1/payment_methods"): {"type": "card"}}


@web.middleware
async def translated(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Ask localstripe what it understands."""
    asked = request.method, request.path
    unknown, wanted = _UNKNOWN.get(asked, set()), _WANTED.get(asked, {})
    if request.method == "POST":
        form: Any = MultiDictProxy(_known(await request.post(), unknown))
        request._post = form
        return await handler(request)
    query = _known(request.query, unknown)
    query.extend(wanted)
    return await handler(request.clone(rel_url=request.rel_url.with_query(query)))


async def no_sessions(request: web.Request) -> web.StreamResponse:
    """There is no Checkout at localstripe."""
    return web.json_response({"object": "list", "data": [], "has_more": False})


def _known(given: Any, unknown: set[str]) -> MultiDict[Any]:
    """What localstripe knows, lists as it wants them: `expand[0]` is its `expand[]`."""
    kept = [(name, value) for name, value in given.items() if name.split("[")[0] not in unknown]
    return MultiDict((re.sub(r"\[\d+\]$", "[]", name), value) for name, value in kept)


def serve() -> None:
    resources, server = (import_module(f"localstripe.{name}") for name in ("resources", "server"))
    # It would keep its objects in one file for everybody on this machine.
    resources.Store.dump_to_disk = lambda _: None
    server.app.middlewares.insert(0, translated)
    server.app.router.add_get("/v1/checkout/sessions", no_sessions)

    async def run() -> None:
        runner = web.AppRunner(server.app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        [(_, port)] = runner.addresses
        print(port, flush=True)  # noqa: T201 - whoever started this waits for it
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    serve()
