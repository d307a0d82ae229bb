"""Python verbs, commands and documentation say the same."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

from billdesk.cli.catalogue import CATALOGUE
from billdesk.cli.commands import load
from billdesk.core import desk as core
from docs import commands as reference
from tests.cli.conftest import Shell

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]

# Every public verb of the desk, and the command that does the same.
COMMANDS = {
    "accounts.add": "account add",
    "accounts.close": "account close",
    "accounts.find": "find",
    "accounts.get": "account show",
    "accounts.list": "account list",
    "accounts.reopen": "account reopen",
    "accounts.set_gateway": "account gateway",
    "accounts.suspend": "account suspend",
    "adjustments.credit": "adjust",
    "adjustments.debit": "adjust",
    "adjustments.list": "adjustments",
    "audit.list": "audit",
    "backup": "backup",
    "card_refunds.create": "card-refund",
    "card_refunds.list": "card-refunds",
    "catalog.apply": "catalog apply",
    "catalog.check": "catalog check",
    "catalog.company": "catalog list",
    "catalog.diff": "catalog diff",
    "catalog.meters": "catalog list",
    "catalog.packs": "catalog list",
    "catalog.plan": "plan show",
    "catalog.plans": "plan list",
    "catalog.schedules": "catalog list",
    "catalog.source": "catalog show",
    "catalog.taxes": "catalog list",
    "charges.create": "charge",
    "charges.create_many": "charge-many",
    "credits.expire_due": "credits expire",
    "credits.get": "credits show",
    "credits.grant": "credits grant",
    "credits.lots": "credits lots",
    "credits.uses": "credits uses",
    "credit_notes.create": "credit-note create",
    "credit_notes.list": "credit-note list",
    "deposits.start": "deposit",
    "disputes.list": "disputes",
    "doctor": "doctor",
    "export_entries": "export",
    "facts.list": "facts",
    "facts.replay": "replay",
    "gateways.add": "gateway add",
    "gateways.check": "gateway check",
    "gateways.gaps": "gaps",
    "gateways.list": "gateway list",
    "gateways.needs": "gateway needs",
    "gateways.poll": "poll",
    "gateways.remove": "gateway remove",
    "gateways.sweep": "sweep",
    "gateways.take": "intake",
    "holds.capture": "capture",
    "holds.expire_due": "tick",
    "holds.get": "holds",
    "holds.list": "holds",
    "holds.place": "hold",
    "holds.release": "release",
    "imports.accounts": "import accounts",
    "imports.entries": "import entries",
    "incident": "incident",
    "invoices.add_line": "invoice add-line",
    "invoices.audit": "invoice audit",
    "invoices.collect": "invoice collect",
    "invoices.detail": "invoice show",
    "invoices.draft": "invoice draft",
    "invoices.finalize": "invoice finalize",
    "invoices.get": "invoice show",
    "invoices.list": "invoice list",
    "invoices.mark_failed": "invoice mark-failed",
    "invoices.mark_paid": "invoice mark-paid",
    "invoices.pay": "invoice pay",
    "invoices.remove_line": "invoice remove-line",
    "invoices.void": "invoice void",
    "invoices.write_off": "invoice write-off",
    "ledger.entries": "ledger",
    "ledger.posting": "posting",
    "ledger.recount": "recount",
    "ledger.trial_balance": "trial-balance",
    "mirrors.send_invoice": "invoice send",
    "mirrors.sync_invoice": "invoice sync",
    "mirrors.sync_subscription": "subscription sync",
    "methods.get": "method show",
    "methods.list": "method list",
    "methods.page": "method add",
    "methods.refresh": "method refresh",
    "methods.remove": "method remove",
    "methods.set_role": "method default",
    "move": "move",
    "overview": "overview",
    "packs.buy": "pack buy",
    "packs.list": "pack purchases",
    "packs.offers": "pack list",
    "packs.preview_refund": "pack refund",
    "packs.refund": "pack refund",
    "parties.get": "account party",
    "parties.set": "account party",
    "pdfs.prepare_many": "invoice pdfs",
    "pdfs.save": "invoice pdf",
    "pdfs.show": "invoice pdf",
    "payments.get": "payments",
    "payments.list": "payments",
    "payments.retry": "retry",
    "preview_move": "move",
    "reconcile.explain": "reconcile explain",
    "reconcile.export": "reconcile export",
    "reconcile.get": "reconcile show",
    "reconcile.items": "reconcile show",
    "reconcile.list": "reconcile list",
    "reconcile.run": "reconcile run",
    "refunds.create": "refund",
    "refunds.list": "refunds",
    "reversals.create": "reverse",
    "seal": "seal",
    "standing.may_run": "may-run",
    "standing.why": "why",
    "subscriptions.cancel": "subscription cancel",
    "subscriptions.change": "subscription change",
    "subscriptions.changes": "subscription show",
    "subscriptions.create": "subscription create",
    "subscriptions.get": "subscription show",
    "subscriptions.list": "subscription list",
    "subscriptions.pause": "subscription pause",
    "subscriptions.periods": "subscription show",
    "subscriptions.preview": "subscription preview",
    "subscriptions.preview_cancel": "subscription preview",
    "subscriptions.preview_create": "subscription create",
    "subscriptions.reactivate": "subscription reactivate",
    "subscriptions.resume": "subscription resume",
    "subscriptions.unschedule": "subscription unschedule",
    "tick": "tick",
    "usage.alerts": "usage alerts",
    "usage.budget": "usage budget",
    "usage.event": "usage events",
    "usage.events": "usage events",
    "usage.forecast": "usage forecast",
    "usage.ingest": "usage ingest",
    "usage.overview": "usage show",
    "usage.period": "usage show",
    "usage.record": "usage record",
    "usage.set_budget": "usage budget",
    "usage_runs.get": "usage-run show",
    "usage_runs.lines": "usage-run lines",
    "usage_runs.list": "usage-run list",
    "usage_runs.preview": "usage-run preview",
    "usage_runs.preview_lines": "usage-run preview",
    "usage_runs.resume": "usage-run resume",
    "usage_runs.run": "usage-run run",
    "verify": "verify",
    "wallets.balance": "balance",
    "wallets.freeze": "freeze",
    "wallets.list": "account show",
    "wallets.rows": "balances",
    "wallets.set_floor": "floor",
    "wallets.unfreeze": "unfreeze",
    "watches.get": "topup show",
    "watches.list": "topup show",
    "watches.resume_topup": "topup resume",
    "watches.set_alert": "alert set",
    "watches.set_topup": "topup set",
    "watches.stop_topup": "topup stop",
    # Functions of the module.
    "create_ledger": "init",
    "grant": "grant",
    "migrate": "migrate",
    "restore": "restore",
}

PYTHON_ONLY = {
    "default_paths": "what is the default is what a command uses",
    "card_refunds.get": "the list has all there is of each",
    "catalog.current": "`catalog list` and `plan list` have it in words",
    "close": "a process ends by itself",
    "credits.capture": "`capture`, in credits",
    "credits.deduct": "`charge`, in credits",
    "credits.has_enough": "`may-run --needs '5 CREDIT'` says why not, too",
    "credits.lot": "the list has all there is of each",
    "credits.release": "`release`, in credits",
    "credits.reserve": "`hold`, in credits",
    "gateways.follow": "what is opened afresh knows what others connected",
    "ledger.pulse": "the desk asks it every second whether to look again",
    "ledger.view": "windowed reading for a screen; `ledger --after` pages",
    "now": "a process is over before it could be asked twice",
    "open_desk": "every command opens the desk",
    "packs.get": "the list has all there is of each",
    "rehearsal": "a process has nobody who looks before it is rolled back",
    "transaction": "joins statements of the caller's own program",
    "usage.record_many": "`usage ingest -` takes them in as lines",
}

SHELL_ONLY = {
    "acct": "opens the terminal door",
    "alert clear": "`watches.set_alert` without an amount",
    "demo": "opens the terminal door",
    "method backup": "`methods.set_role` with another role",
    "method plain": "`methods.set_role` without a role",
    "watch": "ticks in a loop; a program loops by itself",
}


# What the terminal does by another verb, which does the same or more.
OTHERWISE_AT_THE_DESK = {
    "accounts.list": "the balances have every account that ever had money, the finder all",
    "adjustments.list": "the ledger's entries, by kind",
    "catalog.check": "what a file would change is shown only if it has no mistake",
    "catalog.source": "a file is for the shell and an editor",
    "charges.create_many": "for programs; people charge one by one",
    "gateways.take": "a message in a file, with its headers, is for the shell",
    "credits.expire_due": "the desk ticks by itself",
    "holds.capture": "for programs, which know what the work came to",
    "holds.expire_due": "the desk ticks by itself",
    "holds.list": "the incident has those that are open",
    "holds.place": "for programs, before they begin a work",
    "ledger.recount": "verify counts, too",
    "ledger.trial_balance": "verify compares, too",
    "refunds.list": "the ledger's entries, by kind",
    "standing.may_run": "the incident says so, and why",
    "usage.event": "a usage screen is about sums; an event is looked up from the shell",
    "usage.events": "the same",
    "usage_runs.get": "the list has all there is of each",
    "watches.list": "the overview says which are low, the account what is watched",
    "credit_notes.list": "the invoices have them, by kind:credit_note",
    "invoices.audit": "a proof to keep is for the shell",
    "invoices.mark_failed": "what a gateway said is marked by itself",
    "parties.get": "everything of an invoice shows what is printed",
    "parties.set": "who is billed is told in the shell",
    "pdfs.prepare_many": "one is drawn when it is asked for, all at once in the shell",
}

SETTLED_BY_THE_DOOR = {
    "actor": "BILLDESK_ACTOR",
    "body": "a file, or standard input",
    "chance": "for rehearsals",
    "clock": "a shell lives in the present",
    "demo": "`demo` makes those",
    "digest": "the command looks at the file itself, just before",
    "gateways": "those that are set up",
    "filter": "the options of `export` are its fields",
    "headers": "--header, one for each",
    "origin": "cli",
    "on_progress": "a bar on a terminal",
    "requests": "JSON lines",
    "role": "the command's own word",
    "secrets": "asked for unseen, so that no history keeps them",
    "url": "--ledger",
}.keys()

# An option's name in Python, where the verb's own was taken or would read badly.
CALLED_OTHERWISE = {
    "expires": "expires_at",
    "purchase": "purchase_id",
    "at_time": "at",
    "charge": "charge_id",
    "external": "external_id",
    "file": "path",
    "gateway": "name",
    "hold": "hold_id",
    "invoice": "invoice_id",
    "kind": "kinds",
    "lowest": "floor",
    "method": "method_id",
    "memo": "note",
    "payment": "payment_id",
    "plan": "code",
    "posting": "posting_id",
    "subscription": "subscription_id",
    "ref": "account",
    "save": "save_method",
}


def verbs_of(shell: Shell) -> set[str]:
    """What a desk can do, as `noun.verb`, read off the desk itself."""
    with core.open_desk(str(shell.ledger)) as desk:
        found = {name for name in dir(desk) if callable_verb(desk, name)}
        nouns = {name for name in dir(desk) if is_noun(desk, name)}
        for noun in nouns:
            thing = getattr(desk, noun)
            found |= {f"{noun}.{name}" for name in dir(thing) if callable_verb(thing, name)}
    return found


def callable_verb(thing: object, name: str) -> bool:
    """Whether `name` is a public method."""
    return not name.startswith("_") and inspect.ismethod(getattr(thing, name))


def is_noun(thing: object, name: str) -> bool:
    """Whether `name` holds an object of our own with public methods."""
    value = getattr(thing, name) if not name.startswith("_") else None
    return (
        not inspect.isroutine(value)
        and type(value).__module__.startswith("billdesk.core.")
        and not type(value).__module__.startswith(("billdesk.core.rules", "billdesk.core.values"))
    )


def test_every_verb_of_the_desk_has_a_command(shell: Shell) -> None:
    explained = COMMANDS.keys() | PYTHON_ONLY.keys()
    functions = {name for name in core.__all__ if inspect.isfunction(getattr(core, name))}
    assert verbs_of(shell) | functions == explained


def test_every_command_is_a_verb_of_the_desk() -> None:
    assert {entry.words for entry in CATALOGUE} == {*COMMANDS.values(), *SHELL_ONLY}


def test_every_verb_of_the_desk_has_a_place_on_a_screen() -> None:
    files = [ROOT / "src/billdesk/app.py", *(ROOT / "src/billdesk/screens").glob("*.py")]
    source = "\n".join(file.read_text(encoding="utf-8") for file in files)
    imported = set(re.findall(r"from billdesk\.core\.desk import ([^\n(]+)", source))
    functions = {name.split(" as ")[0] for names in imported for name in names.split(", ")}
    used = {verb for verb in COMMANDS if f"desk.{verb}" in source} | functions & COMMANDS.keys()
    assert COMMANDS.keys() - used == OTHERWISE_AT_THE_DESK.keys()


def test_whatever_a_verb_is_told_in_python_it_can_be_told_in_the_shell(shell: Shell) -> None:
    with core.open_desk(str(shell.ledger)) as desk:
        for verb, words in COMMANDS.items():
            thing: object = desk if hasattr(desk, verb.split(".")[0]) else core
            for part in verb.split("."):
                thing = getattr(thing, part)
            assert callable(thing)
            wanted = set(inspect.signature(thing).parameters) - SETTLED_BY_THE_DOOR
            offered = {option.name for option in load(words).params}
            called_otherwise = {
                CALLED_OTHERWISE[name] for name in offered & CALLED_OTHERWISE.keys()
            }
            assert wanted - offered - called_otherwise == set(), verb


def test_the_reference_page_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), (
        "run `python -m docs.commands`"
    )


def test_the_readme_names_every_command_and_leads_to_the_reference() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/commands.md)" in readme
    section = re.search(r"^## Commands\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    assert section is not None, "README.md has no section `## Commands`"
    named = set(re.findall(r"`([^`]+)`", section[1]))
    assert {entry.words for entry in CATALOGUE} - named == set()
