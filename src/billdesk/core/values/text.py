"""Free text from people: names, memos, subjects. Kept as given, within bounds a database can keep."""

from __future__ import annotations

from collections.abc import Collection

from billdesk.core.values.errors import BadInput

NAME_LENGTH = 200
SUBJECT_LENGTH = 200
MEMO_LENGTH = 500
MEMO_REQUIRED_LENGTH = 10


def check_text(value: str, what: str, longest: int) -> str:
    """`value` unchanged, if a database can keep it.

    Raises BadInput when it is longer than `longest` characters, or holds NUL or half a surrogate
    pair, neither of which Postgres can store.
    """
    if len(value) > longest:
        raise BadInput(f"the {what} has {len(value)} characters", f"at most {longest}")
    if "\x00" in value:
        raise BadInput(f"the {what} holds a NUL character", "remove it")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"the {what} is not valid Unicode", "retype it") from error
    return value


def check_optional_text(value: str | None, what: str, longest: int) -> str | None:
    """Like `check_text`, with nothing allowed; blank text counts as nothing."""
    if value is None or not value.strip():
        return None
    return check_text(value, what, longest)


def check_word(value: str | None, what: str, known: Collection[str]) -> None:
    """A word out of a few, or none at all. Raises BadInput for another."""
    if value is not None and value not in known:
        raise BadInput(f"there is no {what} {value[:30]!r}", f"one of {', '.join(known)}")


def check_memo(value: str) -> str:
    """A reason that must be given: 10 to 500 characters after trimming. Raises BadInput."""
    trimmed = value.strip()
    if not MEMO_REQUIRED_LENGTH <= len(trimmed) <= MEMO_LENGTH:
        raise BadInput(
            f"the memo has {len(trimmed)} characters",
            f"say why in {MEMO_REQUIRED_LENGTH} to {MEMO_LENGTH} characters",
        )
    return check_text(trimmed, "memo", MEMO_LENGTH)
