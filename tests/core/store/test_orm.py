"""The caller's own SQLModel tables, written in the same block as the money."""

from __future__ import annotations

import pytest
from sqlmodel import Field, SQLModel, select

from billdesk.core.desk import Desk


class Lead(SQLModel, table=True):
    """A table of the caller's."""

    __tablename__ = "test_lead"

    id: int | None = Field(default=None, primary_key=True)
    note: str


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """A desk with ten dollars and the caller's table beside."""
    desk.accounts.add("acme", name="Acme")
    desk.adjustments.credit("acme", "10.00", memo="welcome to the desk")
    with desk.transaction() as tx:
        where = "public." if desk.info.kind == "postgres" else ""
        number = "serial" if desk.info.kind == "postgres" else "INTEGER"
        tx.execute(f"CREATE TABLE {where}test_lead (id {number} PRIMARY KEY, note text NOT NULL)")
    return desk


def notes(desk: Desk) -> list[str]:
    """What the caller's table holds."""
    with desk.transaction() as tx:
        return [note for (note,) in tx.execute("SELECT note FROM test_lead")]


def test_both_are_kept(shop: Desk) -> None:
    with shop.transaction() as tx:
        with tx.session() as session:
            session.add(Lead(note="sold"))
            session.commit()
            assert session.exec(select(Lead)).one().note == "sold"
        shop.charges.create("acme", "1.00", reference="lead")
    assert notes(shop) == ["sold"]
    assert str(shop.wallets.balance("acme").balance) == "9.00 USD"


def test_neither_is_kept(shop: Desk) -> None:
    def act() -> None:
        with shop.transaction() as tx, tx.session() as session:
            session.add(Lead(note="sold"))
            session.commit()
            shop.charges.create("acme", "1.00", reference="lead")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    assert notes(shop) == []
    assert str(shop.wallets.balance("acme").balance) == "10.00 USD"


def test_the_session_cannot_end_the_block(shop: Desk) -> None:
    with shop.transaction() as tx:
        shop.charges.create("acme", "1.00", reference="lead")
        with tx.session() as session:
            session.add(Lead(note="taken back"))
            session.rollback()
            session.add(Lead(note="kept"))
            session.commit()
    assert notes(shop) == ["kept"]
    assert str(shop.wallets.balance("acme").balance) == "9.00 USD"
