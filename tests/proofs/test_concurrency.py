"""Eight processes at once: nothing overspent, lost or doubled, and no error."""

from pathlib import Path

import pytest

from billdesk.core.desk import Desk
from tests.proofs.conftest import MEMO, fund, race

PROCESSES = 8
SHORT, LONG = 60, 500
SIZES = [SHORT, pytest.param(LONG, marks=pytest.mark.soak)]


def charge_jobs(url: str, count: int, refs: str) -> list[list[str]]:
    return [[url, f"p{number}", str(count), refs] for number in range(PROCESSES)]


def charges(desk: Desk) -> list[tuple[str, str]]:
    """Every charge in the ledger: (reference, posting id)."""
    found: list[tuple[str, str]] = []
    after = None
    while True:
        page = desk.ledger.entries(kinds=("charge",), after=after, limit=10_000)
        found += [(row.reference, row.posting_id) for row in page.rows]
        after = page.after
        if after is None:
            return found


@pytest.mark.parametrize("count", SIZES)
def test_one_wallet_charged_by_eight_processes_gives_exactly_what_it_has(
    live: Desk, ledger_url: str, count: int
) -> None:
    """There is money for half of what they ask for."""
    affordable = PROCESSES * count // 2
    fund(live, ["hot"], str(affordable))
    answers = race("charging_worker.py", charge_jobs(ledger_url, count, "hot"))
    given = {ref: charge for answer in answers for ref, charge in answer["given"].items()}
    assert len(given) == affordable
    assert sum(answer["short"] for answer in answers) == PROCESSES * count - affordable
    assert sorted(charges(live)) == sorted(given.items())
    assert live.wallets.balance("hot").balance.minor == 0
    sheet = live.verify()
    assert (sheet.findings, sheet.entries) == ((), affordable + 1)


@pytest.mark.parametrize("count", SIZES)
def test_many_wallets_charged_by_eight_processes_lose_nothing(
    live: Desk, ledger_url: str, count: int
) -> None:
    refs = [f"cold{number}" for number in range(PROCESSES)]
    fund(live, refs, str(count))
    answers = race("charging_worker.py", charge_jobs(ledger_url, count, ",".join(refs)))
    given = {ref: charge for answer in answers for ref, charge in answer["given"].items()}
    assert len(given) == PROCESSES * count - sum(answer["short"] for answer in answers)
    assert sorted(charges(live)) == sorted(given.items())
    left = sum(live.wallets.balance(ref).balance.minor for ref in refs)
    assert left == 100 * (PROCESSES * count - len(given))
    assert live.verify().findings == ()


def test_one_reference_from_eight_processes_at_once_is_one_charge_and_all_get_it(
    live: Desk, ledger_url: str
) -> None:
    fund(live, ["hot"], "1000")
    jobs = [[ledger_url, "same", str(SHORT), "hot"]] * PROCESSES
    answers = race("charging_worker.py", jobs)
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]["given"]) == SHORT
    assert sorted(charges(live)) == sorted(answers[0]["given"].items())
    assert live.wallets.balance("hot").balance.minor == 100 * (1000 - SHORT)


def test_money_spent_by_reading_and_then_writing_is_overspent_in_silence(
    tmp_path: Path,
) -> None:
    """What the tests above would show of a desk that did so: more is sold than there was."""
    path = str(tmp_path / "naive.db")
    race("naive_worker.py", [[path, "0", "100"]])
    answers = race("naive_worker.py", [[path, str(SHORT)]] * 4)
    assert sum(answer["sold"] for answer in answers) > 100


@pytest.mark.parametrize("count", [30, pytest.param(LONG, marks=pytest.mark.soak)])
def test_credits_charged_by_eight_processes_burn_no_lot_twice(
    live: Desk, ledger_url: str, count: int
) -> None:
    """There are credits for half of what they ask for, in lots that burn in a known order."""
    affordable = PROCESSES * count // 2
    live.accounts.add("hot", name="Hot")
    lots = [
        live.credits.grant("hot", affordable // 4, memo=MEMO, priority=priority)
        for priority in (4, 3, 2, 1)
    ]
    jobs = [[*job, "1 CREDIT"] for job in charge_jobs(ledger_url, count, "hot")]
    answers = race("charging_worker.py", jobs)
    given = {charge for answer in answers for charge in answer["given"].values()}
    assert len(given) == affordable
    uses = live.credits.uses("hot", limit=10_000).rows
    assert {use.posting_id for use in uses} == given
    in_order = [lot.id for lot in reversed(lots) for _ in range(lot.granted)]
    assert [use.lot_id for use in reversed(uses)] == in_order
    assert live.verify().findings == ()
