"""Every command by name: where it is, what it does in a line, and whether it changes anything.

The help page, the completion and the table in the documentation are made from this list, so none of
them has to import a command.
"""

from __future__ import annotations

from typing import NamedTuple

DESK = "Desk"
ACCOUNTS = "Accounts"
MONEY = "Money"
WALLETS = "Wallets"
GATEWAYS = "Gateways"
PLANS = "Plans and credits"
BILLING = "Usage and invoices"
RECORDS = "Records"
CHECKING = "Checking"
KEEPING = "Keeping"


class Entry(NamedTuple):
    """One command: `words` as typed, `place` as module and function, `acts` if it writes."""

    words: str
    place: str
    panel: str
    summary: str
    acts: bool = False


NOUNS = {
    "account": "Add, list, show, suspend, reopen or close an account.",
    "gateway": "Connect, check, list or remove gateways.",
    "method": "Have ways to pay saved, rank them, remove one.",
    "topup": "Top a wallet up by itself when it runs low.",
    "alert": "Have it told when a wallet runs low.",
    "reconcile": "Compare our records with a gateway's own books.",
    "catalog": "Check, compare, apply or show what is sold.",
    "plan": "List plans, or show one.",
    "credits": "Show credits, give some, list lots and what they paid for.",
    "pack": "List, buy or give back packs of credits.",
    "subscription": "Put accounts on plans, change, pause or end that.",
    "credit-note": "Credit invoices, and list what was credited.",
    "usage": "Record usage, show it, its forecast, budget and alerts.",
    "usage-run": "Bill what was used: preview, run, resume, list, show.",
    "invoice": "Draft, issue, collect, print or correct invoices.",
    "import": "Bring in accounts or entries from a CSV file.",
}
"""Words that only come with a second one, and what the pairs do."""

CATALOGUE = (
    Entry("demo", "demo:demo", DESK, "Play with a whole desk that runs by itself."),
    Entry("init", "keeping:init", DESK, "Make a new, empty ledger.", acts=True),
    Entry("overview", "overview:overview", DESK, "The desk at a glance: money and what needs you."),
    Entry("acct", "opening:acct", DESK, "Open the desk straight on an account."),
    Entry("account add", "accounts:add", ACCOUNTS, "Open an account.", acts=True),
    Entry("account list", "accounts:list_accounts", ACCOUNTS, "List accounts."),
    Entry("account show", "accounts:show", ACCOUNTS, "Show an account with its wallets."),
    Entry("account suspend", "accounts:suspend", ACCOUNTS, "Stop new business.", acts=True),
    Entry("account reopen", "accounts:reopen", ACCOUNTS, "Allow business again.", acts=True),
    Entry("account close", "accounts:close", ACCOUNTS, "Close an empty account.", acts=True),
    Entry(
        "account gateway",
        "connections:account_gateway",
        ACCOUNTS,
        "Say by which gateway one pays.",
        acts=True,
    ),
    Entry(
        "account party", "parties:party", ACCOUNTS, "Show or say who one is on paper.", acts=True
    ),
    Entry("find", "accounts:find", ACCOUNTS, "Find accounts by anything known of them."),
    Entry("why", "standing:why", ACCOUNTS, "Say whether an account may run, and why not."),
    Entry("may-run", "standing:may_run", ACCOUNTS, "Answer by exit code whether one may run."),
    Entry("incident", "standing:incident", ACCOUNTS, "Everything about one account, newest first."),
    Entry("charge", "charges:charge", MONEY, "Take money for something.", acts=True),
    Entry("charge-many", "charges:charge_many", MONEY, "Charge from JSON lines.", acts=True),
    Entry("refund", "refunds:refund", MONEY, "Give a charge back, once.", acts=True),
    Entry("refunds", "refunds:refunds", MONEY, "List refunds."),
    Entry("reverse", "reversals:reverse", MONEY, "Undo a posting by its counterpart.", acts=True),
    Entry("hold", "holds:hold", MONEY, "Set money aside.", acts=True),
    Entry("capture", "holds:capture", MONEY, "Take what a hold set aside.", acts=True),
    Entry("release", "holds:release", MONEY, "Free what a hold set aside.", acts=True),
    Entry("holds", "holds:holds", MONEY, "List holds, or show one."),
    Entry("adjust", "adjustments:adjust", MONEY, "Credit or debit by hand.", acts=True),
    Entry("adjustments", "adjustments:adjustments", MONEY, "List credits and debits by hand."),
    Entry("balance", "wallets:balance", WALLETS, "What an account has, now or at a past moment."),
    Entry("balances", "wallets:balances", WALLETS, "Every wallet with its standing."),
    Entry("freeze", "wallets:freeze", WALLETS, "Refuse debits until lifted.", acts=True),
    Entry("unfreeze", "wallets:unfreeze", WALLETS, "Lift a freeze.", acts=True),
    Entry("floor", "wallets:floor", WALLETS, "Say how low a wallet may go.", acts=True),
    Entry("alert set", "watches:set_alert", WALLETS, "Have it told when one runs low.", acts=True),
    Entry("alert clear", "watches:clear_alert", WALLETS, "Have it told no more.", acts=True),
    Entry("topup set", "watches:set_topup", WALLETS, "Top up by itself when low.", acts=True),
    Entry("topup stop", "watches:stop_topup", WALLETS, "Take nothing more by itself.", acts=True),
    Entry("topup resume", "watches:resume_topup", WALLETS, "Top up again after a stop.", acts=True),
    Entry("topup show", "watches:show", WALLETS, "List what is watched, or show one."),
    Entry("deposit", "payments:deposit", GATEWAYS, "Ask for money; prints the link.", acts=True),
    Entry("payments", "payments:payments", GATEWAYS, "List payments, or show one."),
    Entry("retry", "retries:retry", GATEWAYS, "Try a failed payment again.", acts=True),
    Entry("method list", "methods:list_methods", GATEWAYS, "List what an account has saved."),
    Entry("method show", "methods:show", GATEWAYS, "Show a saved method."),
    Entry("method add", "methods:add", GATEWAYS, "Have one saved; prints the page.", acts=True),
    Entry(
        "method refresh", "methods:refresh", GATEWAYS, "Ask the gateways what is saved.", acts=True
    ),
    Entry("method default", "methods:default", GATEWAYS, "Charge this one first.", acts=True),
    Entry("method backup", "methods:backup", GATEWAYS, "Charge this one second.", acts=True),
    Entry("method plain", "methods:plain", GATEWAYS, "Charge this one not by itself.", acts=True),
    Entry("method remove", "methods:remove", GATEWAYS, "Remove one, there too.", acts=True),
    Entry("facts", "gateways:facts", GATEWAYS, "List what gateways said happened."),
    Entry("gateway needs", "connections:needs", GATEWAYS, "Say which key and rights it takes."),
    Entry("gateway add", "connections:add", GATEWAYS, "Connect one; its key is tried.", acts=True),
    Entry("gateway check", "connections:check", GATEWAYS, "Try the keys again.", acts=True),
    Entry("gateway list", "gateways:list_gateways", GATEWAYS, "List gateways and their freshness."),
    Entry("gateway remove", "connections:remove", GATEWAYS, "Forget one and its key.", acts=True),
    Entry("poll", "gateways:poll", GATEWAYS, "Ask gateways what happened.", acts=True),
    Entry("sweep", "intake:sweep", GATEWAYS, "List everything at the gateways again.", acts=True),
    Entry("gaps", "intake:gaps", GATEWAYS, "List spans that no feed could tell."),
    Entry("intake", "intake:intake", GATEWAYS, "Take in a message of a gateway.", acts=True),
    Entry("replay", "intake:replay", GATEWAYS, "Try again everything that waits.", acts=True),
    Entry(
        "card-refund", "card_refunds:card_refund", GATEWAYS, "Send money back to a card.", acts=True
    ),
    Entry("card-refunds", "card_refunds:card_refunds", GATEWAYS, "List money that went back."),
    Entry("disputes", "card_refunds:disputes", GATEWAYS, "List contested payments."),
    Entry("catalog check", "catalog:check", PLANS, "Say what is wrong in a catalog file."),
    Entry("catalog diff", "catalog:diff", PLANS, "Say what a catalog file would change."),
    Entry("catalog apply", "catalog:apply", PLANS, "Sell what a catalog file says.", acts=True),
    Entry("catalog show", "catalog:show", PLANS, "Print the catalog file that was applied."),
    Entry("catalog list", "catalog:list_catalog", PLANS, "List meters, taxes and who sells."),
    Entry(
        "subscription sync",
        "mirrors:sync_subscription",
        PLANS,
        "Ask a gateway for one of its own.",
        acts=True,
    ),
    Entry("plan list", "catalog:list_plans", PLANS, "List plans with their prices."),
    Entry("plan show", "catalog:show_plan", PLANS, "Show a version of a plan."),
    Entry(
        "subscription create", "subscriptions:create", PLANS, "Put an account on a plan.", acts=True
    ),
    Entry("subscription preview", "subscriptions:preview", PLANS, "Say what a change would do."),
    Entry(
        "subscription change",
        "subscriptions:change",
        PLANS,
        "Change plan, schedule or quantity.",
        acts=True,
    ),
    Entry(
        "subscription unschedule",
        "subscriptions:unschedule",
        PLANS,
        "Drop the change that waits.",
        acts=True,
    ),
    Entry("subscription cancel", "subscriptions:cancel", PLANS, "End a subscription.", acts=True),
    Entry(
        "subscription reactivate",
        "subscriptions:reactivate",
        PLANS,
        "Let a canceled one go on.",
        acts=True,
    ),
    Entry(
        "subscription pause",
        "subscriptions:pause",
        PLANS,
        "Do not renew it for a while.",
        acts=True,
    ),
    Entry(
        "subscription resume", "subscriptions:resume", PLANS, "Let a paused one run on.", acts=True
    ),
    Entry(
        "subscription show", "subscriptions:show", PLANS, "Show one with its periods and changes."
    ),
    Entry(
        "subscription list",
        "subscriptions:list_subscriptions",
        PLANS,
        "List who is on which plan.",
    ),
    Entry("credits show", "credits:show", PLANS, "Show an account's credits."),
    Entry("credits grant", "credits:grant", PLANS, "Give credits.", acts=True),
    Entry("credits lots", "credits:lots", PLANS, "List lots, next to burn first."),
    Entry("credits uses", "credits:uses", PLANS, "List which lot paid for what."),
    Entry("credits expire", "credits:expire", PLANS, "Let lots past their day go.", acts=True),
    Entry("pack list", "packs:list_packs", PLANS, "List packs of credits."),
    Entry("pack buy", "packs:buy", PLANS, "Buy a pack of credits.", acts=True),
    Entry("pack refund", "packs:refund", PLANS, "Take an unused pack back.", acts=True),
    Entry("pack purchases", "packs:purchases", PLANS, "List packs that were bought."),
    Entry("usage record", "usage:record", BILLING, "Record one event of usage.", acts=True),
    Entry("usage ingest", "usage:ingest", BILLING, "Take in a file of usage.", acts=True),
    Entry("usage show", "usage:show", BILLING, "Show what is used of what is included."),
    Entry("usage forecast", "usage:forecast", BILLING, "Say where a meter will end."),
    Entry("usage budget", "usage:budget", BILLING, "Set or show what usage may cost.", acts=True),
    Entry("usage alerts", "usage:alerts", BILLING, "List thresholds that were crossed."),
    Entry("usage events", "usage:events", BILLING, "List events of usage, or show one."),
    Entry("usage-run preview", "usage_runs:preview", BILLING, "Say what a run would bill."),
    Entry(
        "usage-run run",
        "usage_runs:run",
        BILLING,
        "Bill the months of use that are over.",
        acts=True,
    ),
    Entry(
        "usage-run resume",
        "usage_runs:resume",
        BILLING,
        "Go on with a run that was stopped.",
        acts=True,
    ),
    Entry("usage-run list", "usage_runs:list_runs", BILLING, "List usage runs, newest first."),
    Entry("usage-run show", "usage_runs:show", BILLING, "Show what a run came to."),
    Entry("usage-run lines", "usage_runs:lines", BILLING, "List the lines of a run."),
    Entry("invoice draft", "invoices:draft", BILLING, "Begin an invoice.", acts=True),
    Entry("invoice add-line", "invoices:add_line", BILLING, "Add a line to a draft.", acts=True),
    Entry(
        "invoice remove-line",
        "invoices:remove_line",
        BILLING,
        "Take a line off a draft.",
        acts=True,
    ),
    Entry("invoice finalize", "invoices:finalize", BILLING, "Number a draft for good.", acts=True),
    Entry("invoice list", "invoices:list_invoices", BILLING, "List invoices and credit notes."),
    Entry("invoice show", "invoices:show", BILLING, "Show an invoice with its lines."),
    Entry("invoice pay", "invoice_money:pay", BILLING, "Pay one from the wallet.", acts=True),
    Entry(
        "invoice mark-paid",
        "invoice_money:mark_paid",
        BILLING,
        "Book that one was paid elsewhere.",
        acts=True,
    ),
    Entry(
        "invoice mark-failed",
        "invoice_money:mark_failed",
        BILLING,
        "Book that one could not be collected.",
        acts=True,
    ),
    Entry(
        "invoice collect",
        "invoice_money:collect",
        BILLING,
        "Charge one to what is saved.",
        acts=True,
    ),
    Entry(
        "invoice void", "invoice_money:void", BILLING, "Take one back that is not paid.", acts=True
    ),
    Entry("invoice write-off", "invoice_money:write_off", BILLING, "Give up on one.", acts=True),
    Entry("invoice audit", "invoices:audit", BILLING, "Prove numbers, digests and postings."),
    Entry("invoice send", "mirrors:send", BILLING, "Have a gateway send one.", acts=True),
    Entry(
        "invoice sync",
        "mirrors:sync_invoice",
        BILLING,
        "Ask a gateway for one of its own.",
        acts=True,
    ),
    Entry("invoice pdf", "pdfs:pdf", BILLING, "Save an invoice as a PDF."),
    Entry("invoice pdfs", "pdfs:pdfs", BILLING, "Draw every PDF that is not kept yet."),
    Entry(
        "credit-note create", "invoice_money:create_note", BILLING, "Credit an invoice.", acts=True
    ),
    Entry("credit-note list", "invoice_money:list_notes", BILLING, "List credit notes."),
    Entry("ledger", "ledger:ledger", RECORDS, "List entries, newest first."),
    Entry("posting", "ledger:posting", RECORDS, "Show one posting with its entries."),
    Entry("audit", "audit:audit", RECORDS, "List operations and refusals, by whom and when."),
    Entry("export", "export:export", RECORDS, "Write entries to a file for other programs."),
    Entry("import accounts", "imports:accounts", RECORDS, "Bring in customers.", acts=True),
    Entry("import entries", "imports:entries", RECORDS, "Bring in history.", acts=True),
    Entry("verify", "checking:verify", CHECKING, "Prove the ledger whole and unaltered."),
    Entry("seal", "checking:seal", CHECKING, "Write a checkpoint to keep elsewhere."),
    Entry("recount", "checking:recount", CHECKING, "Compare balances with the sum of entries."),
    Entry("trial-balance", "checking:trial_balance", CHECKING, "Both sides of every asset."),
    Entry("reconcile run", "reconcile:run", CHECKING, "Compare with a gateway's books.", acts=True),
    Entry("reconcile list", "reconcile:list_runs", CHECKING, "List comparisons, newest first."),
    Entry("reconcile show", "reconcile:show", CHECKING, "Show a comparison with its items."),
    Entry(
        "reconcile explain", "reconcile:explain", CHECKING, "Say why an item differs.", acts=True
    ),
    Entry("reconcile export", "reconcile:export", CHECKING, "Write a comparison to a file."),
    Entry("doctor", "checking:doctor", CHECKING, "Check the installation and say what to do."),
    Entry("tick", "ticking:tick", KEEPING, "Do everything that is due, once.", acts=True),
    Entry("watch", "ticking:watch", KEEPING, "Do what is due, again and again.", acts=True),
    Entry("backup", "keeping:backup", KEEPING, "Copy the ledger while it is in use."),
    Entry("restore", "keeping:restore", KEEPING, "Make a ledger from a backup.", acts=True),
    Entry("migrate", "keeping:migrate", KEEPING, "Bring an older ledger up to date.", acts=True),
    Entry("move", "keeping:move", KEEPING, "Move the ledger to the other database.", acts=True),
    Entry("grant", "keeping:grant", KEEPING, "Let a Postgres login in.", acts=True),
)
"""In the order of the help page."""

PANELS = (DESK, ACCOUNTS, MONEY, WALLETS, GATEWAYS, PLANS, BILLING, RECORDS, CHECKING, KEEPING)


_LONGEST_WORD = max(len(entry.words.split()[0]) for entry in CATALOGUE)


def entry_of(words: str) -> Entry | None:
    """The command typed as `words`, if there is one."""
    return next((entry for entry in CATALOGUE if entry.words == words), None)


def rows_of(panel: str) -> list[tuple[str, str]]:
    """A panel of the help page: what to type and what it does; a noun stands for its verbs."""
    first = dict.fromkeys(entry.words.split()[0] for entry in CATALOGUE if entry.panel == panel)
    summaries = {entry.words: entry.summary for entry in CATALOGUE} | NOUNS
    return [(f"{word:<{_LONGEST_WORD}}", summaries[word]) for word in first]
