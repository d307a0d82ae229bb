"""One process that moves money at a gateway and kills itself at a boundary.

`gateway_worker.py URL BOOKS BOUNDARY ACT [ARGUMENT …]`; ACT is deposit, refund, charge or poll.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from typing import TypedDict, Unpack

from billdesk.core.desk import open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import (
    Fact,
    FactPage,
    OffSessionRequest,
    PaymentRequest,
    RefundRequest,
)
from billdesk.core.store import freshness
from billdesk.core.store.sessions import Session

url, books, boundary, act, *arguments = sys.argv[1:]


def die_at(here: str) -> None:
    """End this process without a word, if this is where it is to end."""
    if here == boundary:
        os.kill(os.getpid(), signal.SIGKILL)


class Row(TypedDict):
    """What a whole pass leaves behind."""

    gateway: str
    mode: str
    cursor: str
    watermark: int | None
    at: int


class Killing(Sandbox):
    """The sandbox, called by a process that dies before it is heard, or before it can answer."""

    def open_payment(self, request: PaymentRequest) -> Fact:
        die_at("after the intent")
        fact = super().open_payment(request)
        die_at("after the effect")
        return fact

    def refund(self, request: RefundRequest) -> Fact:
        die_at("after the intent")
        fact = super().refund(request)
        die_at("after the effect")
        return fact

    def charge(self, request: OffSessionRequest) -> Fact:
        die_at("after the intent")
        fact = super().charge(request)
        die_at("after the effect")
        return fact

    def facts(self, cursor: str | None) -> FactPage:
        page = super().facts(cursor)
        die_at("before the facts")
        return page


mark_fresh = freshness.mark_fresh


def die_before_the_cursor(session: Session, **row: Unpack[Row]) -> None:
    """Facts are taken in, the cursor is not moved yet."""
    die_at("between facts and cursor")
    mark_fresh(session, **row)


freshness.mark_fresh = die_before_the_cursor
gateway = Killing(books, switches=SandboxSwitches(settles_after=None, refund_takes=timedelta(0)))
with open_desk(url, gateways=[gateway]) as desk:
    if act == "deposit":
        desk.deposits.start(arguments[0], "25", id=arguments[1])
    elif act == "refund":
        desk.card_refunds.create(arguments[0], "10", memo="to be killed over", id=arguments[1])
    elif act == "charge":
        desk.payments.retry(arguments[0])
    else:
        desk.gateways.poll()
    die_at("after the reply")
