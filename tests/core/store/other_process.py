"""Programs that stand in the way: each is a process of its own, as in life."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HOLD_GATE = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""

HOLD_WRITE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holding(program: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds something until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(30)


def run(program: str, *words: str) -> str:
    """What a Python program prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tamper(url: str, *statements: str) -> None:
    """Change a ledger behind its back, from another process: as its owner, without its triggers.

    Before the statements every trigger is dropped.
    """
    run(_TAMPER_POSTGRES if url.startswith("postgres") else _TAMPER_SQLITE, url, *statements)


# The standard library's SQLite, which may be another one than the desk's.
_TAMPER_SQLITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
for (name,) in names:
    connection.execute(f"DROP TRIGGER {name}")
for statement in sys.argv[2:]:
    connection.execute(statement)
connection.close()
"""
_TAMPER_POSTGRES = """
import psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("SET search_path = billdesk")
    for table in ("posting", "entry", "audit", "fact", "wallet"):
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute(f"ALTER TABLE {table} ALTER number DROP IDENTITY IF EXISTS")
    for statement in sys.argv[2:]:
        connection.execute(statement)
"""
