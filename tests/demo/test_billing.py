"""The demo sells plans, packs and use, bills them, and shows how each can end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from tests.demo.listener import Listener


@pytest.fixture
def desk(furnished: tuple[Path, Listener, int]) -> Iterator[Desk]:
    """The furnished demo, to look at."""
    with open_desk(furnished[0] / "demo.ledger", read_only=True) as desk:
        yield desk


def test_every_way_to_pay_for_a_plan_is_shown(desk: Desk) -> None:
    rows = desk.subscriptions.list().rows
    assert {row.paid_by for row in rows} == {"wallet", "gateway", "invoice"}
    assert {row.account_ref: row.status for row in rows}["quiet-reader"] == "canceled"
    kinds = {change.kind for row in rows for change in desk.subscriptions.changes(row.id)}
    assert kinds >= {"created", "upgraded", "renewed", "paused", "resumed", "canceled"}


def test_each_period_was_invoiced_once_and_the_numbers_have_no_gap(desk: Desk) -> None:
    audit = desk.invoices.audit()
    assert audit.is_clean
    assert audit.checked > 20
    periods = [
        (row.id, period.seq, period.invoice_id)
        for row in desk.subscriptions.list().rows
        for period in desk.subscriptions.periods(row.id)
        if not period.trial
    ]
    invoices = [invoice_id for _, _, invoice_id in periods]
    assert None not in invoices
    assert len(set(invoices)) == len(invoices)


def test_invoices_are_open_overdue_paid_and_credited(desk: Desk) -> None:
    rows = desk.invoices.list(limit=200).rows
    assert {(row.kind, row.status) for row in rows} >= {
        ("invoice", "open"),
        ("invoice", "paid"),
        ("credit_note", "paid"),
    }
    assert [row.account_ref for row in rows if row.overdue] == ["stadtwerk"] * 2
    titles = [each.title for each in desk.overview().attention]
    assert "2 invoices are overdue" in titles


def test_use_is_billed_and_what_came_late_is_corrected(desk: Desk) -> None:
    second, first = desk.usage_runs.list().rows
    assert (first.status, first.corrections) == ("done", 0)
    assert second.corrections == 3
    assert second.totals
    assert {alert.percent for alert in desk.usage.alerts().rows} == {75, 90, 95, 100}


def test_credits_come_from_plans_packs_and_presents(desk: Desk) -> None:
    lots = desk.credits.lots("orchard-apps", all=True)
    assert {lot.source for lot in lots} == {"plan", "pack", "promotion"}
    [pack] = [lot for lot in lots if lot.source == "pack"]
    assert pack.remaining == 0
    assert desk.packs.list().rows[0].status == "refunded"
