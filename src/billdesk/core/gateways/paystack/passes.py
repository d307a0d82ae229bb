"""Passes over Paystack's three lists, page by page, and the cursors that remember them.

There is no list of events, and `from` and `to` act on when a row was made, never on when it changed.
So a pass begins some time before the newest row of the pass before, or with the oldest row that was
still on its way, whichever is earlier. Pages come newest first. What fits one page is told at once;
of more, the newest row is kept as the end of the pass, and the pages are read from the last to the
first: oldest first, in a span to which nothing is added any more. A row that shows up in it all the
same changes the total, and the reading begins again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from billdesk.core.gateways.paystack.answers import Answers
from billdesk.core.gateways.paystack.calls import Calls, Row
from billdesk.core.gateways.paystack.parts import MADE, instant, number
from billdesk.core.rules.gateway import Fact, FactPage
from billdesk.core.values.clock import format_instant, parse_instant
from billdesk.core.values.errors import BadInput, GatewayError

OVERLAP = timedelta(hours=1)
"""How much later than newer rows a row may show up. It costs no request while it fits one page."""

PAGE_SIZE = 100

_UNDERWAY = frozenset({"opened", "processing", "refund_pending", "disputed"})
_SECOND = timedelta(seconds=1)  # nobody says whether `to` is part of the span


class Listing(NamedTuple):
    """A list of Paystack's: where it is, and what it calls the size of a page.

    `watched` is how long a poll goes back for a row that is on its way, `reach` how long one may
    take to its end: a payment may be paid late, and must not be read for ever because of that.
    """

    path: str
    page_size: str
    watched: timedelta
    reach: timedelta
    facts: Callable[[Answers, Row], tuple[Fact, ...]]


TRANSACTIONS = Listing(
    "/transaction",
    "per_page",
    timedelta(days=1),
    timedelta(days=7),
    lambda answers, row: answers.charged(row),
)
REFUNDS = Listing(
    "/refund",
    "perPage",
    timedelta(days=30),
    timedelta(days=30),
    # The money of a dispute is listed here too, and told by the dispute.
    lambda answers, row: () if row.get("dispute") else (answers.refund(row),),
)
DISPUTES = Listing("/dispute", "perPage", timedelta(days=180), timedelta(days=180), Answers.dispute)
LISTINGS = {"transactions": TRANSACTIONS, "refunds": REFUNDS, "disputes": DISPUTES}


class Page(NamedTuple):
    """One page of a list; how many rows and pages there are in all."""

    rows: list[Row]
    total: int
    pages: int


def read_page(
    calls: Calls,
    listing: Listing,
    page: int,
    since: datetime | None,
    until: datetime | None = None,
) -> Page:
    """Ask for one page of what was made in a span. Raises GatewayError, GatewayUnreachable."""
    query: dict[str, str | int] = {listing.page_size: PAGE_SIZE, "page": page}
    if since is not None:
        query["from"] = format_instant(since)
    if until is not None:
        query["to"] = format_instant(until)
    data, meta = calls.get(listing.path, query)
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise GatewayError(f"Paystack's {listing.path} is no list", "nothing was changed")
    return Page(data, number(meta, "total"), number(meta, "pageCount"))


def read_all(
    calls: Calls, listing: Listing, since: datetime, until: datetime | None = None
) -> Iterator[Row]:
    """Every row of a list that was made in a span, once, newest first."""
    page, pages, seen = 1, 1, set[int]()
    while page <= pages:
        rows, _, pages = read_page(calls, listing, page, since, until)
        for row in rows:
            # What was made meanwhile has shifted some rows to a page that is read later.
            if number(row, "id") not in seen:
                seen.add(number(row, "id"))
                yield row
        page += 1


class Progress(NamedTuple):
    """How far a pass has come in one list.

    `since` is where it began. `page` is read next: -1 none yet, 0 none is left, and then those from
    the last to the first, up to `until` and with `total` rows in all. `newest` is the mark: when the
    newest row was made; `waiting` when the oldest row that is on its way was.
    """

    since: datetime | None
    newest: datetime | None = None
    waiting: datetime | None = None
    until: datetime | None = None
    page: int = -1
    total: int = 0


class Pass:
    """A pass over the three lists, of a feed or of a sweep; one page of each per step."""

    def __init__(self, kind: str, lists: dict[str, Progress]) -> None:
        self._kind = kind
        self._lists = lists

    @classmethod
    def feed(cls, cursor: str | None) -> Pass:
        """Go on with the feed, or begin it with the oldest row of all. Raises GatewayError."""
        if cursor is None:
            return cls("feed", {name: Progress(None) for name in LISTINGS})
        lists = _read_cursor("feed", cursor)
        if _is_complete(lists):
            lists = {name: _next_pass(done) for name, done in lists.items()}
        return cls("feed", lists)

    @classmethod
    def sweep(cls, since: datetime, cursor: str | None) -> Pass:
        """Go on with a sweep, or begin one of all that may have ended since. Raises GatewayError."""
        if cursor is not None:
            return cls("sweep", _read_cursor("sweep", cursor))
        begun = {name: Progress(since - listing.reach) for name, listing in LISTINGS.items()}
        return cls("sweep", begun)

    def step(self, calls: Calls, answers: Answers) -> FactPage:
        """Read the next page of each list that has one: at most three requests."""
        facts: list[Fact] = []
        for name, listing in LISTINGS.items():
            if self._lists[name].page:
                self._lists[name], told = _read_list(self._lists[name], listing, calls, answers)
                facts += told
        facts.sort(key=lambda fact: fact.happened_at)
        return FactPage(tuple(facts), self._cursor(), _is_complete(self._lists))

    def _cursor(self) -> str:
        return json.dumps(
            {
                f"paystack {self._kind}": {
                    name: [
                        format_instant(value) if isinstance(value, datetime) else value
                        for value in done
                    ]
                    for name, done in self._lists.items()
                }
            }
        )


def _read_list(
    done: Progress, listing: Listing, calls: Calls, answers: Answers
) -> tuple[Progress, list[Fact]]:
    """The next page of a list, and how far the pass has come then."""
    number_of_page = max(done.page, 1)
    page = read_page(calls, listing, number_of_page, done.since, done.until)
    made = [instant(row, *MADE) for row in page.rows]
    if done.page == -1:
        newest = max([*made, *([done.newest] if done.newest else [])], default=None)
        if page.pages > 1 and newest is not None:
            return done._replace(newest=newest, until=newest + _SECOND, page=page.pages), []
        done = done._replace(newest=newest)
    elif done.total not in {0, page.total}:
        # What was to come in these pages may have shifted into one that is read already.
        return done._replace(page=page.pages, total=page.total), []
    facts: list[Fact] = []
    waiting = done.waiting
    for row, at in zip(page.rows, made, strict=True):
        told = listing.facts(answers, row)
        facts += told
        underway = bool(told) and told[-1].stage in _UNDERWAY
        if underway and done.newest is not None and at >= done.newest - listing.watched:
            waiting = min(waiting or at, at)
    return done._replace(waiting=waiting, page=number_of_page - 1, total=page.total), facts


def _next_pass(done: Progress) -> Progress:
    """Where the pass after a whole one begins; a list that was empty is read from its start."""
    if done.newest is None:
        return Progress(None)
    since = done.newest - OVERLAP
    return Progress(min(since, done.waiting or since), done.newest)


def _is_complete(lists: dict[str, Progress]) -> bool:
    """Whether every list is read to its end."""
    return all(done.page == 0 for done in lists.values())


def _read_cursor(kind: str, cursor: str) -> dict[str, Progress]:
    try:
        lists = json.loads(cursor)[f"paystack {kind}"]
        return {name: _read_progress(lists[name]) for name in LISTINGS}
    except (ValueError, LookupError, TypeError, BadInput) as error:
        raise GatewayError(
            f"{cursor[:40]!r} is not where a {kind} of Paystack's ended", "begin again"
        ) from error


def _read_progress(parts: list[str | int | None]) -> Progress:
    *times, page, total = parts
    if type(page) is not int or type(total) is not int or page < -1:
        raise BadInput("a page has a number", "begin again")
    since, newest, waiting, until = (parse_instant(str(at)) if at else None for at in times)
    return Progress(since, newest, waiting, until, page, total)
