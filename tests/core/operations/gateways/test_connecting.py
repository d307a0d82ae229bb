"""A gateway is connected with a key that was tried, to one account in one mode, for good."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.gateways.connecting import Connections, LinkedGateway, is_here
from billdesk.core.rules.gateway import FactPage, Gateway, GatewayCheck, Mode
from billdesk.core.rules.gateway_keys import Secrets
from billdesk.core.rules.links import Link
from billdesk.core.rules.sheets import ConnectionSheet
from billdesk.core.store.gateway_links import list_links
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    GatewayUnreachable,
    KeyRefused,
    NotFound,
    ReadOnly,
    Refused,
)
from tests.core.keyrings import MemoryKeyring, keys, no_keyring

__all__ = ["keys", "no_keyring"]

TEST = "sk_test_51aVerySecretKey"
OTHER = "sk_test_51anotherSecretKey"
SAME = "rk_test_51theSameAccountsKey"
LIVE = "sk_live_51realMoneysKey"
SECRETS = (TEST, OTHER, SAME, LIVE)


class Street:
    """What lies outside: which key opens which account, and who was asked what."""

    def __init__(self) -> None:
        self.accounts: dict[str, GatewayCheck | Exception] = {
            TEST: GatewayCheck("acct_1", "test"),
            SAME: GatewayCheck("acct_1", "test"),
            OTHER: GatewayCheck("acct_2", "test"),
            LIVE: GatewayCheck("acct_1", "live"),
        }
        self.tried: list[str] = []
        self.made: list[Link] = []

    def make(self, link: Link, secrets: Secrets) -> Gateway:
        """A counter on that street, as an adapter would be."""
        self.made.append(link)
        return cast("Gateway", Counter(self, link, secrets))


class Counter:
    """One gateway, asked with one key."""

    def __init__(self, street: Street, link: Link, secrets: Secrets) -> None:
        self.account = link.account
        self.mode: Mode = link.mode
        self._street = street
        self._key = secrets.key or secrets.secret

    def check(self) -> GatewayCheck:
        self._street.tried.append(self._key)
        answer = self._street.accounts.get(self._key, KeyRefused("the key was refused"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def facts(self, cursor: str | None) -> FactPage:
        assert cursor is None
        return FactPage((), self._key, complete=True)


@pytest.fixture
def street() -> Street:
    return Street()


@pytest.fixture
def gateways() -> dict[str, Gateway]:
    """The desk's gateways: none of its own."""
    return {}


@pytest.fixture
def connections(desk: Desk, street: Street, gateways: dict[str, Gateway]) -> Connections:
    return connections_of(desk, street, gateways)


def connections_of(desk: Desk, street: Street, gateways: dict[str, Gateway]) -> Connections:
    return Connections(desk._office, gateways, desk.info.ledger_id, street.make)


def follow(desk: Desk, connections: Connections) -> None:
    """As a desk does when it is opened, and before it asks."""
    with desk._office.database.read() as session:
        connections.follow(list_links(session))


def stripe(
    connections: Connections, key: str = TEST, name: str | None = None, *, live: bool = False
) -> ConnectionSheet:
    return connections.add("stripe", name, secrets={"key": key}, live=live)


def actions(desk: Desk) -> list[str]:
    return [line.action for line in desk.audit.list().rows]


def key_of(gateway: Gateway) -> str:
    """Which key a gateway is asked with."""
    return gateway.facts(None).cursor


def test_a_key_is_tried_then_kept_outside_and_the_gateway_is_there_at_once(
    desk: Desk, connections: Connections, street: Street, gateways: dict[str, Gateway],
    keys: MemoryKeyring,
) -> None:  # fmt: skip
    sheet = stripe(connections)
    assert sheet == ("stripe", "stripe", "acct_1", "test", "in the keyring", ())
    assert street.tried == [TEST]
    assert list(keys.kept) == [("billdesk", f"{desk.info.ledger_id}/stripe")]
    gateway = gateways["stripe"]
    assert (gateway.name, gateway.make) == ("stripe", "stripe")
    assert (gateway.account, gateway.mode) == ("acct_1", "test")
    assert key_of(gateway) == TEST
    [line] = desk.audit.list().rows
    assert (line.action, line.summary) == ("gateway.add", "Stripe account acct_1 in test mode")
    assert line.actor == "tester"


def test_several_accounts_of_one_make_stand_side_by_side_in_both_modes(
    connections: Connections, gateways: dict[str, Gateway], keys: MemoryKeyring
) -> None:
    stripe(connections)
    stripe(connections, OTHER, "stripe-eu")
    stripe(connections, LIVE, "stripe-live", live=True)
    assert {(each.name, each.account, each.mode) for each in gateways.values()} == {
        ("stripe", "acct_1", "test"),
        ("stripe-eu", "acct_2", "test"),
        ("stripe-live", "acct_1", "live"),
    }
    assert [key_of(each) for each in gateways.values()] == [TEST, OTHER, LIVE]


def test_a_desk_opened_again_knows_its_gateways_and_asks_for_no_key_before_they_are_asked(
    desk: Desk, connections: Connections, street: Street, keys: MemoryKeyring
) -> None:
    stripe(connections)
    keys.locked = True
    street.made.clear()
    again: dict[str, Gateway] = {}
    follow(desk, connections_of(desk, street, again))
    gateway = again["stripe"]
    assert (gateway.account, gateway.mode, street.made) == ("acct_1", "test", [])
    assert repr(gateway) == "LinkedGateway('stripe', 'acct_1', 'test')"
    assert not hasattr(gateway, "switches")
    with pytest.raises(KeyRefused, match="cannot be read from the keyring"):
        gateway.check()
    assert connections.place_of_key("stripe") == "in a keyring that cannot be read"
    keys.locked = False
    assert key_of(gateway) == TEST
    assert key_of(gateway) == TEST
    assert len(street.made) == 1
    assert street.tried == [TEST]


def test_loading_follows_what_others_added_and_removed(
    desk: Desk, connections: Connections, street: Street, keys: MemoryKeyring
) -> None:
    stripe(connections)
    sandbox = cast("Gateway", object())
    mine: dict[str, Gateway] = {"sandbox": sandbox}
    other = connections_of(desk, street, mine)
    follow(desk, other)
    before = mine["stripe"]
    follow(desk, other)
    assert mine["stripe"] is before
    stripe(connections, OTHER, "stripe-eu")
    stripe(connections, SAME)
    follow(desk, other)
    assert set(mine) == {"sandbox", "stripe", "stripe-eu"}
    assert mine["stripe"] is not before
    assert key_of(mine["stripe"]) == SAME
    connections.remove("stripe")
    follow(desk, other)
    assert mine.keys() == {"sandbox", "stripe-eu"}
    assert mine["sandbox"] is sandbox


def test_without_its_key_a_gateway_is_listed_and_says_what_is_missing(
    desk: Desk, connections: Connections, gateways: dict[str, Gateway], keys: MemoryKeyring
) -> None:
    connections.add("paypal", secrets={"client_id": "A" * 80, "secret": TEST})
    assert is_here(gateways["paypal"])
    assert is_here(cast("Gateway", object()))
    connections.check("paypal")
    keys.kept.clear()
    assert connections.place_of_key("paypal") == "not on this machine"
    assert not is_here(gateways["paypal"])
    with pytest.raises(KeyRefused, match="the key of paypal is not on this machine") as refused:
        gateways["paypal"].facts(None)
    assert "billdesk gateway add paypal --name paypal" in refused.value.hint
    assert "BILLDESK_GATEWAY_PAYPAL_CLIENT_ID and BILLDESK_GATEWAY_PAYPAL_SECRET" in (
        refused.value.hint
    )


def test_a_key_of_the_environment_is_used_where_it_is(
    connections: Connections, gateways: dict[str, Gateway], no_keyring: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with pytest.raises(BadInput, match="needs its secret or restricted key"):
        connections.add("stripe")
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", TEST)
    sheet = connections.add("stripe")
    assert sheet.key == connections.place_of_key("stripe") == "in the environment"
    assert key_of(gateways["stripe"]) == TEST
    with pytest.raises(BadInput, match="it would win"):
        stripe(connections, SAME)


def test_a_machine_without_a_keyring_connects_nothing_that_it_could_not_keep(
    desk: Desk, connections: Connections, gateways: dict[str, Gateway], no_keyring: None
) -> None:
    with pytest.raises(Refused, match="no keyring") as refused:
        stripe(connections)
    assert "BILLDESK_GATEWAY_STRIPE_KEY" in refused.value.hint
    assert gateways == {}
    assert actions(desk) == []


@pytest.mark.parametrize(
    ("make", "secrets", "message"),
    [
        ("stripe", {"key": "pk_test_51abc"}, "publishable"),
        ("stripe", {"key": "whsec_abc"}, "secret of Stripe's messages"),
        ("stripe", {"key": "hunter2"}, "does not look like"),
        ("stripe", {"key": "sk_test_51 abc"}, "blanks"),
        ("stripe", {"key": "sk_test_" + "a" * 300}, "too long"),
        ("stripe", {}, "needs its secret or restricted key"),
        ("stripe", {"key": TEST, "client_id": "A"}, "has no client id"),
        ("stripe", {"key": TEST, "password": "x"}, "no secret called"),
        ("stripe", {"key": TEST, "base_url": "http://stripe.example"}, "base address"),
        ("stripe", {"key": TEST, "base_url": "https://"}, "base address"),
        ("paypal", {"client_id": "A"}, "needs its secret"),
        ("paypal", {"key": TEST}, "needs its client id"),
        ("paystack", {"key": "pk_live_1"}, "publishable"),
        ("klarna", {"key": TEST}, "no make 'klarna'"),
        ("sandbox", {}, "no make 'sandbox'"),
    ],
)
def test_what_cannot_be_a_key_is_refused_before_anybody_is_asked(
    connections: Connections, street: Street, make: str, secrets: Mapping[str, str], message: str,
) -> None:  # fmt: skip
    with pytest.raises(BadInput, match=message) as refused:
        connections.add(make, secrets=secrets)
    assert street.tried == []
    told = refused.value.message + refused.value.hint
    assert not any(value in told for value in secrets.values() if len(value) > 1)


@pytest.mark.parametrize(
    "name",
    ["", "Stripe", "stripe_eu", "9stripe", "-x", "x-", "x--y", "a" * 41, "sandbox", "none", "ä",
     "stripe-webhook", "a:b", "a b"],
)  # fmt: skip
def test_a_name_that_could_be_mistaken_is_refused(connections: Connections, name: str) -> None:
    with pytest.raises(BadInput, match="name of a gateway"):
        stripe(connections, name=name or " ")


def test_a_live_key_needs_live_to_be_said_and_a_test_key_needs_it_unsaid(
    connections: Connections, street: Street, keys: MemoryKeyring
) -> None:
    with pytest.raises(BadInput, match="live key, which moves real money"):
        stripe(connections, LIVE)
    with pytest.raises(BadInput, match="test key"):
        stripe(connections, TEST, live=True)
    assert street.tried == []
    assert keys.kept == {}


def test_paypals_mode_is_the_one_that_is_told(
    connections: Connections, street: Street, gateways: dict[str, Gateway], keys: MemoryKeyring
) -> None:
    street.accounts["E1"] = GatewayCheck("P1", "test")
    street.accounts["E2"] = GatewayCheck("P1", "live")
    connections.add("paypal", secrets={"client_id": "A1", "secret": "E1"})
    connections.add("paypal", "paypal-live", secrets={"client_id": "A2", "secret": "E2"}, live=True)
    assert [gateway.mode for gateway in gateways.values()] == ["test", "live"]


def test_a_refused_key_connects_nothing(
    desk: Desk, connections: Connections, street: Street, gateways: dict[str, Gateway],
    keys: MemoryKeyring,
) -> None:  # fmt: skip
    for answer in (
        KeyRefused("the key of stripe was refused"),
        GatewayUnreachable("no answer"),
        GatewayCheck("acct_1", "live"),
        GatewayCheck("", "test", ("account",)),
    ):
        street.accounts[TEST] = answer
        with pytest.raises((KeyRefused, GatewayUnreachable)):
            stripe(connections)
    assert (gateways, keys.kept, actions(desk)) == ({}, {}, [])


def test_a_right_that_is_missing_is_told_with_what_it_is_for(
    connections: Connections, street: Street, gateways: dict[str, Gateway], keys: MemoryKeyring
) -> None:
    street.accounts[TEST] = GatewayCheck("acct_1", "test", ("events", "invoices", "moon dust"))
    with pytest.raises(KeyRefused) as refused:
        stripe(connections)
    assert "Events: read (to hear what happened, without a public address)" in refused.value.message
    assert "moon dust" in refused.value.message
    assert gateways == {}
    street.accounts[TEST] = GatewayCheck("acct_1", "test", ("invoices",))
    assert stripe(connections).missing == ("Invoices: read (to see invoices kept at Stripe)",)


def test_the_same_again_with_another_key_of_that_account_replaces_the_key(
    desk: Desk, connections: Connections, gateways: dict[str, Gateway], keys: MemoryKeyring
) -> None:
    connections.add("stripe", secrets={"key": TEST}, return_url="https://acme.example/thanks")
    stripe(connections, SAME)
    assert key_of(gateways["stripe"]) == SAME
    linked = cast("LinkedGateway", gateways["stripe"])
    assert linked.link.settings["return_url"] == "https://acme.example/thanks"
    newest, _ = desk.audit.list().rows
    assert newest.data["key_replaced"] is True


@pytest.mark.parametrize("key", [OTHER, LIVE])
def test_a_name_stays_with_its_account_and_mode_even_when_it_was_removed(
    desk: Desk, connections: Connections, gateways: dict[str, Gateway], keys: MemoryKeyring,
    key: str,
) -> None:  # fmt: skip
    stripe(connections)
    for _ in range(2):
        with pytest.raises(AlreadyExists, match="acct_1 in test mode for good") as refused:
            stripe(connections, key, live=key == LIVE)
        assert "choose another name" in refused.value.hint
        assert "stripe" not in gateways or key_of(gateways["stripe"]) == TEST
        if "stripe" in gateways:
            connections.remove("stripe")
    with pytest.raises(AlreadyExists):
        connections.add("paystack", "stripe", secrets={"key": TEST})
    assert stripe(connections, SAME).account == "acct_1"


def test_a_gateway_that_calls_its_account_otherwise_later_is_still_the_same(
    connections: Connections, street: Street, keys: MemoryKeyring
) -> None:
    """PayPal and Paystack tell the real account only to a key with a right, or once there is business."""
    street.accounts[TEST] = GatewayCheck("by the key", "test")
    stripe(connections)
    street.accounts[TEST] = GatewayCheck("acct_1", "test")
    assert connections.check("stripe").account == "by the key"
    assert stripe(connections).account == "by the key"
    assert street.made[-1].account == "by the key"
    with pytest.raises(AlreadyExists):
        stripe(connections, SAME)
    assert street.made[-1].account == ""


def test_one_account_is_never_known_by_two_names(
    connections: Connections, keys: MemoryKeyring
) -> None:
    stripe(connections)
    with pytest.raises(AlreadyExists, match="is known as stripe already"):
        stripe(connections, SAME, "stripe-eu")
    connections.remove("stripe")
    with pytest.raises(AlreadyExists, match="is known as stripe already"):
        stripe(connections, SAME, "stripe-eu")


def test_a_gateway_of_the_desks_own_keeps_its_name(
    connections: Connections, gateways: dict[str, Gateway]
) -> None:
    gateways["till"] = cast("Gateway", object())
    with pytest.raises(AlreadyExists, match="of its own"):
        stripe(connections, name="till")
    assert connections.place_of_key("till") == "none is needed"
    with pytest.raises(Refused, match="part of this desk"):
        connections.remove("till")


def test_a_key_exchanged_outside_is_tried_before_it_is_used(
    connections: Connections, street: Street, gateways: dict[str, Gateway], no_keyring: None,
    monkeypatch: pytest.MonkeyPatch, desk: Desk,
) -> None:  # fmt: skip
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", TEST)
    connections.add("stripe")

    def fresh() -> Gateway:
        again: dict[str, Gateway] = {}
        follow(desk, connections_of(desk, street, again))
        return again["stripe"]

    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", SAME)
    assert key_of(fresh()) == SAME
    assert street.tried == [TEST, SAME]

    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", OTHER)
    with pytest.raises(KeyRefused, match="opens the account acct_2, and it is connected to acct_1"):
        fresh().facts(None)
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", LIVE)
    with pytest.raises(KeyRefused, match="for live mode, and it is connected in test"):
        fresh().facts(None)
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", "hunter2")
    with pytest.raises(KeyRefused, match="does not look like"):
        fresh().facts(None)
    assert LIVE not in street.tried

    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_KEY", SAME)
    assert connections.check("stripe").key == "in the environment"
    street.tried.clear()
    assert key_of(fresh()) == SAME
    assert street.tried == []


def test_a_check_tells_whether_the_key_still_works_and_ends_the_quiet(
    desk: Desk, connections: Connections, street: Street, keys: MemoryKeyring
) -> None:
    stripe(connections)
    with desk.transaction() as tx:
        tx.execute(
            "INSERT INTO freshness (gateway, mode, error, error_at, failures, quiet_until)"
            " VALUES ('stripe', 'test', 'refused', 1, 3, 2)"
        )
    works, street.accounts[TEST] = street.accounts[TEST], KeyRefused("the key was refused")
    with pytest.raises(KeyRefused, match="was refused"):
        connections.check("stripe")
    assert freshness(desk) == ("refused", 3, 2)
    street.accounts[TEST] = works
    assert connections.check("stripe") == (
        "stripe", "stripe", "acct_1", "test", "in the keyring", ()
    )  # fmt: skip
    assert freshness(desk) == (None, 0, None)


def freshness(desk: Desk) -> tuple[object, ...]:
    with desk.transaction() as tx:
        [row] = tx.execute("SELECT error, failures, quiet_until FROM freshness")
    return tuple(row)


def test_what_needs_no_key_is_checked_too_and_what_is_not_there_is_told(
    connections: Connections, street: Street, gateways: dict[str, Gateway], keys: MemoryKeyring
) -> None:
    own = Counter(street, Link("sandbox", "sandbox", "sandbox", "test"), Secrets(key=TEST))
    own.make = "sandbox"  # type: ignore[attr-defined] # a counter says no more than it must
    gateways["sandbox"] = cast("Gateway", own)
    assert connections.check("sandbox").key == "none is needed"
    stripe(connections)
    connections.remove("stripe")
    for name in ("stripe", "nobody"):
        with pytest.raises(NotFound, match=name):
            connections.check(name)


def test_a_removed_gateway_is_gone_with_its_key_and_its_open_business_is_counted(
    desk: Desk, connections: Connections, gateways: dict[str, Gateway], keys: MemoryKeyring,
    acme: str,
) -> None:  # fmt: skip
    stripe(connections)
    account = desk.accounts.get(acme).id
    with desk.transaction() as tx:
        for number in range(3):
            tx.execute(
                "INSERT INTO payment (id, account_id, gateway, mode, status, asset, amount_minor,"
                " detail, actor, created_at, changed_at)"
                " VALUES (?, ?, 'stripe', 'test', ?, 'USD', 100, '', 'x', 1, 1)",
                (f"pay_{number}", account, "succeeded" if number == 2 else "pending"),
            )
    sheet = connections.remove("stripe")
    assert (sheet.open_payments, sheet.open_refunds, sheet.open_disputes) == (2, 0, 0)
    assert sheet.key == "its key was taken out of the keyring"
    assert (gateways, keys.kept) == ({}, {})
    assert [each.gateway for each in desk.payments.list(status="pending").rows] == ["stripe"] * 2
    assert actions(desk)[0] == "gateway.remove"
    with pytest.raises(NotFound):
        connections.remove("stripe")
    with pytest.raises(NotFound):
        connections.remove("nobody")


def test_a_name_taken_by_somebody_else_meanwhile_leaves_keyring_and_desk_as_they_were(
    desk: Desk, connections: Connections, street: Street, gateways: dict[str, Gateway],
    keys: MemoryKeyring,
) -> None:  # fmt: skip
    """Both add `stripe`, each with an account of its own; the second one to write comes too late."""
    other = connections_of(desk, street, {})
    kept = keys.set_password

    def meanwhile(service: str, username: str, password: str) -> None:
        keys.set_password = kept  # type: ignore[method-assign] # once only
        if before is None:
            stripe(other, OTHER)
            keys.kept.clear()
        else:
            with desk.transaction() as tx:
                tx.execute("UPDATE gateway SET account = 'acct_9' WHERE name = 'stripe'")
        kept(service, username, password)

    before: str | None = None
    keys.set_password = meanwhile  # type: ignore[method-assign] # what happens meanwhile
    with pytest.raises(AlreadyExists, match="acct_2 in test mode for good"):
        stripe(connections)
    assert (keys.kept, gateways) == ({}, {})

    stripe(other, OTHER)
    before = next(iter(keys.kept.values()))
    keys.set_password = meanwhile  # type: ignore[method-assign] # and once more
    with pytest.raises(AlreadyExists, match="acct_9"):
        stripe(connections, OTHER)
    assert list(keys.kept.values()) == [before]


def test_a_desk_that_only_looks_connects_nothing(
    ledger_url: str, street: Street, keys: MemoryKeyring
) -> None:
    with open_desk(ledger_url, read_only=True) as desk:
        connections = connections_of(desk, street, {})
        for act in (
            lambda: stripe(connections),
            lambda: connections.check("stripe"),
            lambda: connections.remove("stripe"),
        ):
            with pytest.raises(ReadOnly):
                act()


def test_inside_a_transaction_no_gateway_is_connected(
    desk: Desk, connections: Connections, street: Street
) -> None:
    with desk.transaction(), pytest.raises(Refused, match="inside a transaction"):
        stripe(connections)
    assert street.tried == []


@pytest.mark.parametrize(
    "url", ["http://acme.example", "javascript:alert(1)", "https://" + "a" * 500]
)
def test_customers_are_sent_to_safe_addresses_alone(connections: Connections, url: str) -> None:
    with pytest.raises(BadInput):
        connections.add("stripe", secrets={"key": TEST}, return_url=url)


def test_only_paypal_proves_messages_by_the_id_of_a_webhook(
    connections: Connections, street: Street, gateways: dict[str, Gateway], keys: MemoryKeyring
) -> None:
    with pytest.raises(BadInput, match="no use for a webhook's id"):
        connections.add("stripe", secrets={"key": TEST}, webhook_id="WH-1")
    secrets = {"client_id": "A1", "secret": TEST}
    connections.add("paypal", secrets=secrets, webhook_id="WH-1")
    assert cast("LinkedGateway", gateways["paypal"]).link.settings["webhook_id"] == "WH-1"
    gateways["paypal"].facts(None)
    assert street.made[-1].settings["webhook_id"] == "WH-1"


def test_what_is_needed_is_told_with_the_variables_of_that_name(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_EU_KEY", TEST)
    needs = connections.needs("stripe", "stripe-eu")
    assert [(each.variable, each.here) for each in needs.secrets] == [
        ("BILLDESK_GATEWAY_STRIPE_EU_KEY", True),
        ("BILLDESK_GATEWAY_STRIPE_EU_WEBHOOK_SECRET", False),
    ]
    assert all(right.purpose for right in needs.rights)
    assert connections.needs("paypal").secrets[0].variable == "BILLDESK_GATEWAY_PAYPAL_CLIENT_ID"
    with pytest.raises(BadInput):
        connections.needs("klarna")


def test_no_secret_is_in_the_ledger_in_a_sheet_or_in_what_anything_is_shown_as(
    desk: Desk, connections: Connections, gateways: dict[str, Gateway], keys: MemoryKeyring,
    tmp_path: Path, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(0)
    shown = [stripe(connections), stripe(connections, SAME)]
    shown += [stripe(connections, LIVE, "stripe-live", live=True), connections.check("stripe")]
    errors = []
    for wrong in (OTHER, LIVE, f"{TEST} x"):
        with pytest.raises((BadInput, AlreadyExists)) as refused:
            stripe(connections, wrong)
        errors.append(refused.value)
    linked = [gateways["stripe"], *map(key_of, ())]
    key_of(gateways["stripe"])
    texts = [f"{shown!r} {linked!r} {vars(gateways['stripe'])!r} {errors!r}", caplog.text]
    texts += [f"{error.message} {error.hint} {error.__cause__!r}" for error in errors]
    texts += [repr(line) for line in desk.audit.list().rows]
    backup = tmp_path / "copy"
    desk.backup(backup)
    texts.append(backup.read_bytes().decode("latin-1"))
    texts += [file.read_bytes().decode("latin-1") for file in tmp_path.glob("desk.ledger*")]
    for secret in SECRETS:
        assert not [text for text in texts if secret in text]
    assert any("acct_1" in text for text in texts)
