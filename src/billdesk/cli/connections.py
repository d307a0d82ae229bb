"""`billdesk gateway needs | add | check | remove`, and `billdesk account gateway`."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import Ref, Yes
from billdesk.cli.printing import card, plural, table
from billdesk.core.values.errors import BadInput, BilldeskError, GatewayError

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import ConnectionSheet, NeedsSheet, SecretSheet

Kind = Annotated[
    Literal["stripe", "paypal", "paystack"],
    typer.Argument(metavar="MAKE", help="stripe, paypal or paystack."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name it is connected under.")]
AsName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="What to call it; else its make.")
]


def needs(door: Door, make: Kind, *, name: AsName = None) -> None:
    """Say which key and rights it takes.

    Say which key a gateway needs, with which rights and what for, and where it is made.
    """
    with door.desk() as desk:
        sheet = desk.gateways.needs(make, name)
    door.answer(sheet, *_describe_needs(sheet))


def _describe_needs(sheet: NeedsSheet) -> Iterator[str]:
    yield from card(
        [
            ("test keys", sheet.test_place),
            ("live keys", sheet.live_place),
            *((secret.label, _describe_secret(secret)) for secret in sheet.secrets),
        ]
    )
    rights = [
        (right.name, right.purpose, "yes" if right.needed else "for that only")
        for right in sheet.rights
    ]
    yield from ["", *table(("RIGHT", "WHAT FOR", "NEEDED"), rights)] if rights else []
    yield from ["", *sheet.remarks]


def _describe_secret(secret: SecretSheet) -> str:
    optional = "optional, " if secret.optional else ""
    here = " (is set)" if secret.here else ""
    return f"{optional}{secret.looks_like}; asked for, or in {secret.variable}{here}"


def add(
    door: Door,
    make: Kind,
    *,
    name: AsName = None,
    live: Annotated[
        bool, typer.Option("--live", help="Real money; without it, test mode.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="-", help="`-`: read the key from standard input, a line for each part."
        ),
    ] = None,
    key_from_env: Annotated[
        list[str] | None,
        typer.Option(metavar="VARIABLE", help="Read the key from there; once for each part."),
    ] = None,
    webhook_secret: Annotated[
        bool,
        typer.Option("--webhook-secret", help="Take Stripe's signing secret too, as the last."),
    ] = False,
    webhook_id: Annotated[
        str | None, typer.Option(metavar="ID", help="PayPal's id of a webhook, to prove messages.")
    ] = None,
    return_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where customers land after they paid.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(metavar="URL", hidden=True)] = None,
    yes: Yes = False,
) -> None:
    """Connect one; its key is tried.

    Connect a gateway: its key is tried at once, and kept in the keyring. The key is asked for
    unseen. It is never an argument, which would stay in the shell's history. Keys for real money
    need --live, and the word typed.
    """
    with door.desk() as desk:
        wanted = desk.gateways.needs(make, name)
        if live:
            door.confirm("live", f"{wanted.title} in live mode moves real money.", yes=yes)
        parts = _parts(wanted, webhook_secret=webhook_secret)
        secrets = _secrets(door, wanted, parts, key, key_from_env or [])
        secrets = _with_address(secrets, base_url)
        sheet = desk.gateways.add(
            make, name, secrets=secrets, live=live, webhook_id=webhook_id, return_url=return_url
        )
    door.answer(sheet, *_describe_connection(sheet, "is connected to"))


def _parts(wanted: NeedsSheet, *, webhook_secret: bool) -> list[SecretSheet]:
    """The parts of the key, with what messages are signed with where that is given, too."""
    parts = [part for part in wanted.secrets if webhook_secret or not part.optional]
    if webhook_secret and not any(part.optional for part in parts):
        raise BadInput(f"{wanted.title} signs without a secret", "leave --webhook-secret out")
    return parts


def _secrets(
    door: Door,
    wanted: NeedsSheet,
    parts: list[SecretSheet],
    key: str | None,
    variables: list[str],
) -> dict[str, str] | None:
    """The key in its parts, from where it was said to be; None: the desk's own variables have it."""
    if key is not None and key != "-":
        raise BadInput(
            "a key given as an argument would stay in the shell's history",
            "leave --key out to be asked for it; if that key is in use, make a new one",
        )
    if key == "-":
        values = [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
    elif variables:
        values = [os.environ.get(variable, "").strip() for variable in variables]
    elif any(part.here for part in wanted.secrets) or not sys.stdin.isatty():
        return None
    else:
        door.say(
            f"{wanted.title} has its keys at {wanted.test_place} (test), {wanted.live_place} (live)"
        )
        values = [_ask(f"{wanted.title}'s {part.label} (not shown): ") for part in parts]
    if len(values) != len(parts) or not all(values):
        raise BadInput(
            f"{plural(sum(map(bool, values)), 'part')} of a key came, and {len(parts)} are needed",
            f"in this order: {', '.join(part.label for part in parts)}",
        )
    return {part.word: value for part, value in zip(parts, values, strict=True)}


def _with_address(secrets: dict[str, str] | None, base_url: str | None) -> dict[str, str] | None:
    """The address of another server than the make's own, kept beside the key."""
    if base_url is None:
        return secrets
    if secrets is None:
        raise BadInput("the base address belongs where the key is", "set it in the environment too")
    return {**secrets, "base_url": base_url}


def _ask(question: str) -> str:
    try:
        return getpass.getpass(question).strip()
    except EOFError:
        return ""


def check(
    door: Door,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this one; else all of them.")
    ] = None,
) -> int:
    """Try the keys again.

    Try the keys of gateways again. A key that was changed in the environment is taken over if it
    opens the same account in the same mode.
    """
    with door.desk() as desk:
        if name is not None:
            sheet = desk.gateways.check(name)
            door.answer(sheet, *_describe_connection(sheet, "answers:"))
            return 0
        outcomes = [(gateway.name, _check(desk, gateway.name)) for gateway in desk.gateways.list()]
    rows: list[object] = []
    lines: list[str] = []
    for each, outcome in outcomes:
        if isinstance(outcome, BilldeskError):
            rows.append({"name": each, "code": outcome.code, "message": outcome.message})
            lines += [
                f"{each}: {outcome.message}",
                *([f"  {outcome.hint}"] if outcome.hint else []),
            ]
        else:
            rows.append(outcome)
            lines += _describe_connection(outcome, "answers:")
    door.answer_rows(rows, lines)
    failed = any(isinstance(outcome, BilldeskError) for _, outcome in outcomes)
    return GatewayError.exit_status if failed else 0


def _check(desk: Desk, name: str) -> ConnectionSheet | GatewayError:
    try:
        return desk.gateways.check(name)
    except GatewayError as error:
        return error


def _describe_connection(sheet: ConnectionSheet, verb: str) -> Iterator[str]:
    yield f"{sheet.name} {verb} {sheet.make} account {sheet.account}, {mode_in_words(sheet.mode)}"
    yield f"  the key: {sheet.key}"
    for right in sheet.missing:
        yield f"  it lacks a right: {right}"


def mode_in_words(mode: str) -> str:
    """The mode, so that nobody takes one for the other."""
    return "LIVE mode: real money" if mode == "live" else "test mode: no real money"


def remove(door: Door, name: Name, *, yes: Yes = False) -> None:
    """Forget one and its key.

    Ask a gateway no more, and forget its key. Its payments stay. It can be added again under the
    same name, with a key of the same account.
    """
    with door.desk() as desk:
        door.confirm(name, f"Remove {name}, and forget its key?", yes=yes)
        sheet = desk.gateways.remove(name)
    lines = [
        f"{sheet.name} is removed ({sheet.make} account {sheet.account}, {sheet.mode}); {sheet.key}"
    ]
    counts = (
        (sheet.open_payments, "payment"), (sheet.open_refunds, "refund"),
        (sheet.open_disputes, "dispute"),
    )  # fmt: skip
    still = [plural(count, f"open {thing}") for count, thing in counts if count]
    if still:
        lines.append(f"nobody asks any more about its {', '.join(still)}: see billdesk payments")
    door.answer(sheet, *lines)


def account_gateway(
    door: Door,
    ref: Ref,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="The gateway to use; `none` for the desk's own choice."
        ),
    ] = None,
) -> None:
    """Say by which gateway one pays.

    Say which gateway an account pays by, or show it. Deposits, saved cards and top-ups use it where
    no other is named.
    """
    with door.desk() as desk:
        if name is None:
            sheet = desk.accounts.get(ref)
        else:
            sheet = desk.accounts.set_gateway(ref, None if name == "none" else name)
    door.answer(sheet, f"{sheet.ref} pays by {sheet.gateway or 'whatever the desk chooses'}")
