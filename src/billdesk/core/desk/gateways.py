"""`desk.gateways`: the only noun that knows how a gateway is made, so it stands beside the root."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from billdesk.core.operations.office import Office
from billdesk.core.rules.sheets import (
    ConnectionSheet,
    DisconnectionSheet,
    GapSheet,
    GatewaySheet,
    IntakeSheet,
    NeedsSheet,
    TickSheet,
)
from billdesk.core.store.gateway_links import list_links

if TYPE_CHECKING:
    from billdesk.core.operations.gateways.connecting import Connections
    from billdesk.core.rules.gateway import Gateway
    from billdesk.core.rules.gateway_keys import Secrets
    from billdesk.core.rules.links import Link


class Gateways:
    """`desk.gateways`. `among` is where connected ones are put, and taken away again.

    `connected`: those that the ledger knows of are among them; else only what was given.
    """

    def __init__(
        self, office: Office, among: dict[str, Gateway], ledger_id: str, *, connected: bool
    ) -> None:
        self._office = office
        self._among = among
        self._ledger_id = ledger_id
        self._connected = connected

    @cached_property
    def _connections(self) -> Connections:
        from billdesk.core.gateways.making import make_gateway  # only where one is connected
        from billdesk.core.operations.gateways.connecting import Connections

        clock = self._office.clock

        def make(link: Link, secrets: Secrets) -> Gateway:
            return make_gateway(link, secrets, clock)

        return Connections(self._office, self._among, self._ledger_id, make)

    def follow(self) -> None:
        """Know what other programs connected and removed meanwhile; whatever asks gateways does so."""
        if not self._connected:
            return
        with self._office.database.read() as session:
            links = list_links(session)
        if links or "_connections" in vars(self):
            self._connections.follow(links)

    def needs(self, make: str, name: str | None = None) -> NeedsSheet:
        """Which key a gateway needs, with which rights and what for, and the variables it may be in.

        Raises BadInput.
        """
        return self._connections.needs(make, name)

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
        return self._connections.add(
            make, name, secrets=secrets, live=live, webhook_id=webhook_id, return_url=return_url
        )

    def check(self, name: str) -> ConnectionSheet:
        """Try a gateway's key again; from then on it is asked again, whatever went wrong before.

        Raises NotFound, KeyRefused, GatewayUnreachable, Refused inside a transaction, ReadOnly.
        """
        return self._connections.check(name)

    def remove(self, name: str) -> DisconnectionSheet:
        """Ask a gateway no more, and forget its key; its payments stay as they are, in sight.

        Raises NotFound, ReadOnly, Refused for the sandbox and inside a transaction.
        """
        return self._connections.remove(name)

    def poll(self, name: str | None = None) -> TickSheet:
        """Ask one gateway, or all, what happened. Raises NotFound, ReadOnly."""
        from billdesk.core.operations.ticking import poll_once

        self.follow()
        return poll_once(self._office, name)

    def sweep(self, name: str | None = None) -> TickSheet:
        """Poll, and list everything of the last three days once more. Raises NotFound, ReadOnly."""
        from billdesk.core.operations.ticking import poll_once

        self.follow()
        return poll_once(self._office, name, sweep=True)

    def list(self) -> tuple[GatewaySheet, ...]:
        """How fresh each gateway's facts are, what is open there, and where its key is."""
        from billdesk.core.operations.gateways.polling import gateway_sheets

        self.follow()
        place = self._connections.place_of_key
        return tuple(
            sheet._replace(key=place(sheet.name)) for sheet in gateway_sheets(self._office)
        )

    def gaps(self) -> tuple[GapSheet, ...]:
        """Spans that a gateway's feed could not tell any more, open ones first."""
        from billdesk.core.operations.gateways.polling import gap_sheets

        return gap_sheets(self._office)

    def take(self, name: str, body: bytes, headers: Mapping[str, str]) -> IntakeSheet:
        """Take in a message brought by hand, with the headers it came with.

        Raises NotFound, BadInput when its signature is missing, wrong or old or it cannot be read,
        GatewayError kinds, ReadOnly.
        """
        from billdesk.core.operations.facts.intake import Intake
        from billdesk.core.operations.payments.depositing import gateway_named

        return Intake(self._office).take(gateway_named(self._office, name), body, headers)
