"""Who accounts are on paper is said piece by piece, and counts from the next invoice on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, NotFound
from tests.core.operations.invoiced import set_up

pytestmark = pytest.mark.usefixtures("acme")


def test_what_is_not_said_stays(desk: Desk, clock: MovingClock, tmp_path: Path) -> None:
    set_up(desk, tmp_path)
    nothing = desk.parties.get("acme")
    assert (nothing.account_ref, nothing.legal_name, nothing.changed_at) == ("acme", "", None)
    first = desk.parties.set(
        "acme", legal_name=" Acme GmbH ", address="A\nB", country="DE", tax_id="DE1",
        tax_code="vat", language="pt-BR", due_days=30,
    )  # fmt: skip
    clock.advance(timedelta(days=1))
    second = desk.parties.set("acme", tax_id="")
    assert second == first._replace(tax_id="", changed_at=desk.now())
    assert first.legal_name == "Acme GmbH"
    third = desk.parties.set("acme", tax_code="", due_days="default", language="")
    assert (third.tax_code, third.due_days, third.language) == (None, None, "")
    assert desk.parties.get("acme") == third
    summaries = [line.summary for line in desk.audit.list(action="account.party").rows]
    assert summaries[:2] == ["tax code, language, due days", "tax id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"country": "Germany"},
        {"country": "de"},
        {"language": "german"},
        {"due_days": 367},
        {"due_days": -1},
        {"legal_name": "x" * 201},
        {"address": "\0"},
    ],
)
def test_what_cannot_be_kept_changes_nothing(desk: Desk, wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        desk.parties.set("acme", **wrong)  # type: ignore[arg-type]
    assert desk.parties.get("acme").changed_at is None


def test_a_tax_must_be_in_the_catalog(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no tax 'vat'"):
        desk.parties.set("acme", tax_code="vat")
    assert desk.parties.set("acme", tax_code="none").tax_code == "none"
    with pytest.raises(NotFound):
        desk.parties.get("nobody")
