"""The composition root: one object, nouns as attributes. All three doors open it."""

from billdesk.core.desk.nouns import Desk, Transaction
from billdesk.core.desk.opening import create_ledger, grant, migrate, open_desk, restore
from billdesk.core.operations.ledger.charging import ChargeRequest
from billdesk.core.settings import default_paths

__all__ = [
    "ChargeRequest",
    "Desk",
    "Transaction",
    "create_ledger",
    "default_paths",
    "grant",
    "migrate",
    "open_desk",
    "restore",
]
