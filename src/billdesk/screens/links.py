"""Links of gateways: shown as text and as a code, copied, and opened in a browser with a window."""

from __future__ import annotations

import webbrowser

from billdesk.core.values.errors import BadInput

SCHEMES = ("https://", "http://")


def open_link(link: str) -> None:
    """Open a link in a browser that has a window of its own.

    A browser for the terminal would paint over the desk. Raises BadInput when it cannot be opened.
    """
    # A link is a gateway's text: only what a browser may open is handed to one.
    if not link.startswith(SCHEMES):
        raise BadInput("the link is not one for a browser", "y copies it")
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        raise BadInput("there is no browser here", "y copies the link") from None
    if type(browser) is webbrowser.GenericBrowser or not browser.open(link):
        raise BadInput("no browser with a window of its own is here", "y copies the link")
