"""A gateway's address, handed to a browser."""

from __future__ import annotations

import webbrowser

from billdesk.cli.door import Door


def open_link(door: Door, pay_url: str | None) -> None:
    """Hand a gateway's address to a browser, or say why not."""
    # A link is a gateway's text: only what a browser may open is handed to one.
    if pay_url is None or not pay_url.startswith(("https://", "http://")):
        door.say("the link is not one for a browser")
    elif not webbrowser.open(pay_url):
        door.say("no browser could be opened")
