"""Money in and out at gateways, and on Postgres a quick way for postings of one leg."""

from billdesk.core.store.revising import run_revision

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the SQL that lies beside, one file per database."""
    run_revision(revision)
