"""The money dialog: what will be, before it is; then a receipt that stays until it is put away.

The verb is rehearsed with every change of the form and rolled back, so that what is shown is what
the desk would do, not what a screen believes. Focus starts on Cancel; nothing is done by Enter in a
field; the button is dead after its first press.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from billdesk.core.values.errors import (
    BilldeskError,
    ControlError,
    GatewayUnreachable,
    StoreGone,
)
from billdesk.screens.acts import Field
from billdesk.screens.figures import amount, tone_of
from billdesk.screens.filter_line import LastWord
from billdesk.screens.host import DeskHost
from billdesk.screens.line_input import LineInput
from billdesk.screens.preview import Preview, entry_line, post, preview_lines, rehearse
from billdesk.screens.safe_text import fit, safe_line, safe_lines, safe_text
from billdesk.screens.threads import ThreadWork, explain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content

    from billdesk.screens.acts import Act, Receipt

LABEL_CELLS = 11
REHEARSE_AFTER_SECONDS = 0.25
TYPED = "typed"


class Review(ThreadWork, ModalScreen["Receipt | None"]):
    """One act under review. Ends with its receipt, or with None when nothing was done."""

    DEFAULT_CSS = """
    Review { align: center middle; background: $background 60%; }
    Review > Vertical {
        width: 96; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    Review.-failed > Vertical { border: round $error; }
    Review.-done > Vertical { border: round $success; }
    Review #fields { height: auto; }
    Review #fields { margin-top: 1; }
    Review .field { height: 1; }
    Review .field > Static { width: 12; color: $muted; }
    Review .trouble { height: 1; padding-left: 13; color: $warning; }
    Review #preview { height: auto; max-height: 12; }
    Review.-outlook #preview { max-height: 40vh; }
    Review #preview > Static { height: auto; }
    Review #buttons { height: 1; margin-top: 1; align-horizontal: right; }
    Review Button { min-width: 10; margin-left: 2; }
    Review #hint { height: 1; color: $muted; }
    Review.-done #preview, Review.-failed #preview, Review.-done #hint, Review.-failed #hint {
        margin-top: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="review.cancel"),
        # First of all: what is typed behind a Tab must not end up in the field before it.
        Binding("tab,down", "app.focus_next", show=False, priority=True),
        Binding("shift+tab,up", "app.focus_previous", show=False, priority=True),
        Binding("y", "copy", "Copy the id", id="review.copy", show=False),
    ]

    AUTO_FOCUS = "#cancel"

    app = getters.app(DeskHost)

    def __init__(self, act: Act) -> None:
        super().__init__()
        self._act = act
        self._preview: Preview | None = None
        self._previewed: dict[str, str] | None = None
        self._receipt: Receipt | None = None
        self._generation = 0
        self._pressed = False
        self._ended = False
        # Its lines need the room: what is wrong with a field takes a line only where something is.
        self.set_class(act.outlook is not None, "-outlook")

    def compose(self) -> ComposeResult:
        act = self._act
        with Vertical():
            yield Static(self._head(), markup=False, id="about")
            with Vertical(id="fields"):
                for field in act.fields:
                    yield from self._field(field)
                if act.typed is not None:
                    yield from self._field(Field(TYPED, "Type again", lambda text: text))
            with VerticalScroll(id="preview", can_focus=False):
                yield Static("", markup=False)
            with Horizontal(id="buttons"):
                yield Button(safe_text("Cancel"), id="cancel", compact=True)
                yield Button(
                    safe_text(act.verb),
                    id="confirm",
                    compact=True,
                    variant="warning",
                    disabled=True,
                )
            yield Static("", markup=False, id="hint")

    def _field(self, field: Field) -> ComposeResult:
        line = LineInput(field.value, placeholder=field.placeholder, id=f"field-{field.name}")
        line.suggester = LastWord(field.choices) if field.choices else None
        with Horizontal(classes="field"):
            yield Static(safe_text(fit(field.label, LABEL_CELLS)), markup=False)
            yield line
        yield Static("", markup=False, classes="trouble", id=f"trouble-{field.name}")

    def _head(self) -> Content:
        lines = [safe_text(self._act.title, "title")]
        lines += [
            safe_line((fit(name, LABEL_CELLS + 1), "muted"), text) for name, text in self._act.facts
        ]
        return safe_lines(*lines)

    def on_mount(self) -> None:
        self._hint("Tab to fill in, Esc to cancel; nothing is posted before the last button.")
        self._changed()

    # --- filling in ---

    def _values(self) -> dict[str, str]:
        return {
            field.name: self.query_one(f"#field-{field.name}", LineInput).value.strip()
            for field in self._act.fields
        }

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._changed()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        # Enter in a field goes on, and never posts.
        event.stop()
        self.focus_next()

    def _changed(self) -> None:
        """The form reads otherwise: say what is missing, and rehearse once it is complete."""
        values = self._values()
        troubles = self._act.trouble_with(values)
        for field in self._act.fields:
            text = troubles.get(field.name, "")
            # An empty field is not yet wrong.
            shown = text if values[field.name] else ""
            self._say_wrong(field.name, shown)
        if troubles:
            self._previewed, self._preview = None, None
            self._show(safe_text("Fill in the form to see what will be posted.", "muted"))
        elif self._previewed != values:
            self._previewed, self._preview = values, None
            self._rehearse_soon()
        self._allow()

    def _rehearse_soon(self) -> None:
        self._generation += 1
        if not self._act.rehearsable:
            values = self._values()
            self._show(safe_text(self._act.foreseen(values)))
            return
        generation = self._generation
        self.set_timer(REHEARSE_AFTER_SECONDS, lambda: self._rehearse(generation))

    def _rehearse(self, generation: int) -> None:
        desk, values = self.app.desk, self._previewed
        if generation != self._generation or desk is None or values is None or self._pressed:
            return
        act = self._act
        self.in_thread(
            lambda: rehearse(desk, act, values),
            lambda preview: self._rehearsed(generation, preview),
            lambda error: self._not_rehearsed(generation, error),
        )

    def _rehearsed(self, generation: int, preview: Preview) -> None:
        if generation == self._generation and not self._pressed:
            self._preview = preview
            self._show(preview_lines(preview))
            self._allow()

    def _not_rehearsed(self, generation: int, error: BaseException) -> None:
        if generation == self._generation and not self._pressed:
            self._show(safe_line(("Not possible. ", "bad"), explain(error)))

    def _allow(self) -> None:
        """Offer the button once everything is filled in, rehearsed and typed again."""
        act, ready = self._act, self._preview is not None or not self._act.rehearsable
        ready = ready and self._previewed is not None and not self._pressed
        if act.typed is not None:
            wanted = act.typed(self._values())
            typed = self.query_one(f"#field-{TYPED}", LineInput).value.strip()
            self._ask_to_type(wanted if self._previewed is not None else "", typed)
            ready = ready and bool(wanted) and typed == wanted
        self.query_one("#confirm", Button).disabled = not ready

    def _ask_to_type(self, wanted: str, typed: str) -> None:
        shown = f"type {wanted} here to allow it" if wanted and typed != wanted else ""
        self._say_wrong(TYPED, shown)

    def _say_wrong(self, name: str, text: str) -> None:
        trouble = self.query_one(f"#trouble-{name}", Static)
        trouble.update(safe_text(text))
        trouble.display = bool(text) or not self.has_class("-outlook")

    # --- doing ---

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "confirm":
            self._confirm()
        else:
            self.action_cancel()

    def _confirm(self) -> None:
        desk, values, seen, act = self.app.desk, self._previewed, self._preview, self._act
        if self._pressed or desk is None or values is None:
            return
        self._pressed = True
        self.query_one("#confirm", Button).disabled = True
        self.query_one("#cancel", Button).disabled = True
        self._hint("Posting …")
        self.in_thread(lambda: post(desk, act, values, seen), self._posted, self._not_posted)

    def _posted(self, receipt: Receipt) -> None:
        self._receipt = receipt
        self.app.remember(f"{self._act.title}: done, {receipt.id}", "good")
        if not self._act.stays:
            self.dismiss(receipt)
            return
        self._end("done", _receipt_lines(self._act.title, receipt))
        self._hint("y copies the id, Esc closes.")

    def _not_posted(self, error: BaseException) -> None:
        known, advice = _outcome(error)
        self.app.remember(f"{self._act.title}: {known}. {explain(error)}", "bad")
        self._end(
            "failed",
            [
                safe_line((known + ". ", "bad"), explain(error)),
                safe_text(advice, "muted"),
            ],
        )
        self._hint("Esc closes.")

    def _end(self, how: str, lines: Sequence[Content]) -> None:
        """Nothing is left to fill in; what came out stays until it is put away."""
        self._ended = True
        self.add_class(f"-{how}")
        self.query_one("#fields").display = False
        self.query_one("#buttons").display = False
        # Nothing has the focus: a second Enter must not put the result away unread.
        self.set_focus(None)
        self._show(safe_lines(*lines))

    # --- leaving ---

    def action_cancel(self) -> None:
        if self._pressed and not self._ended:
            # It is being posted: nobody can know yet whether there is anything to cancel.
            return
        self.dismiss(self._receipt)

    def action_copy(self) -> None:
        if self._receipt is not None:
            self.app.copy_to_clipboard(self._receipt.id)
            self._hint(f"{self._receipt.id} sent to terminal clipboard")

    def _show(self, content: Content) -> None:
        self.query_one("#preview > Static", Static).update(content)

    def _hint(self, text: str) -> None:
        self.query_one("#hint", Static).update(safe_text(text))


def _outcome(error: BaseException) -> tuple[str, str]:
    """What is known about the money after a failure, and what to do."""
    if isinstance(error, (StoreGone, GatewayUnreachable)):
        return "Unknown", "It may have been done. Look at the account before trying again."
    if isinstance(error, BilldeskError) and not isinstance(error, ControlError):
        return "Not posted", "Nothing was changed."
    return "Unknown", "It may have been done. Look at the account, then run billdesk verify."


def _receipt_lines(title: str, receipt: Receipt) -> list[Content]:
    lines = [
        safe_line(("Done. ", "good"), title),
        safe_line((fit("receipt", LABEL_CELLS + 1), "muted"), (receipt.id, "strong")),
    ]
    for name, text in receipt.lines:
        lines.append(safe_line((fit(name, LABEL_CELLS + 1), "muted"), (text, tone_of(text))))
    for entry in receipt.entries:
        lines.append(entry_line(entry))
        lines.append(safe_text(f"{'':18}leaves {amount(entry.balance_after)}", "muted"))
    return lines
