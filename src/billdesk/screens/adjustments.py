"""Adjustments: money or credits given or taken by hand, each with its reason."""

from __future__ import annotations

from billdesk.screens.corrections import CorrectionsScreen


class AdjustmentsScreen(CorrectionsScreen):
    """All manual credits and debits."""

    place = "adjustments"
    heading = "Adjustments"
    kinds = ("manual_credit", "manual_debit", "reversal")
    empty = (
        "No adjustments yet.\nOpen an account (^k finds it) and press A to credit or debit it:\n"
        "it takes a reason, and a review before anything is posted."
    )
