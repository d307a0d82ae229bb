"""How a gateway's objects are found by any of their names, and that this stays quick."""

from __future__ import annotations

import itertools

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.matching import Line, Span
from billdesk.core.store.movements import Known, known_objects, lookup
from billdesk.core.store.sessions import Session

SPAN = Span(1_000, 2_000)
MANY = 20_000
# A kind, its table, the column that is looked into, and the index that must be used.
LOOKUPS = [
    ("payment", "payment", "external_id", "payment_external"),
    ("payment", "payment", "charge_id", "payment_charge"),
    ("payment", "payment", "id", "payment_id"),
    ("refund", "card_refund", "external_id", "card_refund_external"),
    ("dispute", "dispute", "external_id", "dispute_external"),
]


def write_payments(session: Session, count: int, gateway: str = "books", first: int = 1) -> None:
    """So many payments, each with a refund and a dispute; no statistics are gathered."""
    session.run(
        "INSERT INTO payment (id, account_id, gateway, mode, external_id, status, asset, amount_minor,"
        " actor, created_at, changed_at, charge_id)"
        f" WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL"
        f" SELECT i + 1 FROM n WHERE i < {first + count - 1})"
        " SELECT 'pay_' || i, (SELECT id FROM account WHERE ref = 'house'), ?, 'test', 'cs_' || i,"
        " 'succeeded', 'USD', 1000, 'tester', 1500, 1500, 'pi_' || i FROM n",
        (gateway,),
    )
    session.run(
        "INSERT INTO card_refund (id, payment_id, gateway, mode, external_id, status, asset,"
        " amount_minor, memo, actor, created_at, changed_at)"
        " SELECT 'rfd' || id, id, gateway, mode, 're' || id, 'pending', 'USD', 1000, '', 'tester',"
        " 1500, 1500 FROM payment WHERE gateway = ?",
        (gateway,),
    )
    session.run(
        "INSERT INTO dispute (id, payment_id, gateway, mode, external_id, status, asset, amount_minor,"
        " opened_at) SELECT 'dsp' || id, id, gateway, mode, 'dp' || id, 'open', 'USD', 1000, 1500"
        " FROM payment WHERE gateway = ?",
        (gateway,),
    )


def plan_of(session: Session, sql: str) -> str:
    """How the database would run it; on Postgres for any values, as a prepared statement is."""
    if session.kind == "sqlite":
        rows = session.execute(f"EXPLAIN QUERY PLAN {sql}", ("[]", "books", "test"))
        return "\n".join(row[3] for row in rows)
    parts, places = sql.split("?"), itertools.count(1)
    numbered = parts[0] + "".join(f"${next(places)}{part}" for part in parts[1:])
    session.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    session.execute(f"PREPARE looking_up (text, text, text) AS {numbered}")
    rows = session.execute("EXPLAIN (COSTS OFF) EXECUTE looking_up ('[]', 'books', 'test')")
    session.execute("DEALLOCATE looking_up")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("payments", [0, MANY], ids=["empty", "unanalysed"])
def test_each_name_is_looked_up_in_its_own_index_whatever_the_database_knows_of_the_tables(
    desk: Desk, payments: int
) -> None:
    with desk._office.database.write() as session:
        if payments:
            write_payments(session, payments)
        for kind, table, column, index in LOOKUPS:
            plan = plan_of(session, lookup(session.kind, kind, column))
            where = "id" if column == "id" else f"gateway=? AND mode=? AND {column}"
            if session.kind == "sqlite":
                assert f"SEARCH o USING INDEX {index} ({where}=?)" in plan
                continue
            [_, after] = plan.split(f"Index Scan using {index} on {table}\n")
            condition = after.splitlines()[0]
            assert "Index Cond: " in condition
            assert f"({column} " in condition
            assert "Seq Scan" not in plan
            assert "posting_id on posting g" in plan or kind == "dispute"


def line(kind: str, external_id: str, charge_id: str = "", our_id: str = "") -> Line:
    """What a gateway says of an object."""
    return Line(kind, external_id, "USD", 1000, 0, 1500, charge_id, our_id)


@pytest.mark.parametrize(
    ("kind", "said", "name", "external_id", "our_id"),
    [
        ("payment", line("payment", "cs_1"), "cs_1", "cs_1", "pay_1"),
        ("payment", line("payment", "pi_1"), "pi_1", "cs_1", "pay_1"),
        ("payment", line("payment", "x", "pi_1"), "pi_1", "cs_1", "pay_1"),
        ("payment", line("payment", "x", "", "pay_1"), "pay_1", "cs_1", "pay_1"),
        ("refund", line("refund", "repay_1"), "repay_1", "repay_1", "rfdpay_1"),
        ("dispute", line("dispute", "dppay_1"), "dppay_1", "dppay_1", "dsppay_1"),
    ],
)
def test_an_object_is_found_by_any_name_at_its_own_gateway_and_mode_only(
    desk: Desk, kind: str, said: Line, name: str, external_id: str, our_id: str
) -> None:
    with desk._office.database.write() as session:
        write_payments(session, 2)
        write_payments(session, 2, gateway="other", first=3)
        house = session.all("SELECT id FROM account WHERE ref = 'house'")[0][0]
        other = said._replace(external_id="cs_3", charge_id="pi_3", our_id="pay_3")
        found = known_objects(session, "books", "test", SPAN, kind, [said, said, other])
        assert found == {name: Known(external_id, our_id, house, kind != "payment")}
        assert known_objects(session, "books", "live", SPAN, kind, [said]) == {}
        assert known_objects(session, "strange", "test", SPAN, kind, [said]) == {}


def test_a_name_with_quotes_or_of_any_script_is_found_as_it_is(desk: Desk) -> None:
    name = 'cs_"1"\\ é 漢 \U0001f600'
    with desk._office.database.write() as session:
        write_payments(session, 1)
        session.run("UPDATE payment SET external_id = ?", (name,))
        found = known_objects(session, "books", "test", SPAN, "payment", [line("payment", name)])
        assert found[name].our_id == "pay_1"


def test_a_kind_that_the_desk_does_not_keep_is_not_looked_for(desk: Desk) -> None:
    with desk._office.database.read() as session:
        assert known_objects(session, "books", "test", SPAN, "fee", [line("fee", "x")]) == {}
