"""The catalog on a ledger: applied whole or not at all, kept in versions, fair to who is on a plan."""

from __future__ import annotations

import os
import struct
import threading
import zlib
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, default_paths, open_desk
from billdesk.core.operations.catalog.files import LARGEST_BYTES
from billdesk.core.rules.sheets import CatalogDiffSheet
from billdesk.core.store.catalogs import current_plan, pack_version, plan_version
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, NotFound, ReadOnly, Refused
from billdesk.core.values.money import Money

CATALOG = """\
[company]
name = "Northwind"
[schedules.monthly]
months = 1
[schedules.annual]
months = 12
[meters.calls]
name = "API calls"
unit = "call"
[meters.data]
unit = "GB"
decimals = 3
[taxes.vat]
name = "VAT"
jurisdiction = "Kenya"
percent = "16.0"
[taxes.other]
name = "Other"
percent = "5"
inclusive = true
[plans.pro]
name = "Pro"
family = "a"
prices.annual = "490.00"
prices.monthly = "49.00"
tax = "vat"
usage.calls = { included = 1000, price = "0.10", per = 1000 }
[plans.free]
name = "Free"
family = "a"
rank = 0
prices.monthly = "0.00"
[plans.metered]
name = "Metered"
family = "b"
prices.monthly = "29.00"
[packs.small]
name = "Small"
credits = 100
price = "9.00"
plans = ["pro"]
expires_days = 30
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A catalog file."""
    return catalog(tmp_path, CATALOG)


def catalog(folder: Path, text: str | bytes) -> Path:
    path = folder / "catalog.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def changes(sheet: CatalogDiffSheet) -> list[tuple[str, str, str, int]]:
    return [(each.change, each.sort, each.code, each.version) for each in sheet.changes]


def counts(desk: Desk) -> list[int]:
    """How many rows the catalog and its items have, and how many of those are sold no more."""
    with desk.transaction() as tx:
        return [
            tx.execute(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("catalog", "catalog_item", "catalog_item WHERE retired_at IS NOT NULL")
        ]


# --- applying ---


def test_a_file_is_sold_from_then_on_and_its_text_is_kept(desk: Desk, path: Path) -> None:
    assert desk.catalog.plans() == ()
    with pytest.raises(NotFound, match="no catalog was applied"):
        desk.catalog.source()
    coming = desk.catalog.diff(path)
    assert (coming.applied, counts(desk)) == (False, [0, 0, 0])
    sheet = desk.catalog.apply(path)
    assert sheet == coming._replace(applied=True)
    assert (len(sheet.changes), sheet.unchanged) == (11, 0)
    assert desk.catalog.source() == CATALOG
    plans = desk.catalog.plans()
    assert [plan.code for plan in plans] == ["free", "pro", "metered"]
    assert [plan.code for plan in desk.catalog.plans(family="b")] == ["metered"]
    pro = plans[1]
    assert [(each.schedule, each.months, each.price) for each in pro.prices] == [
        ("monthly", 1, Money(4_900, "USD")),
        ("annual", 12, Money(49_000, "USD")),
    ]
    assert pro.meters[0] == (
        "calls", "API calls", "call", "1,000", "per unit", "0.10 USD per 1,000"
    )  # fmt: skip
    assert (pro.tax_code, pro.packs, pro.version, pro.subscriptions) == ("vat", ("small",), 1, 0)
    [pack] = desk.catalog.packs()
    assert (pack.price, pack.plans, pack.expires_days) == (Money(900, "USD"), ("pro",), 30)
    assert [each.code for each in desk.catalog.meters()] == ["calls", "data"]
    assert [(each.code, each.percent, each.inclusive) for each in desk.catalog.taxes()] == [
        ("other", "5", True),
        ("vat", "16", False),
    ]
    assert [each.months for each in desk.catalog.schedules()] == [1, 12]
    assert (desk.catalog.company().name, desk.catalog.company().logo_bytes) == ("Northwind", 0)
    assert desk.catalog.current().plans["pro"].credits == 0


def test_the_same_file_again_changes_nothing(desk: Desk, path: Path) -> None:
    desk.catalog.apply(path)
    before, log = counts(desk), len(desk.audit.list().rows)
    again = desk.catalog.apply(path)
    assert (again.applied, again.changes, again.unchanged) == (True, (), 11)
    assert (counts(desk), len(desk.audit.list().rows)) == (before, log)


def test_other_remarks_are_kept_without_a_new_version_of_anything(
    desk: Desk, tmp_path: Path, path: Path
) -> None:
    desk.catalog.apply(path)
    _, items, _ = counts(desk)
    sheet = desk.catalog.apply(catalog(tmp_path, CATALOG + "# prices are to rise in May\n"))
    assert (sheet.changes, counts(desk)) == ((), [2, items, 0])
    assert "May" in desk.catalog.source()
    assert desk.audit.list().rows[0].summary == "other text, nothing changed"


def test_only_what_is_different_gets_a_version_and_what_is_gone_is_retired(
    desk: Desk, tmp_path: Path, path: Path, clock: MovingClock
) -> None:
    desk.catalog.apply(path)
    clock.advance(timedelta(days=1))
    other = CATALOG.replace('"49.00"', '"59.00"').replace("[plans.free]", "[plans.trial]")
    sheet = desk.catalog.apply(catalog(tmp_path, other))
    assert changes(sheet) == [
        ("changed", "plan", "pro", 2),
        ("added", "plan", "trial", 1),
        ("retired", "plan", "free", 1),
    ]
    assert sheet.changes[0].details == ("monthly: 49.00 USD → 59.00 USD",)
    assert counts(desk) == [2, 13, 2]
    line = desk.audit.list().rows[0]
    assert (line.action, line.actor) == ("catalog.apply", "tester")
    assert line.summary == "1 added, 1 changed, 1 retired"
    assert line.data["changes"] == [
        "changed plan pro 2", "added plan trial 1", "retired plan free 1"
    ]  # fmt: skip
    assert [plan.code for plan in desk.catalog.plans()] == ["trial", "pro", "metered"]
    ever = [(plan.code, plan.version) for plan in desk.catalog.plans(retired=True)]
    assert ever == [("free", 1), ("trial", 1), ("pro", 2), ("pro", 1), ("metered", 1)]
    old, new = desk.catalog.plan("pro", 1), desk.catalog.plan("pro")
    assert old.retired_at == new.applied_at == clock.now()
    assert (old.prices[0].price.minor, new.prices[0].price.minor) == (4_900, 5_900)
    assert desk.catalog.plan("free").retired_at == clock.now()
    back = desk.catalog.apply(catalog(tmp_path, CATALOG))
    assert ("added", "plan", "free", 2) in changes(back)
    assert ("changed", "plan", "pro", 3) in changes(back)


def test_the_core_finds_every_version_by_its_number(desk: Desk, tmp_path: Path, path: Path) -> None:
    desk.catalog.apply(path)
    desk.catalog.apply(
        catalog(tmp_path, CATALOG.replace('"49.00"', '"59.00"').replace('"9.00"', '"8.00"'))
    )
    with desk._office.database.read() as session:
        now, first = current_plan(session, "pro"), plan_version(session, "pro", 1)
        assert now is not None
        assert first is not None
        assert (now.version, now.retired, first.retired) == (2, False, True)
        packs = [pack_version(session, "small", version) for version in (1, 2)]
        assert [(p.price_minor, p.retired) for p in packs if p] == [(900, True), (800, False)]
        assert current_plan(session, "gone") is None
        assert plan_version(session, "pro", 3) is None
        assert pack_version(session, "gone", 1) is None
    assert [(p.version, p.retired_at is None) for p in desk.catalog.packs(retired=True)] == [
        (1, False),
        (2, True),
    ]


def picture(grey: int) -> bytes:
    """A PNG of one pixel."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes([0, grey]))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def test_a_logo_is_kept_with_the_company_and_a_new_picture_is_a_new_version(
    desk: Desk, tmp_path: Path
) -> None:
    text = CATALOG.replace('"Northwind"', '"Northwind"\nlogo = "logo.png"')
    path = catalog(tmp_path, text)
    (tmp_path / "logo.png").write_bytes(picture(10))
    desk.catalog.apply(path)
    assert desk.catalog.company().logo_bytes == len(picture(10))
    (tmp_path / "logo.png").write_bytes(picture(200))
    assert changes(desk.catalog.apply(path)) == [("changed", "company", "company", 2)]
    assert desk.catalog.current().company.logo == picture(200)
    (tmp_path / "logo.png").write_bytes(picture(200)[:40])
    [mistake] = desk.catalog.apply(path).mistakes
    assert (mistake.line, mistake.where) == (3, "company.logo")
    assert "cannot be read" in mistake.message


# --- what was looked at ---


def test_a_file_that_was_changed_after_it_was_looked_at_is_refused(
    desk: Desk, tmp_path: Path, path: Path
) -> None:
    seen = desk.catalog.diff(path)
    catalog(tmp_path, CATALOG + "# and one more thing\n")
    with pytest.raises(Refused, match="changed meanwhile"):
        desk.catalog.apply(path, digest=seen.digest)
    assert counts(desk) == [0, 0, 0]
    catalog(tmp_path, CATALOG)
    assert desk.catalog.apply(path, digest=seen.digest).applied


def test_a_plan_is_looked_up_by_its_code_and_version(desk: Desk, path: Path) -> None:
    desk.catalog.apply(path)
    with pytest.raises(NotFound, match="no plan 'fre'") as error:
        desk.catalog.plan("fre")
    assert error.value.hint == "did you mean free?"
    with pytest.raises(NotFound, match="no plan 'pro' in version 2"):
        desk.catalog.plan("pro", 2)


def test_a_desk_to_look_at_compares_but_applies_nothing(ledger_url: str, path: Path) -> None:
    with open_desk(ledger_url, read_only=True) as desk:
        assert len(desk.catalog.diff(path).changes) == 11
        with pytest.raises(ReadOnly):
            desk.catalog.apply(path)


def test_the_catalog_that_ships_can_be_applied_and_comes_whole(desk: Desk) -> None:
    sheet = desk.catalog.apply(default_paths().catalog)
    assert sheet.applied
    assert len(desk.catalog.plans()) == 7
    assert len(desk.catalog.packs()) == 6


# --- mistakes ---


@pytest.mark.parametrize("verb", ["check", "diff", "apply"])
def test_a_mistake_changes_nothing(desk: Desk, tmp_path: Path, path: Path, verb: str) -> None:
    desk.catalog.apply(path)
    before = counts(desk)
    wrong = CATALOG.replace('"49.00"', '"-49.00"').replace("months = 12", "months = 0")
    sheet = getattr(desk.catalog, verb)(catalog(tmp_path, wrong))
    assert [mistake.line for mistake in sheet.mistakes] == [6, 25]
    assert (sheet.changes, sheet.applied, counts(desk)) == ((), False, before)


def test_checking_says_nothing_of_changes(desk: Desk, path: Path) -> None:
    sheet = desk.catalog.check(path)
    assert (sheet.mistakes, sheet.changes) == ((), ())


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"x" * (LARGEST_BYTES + 1), 0, "too large"),
        (CATALOG.encode("utf-16"), 1, "UTF-16"),
        (b"[plans.a]\nname = \xff\n", 2, "not text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0", 1, "not text in UTF-8"),
        (b"\0" * 100, 1, "Invalid statement"),
        (b"", 0, "nothing is sold"),
    ],
)
def test_a_file_of_something_else_is_told(
    desk: Desk, tmp_path: Path, content: bytes, line: int, message: str
) -> None:
    [mistake] = desk.catalog.apply(catalog(tmp_path, content)).mistakes
    assert (mistake.line, message in mistake.message) == (line, True), mistake
    assert counts(desk) == [0, 0, 0]


def test_fifty_megabytes_are_not_read(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 50_000_000)
    assert "too large" in desk.catalog.apply(path).mistakes[0].message


def test_a_mark_before_the_text_is_no_part_of_it(desk: Desk, tmp_path: Path) -> None:
    sheet = desk.catalog.apply(catalog(tmp_path, b"\xef\xbb\xbf" + CATALOG.encode()))
    assert sheet.applied
    assert desk.catalog.source() == CATALOG


@pytest.mark.parametrize("name", ["gone.toml", ".", "a\0b", "n" * 5_000])
def test_what_is_no_file_is_refused(desk: Desk, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"is no file|cannot be read"):
        desk.catalog.diff(tmp_path / name)


# --- who is on a plan ---


def subscribe(desk: Desk, *refs: str) -> None:
    for ref in refs:
        desk.accounts.add(ref, name=ref)
        desk.subscriptions.create(ref, "pro", paid_by="invoice")


def test_a_plan_removed_that_someone_is_on_goes_on_for_them(
    desk: Desk, tmp_path: Path, path: Path, clock: MovingClock
) -> None:
    desk.catalog.apply(path)
    subscribe(desk, "acme", "birch")
    before, rest = CATALOG.split("[plans.pro]")
    without = before + rest[rest.index("[plans.free]") :].replace('plans = ["pro"]\n', "")
    keeps_all_it_needs = catalog(tmp_path, without)
    [gone] = [c for c in desk.catalog.diff(keeps_all_it_needs).changes if c.change == "retired"]
    assert (gone.code, gone.subscriptions) == ("pro", 2)
    assert desk.catalog.apply(keeps_all_it_needs).applied
    assert "pro" not in desk.catalog.current().plans
    sold_no_more = desk.catalog.plan("pro")
    assert (sold_no_more.subscriptions, sold_no_more.retired_at) == (2, clock.now())
    desk.accounts.add("late", name="Late")
    with pytest.raises(NotFound):
        desk.subscriptions.create("late", "pro", paid_by="invoice")
    clock.advance(timedelta(days=32))
    desk.tick()
    running = desk.subscriptions.list(account="acme").rows[0]
    assert (running.plan_version, running.period_seq) == (1, 2)


def test_running_subscriptions_stay_on_their_version_and_are_counted(
    desk: Desk, tmp_path: Path, path: Path
) -> None:
    desk.catalog.apply(path)
    subscribe(desk, "acme", "birch")
    dearer = catalog(tmp_path, CATALOG.replace('"49.00"', '"59.00"'))
    [change] = desk.catalog.apply(dearer).changes
    assert (change.version, change.subscriptions) == (2, 2)
    subscribe(desk, "cafe")
    on = {
        (plan.code, plan.version): plan.subscriptions for plan in desk.catalog.plans(retired=True)
    }
    assert on["pro", 1] == 2
    assert on["pro", 2] == 1
    assert desk.subscriptions.list(account="acme").rows[0].plan_version == 1


def test_what_running_subscriptions_go_by_is_not_taken_from_them(
    desk: Desk, tmp_path: Path, path: Path
) -> None:
    desk.catalog.apply(path)
    subscribe(desk, "acme")
    desk.accounts.add("birch", name="Birch")
    desk.subscriptions.create("birch", "metered", paid_by="invoice")
    desk.subscriptions.change(
        desk.subscriptions.list(account="acme").rows[0].id, schedule="annual", when="period_end"
    )
    desk.parties.set("acme", tax_code="other")
    only = '[schedules.weekly]\nmonths = 1\n[plans.one]\nname = "One"\nprices.weekly = "1.00"\n'
    sheet = desk.catalog.apply(catalog(tmp_path, only))
    assert not sheet.applied
    assert {(each.line, each.where) for each in sheet.mistakes} == {
        (0, "meters.calls"),
        (1, "schedules.annual"),
        (1, "schedules.monthly"),
        (0, "taxes.other"),
        (0, "taxes.vat"),
    }
    assert "keep it" in sheet.mistakes[0].hint
    finer = CATALOG.replace('unit = "call"\n', 'unit = "call"\ndecimals = 2\n')
    [mistake] = desk.catalog.diff(catalog(tmp_path, finer)).mistakes
    assert (mistake.line, mistake.where) == (10, "meters.calls.decimals")


def test_a_plan_that_only_a_gateway_knows_needs_nothing_of_the_catalog(
    desk: Desk, tmp_path: Path, path: Path
) -> None:
    desk.catalog.apply(path)
    desk.accounts.add("acme", name="Acme")
    desk.subscriptions.create("acme", "metered", paid_by="invoice")
    with desk.transaction() as tx:
        tx.execute("UPDATE subscription SET plan_code = 'theirs', schedule = 'theirs'")
    only = '[schedules.weekly]\nmonths = 1\n[plans.one]\nname = "One"\nprices.weekly = "1.00"\n'
    assert desk.catalog.apply(catalog(tmp_path, only)).applied


# --- several at once ---


def test_two_who_apply_at_once_come_one_after_the_other(
    ledger_url: str, tmp_path: Path, clock: MovingClock
) -> None:
    paths = []
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths.append(catalog(folder, CATALOG.replace('"49.00"', f'"4{number}.00"')))
    applied: list[CatalogDiffSheet] = []

    def apply(path: Path) -> None:
        with open_desk(ledger_url, clock=clock) as desk:
            applied.append(desk.catalog.apply(path))

    threads = [threading.Thread(target=apply, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sheet.applied for sheet in applied] == [True] * 4
    with open_desk(ledger_url, clock=clock) as desk:
        versions = [plan.version for plan in desk.catalog.plans(retired=True) if plan.code == "pro"]
        assert versions == [4, 3, 2, 1]
        assert desk.catalog.plan("pro").retired_at is None
        assert counts(desk) == [4, 14, 3]
