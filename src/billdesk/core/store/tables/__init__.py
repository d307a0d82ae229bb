"""The tables as SQLModel sees them: what migrations are compared with, and typed wide questions.

Hot SQL does not pass through here, since importing SQLModel costs 0.65 s. Triggers, functions and
what differs between the databases stand in `migrations/*.sql`; a test holds both to agree.
"""

from __future__ import annotations

# All of them together: a foreign key names a table of another room.
from billdesk.core.store.tables import gateways, ledger, lots, sales, usage
from billdesk.core.store.tables.columns import LedgerTable

__all__ = ["LedgerTable", "gateways", "ledger", "lots", "sales", "usage"]
