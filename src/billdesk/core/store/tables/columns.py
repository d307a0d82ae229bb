"""What every table of the ledger is made of."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

Whole = Annotated[int, Field(sa_type=sa.BigInteger)]
"""A whole number of 64 bits; SQLModel makes an `int` one of 32 unless it is told."""

MaybeWhole = Annotated[int | None, Field(sa_type=sa.BigInteger)]

WholeKey = Annotated[int, Field(primary_key=True, sa_type=sa.BigInteger)]

RowNumber = Annotated[int | None, Field(primary_key=True, sa_type=sa.BigInteger)]
"""The number that the database gives a row; None until it has."""


class LedgerTable(SQLModel, registry=registry()):
    """A table of the ledger, in a registry of its own: a caller may have tables of the same name."""
