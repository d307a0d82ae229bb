"""Who accounts are on paper: what stands on their invoices from the next one on."""

from __future__ import annotations

import re
from typing import Literal

from billdesk.core.operations.invoices.drafting import MOST_DUE_DAYS
from billdesk.core.operations.invoices.issuing import NO_TAX
from billdesk.core.operations.office import Office
from billdesk.core.rules.sheets import PartySheet
from billdesk.core.store.catalogs import catalog_now
from billdesk.core.store.parties import Party, party_of, save_party
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.errors import BadInput, NotFound
from billdesk.core.values.text import MEMO_LENGTH, NAME_LENGTH, check_text

_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?")


class Parties:
    """`desk.parties`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def get(self, account: str) -> PartySheet:
        """Who an account is on paper. Raises NotFound."""
        with self._office.database.read() as session:
            found = self._office.account(session, account)
            return _sheet(found.ref, party_of(session, found.id))

    def set(
        self,
        account: str,
        *,
        legal_name: str | None = None,
        address: str | None = None,
        country: str | None = None,
        tax_id: str | None = None,
        tax_code: str | None = None,
        language: str | None = None,
        due_days: int | Literal["default"] | None = None,
    ) -> PartySheet:
        """Change what is given, leave the rest; an empty text takes away what was there.

        `country` as in `DE`, `language` as in `de` or `pt-BR`. `tax_code` names a tax of the catalog,
        `none` exempts. `due_days`: 0 to 366, or `default` for the company's. Invoices that are
        finalized already stay as they are. Raises BadInput, NotFound, ReadOnly.
        """
        office = self._office
        now = office.now()
        _check_codes(country, language, due_days)
        with office.database.write() as session:
            found = office.account(session, account)
            _check_tax(session, tax_code)
            known = party_of(session, found.id)
            party = Party(
                legal_name=_text(legal_name, known.legal_name, "legal name", NAME_LENGTH),
                address=_text(address, known.address, "address", MEMO_LENGTH),
                country=known.country if country is None else country,
                tax_id=_text(tax_id, known.tax_id, "tax id", NAME_LENGTH),
                tax_code=known.tax_code if tax_code is None else tax_code or None,
                language=known.language if language is None else language,
                due_days=_days(due_days, known.due_days),
                changed_at=to_micros(now),
            )
            save_party(session, found.id, party)
            changed = [
                name
                for name, old, new in zip(Party._fields, known, party, strict=True)
                if old != new and name != "changed_at"
            ]
            office.audit(
                session, now=now, action="account.party",
                summary=", ".join(changed).replace("_", " ") or "nothing new",
                account_id=found.id,
            )  # fmt: skip
            return _sheet(found.ref, party)


def _text(value: str | None, known: str, what: str, longest: int) -> str:
    return known if value is None else check_text(value.strip(), what, longest)


def _days(value: int | Literal["default"] | None, known: int | None) -> int | None:
    if value is None:
        return known
    return None if value == "default" else value


def _check_codes(
    country: str | None, language: str | None, due_days: int | Literal["default"] | None
) -> None:
    if country and _COUNTRY.fullmatch(country) is None:
        raise BadInput(f"{country[:20]!r} is no code of a country", "two capital letters, e.g. DE")
    if language and _LANGUAGE.fullmatch(language) is None:
        raise BadInput(f"{language[:20]!r} is no code of a language", "e.g. de or pt-BR")
    if isinstance(due_days, int) and not 0 <= due_days <= MOST_DUE_DAYS:
        raise BadInput(f"due in {due_days} days", f"0 to {MOST_DUE_DAYS} days")


def _check_tax(session: Session, tax_code: str | None) -> None:
    if not tax_code or tax_code == NO_TAX:
        return
    known = catalog_now(session).taxes
    if tax_code not in known:
        raise NotFound(
            f"the catalog has no tax {tax_code[:40]!r}",
            f"known: {', '.join(known) or 'no tax yet'}; {NO_TAX} exempts",
        )


def _sheet(ref: str, party: Party) -> PartySheet:
    changed_at = party.changed_at
    return PartySheet(
        account_ref=ref,
        legal_name=party.legal_name,
        address=party.address,
        country=party.country,
        tax_id=party.tax_id,
        tax_code=party.tax_code,
        language=party.language,
        due_days=party.due_days,
        changed_at=None if changed_at is None else from_micros(changed_at),
    )
