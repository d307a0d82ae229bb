"""The environment wins over config.toml, the file over the defaults, and nothing is guessed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from billdesk.core.settings import default_paths, read_settings
from billdesk.core.values.errors import BadInput


@pytest.fixture
def config(home: Path) -> Path:
    """Where config.toml goes; its folder is there."""
    path = default_paths().config
    path.parent.mkdir(parents=True)
    return path


def test_everything_has_a_default_under_the_home(home: Path) -> None:
    settings = read_settings()
    assert settings.ledger == str(settings.paths.ledger)
    assert settings.paths.ledger.is_relative_to(home)
    assert settings.paths.demo_ledger != settings.paths.ledger
    assert settings.prepared_statements
    assert settings.deadline_seconds == 30
    assert settings.actor


def test_the_file_says_otherwise(config: Path) -> None:
    config.write_text(
        'ledger = "/srv/desk.ledger"\nactor = "mira"\ndeadline_seconds = 5\n'
        "prepared_statements = false\n"
    )
    settings = read_settings()
    assert (settings.ledger, settings.actor) == ("/srv/desk.ledger", "mira")
    assert (settings.deadline_seconds, settings.prepared_statements) == (5, False)


def test_the_environment_has_the_last_word(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('ledger = "file"\nactor = "file"\ndeadline_seconds = 5\n')
    monkeypatch.setenv("BILLDESK_LEDGER", "postgresql:///desk")
    monkeypatch.setenv("BILLDESK_ACTOR", "zoe")
    monkeypatch.setenv("BILLDESK_DEADLINE_SECONDS", "0.5")
    monkeypatch.setenv("BILLDESK_PREPARED_STATEMENTS", "no")
    settings = read_settings()
    assert (settings.ledger, settings.actor) == ("postgresql:///desk", "zoe")
    assert (settings.deadline_seconds, settings.prepared_statements) == (0.5, False)


@pytest.mark.parametrize(
    "text",
    [
        "ledger = 5",
        "actor = ['mira']",
        'deadline_seconds = "soon"',
        "deadline_seconds = 0",
        "deadline_seconds = -1",
        "deadline_seconds = nan",
        "deadline_seconds = 3601",
        "ledger = ",
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(config: Path, text: str) -> None:
    config.write_text(text)
    with pytest.raises(BadInput):
        read_settings()


def test_a_file_that_cannot_be_read_is_told(config: Path) -> None:
    config.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"config\.toml"):
        read_settings()
    config.unlink()
    config.mkdir()
    with pytest.raises(BadInput, match=r"config\.toml"):
        read_settings()


def test_somebody_without_a_login_is_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert read_settings().actor == "operator"
