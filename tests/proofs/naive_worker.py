"""One process that charges as many programs do: `naive_worker.py FILE COUNT [make]`.

It reads a balance, looks whether it suffices and writes the new one, on SQLAlchemy's defaults.
"""

import json
import sys

from sqlmodel import Field, Session, SQLModel, create_engine


class Purse(SQLModel, table=True):
    """A balance."""

    id: int = Field(primary_key=True)
    balance: int


path, count, *make = sys.argv[1:]
engine = create_engine(f"sqlite:///{path}")
if make:
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Purse(id=1, balance=int(make[0])))
        session.commit()
sys.stdout.write("ready\n")
sys.stdout.flush()
sys.stdin.readline()
sold = 0
for _ in range(int(count)):
    with Session(engine) as session:
        purse = session.get_one(Purse, 1)
        if purse.balance >= 1:
            purse.balance -= 1
            session.add(purse)
            session.commit()
            sold += 1
with Session(engine) as session:
    left = session.get_one(Purse, 1).balance
sys.stdout.write(json.dumps({"sold": sold, "left": left}))
