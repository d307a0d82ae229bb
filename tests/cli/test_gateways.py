"""deposit, payments, poll, facts, gateway list, tick, watch."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import webbrowser

import pytest

from tests.cli.conftest import Shell

BILLDESK = [sys.executable, "-m", "billdesk"]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The links that a browser was asked to open."""
    links: list[str] = []

    def open_link(url: str) -> bool:
        links.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_link)
    return links


def until_settled(shell: Shell) -> None:
    """Poll as an impatient person does, until the sandbox has been paid."""
    deadline = time.monotonic() + 20
    while shell.done("payments", "--status", "succeeded")["rows"] == []:
        assert time.monotonic() < deadline, "the sandbox never paid"
        shell.done("poll", "sandbox")
        time.sleep(0.05)


def test_a_deposit_prints_its_link_and_is_credited_once_by_a_poll(
    shell: Shell, opened: list[str]
) -> None:
    answer = shell("deposit", "acme", "25.00", "--gateway", "sandbox")
    assert answer.status == 0
    first, link = answer.out.splitlines()
    assert first.startswith("acme is asked for 25.00 USD by sandbox in test mode (pay_")
    assert link.startswith("https://")
    assert opened == []
    assert shell.balance() == "100.00"

    until_settled(shell)
    shell.done("poll")
    assert shell.balance() == "125.00"
    [payment] = shell.done("payments", "--account", "acme")["rows"]
    assert payment["status"] == "succeeded"
    assert shell.done("payments", payment["id"])["amount"]["text"] == "25.00"
    assert payment["posting_id"] in shell("payments", payment["id"]).out
    facts = shell.done("facts", "--state", "applied")["rows"]
    assert payment["id"] in {fact["payment_id"] for fact in facts}
    assert shell.done("facts", "--payment", payment["id"])["rows"] == [
        fact for fact in facts if fact["payment_id"] == payment["id"]
    ]
    assert shell.done("facts", "--gateway", "sandbox")["rows"] == facts
    assert shell.done("facts", "--gateway", "stripe")["rows"] == []
    assert shell.done("payments", "--gateway", "sandbox")["rows"] == [payment]
    assert shell.done("payments", "--gateway", "stripe")["rows"] == []
    assert "sandbox" in shell("facts").out


def test_the_link_of_a_deposit_opens_in_a_browser_if_asked(shell: Shell, opened: list[str]) -> None:
    sheet = shell.done("deposit", "acme", "25.00", "--open")
    assert opened == [sheet["pay_url"]]


def test_a_deposit_through_an_unknown_gateway_is_refused(shell: Shell) -> None:
    status, _ = shell.refused("deposit", "acme", "25.00", "--gateway", "piggybank")
    assert status in {2, 4, 5}


def test_gateways_tell_how_fresh_they_are(shell: Shell) -> None:
    shell.done("poll")
    [sandbox] = shell.done("gateway", "list")["rows"]
    assert (sandbox["name"], sandbox["mode"]) == ("sandbox", "test")
    assert sandbox["last_polled_at"] is not None
    assert "sandbox" in shell("gateway", "list").out


def test_a_tick_does_what_is_due_and_says_what(shell: Shell) -> None:
    assert "at" in shell.done("tick")
    assert "0 deposits" in shell("tick").out


def test_watch_ticks_until_ctrl_c_and_then_says_what_was_done(shell: Shell) -> None:
    watching = subprocess.Popen(
        [*BILLDESK, "--ledger", str(shell.ledger), "--json", "watch", "--every", "1s"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    ticks = [json.loads(watching.stdout.readline()) for _ in range(2)]
    assert ticks[0]["at"] < ticks[1]["at"]
    watching.send_signal(signal.SIGINT)
    out, _ = watching.communicate(timeout=20)
    assert watching.returncode == 130
    error = json.loads(out.splitlines()[-1])["error"]
    assert error["code"] == "interrupted"
    assert "what they did is kept" in error["message"]
