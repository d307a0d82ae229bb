"""What every test's Postgres database has in it from the start."""

from billdesk.core.store.migrating import make_postgres


def fill_template(url: str) -> None:
    """Bring this empty database to the current schema, and leave no connection open."""
    make_postgres(url)
