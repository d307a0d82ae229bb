"""What every test's Postgres database has in it from the start."""


def fill_template(url: str) -> None:
    """Bring this empty database to the current schema, and leave no connection open.

    Called once per test run. The schema arrives with the store.
    """
