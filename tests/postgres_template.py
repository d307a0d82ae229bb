"""What every test's Postgres database has in it from the start."""

from tests.new_ledger import make_ledger


def fill_template(url: str) -> None:
    """Make a new ledger in this empty database, and leave no connection open."""
    make_ledger(url)
