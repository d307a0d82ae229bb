"""What drawing invoices asks of the store, beside the invoices themselves."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import NamedTuple

from billdesk.core.rules.catalog_bodies import read_company
from billdesk.core.store.sessions import Session
from billdesk.core.values.errors import Broken

_VERSIONS = "SELECT body FROM catalog_item WHERE sort = 'company'"


class PaperFacts(NamedTuple):
    """`logo_sha256` is None where there is none; `corrects` is the number of the corrected invoice."""

    logo_sha256: str | None
    corrects: str | None


def paper_facts(session: Session, invoice_id: str) -> PaperFacts:
    """What an invoice's sheet does not tell: its logo, and what it corrects by number.

    On a draft the logo is the company's of now.
    """
    [(finalized_at, seller, corrects)] = session.all(
        "SELECT i.finalized_at, i.seller, c.invoice_number FROM invoice i"
        " LEFT JOIN invoice c ON c.id = i.corrects WHERE i.id = ?",
        (invoice_id,),
    )
    if finalized_at is None:
        return PaperFacts(_logo_now(session), corrects)
    return PaperFacts(json.loads(seller).get("logo"), corrects)


def _logo_now(session: Session) -> str | None:
    row = session.one(f"{_VERSIONS} AND retired_at IS NULL")
    logo = None if row is None else read_company(row[0]).logo
    return sha256(logo).hexdigest() if logo else None


def logo_with(session: Session, logo_sha256: str) -> bytes:
    """The logo with this SHA-256 that the company has or had; no version of it is ever deleted."""
    for (body,) in session.all(f"{_VERSIONS} ORDER BY version DESC"):
        logo = read_company(body).logo
        if logo and sha256(logo).hexdigest() == logo_sha256:
            return logo
    raise Broken(f"no version of the company has the logo {logo_sha256}")


def count_finalized(session: Session) -> int:
    """How many invoices and credit notes have a number: numbers have no gap."""
    [[count]] = session.all("SELECT coalesce(sum(last), 0) FROM invoice_series")
    return int(count)


def finalized_after(session: Session, number: int, limit: int) -> list[tuple[int, str]]:
    """Finalized invoices and credit notes in the order they were written down: (row number, id)."""
    rows = session.all(
        "SELECT number, id FROM invoice WHERE number > ? AND finalized_at IS NOT NULL"
        " ORDER BY number LIMIT ?",
        (number, limit),
    )
    return [(row[0], row[1]) for row in rows]
