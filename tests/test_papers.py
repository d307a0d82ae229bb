"""What the papers of the repository say is there is there, and what they show runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from billdesk import create_ledger

ROOT = Path(__file__).parents[1]
PAPERS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))

LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def fenced(paper: str, language: str) -> list[str]:
    """The blocks of a paper in one language."""
    text = (ROOT / paper).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in blocks if name == language]


def shown_in_shell(block: str) -> list[tuple[str, str]]:
    """Each command of a block with what is shown below it."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def type_in(folder: Path, commands: list[str]) -> list[str]:
    """What a shell in this folder prints for each command."""
    script = "".join(f"{line}\nstatus=$?; echo @@; (exit $status)\n" for line in commands)
    programs = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"], cwd=folder, check=False,
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "BILLDESK_ACTOR": "mira",
                          "BILLDESK_LEDGER": "shop.ledger"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.stdout.split("@@\n")[:-1]


def without_chance(printed: str) -> str:
    """What is printed, with ids, instants and hashes that differ each time taken out."""
    printed = re.sub(r"\b[a-z]+_[0-9a-z]{24,}", "ID", printed)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "INSTANT", printed)


def compare(folder: Path, block: str) -> None:
    """Type a block in; where the paper shows what is printed, it must be that."""
    shown = shown_in_shell(block)
    printed = type_in(folder, [command for command, _ in shown])
    assert len(printed) == len(shown), printed
    for (command, expected), got in zip(shown, printed, strict=True):
        if expected:
            assert without_chance(got) == without_chance(expected), command


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_link_leads_somewhere(paper: Path) -> None:
    for name, target in LINK.findall(paper.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path = paper.parent / target.partition("#")[0]
        assert path.exists(), target
        if name.startswith("test_"):
            assert f"def {name}(" in path.read_text(encoding="utf-8"), name


@pytest.mark.skipif(sys.platform == "win32", reason="the papers show a Unix shell")
def test_the_examples_print_what_is_shown(tmp_path: Path) -> None:
    shell, as_json, samples, _, keeping = fenced("README.md", "console")
    (example,) = fenced("README.md", "python")
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "example.py").write_text(example, encoding="utf-8")

    # The sandbox's customer takes his time.
    compare(tmp_path, shell.replace("$ billdesk poll", "$ sleep 2.5; billdesk poll"))
    compare(tmp_path, as_json)
    (printed,) = type_in(tmp_path, ["python example.py"])
    assert printed in fenced("README.md", "")
    compare(tmp_path, keeping)
    compare(tmp_path, samples)


def test_the_pictures_are_shown_and_know_nothing_of_the_machine_they_were_made_on() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert PICTURES
    for picture in PICTURES:
        assert f"](docs/pictures/{picture.name})" in readme
        svg = picture.read_text(encoding="utf-8")
        assert "demo.ledger" in svg
        # One of the demo's customers has an address in his name, to be shown harmlessly.
        foreign = r"/(?:home|root|tmp|Users)/|https?://(?!www\.(?:w3|textualize)|evil\.)"
        assert re.findall(foreign, svg) == []


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
