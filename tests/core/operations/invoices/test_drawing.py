from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.settings import default_paths
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import AlreadyExists, BadInput, NotFound
from tests.core.paper.pdf_text import pages_of
from tests.core.paper.specimens import logo

COMPANY = """
[company]
name = "{name}"
{logo}

[schedules.monthly]
name = "Monthly"
months = 1

[plans.basic]
name = "Basic"
family = "tiers"
prices.monthly = "10.00 USD"
"""

Issue = Callable[..., str]


@pytest.fixture
def issue(desk: Desk) -> Issue:
    """Makes a finalized invoice of acme's; its number."""
    desk.accounts.add("acme", name="Acme Łódź")

    def make(minor: int = 12345, text: str = "Consulting", *, finalize: bool = True) -> str:
        drafted = desk.invoices.draft("acme", [LineDraft(text, minor)], asset="USD")
        if not finalize:
            return drafted.id
        return desk.invoices.finalize(drafted.id).invoice_number or ""

    return make


@pytest.fixture
def sell(desk: Desk, tmp_path: Path) -> Callable[..., None]:
    """Applies a catalog of a company with this name, and this logo if there is one."""

    def apply(name: str, picture: bytes | None = None) -> None:
        line = ""
        if picture is not None:
            (tmp_path / "logo.png").write_bytes(picture)
            line = 'logo = "logo.png"'
        path = tmp_path / "catalog.toml"
        path.write_text(COMPANY.format(name=name, logo=line), encoding="utf-8")
        assert not desk.catalog.apply(path).mistakes

    return apply


def kept() -> list[Path]:
    """The PDFs in the desk's own folder."""
    return sorted((default_paths().data / "invoices").glob("*/*"))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_invoice_is_saved_where_one_wants_it(desk: Desk, issue: Issue, tmp_path: Path) -> None:
    sheet = desk.pdfs.save(issue(), tmp_path / "bill.pdf")
    data = (tmp_path / "bill.pdf").read_bytes()
    assert (sheet.path, sheet.size) == (str(tmp_path / "bill.pdf"), len(data))
    assert sheet.sha256 == sha256(data).hexdigest()
    [page] = pages_of(data)
    for words in ("INV-000001", "Acme Łódź", "Consulting", "123.45 USD"):
        assert words in page


def test_in_a_folder_it_is_called_by_its_number(desk: Desk, issue: Issue, tmp_path: Path) -> None:
    assert Path(desk.pdfs.save(issue(), tmp_path).path) == tmp_path / "INV-000001.pdf"
    drafted = issue(finalize=False)
    assert Path(desk.pdfs.save(drafted, tmp_path).path) == tmp_path / f"draft-{drafted}.pdf"


def test_files_are_for_their_owner_alone(desk: Desk, issue: Issue, tmp_path: Path) -> None:
    sheet = desk.pdfs.save(issue(), tmp_path)
    [own] = kept()
    assert mode_of(Path(sheet.path)) == mode_of(own) == 0o600
    assert mode_of(own.parent) == mode_of(own.parent.parent) == 0o700


def test_no_invoice_is_ever_drawn_twice(desk: Desk, issue: Issue) -> None:
    number = issue()
    first = desk.pdfs.save(number)
    assert first.rendered
    before = Path(first.path).stat()
    time.sleep(0.01)
    again = desk.pdfs.save(number)
    assert not again.rendered
    assert again._replace(rendered=True) == first
    after = Path(first.path).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_stands_on_it_decides_and_not_when_it_is_asked_for(
    desk: Desk, clock: MovingClock, issue: Issue
) -> None:
    number = issue()
    first = desk.pdfs.save(number)
    clock.advance(timedelta(days=400))
    assert desk.pdfs.save(number) == first._replace(rendered=False)
    desk.adjustments.credit("acme", "200.00", memo="money for the invoice", reference="cash")
    desk.invoices.pay(number)
    paid = desk.pdfs.save(number)
    assert paid.rendered
    assert "PAID" in pages_of(Path(paid.path).read_bytes())[0]
    assert len(kept()) == 2


def test_a_file_that_lost_its_end_is_drawn_again(desk: Desk, issue: Issue) -> None:
    number = issue()
    first = desk.pdfs.save(number)
    path = Path(first.path)
    whole = path.read_bytes()
    for broken in (b"", whole[:1000], whole[1000:]):
        path.write_bytes(broken)
        assert desk.pdfs.save(number) == first
        assert path.read_bytes() == whole


def test_another_file_is_never_written_over(desk: Desk, issue: Issue, tmp_path: Path) -> None:
    number = issue()
    target = tmp_path / "bill.pdf"
    desk.pdfs.save(number, target)
    desk.pdfs.save(number, target)  # the very same
    for other in (b"mine", b"x" * target.stat().st_size):
        target.write_bytes(other)
        with pytest.raises(AlreadyExists, match="another file"):
            desk.pdfs.save(number, target)
        assert target.read_bytes() == other
    link = tmp_path / "link.pdf"
    link.symlink_to(tmp_path / "elsewhere.pdf")
    with pytest.raises(AlreadyExists):
        desk.pdfs.save(number, link)
    assert not (tmp_path / "elsewhere.pdf").exists()


def test_a_place_that_cannot_be_written_is_told(desk: Desk, issue: Issue, tmp_path: Path) -> None:
    number = issue()
    with pytest.raises(BadInput, match="cannot be written"):
        desk.pdfs.save(number, tmp_path / "no such folder" / "bill.pdf")
    with pytest.raises(BadInput, match="cannot be written"):
        desk.pdfs.save(number, "/dev/null/bill.pdf")


def test_a_file_in_the_place_of_the_desks_folder_is_told(desk: Desk, issue: Issue) -> None:
    folder = default_paths().data / "invoices"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"")
    with pytest.raises(BadInput, match="cannot be written"):
        desk.pdfs.save(issue())


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux has it")
def test_a_file_that_cannot_be_read_is_another_file(desk: Desk, issue: Issue) -> None:
    with pytest.raises(AlreadyExists):
        desk.pdfs.save(issue(), "/proc/self/mem")


def test_a_full_disk_leaves_no_half_a_file(desk: Desk, issue: Issue, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    number = issue()
    desk.pdfs.save(number)
    desk.pdfs.save(issue(999), tmp_path / "loads-what-is-needed.pdf")
    other = issue(777)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(BadInput, match="cannot be written"):
            desk.pdfs.save(number, tmp_path / "half.pdf")
        with pytest.raises(BadInput, match="cannot be written"):
            desk.pdfs.save(other)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not (tmp_path / "half.pdf").exists()
    assert not [path for path in kept() if path.suffix != ".pdf"]
    assert desk.pdfs.save(other).rendered


def test_who_is_not_known_has_no_paper(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.pdfs.save("INV-000009")


def test_a_credit_note_names_the_invoice_that_it_corrects(desk: Desk, issue: Issue) -> None:
    number = issue()
    note = desk.credit_notes.create(number, "23.45", memo="agreed on the phone")
    [page] = pages_of(Path(desk.pdfs.save(note.id).path).read_bytes())
    assert "CREDIT NOTE" in page
    assert f"Corrects {number}" in page
    [page] = pages_of(Path(desk.pdfs.save(number).path).read_bytes())
    assert "CN-000001" in page
    assert "100.00 USD" in page


# --- the logo ---


def test_an_invoice_keeps_the_logo_it_was_issued_with(
    desk: Desk, issue: Issue, sell: Callable[..., None]
) -> None:
    sell("First Ltd", logo(120, 40))
    number, drafted = issue(), issue(2, finalize=False)
    first = desk.pdfs.save(number)
    then = desk.pdfs.save(drafted)
    sell("First Ltd", logo(80, 80))
    assert desk.pdfs.save(number) == first._replace(rendered=False)
    # A draft shows what would be on it now.
    assert desk.pdfs.save(drafted).sha256 != then.sha256
    sell("First Ltd")
    assert desk.pdfs.save(number).sha256 == first.sha256
    assert b"/Subtype /Image" in Path(first.path).read_bytes()
    assert b"/Subtype /Image" not in Path(desk.pdfs.save(drafted).path).read_bytes()


def test_a_logo_is_found_among_those_the_company_had(
    desk: Desk, issue: Issue, sell: Callable[..., None]
) -> None:
    sell("First Ltd", logo(120, 40))
    number = issue()
    sell("First Ltd", logo(80, 80))
    sell("Second Ltd")
    drawn = Path(desk.pdfs.save(number).path).read_bytes()
    assert b"/Width 120" in drawn
    assert "First Ltd" in pages_of(drawn)[0]


# --- many ---


def test_every_finalized_invoice_is_drawn_once_in_one_go(desk: Desk, issue: Issue) -> None:
    numbers = [issue(100 + each) for each in range(5)]
    issue(finalize=False)
    desk.pdfs.save(numbers[2])
    steps: list[tuple[int, int]] = []
    made = desk.pdfs.prepare_many(on_progress=lambda done, total: steps.append((done, total)))
    assert (made.found, made.rendered) == (5, 4)
    assert made.size == sum(path.stat().st_size for path in kept())
    assert steps == [(done, 5) for done in range(1, 6)]
    assert desk.pdfs.prepare_many()._replace(rendered=4) == made


def test_many_are_read_in_batches(
    desk: Desk, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billdesk.core.operations.invoices.drawing._BATCH", 2)
    for each in range(4):
        issue(100 + each)
    assert desk.pdfs.prepare_many().found == 4


# --- showing ---

_VIEWER = """#!/bin/sh
printf '%s\\n' "$#" "$1" > "$SHOWN.part"
mv "$SHOWN.part" "$SHOWN"
"""


@pytest.fixture
def viewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system whose viewer writes down what it was asked to show; where it does."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("xdg-open", "open"):
        (folder / name).write_text(_VIEWER, encoding="utf-8")
        (folder / name).chmod(0o755)
    shown = tmp_path / "shown"
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("SHOWN", str(shown))
    monkeypatch.setenv("DISPLAY", ":7")
    return shown


def test_the_viewer_is_given_the_file_and_no_shell(
    desk: Desk, issue: Issue, viewer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = desk.pdfs.show(issue())
    for _ in range(500):
        if viewer.exists():
            break
        time.sleep(0.01)
    assert viewer.read_text(encoding="utf-8").splitlines() == ["1", sheet.path]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert desk.pdfs.show("INV-000001").path == sheet.path


def test_without_a_window_the_place_of_the_file_is_told(
    desk: Desk, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(BadInput, match="no window") as refused:
        desk.pdfs.show(issue())
    [path] = kept()
    assert str(path) in (refused.value.hint or "")


def test_a_viewer_that_does_not_start_is_told(
    desk: Desk, issue: Issue, viewer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = issue()
    desk.pdfs.save(number)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(8, "Exec format error")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(BadInput, match="did not start"):
        desk.pdfs.show(number)
