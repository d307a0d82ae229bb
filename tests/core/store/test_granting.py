"""A client's login works at the desk and cannot touch what moves money, who did it, or when."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from billdesk.core.desk import Desk, grant, migrate, open_desk
from billdesk.core.store.migrating import postgres_engine, upgrade
from billdesk.core.values.clock import MovingClock, SystemClock
from billdesk.core.values.errors import BadInput, InsufficientFunds, NotAllowed, NotFound, Refused
from tests.core.operations.metered import sell as sell_metered
from tests.core.operations.subscribed import CATALOG
from tests.gateway_servers.stripe_scene import KEY, StripeScene
from tests.new_ledger import START

NAMES = (f"client_{os.getpid()}_{number}" for number in itertools.count())


@pytest.fixture
def login(postgres_url: str) -> Iterator[str]:
    """A login of the server that nobody else has; dropped after the test."""
    name = next(NAMES)
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN")
        yield name
        owner.execute(f"DROP OWNED BY {name}")
        owner.execute(f"DROP ROLE {name}")


@pytest.fixture
def client_url(postgres_url: str, login: str) -> str:
    """The ledger's address for the client, who may work there."""
    with open_desk(postgres_url, actor="owner") as desk:
        desk.accounts.add("acme", name="Acme")
        desk.adjustments.credit("acme", "10.00", memo="welcome to the desk")
    grant(login, postgres_url)
    return client_address(postgres_url, login)


def client_address(url: str, login: str) -> str:
    """The same database for another login."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}").geturl()


@pytest.fixture
def client(client_url: str) -> Iterator[Desk]:
    """The client's desk; it claims to be somebody else, long ago."""
    with open_desk(client_url, actor="somebody else", clock=MovingClock(START)) as desk:
        yield desk


@pytest.fixture
def connection(client_url: str) -> Iterator[psycopg.Connection[Any]]:
    """The client with SQL in hand."""
    with psycopg.connect(client_url, autocommit=True) as connection:
        connection.execute("SET search_path = billdesk")
        yield connection


def test_a_client_works_at_the_desk(client: Desk, login: str) -> None:
    client.accounts.add("zoe", name="Zoë")
    client.adjustments.credit("zoe", "5.00", memo="a client may credit too")
    charge = client.charges.create("acme", "1.00", reference="a")
    with pytest.raises(InsufficientFunds):
        client.charges.create("acme", "99.00", reference="b")
    hold = client.holds.place("acme", "2.00", reference="h")
    client.holds.capture(hold.id)
    client.refunds.create(charge.id)
    client.wallets.freeze("acme", memo="a dispute is open")
    client.wallets.unfreeze("acme", memo="the dispute is over")
    client.tick()
    assert client.verify().ok
    actors = {entry.actor for entry in client.ledger.entries().rows}
    assert actors == {"owner", login}


def test_a_client_grants_credits_and_sells_packs(client: Desk, tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text('[packs.small]\nname = "Small"\ncredits = 10\nprice = "9.99 USD"\n')
    assert client.catalog.apply(path).applied
    client.credits.grant(
        "acme", 5, memo="a voucher of the fair", expires_at=client.now() + timedelta(days=1)
    )
    charge = client.credits.deduct("acme", 3, reference="c")
    client.refunds.create(charge.id)
    bought = client.packs.buy("acme", "small")
    client.packs.refund(bought.id, memo="not needed after all")
    assert isinstance(client.clock, MovingClock)
    client.clock.advance(timedelta(days=1))
    assert client.credits.expire_due() == 1
    assert client.credits.get("acme").lots == ()
    assert client.verify().findings == ()


def test_a_client_has_methods_saved_and_charges_them(client_url: str) -> None:
    clock = MovingClock(START)
    with open_desk(client_url, clock=clock) as client:
        for _ in range(2):
            client.methods.page("acme")
        clock.advance(timedelta(minutes=1))
        first, second = client.methods.refresh("acme")
        client.methods.set_role(second.id, "backup")
        client.watches.set_alert("acme", "20")
        client.watches.set_topup("acme", below="20", amount="66.07", daily="100")
        sheet = client.tick()  # this amount is declined when it is charged off session
        assert (sheet.alerts, sheet.topups) == (1, 2)
        failed = client.payments.list(status="failed").rows[0]
        assert client.payments.retry(failed.id).status == "failed"
        client.watches.stop_topup("acme")
        client.methods.remove(first.id)
        assert [method.id for method in client.methods.list("acme")] == [second.id]


def test_a_client_puts_accounts_on_plans_and_renews_them(client_url: str, tmp_path: Path) -> None:
    clock = MovingClock(START)
    with open_desk(client_url, clock=clock) as client:
        path = tmp_path / "catalog.toml"
        path.write_text(CATALOG)
        client.catalog.apply(path)
        client.adjustments.credit("acme", "500.00", memo="welcome to the desk")
        made = client.subscriptions.create("acme", "pro")
        client.subscriptions.change(made.id, "team")
        client.subscriptions.change(made.id, "pro", when="now")
        client.subscriptions.cancel(made.id)
        client.subscriptions.reactivate(made.id)
        owed = client.subscriptions.create("acme", "small", paid_by="invoice")
        clock.advance(timedelta(days=31))
        assert client.tick().renewed == 2
        client.subscriptions.cancel(owed.id, when="now", refund_unused=True)
        assert client.verify().ok


def test_a_client_issues_invoices_and_credits_them(client: Desk) -> None:
    client.parties.set("acme", legal_name="Acme GmbH")
    client.parties.set("acme", country="DE")
    draft = client.invoices.draft("acme")
    for text in ("Work", "A mistake"):
        client.invoices.add_line(draft.id, text, "4.00")
    client.invoices.remove_line(draft.id, 2)
    number = client.invoices.finalize(draft.id).invoice_number or ""
    client.invoices.mark_failed(number, memo="the card was declined")
    client.credit_notes.create(number, "1.00", memo="agreed on the telephone")
    client.invoices.pay(number)
    client.credit_notes.create(number, memo="agreed on the telephone")
    client.invoices.void(client.invoices.draft("acme").id, memo="nobody wants it any more")
    assert client.invoices.audit().is_clean
    assert client.verify().ok


def test_a_client_records_usage_and_bills_it(client_url: str) -> None:
    clock = MovingClock(START)
    with open_desk(client_url, clock=clock) as client:
        sell_metered(client)
        client.subscriptions.create("acme", "starter", paid_by="invoice")
        client.usage.record("acme", "calls", 1010, event_id="e1")
        clock.advance(timedelta(days=32))
        assert client.usage_runs.run().lines == 1
        client.usage.record("acme", "calls", 10, event_id="e2", at=START)
        assert client.usage_runs.run(post_to="invoice").corrections == 1
        assert client.verify().ok


def test_a_client_connects_gateways_and_removes_them(
    client_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe = StripeScene(SystemClock())
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", KEY)
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_BASE_URL", stripe.server.url)
    with closing(stripe), open_desk(client_url) as desk:
        for _ in range(2):
            connected = desk.gateways.add("stripe")
            assert desk.gateways.check("stripe") == connected
            assert desk.accounts.set_gateway("acme", "stripe").gateway == "stripe"
            desk.gateways.poll("stripe")
            desk.accounts.set_gateway("acme", None)
            assert desk.gateways.remove("stripe").account == connected.account


def test_a_client_cannot_say_who_and_when(client: Desk, login: str) -> None:
    charge = client.charges.create("acme", "1.00", reference="a")
    assert charge.recorded_at > START
    assert client.ledger.posting(charge.id).actor == login
    client.accounts.suspend("acme", memo="suspended by the client")
    (line,) = client.audit.list(action="account.suspend").rows
    assert line.actor == login
    assert line.at > START


def test_a_client_cannot_write_ahead_of_time(client_url: str) -> None:
    """An earlier time would be no earlier than the wallet's last one anyway."""
    later = START + timedelta(days=36_500)
    with open_desk(client_url, clock=MovingClock(later)) as hasty:
        assert hasty.charges.create("acme", "1.00", reference="a").recorded_at < later
        assert hasty.holds.place("acme", "1.00", reference="b").placed_at < later
        hasty.accounts.suspend("acme", memo="suspended by the client")
        assert all(line.at < later for line in hasty.audit.list().rows)


@pytest.mark.parametrize(
    "statement",
    [
        *(f"DELETE FROM {table}" for table in ("posting", "entry", "audit", "wallet", "hold")),
        *(f"TRUNCATE {table}" for table in ("posting", "entry", "audit", "wallet", "fact")),
        *("UPDATE posting SET memo = NULL", "UPDATE entry SET amount_minor = 1"),
        *("UPDATE audit SET actor = 'x'", "UPDATE wallet SET balance_minor = 1000000"),
        *("UPDATE wallet SET held_minor = 0", "UPDATE wallet SET seq = 0, head = ''"),
        *("UPDATE hold SET status = 'released'", "UPDATE meta SET value = 'x'"),
        *("UPDATE payment SET amount_minor = 1", "UPDATE account SET ref = 'x'"),
        "INSERT INTO entry OVERRIDING SYSTEM VALUE SELECT * FROM entry",
        "INSERT INTO posting OVERRIDING SYSTEM VALUE SELECT * FROM posting",
        "INSERT INTO audit OVERRIDING SYSTEM VALUE SELECT * FROM audit",
        "INSERT INTO hold SELECT * FROM hold",
        "INSERT INTO wallet (id, account_id, purpose, asset, head, last_at) VALUES ('w','a','','','',0)",
        "ALTER TABLE entry DISABLE TRIGGER ALL",
        "ALTER TABLE posting DISABLE TRIGGER posting_no_update",
        "DROP TRIGGER entry_no_update ON entry",
        "DROP TABLE audit",
        "CREATE FUNCTION billdesk.owns() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE OR REPLACE FUNCTION billdesk.micros() RETURNS bigint LANGUAGE sql AS 'SELECT 0'",
        "SET session_replication_role = replica",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
    ],
)
def test_a_client_cannot_go_around_the_functions(
    connection: psycopg.Connection[Any], statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_a_login_without_a_grant_can_run_nothing_even_where_it_may_look(
    postgres_url: str, login: str
) -> None:
    # Nobody can run a trigger's function but a trigger.
    may_run = """
        SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'billdesk'::regnamespace
        AND p.prorettype <> 'trigger'::regtype AND has_function_privilege(%s, p.oid, 'EXECUTE')"""
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        with psycopg.connect(client_address(postgres_url, login), autocommit=True) as stranger:
            for statement in ("SELECT * FROM billdesk.account", "SELECT billdesk.micros()"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    stranger.execute(statement)
        # As somebody who draws up reports would be let in.
        owner.execute(f"GRANT USAGE ON SCHEMA billdesk TO {login}")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA billdesk TO {login}")
        assert owner.execute(may_run, (login,)).fetchall() == []


def test_a_refused_right_is_told_in_words(client: Desk) -> None:
    with pytest.raises(NotAllowed, match="may not do that"), client.transaction() as tx:
        tx.execute("UPDATE wallet SET balance_minor = 1000000")
    assert client.verify().ok


def test_tables_of_the_clients_own_do_not_mislead_the_functions(
    connection: psycopg.Connection[Any], client: Desk
) -> None:
    connection.execute("CREATE TEMP TABLE wallet AS SELECT * FROM billdesk.wallet")
    connection.execute("UPDATE pg_temp.wallet SET balance_minor = 1000000")
    connection.execute(
        "CREATE FUNCTION pg_temp.micros() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'"
    )
    connection.execute("SELECT write_audit(0, 'forged', NULL, 'x', 'done', 'x', '{}', 'x')")
    (line,) = client.audit.list(action="x").rows
    assert line.actor != "forged"
    assert line.at > START


def test_a_login_must_be_there_and_have_a_plain_name(postgres_url: str, sqlite_url: str) -> None:
    with pytest.raises(NotFound):
        grant("nobody_of_this_name", postgres_url)
    for name in ("", 'x"; DROP TABLE entry; --', "a b", "1a", "x" * 64, "ä"):
        with pytest.raises(BadInput):
            grant(name, postgres_url)
    with pytest.raises(Refused, match="no logins"):
        grant("client", sqlite_url)


def test_a_client_of_an_older_ledger_may_still_post_after_the_upgrade(
    postgres_empty_url: str, login: str
) -> None:
    engine = postgres_engine(postgres_empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA billdesk")
        upgrade(connection, "0001")
        about = ("ledger_id", "led_1"), ("default_asset", "USD"), ("zone", "UTC")
        for key, value in (*about, ("created_at", "2026-01-05T09:00:00Z"), ("demo", "no")):
            connection.exec_driver_sql("INSERT INTO meta VALUES (%s, %s)", (key, value))
        for right in ("USAGE ON SCHEMA", "SELECT ON ALL TABLES IN SCHEMA"):
            connection.exec_driver_sql(f"GRANT {right} billdesk TO {login}")
        connection.exec_driver_sql(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA billdesk TO {login}")
    engine.dispose()
    migrate(postgres_empty_url)
    with open_desk(postgres_empty_url) as desk:
        desk.accounts.add("acme", name="Acme")
        desk.adjustments.credit("acme", "10.00", memo="welcome to the desk")
    with open_desk(client_address(postgres_empty_url, login)) as client:
        assert str(client.charges.create("acme", "4.00", reference="a").balance_after) == "6.00 USD"
    with psycopg.connect(postgres_empty_url) as owner:
        owner.execute(f"DROP OWNED BY {login}")


def test_a_client_takes_in_usage_and_is_told_of_it(client_url: str, postgres_url: str) -> None:
    clock = MovingClock(START)
    with open_desk(postgres_url, clock=clock) as owner:
        sell_metered(owner)
    with open_desk(client_url, clock=clock) as desk:
        event = ("acme", "calls", 3, "e1", START)
        assert desk.usage.record_many([event, event]).new == 1
        assert desk.usage.set_budget("acme", "5.00").budget is not None
        assert desk.usage.set_budget("acme", "6.00").budget is not None
        assert desk.usage.set_budget("acme", None).budget is None
        assert desk.tick().errors == ()
        with pytest.raises(NotAllowed), desk.transaction() as block:
            block.execute("UPDATE billdesk.usage_event SET quantity = 9")
