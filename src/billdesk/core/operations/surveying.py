"""Whole screens' worth of answers: the overview, one account's incident view, the doctor."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from billdesk.core.operations.attending import (
    account_troubles,
    desk_troubles,
    ledger_troubles,
    reconcile_troubles,
    worst_first,
)
from billdesk.core.operations.gateways.polling import gateway_sheets
from billdesk.core.operations.invoices.invoicing import Invoices
from billdesk.core.operations.ledger.reading import standing_of
from billdesk.core.operations.office import Office
from billdesk.core.operations.subscriptions.subscribing import Subscriptions
from billdesk.core.rules.sheets import (
    DoctorSheet,
    EntryFilter,
    IncidentSheet,
    LedgerSheet,
    OverviewSheet,
    TimelineSheet,
)
from billdesk.core.store import questions
from billdesk.core.store.accounts import freezes_of, wallets_of
from billdesk.core.store.history import entries_page
from billdesk.core.store.holds import list_holds
from billdesk.core.store.payments import list_payments
from billdesk.core.store.reconciliations import newest_runs
from billdesk.core.store.search import indexed_up_to
from billdesk.core.store.sessions import Session
from billdesk.core.store.sqlite import FIRST_SAFE_VERSION, library_version
from billdesk.core.values.clock import to_micros
from billdesk.core.values.money import Money

DAYS = 30
_TIMELINE_ROWS = 200
_OPEN_ROWS = 50


def overview(office: Office, info: LedgerSheet, checkpoint_at: datetime | None) -> OverviewSheet:
    """The desk at a glance."""
    now = office.now()
    gateways = gateway_sheets(office)
    with office.database.read(snapshot=True) as session:
        days = questions.daily_money(session, info.default_asset, _day_starts(now, info.zone))
        accounts, entries = questions.counts(session)
        sums = questions.totals(session)
        standings = questions.standing_counts(session)
        overdue = questions.overdue_holds(session, to_micros(now))
        troubles = ledger_troubles(session)
        troubles += account_troubles(session, now.astimezone(ZoneInfo(info.zone)).date())
        troubles += reconcile_troubles(newest_runs(session))
    return OverviewSheet(
        ledger=info.where,
        kind=info.kind,
        default_asset=info.default_asset,
        as_of=now,
        accounts=accounts,
        entries=entries,
        totals=tuple(Money(balance, asset) for asset, balance, _ in sums),
        held=tuple(Money(held, asset) for asset, _, held in sums if held),
        today=days[-1],
        days=tuple(days),
        standings=standings,
        attention=worst_first(
            [*troubles, *desk_troubles(now, gateways, standings, overdue, checkpoint_at, entries)]
        ),
        gateways=gateways,
        checkpoint_at=checkpoint_at,
    )


def _day_starts(now: datetime, zone: str) -> list[datetime]:
    """The beginnings of the last 30 days in the desk's zone, and the end of today."""
    midnight = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return [midnight + timedelta(days=offset) for offset in range(1 - DAYS, 2)]


def incident(office: Office, ref: str) -> IncidentSheet:
    """One account on one screen. Raises NotFound."""
    now = office.now()
    with office.database.read(snapshot=True) as session:
        account = office.account(session, ref)
        holds = list_holds(
            session, account_id=account.id, status="open", after=None, limit=_OPEN_ROWS
        )
        payments, _ = list_payments(
            session, account_id=account.id, status="pending", after=None, limit=_OPEN_ROWS
        )
        return IncidentSheet(
            account=account,
            standing=standing_of(office, session, ref, None),
            wallets=tuple(wallets_of(session, account.id, to_micros(now))),
            open_holds=tuple(hold for hold in holds if hold.expires_at > now),
            open_freezes=tuple(freezes_of(session, account.id, open_only=True)),
            open_payments=tuple(payments),
            timeline=tuple(_timeline(session, account.id)),
            as_of=now,
            subscriptions=tuple(
                each
                for each in Subscriptions(office).list(account=ref, limit=_OPEN_ROWS).rows
                if each.status != "canceled"
            ),
            open_invoices=Invoices(office).list(account=ref, status="open", limit=_OPEN_ROWS).rows,
        )


def _timeline(session: Session, account_id: str) -> list[TimelineSheet]:
    """Everything that happened to an account, the newest first."""
    entries = entries_page(session, EntryFilter(account=account_id), None, _TIMELINE_ROWS)
    lines = [
        TimelineSheet(
            at=entry.recorded_at,
            kind="entry",
            title=entry.kind.replace("_", " "),
            amount=entry.amount,
            actor=entry.actor,
            id=entry.posting_id,
            detail=entry.what,
        )
        for entry in entries
    ]
    lines += questions.timeline(session, account_id, _TIMELINE_ROWS)
    return sorted(lines, key=lambda line: line.at, reverse=True)[:_TIMELINE_ROWS]


def doctor(office: Office, info: LedgerSheet) -> tuple[DoctorSheet, ...]:
    """Whether the installation is fit to keep money, check by check."""
    found = [DoctorSheet("ledger", "ok", f"{info.where} ({info.kind}, schema {info.schema})")]
    with office.database.read() as session:
        if session.kind == "sqlite":
            found += _sqlite_checks(session)
        else:
            row = session.one("SHOW server_version") or ("?",)
            found.append(DoctorSheet("Postgres", "ok", f"server {row[0]}"))
        behind = session.one("SELECT coalesce(max(number), 0) FROM posting") or (0,)
        lag = behind[0] - indexed_up_to(session)
        state = "warning" if lag > 100_000 else "ok"
        found.append(
            DoctorSheet("search", state, f"{lag} postings wait for the index", "billdesk tick")
        )
    for gateway in gateway_sheets(office):
        state = "problem" if gateway.last_error else "ok"
        text = gateway.last_error or f"{gateway.open_payments} open, {gateway.mode} mode"
        found.append(DoctorSheet(f"gateway {gateway.name}", state, text, "billdesk poll"))
    return tuple(found)


def _sqlite_checks(session: Session) -> list[DoctorSheet]:
    version = library_version()
    text = ".".join(map(str, version))
    safe = version >= FIRST_SAFE_VERSION
    found = [
        DoctorSheet(
            "SQLite",
            "ok" if safe else "warning",
            text
            if safe
            else f"{text} can corrupt a WAL file when two programs write at once;"
            " our own write gate prevents it, other programs do not",
            "" if safe else "install the package pysqlite3, and do not write with other programs",
        )
    ]
    check = session.one("PRAGMA quick_check(1)") or ("no answer",)
    state = "ok" if check[0] == "ok" else "problem"
    found.append(DoctorSheet("file", state, str(check[0]), "restore a backup"))
    return found
