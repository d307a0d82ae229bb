"""A path to type: what can be one, and how it may go on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from textual.suggester import Suggester

from billdesk.core.values.errors import BadInput
from billdesk.core.values.plain_text import visible

MOST_NAMES = 2_000


def read_path(text: str) -> str:
    """The path that was typed, `~` replaced. Raises BadInput for what can be none."""
    typed = text.strip()
    if not typed:
        raise BadInput("no file is named", "type a path")
    if visible(typed) != typed:
        raise BadInput("it has characters that cannot be seen", "give the file another name")
    path = os.path.expanduser(typed)  # noqa: PTH111 - pathlib's raises for nobody's home
    if path.startswith("~"):
        raise BadInput(f"{path} is in nobody's home folder", "write the path out")
    return path


def read_address(text: str) -> str:
    """The database address that was typed, or the whole path. Raises BadInput for neither."""
    typed = text.strip()
    if "://" in typed and visible(typed) == typed:
        return typed
    return str(Path(read_path(text)).absolute())


def short(path: Path) -> str:
    """The path as one would type it, the home folder written as `~`."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


class PathEnding(Suggester):
    """Suggests how the path that is being typed may end: a folder, or a file with one of `endings`."""

    def __init__(self, *endings: str) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._endings = endings

    async def get_suggestion(self, value: str) -> str | None:
        # A folder may lie on a server that does not answer.
        return await asyncio.to_thread(_ending, value, self._is_offered)

    def _is_offered(self, entry: os.DirEntry[str]) -> bool:
        return entry.is_dir() or entry.name.endswith(self._endings or "")


def _ending(value: str, is_offered: Callable[[os.DirEntry[str]], bool]) -> str | None:
    """`value` and what the first name in its folder that begins so adds to it."""
    head, tail = os.path.split(value)
    if not value.strip():
        return None
    try:
        with os.scandir(os.path.expanduser(head) or ".") as entries:  # noqa: PTH111
            names = [
                f"{entry.name}{os.sep if entry.is_dir() else ''}"
                for entry in islice(entries, MOST_NAMES)
                if entry.name.startswith(tail)
                and (tail or not entry.name.startswith("."))
                and visible(entry.name) == entry.name
                and is_offered(entry)
            ]
    except (OSError, ValueError):
        return None
    longer = sorted(name for name in names if name != tail)
    return value + longer[0][len(tail) :] if longer else None
