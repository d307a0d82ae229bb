"""Connecting a gateway step by step: which one, in which mode; which key it needs; then it is tried.

What is typed into a hidden field goes to the desk and nowhere else: not into the log, not on screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Button

from billdesk.core.values.errors import BadInput
from billdesk.screens.acts import Field, Values, choice_field
from billdesk.screens.figures import counted, mode_in_words, tone_of
from billdesk.screens.form import Form, Line
from billdesk.screens.safe_text import safe_text
from billdesk.screens.task import Outcome, Task

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import (
        ConnectionSheet,
        GatewaySheet,
        NeedsSheet,
        SecretSheet,
    )
    from billdesk.screens.progress import Report

MAKES = ("stripe", "paypal", "paystack")
MODES = ("test", "live")
LIVE = "live"


class Choose(Form):
    """Which gateway, under which name, for play or for real money."""

    heading = "Connect a gateway: 1 of 2"
    verb = "Go on"

    def fields(self) -> Sequence[Field]:
        return (
            choice_field("make", "Gateway", MAKES),
            choice_field("mode", "Mode", MODES),
            Field("name", "Name", lambda text: text, placeholder="what to call it; else its make"),
        )

    def opened(self) -> None:
        self.tell(
            (
                ("", "stripe, paypal or paystack; test moves no real money, live does.", "muted"),
                ("", "Each account and mode has a name of its own, such as stripe-eu.", "muted"),
            )
        )

    def start(self, values: dict[str, str]) -> None:
        desk = self.app.desk
        if desk is None:
            return
        make, mode = values["make"].strip(), values["mode"].strip()
        name = values["name"].strip() or None
        self.work(lambda _: desk.gateways.needs(make, name), partial(self._go_on, name, mode))

    def _go_on(self, name: str | None, mode: str, needs: NeedsSheet) -> None:
        self.go_on(Connect(needs, name or needs.make, mode))


class Connect(Form):
    """The key, unseen; tried before it is kept."""

    heading = "Connect a gateway: 2 of 2"
    verb = "Try and keep"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "rights", "Which rights", id="connect.rights"),
    ]

    DEFAULT_CSS = """
    Connect.-done #start, Connect.-done #rights { display: none; }
    Connect #said { max-height: 14; }
    """

    def __init__(self, needs: NeedsSheet, name: str, mode: str) -> None:
        super().__init__()
        self._needs, self._called, self._wanted_mode = needs, name, mode
        self.heading = f"Connect {needs.title} as {name}, {mode_in_words(mode)}: 2 of 2"

    @property
    def _from_environment(self) -> bool:
        return any(secret.here for secret in self._needs.secrets)

    def fields(self) -> Sequence[Field]:
        fields: list[Field] = []
        if not self._from_environment:
            fields += [_secret_field(secret) for secret in self._needs.secrets]
        if self._needs.make == "paypal":
            fields.append(
                _plain_field("webhook_id", "Webhook id", "of its messages (may be left out)")
            )
        fields.append(_plain_field("return_url", "Return to", "https://… (may be left out)"))
        if self._wanted_mode == LIVE:
            fields.append(
                Field("live", "Type live", _check_live, placeholder="it moves real money")
            )
        return fields

    def more_buttons(self) -> Sequence[Button]:
        return (Button(safe_text("Which rights"), id="rights", compact=True),)

    def pressed(self, button: str) -> None:
        if button == "rights":
            self.action_rights()

    def opened(self) -> None:
        needs = self._needs
        place = needs.live_place if self._wanted_mode == LIVE else needs.test_place
        lines: list[Line] = [("made at", place, "accent")]
        if self._from_environment:
            here = ", ".join(secret.variable for secret in needs.secrets if secret.here)
            lines.append(("key", f"in the environment: {here}", "good"))
        else:
            lines.append(("key", "typed unseen, tried at once, kept in the keyring", "muted"))
        if needs.rights:
            asked = counted(len(needs.rights), "right")
            lines.append(("rights", f"{asked}: ctrl+r lists them", ""))
        lines += [("", remark, "muted") for remark in needs.remarks]
        self.tell(lines)

    def action_rights(self) -> None:
        rights = self._needs.rights
        lines: list[Line] = [
            ("" if right.needed else "for this only", f"{right.name}: {right.purpose}", "")
            for right in rights
        ]
        self.tell(lines or [("", "A secret key has every right there is.", "muted")])

    def start(self, values: dict[str, str]) -> None:
        desk = self.app.desk
        if desk is None:
            return
        needs = self._needs
        secrets = {
            secret.word: values[secret.word].strip()
            for secret in needs.secrets
            if values.get(secret.word, "").strip()
        }
        self.work(
            lambda _: desk.gateways.add(
                needs.make,
                self._called,
                secrets=None if self._from_environment else secrets,
                live=self._wanted_mode == LIVE,
                webhook_id=values.get("webhook_id", "").strip() or None,
                return_url=values["return_url"].strip() or None,
            ),
            self._connected,
        )

    def _connected(self, sheet: ConnectionSheet) -> None:
        self.app.remember(f"{sheet.name} is connected", "good")
        self.add_class("-done")
        self.query_one("#cancel", Button).label = safe_text("Close")
        self.set_focus(None)
        self.tell((("", "Connected.", "good"), *connection_lines(sheet)))
        self.hint("Esc closes.")


def connection_lines(sheet: ConnectionSheet) -> tuple[Line, ...]:
    """A gateway whose key was tried just now."""
    return (
        ("gateway", f"{sheet.name}: {sheet.make} account {sheet.account}", "strong"),
        ("mode", mode_in_words(sheet.mode), tone_of(sheet.mode.upper())),
        ("key", sheet.key, ""),
        *(("lacks", right, "warn") for right in sheet.missing),
    )


def check_gateway(desk: Desk, name: str) -> Task:
    """Try a gateway's key again."""

    def perform(_: Values, __: Report) -> Outcome:
        return Outcome(connection_lines(desk.gateways.check(name)), name)

    about = f"Asks {name} whose account its key opens. From then on it is polled again."
    return Task(f"Try the key of {name}", "Try it", about, perform)


def remove_gateway(desk: Desk, sheet: GatewaySheet) -> Task:
    """Ask a gateway no more, and forget its key."""

    def check(text: str) -> object:
        if text.strip() != sheet.name:
            raise BadInput(f"type {sheet.name}", "nothing is removed otherwise")
        return text

    def perform(_: Values, __: Report) -> Outcome:
        gone = desk.gateways.remove(sheet.name)
        still = (
            (gone.open_payments, "payment"), (gone.open_refunds, "refund"),
            (gone.open_disputes, "dispute"),
        )  # fmt: skip
        open_there = ", ".join(counted(many, what) for many, what in still if many)
        lines: list[Line] = [("removed", gone.name, ""), ("key", gone.key, "")]
        if open_there:
            lines.append(("still open", f"{open_there}: nobody asks about them now", "warn"))
        return Outcome(tuple(lines), gone.name)

    about = (
        f"{sheet.name} ({sheet.make} account {sheet.account}, {mode_in_words(sheet.mode)}) is asked no"
        " more, and its key is forgotten. Its payments stay in sight. It can be connected again."
    )
    field = Field("name", "Type its name", check, placeholder=sheet.name)
    return Task(f"Remove {sheet.name}", "Remove", about, perform, (field,))


def _secret_field(secret: SecretSheet) -> Field:
    def check(text: str) -> object:
        if not text.strip() and not secret.optional:
            raise BadInput(f"the {secret.label} is missing", secret.looks_like)
        return text

    left_out = " (may be left out)" if secret.optional else ""
    label = secret.word.partition("_")[0].capitalize()
    return Field(
        secret.word, label, check, placeholder=f"{secret.looks_like}{left_out}", hidden=True
    )


def _plain_field(name: str, label: str, placeholder: str) -> Field:
    return Field(name, label, lambda text: text, placeholder=placeholder)


def _check_live(text: str) -> object:
    if text.strip() != LIVE:
        raise BadInput("real money moves by this key", "type live if that is meant")
    return text
