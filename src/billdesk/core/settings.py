"""The only reader of the environment and of config.toml: one frozen dataclass comes out.

`BILLDESK_*` variables win over the file, the file over the defaults. Secrets are not kept here.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import PlatformDirs

from billdesk.core.values.errors import BadInput

_DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Paths:
    """Where files of the desk lie on this machine; `catalog` is the one that comes with it."""

    data: Path
    config: Path
    ledger: Path
    demo_ledger: Path
    catalog: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator has set. `deadline_seconds` bounds the wait for the write lock."""

    ledger: str
    prepared_statements: bool
    deadline_seconds: float
    actor: str
    paths: Paths


def default_paths() -> Paths:
    """The folders of this system, as platformdirs has them."""
    folders = PlatformDirs("billdesk", appauthor=False)
    data = Path(folders.user_data_dir)
    return Paths(
        data=data,
        config=Path(folders.user_config_dir) / "config.toml",
        ledger=data / "desk.ledger",
        demo_ledger=data / "demo" / "demo.ledger",
        catalog=_shipped_data() / "catalog.toml",
    )


def _shipped_data() -> Path:
    """The data that comes with the program: inside an installed package, else beside its sources."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "data"
    return inside if inside.is_dir() else package.parents[1] / "data"


def read_settings() -> Settings:
    """Environment, file and defaults. Raises BadInput for what cannot be read."""
    paths = default_paths()
    config = _read_file(paths.config)
    ledger = os.environ.get("BILLDESK_LEDGER") or _text(config, "ledger") or str(paths.ledger)
    deadline = os.environ.get("BILLDESK_DEADLINE_SECONDS") or config.get("deadline_seconds")
    prepared = os.environ.get("BILLDESK_PREPARED_STATEMENTS") or config.get("prepared_statements")
    return Settings(
        ledger=ledger,
        prepared_statements=str(prepared).lower() not in ("false", "0", "no", "off"),
        deadline_seconds=_seconds(deadline),
        actor=os.environ.get("BILLDESK_ACTOR") or _text(config, "actor") or _login(),
        paths=paths,
    )


def _read_file(path: Path) -> dict[str, object]:
    try:
        if not path.exists():
            return {}
        import tomllib  # noqa: PLC0415 - few have a file, and every command would pay for it

        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}", "mend or remove the file") from error


def _text(config: dict[str, object], key: str) -> str:
    value = config.get(key, "")
    if not isinstance(value, str):
        raise BadInput(f"{key} in config.toml is not text", "put it in quotes")
    return value


def _seconds(value: object) -> float:
    if value is None:
        return _DEADLINE_SECONDS
    try:
        seconds = float(str(value))
    except ValueError as error:
        raise BadInput(f"deadline_seconds is {value!r}", "give a number of seconds") from error
    if not 0 < seconds <= 3600:
        raise BadInput(f"deadline_seconds is {value!r}", "between 0 and 3600")
    return seconds


def _login() -> str:
    """The operating system's name for whoever runs this."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"
