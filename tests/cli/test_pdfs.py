"""invoice pdf, invoice pdfs."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from billdesk.core.desk import open_desk
from billdesk.core.rules.invoices import LineDraft
from tests.cli.conftest import Shell


@pytest.fixture
def number(shell: Shell) -> str:
    """The number of an invoice of acme's."""
    with open_desk(str(shell.ledger)) as desk:
        drafted = desk.invoices.draft("acme", [LineDraft("Consulting", 12345)], asset="USD")
        return desk.invoices.finalize(drafted.id).invoice_number or ""


def test_an_invoice_is_saved_in_the_current_folder_by_its_number(
    shell: Shell, number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = shell("invoice", "pdf", number)
    assert (answer.status, answer.out) == (0, f"saved {number}.pdf\n")
    sheet = shell.done("invoice", "pdf", number)
    data = (tmp_path / f"{number}.pdf").read_bytes()
    assert sheet["sha256"] == sha256(data).hexdigest()
    assert sheet["rendered"] is False


def test_another_file_is_not_written_over(shell: Shell, number: str, tmp_path: Path) -> None:
    target = tmp_path / "bill.pdf"
    target.write_bytes(b"mine")
    answer = shell("invoice", "pdf", number, str(target))
    assert answer.status == 3
    assert "another file" in answer.err
    assert target.read_bytes() == b"mine"
    assert shell("invoice", "pdf", "INV-999999").status == 4


def test_showing_one_without_a_window_tells_where_it_lies(
    shell: Shell, number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    answer = shell("invoice", "pdf", number, "--open")
    assert answer.status != 0
    assert "no window" in answer.err
    assert not list(tmp_path.glob("*.pdf"))
    shell("invoice", "pdf", number, str(tmp_path / "kept.pdf"), "--open")
    assert (tmp_path / "kept.pdf").exists()


def test_all_that_have_none_are_drawn_at_once(shell: Shell, number: str) -> None:
    answer = shell("invoice", "pdfs")
    assert answer.status == 0
    assert answer.out.startswith("1 PDF drawn; 1 invoice on paper")
    assert shell.done("invoice", "pdfs")["rendered"] == 0
