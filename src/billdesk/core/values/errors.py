"""Every error a door can meet, in one tree.

    BilldeskError                 message, hint, code, exit status; may be shown to a user as it is
    ├── Refused                   a rule said no; nothing was changed and the user can act on it
    │   ├── BadInput              what was given cannot be read: amount, reference, memo, time …
    │   ├── InsufficientFunds     available would fall below the wallet's floor
    │   ├── WalletFrozen          debits and new holds are refused while a freeze is open
    │   ├── AccountClosed         closed or suspended accounts take no new business
    │   ├── ReferenceReused       the same reference came with other content
    │   ├── AlreadyExists         a name that must be unique is taken
    │   ├── AlreadyCorrected      a charge is refunded or reversed once only
    │   ├── HoldNotOpen           a hold is resolved once only
    │   ├── FloorInUse            a floor cannot be raised above what is already used
    │   ├── AtWork                another usage run is at work
    │   ├── ReadOnly              this desk was opened to look, not to touch
    │   └── NotAllowed            the login lacks the right
    ├── NotFound                  no such account, charge, hold …
    ├── GatewayError              a payment gateway said no or said nothing
    │   ├── GatewayUnreachable    outcome unknown: the intent stays open until a poll finds out
    │   ├── GatewayBusy           it asks to be left alone for a while, and did nothing
    │   ├── KeyRefused            the key is wrong, was taken back or lacks a right
    │   │   └── KeyNotHere        this machine has no key, or another one's; others may have it
    │   └── NotOffered            this gateway does not have that feature
    ├── ControlError              a service could not be told what to do
    └── StoreError                the database could not be read or written
        ├── StoreBusy             somebody else held the write lock past the deadline
        ├── StoreFull             no space left; nothing of the act was kept
        ├── NotALedger            the file or database holds something else, or is damaged
        ├── SchemaMismatch        written by another version of billdesk
        └── StoreGone             the connection to the database broke

`Broken` stands outside: an invariant of our own failed. Nobody catches it.
"""

from __future__ import annotations

__all__ = [
    "AccountClosed",
    "AlreadyCorrected",
    "AlreadyExists",
    "AtWork",
    "BadInput",
    "BilldeskError",
    "Broken",
    "ControlError",
    "FloorInUse",
    "GatewayBusy",
    "GatewayError",
    "GatewayUnreachable",
    "HoldNotOpen",
    "InsufficientFunds",
    "KeyNotHere",
    "KeyRefused",
    "NotALedger",
    "NotAllowed",
    "NotFound",
    "NotOffered",
    "ReadOnly",
    "ReferenceReused",
    "Refused",
    "SchemaMismatch",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreGone",
    "WalletFrozen",
]


class BilldeskError(Exception):
    """What went wrong, in a sentence, and what would be right.

    `message` and `hint` are plain text without secrets; `code` is stable and machine readable;
    `exit_status` is what the command line ends with; `retry` says that the same call may work later.
    """

    code = "error"
    exit_status = 1
    retry = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Refused(BilldeskError):
    """A rule said no; nothing was changed."""

    code = "refused"
    exit_status = 3


class BadInput(Refused):
    """What was given cannot be read."""

    code = "bad_input"
    exit_status = 2


class InsufficientFunds(Refused):
    """Available would fall below the wallet's floor."""

    code = "insufficient_funds"
    retry = True


class WalletFrozen(Refused):
    """Debits and new holds are refused while a freeze is open."""

    code = "wallet_frozen"
    retry = True


class AccountClosed(Refused):
    """Closed or suspended accounts take no new business."""

    code = "account_closed"


class ReferenceReused(Refused):
    """The same reference came with other content."""

    code = "reference_reused"


class AlreadyExists(Refused):
    """A name that must be unique is taken."""

    code = "already_exists"


class AlreadyCorrected(Refused):
    """A charge is refunded or reversed once only."""

    code = "already_corrected"


class HoldNotOpen(Refused):
    """A hold is resolved once only."""

    code = "hold_not_open"


class FloorInUse(Refused):
    """A floor cannot be raised above what is already used."""

    code = "floor_in_use"


class AtWork(Refused):
    """Another usage run is at work; it can be tried again when that is done."""

    code = "at_work"
    retry = True


class ReadOnly(Refused):
    """This desk was opened to look, not to touch."""

    code = "read_only"


class NotAllowed(Refused):
    """The login lacks the right."""

    code = "not_allowed"


class NotFound(BilldeskError):
    """There is no such account, charge, hold."""

    code = "not_found"
    exit_status = 4


class GatewayError(BilldeskError):
    """A payment gateway said no or said nothing."""

    code = "gateway_error"
    exit_status = 5


class GatewayUnreachable(GatewayError):
    """Outcome unknown: the intent stays open until a poll finds out."""

    code = "gateway_unreachable"
    retry = True


class GatewayBusy(GatewayError):
    """It asks to be left alone for `retry_after_seconds`, and did nothing."""

    code = "gateway_busy"
    retry = True

    def __init__(self, message: str, hint: str = "", *, retry_after_seconds: float = 60) -> None:
        super().__init__(message, hint)
        self.retry_after_seconds = retry_after_seconds


class KeyRefused(GatewayError):
    """The key of a gateway is wrong, was taken back or lacks a right."""

    code = "key_refused"


class KeyNotHere(KeyRefused):
    """This machine has no key of a gateway, or not the right one; another machine may have it."""

    code = "key_not_here"


class NotOffered(GatewayError):
    """This gateway does not have that feature."""

    code = "not_offered"


class ControlError(BilldeskError):
    """A service could not be told what to do."""

    code = "control_error"
    exit_status = 5
    retry = True


class StoreError(BilldeskError):
    """The database could not be read or written."""

    code = "store_error"
    exit_status = 6


class StoreBusy(StoreError):
    """Somebody else held the write lock past the deadline."""

    code = "store_busy"
    retry = True


class StoreFull(StoreError):
    """No space left; nothing of the act was kept."""

    code = "store_full"
    retry = True


class NotALedger(StoreError):
    """The file or database holds something else, or is damaged."""

    code = "not_a_ledger"


class SchemaMismatch(StoreError):
    """Written by another version of billdesk."""

    code = "schema_mismatch"


class StoreGone(StoreError):
    """The connection to the database broke."""

    code = "store_gone"
    retry = True


class Broken(Exception):
    """An invariant of our own failed: a bug, never a user's mistake."""
