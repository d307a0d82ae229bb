"""What a line of usage means: who used how much of which meter, and when.

Pure: fields go in, whole numbers come out, or BadInput says what was wrong.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.rules.catalog import Meter
from billdesk.core.rules.import_rows import Columns
from billdesk.core.values.clock import MICROSECOND, to_micros
from billdesk.core.values.errors import BadInput
from billdesk.core.values.ids import check_reference

USAGE = Columns(("account", "meter", "quantity", "event_id", "at"), ("unit",))

MOST_PARTS = 10**15
"""The most of a meter's smallest part that one event can say: nobody means more."""

AHEAD = timedelta(hours=1)
"""How far clocks of those who tell us may run before ours."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

_QUANTITY = re.compile(r"(\d{1,16})(?:\.(\d{1,18}))?", re.ASCII)
_NAME = re.compile(r"[!-~]{1,64}")
_HOUR = timedelta(hours=1)
_MOST_DIGITS = 18

Quantity = int | str | Decimal


class UsageRow(NamedTuple):
    """A line as it was written: `quantity` in the meter's unit, `at` as text or instant."""

    account: str
    meter: str
    quantity: Quantity
    event_id: str
    at: datetime | str
    unit: str = ""


def csv_row(line: str, delimiter: str, names: Sequence[str]) -> UsageRow:
    """A line of a CSV file whose heading named these columns. Raises BadInput."""
    if '"' in line:
        try:
            fields = next(csv.reader([line], delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise BadInput(f"not CSV: {error}", "look for a quote that is not closed") from error
    else:
        fields = line.split(delimiter)
    if len(fields) != len(names):
        raise BadInput(
            f"{len(fields)} fields where the heading has {len(names)}",
            "quote a field that holds the delimiter",
        )
    return _named({name: field.strip() for name, field in zip(names, fields, strict=True)})


def json_row(line: str) -> UsageRow:
    """A line of a JSON lines file: one object. Raises BadInput."""
    try:
        fields = json.loads(line, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput("not JSON", "one object on each line") from error
    if not isinstance(fields, dict):
        raise BadInput("not an object", 'write it like {"account": …, "meter": …}')
    unknown = [name for name in fields if name not in USAGE.known]
    if unknown:
        raise BadInput(
            f"unknown field {unknown[0][:40]!r}", f"the fields are {', '.join(USAGE.known)}"
        )
    return _named(fields)


def _refuse_constant(name: str) -> Decimal:
    raise ValueError(name)


def _named(fields: Mapping[str, object]) -> UsageRow:
    """The fields in their order; all but the quantity must be text."""
    for name in USAGE.required:
        if fields.get(name) is None or fields[name] == "":
            raise BadInput(f"no {name}", f"every line needs {name}")
    quantity = fields["quantity"]
    if isinstance(quantity, bool) or not isinstance(quantity, int | str | Decimal):
        raise BadInput("the quantity is no number", "write it like 1500 or 0.25")
    texts = [fields.get(name) or "" for name in ("account", "meter", "event_id", "at", "unit")]
    for text in texts:
        if not isinstance(text, str):
            raise BadInput(f"{str(text)[:40]!r} is not text", "put it in quotes")
    account, meter, event_id, at, unit = map(str, texts)
    return UsageRow(account, meter, quantity, event_id, at, unit)


def check_unit(unit: str, meter: Meter) -> None:
    """Raises BadInput for a line that counts in another unit than its meter."""
    if unit and unit != meter.unit:
        raise BadInput(f"the unit is {unit[:20]!r}", f"{meter.code} is counted in {meter.unit}")


def check_event_id(text: object) -> str:
    """An event's id: what a reference may be. Raises BadInput."""
    if not isinstance(text, str):
        raise BadInput(f"the event id {str(text)[:40]!r} is not text", "give it as text")
    try:
        return check_reference(text)
    except BadInput as error:
        raise BadInput(f"the event id {text[:40]!r} cannot be used", error.hint) from error


def check_names(account: object, meter: object) -> None:
    """Raises BadInput for what cannot be the name of an account and a meter."""
    for what, name in (("account", account), ("meter", meter)):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadInput(f"{str(name)[:40]!r} is no {what}", f"give the {what}'s name")


def quantity_parts(quantity: Quantity, decimals: int) -> int:
    """A quantity in the meter's unit as a whole number of its smallest part, exactly.

    Raises BadInput when it is negative, absurd, or finer than the meter counts.
    """
    if isinstance(quantity, str):
        return _parts_of_text(quantity, decimals)
    if isinstance(quantity, bool) or not isinstance(quantity, int | Decimal):
        # A float has lost already what it was meant to be.
        raise BadInput(
            f"the quantity {str(quantity)[:40]} is not exact", "give a whole number or text"
        )
    if isinstance(quantity, Decimal):
        if not quantity.is_finite() or abs(quantity.adjusted()) > _MOST_DIGITS:
            raise BadInput(f"the quantity {str(quantity)[:40]} is absurd", "check the line")
        return _parts_of_text(f"{quantity:f}", decimals)
    return _within(quantity * 10**decimals)


@lru_cache(maxsize=4096)  # the same small numbers come again and again
def _parts_of_text(text: str, decimals: int) -> int:
    if text.startswith("-"):
        return _within(-1)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise BadInput(f"{text[:40]!r} is not a quantity", "write it like 1500 or 0.25")
    part = (match[2] or "").rstrip("0")
    if len(part) > decimals:
        raise BadInput(
            f"the quantity {text} is finer than the meter counts",
            f"at most {decimals} decimal places",
        )
    return _within(int(match[1] + part.ljust(decimals, "0")))


def _within(parts: int) -> int:
    if parts < 0:
        raise BadInput("the quantity is negative", "what was used is never less than nothing")
    if parts > MOST_PARTS:
        raise BadInput("the quantity is absurd", "check the line, and its unit")
    return parts


def instant_of(at: object, latest: datetime) -> int:
    """When it was used, in microseconds; not after `latest`, nor before 2000.

    Raises BadInput, for an instant without a zone too: nobody knows which one was meant.
    """
    if isinstance(at, str):
        try:
            instant = datetime.fromisoformat(at)
        except ValueError as error:
            raise BadInput(
                f"{at[:40]!r} is not a time", "write it like 2026-08-21T09:14:00Z"
            ) from error
    elif isinstance(at, datetime):
        instant = at
    else:
        raise BadInput(f"{str(at)[:40]!r} is not a time", "write it like 2026-08-21T09:14:00Z")
    if instant.tzinfo is None:
        raise BadInput(f"the time {instant.isoformat()} has no zone", "add one, e.g. Z or +02:00")
    if instant > latest:
        raise BadInput(f"{instant.isoformat()} is in the future", "check the clock that wrote it")
    if instant < EARLIEST:
        raise BadInput(f"{instant.isoformat()} is too long ago", "check the clock that wrote it")
    return to_micros(instant)


def hours_begin(zone: ZoneInfo) -> int:
    """How many microseconds after the full hour of UTC the hours of a zone begin: 30 min in India.

    A zone that moves its clocks by less than an hour keeps the hours that it had in January 2026.
    """
    offset = datetime(2026, 1, 1, tzinfo=zone).utcoffset() or timedelta()
    return (-offset % _HOUR) // MICROSECOND


def hour_of(micros: int, begin: int) -> int:
    """The beginning of the hour in which an instant lies, both in microseconds."""
    hour = _HOUR // MICROSECOND
    return (micros - begin) // hour * hour + begin
