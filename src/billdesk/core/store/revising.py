"""What each of Alembic's revisions does: run the SQL that lies beside it."""

from __future__ import annotations

from alembic import op

from billdesk.core.store.schema import revision_statements


def run_revision(revision: str) -> None:
    """Run the statements of a revision on the connection that is being upgraded."""
    connection = op.get_bind()
    kind = "postgres" if connection.dialect.name == "postgresql" else "sqlite"
    for statement in revision_statements(kind, revision):
        connection.exec_driver_sql(
            statement.replace("%", "%%") if kind == "postgres" else statement
        )
