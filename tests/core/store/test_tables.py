"""The ledger's tables as SQLModel sees them, beside the tables of whoever uses the library."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billdesk.core.store.tables import LedgerTable
from billdesk.core.store.tables.ledger import AccountRow as LedgerAccountRow


def test_a_caller_may_have_a_table_and_a_class_of_the_same_name() -> None:
    class AccountRow(SQLModel, table=True):
        __tablename__ = "account"

        id: int | None = Field(default=None, primary_key=True)
        nickname: str

    theirs, ours = SQLModel.metadata.tables["account"], LedgerTable.metadata.tables["account"]
    assert [column.name for column in theirs.columns] == ["id", "nickname"]
    assert "nickname" not in ours.columns
    assert "nickname" not in str(sa.select(LedgerAccountRow))
    assert str(sa.select(AccountRow)) == "SELECT account.id, account.nickname \nFROM account"
    assert set(SQLModel.metadata.tables).isdisjoint(set(LedgerTable.metadata.tables) - {"account"})


def test_every_whole_number_of_the_ledger_has_64_bits() -> None:
    narrow = [
        f"{table.name}.{column.name}"
        for table in LedgerTable.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.Integer) and not isinstance(column.type, sa.BigInteger)
    ]
    assert narrow == []
