"""The ground floor: accounts, wallets, postings, entries, holds, freezes, payments, facts, audit."""

from billdesk.core.store.revising import run_revision

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL that lies beside, one file per database."""
    run_revision(revision)
