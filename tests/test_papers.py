"""What the papers of the repository say is there is there, and what they show runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from billdesk import MovingClock, create_ledger
from billdesk.cli.catalogue import CATALOGUE
from tests.new_ledger import START

ROOT = Path(__file__).parents[1]
PAPERS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))

LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def fenced(paper: str, language: str) -> list[str]:
    """The blocks of a paper in one language."""
    text = (ROOT / paper).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in blocks if name == language]


def known_command(line: str) -> bool:
    """Whether a line of a shell names a command of ours."""
    words = [word for word in shlex.split(line, comments=True)[1:] if not word.startswith("--")]
    commands = {entry.words for entry in CATALOGUE}
    return any(" ".join(words[at : at + size]) in commands for at in (0, 1) for size in (1, 2))


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_link_leads_somewhere(paper: Path) -> None:
    for name, target in LINK.findall(paper.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path = paper.parent / target.partition("#")[0]
        assert path.exists(), target
        if name.startswith("test_"):
            assert f"def {name}(" in path.read_text(encoding="utf-8"), name


def test_every_command_that_is_shown_is_one() -> None:
    shown = [
        line.removeprefix("$ ")
        for block in fenced("README.md", "console")
        for line in block.splitlines()
        if line.startswith("$ billdesk")
    ]
    assert len(shown) > 10
    assert [line for line in shown if not known_command(line)] == []


def test_the_python_example_says_what_it_prints(tmp_path: Path) -> None:
    (example,), printed = fenced("README.md", "python"), fenced("README.md", "")
    with create_ledger(tmp_path / "shop.ledger", clock=MovingClock(START)) as desk:
        desk.accounts.add("acme", name="Acme Plumbing Ltd")
        desk.adjustments.credit("acme", "87.50", memo="what the shell's example leaves")
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=os.environ, check=True,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout in printed


def test_the_pictures_are_shown_and_know_nothing_of_the_machine_they_were_made_on() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert PICTURES
    for picture in PICTURES:
        assert f"](docs/pictures/{picture.name})" in readme
        svg = picture.read_text(encoding="utf-8")
        assert "demo.ledger" in svg
        assert (
            re.findall(r"/(?:home|root|tmp|Users)/|https?://(?!www\.(?:w3|textualize))", svg) == []
        )


def test_the_schema_is_described_to_the_last_column(tmp_path: Path) -> None:
    described = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", described))
    with create_ledger(tmp_path / "desk.ledger") as desk, desk.transaction() as tx:
        names = {
            row[0] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        tables = {name for name in names if not name.startswith(("posting_text_", "sqlite_"))}
        assert tables - words == set()
        for table in tables - {"alembic_version"}:
            columns = {row[1] for row in tx.execute(f"PRAGMA table_info({table})")}
            assert columns - words == set(), table


@pytest.mark.soak
def test_the_pictures_are_drawn_the_same_again() -> None:
    before = {picture: picture.read_bytes() for picture in PICTURES}
    subprocess.run([sys.executable, "-m", "docs.pictures"], cwd=ROOT, check=True, timeout=300)
    assert {picture: picture.read_bytes() for picture in PICTURES} == before
