"""subscription create, preview, change, unschedule, cancel, reactivate, pause, resume, show, list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Json, Shell
from tests.core.operations.subscribed import CATALOG


@pytest.fixture
def sold(shell: Shell, tmp_path: Path) -> Shell:
    """A shell where plans are sold, and acme has 1,000.00 USD."""
    path = tmp_path / "catalog.toml"
    path.write_text(CATALOG)
    shell.done("catalog", "apply", str(path))
    shell.done("adjust", "acme", "credit", "1000.00", "--memo", "for a test of the shell")
    return shell


def create(shell: Shell, *words: str) -> Json:
    """Put acme on a plan."""
    return shell.done("subscription", "create", "acme", *words)


def test_an_account_is_put_on_a_plan_after_a_look_at_what_that_costs(sold: Shell) -> None:
    words = ("subscription", "create", "acme", "small", "--quantity", "2", "--preview")
    seen = sold(*words).out
    assert "Small, monthly" in seen
    assert "23.82 USD" in seen
    assert sold.done(*words)["due_now"]["minor"] == 2382
    assert sold("subscription", "list").err == "nothing found\n"
    line = sold(*words[:-1], "--reference", "order:1", "--memo", "by phone").out
    assert line.startswith("acme on Small, monthly: 20.02 USD, active until ")
    again = create(sold, "small", "--quantity", "2", "--reference", "order:1")
    assert again["replayed"]
    assert again["id"] in line


def test_a_change_is_told_before_it_is_done(sold: Shell) -> None:
    made = create(sold, "pro")
    words = (made["id"], "team")
    seen = sold("subscription", "preview", *words).out
    for part in ("upgraded: Pro, monthly → Team, monthly", "unused", "62.00 USD", "93.00 USD"):
        assert part in seen
    assert sold("subscription", "change", *words).out.startswith("acme on Team, monthly: 93.00 USD")
    assert "-62.00 USD" in sold("subscription", "preview", made["id"], "pro", "--when", "now").out
    assert "then pro, monthly" in sold("subscription", "change", made["id"], "pro").out
    assert "that waits is dropped" in sold("subscription", "preview", made["id"], "free").out
    shown = sold("subscription", "show", made["id"]).out
    assert "1 pro monthly" in shown
    sold.done("subscription", "unschedule", made["id"])
    assert sold.refused("subscription", "unschedule", made["id"]) == (3, "refused")
    assert sold.done("subscription", "show", made["id"])["subscription"]["next_plan_code"] is None


def test_one_ends_and_goes_on(sold: Shell) -> None:
    made = create(sold, "pro")
    seen = sold.done(
        "subscription", "preview", made["id"], "--cancel", "--when", "now", "--refund-unused"
    )
    assert (seen["kind"], seen["due_now"]["minor"]) == ("canceled", -3100)
    assert "active, ends with its period" in sold("subscription", "cancel", made["id"]).out
    sold.done("subscription", "reactivate", made["id"])
    over = sold.done(
        *("subscription", "cancel", made["id"], "--when", "now", "--refund-unused"),
        *("--memo", "too dear"),
    )
    assert over["status"] == "canceled"
    assert sold.done("balance", "acme")["balance"]["minor"] == 100000 + 10000
    assert "too dear" in sold("subscription", "show", made["id"]).out


def test_one_is_paused_and_runs_on(sold: Shell) -> None:
    made = create(sold, "pro")
    assert "paused, by hand" in sold("subscription", "pause", made["id"]).out
    assert "paused, by hand" in sold("subscription", "list", "--status", "paused").out
    assert "active until" in sold("subscription", "resume", made["id"]).out
    assert sold.refused("subscription", "resume", made["id"]) == (3, "refused")


def test_one_that_waits_for_money_says_so(sold: Shell) -> None:
    began = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    made = create(sold, "team", "--quantity", "10", "--since", began)
    sold.done("tick")
    assert "paused, waits for money" in sold("subscription", "list", "--plan", "team").out
    periods = sold.done("subscription", "show", made["id"])["periods"]
    assert [each["seq"] for each in periods] == [1]


def test_trials_and_ways_to_pay_are_chosen(sold: Shell) -> None:
    made = create(sold, "large", "--trial-days", "3", "--by", "invoice", "--schedule", "monthly")
    assert (made["status"], made["paid_by"]) == ("trialing", "invoice")
    assert "trial" in sold("subscription", "show", made["id"]).out
    rows = sold.done("subscription", "list", "--account", "acme", "--limit", "1")["rows"]
    assert [row["id"] for row in rows] == [made["id"]]


def test_what_cannot_be_is_refused(sold: Shell) -> None:
    assert sold.refused("subscription", "create", "acme", "gold") == (4, "not_found")
    assert sold.refused("subscription", "show", "sub_none") == (4, "not_found")
    assert sold.refused("subscription", "create", "acme", "pro", "--since", "soon") == (
        2,
        "bad_input",
    )
    assert sold.refused("subscription", "create", "acme", "team", "--quantity", "99") == (
        3,
        "insufficient_funds",
    )
