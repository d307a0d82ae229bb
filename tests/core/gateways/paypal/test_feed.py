"""PayPal's list of events is a hint: read whole and in order, and missed by nobody when it is gone."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from billdesk.core.gateways.paypal import feed
from billdesk.core.values.clock import MovingClock, format_instant
from billdesk.core.values.errors import GatewayError, GatewayUnreachable, KeyRefused
from tests.core.gateways.till import MINUTE, Till, keys, of_stage
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_wire import Fault

DAY = timedelta(days=1)
EVENTS = ("GET", "/v1/notifications/webhooks-events")


def listings(world: PayPalScene) -> list[dict[str, str]]:
    """What was asked for of each page of events."""
    return [one.query for one in world.server.requests if (one.method, one.path) == EVENTS]


# --- a pass --------------------------------------------------------------------------------------


def test_a_quiet_poll_makes_one_request(world: PayPalScene, till: Till, clock: MovingClock) -> None:
    till.pay()
    _, cursor = till.read()
    clock.advance(MINUTE)
    world.server.requests.clear()
    page = till.gateway.facts(cursor)
    assert (len(world.server.requests), page.complete) == (1, True)


def test_a_new_pass_begins_ten_minutes_before_the_newest_event(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    clock.advance(2 * DAY)
    newest = format_instant(till.pay().settled.happened_at)
    _, cursor = till.read()
    clock.advance(timedelta(hours=1))
    till.gateway.facts(cursor)
    asked = datetime.fromisoformat(listings(world)[-1]["start_time"])
    assert asked == datetime.fromisoformat(newest) - 10 * MINUTE


def test_an_event_that_shows_up_late_is_told_in_the_overlap(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    first = till.pay()
    late = world.books.events.pop()
    assert late["resource"]["id"] == first.charge_id
    clock.advance(MINUTE)
    second = till.pay()
    told, cursor = till.read()
    assert keys(of_stage(told, "settled")) == {second.settled.key}
    world.books.events.append(late)
    assert first.settled.key in keys(till.read(cursor)[0])


def test_the_first_pass_goes_back_thirty_days_a_day_at_a_time(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    paid = till.pay()
    clock.advance(29 * DAY)
    recent = till.pay()
    pages = till.pages(till.gateway.facts, None)
    told = [fact for page in pages for fact in page.facts]
    assert keys(of_stage(told, "settled")) == {paid.settled.key, recent.settled.key}
    assert len(pages) == 31
    assert [page.complete for page in pages] == [False] * 30 + [True]
    times = [fact.happened_at for fact in of_stage(told, "settled")]
    assert times == sorted(times)


def test_after_thirty_days_of_silence_the_gap_is_told_and_closed_once(
    till: Till, clock: MovingClock
) -> None:
    _, cursor = till.read()
    mark = datetime.fromisoformat(json.loads(cursor)["mark"])
    clock.advance(40 * DAY)
    pages = till.pages(till.gateway.facts, cursor)
    assert [page.gap_since for page in pages if page.gap_since] == [mark]
    assert till.gateway.facts(pages[-1].cursor).gap_since is None


def test_a_feed_where_nothing_happens_keeps_up_with_paypals_clock(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    _, cursor = till.read()
    for _ in range(40):
        clock.advance(DAY)
        pages = till.pages(till.gateway.facts, cursor)
        assert [page.gap_since for page in pages] == [None] * len(pages)
        assert len(pages) <= 2
        cursor = pages[-1].cursor


def test_a_desk_whose_clock_runs_ahead_loses_nothing(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    ahead = world.paypal(clock=MovingClock(clock.now() + 3 * 365 * DAY))
    page = ahead.facts(till.read()[1])
    assert page.complete
    paid = till.pay()
    assert paid.settled.key in keys(till.read(page.cursor)[0])


def test_pages_are_followed_by_paypals_links_and_the_token_stays_with_paypal(
    world: PayPalScene, till: Till
) -> None:
    world.server.events_page_size = 2
    paid = [till.pay() for _ in range(4)]
    told, _ = till.read(json.dumps({"paypal": "facts", "mark": "2026-01-05T09:00:00Z"}))
    assert keys(of_stage(told, "settled")) == {one.settled.key for one in paid}
    assert [query.get("page_token") for query in listings(world)] == [None, "2", "4", "6"]


@pytest.mark.parametrize(
    "href", ["https://evil.example/steal?x=1", "https://api-m.paypal.com/v1/payments/all?x=1"]
)
def test_a_link_that_leads_elsewhere_is_not_followed(
    world: PayPalScene, till: Till, href: str
) -> None:
    event = world.books.tell("SOME.THING", "object", {"id": "x"})
    data = {"events": [event], "links": [{"rel": "next", "href": href}]}
    body = json.dumps(data).encode()
    world.server.faults.append(Fault(*EVENTS, status=200, body=body))
    page = till.gateway.facts(None)
    assert [fact.stage for fact in page.facts] == ["unknown"]
    assert len(listings(world)) == 1


def test_a_list_that_does_not_end_is_an_error(
    world: PayPalScene, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_EVENTS_PAGES", 3)
    event = world.books.tell("SOME.THING", "object", {"id": "x"})
    href = "https://api.paypal.com/v1/notifications/webhooks-events?page_token=0"
    body = json.dumps({"events": [event], "links": [{"rel": "next", "href": href}]}).encode()
    world.server.faults += [Fault(*EVENTS, status=200, body=body)] * 4
    with pytest.raises(GatewayError, match="does not end"):
        till.gateway.facts(None)


def test_an_empty_page_ends_the_pass_whatever_it_links_to(world: PayPalScene, till: Till) -> None:
    links = [{"rel": "next", "href": "https://api.paypal.com/v1/notifications/webhooks-events?a=b"}]
    body = json.dumps({"events": [], "links": links}).encode()
    world.server.faults.append(Fault(*EVENTS, status=200, body=body))
    assert till.gateway.facts(None).facts == ()
    assert len(listings(world)) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_an_app_without_events_is_polled_all_the_same(
    world: PayPalScene, till: Till, clock: MovingClock, status: int
) -> None:
    world.server.faults.append(Fault(*EVENTS, status=status))
    page = till.gateway.facts(None)
    assert (page.facts, page.events, page.complete, page.gap_since) == ((), (), True, None)
    paid = till.pay()
    assert paid.settled.key in keys(till.read(page.cursor)[0]), "once it may, nothing is missing"


def test_a_pass_that_breaks_off_is_begun_again(world: PayPalScene, till: Till) -> None:
    _, cursor = till.read()
    world.server.events_page_size = 2
    paid = [till.pay() for _ in range(4)]
    world.server.faults.append(Fault(*EVENTS, status=500))
    with pytest.raises(GatewayUnreachable):
        till.gateway.facts(cursor)
    assert {one.settled.key for one in paid} <= keys(till.read(cursor)[0])


@pytest.mark.parametrize("cursor", ["", "17", "[]", '{"paypal": "sweep"}', '{"stripe": "facts"}'])
def test_a_cursor_that_is_not_its_own_is_refused(till: Till, cursor: str) -> None:
    with pytest.raises(GatewayError, match="no cursor of PayPal's facts"):
        till.gateway.facts(cursor)


def test_a_refused_key_is_no_absence_of_events(world: PayPalScene) -> None:
    with pytest.raises(KeyRefused):
        world.paypal(secret="wrong").facts(None)
