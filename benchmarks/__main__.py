"""`python -m benchmarks [NAME …] [--quick]`: measure, and print the table.

A figure below its target is printed as `BELOW`; the exit status is 0 unless something broke.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.ratios import table
from benchmarks.surroundings import prepare

FIGURES = {
    "charge": ("charging", "single"),
    "batch": ("charging", "batches"),
    "processes": ("processes", "one_file"),
    "postgres": ("postgres", "charges"),
    "intake": ("intake", "facts"),
    "usage": ("metering", "usage"),
    "usage-run": ("rating", "usage_run"),
    "recount": ("proving", "recounting"),
    "verify": ("proving", "verifying"),
    "desk": ("starting", "desk"),
    "commands": ("starting", "commands"),
    "ledger": ("scrolling", "ledger"),
    "pdf": ("paper", "pdf"),
    "invoices": ("invoices", "invoices"),
    "reconcile": ("reconciling", "reconciling"),
}


def main() -> int:
    """Measure what was asked for; each table when it is ready on standard error, then all in one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*FIGURES, []], help=", ".join(FIGURES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller ledgers")
    wanted = parser.parse_args()
    print(prepare())
    figures = []
    for name in wanted.names or FIGURES:
        module, function = FIGURES[name]
        print(f"\n… {name}", file=sys.stderr, flush=True)
        measured = getattr(importlib.import_module(f"benchmarks.{module}"), function)
        found = measured(quick=wanted.quick)
        print("\n".join(table(found)), file=sys.stderr, flush=True)
        figures += found
    print("\n".join(table(figures)))
    below = [figure.what for figure in figures if figure.mark == "BELOW"]
    print()
    print(
        f"below what was asked: {'; '.join(below)}" if below else "nothing is below what was asked"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
