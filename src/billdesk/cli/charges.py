"""`billdesk charge | charge-many`."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import Amount, OptionalMemo, Ref, Reference, Subject, To, at
from billdesk.cli.printing import cell, plural
from billdesk.core.values.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from billdesk.core.desk import ChargeRequest

STANDARD_INPUT = "-"

_REQUIRED = {"account", "amount", "reference"}
_OPTIONAL = {"subject", "memo", "to", "happened_at"}


def charge(
    door: Door,
    ref: Ref,
    amount: Amount,
    *,
    reference: Reference,
    subject: Subject = None,
    memo: OptionalMemo = None,
    to: To = "revenue",
    happened_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it happened, if not just now.")
    ] = None,
) -> None:
    """Take money for something.

    The same reference again moves nothing and shows what the first one did.
    """
    with door.desk() as desk:
        sheet = desk.charges.create(
            ref,
            amount,
            reference=reference,
            subject=subject,
            memo=memo,
            to=to,
            happened_at=at(happened_at),
        )
    done = "was charged before" if sheet.replayed else "charged"
    door.answer(
        sheet,
        f"{sheet.account_ref} {done}: {cell(sheet.amount)}, "
        f"balance {cell(sheet.balance_after)} ({sheet.id})",
    )


def charge_many(
    door: Door,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON lines; - is standard input.")
    ] = STANDARD_INPUT,
) -> None:
    """Charge from JSON lines.

    Each line is an object with account, amount and reference, and if you like subject, memo, to and
    happened_at. All are charged or none.
    """
    if file == STANDARD_INPUT:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="strict")
        requests = _read(sys.stdin)
    else:
        try:
            with Path(file).open(encoding="utf-8") as lines:
                requests = _read(lines)
        except OSError as error:
            raise BadInput(f"{file} cannot be read: {error.strerror}", "name a file") from error
    with door.desk() as desk:
        sheets = desk.charges.create_many(requests)
    replayed = sum(sheet.replayed for sheet in sheets)
    before = f", {replayed:,} of them before" if replayed else ""
    door.answer({"rows": sheets, "after": None}, f"charged {plural(len(sheets), 'time')}{before}")


def _read(lines: Iterable[str]) -> list[ChargeRequest]:
    """One request a line, blank lines left out. Raises BadInput with the line's number."""
    requests = []
    try:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                requests.append(_request(line, f"line {number}"))
    except UnicodeDecodeError as error:
        raise BadInput("the lines are not UTF-8", "save the file as UTF-8") from error
    return requests


def _request(line: str, where: str) -> ChargeRequest:
    import json

    from billdesk.core.desk import ChargeRequest

    try:
        fields = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{where} is not JSON", "one object on each line") from error
    if not isinstance(fields, dict) or not _REQUIRED <= set(fields) <= _REQUIRED | _OPTIONAL:
        raise BadInput(
            f"{where} is not an object with account, amount and reference",
            f"beside them only {', '.join(sorted(_OPTIONAL))}",
        )
    for name, value in fields.items():
        if not isinstance(value, str) and (name in _REQUIRED or value is not None):
            raise BadInput(f"{where}: {name} is not text", f'put it in quotes: "{value}"')
    happened_at = at(fields.pop("happened_at", None))
    given = {name: value for name, value in fields.items() if value is not None}
    return ChargeRequest(**given, happened_at=happened_at)
