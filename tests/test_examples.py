"""The examples run as they stand, and say what they promise."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SAYS = {
    "charge_with_own_table.py": "leaking tap: not sold, 20.00 USD is needed, 10.00 USD can be used",
    "prepaid_service.py": "call to Bonn: refused",
    "metered_plan.py": "usage billed: 3.00 USD",
    "jobs_with_holds.py": "40.00 paid in, the debt settled      balance  25.00 USD",
}


def output_of(example: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, EXAMPLES / example, *arguments],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout


def test_every_example_is_run_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == SAYS.keys()


@pytest.mark.parametrize("example", SAYS)
def test_an_example_does_what_it_says(example: str) -> None:
    told = output_of(example)
    assert SAYS[example] in told
    assert "verified: sound" in told


def test_a_callers_own_table_joins_on_postgres_too(postgres_empty_url: str) -> None:
    told = output_of("charge_with_own_table.py", postgres_empty_url)
    assert "assigned: burst pipe, new boiler" in told
    assert "verified: sound" in told
