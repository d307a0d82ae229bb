"""A process of its own: takes in what comes through its standard input, and prints what it came to.

Its peak of memory in MiB is the last figure.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from billdesk.core.desk import open_desk

KIBIBYTES_PER_MEBIBYTE = 1024


def peak_mebibytes() -> int:
    """The most memory that this program had; Linux knows it without what forked it had before."""
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) // KIBIBYTES_PER_MEBIBYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIBIBYTES_PER_MEBIBYTE


def main(ledger: str) -> None:
    """Take in CSV or JSON lines to the end."""
    with open_desk(ledger) as desk:
        sheet = desk.usage.ingest(sys.stdin.buffer)
    figures = (sheet.read, sheet.new, sheet.known, sheet.rejected, peak_mebibytes())
    sys.stdout.write(" ".join(map(str, figures)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
