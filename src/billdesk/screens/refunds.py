"""Refunds: charges that were given back, each at most once."""

from __future__ import annotations

from billdesk.screens.corrections import CorrectionsScreen


class RefundsScreen(CorrectionsScreen):
    """All refunds."""

    place = "refunds"
    heading = "Refunds"
    kinds = ("refund",)
    empty = (
        "No refunds yet.\nGo to a charge in the ledger (3) or on an account (^k), and press R:\n"
        "a review shows what will happen before anything does."
    )
