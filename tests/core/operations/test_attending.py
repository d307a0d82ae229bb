"""What is wrong with accounts is told with the account if it is one, and as a list if there are many."""

from __future__ import annotations

import json
from datetime import date

import pytest

from billdesk.core.desk import Desk
from billdesk.core.operations.attending import account_troubles
from billdesk.core.store.sessions import Session
from tests.core.operations.rows import add_row

TODAY = date(2026, 1, 5)
SUBSCRIPTION = {
    "plan_code": "pro", "plan_version": 1, "schedule": "monthly", "asset": "USD",
    "paid_by": "wallet", "anchor_on": "2026-01-01", "period_since": 0, "period_until": 1,
    "actor": "me", "created_at": 0, "changed_at": 0,
}  # fmt: skip
INVOICE = {
    "kind": "invoice", "source": "manual", "asset": "USD", "actor": "me", "created_at": 0,
    "changed_at": 0, "finalized_at": 0,
}  # fmt: skip


def subscription(
    session: Session, account_id: str, number: int, status: str, why: str | None
) -> None:
    add_row(
        session, "subscription",
        {**SUBSCRIPTION, "id": f"sub_{number}", "account_id": account_id, "status": status,
         "paused_why": why},
    )  # fmt: skip


@pytest.fixture
def refs(desk: Desk) -> dict[str, str]:
    """Two accounts, their ids by ref."""
    return {ref: desk.accounts.add(ref, name=ref).id for ref in ("acme", "beta")}


def told(desk: Desk) -> list[tuple[str, str, str, str | None]]:
    with desk._office.database.read() as session:
        found = account_troubles(session, TODAY)
    return [(each.severity, each.title, each.screen, each.target) for each in found]


def test_nothing_is_said_of_accounts_that_are_well(desk: Desk, refs: dict[str, str]) -> None:
    with desk._office.database.write() as session:
        subscription(session, refs["acme"], 1, "active", None)
        subscription(session, refs["acme"], 2, "paused", "hand")
    assert told(desk) == []


def test_one_accounts_trouble_leads_to_the_account(desk: Desk, refs: dict[str, str]) -> None:
    with desk._office.database.write() as session:
        subscription(session, refs["acme"], 1, "past_due", None)
        subscription(session, refs["beta"], 2, "paused", "balance")
        add_row(
            session, "invoice",
            {**INVOICE, "id": "inv_1", "account_id": refs["beta"], "status": "open",
             "due_on": "2026-01-04"},
        )  # fmt: skip
    assert told(desk) == [
        ("warning", "the subscription of acme is past due", "account", "acme"),
        ("warning", "the subscription of beta is paused", "account", "beta"),
        ("warning", "an invoice of beta is overdue", "account", "beta"),
    ]


def test_the_trouble_of_many_leads_to_their_list(desk: Desk, refs: dict[str, str]) -> None:
    with desk._office.database.write() as session:
        for number, ref in enumerate(("acme", "beta")):
            subscription(session, refs[ref], number, "past_due", None)
            for day in ("2026-01-03", "2026-01-05"):
                add_row(
                    session, "invoice",
                    {**INVOICE, "id": f"inv_{number}_{day}", "account_id": refs[ref],
                     "status": "open", "due_on": day},
                )  # fmt: skip
    assert told(desk) == [
        ("warning", "2 subscriptions are past due", "subscriptions", "status:past_due"),
        ("warning", "2 invoices are overdue", "invoices", "overdue:yes"),
    ]


def test_contested_payments_come_first(
    desk: Desk, refs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk._office.database.write() as session:
        subscription(session, refs["acme"], 1, "past_due", None)
        for number, ref in enumerate(("acme", "beta")):
            add_row(
                session, "payment",
                {"id": f"pay_{number}", "account_id": refs[ref], "gateway": "sandbox",
                 "mode": "test", "status": "succeeded", "asset": "USD", "amount_minor": 500,
                 "detail": "", "actor": "me", "created_at": 0, "changed_at": 0},
            )  # fmt: skip
            add_row(
                session, "dispute",
                {"id": f"dsp_{number}", "payment_id": f"pay_{number}", "gateway": "sandbox",
                 "mode": "test", "external_id": f"d{number}", "status": "open", "asset": "USD",
                 "amount_minor": 500, "opened_at": 0},
            )  # fmt: skip
    monkeypatch.setattr("billdesk.core.store.troubles.MOST_COUNTED", 2)
    assert told(desk)[0] == ("problem", "2+ payments are contested", "disputes", "status:open")


def run(
    session: Session, number: int, *, alarm: bool, mode: str = "test", finished: bool = True
) -> None:
    """A comparison with one line that agrees and two that do not."""
    outcomes = {"matched": 1, "differs": 1, "missing_here": 1}
    add_row(
        session, "reconciliation",
        {"id": f"rec_{number}", "gateway": "sandbox", "mode": mode, "since": 0,
         "until": 1, "actor": "me", "started_at": number,
         "finished_at": number if finished else None,
         "summary": json.dumps({"outcomes": outcomes, "alarm": alarm})},
    )  # fmt: skip


def line(session: Session, run_number: int, number: int, note: str | None) -> None:
    add_row(
        session, "reconciliation_item",
        {"reconciliation_number": run_number, "kind": "payment", "outcome": "differs",
         "external_id": f"x{number}", "asset": "USD", "happened_at": 0, "note": note,
         "explained_by": note and "me", "explained_at": note and 1},
    )  # fmt: skip


def alarms(desk: Desk) -> list[tuple[str, str]]:
    return [
        (each.title, each.detail)
        for each in desk.overview().attention
        if each.screen == "reconcile"
    ]


def test_an_alarm_calls_until_every_line_of_it_is_explained(desk: Desk) -> None:
    called = "the books of sandbox and ours are too far apart"
    with desk._office.database.write() as session:
        run(session, 1, alarm=True)
    assert alarms(desk) == [(called, "2 lines to explain")]
    assert desk.overview().attention[0].severity == "problem"
    with desk._office.database.write() as session:
        line(session, 1, 1, "their fee rose in March")
    assert alarms(desk) == [(called, "1 line to explain")]
    with desk._office.database.write() as session:
        line(session, 1, 2, "paid at the counter")
    assert alarms(desk) == []


def test_the_last_finished_comparison_of_each_mode_counts(desk: Desk) -> None:
    with desk._office.database.write() as session:
        run(session, 1, alarm=True)
        run(session, 2, alarm=False)
        run(session, 3, alarm=True, finished=False)
        run(session, 4, alarm=True, mode="live")
    assert len(alarms(desk)) == 1
