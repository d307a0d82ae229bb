"""The books of a pretended Stripe: its objects, what customers and banks do, and the events of it.

Nothing here knows the desk. Names that begin with an underscore are never shown. Where the official
sample objects lie in `BILLDESK_SPECS`, every object has all the fields that they have.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from billdesk.core.values.clock import EPOCH, Clock

JSON = dict[str, Any]

ACCOUNT = "acct_1Billdesk"
DAY_SECONDS = 86_400
_ALL_HAVE = {"livemode": False, "metadata": {}}
_LACKS = {
    "balance_transaction": {"livemode", "metadata"},
    "event": {"metadata"},
    "refund": {"livemode"},
}
DECLINED = "Your card was declined."


class Refusal(Exception):
    """Stripe says no: a status, and the fields of the error."""

    def __init__(self, status: int, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        fields.setdefault("type", "invalid_request_error")
        self.body = {"error": {"message": message, **fields}}


@functools.cache
def _samples() -> dict[str, JSON]:
    folder = os.environ.get("BILLDESK_SPECS")
    if not folder:
        return {}
    path = Path(folder) / "stripe" / "fixtures3-2026-08.json"
    resources: dict[str, JSON] = json.loads(path.read_text())["resources"]
    return resources


def sample(kind: str) -> JSON:
    """The official sample of an object, with its made-up inner objects emptied."""
    fields = copy.deepcopy(_samples().get(kind, {}))
    return {
        name: None if isinstance(value, dict) and name != "metadata" else value
        for name, value in fields.items()
    }


class StripeBooks:
    """Everything that this Stripe knows, by id, the oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.objects: dict[str, JSON] = {}
        self.effects: list[tuple[str, str, int]] = []
        self.late_by_seconds = 0
        self.skew_seconds = 0

    def now(self) -> int:
        return int((self._clock.now() - EPOCH).total_seconds()) + self.skew_seconds

    def of(self, kind: str) -> list[JSON]:
        """All objects of a kind, the newest first."""
        return [thing for thing in reversed(self.objects.values()) if thing["object"] == kind]

    def get(self, object_id: Any, kind: str | None = None) -> JSON:
        thing = self.objects.get(str(object_id))
        if thing is None or (kind and thing["object"] != kind):
            raise Refusal(404, f"No such {kind}: '{object_id}'", code="resource_missing")
        return thing

    def make(self, prefix: str, kind: str, **fields: Any) -> JSON:
        number = hashlib.sha256(f"{kind}/{len(self.objects)}".encode()).hexdigest()[:24]
        thing = {
            **sample(kind),
            "id": f"{prefix}_{number}",
            "object": kind,
            "created": self.now(),
            **{
                name: copy.copy(_ALL_HAVE[name])
                for name in _ALL_HAVE.keys() - _LACKS.get(kind, set())
            },
            **fields,
        }
        self.objects[thing["id"]] = thing
        return thing

    def tell(self, event_type: str, thing: JSON, **snapshot: Any) -> JSON:
        """Something happened to an object: an event shows it as it is now."""
        return self.make(
            "evt",
            "event",
            type=event_type,
            api_version="2026-10-28.endive",
            data={"object": {**shown(thing), **snapshot}},
            pending_webhooks=0,
            request=None,
            _visible_at=self.now() + self.late_by_seconds,
        )

    # --- what is asked for -----------------------------------------------------------------------

    def open_session(self, params: JSON) -> JSON:
        mode = params["mode"]
        lines = params.get("line_items", [])
        prices = [line["price_data"] for line in lines]
        if params.get("customer"):
            self.get(params["customer"], "customer")
        session = self.make(
            "cs_test",
            "checkout.session",
            mode=mode,
            status="open",
            payment_status="unpaid" if mode == "payment" else "no_payment_required",
            amount_total=sum(price["unit_amount"] for price in prices) if lines else None,
            currency=prices[0]["currency"] if lines else None,
            client_reference_id=params.get("client_reference_id"),
            metadata=params.get("metadata", {}),
            customer=params.get("customer"),
            customer_email=params.get("customer_email"),
            customer_creation=params.get("customer_creation"),
            payment_intent=None,
            setup_intent=None,
            payment_link=None,
            expires_at=self.now() + DAY_SECONDS,
            _intent_data=params.get("payment_intent_data", {}),
            _asked=params,
        )
        session["url"] = f"https://checkout.stripe.test/c/pay/{session['id']}"
        return session

    def make_intent(self, params: JSON) -> JSON:
        self.get(params["customer"], "customer")
        used = self.get(params["payment_method"], "payment_method")
        if used["customer"] != params["customer"]:
            raise Refusal(400, "The payment method does not belong to the customer.")
        intent = self._intent(params["amount"], params["currency"], params, used["id"])
        outcome = used.get("_outcome", "pays")
        if outcome == "slow":
            intent["status"] = "processing"
        elif outcome == "asks":
            intent["status"] = "requires_action"
        elif outcome == "pays":
            self._take(intent)
        else:
            self._refuse(intent, outcome)
            error = dict(intent["last_payment_error"])
            raise Refusal(402, error.pop("message"), **error, payment_intent=shown(intent))
        return intent

    def make_refund(self, params: JSON) -> JSON:
        intent = self.get(params["payment_intent"], "payment_intent")
        charge = self.objects.get(intent["latest_charge"] or "", {})
        left = charge.get("amount", 0) - charge.get("amount_refunded", 0)
        amount = params.get("amount", left)
        if amount > left or charge.get("status") != "succeeded":
            raise Refusal(
                400, f"Refund amount ({amount}) is greater than unrefunded amount ({left})"
            )
        return self._give_back(charge, amount, params.get("metadata", {}))

    def make_customer(self, params: JSON) -> JSON:
        fields = {name: params.get(name) for name in ("name", "email")}
        return self.make("cus", "customer", metadata=params.get("metadata", {}), **fields)

    def detach(self, method_id: str) -> JSON:
        used = self.get(method_id, "payment_method")
        if used["customer"] is None:
            raise Refusal(400, "The payment method you provided is not attached to a customer.")
        used["customer"] = None
        return used

    # --- what customers and banks do ------------------------------------------------------------

    def pay(self, session_id: str) -> JSON:
        """The customer pays at once."""
        session = self.get(session_id, "checkout.session")
        intent = self._intent_of(session)
        self._take(intent)
        session |= {"status": "complete", "payment_status": "paid", "url": None}
        self.tell("checkout.session.completed", session)
        return intent

    def pay_slowly(self, session_id: str) -> JSON:
        """The customer is done, the bank is not."""
        session = self.get(session_id, "checkout.session")
        intent = self._intent_of(session)
        intent["status"] = "processing"
        session |= {"status": "complete", "url": None}
        self.tell("checkout.session.completed", session)
        return intent

    def arrive(self, session_id: str) -> None:
        session = self.get(session_id, "checkout.session")
        self._take(self._intent_of(session))
        session["payment_status"] = "paid"
        self.tell("checkout.session.async_payment_succeeded", session)

    def bounce(self, session_id: str) -> None:
        session = self.get(session_id, "checkout.session")
        self._refuse(self._intent_of(session), "insufficient_funds")
        self.tell("checkout.session.async_payment_failed", session)

    def decline(self, session_id: str, code: str = "card_declined") -> JSON:
        intent = self._intent_of(self.get(session_id, "checkout.session"))
        self._refuse(intent, code)
        return intent

    def expire(self, session_id: str) -> None:
        session = self.get(session_id, "checkout.session")
        session |= {"status": "expired", "url": None}
        self.tell("checkout.session.expired", session)

    def refund_outside(self, intent_id: str, amount: int) -> JSON:
        intent = self.get(intent_id, "payment_intent")
        return self._give_back(self.get(intent["latest_charge"]), amount, {})

    def fail_refund(self, refund_id: str) -> None:
        """The bank sends a refund back."""
        refund = self.get(refund_id, "refund")
        refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
        self.get(refund["charge"])["amount_refunded"] -= refund["amount"]
        self._book(refund, refund["amount"], 0, "refund_failure")
        self.tell("refund.failed", refund)

    def dispute(self, intent_id: str, amount: int) -> JSON:
        intent = self.get(intent_id, "payment_intent")
        charge = self.get(intent["latest_charge"])
        charge["disputed"] = True
        dispute = self.make(
            "dp",
            "dispute",
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent_id,
            reason="fraudulent",
            status="needs_response",
            balance_transactions=[],
        )
        line = self._book(dispute, -amount, 1500, "adjustment")
        dispute["balance_transactions"].append(line)
        self.effects.append(("dispute", dispute["id"], amount))
        self.tell("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        dispute = self.get(dispute_id, "dispute")
        dispute["status"] = "won" if won else "lost"
        if won:
            self._book(dispute, dispute["amount"], 0, "adjustment")
        self.tell("charge.dispute.closed", dispute)

    def save_method(self, customer_id: str, outcome: str = "pays") -> JSON:
        """A customer saved a method on a page of Stripe's: an open one of theirs, if there is."""
        card = {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2028}
        used = self.make(
            "pm",
            "payment_method",
            customer=customer_id,
            _outcome=outcome,
            type="card",
            card=card,
        )
        pages = [
            session
            for session in self.of("checkout.session")
            if (session["mode"], session["status"]) == ("setup", "open")
            and session["customer"] == customer_id
        ]
        session = pages[0] if pages else self.open_session({"mode": "setup"})
        session |= {
            "status": "complete",
            "customer": customer_id,
            "setup_intent": self.make(
                "seti", "setup_intent", status="succeeded", payment_method=used["id"]
            )["id"],
        }
        self.tell("checkout.session.completed", session)
        return used

    # --- inside -----------------------------------------------------------------------------------

    def _intent(self, amount: int, currency: str, data: JSON, used: str | None) -> JSON:
        return self.make(
            "pi",
            "payment_intent",
            amount=amount,
            amount_received=0,
            currency=currency,
            customer=data.get("customer"),
            payment_method=used,
            metadata=data.get("metadata", {}),
            setup_future_usage=data.get("setup_future_usage"),
            description=data.get("description"),
            client_secret="pi_secret_never_shown",
            latest_charge=None,
            last_payment_error=None,
            status="requires_payment_method",
        )

    def _intent_of(self, session: JSON) -> JSON:
        """The payment intent of a session, made when somebody first tries to pay."""
        if session["payment_intent"] is None:
            if session["customer"] is None and session["customer_creation"] == "always":
                session["customer"] = self.make_customer({"email": session["customer_email"]})["id"]
            data = {**session["_intent_data"], "customer": session["customer"]}
            card = {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2028}
            keeps = data.get("setup_future_usage") == "off_session"
            used = self.make(
                "pm",
                "payment_method",
                type="card",
                card=card,
                customer=session["customer"] if keeps else None,
            )
            intent = self._intent(session["amount_total"], session["currency"], data, used["id"])
            session["payment_intent"] = intent["id"]
        return self.get(session["payment_intent"])

    def _charge(self, intent: JSON, **fields: Any) -> JSON:
        charge = self.make(
            "ch",
            "charge",
            amount=intent["amount"],
            currency=intent["currency"],
            customer=intent["customer"],
            metadata=dict(intent["metadata"]),
            payment_intent=intent["id"],
            amount_refunded=0,
            refunded=False,
            disputed=False,
            balance_transaction=None,
            **fields,
        )
        intent["latest_charge"] = charge["id"]
        return charge

    def _take(self, intent: JSON) -> None:
        amount = intent["amount"]
        charge = self._charge(intent, status="succeeded", paid=True)
        fee = min(amount, (amount * 290 + 5000) // 10_000 + 30)
        self._book(charge, amount, fee, "charge")
        intent |= {"status": "succeeded", "amount_received": amount, "last_payment_error": None}
        known_by = str(intent["metadata"].get("billdesk_payment", intent["id"]))
        self.effects.append(("payment", known_by, amount))
        self.tell("charge.succeeded", charge)
        self.tell("payment_intent.succeeded", intent)

    def _refuse(self, intent: JSON, code: str) -> None:
        """A bank says no; without a charge where it did not come to one."""
        reached = code != "authentication_required"
        charge = self._charge(intent, status="failed", paid=False) if reached else None
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {
            "type": "card_error",
            "code": code,
            "message": DECLINED,
            "payment_method": shown(self.get(intent["payment_method"])),
            **({"charge": charge["id"]} if charge else {}),
        }
        self.tell("payment_intent.payment_failed", intent)

    def _give_back(self, charge: JSON, amount: int, metadata: JSON) -> JSON:
        refund = self.make(
            "re",
            "refund",
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
            metadata=metadata,
            status="succeeded",
        )
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._book(refund, -amount, 0, "refund")
        known_by = str(metadata.get("billdesk_refund", refund["id"]))
        self.effects.append(("refund", known_by, amount))
        self.tell("charge.refunded", charge)
        self.tell("refund.created", refund)
        return refund

    def _book(self, source: JSON, amount: int, fee: int, kind: str) -> JSON:
        line = self.make(
            "txn",
            "balance_transaction",
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=source["currency"],
            source=source["id"],
            type=kind,
            status="available",
        )
        if source["object"] != "dispute":
            source["balance_transaction"] = line["id"]
        return line


def shown(thing: JSON) -> JSON:
    """An object as the world sees it."""
    return {name: copy.deepcopy(value) for name, value in thing.items() if not name.startswith("_")}
