"""A business that exists already moves in: all of a file or nothing of it, and each line once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, create_ledger, open_desk
from billdesk.core.operations.accounts.importing import BATCH, MOST_ERRORS
from billdesk.core.rules.sheets import ImportSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, ReadOnly
from billdesk.core.values.money import Money

SAMPLES = Path(__file__).parents[4] / "data" / "samples"
MONDAY = datetime(2026, 8, 17, 9, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """An empty ledger on each database."""
    if request.param == "sqlite":
        url = str(tmp_path / "desk.ledger")
    else:
        url = request.getfixturevalue("postgres_empty_url")
    with create_ledger(url, clock=MovingClock(MONDAY), actor="mira") as desk:
        yield desk


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def accounts(desk: Desk, file: Path, *lines: str, heading: str | None = None) -> ImportSheet:
    head = heading or "ref,name,email,opening balance,asset,credit limit"
    file.write_text("\n".join([head, *lines]))
    return desk.imports.accounts(file)


def entries(desk: Desk, file: Path, *lines: str, heading: str | None = None) -> ImportSheet:
    head = heading or "account,kind,amount,reference,happened_at,subject,memo"
    file.write_text("\n".join([head, *lines]))
    return desk.imports.entries(file)


def errors(sheet: ImportSheet) -> list[tuple[int, str]]:
    assert (sheet.added, sheet.unchanged) == (0, 0)
    return [(error.line, error.text.partition(";")[0]) for error in sheet.errors]


def everything(desk: Desk) -> tuple[object, ...]:
    """All that an import could change."""
    refs = [account.ref for account in desk.accounts.list().rows]
    return (
        refs,
        [desk.wallets.list(ref) for ref in refs],
        desk.ledger.entries().rows,
        desk.audit.list().rows,
    )


# --- accounts ------------------------------------------------------------------------------------


def test_accounts_come_in_with_what_they_had_and_may_owe(desk: Desk, file: Path) -> None:
    sheet = accounts(
        desk,
        file,
        "acme,Acme Ltd,office@acme.example,240.00,,",
        "globex,Globex,,-35.00,EUR,150",
        "initech,Initech,,,,none",
        "acme,Acme Ltd,office@acme.example,500,CREDIT,",
    )
    assert (sheet.rows, sheet.added, sheet.unchanged, sheet.errors) == (4, 4, 0, ())
    acme = desk.accounts.get("acme")
    assert (acme.name, acme.email, acme.status) == ("Acme Ltd", "office@acme.example", "open")
    told = {
        (wallet.account_ref, wallet.asset): (wallet.balance.minor, wallet.floor)
        for ref in ("acme", "globex", "initech")
        for wallet in desk.wallets.list(ref)
    }
    assert told == {
        ("acme", "USD"): (24_000, Money(0, "USD")),
        ("acme", "CREDIT"): (500, Money(0, "CREDIT")),
        ("globex", "EUR"): (-3_500, Money(-15_000, "EUR")),
        ("initech", "USD"): (0, None),
    }
    opening = desk.ledger.entries("globex").rows[0]
    assert (
        opening.kind,
        opening.scope,
        opening.reference,
        opening.counterparty,
        opening.actor,
    ) == (
        "opening",
        "import",
        "opening:globex:EUR",
        "imported",
        "mira",
    )
    assert desk.verify().ok


def test_an_import_is_in_the_audit_log(desk: Desk, file: Path) -> None:
    accounts(desk, file, "acme,Acme Ltd,,,,", "globex,Globex,,,,")
    told = {(line.action, line.account_ref, line.summary) for line in desk.audit.list().rows}
    assert ("import.accounts", None, "2 of 2 lines of file.csv") in told
    assert ("account.add", "acme", "acme · Acme Ltd") in told


def test_the_same_accounts_again_change_nothing(desk: Desk, file: Path) -> None:
    lines = ["acme,Acme Ltd,,240.00,,", "globex,Globex,,,EUR,150", "initech,Initech,,,,none"]
    accounts(desk, file, *lines)
    before = everything(desk)
    sheet = accounts(desk, file, *lines)
    assert (sheet.rows, sheet.added, sheet.unchanged, sheet.errors) == (3, 0, 3, ())
    assert everything(desk) == before


def test_what_the_desk_did_since_is_not_undone_by_the_same_file(desk: Desk, file: Path) -> None:
    accounts(desk, file, "acme,Acme Ltd,,240.00,,50")
    desk.charges.create("acme", "200.00", reference="lead:1")
    desk.wallets.set_floor("acme", "-75.00", memo="a better customer by now")
    desk.accounts.suspend("acme", memo="moved without a word")
    before = everything(desk)
    assert accounts(desk, file, "acme,Acme Ltd,,240.00,,50").unchanged == 1
    assert everything(desk) == before


def test_a_wallet_comes_in_for_an_account_that_the_desk_has(desk: Desk, file: Path) -> None:
    desk.accounts.add("acme", name="Acme Ltd")
    desk.adjustments.credit("acme", "10.00", memo="they paid in cash")
    assert accounts(desk, file, "acme,Acme Ltd,,240.00,,50").added == 1
    [wallet] = desk.wallets.list("acme")
    assert (wallet.balance, wallet.floor) == (Money(25_000, "USD"), Money(-5_000, "USD"))


def test_what_a_suspended_account_had_comes_in_all_the_same(desk: Desk, file: Path) -> None:
    desk.accounts.add("acme", name="Acme Ltd")
    desk.accounts.suspend("acme", memo="a dispute is open")
    assert accounts(desk, file, "acme,Acme Ltd,,5.00,EUR,").added == 1
    assert str(desk.wallets.balance("acme", "EUR").balance) == "5.00 EUR"


def test_a_line_that_is_there_twice_comes_in_once(desk: Desk, file: Path) -> None:
    sheet = accounts(desk, file, "acme,Acme Ltd,,240.00,,", "acme,Acme Ltd,,240.00,,")
    assert (sheet.rows, sheet.added, sheet.unchanged) == (2, 1, 1)
    assert desk.wallets.balance("acme").balance == Money(24_000, "USD")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["acme,Another,,,,"], [(2, "there is an account acme already, called Acme Ltd")]),
        (["acme,Acme Ltd,new@acme.example,,,"], [(2, "there is an account acme already, called Acme Ltd")]),
        (["house,Mine,,,,"], [(2, "there is an account house already, called The desk itself")]),
        (
            ["globex,Globex,,,,", "globex,Globax,,,,"],
            [(3, "there is an account globex already, called Globex")],
        ),
        (
            ["globex,Globex,,1,,", "globex,Globex,,2,,"],
            [(3, "the reference opening:globex:USD was used for something else")],
        ),
        (
            ["acme,Acme Ltd,,10.00,,20"],
            [(2, "the wallet is here and used below this credit limit already")],
        ),
        (
            ["globex,Globex,,1.001,,", "ok,Fine,,,,", "a b,Bad,,,,", "x,,,,,"],
            [(2, "'1.001' is finer than USD goes"), (4, "'a b' cannot name an account"), (5, "no name")],
        ),
    ],
)  # fmt: skip
def test_with_one_bad_line_nothing_comes_in(
    desk: Desk, file: Path, lines: list[str], told: list[tuple[int, str]]
) -> None:
    desk.accounts.add("acme", name="Acme Ltd")
    desk.wallets.set_floor("acme", "-100.00", memo="a good customer")
    desk.charges.create("acme", "80.00", reference="lead:1")
    before = everything(desk)
    assert errors(accounts(desk, file, *lines)) == told
    assert everything(desk) == before


def test_another_opening_balance_later_is_refused(desk: Desk, file: Path) -> None:
    accounts(desk, file, "acme,Acme Ltd,,240.00,,")
    for line in ("acme,Acme Ltd,,250.00,,", "acme,Acme Ltd,,240.00,,10"):
        told = errors(accounts(desk, file, "globex,Globex,,,,", line))
        assert told == [(3, "the reference opening:acme:USD was used for something else")]
    assert [account.ref for account in desk.accounts.list().rows] == ["acme"]


def test_one_name_per_ref_also_across_the_batches_of_a_long_file(desk: Desk, file: Path) -> None:
    lines = [f"ref-{number},Name {number},,,," for number in range(BATCH)]
    assert errors(accounts(desk, file, *lines, "ref-0,Other,,,,")) == [
        (BATCH + 2, "there is an account ref-0 already, called Name 0")
    ]
    assert desk.accounts.list().rows == ()


# --- entries -------------------------------------------------------------------------------------


@pytest.fixture
def business(desk: Desk) -> Desk:
    """Acme with 100.00 on its wallet, and Globex with nothing."""
    desk.accounts.add("acme", name="Acme Ltd")
    desk.accounts.add("globex", name="Globex")
    desk.adjustments.credit("acme", "100.00", memo="what was left at the old desk")
    return desk


def test_history_comes_in_as_the_desk_would_have_booked_it(business: Desk, file: Path) -> None:
    sheet = entries(
        business,
        file,
        "acme,charge,32.00,r-1,2026-05-04T08:12:00Z,lead 3107,",
        "globex,deposit,50.00 EUR,r-2,2026-05-05,bank transfer,",
        "acme,refund,2.00,r-3,,,the half of it",
        "acme,credit,1.00,r-4,,,",
        'acme,debit,0.50,r-5,,,"bank fee,',
        'of the transfer"',
    )
    assert (sheet.rows, sheet.added, sheet.unchanged, sheet.errors) == (5, 5, 0, ())
    told = [
        (
            entry.kind,
            str(entry.amount),
            entry.counterparty,
            entry.scope,
            entry.reference,
            entry.memo,
        )
        for entry in reversed(business.ledger.entries().rows[:5])
    ]
    assert told == [
        ("charge", "-32.00 USD", "revenue", "import", "r-1", None),
        ("deposit", "50.00 EUR", "imported", "import", "r-2", None),
        ("refund", "2.00 USD", "revenue", "import", "r-3", "the half of it"),
        ("manual_credit", "1.00 USD", "adjustment", "import", "r-4", None),
        ("manual_debit", "-0.50 USD", "adjustment", "import", "r-5", "bank fee,\nof the transfer"),
    ]
    charge = business.ledger.entries(reference="r-1").rows[0]
    assert charge.happened_at == datetime(2026, 5, 4, 8, 12, tzinfo=UTC)
    assert charge.recorded_at == MONDAY, "it happened in May and was recorded today"
    before_may = datetime(2026, 5, 1, tzinfo=UTC)
    after = business.wallets.balance("acme", effective=before_may + timedelta(days=10)).balance
    assert (after.minor, business.wallets.balance("acme").balance.minor) == (-3_200, 7_050)
    assert business.verify().ok


def test_the_same_history_again_changes_nothing(business: Desk, file: Path) -> None:
    lines = [f"acme,charge,0.10,r-{number},,lead {number}," for number in range(BATCH + 100)]
    assert entries(business, file, *lines).added == BATCH + 100
    business.accounts.suspend("acme", memo="moved without a word")
    before = everything(business)
    sheet = entries(business, file, *lines)
    assert (sheet.added, sheet.unchanged, sheet.errors) == (0, BATCH + 100, ())
    assert everything(business) == before


def test_a_longer_file_brings_in_only_what_is_new(business: Desk, file: Path) -> None:
    entries(business, file, "acme,charge,1.00,r-1,,,", "acme,charge,2.00,r-2,,,")
    sheet = entries(
        business,
        file,
        "acme,charge,1.00,r-1,,,",
        "acme,charge,2.00,r-2,,,",
        "acme,charge,3.00,r-3,,,",
        "acme,charge,3.00,r-3,,,",
    )
    assert (sheet.added, sheet.unchanged) == (1, 3)
    assert business.wallets.balance("acme").balance == Money(9_400, "USD")


def test_imported_references_do_not_meet_those_of_the_program(business: Desk, file: Path) -> None:
    business.charges.create("acme", "1.00", reference="r-1")
    assert entries(business, file, "acme,charge,1.00,r-1,,,").added == 1


@pytest.mark.parametrize(
    "line",
    [
        "acme,charge,1.01,r-1,,lead 1,memo 1",
        "acme,debit,1.00,r-1,,lead 1,memo 1",
        "acme,charge,1.00,r-1,2026-05-04,lead 1,memo 1",
        "globex,charge,1.00,r-1,,lead 1,memo 1",
        "acme,charge,1.00,r-1,,lead 2,memo 1",
        "acme,charge,1.00,r-1,,lead 1,memo 2",
    ],
)
def test_a_known_reference_with_other_content_is_refused(
    business: Desk, file: Path, line: str
) -> None:
    first = "acme,charge,1.00,r-1,,lead 1,memo 1"
    told = [(3, "the reference r-1 was used for something else")]
    assert errors(entries(business, file, first, line)) == told, "within a file"
    assert entries(business, file, first).added == 1
    assert errors(entries(business, file, "acme,charge,9.00,r-9,,,", line)) == told, "and later"
    assert business.wallets.balance("acme").balance == Money(9_900, "USD")


def test_what_the_ledger_refuses_is_named_by_its_line_and_nothing_comes_in(
    business: Desk, file: Path
) -> None:
    business.accounts.add("closed", name="Closed Ltd")
    business.accounts.close("closed", memo="out of business")
    before = everything(business)
    sheet = entries(
        business,
        file,
        "acme,charge,60.00,r-1,,,",
        "globex,charge,0.01,r-2,,,",
        "acme,charge,60.00,r-3,,,",
        "closed,charge,1.00,r-4,,,",
        "acme,charge,40.00,r-5,,,",
    )
    assert errors(sheet) == [
        (3, "0.01 USD is needed, 0.00 USD can be used"),
        (4, "60.00 USD is needed, 40.00 USD can be used"),
        (5, "the account is closed"),
    ]
    assert everything(business)[:3] == before[:3]


def test_lines_that_cannot_be_read_are_all_listed(business: Desk, file: Path) -> None:
    sheet = entries(
        business,
        file,
        "acme,charge,1.00,r-1,,,",
        "nobody,charge,1.00,r-2,,,",
        "acme,gift,1.00,r-3,,,",
        "house,charge,1.00,r-4,,,",
        "acme,charge",
        "acme,charge,1e3,r-6,yesterday,,",
    )
    assert errors(sheet) == [
        (3, "there is no account nobody"),
        (4, "unknown kind 'gift'"),
        (5, "there is no account house"),
        (6, "2 fields where the heading has 7"),
        (7, "'1e3' is not an amount"),
    ]
    assert sheet.rows == 6
    assert business.wallets.balance("acme").balance == Money(10_000, "USD")


def test_many_lines_that_cannot_be_read_hide_none_of_the_others(business: Desk, file: Path) -> None:
    lines = [f"acme,gift,1.00,r-{number},,," for number in range(BATCH)]
    told = errors(entries(business, file, *lines, "nobody,charge,1.00,r-x,,,"))
    assert (len(told), told[-1]) == (BATCH + 1, (BATCH + 2, "there is no account nobody"))


def test_an_amount_that_overflows_the_balance_is_named_by_its_line(
    business: Desk, file: Path
) -> None:
    sheet = entries(business, file, f"acme,deposit,{2**63 // 100 - 10}.00,r-1,,,")
    assert errors(sheet) == [(2, "the balance would not fit 64 bits")]


def test_a_file_in_which_everything_is_wrong_is_not_read_to_its_end(
    business: Desk, file: Path
) -> None:
    lines = [f"nobody,charge,1.00,r-{number},,," for number in range(3 * MOST_ERRORS)]
    told = errors(entries(business, file, *lines))
    assert len(told) == MOST_ERRORS + 1
    assert told[-1] == (MOST_ERRORS + 1, "there may be more")


def test_a_file_that_the_ledger_refuses_throughout_is_not_booked_to_its_end(
    business: Desk, file: Path
) -> None:
    lines = [f"globex,charge,1.00,r-{number},,," for number in range(3 * MOST_ERRORS)]
    assert len(errors(entries(business, file, *lines))) == MOST_ERRORS + 1


# --- the way it goes -----------------------------------------------------------------------------


def test_progress_goes_from_nothing_to_all_of_it(business: Desk, file: Path) -> None:
    lines = [f"acme,charge,0.01,r-{number},,," for number in range(3 * BATCH)]
    file.write_text("\n".join(["account,kind,amount,reference,happened_at,subject,memo", *lines]))
    heard: list[tuple[int, int]] = []
    business.imports.entries(file, lambda done, total: heard.append((done, total)))
    done = [part for part, _ in heard]
    assert {total for _, total in heard} == {2 * file.stat().st_size}
    assert done == sorted(done)
    assert (len(done), done[-1]) == (6, 2 * file.stat().st_size)


def test_a_file_that_is_no_table_is_refused(desk: Desk, file: Path) -> None:
    with pytest.raises(BadInput, match="unknown columns: 'colour'"):
        accounts(desk, file, heading="ref,name,colour")
    with pytest.raises(BadInput, match="cannot be read"):
        desk.imports.entries(file.with_name("none.csv"))


def test_a_desk_that_only_looks_imports_nothing(tmp_path: Path, file: Path) -> None:
    create_ledger(tmp_path / "desk.ledger").close()
    with open_desk(tmp_path / "desk.ledger", read_only=True) as desk, pytest.raises(ReadOnly):
        accounts(desk, file, "acme,Acme Ltd,,,,")


def test_erased_texts_do_not_make_a_known_line_another(tmp_path: Path, file: Path) -> None:
    with create_ledger(tmp_path / "desk.ledger") as desk:
        desk.accounts.add("acme", name="Acme Ltd")
        entries(desk, file, "acme,deposit,1.00,r-1,,a name and an address,")
        with desk.transaction() as tx:
            tx.execute("UPDATE posting SET subject = NULL, memo = NULL, salt = NULL")
        sheet = entries(desk, file, "acme,deposit,1.00,r-1,,a name and an address,")
        assert (sheet.added, sheet.unchanged) == (0, 1)


def test_the_sample_files_are_good(desk: Desk) -> None:
    assert desk.imports.accounts(SAMPLES / "accounts.csv").errors == ()
    assert desk.imports.entries(SAMPLES / "entries.csv").errors == ()
    assert desk.imports.entries(SAMPLES / "entries.csv").added == 0
    assert desk.verify().ok
