"""Alembic's entry: runs the revisions on the connection that the desk hands over."""

from alembic import context

connection = context.config.attributes["connection"]
postgres = connection.dialect.name == "postgresql"
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    version_table_schema="billdesk" if postgres else None,
    include_schemas=postgres,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
