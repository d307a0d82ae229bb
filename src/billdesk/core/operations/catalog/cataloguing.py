"""The catalog: what is sold comes from a file, is compared, and is kept in versions."""

from __future__ import annotations

import os

from billdesk.core.operations.catalog.comparing import compare_catalog
from billdesk.core.operations.catalog.files import read_file
from billdesk.core.operations.office import Office
from billdesk.core.rules.catalog import Catalog, Meter, UsageTerms
from billdesk.core.rules.catalog_bodies import read_meter, read_pack, read_plan, read_schedule
from billdesk.core.rules.catalog_sections import nearest
from billdesk.core.rules.catalog_words import terms_words
from billdesk.core.rules.pricing import count_words
from billdesk.core.rules.sheets import (
    CatalogChangeSheet,
    CatalogDiffSheet,
    CompanySheet,
    MeterSheet,
    PackSheet,
    PlanMeterSheet,
    PlanPriceSheet,
    PlanSheet,
    ScheduleSheet,
    TaxSheet,
)
from billdesk.core.store import catalogs as store
from billdesk.core.store.catalogs import ItemVersion
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.errors import NotFound, Refused
from billdesk.core.values.money import Money

AUDITED_CHANGES = 100

FilePath = str | os.PathLike[str]


class Catalogs:
    """`desk.catalog`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    # --- files ---

    def check(self, path: FilePath) -> CatalogDiffSheet:
        """Whether a catalog file can be used on this ledger: all its mistakes, by line.

        Raises BadInput when there is no such file.
        """
        return self.diff(path)._replace(changes=(), unchanged=0)

    def diff(self, path: FilePath) -> CatalogDiffSheet:
        """What applying a catalog file would change, or all its mistakes.

        Raises BadInput when there is no such file.
        """
        file = read_file(path)
        with self._office.database.read(snapshot=True) as session:
            return compare_catalog(session, file, self._office.default_asset).sheet

    def apply(self, path: FilePath, *, digest: str | None = None) -> CatalogDiffSheet:
        """Sell what a catalog file says from now on; one with a mistake changes nothing.

        Only what is different gets a new version, and what the file has no more is retired. Running
        subscriptions stay on the version they have. The same file again changes nothing. `digest` is
        that of the text that was looked at before, if somebody did. Raises BadInput when there is no
        such file, Refused when it has another text now, ReadOnly, StoreError kinds.
        """
        office, file = self._office, read_file(path)
        office.check_writable()
        if digest not in {None, file.digest}:
            raise Refused(f"{file.path} was changed meanwhile", "look at its changes again")
        now = office.now()
        with office.database.write() as session:
            store.lock_catalog(session)
            sheet, changes, is_current = compare_catalog(session, file, office.default_asset)
            if sheet.mistakes:
                return sheet
            if changes or not is_current:
                store.save_catalog(
                    session,
                    changes,
                    source=file.text,
                    digest=file.digest,
                    actor=office.actor,
                    at=to_micros(now),
                )
                office.audit(
                    session,
                    now=now,
                    action="catalog.apply",
                    summary=_summary(sheet.changes),
                    data={
                        "digest": file.digest,
                        "changes": [
                            f"{each.change} {each.sort} {each.code} {each.version}"
                            for each in sheet.changes[:AUDITED_CHANGES]
                        ],
                    },
                )
        return sheet._replace(applied=True)

    def source(self) -> str:
        """The text of the file that was applied last. Raises NotFound before the first."""
        with self._office.database.read() as session:
            applied = store.applied_source(session)
        if applied is None:
            raise NotFound(
                "no catalog was applied yet", "begin with billdesk catalog apply --default"
            )
        return applied[1]

    # --- what is sold ---

    def current(self) -> Catalog:
        """Everything that is sold now, as the core works with it."""
        with self._office.database.read() as session:
            return store.catalog_now(session)

    def plans(self, *, family: str | None = None, retired: bool = False) -> tuple[PlanSheet, ...]:
        """What is sold now, by family and rank; `retired`: every version that there was, too."""
        with self._office.database.read(snapshot=True) as session:
            sheets = _plan_sheets(session, store.list_versions(session, "plan", retired=retired))
        chosen = [sheet for sheet in sheets if family in {None, sheet.family}]
        return tuple(
            sorted(chosen, key=lambda plan: (plan.family, plan.rank, plan.code, -plan.version))
        )

    def plan(self, code: str, version: int | None = None) -> PlanSheet:
        """A plan in its newest version, or in another one. Raises NotFound."""
        with self._office.database.read(snapshot=True) as session:
            rows = store.list_versions(session, "plan", retired=True)
            found = [row for row in rows if row.code == code and version in {None, row.version}]
            sheets = _plan_sheets(session, found[-1:])
        if not sheets:
            which = "" if version is None else f" in version {version}"
            hint = nearest(code, dict.fromkeys(row.code for row in rows if row.code != code))
            raise NotFound(f"there is no plan {code[:40]!r}{which}", hint)
        return sheets[0]

    def packs(self, *, retired: bool = False) -> tuple[PackSheet, ...]:
        """Packs of credits that are sold now; `retired`: every version that there was, too."""
        with self._office.database.read() as session:
            rows = store.list_versions(session, "pack", retired=retired)
        return tuple(_pack_sheet(row) for row in rows)

    def meters(self) -> tuple[MeterSheet, ...]:
        """What is counted, by code."""
        meters = self.current().meters
        return tuple(MeterSheet(*meters[code]) for code in sorted(meters))

    def taxes(self) -> tuple[TaxSheet, ...]:
        """Tax rates, by code."""
        return tuple(
            TaxSheet(
                code=each.code,
                name=each.name,
                jurisdiction=each.jurisdiction,
                percent=count_words(each.percent),
                inclusive=each.inclusive,
            )
            for _, each in sorted(self.current().taxes.items())
        )

    def schedules(self) -> tuple[ScheduleSheet, ...]:
        """How often prices can be due, the shortest first."""
        schedules = self.current().schedules.values()
        return tuple(ScheduleSheet(*each) for each in sorted(schedules, key=lambda s: s.months))

    def company(self) -> CompanySheet:
        """Who sells; empty before a first catalog."""
        fields = self.current().company._asdict()
        logo = fields.pop("logo")
        return CompanySheet(**fields, logo_bytes=len(logo or b""))


def _summary(changes: tuple[CatalogChangeSheet, ...]) -> str:
    """How many things change in which way."""
    words = [
        f"{sum(each.change == change for each in changes)} {change}"
        for change in ("added", "changed", "retired")
        if any(each.change == change for each in changes)
    ]
    return ", ".join(words) or "other text, nothing changed"


def _plan_sheets(session: Session, rows: list[ItemVersion]) -> list[PlanSheet]:
    # A plan that is sold no more may go by meters and schedules that are not, either.
    ever = store.newest_versions(session).items()
    months = {
        code: read_schedule(code, at.body).months for (s, code), at in ever if s == "schedule"
    }
    meters = {code: read_meter(code, at.body) for (s, code), at in ever if s == "meter"}
    counts = store.subscription_counts(session)
    return [
        _plan_sheet(row, months, meters, counts.get((row.code, row.version), 0)) for row in rows
    ]


def _plan_sheet(
    row: ItemVersion, months: dict[str, int], meters: dict[str, Meter], subscriptions: int
) -> PlanSheet:
    plan = read_plan(row.code, row.version, row.body, retired=row.retired_at is not None)
    prices = (
        PlanPriceSheet(each.schedule, months[each.schedule], Money(each.amount_minor, each.asset))
        for each in plan.prices
    )
    return PlanSheet(
        code=plan.code,
        version=plan.version,
        name=plan.name,
        family=plan.family,
        rank=plan.rank,
        prices=tuple(sorted(prices, key=lambda price: price.months)),
        meters=tuple(_plan_meter(terms, meters[terms.meter]) for terms in plan.usage),
        credits=plan.credits,
        trial_days=plan.trial_days,
        packs=plan.packs,
        features=plan.features,
        applied_at=from_micros(row.applied_at),
        retired_at=None if row.retired_at is None else from_micros(row.retired_at),
        subscriptions=subscriptions,
        tax_code=plan.tax_code,
    )


def _plan_meter(terms: UsageTerms, meter: Meter) -> PlanMeterSheet:
    words = terms_words(terms, meter.unit)
    return PlanMeterSheet(meter.code, meter.name, meter.unit, *words)


def _pack_sheet(row: ItemVersion) -> PackSheet:
    pack = read_pack(row.code, row.version, row.body, retired=row.retired_at is not None)
    return PackSheet(
        code=pack.code,
        version=pack.version,
        name=pack.name,
        credits=pack.credits,
        price=Money(pack.price_minor, pack.asset),
        plans=pack.plans,
        expires_days=pack.expires_days,
        retired_at=None if row.retired_at is None else from_micros(row.retired_at),
        tax_code=pack.tax_code,
    )
