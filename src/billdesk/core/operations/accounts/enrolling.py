"""Accounts and their wallets: adding, suspending and closing, freezing, floors."""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.ledger.booking import free_overdue
from billdesk.core.operations.ledger.reading import balance, check_limit
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import purpose_of
from billdesk.core.rules.sheets import (
    AccountSheet,
    BalanceRowSheet,
    BalanceSheet,
    FreezeSheet,
    MatchSheet,
    Page,
    WalletSheet,
)
from billdesk.core.store import accounts as store
from billdesk.core.store.questions import SORTS, STANDINGS, balance_rows
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    Broken,
    FloorInUse,
    NotFound,
    Refused,
)
from billdesk.core.values.ids import check_account_ref
from billdesk.core.values.money import Money, exponent_of, parse_money
from billdesk.core.values.text import (
    NAME_LENGTH,
    check_memo,
    check_optional_text,
    check_text,
    check_word,
)

HOUSE = "house"
"""The desk's own account: fees, bank, tax."""

STATUSES = ("open", "suspended", "closed")


class Accounts:
    """`desk.accounts`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add(self, ref: str, *, name: str, email: str | None = None) -> AccountSheet:
        """Add an account; the same again gives the same account.

        Raises BadInput, AlreadyExists when the ref is taken by another.
        """
        office = self._office
        now = office.now()
        check_account_ref(ref)
        name = check_text(name, "name", NAME_LENGTH)
        if not name.strip():
            raise BadInput("the account has no name", "give the name that people know it by")
        email = check_email(email)
        try:
            with office.database.write() as session:
                account = store.find_account(session, ref)
                if account is None:
                    account_id = office.ids.make("acc", now)
                    store.add_account(
                        session, id=account_id, ref=ref, name=name, email=email, at=to_micros(now)
                    )
                    office.audit(
                        session, now=now, action="account.add", summary=f"{ref} · {name}",
                        account_id=account_id,
                    )  # fmt: skip
                    account = office.account(session, account_id)
        except KeyTaken:
            with office.database.read() as session:
                account = office.account(session, ref)
        if (account.name, account.email) != (name, email):
            raise AlreadyExists(f"there is an account {ref} already", "choose another ref")
        return account

    def get(self, ref: str) -> AccountSheet:
        """One account by ref or id. Raises NotFound."""
        with self._office.database.read() as session:
            return self._office.account(session, ref)

    def list(
        self,
        *,
        text: str | None = None,
        status: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[AccountSheet]:
        """Accounts by ref; `text` is looked for in ref, name and e-mail. Raises BadInput."""
        check_limit(limit)
        check_word(status, "status", STATUSES)
        with self._office.database.read() as session:
            rows = store.list_accounts(session, text=text, status=status, after=after, limit=limit)
        return Page(tuple(rows), rows[-1].ref if len(rows) == limit else None)

    def find(self, text: str, limit: int = 50) -> tuple[MatchSheet, ...]:
        """Accounts for a finder: by ref, id, e-mail, name, or by anything that belongs to one.

        Raises BadInput for the limit.
        """
        check_limit(limit)
        wanted = text.strip()
        if not wanted:
            return ()
        with self._office.database.read() as session:
            found = store.search_accounts(session, wanted, limit)
            owner = store.account_of_posting(session, wanted)
        if owner is not None:
            account, why = owner
            found = [
                MatchSheet(account, why),
                *(match for match in found if match.account != account),
            ]
        return tuple(found[:limit])

    def suspend(self, ref: str, *, memo: str) -> AccountSheet:
        """Take no new business from an account; money still arrives. Raises NotFound, Refused."""
        return self._set_status(ref, "suspended", "account.suspend", memo, ("open",))

    def reopen(self, ref: str, *, memo: str) -> AccountSheet:
        """Open a suspended or closed account again. Raises NotFound, Refused."""
        return self._set_status(ref, "open", "account.reopen", memo, ("suspended", "closed"))

    def close(self, ref: str, *, memo: str) -> AccountSheet:
        """Close an account whose wallets are empty. Raises NotFound, Refused."""
        return self._set_status(ref, "closed", "account.close", memo, ("open", "suspended"))

    def set_gateway(self, ref: str, name: str | None) -> AccountSheet:
        """Say which gateway an account pays by where none is named; None: the desk's.

        Raises NotFound for the account or the gateway, Refused for the house.
        """
        office = self._office
        now = office.now()
        if name is not None and name not in office.gateways:
            raise NotFound(f"there is no gateway {name[:40]!r}", "see billdesk gateway list")
        with office.database.write() as session:
            account = office.account(session, ref)
            if account.ref == HOUSE:
                raise Refused("the house account belongs to the desk", "name a customer's account")
            if account.gateway != name:
                store.set_gateway(session, account.id, name)
                office.audit(
                    session, now=now, action="account.gateway", summary=name or "the desk's",
                    account_id=account.id,
                )  # fmt: skip
            return office.account(session, account.id)

    def _set_status(
        self, ref: str, status: str, action: str, memo: str, before: tuple[str, ...]
    ) -> AccountSheet:
        office = self._office
        now = office.now()
        note = check_memo(memo)
        with office.database.write() as session:
            account = office.account(session, ref)
            if account.ref == HOUSE:
                raise Refused("the house account belongs to the desk", "name a customer's account")
            if account.status not in before:
                raise Refused(f"the account is {account.status}", "nothing was changed")
            if status == "closed":
                _check_empty(store.wallets_of(session, account.id, to_micros(now)))
            store.set_status(session, account.id, status, to_micros(now))
            office.audit(session, now=now, action=action, summary=note, account_id=account.id)
            return office.account(session, account.id)


def _check_empty(wallets: list[WalletSheet]) -> None:
    for wallet in wallets:
        if wallet.balance.minor or wallet.held.minor:
            raise Refused(
                f"the {wallet.purpose} wallet holds {wallet.balance}, {wallet.held} of it set aside",
                "refund, debit or release it first",
            )


def check_email(email: str | None) -> str | None:
    """An e-mail address that can be one. Raises BadInput."""
    text = check_optional_text(email, "e-mail", NAME_LENGTH)
    if text is None:
        return None
    name, at, domain = text.partition("@")
    printable = text.isprintable() and " " not in text
    if not (name and at and domain and "@" not in domain and printable):
        raise BadInput(f"{text[:60]!r} is not an e-mail address", "write it like ann@example.com")
    return text


class Wallets:
    """`desk.wallets`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def balance(
        self,
        ref: str,
        asset: str | None = None,
        *,
        at: datetime | None = None,
        effective: datetime | None = None,
    ) -> BalanceSheet:
        """A balance, in one indexed look-up; `at` by recorded, `effective` by happened time.

        Raises NotFound, BadInput.
        """
        return balance(self._office, ref, asset, at, effective)

    def list(self, ref: str) -> tuple[WalletSheet, ...]:
        """An account's wallets. Raises NotFound."""
        office = self._office
        with office.database.read() as session:
            account = office.account(session, ref)
            return tuple(store.wallets_of(session, account.id, to_micros(office.now())))

    def rows(
        self,
        *,
        sort: str = "ref",
        descending: bool = False,
        standing: str | None = None,
        text: str | None = None,
        asset: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[BalanceRowSheet]:
        """All wallets with their account's standing. Raises BadInput for an unknown sort or standing."""
        check_limit(limit)
        if sort not in SORTS:
            raise BadInput(f"cannot sort by {sort[:30]!r}", f"one of {', '.join(SORTS)}")
        check_word(standing, "standing", STANDINGS)
        offset = read_cursor(after) or 0
        with self._office.database.read() as session:
            rows = balance_rows(
                session,
                now=to_micros(self._office.now()),
                sort=sort,
                descending=descending,
                standing=standing,
                text=text,
                asset=asset,
                offset=offset,
                limit=limit,
            )
        return Page(tuple(rows), str(offset + limit) if len(rows) == limit else None)

    def freeze(
        self, ref: str, *, memo: str, cause: str = "operator", asset: str | None = None
    ) -> FreezeSheet:
        """Freeze a wallet (all of the account's when no asset is given): debits are refused.

        Raises BadInput, NotFound, Refused when this cause is open already.
        """
        office = self._office
        now = office.now()
        note, cause = check_memo(memo), _check_cause(cause)
        first = None
        try:
            with office.database.write() as session:
                account = office.account(session, ref)
                for wallet in self._wallets(session, account, asset, now):
                    freeze_id = office.ids.make("frz", now)
                    store.add_freeze(
                        session, id=freeze_id, wallet_number=wallet, cause=cause, memo=note,
                        set_by=office.actor, at=to_micros(now),
                    )  # fmt: skip
                    first = first or freeze_id
                office.audit(
                    session, now=now, action="wallet.freeze", summary=f"{cause}: {note}",
                    account_id=account.id, data={"asset": asset or "all"},
                )  # fmt: skip
                sheet = store.freeze_by_id(session, first or "")
        except KeyTaken as error:
            raise Refused(f"it is frozen already (cause {cause})", "unfreeze it first") from error
        if sheet is None:
            raise Broken("a freeze that was just made is not there")
        return sheet

    def unfreeze(
        self, ref: str, *, memo: str, cause: str = "operator", asset: str | None = None
    ) -> tuple[FreezeSheet, ...]:
        """Lift the open freezes of one cause; others stay. Raises BadInput, NotFound, Refused."""
        office = self._office
        now = office.now()
        note, cause = check_memo(memo), _check_cause(cause)
        with office.database.write() as session:
            account = office.account(session, ref)
            open_ones = [
                freeze
                for freeze in store.freezes_of(session, account.id, open_only=True)
                if freeze.cause == cause and asset in (None, freeze.asset)
            ]
            if not open_ones:
                raise Refused(f"nothing is frozen for the cause {cause}", "see billdesk why")
            for wallet in self._wallets(session, account, asset, now):
                store.lift_freezes(
                    session, wallet_number=wallet, cause=cause, memo=note,
                    lifted_by=office.actor, at=to_micros(now),
                )  # fmt: skip
            office.audit(
                session, now=now, action="wallet.unfreeze", summary=f"{cause}: {note}",
                account_id=account.id, data={"asset": asset or "all"},
            )  # fmt: skip
            lifted = [store.freeze_by_id(session, freeze.id) for freeze in open_ones]
        return tuple(sheet for sheet in lifted if sheet is not None)

    def set_floor(
        self, ref: str, floor: str | Money | None, *, memo: str, asset: str | None = None
    ) -> WalletSheet:
        """Say how low available may go: `0`, a negative credit limit, or None for no limit.

        Raises BadInput, NotFound, FloorInUse when more is used already.
        """
        office = self._office
        now = office.now()
        note = check_memo(memo)
        wanted = asset or (floor.asset if isinstance(floor, Money) else office.default_asset)
        money = _read_floor(floor, wanted)
        with office.database.write() as session:
            account = office.account(session, ref)
            number = self._wallet(session, account, wanted, now)
            free_overdue(office, session, number, now)
            if not store.set_floor(session, number, None if money is None else money.minor):
                raise FloorInUse(
                    f"the {wanted} wallet is used below {money} already", "choose a lower floor"
                )
            office.audit(
                session, now=now, action="wallet.floor", summary=f"{money or 'no floor'}: {note}",
                account_id=account.id, data={"asset": wanted},
            )  # fmt: skip
            wallets = store.wallets_of(session, account.id, to_micros(now))
        return next(
            wallet
            for wallet in wallets
            if wallet.asset == wanted and wallet.purpose == purpose_of(wanted)
        )

    def _wallets(
        self, session: Session, account: AccountSheet, asset: str | None, now: datetime
    ) -> tuple[int, ...]:
        """Wallet numbers of an account: of one asset, or all its own ones (one at least)."""
        if asset is not None:
            return (self._wallet(session, account, asset, now),)
        own = [
            wallet.asset
            for wallet in store.wallets_of(session, account.id, to_micros(now))
            if wallet.purpose != "receivable"
        ]
        assets = own or [self._office.default_asset]
        return tuple(self._wallet(session, account, each, now) for each in assets)

    def _wallet(self, session: Session, account: AccountSheet, asset: str, now: datetime) -> int:
        """The number of an account's wallet in an asset, locked; opened if it is not there."""
        exponent_of(asset)
        purpose = purpose_of(asset)
        store.open_wallet(
            session, id=self._office.ids.make("wal", now), account_id=account.id,
            purpose=purpose, asset=asset, floor_minor=0,
        )  # fmt: skip
        state = wallet_state(session, account.id, purpose, asset, lock=True)
        if state is None:
            raise Broken("a wallet that was just opened is not there")
        return state.number


def _check_cause(cause: str) -> str:
    if not (cause.isascii() and cause.replace("_", "").isalnum() and len(cause) <= 40):
        raise BadInput(f"{cause[:40]!r} cannot be a cause", "a word such as operator or dispute")
    return cause


def _read_floor(floor: str | Money | None, asset: str) -> Money | None:
    if floor is None or isinstance(floor, Money):
        money = floor
    elif floor.startswith("-"):
        money = parse_money(floor[1:], asset).negated()
    else:
        money = parse_money(floor, asset)
    if money is not None and money.asset != asset:
        raise BadInput(f"the floor is in {money.asset}, the wallet in {asset}", "use one asset")
    if money is not None and money.minor > 0:
        raise BadInput(f"a floor of {money} would lock money in", "0, or a negative credit limit")
    return money
