"""Proving the ledger: the hash chain, the balances, and checkpoints sealed outside of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from billdesk.core.operations.ledger.exporting import new_file
from billdesk.core.operations.office import Office
from billdesk.core.rules.sheets import CheckpointSheet, FindingSheet, VerifySheet
from billdesk.core.store.checks import (
    Sealed,
    check_holds,
    check_lots,
    follow_chains,
    heads,
    recount,
    trial_balance,
)
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage_checks import check_usage
from billdesk.core.values.clock import format_instant, parse_instant
from billdesk.core.values.errors import BadInput, NotFound

Progress = Callable[[int, int], None]

_NO_CHECKPOINT = (
    "a tail cut off together with its wallet's head: seal a checkpoint and keep it elsewhere"
)


class Checkpoint(NamedTuple):
    """A sealed checkpoint as its file has it."""

    ledger_id: str
    sealed_at: datetime
    wallets: dict[str, Sealed]
    hash: str


def seal(office: Office, ledger_id: str, path: Path) -> CheckpointSheet:
    """Write all heads, the date and one hash over both to a new file outside the ledger.

    Raises AlreadyExists, BadInput for a place that cannot be written, StoreError when it is full.
    """
    now = office.now()
    with office.database.read(snapshot=True) as session:
        rows = heads(session)
    lines = [f"billdesk checkpoint 1 {ledger_id} {format_instant(now)}"]
    lines += [f"{wallet} {seq} {head.hex()}" for wallet, seq, head in rows]
    body = "\n".join(lines) + "\n"
    digest = sha256(body.encode()).hexdigest()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}", "choose a place") from error
    with new_file(path) as stream:
        stream.write(f"{body}sealed {digest}\n")
    if not office.database.read_only:
        with office.database.write() as session:
            office.audit(
                session, now=now, action="ledger.seal", summary=f"checkpoint {digest[:16]}",
                data={"wallets": len(rows), "hash": digest},
            )  # fmt: skip
    entries = sum(seq for _, seq, _ in rows)
    return CheckpointSheet(str(path), now, len(rows), entries, digest)


def read_checkpoint(path: Path) -> Checkpoint:
    """A sealed checkpoint. Raises NotFound, BadInput when it is broken or its seal does not fit."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(
            f"there is no checkpoint at {path}", "make one with billdesk seal"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read", "give the path of a checkpoint") from error
    body, separator, seal_line = text.rpartition("sealed ")
    heading = body.partition("\n")[0].split(" ")
    if not separator or heading[:3] != ["billdesk", "checkpoint", "1"] or len(heading) != 5:
        raise BadInput(f"{path} is not a checkpoint", "give the file that billdesk seal wrote")
    if sha256(body.encode()).hexdigest() != seal_line.strip():
        raise BadInput(f"the seal of {path} is broken", "use another copy of the checkpoint")
    wallets = {}
    for line in body.splitlines()[1:]:
        wallet, seq, head = line.split(" ")
        wallets[wallet] = Sealed(int(seq), bytes.fromhex(head))
    return Checkpoint(heading[3], parse_instant(heading[4]), wallets, seal_line.strip())


def verify(
    office: Office, ledger_id: str, checkpoint: Path | None, on_progress: Progress | None
) -> VerifySheet:
    """Follow every chain, count every balance anew, and hold the sealed checkpoint against them.

    Raises NotFound and BadInput for the checkpoint, StoreError kinds.
    """
    with office.database.read(snapshot=True) as session:
        return prove(session, ledger_id, checkpoint, on_progress)


def prove(
    session: Session, ledger_id: str, checkpoint: Path | None, on_progress: Progress | None
) -> VerifySheet:
    """The same in a snapshot or an open block, such as that in which a ledger is made anew."""
    sealed = read_checkpoint(checkpoint) if checkpoint is not None else None
    if sealed is not None and sealed.ledger_id != ledger_id:
        raise BadInput("this checkpoint belongs to another ledger", "give this ledger's own")
    total = session.one("SELECT coalesce(max(number), 0) FROM entry") or (0,)

    def on_entry(done: int) -> None:
        if on_progress is not None:
            on_progress(done, max(total[0], done))

    check = follow_chains(session, sealed.wallets if sealed else {}, on_entry)
    miscounted = recount(session)
    findings = [
        *check.findings,
        *miscounted,
        *check_holds(session),
        *check_lots(session),
        *check_usage(session),
    ]
    # Where every wallet is the sum of its entries the trial balance agrees; to sort is dear.
    for sheet in trial_balance(session) if miscounted else ():
        if sheet.difference.minor:
            text = f"wallets and counterparties differ by {sheet.difference}"
            findings.append(FindingSheet("trial balance", None, None, None, text))
    on_entry(check.entries)
    return VerifySheet(
        ok=not findings,
        wallets=check.wallets,
        entries=check.entries,
        findings=tuple(findings),
        unproven=() if sealed else (_NO_CHECKPOINT,),
        checkpoint_at=sealed.sealed_at if sealed else None,
        erased_texts=check.erased_texts,
    )


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint in a folder, by name."""
    return max(folder.glob("*.checkpoint"), default=None) if folder.is_dir() else None
