"""What pip installs is whole: every file of the package, code or not, and nothing of a tried-out desk."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CACHES = ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def shipped(wheel: dict[str, Any]) -> list[Path]:
    """Every file that the wheel's folders hold, with its path in the repository."""
    files = [path for folder in wheel["only-include"] for path in (ROOT / folder).rglob("*")]
    return [
        path.relative_to(ROOT) for path in files if path.is_file() and not {*path.parts} & {*CACHES}
    ]


def test_the_wheel_takes_the_package_and_its_data_whole(project: dict[str, Any]) -> None:
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel) == {"only-include", "sources"}
    assert set(wheel["only-include"]) == set(wheel["sources"]) == {"src/billdesk", "data"}
    names = {str(Path(wheel["sources"]["src/billdesk"])), str(Path(wheel["sources"]["data"]))}
    assert names == {"billdesk", "billdesk/data"}
    assert not {"exclude", "include", "artifacts"} & set(project["tool"]["hatch"]["build"])


def test_what_the_program_reads_besides_code_is_among_it(project: dict[str, Any]) -> None:
    files = shipped(project["tool"]["hatch"]["build"]["targets"]["wheel"])
    kinds = {path.suffix for path in files}
    assert kinds == {".csv", ".md", ".py", ".sql", ".toml", ".ttf", ".txt", ".typed"}
    assert Path("data/catalog.toml") in files


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="this is no checkout"
)
def test_nothing_of_it_is_a_file_that_git_ignores(project: dict[str, Any]) -> None:
    """The build leaves out what git ignores, without a word."""
    files = shipped(project["tool"]["hatch"]["build"]["targets"]["wheel"])
    ignored = subprocess.run(
        ["git", "check-ignore", "--stdin", "--no-index"],
        cwd=ROOT,
        input="\n".join(map(str, files)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ignored.stdout.splitlines() == []
    # A cache that is there all the same stays here, wherever a tool left it.
    rules = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {f"{cache}/" for cache in CACHES} <= set(rules)


def test_every_licence_is_named(project: dict[str, Any]) -> None:
    patterns = project["project"]["license-files"]
    named = {path for pattern in patterns for path in ROOT.glob(pattern)}
    assert named >= {ROOT / "LICENSE", *(ROOT / "src").rglob("LICENSE*")}


def test_the_program_is_the_packages() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="billdesk")
    assert script.value == "billdesk.cli:main"
