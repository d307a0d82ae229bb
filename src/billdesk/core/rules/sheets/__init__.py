"""What the doors receive: frozen, finished answers. A door paints or prints them, no more.

Named tuples: as many frozen dataclasses would cost every start of a shell command 15 ms more. For the
same reason a file of sheets is only imported when one of its sheets is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the names once more, for the type checker alone
    from billdesk.core.rules.sheets.connections import *  # noqa: F403
    from billdesk.core.rules.sheets.credits import *  # noqa: F403
    from billdesk.core.rules.sheets.desk import *  # noqa: F403
    from billdesk.core.rules.sheets.gateways import *  # noqa: F403
    from billdesk.core.rules.sheets.invoices import *  # noqa: F403
    from billdesk.core.rules.sheets.ledger import *  # noqa: F403
    from billdesk.core.rules.sheets.mirrors import *  # noqa: F403
    from billdesk.core.rules.sheets.plans import *  # noqa: F403
    from billdesk.core.rules.sheets.usage import *  # noqa: F403

_SHEETS = {
    "connections": ("ConnectionSheet DisconnectionSheet NeedsSheet RightSheet SecretSheet"),
    "credits": ("CreditsSheet LotSheet LotUseSheet PackOfferSheet PackRefundSheet PurchaseSheet"),
    "desk": (
        "AttentionSheet BalanceRowSheet CheckpointSheet DaySheet DoctorSheet ExportSheet "
        "FindingSheet ImportSheet IncidentSheet LedgerSheet MoveSheet OverviewSheet ReasonSheet "
        "RowError StandingSheet TickSheet TimelineSheet VerifySheet"
    ),
    "gateways": (
        "CardRefundSheet DisputeSheet FactSheet GapSheet GatewaySheet HostedPageSheet "
        "IntakeSheet MethodSheet PaymentSheet ReconcileItemSheet ReconcileSheet "
        "ReconcileTotalSheet WatchSheet"
    ),
    "invoices": (
        "InvoiceAuditSheet InvoiceDetailSheet InvoiceLineSheet InvoiceSheet PartySheet "
        "PdfSheet PreparedSheet TaxTotalSheet"
    ),
    "ledger": (
        "AccountSheet AuditSheet BalanceSheet ChargeSheet CounterpartySheet EntryFilter "
        "EntrySheet FreezeSheet HoldSheet MatchSheet Page PostingSheet TrialBalanceSheet "
        "WalletSheet"
    ),
    "mirrors": "SentInvoiceSheet",
    "plans": (
        "CatalogChangeSheet CatalogDiffSheet CatalogMistakeSheet ChangePreviewSheet "
        "CompanySheet MeterSheet PackSheet PeriodSheet PlanMeterSheet PlanPriceSheet PlanSheet "
        "ScheduleSheet SubscriptionChangeSheet SubscriptionSheet TaxSheet"
    ),
    "usage": (
        "BudgetSheet ForecastSheet IngestSheet MeterUseSheet UsageAlertSheet UsageDaySheet "
        "UsageEventSheet UsageLineSheet UsageRunSheet"
    ),
}
_PLACE_OF = {name: place for place, names in _SHEETS.items() for name in names.split()}

if not TYPE_CHECKING:  # it would take every name, right or wrong

    def __getattr__(name: str) -> object:
        """The sheet with that name, from its file."""
        place = _PLACE_OF.get(name)
        if place is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        sheet = globals()[name] = getattr(import_module(f"{__name__}.{place}"), name)
        return sheet
