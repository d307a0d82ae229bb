"""What a catalog file comes to beside what a ledger sells: its mistakes, or what it changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from billdesk.core.operations.catalog.files import CatalogText
from billdesk.core.rules.catalog_bodies import Key, things_of, write_body
from billdesk.core.rules.catalog_changes import Conflict, ItemChange, conflicts, item_changes
from billdesk.core.rules.catalog_file import read_catalog
from billdesk.core.rules.catalog_lines import KeyLines
from billdesk.core.rules.catalog_words import change_details, read_thing
from billdesk.core.rules.sheets import CatalogChangeSheet, CatalogDiffSheet, CatalogMistakeSheet
from billdesk.core.store import catalogs as store
from billdesk.core.store.sessions import Session
from billdesk.core.values.errors import BadInput

Counts = Mapping[tuple[str, int], int]


class Comparison(NamedTuple):
    """What a file comes to: `changes` are empty where there is a mistake.

    `is_current`: the very text is the one that was applied last.
    """

    sheet: CatalogDiffSheet
    changes: tuple[ItemChange, ...] = ()
    is_current: bool = False


def compare_catalog(session: Session, file: CatalogText, default_asset: str) -> Comparison:
    """Compare a file with what is sold now; `default_asset` is that of prices which name none."""
    if file.mistake is not None:
        return _mistaken(file, (file.mistake,))
    catalog, mistakes = read_catalog(file.text, file.path.parent, default_asset=default_asset)
    if catalog is None:
        return _mistaken(file, mistakes)
    lines = KeyLines(file.text)
    broken = _broken_logo(lines, catalog.company.logo)
    if broken is not None:
        return _mistaken(file, (broken,))
    known = store.newest_versions(session)
    wanted = {key: write_body(thing) for key, thing in things_of(catalog).items()}
    running = store.subscription_counts(session)
    found = conflicts(known, wanted, _needed(session, running))
    if found:
        return _mistaken(file, tuple(_mistake(lines, each) for each in found))
    changes = item_changes(known, wanted)
    applied = store.applied_source(session)
    sheet = CatalogDiffSheet(
        where=str(file.path),
        digest=file.digest,
        mistakes=(),
        changes=tuple(_change_sheet(change, running) for change in changes),
        unchanged=len(wanted) - sum(change.body is not None for change in changes),
    )
    return Comparison(sheet, changes, applied is not None and applied[0] == file.digest)


def _mistaken(file: CatalogText, mistakes: tuple[CatalogMistakeSheet, ...]) -> Comparison:
    return Comparison(CatalogDiffSheet(str(file.path), file.digest, mistakes, (), 0))


def _mistake(lines: KeyLines, conflict: Conflict) -> CatalogMistakeSheet:
    where = ".".join(conflict.path)
    return CatalogMistakeSheet(lines.line_of(conflict.path), where, conflict.message, conflict.hint)


def _broken_logo(lines: KeyLines, logo: bytes | None) -> CatalogMistakeSheet | None:
    """A picture that cannot be drawn would be found by whoever wants the first invoice."""
    if logo is None:
        return None
    from billdesk.core.paper.drawing import read_logo  # noqa: PLC0415 - few catalogs have one

    try:
        read_logo(logo)
    except BadInput as error:
        path = ("company", "logo")
        return CatalogMistakeSheet(lines.line_of(path), ".".join(path), error.message, error.hint)
    return None


def _needed(session: Session, running: Counts) -> dict[Key, int]:
    """How many subscriptions and accounts go by each meter, tax and schedule."""
    needed: Counter[Key] = Counter()
    for counts in (running, store.coming_plans(session)):
        for (code, version), count in counts.items():
            plan = store.plan_version(session, code, version)
            if plan is None:
                continue  # of a gateway's own, and mirrored
            for terms in plan.usage:
                needed["meter", terms.meter] += count
            if plan.tax_code is not None:
                needed["tax", plan.tax_code] += count
    for code, count in store.schedule_counts(session).items():
        needed["schedule", code] += count
    for code, count in store.tax_counts(session).items():
        needed["tax", code] += count
    return needed


def _change_sheet(change: ItemChange, running: Counts) -> CatalogChangeSheet:
    sort, code = change.key
    thing = read_thing(change.key, change.version, change.body or change.before or "")
    staying = sum(count for (plan, _), count in running.items() if (sort, code) == ("plan", plan))
    return CatalogChangeSheet(
        sort=sort,
        code=code,
        name=thing.name or code,
        change=change.change,
        version=change.version,
        details=change_details(change),
        subscriptions=staying,
    )
