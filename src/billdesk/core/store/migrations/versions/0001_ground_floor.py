"""The ground floor: accounts, wallets, postings, entries, holds, freezes, payments, facts, audit."""

from alembic import op

from billdesk.core.store.schema import schema_statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything; the SQL lies beside, one file per database."""
    connection = op.get_bind()
    kind = "postgres" if connection.dialect.name == "postgresql" else "sqlite"
    for statement in schema_statements(kind):
        connection.exec_driver_sql(
            statement.replace("%", "%%") if kind == "postgres" else statement
        )
