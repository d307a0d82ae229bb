"""Packs of credits: buying them, and giving back what is not used. Each has an invoice and a lot."""

from __future__ import annotations

from datetime import datetime, timedelta

from billdesk.core.operations.credits.granting import grant_lot
from billdesk.core.operations.invoices.closing import void_invoice
from billdesk.core.operations.invoices.correcting import credit_invoice
from billdesk.core.operations.invoices.issuing import issue, locked, pay_from_wallet, tax_for
from billdesk.core.operations.ledger.burning import take_from_lot
from billdesk.core.operations.ledger.expiring import takeable, unheld_lots
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.collecting import collect_invoice, try_to_collect
from billdesk.core.operations.payments.paying import gateway_of_method
from billdesk.core.rules.catalog import Pack
from billdesk.core.rules.invoices import InvoiceDraft, InvoiceRecord, LineDraft
from billdesk.core.rules.ledger import CASH, CREDITS
from billdesk.core.rules.lots import Lot
from billdesk.core.rules.packs import PAID_BY, STATUSES, Purchase, refund_minor, why_not_for
from billdesk.core.rules.sheets import (
    AccountSheet,
    PackOfferSheet,
    PackRefundSheet,
    Page,
    PurchaseSheet,
)
from billdesk.core.rules.subscriptions import RUNNING
from billdesk.core.rules.tax import tax_line
from billdesk.core.rules.watches import NOTHING_SAVED
from billdesk.core.store import invoices as invoice_store
from billdesk.core.store import packs as store
from billdesk.core.store.catalogs import catalog_now, pack_version
from billdesk.core.store.methods import method_in_role
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.store.subscriptions import live_subscriptions
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.cursors import read_id_cursor
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    Broken,
    NotFound,
    ReferenceReused,
    Refused,
)
from billdesk.core.values.ids import is_id
from billdesk.core.values.money import CREDIT, Money, format_minor
from billdesk.core.values.text import check_memo, check_word


def pack_paid(office: Office, session: Session, invoice_id: str, now: datetime) -> None:
    """The invoice of a pack is paid: its credits come, in the same write block."""
    invoice, purchase = _of_invoice(session, invoice_id)
    pack = _version(session, purchase)
    lot = grant_lot(
        office,
        session,
        purchase.account_id,
        purchase.credits,
        source="pack",
        about=purchase.id,
        now=now,
        expires_at=_expires_at(pack, now),
        reference=f"pack:{purchase.id}",
        paid=Money(invoice.paid_minor, invoice.asset) if invoice.paid_minor else None,
    )
    done = purchase._replace(status="completed", invoice_id=invoice_id, lot_id=lot.id)
    _save(session, done, now)


def pack_failed(office: Office, session: Session, invoice_id: str, now: datetime) -> None:
    """The invoice of a pack comes to nothing: so does the purchase, in the same write block."""
    invoice, purchase = _of_invoice(session, invoice_id)
    why = invoice.detail or f"{invoice.name} came to nothing"
    _save(session, purchase._replace(status="failed", invoice_id=invoice_id, detail=why), now)
    office.audit(
        session,
        now=now,
        action="pack.fail",
        summary=f"{purchase.pack_code}: {why}",
        account_id=purchase.account_id,
        data={"purchase": purchase.id},
    )


class Packs:
    """`desk.packs`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def offers(self, account: str) -> tuple[PackOfferSheet, ...]:
        """Every pack that is sold now, as this account could buy it. Raises NotFound."""
        with self._office.database.read() as session:
            found = self._office.account(session, account)
            packs = catalog_now(session).packs.values()
            return tuple(
                self._offer(session, found, pack)
                for pack in sorted(packs, key=lambda pack: (pack.credits, pack.code))
            )

    def buy(
        self,
        account: str,
        pack: str,
        *,
        paid_by: str = "wallet",
        id: str | None = None,
    ) -> PurchaseSheet:
        """Buy a pack: its invoice is issued, and its credits come when that is paid.

        `wallet` pays at once; `gateway` charges the account's default method, and fails when that is
        declined (inside a transaction the next poll asks); `invoice` leaves it open. `id`, made by the
        caller (`pur_…`), lets a purchase be repeated safely: the same gives the first. Raises BadInput,
        NotFound, Refused when it is not for this account, InsufficientFunds, WalletFrozen,
        AccountClosed, ReferenceReused, GatewayError kinds, ReadOnly.
        """
        office = self._office
        now = office.now()
        if paid_by not in PAID_BY:
            raise BadInput(f"{paid_by[:20]!r} is no way to pay", f"one of {', '.join(PAID_BY)}")
        if id is not None and not is_id(id, "pur"):
            raise BadInput(f"{id[:40]!r} is not the id of a purchase", "pur_ and 26 letters")
        purchase_id = id or office.ids.make("pur", now)
        try:
            with office.database.write() as session:
                first = self._first(session, purchase_id, account, pack, paid_by)
                if first is None:
                    invoice_id = self._issue(session, purchase_id, account, pack, paid_by, now)
                    if paid_by == "wallet":
                        pay_from_wallet(office, session, invoice_id, now)
                else:
                    invoice_id = first.invoice_id or ""
        except KeyTaken:  # by the same purchase in another process: now it is there
            return self.buy(account, pack, paid_by=paid_by, id=purchase_id)
        if paid_by == "gateway" and (first is None or first.status == "pending"):
            self._collect(invoice_id, now)
        return self.get(purchase_id)._replace(replayed=first is not None)

    def preview_refund(self, purchase_id: str) -> PackRefundSheet:
        """What giving a pack back would do now. Raises NotFound."""
        office = self._office
        with office.database.read() as session:
            purchase = _named(session, purchase_id)
            wallet = wallet_state(session, purchase.account_id, CREDITS, CREDIT)
            held = wallet.held_minor if wallet else 0
            unused = _unused(purchase, unheld_lots(session, purchase.account_id, held))
            invoice = invoice_store.record_by_id(session, purchase.invoice_id or "")
        sheet = self.get(purchase_id)
        minor = refund_minor(invoice.paid_minor if invoice else 0, unused, purchase.credits)
        return PackRefundSheet(
            purchase_id=purchase_id,
            account_ref=sheet.account_ref,
            pack_name=sheet.pack_name,
            credits=purchase.credits,
            unused=unused,
            amount=Money(minor, purchase.asset),
            why_not=_why_not(purchase, unused, minor),
        )

    def refund(self, purchase_id: str, *, memo: str) -> PurchaseSheet:
        """Give a pack back, once: the credits of it that are neither used nor held, for their share.

        That is the share of what was paid, rounded down to the minor unit; a credit note on the pack's
        invoice brings it to the wallet. `memo` says why in 10 to 500 characters. Raises BadInput,
        NotFound, Refused when it is not paid, given back already, or nothing of it is left; ReadOnly.
        """
        office = self._office
        now = office.now()
        note = check_memo(memo)
        with office.database.write() as session:
            invoice = locked(session, _named(session, purchase_id).invoice_id or "")
            purchase = _named(session, purchase_id)
            lots = takeable(session, purchase.account_id)
            unused = _unused(purchase, lots)
            minor = refund_minor(invoice.paid_minor, unused, purchase.credits)
            why_not = _why_not(purchase, unused, minor)
            if why_not:
                raise Refused(why_not, "see billdesk pack purchases")
            credit_invoice(
                *(office, session, invoice.id, now),
                memo=note, amount_minor=minor, reference=f"pack_refund:{purchase.id}",
            )  # fmt: skip
            lot = next(lot for lot, _ in lots if lot.id == purchase.lot_id)
            take_from_lot(
                office, session, purchase.account_id, lot, unused, kind="pack_refund", now=now
            )
            refunded_minor = purchase.refunded_minor + minor
            changed = purchase._replace(
                status="refunded", refunded_minor=refunded_minor, detail=note
            )
            _save(session, changed, now)
        return self.get(purchase_id)

    def get(self, purchase_id: str) -> PurchaseSheet:
        """One purchase. Raises NotFound."""
        with self._office.database.read() as session:
            sheet = store.purchase_sheet(session, purchase_id)
        if sheet is None:
            raise _unknown(purchase_id)
        return sheet

    def list(
        self,
        account: str | None = None,
        *,
        status: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[PurchaseSheet]:
        """Purchases, the newest first. Raises BadInput, NotFound for the account."""
        check_limit(limit)
        check_word(status, "status", STATUSES)
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id if account else None
            rows = store.list_purchases(
                session,
                account_id=account_id,
                status=status,
                after=read_id_cursor(after, "pur"),
                limit=limit,
            )
        return Page(tuple(rows), rows[-1].id if len(rows) == limit else None)

    def _first(
        self, session: Session, purchase_id: str, account: str, pack: str, paid_by: str
    ) -> PurchaseSheet | None:
        """What this id bought already, if it is the same."""
        known = store.purchase_by_id(session, purchase_id)
        if known is None:
            return None
        account_id = self._office.account(session, account).id
        if (known.account_id, known.pack_code, known.paid_by) != (account_id, pack, paid_by):
            raise ReferenceReused(
                f"{purchase_id} bought something else", "make a new id for a new purchase"
            )
        return self.get(purchase_id)

    def _issue(
        self,
        session: Session,
        purchase_id: str,
        account: str,
        code: str,
        paid_by: str,
        now: datetime,
    ) -> str:
        """Write down the purchase and issue its invoice; the invoice's id."""
        office = self._office
        found = office.account(session, account)
        pack = self._sold(session, found, code)
        if paid_by == "gateway":
            method = method_in_role(session, found.id, "default")
            if method is None:
                raise Refused(NOTHING_SAVED, "have one saved first: billdesk method add")
            gateway_of_method(office, method)
        at = to_micros(now)
        store.add_purchase(
            session,
            Purchase(
                id=purchase_id,
                account_id=found.id,
                pack_code=pack.code,
                pack_version=pack.version,
                status="pending",
                credits=pack.credits,
                asset=pack.asset,
                price_minor=pack.price_minor,
                refunded_minor=0,
                paid_by=paid_by,
                invoice_id=None,
                lot_id=None,
                detail="",
                actor=office.actor,
                created_at=at,
                changed_at=at,
            ),
        )
        draft = _invoice_of(session, purchase_id, found.id, pack)
        invoice = issue(office, session, draft, now)
        # Read again: an invoice of nothing is paid already, and the credits have come.
        _save(session, _named(session, purchase_id)._replace(invoice_id=invoice.id), now)
        return invoice.id

    def _sold(self, session: Session, account: AccountSheet, code: str) -> Pack:
        """A pack that the account may buy. Raises NotFound, AccountClosed, Refused."""
        pack = catalog_now(session).packs.get(code)
        if pack is None:
            raise NotFound(f"no pack {code[:40]!r} is sold", "see billdesk pack list")
        offer = self._offer(session, account, pack)
        if offer.why_not:
            kind = AccountClosed if account.status != "open" else Refused
            raise kind(f"{pack.name} cannot be bought: {offer.why_not}", "see billdesk pack list")
        return pack

    def _collect(self, invoice_id: str, now: datetime) -> None:
        """Charge the default method for a pack; what is declined is not left owing.

        While the outcome is unknown, the purchase is pending: the next poll finds out. Inside a block no
        gateway is asked: the next poll does that, too.
        """
        office = self._office
        if office.database.in_block():
            collect_invoice(office, invoice_id, now)
            return
        why = try_to_collect(office, invoice_id, now)
        with office.database.write() as session:
            invoice = locked(session, invoice_id)
            payments = invoice_store.payments_of(session, invoice_id)
            if invoice.status == "open" and "pending" not in {status for _, status in payments}:
                void_invoice(office, session, invoice_id, why, now)

    def _offer(self, session: Session, account: AccountSheet, pack: Pack) -> PackOfferSheet:
        plans = [
            each.plan_code
            for each in live_subscriptions(session, account.id)
            if each.status in RUNNING
        ]
        wallet = wallet_state(session, account.id, CASH, pack.asset)
        usable = 0
        if wallet is not None:
            usable = wallet.balance_minor - wallet.held_minor - (wallet.floor_minor or 0)
        taxed = tax_line(pack.price_minor, tax_for(session, account.id, pack.tax_code))
        status = account.status
        return PackOfferSheet(
            code=pack.code,
            name=pack.name,
            credits=pack.credits,
            price=Money(pack.price_minor, pack.asset),
            tax=Money(taxed.tax_minor, pack.asset),
            total=Money(taxed.net_minor + taxed.tax_minor, pack.asset),
            expires_at=_expires_at(pack, self._office.now()),
            available=Money(usable, pack.asset),
            why_not=f"the account is {status}" if status != "open" else why_not_for(pack, plans),
        )


def _unused(purchase: Purchase, lots: list[tuple[Lot, int]]) -> int:
    """How much of a pack's lot is neither used nor held."""
    return next((free for lot, free in lots if lot.id == purchase.lot_id), 0)


def _why_not(purchase: Purchase, unused: int, minor: int) -> str:
    """Why a pack cannot be given back; empty when it can."""
    if purchase.status == "refunded":
        return "the pack was given back already"
    if purchase.status != "completed":
        return f"the purchase is {purchase.status}"
    if unused == 0:
        return "all of its credits are used, held or gone"
    return "" if minor else "what is left of it comes to nothing"


def _named(session: Session, purchase_id: str) -> Purchase:
    purchase = store.purchase_by_id(session, purchase_id)
    if purchase is None:
        raise _unknown(purchase_id)
    return purchase


def _unknown(purchase_id: str) -> NotFound:
    return NotFound(f"there is no purchase {purchase_id[:64]!r}", "see billdesk pack purchases")


def _of_invoice(session: Session, invoice_id: str) -> tuple[InvoiceRecord, Purchase]:
    invoice = invoice_store.record_by_id(session, invoice_id)
    if invoice is None:
        raise Broken("an invoice that was just changed is not there")
    return invoice, _named(session, invoice.about or "")


def _expires_at(pack: Pack, now: datetime) -> datetime | None:
    """When credits of a pack that is paid now are gone: whole days later, to the second."""
    return None if pack.expires_days is None else now + timedelta(days=pack.expires_days)


def _version(session: Session, purchase: Purchase) -> Pack:
    pack = pack_version(session, purchase.pack_code, purchase.pack_version)
    if pack is None:
        raise Broken(f"the pack of {purchase.id} is not there")
    return pack


def _save(session: Session, purchase: Purchase, now: datetime) -> None:
    """Write back a purchase of which some fields were changed."""
    store.save_purchase(session, purchase._replace(changed_at=to_micros(now)))


def _invoice_of(session: Session, purchase_id: str, account_id: str, pack: Pack) -> InvoiceDraft:
    line = LineDraft(
        pack.name,
        pack.price_minor,
        unit_price=format_minor(pack.price_minor, pack.asset),
        tax=tax_for(session, account_id, pack.tax_code),
        revenue=f"revenue:pack:{pack.code}",
    )
    return InvoiceDraft(account_id, pack.asset, (line,), "pack", f"pack:{purchase_id}", purchase_id)
