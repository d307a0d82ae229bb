"""Showing a file in the system's own viewer, in a window of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread

from billdesk.core.values.errors import BadInput


def show_file(path: Path) -> None:
    """Have the system open a file; no shell reads its name, and nothing waits for the viewer.

    Raises BadInput where there is no window to show it in.
    """
    command = _viewer()
    if command is None:
        raise BadInput("there is no window to show it in", f"the file is {path}")
    try:
        viewer = subprocess.Popen(  # noqa: S603 - the system's own program and a path from its root
            [command, str(path.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise BadInput(
            f"{command} did not start: {error.strerror}", f"the file is {path}"
        ) from error
    # Whoever starts a program has to hear of its end, too.
    Thread(target=viewer.wait, daemon=True).start()


def _viewer() -> str | None:
    """The program that opens files: on Linux only where there is a display, else it takes the terminal."""
    if sys.platform == "win32":
        return "explorer.exe"
    if sys.platform == "darwin":
        return shutil.which("open")
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return shutil.which("xdg-open")
    return None
