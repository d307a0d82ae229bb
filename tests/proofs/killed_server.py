"""A Postgres server of a proof's own, which it may kill: set to survive a crash, as a real one is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from tests.postgres_server import (
    SETTINGS,
    find_programs,
    make_cluster,
    roomy_memory,
    start_server,
    stop_server,
    wait_until,
)

PROCESSES = Path("/proc")
CAREFUL = SETTINGS | {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # In its own folder, so that a kill leaves nothing elsewhere.
    "dynamic_shared_memory_type": "mmap",
}


class KilledServer:
    """Started, killed without warning, started again."""

    def __init__(self) -> None:
        """Make a cluster and start its server. Raises NoPostgresError."""
        self._programs = find_programs(18)
        self._home = Path(tempfile.mkdtemp(prefix="billdesk-killed-", dir=roomy_memory()))
        self._server: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://postgres@/postgres?host={quote(str(self._home))}"
        try:
            make_cluster(self._home, self._programs)
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start it, after a kill with what is on the disk."""
        self._server = start_server(self._home, self._programs, CAREFUL)

    def kill(self) -> None:
        """End every process of it at once, without a word."""
        assert self._server is not None
        # Stopped first, so that it starts no other while the list is made.
        self._server.send_signal(signal.SIGSTOP)
        children = children_of(self._server.pid)
        for pid in (self._server.pid, *children):
            os.kill(pid, signal.SIGKILL)
        self._server.wait()
        wait_until(lambda: not any(map(is_alive, children)), "Postgres did not die")

    def close(self) -> None:
        """Leave nothing behind."""
        if self._server is not None:
            stop_server(self._server)
        shutil.rmtree(self._home, ignore_errors=True)


def children_of(pid: int) -> list[int]:
    """The processes that this one has started."""
    stats = PROCESSES.glob("[0-9]*/stat")
    return [int(stat.parent.name) for stat in stats if told(stat)[1:2] == [str(pid)]]


def is_alive(pid: int) -> bool:
    """Whether a process is more than a name that its parent has not read yet."""
    return told(PROCESSES / str(pid) / "stat")[:1] not in ([], ["Z"])


def told(stat: Path) -> list[str]:
    """State, parent and so on of a process; nothing of one that is gone."""
    try:
        return stat.read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
