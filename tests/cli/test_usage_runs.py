"""Usage runs from the shell: previewed, run, gone on with, listed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from billdesk.cli.progress import Progress
from billdesk.core.desk import open_desk
from tests.cli.conftest import Shell
from tests.core.operations.metered import sell
from tests.core.operations.rated import months, subscribe

FIRST = date(2026, 1, 1)
MEMO = "for a test of the shell"


@pytest.fixture
def metered(shell: Shell) -> Shell:
    """A shell where acme used 1,500 calls in January and has money, and poor 1,100 and has none."""
    with open_desk(shell.ledger) as desk:
        sell(desk)
        desk.accounts.add("poor", name="Poor")
        for account, calls in (("acme", 1500), ("poor", 1100)):
            subscribe(desk, account, months(FIRST, 1))
            at = datetime(2026, 1, 9, tzinfo=UTC)
            assert desk.usage.record_many([(account, "calls", calls, account, at)]).new == 1
        desk.adjustments.credit("acme", "500.00", memo=MEMO)
    return shell


def test_a_preview_tells_each_line_and_changes_nothing(metered: Shell) -> None:
    answer = metered("usage-run", "preview")
    assert answer.status == 0
    told = answer.out.splitlines()
    assert told[0].startswith("preview: all accounts, what ended by ")
    assert told[1] == "1 period closed, 1 line, 0 of them late: 50.00 USD"
    assert told[2] == "1 account cannot pay; the lines say why"
    assert "NOT BILLED: the wallet cannot pay it as it stands" in told[-1]
    assert "1,500" in answer.out
    previewed = metered.done("usage-run", "preview", "--account", "acme", "--to", "invoice")
    assert (previewed["run"]["status"], previewed["run"]["post_to"]) == ("preview", "invoice")
    assert [row["quantity"] for row in previewed["rows"]] == ["1500"]
    assert metered("usage-run", "list").err == "nothing found\n"


def test_a_long_preview_says_how_to_go_on(metered: Shell) -> None:
    answer = metered("usage-run", "preview", "--limit", "1")
    after = answer.err.strip().removeprefix("there is more: --after ")
    rest = metered.done("usage-run", "preview", "--limit", "1", "--after", after)
    assert [row["account_ref"] for row in rest["rows"]] == ["poor"]


def test_a_run_bills_and_tells_who_could_not_be(metered: Shell) -> None:
    answer = metered("usage-run", "run", "--reference", "january")
    assert answer.status == 3
    assert answer.out.splitlines()[1:] == [
        "1 period closed, 1 line, 0 of them late: 50.00 USD",
        "1 account could not be billed and stay open; the lines say why",
    ]
    again = metered("usage-run", "run", "--reference", "january")
    assert ", done, was run already: all accounts" in again.out
    [run] = metered.done("usage-run", "list")["rows"]
    shown = metered("usage-run", "show", run["id"])
    assert shown.out.splitlines()[0].startswith(f"{run['id']}, done: all accounts")
    told = metered("usage-run", "lines", run["id"]).out
    assert "NOT BILLED: 10.00 USD is needed" in told
    assert "500 × 0.10" in told
    assert "was run already" in metered("usage-run", "resume", run["id"]).out
    assert "january" not in metered("usage-run", "list").out


def test_late_use_is_called_a_correction(metered: Shell) -> None:
    metered("usage-run", "run", "--account", "acme")
    with open_desk(metered.ledger) as desk:
        at = datetime(2026, 1, 9, tzinfo=UTC)
        desk.usage.record("acme", "calls", 10, event_id="late", at=at)
    run = metered.done("usage-run", "run", "--account", "acme", "--until", "2026-06-01")
    assert (run["corrections"], run["account_ref"]) == (1, "acme")
    assert "CORRECTION 1: 510 × 0.10 in all" in metered("usage-run", "lines", run["id"]).out


def test_a_stopped_run_says_how_to_go_on(metered: Shell) -> None:
    def stop(done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with open_desk(metered.ledger) as desk, pytest.raises(KeyboardInterrupt):
        desk.usage_runs.run(on_progress=stop)
    [run] = metered.done("usage-run", "list")["rows"]
    told = metered("usage-run", "show", run["id"]).out
    assert f"2 of 2 subscriptions done; billdesk usage-run resume {run['id']} goes on" in told
    assert metered("usage-run", "resume", run["id"]).status == 3


def test_what_cannot_be_meant_is_refused(metered: Shell) -> None:
    assert metered.refused("usage-run", "show", "urn_nothing") == (4, "not_found")
    assert metered.refused("usage-run", "run", "--account", "nobody") == (4, "not_found")
    assert metered.refused("usage-run", "run", "--until", "2999-01-01") == (2, "bad_input")


def test_progress_tells_the_pace_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    instants = iter([10.0, 12.0])
    monkeypatch.setattr("billdesk.cli.progress.time.monotonic", lambda: next(instants))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = Progress("billing", rate=True)
    progress(100, 20_600)
    progress(600, 20_600)
    assert capsys.readouterr().err.endswith("3% 600/20,600 250/s, 1:20 left\x1b[K")
