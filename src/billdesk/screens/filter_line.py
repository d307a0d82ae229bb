"""The line one filters a list with: words to look for, and `name:value` pairs.

The line is read here; what a filter means is the desk's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester

from billdesk.core.values.errors import BadInput
from billdesk.screens.line_input import LineInput

APPLY_AFTER_SECONDS = 0.25


@dataclass(frozen=True)
class Query:
    """A filter as it was typed: what to look for, and the pairs by name."""

    words: str = ""
    pairs: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """The value that goes with a name, or None."""
        return self.pairs.get(name)


def read_query(line: str, names: Sequence[str]) -> Query:
    """Read `words kind:charge since:2026-03-01`.

    A name that is not among `names` is part of the words, so that `lead:42` can be looked for.
    Raises BadInput for a known name without a value, or given twice.
    """
    words: list[str] = []
    pairs: dict[str, str] = {}
    for token in line.split():
        name, colon, value = token.partition(":")
        if not colon or name not in names:
            words.append(token)
        elif not value:
            raise BadInput(f"nothing follows {name}:", f"write {name}:VALUE, or remove it")
        elif name in pairs:
            raise BadInput(f"{name}: is there twice", "keep one of them")
        else:
            pairs[name] = value
    return Query(" ".join(words), pairs)


class LastWord(Suggester):
    """Suggests how the word that is being typed may end."""

    def __init__(self, endings: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._endings = endings

    async def get_suggestion(self, value: str) -> str | None:
        last = value.rsplit(" ", 1)[-1]
        if last:
            for ending in self._endings:
                if ending.startswith(last) and ending != last:
                    return value + ending[len(last) :]
        return None


class FilterLine(LineInput):
    """Where a filter is typed. It is applied a moment after the last key, or at once by Enter."""

    DEFAULT_CSS = """
    FilterLine, FilterLine.-textual-compact { background: $background; padding: 0 1; }
    FilterLine:focus, FilterLine.-textual-compact:focus { background: $panel; }
    FilterLine.-wrong { color: $error; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_or_leave", "Clear, then back to the list", id="filter.escape"),
        Binding("down", "leave", "To the list", id="filter.down", show=False),
    ]

    class Applied(Message):
        """The filter reads otherwise."""

        def __init__(self, query: Query) -> None:
            super().__init__()
            self.query = query

    class Wrong(Message):
        """Enter was pressed on a filter that cannot be read."""

        def __init__(self, error: BadInput) -> None:
            super().__init__()
            self.error = error

    class Left(Message):
        """Back to the list."""

    def __init__(self, names: Sequence[str], *, values: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(placeholder=hint, id="filter")
        self._names = tuple(names)
        self._applied = Query()
        self._wrong = False
        self._timer_generation = 0
        self.suggest(values)

    def suggest(self, values: Iterable[str]) -> None:
        """Complete these, too, while they are being typed."""
        self.suggester = LastWord([*(f"{name}:" for name in self._names), *values])

    @property
    def applied(self) -> Query:
        """The filter as it is in force."""
        return self._applied

    def put(self, line: str) -> None:
        """Put a filter into the line and apply it at once."""
        self.value = line
        self._apply()

    def on_input_changed(self) -> None:
        self._timer_generation += 1
        generation = self._timer_generation
        self.set_timer(APPLY_AFTER_SECONDS, lambda: self._apply_if_still(generation))

    def _apply_if_still(self, generation: int) -> None:
        if generation == self._timer_generation:
            self._apply(quietly=True)

    def _apply(self, *, quietly: bool = False) -> None:
        try:
            query = read_query(self.value, self._names)
        except BadInput as error:
            self.add_class("-wrong")
            self._wrong = True
            # While one is typing, half a pair is on its way to becoming one.
            if not quietly:
                self.post_message(self.Wrong(error))
            return
        self.remove_class("-wrong")
        if query != self._applied or self._wrong:
            self._applied, self._wrong = query, False
            self.post_message(self.Applied(query))

    def on_input_submitted(self) -> None:
        self._apply()
        self.action_leave()

    def action_clear_or_leave(self) -> None:
        if self.value:
            self.put("")
        else:
            self.action_leave()

    def action_leave(self) -> None:
        self.post_message(self.Left())
