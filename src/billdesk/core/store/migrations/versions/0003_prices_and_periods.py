"""Prices and periods: catalog, subscriptions, credits in lots, packs, usage, invoices."""

from billdesk.core.store.revising import run_revision

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the SQL that lies beside, one file per database."""
    run_revision(revision)
