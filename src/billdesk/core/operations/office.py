"""What every operation works with: the database, the clock, ids, who acts, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from billdesk.core.rules.sheets import AccountSheet
from billdesk.core.store.accounts import find_account
from billdesk.core.store.audits import write_audit
from billdesk.core.store.sessions import Database, Session
from billdesk.core.values.clock import Clock, SystemClock, to_micros
from billdesk.core.values.errors import NotFound, ReadOnly, Refused
from billdesk.core.values.ids import IdMaker

if TYPE_CHECKING:
    from billdesk.core.rules.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Office:
    """The desk's surroundings, made once by the composition root.

    `gateways` change while the desk is open, in any thread: iterate over a copy.
    """

    database: Database
    clock: Clock
    ids: IdMaker
    actor: str
    origin: str
    default_asset: str
    gateways: Mapping[str, Gateway]

    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now()

    def recorded_at(self, now: datetime) -> int | None:
        """When a posting is recorded: Postgres says so itself, unless the clock is a moved one."""
        if self.database.kind == "postgres" and isinstance(self.clock, SystemClock):
            return None
        return to_micros(now)

    def account(self, session: Session, ref: str) -> AccountSheet:
        """The account with this ref or id. Raises NotFound."""
        account = find_account(session, ref)
        if account is None:
            raise NotFound(f"there is no account {ref[:64]!r}", "look it up with billdesk find")
        return account

    def check_writable(self) -> None:
        """Raises ReadOnly when the desk was opened to look only."""
        if self.database.read_only:
            raise ReadOnly("this desk was opened read-only", "open it again without --read-only")

    def check_outside(self) -> None:
        """Raises Refused inside a write block, where nobody may wait for a gateway."""
        if self.database.in_block():
            raise Refused("a gateway is not asked inside a transaction", "end it first")

    def audit(
        self,
        session: Session,
        *,
        now: datetime,
        action: str,
        summary: str,
        account_id: str | None = None,
        outcome: str = "done",
        data: Mapping[str, object] | None = None,
    ) -> None:
        """Append one line to the audit log."""
        write_audit(
            session,
            at=to_micros(now),
            actor=self.actor,
            account_id=account_id,
            action=action,
            outcome=outcome,
            summary=summary,
            data=data or {},
            origin=self.origin,
        )

    def audit_refusal(
        self,
        refusal: Refused,
        *,
        now: datetime,
        action: str,
        account_id: str,
        data: Mapping[str, object],
    ) -> None:
        """Remember a refusal once the block it happened in has ended, whichever way that goes.

        Support asks why something stopped at 09:14, also when the caller rolled back.
        """

        def write() -> None:
            with self.database.write() as session:
                self.audit(
                    session,
                    now=now,
                    action=action,
                    summary=refusal.message,
                    account_id=account_id,
                    outcome="refused",
                    data={"code": refusal.code, **data},
                )

        if self.database.in_block():
            self.database.after_block(write)
        else:
            write()
