"""The catalog: files as they were applied, and every version of every thing that is or was sold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from billdesk.core.rules.catalog import Catalog, Company, Pack, Plan, Sort
from billdesk.core.rules.catalog_bodies import (
    Key,
    read_company,
    read_meter,
    read_pack,
    read_plan,
    read_schedule,
    read_tax,
)
from billdesk.core.rules.catalog_changes import ItemChange, Version
from billdesk.core.store.sessions import Session
from billdesk.core.values.errors import Broken

_APPLY_LOCK = 0x62640001


def catalog_now(session: Session) -> Catalog:
    """Everything that is sold now, each in its newest version; empty before a first file."""
    catalog = Catalog({}, {}, {}, {}, {}, Company())
    rows = session.all(
        "SELECT sort, code, version, body FROM catalog_item WHERE retired_at IS NULL ORDER BY number"
    )
    for sort, code, version, body in rows:
        match sort:
            case "plan":
                catalog.plans[code] = read_plan(code, version, body, retired=False)
            case "pack":
                catalog.packs[code] = read_pack(code, version, body, retired=False)
            case "meter":
                catalog.meters[code] = read_meter(code, body)
            case "tax":
                catalog.taxes[code] = read_tax(code, body)
            case "schedule":
                catalog.schedules[code] = read_schedule(code, body)
            case _:
                catalog = catalog._replace(company=read_company(body))
    return catalog


def plan_version(session: Session, code: str, version: int) -> Plan | None:
    """A version of a plan, whether it is sold now or was."""
    row = _version(session, "plan", code, version)
    return None if row is None else read_plan(code, version, row[0], retired=row[1] is not None)


def pack_version(session: Session, code: str, version: int) -> Pack | None:
    """A version of a pack, whether it is sold now or was."""
    row = _version(session, "pack", code, version)
    return None if row is None else read_pack(code, version, row[0], retired=row[1] is not None)


def _version(session: Session, sort: str, code: str, version: int) -> tuple[Any, ...] | None:
    return session.one(
        "SELECT body, retired_at FROM catalog_item WHERE sort = ? AND code = ? AND version = ?",
        (sort, code, version),
    )


def current_plan(session: Session, code: str) -> Plan | None:
    """A plan as it is sold now, if it is."""
    row = session.one(
        "SELECT version, body FROM catalog_item"
        " WHERE sort = 'plan' AND code = ? AND retired_at IS NULL",
        (code,),
    )
    return None if row is None else read_plan(code, row[0], row[1], retired=False)


def newest_versions(session: Session) -> dict[Key, Version]:
    """The newest version of everything that is or was sold."""
    rows = session.all(
        "SELECT i.sort, i.code, i.version, i.body, i.retired_at FROM catalog_item i"
        " WHERE i.version = (SELECT max(n.version) FROM catalog_item n"
        "                    WHERE n.sort = i.sort AND n.code = i.code)"
        " ORDER BY i.number"
    )
    return {(row[0], row[1]): Version(row[2], row[3], row[4] is not None) for row in rows}


def lock_catalog(session: Session) -> None:
    """Let nobody else apply a catalog until the block ends; on SQLite a write block is the lock."""
    if session.kind == "postgres":
        session.one("SELECT pg_advisory_xact_lock(?)", (_APPLY_LOCK,))


def save_catalog(
    session: Session,
    changes: Iterable[ItemChange],
    *,
    source: str,
    digest: str,
    actor: str,
    at: int,
) -> int:
    """Keep a file as it was applied, and what it changes; its number. The catalog is locked before."""
    row = session.one(
        "INSERT INTO catalog (digest, source, actor, applied_at) VALUES (?, ?, ?, ?)"
        " RETURNING number",
        (digest, source, actor, at),
    )
    if row is None:
        raise Broken("an applied file got no number")
    number: int = row[0]
    changes = tuple(changes)
    session.many(
        "UPDATE catalog_item SET retired_at = ? WHERE sort = ? AND code = ? AND retired_at IS NULL",
        [(at, *change.key) for change in changes if change.before is not None],
    )
    session.many(
        "INSERT INTO catalog_item (catalog_number, sort, code, version, body)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (number, *change.key, change.version, change.body)
            for change in changes
            if change.body is not None
        ],
    )
    return number


def applied_source(session: Session) -> tuple[str, str] | None:
    """The digest and text of the file that was applied last."""
    row = session.one("SELECT digest, source FROM catalog ORDER BY number DESC LIMIT 1")
    return (row[0], row[1]) if row else None


class ItemVersion(NamedTuple):
    """A version of something, and from when to when it was sold, in microseconds."""

    code: str
    version: int
    body: str
    applied_at: int
    retired_at: int | None


def list_versions(session: Session, sort: Sort, *, retired: bool) -> list[ItemVersion]:
    """What is sold of a sort now, in the order of its file; `retired`: every version there was."""
    rows = session.all(
        "SELECT i.code, i.version, i.body, c.applied_at, i.retired_at FROM catalog_item i"
        " JOIN catalog c ON c.number = i.catalog_number WHERE i.sort = ?"
        f"{'' if retired else ' AND i.retired_at IS NULL'} ORDER BY i.number",
        (sort,),
    )
    return [ItemVersion._make(row) for row in rows]


def subscription_counts(session: Session) -> dict[tuple[str, int], int]:
    """How many subscriptions that are not over each version of a plan has."""
    rows = session.all(
        "SELECT plan_code, plan_version, count(*) FROM subscription WHERE status <> 'canceled'"
        " GROUP BY plan_code, plan_version"
    )
    return {(row[0], row[1]): row[2] for row in rows}


def coming_plans(session: Session) -> dict[tuple[str, int], int]:
    """The same of the versions that subscriptions change to at the end of their period."""
    rows = session.all(
        "SELECT next_plan_code, next_plan_version, count(*) FROM subscription"
        " WHERE status <> 'canceled' AND next_plan_version IS NOT NULL"
        " GROUP BY next_plan_code, next_plan_version"
    )
    return {(row[0], row[1]): row[2] for row in rows}


def schedule_counts(session: Session) -> dict[str, int]:
    """How many subscriptions that are not over go by each schedule, or change to it."""
    rows = session.all(
        "SELECT schedule, count(*) FROM (SELECT schedule FROM subscription"
        " WHERE status <> 'canceled' UNION ALL SELECT next_schedule FROM subscription"
        " WHERE status <> 'canceled' AND next_schedule IS NOT NULL) AS used GROUP BY schedule"
    )
    return {row[0]: row[1] for row in rows}


def tax_counts(session: Session) -> dict[str, int]:
    """How many accounts are to be charged each tax."""
    rows = session.all(
        "SELECT tax_code, count(*) FROM party WHERE tax_code IS NOT NULL GROUP BY tax_code"
    )
    return {row[0]: row[1] for row in rows}
