"""The shape of a scene: one running counterpart of a gateway, with books of its own.

Every make has one beside this file; the contract suite knows no more of them than this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from billdesk.core.rules.gateway import Fact, Gateway


class Scene(Protocol):
    make: str

    def gateway(self, *, timeout_seconds: float = 2, **more: Any) -> Gateway:
        """An adapter that talks to this counterpart, named as its make."""
        ...

    def pay(self, fact: Fact) -> None:
        """The customer pays what `fact` opened."""
        ...

    def decline(self, fact: Fact) -> None:
        """The customer's bank says no."""
        ...

    def abandon(self, fact: Fact) -> None:
        """The payment expires."""
        ...

    def refund_outside(self, charge_id: str, minor: int) -> None:
        """Somebody gives money back on the gateway's own pages."""
        ...

    def dispute(self, charge_id: str, minor: int) -> str:
        """The payer contests a payment; the dispute's id."""
        ...

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        """The bank decides."""
        ...

    def save_method(self, customer_id: str, *, declines: bool = False) -> str:
        """A customer saves a method, as if on the hosted page; its id."""
        ...

    def lose_next_reply(self, *, before_effect: bool = False) -> None:
        """The next request is not answered, though its work was done (or not even that)."""
        ...

    def answer_next(self, status: int, headers: Mapping[str, str] = {}) -> None:
        """The next request does nothing and is answered with this status."""
        ...

    def totals(self) -> dict[str, tuple[int, int, int]]:
        """Asset → paid in, fees, paid back, by the counterpart's own books."""
        ...

    def effects(self) -> list[tuple[str, str, int]]:
        """Every movement of money: payment, refund or dispute; an id; minor units."""
        ...

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of every request so far."""
        ...

    def signed(self, fact_or_event_id: str) -> tuple[bytes, dict[str, str]]:
        """The message about an object or event, and its headers with a valid signature."""
        ...

    def violations(self) -> list[str]:
        """Requests that broke the official description of the gateway's interface."""
        ...

    def close(self) -> None:
        """Take the counterpart down."""
        ...
