"""`billdesk reconcile`: what agrees, what does not, in words and in exit statuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import PaymentRequest
from billdesk.core.values.clock import MovingClock, SystemClock
from billdesk.core.values.errors import GatewayUnreachable
from billdesk.core.values.money import Money
from tests.cli.conftest import Shell

KEY = "nightly:reconcile:1"
BY_HAND = SandboxSwitches(settles_after=None)
MEMO = "paid by a link that was made on the gateway's own site"


@pytest.fixture
def shop(shell: Shell) -> Shell:
    """A payment of five days ago that both sides have, and a larger one that only the gateway has."""
    clock = MovingClock(datetime.now(UTC) - timedelta(days=5))
    books = Path(f"{shell.ledger}.sandbox")
    sandbox = Sandbox(books, clock=clock, switches=BY_HAND)
    with open_desk(shell.ledger, clock=clock, gateways=[sandbox]) as desk:
        known = desk.deposits.start("acme", "25.00", gateway="sandbox")
        assert known.external_id is not None
        sandbox.pay(known.external_id)
        desk.gateways.poll()
    request = PaymentRequest("pay_of_nobody", Money(200_000, "USD"), "nobody", "by their own link")
    sandbox.pay(sandbox.open_payment(request).object_id)
    return shell


def test_what_agrees_and_what_does_not_is_said_in_words(shop: Shell) -> None:
    answer = shop("reconcile", "run", "sandbox")
    assert answer.status == 0, answer
    assert "1 matched, 1 missing here" in answer.out
    assert "ours 25.00 USD less fees" in answer.out
    assert "from the gateway's own net" in answer.out
    assert "ALARM: the items differ by 2,000.00 USD in all, more than 1,000.00 USD" in answer.out


def test_an_alarm_can_end_a_script(shop: Shell) -> None:
    assert shop("reconcile", "run", "sandbox", "--fail-on-alarm").status == 3
    calm = shop("reconcile", "run", "sandbox", "--fail-on-alarm", "--until", "2020-01-01")
    assert (calm.status, "nothing moved, on either side" in calm.out) == (0, True)


def test_a_span_and_a_reference_are_taken(shop: Shell) -> None:
    first = shop.done("reconcile", "run", "sandbox", "--reference", KEY)
    again = shop.done("reconcile", "run", "sandbox", "--reference", KEY)
    assert first == again
    told = shop.done(
        "reconcile", "run", "sandbox", "--since", "2020-01-02", "--until", "2020-01-03T12:00Z"
    )
    assert (told["since"], told["until"]) == ("2020-01-02T00:00:00Z", "2020-01-03T12:00:00Z")
    assert shop.refused(
        "reconcile", "run", "sandbox", "--reference", KEY, "--since", "2020-01-02"
    ) == (3, "reference_reused")
    assert shop.refused("reconcile", "run", "sandbox", "--reference", "short") == (2, "bad_input")
    assert shop.refused("reconcile", "run", "nowhere") == (4, "not_found")


def test_comparisons_are_listed_shown_and_explained(shop: Shell) -> None:
    run = shop.done("reconcile", "run", "sandbox")
    [row] = shop.done("reconcile", "list")["rows"]
    assert row["id"] == run["id"]
    listed = shop("reconcile", "list", "--gateway", "sandbox").out
    assert "1 matched, 1 not, 0 explained" in listed
    assert "ALARM" in listed
    [item] = shop.done("reconcile", "show", run["id"], "--outcome", "open")["rows"]
    assert (item["outcome"], item["theirs"]["text"]) == ("missing_here", "2000.00")
    shop.done("reconcile", "explain", str(item["number"]), "--memo", MEMO)
    assert shop.done("reconcile", "show", run["id"], "--outcome", "open")["rows"] == []
    shown = shop("reconcile", "show", run["id"])
    assert "1 matched, 1 missing here; 1 explained" in shown.out
    assert MEMO in shown.out
    first = shop("reconcile", "show", run["id"], "--limit", "1")
    assert "there is more: --after" in first.err
    assert shop.refused("reconcile", "explain", "first", "--memo", MEMO) == (2, "bad_input")
    assert shop.refused("reconcile", "explain", str(item["number"]), "--memo", "x") == (
        2, "bad_input",
    )  # fmt: skip
    assert shop.refused("reconcile", "show", "rec_none") == (4, "not_found")


def test_items_are_exported_in_the_form_that_the_file_s_name_says(
    shop: Shell, tmp_path: Path
) -> None:
    run = shop.done("reconcile", "run", "sandbox")["id"]
    answer = shop("reconcile", "export", run, str(tmp_path / "items.csv"))
    assert answer.out == f"wrote 2 items to {tmp_path / 'items.csv'}\n"
    shop.done("reconcile", "export", run, str(tmp_path / "items"), "--format", "jsonl")
    lines = (tmp_path / "items").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["outcome"] for line in lines} == {"matched", "missing_here"}
    for name in ("nothing", "items.pdf"):
        refused = shop.refused("reconcile", "export", run, str(tmp_path / name))
        assert refused == (2, "bad_input")


def test_a_comparison_that_was_interrupted_is_shown_as_such(shop: Shell) -> None:
    down = Sandbox(
        Path(f"{shop.ledger}.sandbox"), clock=SystemClock(), switches=SandboxSwitches(down=True)
    )
    with open_desk(shop.ledger, gateways=[down]) as desk, pytest.raises(GatewayUnreachable):
        desk.reconcile.run("sandbox")
    [row] = shop.done("reconcile", "list")["rows"]
    assert "interrupted: the sandbox is down" in shop("reconcile", "list").out
    assert "not finished: the sandbox is down" in shop("reconcile", "show", row["id"]).out
