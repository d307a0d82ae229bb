"""What accounts use: taking it in, and the figures of the present period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from billdesk.core.operations.ingesting import Directory, Event, Ingest, Progress
from billdesk.core.operations.office import Office
from billdesk.core.operations.usage_lines import Source, UsageLines
from billdesk.core.rules.sheets import IngestSheet, UsageEventSheet
from billdesk.core.rules.usage_rows import Quantity, check_event_id, format_parts
from billdesk.core.store import usage as store
from billdesk.core.values.clock import from_micros
from billdesk.core.values.errors import AlreadyExists, BadInput


class Usage:
    """`desk.usage`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._directory = Directory(office)

    def record(
        self,
        account: str,
        meter: str,
        quantity: Quantity,
        *,
        event_id: str,
        at: datetime | str | None = None,
    ) -> UsageEventSheet:
        """Record one event: so much of a meter's unit, used at an instant (None: now).

        `quantity` is a whole number, a Decimal or exact text, with at most the meter's decimal places.
        The same id with the same content changes nothing. Raises BadInput, NotFound, AlreadyExists for
        an id that was used for something else, ReadOnly, StoreError kinds.
        """
        office = self._office
        check_event_id(event_id)
        with office.database.read() as session:
            owner = office.account(session, account)
        ingest = Ingest(office, self._directory)
        sheet = ingest.take_all(
            [(owner.ref, meter, quantity, event_id, office.now() if at is None else at)]
        )
        if sheet.errors:
            message, _, hint = sheet.errors[0].text.partition("; ")
            with office.database.read() as session:
                known = store.stored_events(session, [event_id])
            raise (AlreadyExists if known else BadInput)(message, hint)
        with office.database.read() as session:
            stored = store.stored_events(session, [event_id])[event_id]
        kind = ingest.meters[meter]
        return UsageEventSheet(
            account_ref=owner.ref,
            meter=meter,
            unit=kind.unit,
            quantity=format_parts(stored.quantity, kind.decimals),
            event_id=event_id,
            at=from_micros(stored.at),
            received_at=from_micros(stored.received_at),
            replayed=sheet.known == 1,
        )

    def record_many(self, events: Iterable[Event]) -> IngestSheet:
        """Record events: (account, meter, quantity, event id, at), in blocks of ten thousand.

        Those that cannot be taken in are told by their place, from 1; the others are in. The same
        events again change nothing. Inside a transaction all of it is in that. Raises ReadOnly,
        StoreError kinds.
        """
        return Ingest(self._office, self._directory).take_all(events)

    def ingest(
        self, source: Source, format: str | None = None, on_progress: Progress | None = None
    ) -> IngestSheet:
        """Take in a file of usage, or an open stream: CSV with a heading, or JSON lines.

        `format` is csv or jsonl; None: by the file's name, else by its first line. Lines that cannot be
        taken in are told by line, the others are in; the same file again changes nothing. `on_progress`
        hears the bytes read, of how many (0: nobody knows). Raises BadInput when it cannot be read at
        all, ReadOnly, StoreError kinds.
        """
        lines = UsageLines(source, format)
        ingest = Ingest(self._office, self._directory)
        return ingest.take_lines(lines, on_progress or (lambda _done, _total: None))
