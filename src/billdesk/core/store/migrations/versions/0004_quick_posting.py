"""Quick posting: what a charge costs a Postgres server."""

from billdesk.core.store.revising import run_revision

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the SQL that lies beside, one file per database."""
    run_revision(revision)
