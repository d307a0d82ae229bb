"""Usage from the shell: recorded, taken in from files and pipes, shown, forecast, budgeted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from billdesk.core.desk import open_desk
from tests.cli.conftest import Run, Shell
from tests.core.operations.metered import sell, subscribe

HEADING = "account,meter,quantity,event_id,at\n"


@pytest.fixture
def metered(shell: Shell) -> Shell:
    """A shell whose account acme has calls and gigabytes included this month."""
    with open_desk(shell.ledger) as desk:
        sell(desk)
        first = desk.now().date().replace(day=1)
        after = first.replace(year=first.year + 1)
        subscribe(desk, "acme", first, after)
    return shell


def test_an_event_is_recorded_and_shown(metered: Shell) -> None:
    words = ("usage", "record", "acme", "transfer", "1.25", "--event-id", "e1", "--at")
    now = datetime.now(UTC).isoformat()
    assert metered(*words, now).out == "acme used 1.250 GB of transfer (e1)\n"
    assert metered(*words, now).out == "acme used 1.250 GB of transfer (e1), was there already\n"
    assert metered.refused(*words, "2026-01-01") == (2, "bad_input")
    assert metered.refused("usage", "record", "acme", "transfer", "2", "--event-id", "e1") == (
        3,
        "already_exists",
    )
    shown = metered.done("usage", "events", "--id", "e1")
    assert (shown["quantity"], shown["unit"]) == ("1.250", "GB")
    assert "1.250" in metered("usage", "events", "--id", "e1").out
    listed = metered.done("usage", "events", "acme", "transfer")
    assert [row["event_id"] for row in listed["rows"]] == ["e1"]
    assert metered("usage", "events", "acme").out.splitlines()[1].split()[1:6] == [
        "acme", "transfer", "1.250", "GB", "e1",
    ]  # fmt: skip
    assert metered.refused("usage", "events") == (2, "bad_input")
    assert metered.refused("usage", "events", "acme", "--id", "e1") == (2, "bad_input")


def test_a_file_is_taken_in_and_its_bad_lines_are_told(metered: Shell, tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    now = datetime.now(UTC).isoformat()
    file.write_text(f"{HEADING}acme,calls,900,e1,{now}\nacme,calls,x,e2,{now}\n", encoding="utf-8")
    answer = metered("usage", "ingest", str(file))
    assert answer.status == 3
    assert answer.out.splitlines() == [
        "1 event of 2 came in, 0 were there, 1 cannot be taken",
        "line 3: 'x' is not a quantity; write it like 1500 or 0.25",
    ]
    again = metered("--json", "usage", "ingest", str(file))
    assert (again.status, again.json["known"], again.json["rejected"]) == (3, 1, 1)
    file.write_text(f"{HEADING}acme,calls,900,e1,{now}\n", encoding="utf-8")
    assert metered("usage", "ingest", str(file)).status == 0
    assert metered.refused("usage", "ingest", str(tmp_path / "none")) == (2, "bad_input")
    file.write_text(HEADING + "x\n" * 1500, encoding="utf-8")
    assert metered("usage", "ingest", str(file)).out.splitlines()[-1] == "and 500 more"


def test_standard_input_is_taken_in(metered: Shell, process: Run) -> None:
    line = '{"account":"acme","meter":"calls","quantity":5,"event_id":"e%d","at":"%s"}\n'
    now = datetime.now(UTC).isoformat()
    given = "".join(line % (number, now) for number in range(20))
    words = ("--ledger", str(metered.ledger), "usage", "ingest", "-")
    assert process(*words, given=given).out == "20 events of 20 came in, 0 were there\n"
    assert process(*words, "--format", "jsonl", given=given).status == 0
    [row] = [
        row for row in metered.done("usage", "show", "acme")["rows"] if row["meter"] == "calls"
    ]
    assert (row["used"], row["included"], row["share"], row["level"]) == ("100", "1000", 10, "ok")


def test_usage_forecast_budget_and_alerts_are_shown(metered: Shell) -> None:
    now = datetime.now(UTC).isoformat()
    metered.done("usage", "record", "acme", "calls", "1200", "--event-id", "e1", "--at", now)
    listed = metered("usage", "show").out.splitlines()
    assert listed[1].split()[:8] == ["acme", "calls", "1,200", "1,000", "call", "120", "%", "over"]
    assert "FORECAST" in metered("usage", "show", "acme").out
    assert metered("usage", "show", "--text", "nobody").err == "nothing found\n"
    shown = metered("usage", "forecast", "acme", "calls").out
    assert "weekday run rate, not tested on a past period yet" in shown
    assert metered.refused("usage", "forecast", "acme", "steps") == (4, "not_found")
    budget = metered.done("usage", "budget", "acme", "15.00")
    assert (budget["budget"]["text"], budget["spent"]["text"], budget["percent"]) == (
        "15.00", "20.00", 133,
    )  # fmt: skip
    assert "133 %" in metered("usage", "budget", "acme").out
    with open_desk(metered.ledger) as desk:
        from billdesk.core.operations.usage.metering import alert_due

        assert alert_due(desk._office, desk.now()) == 5
    alerts = metered.done("usage", "alerts", "--account", "acme")["rows"]
    assert [row["percent"] for row in alerts] == [100, 100, 95, 90, 75]
    assert "budget" in metered("usage", "alerts").out
    assert metered.done("usage", "budget", "acme", "--clear")["budget"] is None


def test_how_far_off_a_forecast_was_is_said(metered: Shell) -> None:
    with open_desk(metered.ledger) as desk:
        now = desk.now()
        # From a year before this month began until now, a little more than twice a day.
        began = datetime(now.year - 1, now.month, 1, tzinfo=UTC)
        step = (now - began) / 800
        desk.usage.record_many(
            ("acme", "transfer", "0.5", f"d{number}", began + number * step)
            for number in range(800)
        )
    shown = metered("usage", "forecast", "acme", "transfer").out
    assert "% off on average, over 6 periods" in shown
    assert metered.done("usage", "forecast", "acme", "transfer")["periods_tested"] == 6
