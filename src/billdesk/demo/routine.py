"""Business as usual: what the invented customers use in a quarter of a day, and who runs low.

Everything follows from the number of the quarter and the wallets as they are.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from billdesk.core.desk import ChargeRequest
from billdesk.core.rules.sheets import WalletSheet
from billdesk.core.values.money import CREDIT, Money, exponent_of
from billdesk.demo.cast import CAST, Member

QUARTER = timedelta(hours=6)
CREDITS = "300 CREDIT"
SEED = "billdesk demo"

_FEW_CREDITS = 20
_FIRST_LEAD = 1000
_LEADS_PER_QUARTER = 100
_PLACES = ("Leeds", "York", "Porto", "Lyon", "Kraków", "Halifax", "Cork", "Hobart", "İzmir", "Győr")

# What 1.00 USD is worth in the smallest units of another asset, roughly.
_MINOR_PER_DOLLAR = {"USD": 100, "EUR": 90, "JPY": 150, "KWD": 310}

# How busy the hours of a day are, in UTC: the customers live all around the world.
_BUSY_PERCENT = (60, 130, 140, 70)

Purse = tuple[Member, WalletSheet]
UseEvent = tuple[str, str, str, str, datetime]

# What a usual month brings, per meter: impressions, calls, gigabytes.
_USE_A_MONTH = {
    "pixel-forge": (10_600_000, 940_000, 520),
    "beacon-ads": (1_350_000, 98_000, 41),
    "cloudberry": (820_000, 93_000, 61),
    "stadtwerk": (71_000_000, 9_100_000, 3_300),
}
_QUARTERS_A_MONTH = 120


class Delivery(NamedTuple):
    """What a customer got: its price, what it says on the entry, and who earned it."""

    amount: Money
    subject: str
    counterparty: str


_MEMBERS = {member.ref: member for member in CAST if member.pace}


def lead_reference(quarter: int, place: int) -> str:
    """The reference of a quarter's charge; that of place 0 shows that the quarter was lived."""
    return f"lead:{_FIRST_LEAD + quarter * _LEADS_PER_QUARTER + place}"


def purse(wallet: WalletSheet) -> Purse | None:
    """A wallet that routine business runs on, with its member; None for any other."""
    member = _MEMBERS.get(wallet.account_ref)
    usable = wallet.account_status == "open" and not wallet.freezes
    if member is None or not usable or wallet.purpose == "receivable":
        return None
    return member, wallet


def top_ups(quarter: int, purses: list[Purse]) -> list[tuple[str, Money]]:
    """Who pays in because little is left, and how much."""
    chance = random.Random(f"{SEED} top-ups {quarter}")
    wanted = []
    for member, wallet in purses:
        unit_minor = 10 ** exponent_of(wallet.asset)
        if (
            wallet.asset == member.asset
            and wallet.available.minor < member.top_up * unit_minor // 5
        ):
            units = member.top_up * chance.choice((2, 2, 3, 4)) // 2
            wanted.append((member.ref, Money(units * unit_minor, wallet.asset)))
    return wanted


def without_credits(purses: list[Purse]) -> list[str]:
    """Who has used up the credits."""
    return [
        member.ref
        for member, wallet in purses
        if wallet.asset == CREDIT and wallet.available.minor < _FEW_CREDITS
    ]


def orders(
    quarter: int, begins_at: datetime, purses: list[Purse]
) -> list[tuple[datetime, ChargeRequest]]:
    """What is charged in a quarter that begins at `begins_at`, and when, in that order.

    Nobody is charged more than is available.
    """
    chance = random.Random(f"{SEED} orders {quarter}")
    busy_percent = _BUSY_PERCENT[begins_at.hour // 6]
    wanted = [
        (begins_at + chance.random() * QUARTER, member, wallet)
        for member, wallet in purses
        for _ in range(_count(member.pace * busy_percent, chance))
    ]
    wanted.sort(key=lambda order: order[0])
    return list(_affordable(quarter, wanted[:_LEADS_PER_QUARTER], chance))


def use(quarter: int, begins_at: datetime) -> list[UseEvent]:
    """What the programs of customers on metered plans report in a quarter of a day."""
    chance = random.Random(f"{SEED} use {quarter}")
    busy_percent = _BUSY_PERCENT[begins_at.hour // 6]
    events = []
    for ref, usual in _USE_A_MONTH.items():
        at = begins_at + chance.random() * QUARTER
        for meter, a_month in zip(("impressions", "calls", "transfer"), usual, strict=True):
            thousandths = a_month * 10 * busy_percent * chance.randint(70, 130)
            amount = thousandths // (_QUARTERS_A_MONTH * 100)
            quantity = (
                f"{amount // 1000}.{amount % 1000:03}"
                if meter == "transfer"
                else str(amount // 1000)
            )
            events.append((ref, meter, quantity, f"use:{quarter}:{ref}:{meter}", at))
    return events


def delivery(member: Member, asset: str, lead: int, chance: random.Random) -> Delivery:
    """Something a customer gets: a lead mostly, sometimes messages, a call or photo checks."""
    if asset == CREDIT:
        checks = chance.randint(1, 6)
        subject = f"{checks} photo check{'s' * (checks > 1)} for lead {lead}"
        return Delivery(Money(checks, CREDIT), subject, "revenue:checks")
    kind = chance.choices(("lead", "messages", "calls"), (12, 3, 3))[0]
    if kind == "lead":
        cents = chance.randrange(1200, 4800, 50)
        subject = f"lead {lead} · {member.job} {chance.choice((member.city, *_PLACES))}"
    elif kind == "messages":
        count = chance.choice((20, 50, 100, 120))
        cents, subject = 7 * count, f"{count} text messages about {member.job}"
    else:
        minutes = chance.randint(2, 28)
        cents, subject = 19 * minutes, f"call of {minutes} min about lead {lead}"
    minor = cents * _MINOR_PER_DOLLAR[asset] // 100
    return Delivery(Money(minor, asset), subject, f"revenue:{kind}")


def room_minor(wallet: WalletSheet) -> int:
    """How much can still be charged: what is available above the floor."""
    return wallet.available.minor - (wallet.floor.minor if wallet.floor else 0)


def _count(percent_of_day: int, chance: random.Random) -> int:
    """How many charges fall into a quarter of a day, so that the average comes out right."""
    whole, rest = divmod(percent_of_day, 400)
    return whole + (chance.randrange(400) < rest)


def _affordable(
    quarter: int, wanted: list[tuple[datetime, Member, WalletSheet]], chance: random.Random
) -> Iterator[tuple[datetime, ChargeRequest]]:
    left_minor = {wallet.id: room_minor(wallet) for _, _, wallet in wanted}
    place = 0
    for happened_at, member, wallet in wanted:
        lead = _FIRST_LEAD + quarter * _LEADS_PER_QUARTER + place
        goods = delivery(member, wallet.asset, lead, chance)
        if goods.amount.minor <= left_minor[wallet.id]:
            left_minor[wallet.id] -= goods.amount.minor
            order = ChargeRequest(
                member.ref,
                goods.amount,
                lead_reference(quarter, place),
                subject=goods.subject,
                to=goods.counterparty,
                happened_at=happened_at,
            )
            yield happened_at, order
            place += 1
