"""The theme one chose, for the next start: a line in a file of this machine, never in a ledger."""

from __future__ import annotations

from pathlib import Path

from platformdirs import PlatformDirs

from billdesk.screens.themes import THEME_NAMES


def theme_file() -> Path:
    """Where the name of the theme is kept."""
    return Path(PlatformDirs("billdesk", appauthor=False).user_state_dir) / "theme"


def chosen_theme() -> str | None:
    """The theme that was chosen last; None if none was, or if there is none of that name."""
    try:
        name = theme_file().read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    return name if name in THEME_NAMES else None


def keep_theme(name: str) -> None:
    """Keep the theme for the next start. Raises OSError where nothing can be kept."""
    path = theme_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{name}\n", encoding="utf-8")
