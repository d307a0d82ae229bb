"""Amounts as Stripe counts them: whole numbers, in units that are mostly but not always ISO 4217's.

See docs.stripe.com/currencies. ISK and UGX have no decimals but are sent as if they had two; MGA is
sent without its two; amounts with three decimals must end in zero. Nothing is ever rounded.
"""

from __future__ import annotations

from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import CREDIT, EXPONENTS, Money, check_minor

_WITHOUT_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD JOD KWD OMR TND".split())
_SENT_WITH_TWO = frozenset("ISK UGX".split())


def stripe_amount(money: Money) -> int:
    """The whole number that Stripe wants for `money`.

    Raises GatewayError for what Stripe cannot be asked for exactly.
    """
    asset, theirs = money.asset, _exponent(money.asset)
    ours = EXPONENTS.get(asset)
    if asset == CREDIT or ours is None or (theirs == 2 != ours and asset not in _SENT_WITH_TWO):
        raise GatewayError(f"Stripe takes no {asset}", "ask for a currency it takes")
    if money.minor <= 0:
        raise GatewayError(f"Stripe takes no {money}", "ask for more than zero")
    amount, rest = divmod(money.minor * int(10**theirs), int(10**ours))
    if rest or (asset in _THREE_DECIMALS and amount % 10):
        raise GatewayError(f"Stripe cannot take {money}: too fine", "ask for a rounder amount")
    return amount


def money_of(amount: int, currency: str) -> Money:
    """What `amount` of Stripe's `currency` is. Raises ValueError if it is no whole minor unit."""
    asset = currency.upper()
    theirs = _exponent(asset)
    minor, rest = divmod(amount * 10 ** EXPONENTS.get(asset, theirs), 10**theirs)
    if rest:
        raise ValueError(f"{amount} {asset} is finer than {asset} goes")
    return Money(check_minor(minor), asset)


def kept_fee(fee: int, currency: str) -> Money | None:
    """A fee; None where it is finer than the currency goes, and only the balance can tell."""
    try:
        return money_of(fee, currency)
    except ValueError:
        return None


def _exponent(asset: str) -> int:
    if asset in _WITHOUT_DECIMALS:
        return 0
    return 3 if asset in _THREE_DECIMALS else 2
