"""Connecting gateways to a desk: a key is looked at, tried at once, and kept outside the ledger.

Test and live money are never mixed up: a name belongs to one account in one mode, for good, and a key
that opens another one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, cast

from billdesk.core import secrets as keeper
from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Gateway, GatewayCheck, Make, Mode
from billdesk.core.rules.gateway_keys import (
    Secrets,
    check_make,
    check_name,
    fingerprint_of,
    lacks_needed,
    mode_of,
    problem_of,
    rights_in_words,
    secrets_of,
    why_not_the_same,
)
from billdesk.core.rules.gateway_needs import NEEDS
from billdesk.core.rules.links import Link
from billdesk.core.rules.sheets.connections import ConnectionSheet, DisconnectionSheet, NeedsSheet
from billdesk.core.store import gateway_links as store
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    BilldeskError,
    KeyNotHere,
    KeyRefused,
    NotFound,
    Refused,
)
from billdesk.core.values.text import check_text

Maker = Callable[[Link, Secrets], Gateway]

NO_KEY_NEEDED = "none is needed"
_TRIED = "tried"
_URL_LENGTH = 500
_CALLS = frozenset(
    word for word, value in vars(Gateway).items() if callable(value) and word[0] != "_"
)


class LinkedGateway:
    """A connected gateway. Its key is looked for, and its adapter made, at the first call.

    Any call of the protocol raises KeyNotHere while its key is not on this machine.
    """

    def __init__(self, link: Link, connect: Callable[[Link], Gateway]) -> None:
        self.name = link.name
        self.make: Make = link.make
        self.account = link.account
        self.mode: Mode = link.mode
        self.link = link
        self._connect = connect
        self._adapter: Gateway | None = None
        self._one_at_a_time = Lock()

    def __getattr__(self, call: str) -> Any:  # noqa: ANN401 - whichever call of the protocol it is
        if call not in _CALLS:
            raise AttributeError(call)
        return getattr(self.connected(), call)

    def connected(self) -> Gateway:
        """The adapter, made when it is first needed. Raises KeyRefused kinds."""
        with self._one_at_a_time:
            if self._adapter is None:
                self._adapter = self._connect(self.link)
            return self._adapter

    def __repr__(self) -> str:
        return f"LinkedGateway({self.name!r}, {self.account!r}, {self.mode!r})"


def is_here(gateway: Gateway) -> bool:
    """Whether this machine has the key of a gateway, or none is needed. Raises GatewayError kinds."""
    try:
        if isinstance(gateway, LinkedGateway):
            gateway.connected()
    except KeyNotHere:
        return False
    return True


class Connections:
    """Adding, trying and removing gateways; `office.gateways` follows."""

    def __init__(
        self, office: Office, gateways: dict[str, Gateway], ledger_id: str, maker: Maker
    ) -> None:
        self._office = office
        self._gateways = gateways
        self._ledger_id = ledger_id
        self._maker = maker

    def follow(self, links: Sequence[Link]) -> None:
        """Have just these linked gateways among the desk's; no key is looked for yet."""
        now = {link.name: link for link in links}
        for name, gateway in tuple(self._gateways.items()):
            if isinstance(gateway, LinkedGateway) and now.get(name) != gateway.link:
                del self._gateways[name]
        for link in links:
            if link.name not in self._gateways:
                self._gateways[link.name] = self._linked(link)

    def needs(self, make: str, name: str | None = None) -> NeedsSheet:
        """Which key a gateway needs, with which rights and what for, and the variables it may be in.

        Raises BadInput.
        """
        needs = NEEDS[check_make(make)]
        name = check_name(name or make)
        here = (keeper.from_environment(name) or Secrets()).words()
        return needs._replace(
            secrets=tuple(
                secret._replace(
                    variable=keeper.variable(name, secret.word), here=secret.word in here
                )
                for secret in needs.secrets
            )
        )

    def add(
        self,
        make: str,
        name: str | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        live: bool = False,
        webhook_id: str | None = None,
        return_url: str | None = None,
    ) -> ConnectionSheet:
        """Connect a gateway under a name (its make, if none is given), after its key was tried.

        `secrets` by word (`needs` tells which) go to the keyring; None: those of the environment.
        `live` must be said for keys that move real money. The same again with another key of the
        same account and mode replaces the key. Raises BadInput, AlreadyExists for a name or account
        that is taken, KeyRefused, GatewayUnreachable, Refused without a keyring and inside a
        transaction, ReadOnly.
        """
        self._check_free_to_act()
        kind, name = check_make(make), check_name(name or make)
        given = self._given(name, kind, secrets)
        mode = _agreed_mode(kind, given, live=live)
        link = Link(name, kind, "", mode, _settings(kind, webhook_id, return_url))
        known = self._check_free(link)
        again = known if known is not None and self._is_tried(known, given) else link
        tried = self._try(again, given)
        link = self._tried(link._replace(account=tried.account), given)
        self._check_free(link)
        if secrets is None:
            link, place = self._write_down(link), "in the environment"
        else:
            link, place = self._keep_and_write_down(link, given), "in the keyring"
        self._gateways[name] = self._linked(link)
        return _sheet(link, tried, place)

    def check(self, name: str) -> ConnectionSheet:
        """Try a gateway's key again; from then on it is asked again, whatever went wrong before.

        Raises NotFound, KeyRefused, GatewayUnreachable, Refused inside a transaction, ReadOnly.
        """
        self._check_free_to_act()
        database = self._office.database
        with database.read() as session:
            link = store.find_link(session, name)
        if link is None or link.removed:
            return self._check_own(name)
        found = self._found(link)
        tried = self._try(link, found.secrets)
        link = self._tried(link, found.secrets)
        with database.write() as session:
            store.set_settings(session, link)
            store.end_quiet(session, link.name, link.mode)
        self._gateways[name] = self._linked(link)
        return _sheet(link, tried, found.place)

    def _check_own(self, name: str) -> ConnectionSheet:
        """A gateway that needs no connecting. Raises NotFound."""
        gateway = self._gateways.get(name)
        if gateway is None or isinstance(gateway, LinkedGateway):
            raise NotFound(f"there is no gateway {name[:40]!r}", "see billdesk gateway list")
        answer = gateway.check()
        return ConnectionSheet(name, gateway.make, answer.account, answer.mode, NO_KEY_NEEDED)

    def remove(self, name: str) -> DisconnectionSheet:
        """Ask a gateway no more, and forget its key; its payments stay as they are, in sight.

        Raises NotFound, ReadOnly, Refused for the sandbox and inside a transaction.
        """
        self._check_free_to_act()
        office = self._office
        now = office.now()
        with office.database.write() as session:
            link = store.find_link(session, name)
            if link is None and name in self._gateways:
                raise Refused(f"{name} is part of this desk", "it needs no key, and costs nothing")
            if link is None or not store.remove_link(session, name, to_micros(now)):
                raise NotFound(f"there is no gateway {name[:40]!r}", "see billdesk gateway list")
            payments, refunds, disputes = store.open_business(session, name, link.mode)
            office.audit(
                session, now=now, action="gateway.remove", summary=_in_words(link),
                data={"open_payments": payments, "open_refunds": refunds, "open_disputes": disputes},
            )  # fmt: skip
        self._gateways.pop(name, None)
        key = keeper.forget(self._ledger_id, name)
        return DisconnectionSheet(*link[:4], key, payments, refunds, disputes)

    def _check_free_to_act(self) -> None:
        """Raises ReadOnly, Refused inside a transaction: keyring and gateway cannot be rolled back."""
        self._office.check_writable()
        if self._office.database.in_block():
            raise Refused("a gateway is not connected inside a transaction", "end it first")

    def place_of_key(self, name: str) -> str:
        """Where a gateway's key is, in words."""
        if not isinstance(self._gateways.get(name), LinkedGateway):
            return NO_KEY_NEEDED
        try:
            found = keeper.find(self._ledger_id, name)
        except KeyNotHere:
            return "in a keyring that cannot be read"
        return "not on this machine" if found is None else found.place

    def _given(self, name: str, make: Make, secrets: Mapping[str, str] | None) -> Secrets:
        """The secrets to connect with. Raises BadInput when they can't be those of such a gateway."""
        first = keeper.variable(name, NEEDS[make].secrets[0].word)
        here = keeper.from_environment(name)
        if secrets is not None and here is not None:
            raise BadInput(
                f"the environment has a key for {name} too, and it would win",
                f"unset {first} and the like, or add {name} without giving a key",
            )
        given = here if secrets is None else secrets_of(secrets)
        problem = problem_of(make, given or Secrets())
        if problem:
            raise BadInput(
                problem, f"`billdesk gateway needs {make}` says which key and where from"
            )
        return given or Secrets()

    def _check_free(self, link: Link) -> Link | None:
        """What has the name now. Raises AlreadyExists when the name or the account is taken."""
        with self._office.database.read() as session:
            self._check_same(session, link)
            known = store.find_link(session, link.name)
        if link.name in self._gateways and known is None:
            raise AlreadyExists(
                f"this desk has a gateway {link.name} of its own", "choose another name"
            )
        return known

    def _check_same(self, session: Session, link: Link) -> None:
        """Raises AlreadyExists when name and account were connected before, but not to each other."""
        known = store.find_link(session, link.name)
        account = link.account or (known.account if known else "")
        if known is not None and known[:4] != link._replace(account=account)[:4]:
            raise AlreadyExists(
                f"{link.name} is {_in_words(known)} for good, since its payments bear that name",
                f"choose another name, such as --name {link.name}-{link.mode}",
            )
        other = store.name_of_account(session, link)
        if link.account and other not in {None, link.name}:
            raise AlreadyExists(
                f"{_in_words(link)} is known as {other} already", f"add it as --name {other}"
            )

    def _keep_and_write_down(self, link: Link, given: Secrets) -> Link:
        """The keyring first: a gateway without its key would be no use. Taken back if the rest fails."""
        before = keeper.from_keyring(self._ledger_id, link.name)
        keeper.keep(self._ledger_id, link.name, given)
        try:
            return self._write_down(link)
        except BilldeskError:
            if before is None:
                keeper.forget(self._ledger_id, link.name)
            else:
                keeper.keep(self._ledger_id, link.name, before)
            raise

    def _write_down(self, link: Link) -> Link:
        """The row and the audit line; the link as it stands there now. Raises AlreadyExists."""
        office = self._office
        now = office.now()
        with office.database.write() as session:
            known = store.find_link(session, link.name)
            if known is not None:
                link = link._replace(settings={**known.settings, **link.settings})
            store.put_link(session, link, actor=office.actor, at=to_micros(now))
            self._check_same(session, link)
            store.end_quiet(session, link.name, link.mode)
            office.audit(
                session, now=now, action="gateway.add", summary=_in_words(link),
                data={"name": link.name, "key_replaced": bool(known and not known.removed)},
            )  # fmt: skip
        return link

    def _linked(self, link: Link) -> Gateway:
        return cast("Gateway", LinkedGateway(link, self._connect))

    def _connect(self, link: Link) -> Gateway:
        """The adapter of a link. A key that was never tried is tried first. Raises KeyRefused kinds."""
        found = self._found(link)
        if not self._is_tried(link, found.secrets):
            self._try(link, found.secrets)
        return self._maker(link, found.secrets)

    def _found(self, link: Link) -> keeper.Found:
        """A link's secrets on this machine. Raises KeyNotHere when they are not, or can't be."""
        found = keeper.find(self._ledger_id, link.name)
        again = f"billdesk gateway add {link.make} --name {link.name}"
        if found is None:
            words = (need.word for need in NEEDS[link.make].secrets if not need.optional)
            variables = " and ".join(keeper.variable(link.name, word) for word in words)
            raise KeyNotHere(
                f"the key of {link.name} is not on this machine", f"`{again}`, or set {variables}"
            )
        mode = mode_of(link.make, found.secrets, otherwise=link.mode)
        problem = problem_of(link.make, found.secrets) or why_not_the_same(
            link, GatewayCheck(link.account, mode)
        )
        if problem:
            raise KeyNotHere(f"{link.name} is not asked: {problem}", f"`{again}`")
        return found

    def _try(self, link: Link, given: Secrets) -> GatewayCheck:
        """Ask the gateway what a key opens. Raises KeyNotHere unless it opens what `link` says.

        KeyRefused when it opens nothing, or lacks a right. The same key opens the same account, even
        where a gateway calls it otherwise later. Of another key the adapter is not told the account,
        since some would take our word for it.
        """
        if self._is_tried(link, given):
            tried = replace(self._maker(link, given).check(), account=link.account)
        else:
            tried = self._maker(link._replace(account=""), given).check()
        if not tried.account:
            raise KeyRefused(
                f"nobody says whose account the key of {link.name} opens",
                "use a key that may read its account, such as a secret key",
            )
        problem = why_not_the_same(link, tried)
        if problem:
            raise KeyNotHere(problem, "nothing was changed; use the key of that account and mode")
        if lacks_needed(link.make, tried.missing):
            lacking = ", ".join(rights_in_words(link.make, tried.missing))
            raise KeyRefused(
                f"the key of {link.name} lacks rights: {lacking}",
                f"give it these rights, then try again; `billdesk gateway needs {link.make}`",
            )
        return tried

    def _is_tried(self, link: Link, given: Secrets) -> bool:
        """Whether these are the secrets that the link was connected with."""
        return self._tried(link, given) == link

    def _tried(self, link: Link, given: Secrets) -> Link:
        """The link with the mark of the secrets that were tried."""
        mark = fingerprint_of(self._ledger_id, link.name, given)
        return link._replace(settings={**link.settings, _TRIED: mark})


def _agreed_mode(make: Make, given: Secrets, *, live: bool) -> Mode:
    """The mode of a key, if it is the one that was asked for. Raises BadInput."""
    asked: Mode = "live" if live else "test"
    mode = mode_of(make, given, otherwise=asked)
    if mode == "live" and not live:
        raise BadInput(
            "that is a live key, which moves real money",
            "choose live mode (add --live) if that is meant",
        )
    if mode == "test" and live:
        raise BadInput(
            "that is a test key, which moves no real money", "choose test mode (leave --live out)"
        )
    return mode


def _settings(make: Make, webhook_id: str | None, return_url: str | None) -> dict[str, str]:
    """What may stand in the ledger. Raises BadInput."""
    if webhook_id is not None and make != "paypal":
        raise BadInput(f"{NEEDS[make].title} has no use for a webhook's id", "leave it out")
    if return_url is not None and not return_url.startswith("https://"):
        raise BadInput(f"{return_url[:60]!r} cannot be returned to", "an address with https://")
    given = {"webhook_id": webhook_id, "return_url": return_url}
    return {
        key: check_text(value, key.replace("_", " "), _URL_LENGTH)
        for key, value in given.items()
        if value is not None
    }


def _in_words(link: Link) -> str:
    return f"{NEEDS[link.make].title} account {link.account} in {link.mode} mode"


def _sheet(link: Link, tried: GatewayCheck, place: str) -> ConnectionSheet:
    return ConnectionSheet(*link[:4], place, rights_in_words(link.make, tried.missing))
