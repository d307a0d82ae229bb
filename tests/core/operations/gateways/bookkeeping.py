"""A gateway that shows a list of its own, and payments of the desk's to hold against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from billdesk.core.desk import Desk
from billdesk.core.operations.ledger.booking import book
from billdesk.core.rules.gateway import GatewayRow
from billdesk.core.rules.ledger import Draft, Leg, digest_of
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import BilldeskError

GATEWAY, PARTY = "books", "gateway:books"


class Books:
    """Somebody else's gateway, of which only the list of movements is ever asked for."""

    make = "sandbox"
    account = "books"
    mode = "test"

    def __init__(self, name: str = GATEWAY) -> None:
        self.name = name
        self.lines: list[GatewayRow] = []
        self.asked: list[tuple[datetime, datetime]] = []
        self.fails_after: int | None = None
        self.error: BilldeskError = BilldeskError("not set")

    def rows(self, since: datetime, until: datetime) -> Iterator[GatewayRow]:
        """The list as it is; breaks off where it is told to."""
        self.asked.append((since, until))
        for place, line in enumerate(self.lines):
            if place == self.fails_after:
                raise self.error
            if since <= line.happened_at < until:
                yield line

    def says(
        self,
        external_id: str,
        minor: int,
        at: datetime,
        *,
        kind: str = "payment",
        fee: int = 0,
        asset: str = "USD",
        charge_id: str | None = None,
        payment_id: str | None = None,
    ) -> None:
        """Put one line on the list."""
        self.lines.append(
            GatewayRow(kind, external_id, charge_id, payment_id, asset, minor, fee, at)
        )


class Records:
    """The desk's own side, written as an intake would leave it."""

    def __init__(self, desk: Desk, account: str) -> None:
        self._office = desk._office
        self._account = account
        with self._office.database.read() as session:
            self._account_id = self._office.account(session, account).id

    def payment(
        self,
        external_id: str | None,
        minor: int,
        at: datetime,
        *,
        fee: int | None = None,
        asset: str = "USD",
        charge_id: str | None = None,
        status: str = "succeeded",
    ) -> str:
        """A payment; one that succeeded is credited, and its fee is booked. Its id."""
        payment_id = self._office.ids.make("pay", at)
        with self._office.database.write() as session:
            posting_id = None
            if status == "succeeded":
                posting_id = self._book(self._account, "deposit", asset, minor, payment_id, at)
                if fee:
                    self._book("house", "fee", asset, -fee, payment_id, at)
            session.run(
                "INSERT INTO payment (id, account_id, gateway, mode, external_id, status, asset,"
                " amount_minor, fee_minor, actor, created_at, changed_at, posting_id, charge_id)"
                " VALUES (?, ?, ?, 'test', ?, ?, ?, ?, ?, 'tester', ?, ?, ?, ?)",
                (
                    *(
                        payment_id,
                        self._account_id,
                        GATEWAY,
                        external_id,
                        status,
                        asset,
                        minor,
                        fee,
                    ),
                    *(to_micros(at), to_micros(at), posting_id, charge_id),
                ),
            )
        return payment_id

    def refund(
        self,
        payment_id: str,
        external_id: str,
        minor: int,
        at: datetime,
        *,
        status: str = "succeeded",
        failed_at: datetime | None = None,
    ) -> str:
        """Money on its way back; `failed_at`: it went and came back."""
        refund_id = self._office.ids.make("rfd", at)
        with self._office.database.write() as session:
            posting_id = None
            if status == "succeeded" or failed_at is not None:
                posting_id = self._book(self._account, "card_refund", "USD", -minor, refund_id, at)
            if failed_at is not None:
                self._book(self._account, "reversal", "USD", minor, f"back {refund_id}", failed_at)
            changed_at = to_micros(failed_at or at)
            session.run(
                "INSERT INTO card_refund (id, payment_id, gateway, mode, external_id, status, asset,"
                " amount_minor, memo, actor, created_at, changed_at, posting_id)"
                " VALUES (?, ?, ?, 'test', ?, ?, 'USD', ?, '', 'tester', ?, ?, ?)",
                (
                    *(
                        refund_id,
                        payment_id,
                        GATEWAY,
                        external_id,
                        "failed" if failed_at else status,
                    ),
                    *(minor, to_micros(at), changed_at, posting_id),
                ),
            )
        return refund_id

    def dispute(
        self,
        payment_id: str,
        external_id: str,
        minor: int,
        at: datetime,
        *,
        status: str = "open",
        closed_at: datetime | None = None,
    ) -> str:
        """A payment that is contested; one that is lost is taken back."""
        dispute_id = self._office.ids.make("dsp", at)
        with self._office.database.write() as session:
            if status == "lost" and closed_at is not None:
                self._book(self._account, "chargeback", "USD", -minor, dispute_id, closed_at)
            session.run(
                "INSERT INTO dispute (id, payment_id, gateway, mode, external_id, status, asset,"
                " amount_minor, opened_at, closed_at) VALUES (?, ?, ?, 'test', ?, ?, 'USD', ?, ?, ?)",
                (
                    *(dispute_id, payment_id, GATEWAY, external_id, status, minor, to_micros(at)),
                    None if closed_at is None else to_micros(closed_at),
                ),
            )
        return dispute_id

    def _book(
        self, account: str, kind: str, asset: str, minor: int, about: str, at: datetime
    ) -> str:
        now = self._office.now()
        legs = (Leg(account, "cash", asset, minor, 0, PARTY),)
        draft = Draft(
            id=self._office.ids.make("dep", now),
            kind=kind,
            scope="gateway:books:test",
            reference=f"{kind}:{about}",
            digest=digest_of(kind, legs),
            actor="tester",
            legs=legs,
            happened_at=to_micros(at),
            recorded_at=to_micros(now),
            about=about,
            guarded=False,
        )
        return book(self._office, draft, now).id
