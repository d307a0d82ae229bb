"""The surroundings of every measurement: a home folder of its own, and bytecode that is compiled.

A start without bytecode takes twice as long as a user's second start; nobody should measure that.
"""

from __future__ import annotations

import compileall
import os
import platform
import re
import sys
import sysconfig
import tempfile
from pathlib import Path

from billdesk.core.store.sqlite import library_version

ROOT = Path(__file__).parent.parent
_NEVER_STARTED = re.compile(r"/(tests?|lib2to3|idlelib|ensurepip)/")
TEMPORARY = Path(tempfile.gettempdir()) / "billdesk-benchmarks"


def prepare() -> str:
    """Keep to a home folder of our own, compile what will be started, and say where we are."""
    for name in [
        name for name in os.environ if name.startswith("BILLDESK_") and "BENCH" not in name
    ]:
        del os.environ[name]
    home = TEMPORARY / "home"
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        HOME=str(home),
        XDG_CONFIG_HOME=str(home / "config"),
        XDG_DATA_HOME=str(home / "data"),
        XDG_CACHE_HOME=str(home / "cache"),
        PYTHONPYCACHEPREFIX=str(TEMPORARY / "bytecode"),
        TERM="xterm-256color",
        COLORTERM="truecolor",
        LC_ALL="C.UTF-8",
        PYTHONPATH=str(ROOT),
    )
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.pop("NO_COLOR", None)
    _compile()
    version = ".".join(map(str, library_version()))
    return (
        f"Python {platform.python_version()}, SQLite {version}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}; ratios count, times are this machine's\n"
    )


def _compile() -> None:
    """Into the prefix that started processes read; what is there already is left alone."""
    before = sys.pycache_prefix
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
    try:
        for folder in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), ROOT / "src",
                       ROOT / "benchmarks"):  # fmt: skip
            compileall.compile_dir(str(folder), quiet=2, workers=0, rx=_NEVER_STARTED)
    finally:
        sys.pycache_prefix = before
