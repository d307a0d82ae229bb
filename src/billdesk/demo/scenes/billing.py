"""Scenes of the demo about plans, credits, metered use and invoices."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from billdesk.core.desk import default_paths
from billdesk.core.rules.sheets import InvoiceSheet, SubscriptionSheet
from billdesk.core.values.clock import format_instant
from billdesk.core.values.errors import AtWork, InsufficientFunds, NotFound, Refused
from billdesk.demo.routine import QUARTER
from billdesk.demo.story import Story
from billdesk.demo.telling import (
    catalog_told,
    credits_told,
    ingest_told,
    invoice_told,
    lot_told,
    preview_told,
    purchase_told,
    subscription_told,
    tick_told,
    usage_run_told,
)

PLANS = (
    ("pixel-forge", "growth", "wallet"),
    ("beacon-ads", "starter", "wallet"),
    ("cloudberry", "starter", "gateway"),
    ("orchard-apps", "pro", "wallet"),
    ("quiet-reader", "pro", "wallet"),
    ("thin-margin", "pro", "wallet"),
    ("stadtwerk", "metered-enterprise", "invoice"),
)
"""Who is on which plan, and how it is paid."""


def what_is_sold(story: Story) -> None:
    """The catalog is written, checked, mended and applied."""
    story.teller.heading("What is sold")
    text = default_paths().catalog.read_text(encoding="utf-8")
    ours = text.replace(
        'name = ""\naddress = ""',
        'name = "Leads & Loops Ltd"\naddress = "7 Canal Street, Leeds LS1 4AB, United Kingdom"',
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.toml"
        path.write_text(ours.replace('"49.00 USD"', "49.00"), encoding="utf-8")
        story.act("check the catalog", lambda: story.office.catalog.check(path), catalog_told)
        path.write_text(ours, encoding="utf-8")
        story.act("apply it, mended", lambda: story.office.catalog.apply(path), catalog_told)


def subscribed(story: Story) -> None:
    """Seven customers take a plan, each in its own way."""
    story.teller.heading("On plans")
    story.act(
        "stadtwerk is in Germany, and so is its tax",
        lambda: story.office.parties.set(
            "stadtwerk", legal_name="Stadtwerk Süd Aufzüge GmbH",
            address="Münsterplatz 1\n89073 Ulm", country="DE", tax_id="DE123456789",
            tax_code="vat-de",
        ),
        lambda party: f"{party.legal_name}, {party.tax_id}, {party.tax_code}",
    )  # fmt: skip
    story.act(
        "cloudberry pays in 120.00 and lets us keep its card",
        partial(story.pay_in, "cloudberry", "120.00", "card for the plan", save_method=True),
        lambda payment: payment.status,
    )
    story.wait(minutes=5)
    story.act("ask the sandbox what happened", story.engine.gateways.poll, tick_told)
    subscriptions = story.office.subscriptions
    story.act(
        "what would growth cost pixel-forge?",
        lambda: subscriptions.preview_create("pixel-forge", "growth"),
        preview_told,
    )
    for ref, plan, paid_by in PLANS:
        story.act(
            f"{ref} takes {plan}, paid by {paid_by}",
            partial(
                subscriptions.create, ref, plan, paid_by=paid_by, reference=f"demo:{ref}",
                trial_days=14 if ref == "quiet-reader" else 0,
            ),
            subscription_told,
        )  # fmt: skip


def packs(story: Story) -> None:
    """A pack is bought, one cannot be paid, and the unused part of one goes back."""
    story.teller.heading("Packs of credits")
    desk = story.office
    buy = partial(desk.packs.buy, "orchard-apps")
    story.act(
        "orchard-apps buys 100,000 credits",
        lambda: buy("pro-100k", id=story.named("pur", "first pack")),
        purchase_told,
    )
    story.act(
        "and 1,000,000 more than it can pay",
        lambda: buy("pro-1m", id=story.named("pur", "too much")),
        purchase_told,
        refused=InsufficientFunds,
    )
    story.act(
        "a present of 2,500 for the trouble, for 30 days",
        lambda: desk.credits.grant(
            "orchard-apps", 2_500, memo="for the hour in which photo checks were slow",
            reference="demo:present", expires_at=story.began_at(11 * 4) + 120 * QUARTER,
        ),
        lot_told,
    )  # fmt: skip
    story.act("look at its credits", lambda: desk.credits.get("orchard-apps"), credits_told)
    _spend_credits(story, "orchard-apps", 54_000, "first")


def pack_back(story: Story) -> None:
    """What is unused of a pack goes back to the wallet."""
    story.teller.heading("The unused part of a pack")
    _spend_credits(story, "orchard-apps", 20_000, "second")
    purchase_id = story.named("pur", "first pack")
    if story.office.packs.get(purchase_id).status == "completed":
        story.act(
            "give the rest of the pack back",
            lambda: story.office.packs.refund(purchase_id, memo="they go on with plan credits"),
            purchase_told,
        )
    story.act("look at its credits", lambda: story.office.credits.get("orchard-apps"), credits_told)


def changed(story: Story) -> None:
    """Upgraded at once, downgraded at the period's end, taken back."""
    story.teller.heading("Plans change")
    desk = story.office.subscriptions
    beacon = _subscription(story, "beacon-ads")
    if beacon.plan_code == "starter":
        change = partial(desk.preview, beacon.id, "growth")
        story.act("what would growth cost beacon-ads today?", change, preview_told)
        story.act("upgrade it", lambda: desk.change(beacon.id, "growth"), subscription_told)
    pixel = _subscription(story, "pixel-forge")
    if pixel.next_plan_code is None:
        down = partial(desk.change, pixel.id, "starter", when="period_end")
        story.act("pixel-forge wants starter from next month", down, subscription_told)
        story.act("and changes its mind", lambda: desk.unschedule(pixel.id), subscription_told)
    story.act(
        "a plan nobody sells", lambda: desk.change(pixel.id, "gold"), subscription_told,
        refused=NotFound,
    )  # fmt: skip


def left(story: Story) -> None:
    """Somebody leaves before the trial is over."""
    story.teller.heading("Somebody leaves")
    quiet = _subscription(story, "quiet-reader")
    story.act(
        "quiet-reader cancels at the end of its trial",
        lambda: story.office.subscriptions.cancel(quiet.id, memo="they go on by hand"),
        subscription_told,
    )


def paused(story: Story) -> None:
    """A plan that lives on balance pauses when the balance cannot pay, and goes on with a deposit."""
    story.teller.heading("A plan that lives on balance")
    story.tick("do what is due")
    _look(story, "thin-margin")


def resumed(story: Story) -> None:
    """Money comes, and the plan goes on."""
    story.teller.heading("Money comes, the plan goes on")
    story.deposit("thin-margin", "80.00")
    story.tick("do what is due")
    _look(story, "thin-margin")


def usage_file(story: Story) -> None:
    """A file of use with wrong lines, late ones, and then once more."""
    story.teller.heading("Use from a file")
    late = format_instant(story.began_at(story.quarter_of(story.clock.now()) - 40))
    lines = [
        "account,meter,quantity,event_id,at,unit",
        f"beacon-ads,impressions,250000,file:1,{late},impression",
        f"beacon-ads,transfer,1.25,file:2,{late},GB",
        f"beacon-ads,transfer,1250,file:3,{late},MB",
        f"nobody,calls,10,file:4,{late},call",
        f"beacon-ads,calls,-5,file:5,{late},call",
        f"pixel-forge,calls,12000,file:6,{late},call",
    ]
    for title in ("take in a file, two weeks late", "the same file again"):
        stream = io.BytesIO("\n".join(lines).encode())
        story.act(title, partial(story.office.usage.ingest, stream, "csv"), ingest_told)
    story.act(
        "beacon-ads means to spend 250.00 on use",
        lambda: story.office.usage.set_budget("beacon-ads", "250.00"),
        lambda budget: f"{budget.spent} of {budget.budget} spent",
    )


def usage_billed(story: Story) -> None:
    """A usage run: looked at, done, and done again."""
    story.teller.heading("Billing what was used")
    runs = story.office.usage_runs
    reference = f"demo:{story.quarter_of(story.clock.now())}"
    story.act("what would it come to?", runs.preview, usage_run_told)
    waiting = ["a colleague runs it meanwhile"]

    def meanwhile(*_: object) -> None:
        while waiting:
            story.act(
                waiting.pop(),
                partial(story.engine.usage_runs.run, reference=f"{reference}:engine"),
                usage_run_told,
                refused=AtWork,
            )

    run = partial(runs.run, reference=reference)
    story.act("run it", partial(run, on_progress=meanwhile), usage_run_told)
    story.act("the same again", run, usage_run_told)


def invoiced(story: Story) -> None:
    """An invoice by hand, from draft to credit note; another that nobody pays."""
    story.teller.heading("Invoices")
    desk = story.office
    invoice = _invoice(story, "brightwell", "demo:setup", "Setting up the telephone menu", "180.00")
    if invoice is not None and invoice.status == "draft":
        story.act("finalize it", lambda: desk.invoices.finalize(invoice.id), invoice_told)
        story.act("pay it from the wallet", lambda: desk.invoices.pay(invoice.id), invoice_told)
        story.act(
            "draw it on paper",
            lambda: desk.pdfs.save(invoice.id),
            lambda pdf: f"a PDF of {pdf.size:,} bytes, SHA-256 {pdf.sha256[:16]} every time",
        )
        story.act(
            "void it, now that it is paid",
            lambda: desk.invoices.void(invoice.id, memo="it was a mistake, they say"),
            invoice_told,
            refused=Refused,
        )
        story.act(
            "credit 30.00 of it",
            lambda: desk.credit_notes.create(
                invoice.id, "30.00", memo="one menu entry was missing", reference="demo:credit"
            ),
            invoice_told,
        )
    story.deposit("stadtwerk", "1800.00")
    story.tick("do what is due: its oldest invoice is paid")
    second = _invoice(story, "castillo", "demo:training", "An afternoon of training", "240.00")
    if second is not None and second.status == "draft":
        story.act("finalize it", lambda: desk.invoices.finalize(second.id), invoice_told)
    story.act(
        "audit all invoices",
        desk.invoices.audit,
        lambda audit: f"{audit.checked} checked, {len(audit.problems)} problems",
    )


def _invoice(story: Story, ref: str, reference: str, text: str, price: str) -> InvoiceSheet | None:
    invoices = story.office.invoices

    def draft() -> InvoiceSheet:
        made = invoices.draft(ref, reference=reference, due_days=7)
        if made.status == "draft" and not made.total.minor:
            made = invoices.add_line(made.id, text, price)
        return made

    return story.act(f"draft an invoice for {ref}", draft, invoice_told)


def _spend_credits(story: Story, ref: str, amount: int, number: str) -> None:
    story.act(
        f"{ref} uses {amount:,} credits",
        lambda: story.engine.credits.deduct(
            ref, amount, reference=f"demo:{ref}:{number}", subject="photo checks of a month"
        ),
        lambda charge: f"{charge.balance_after} left",
    )


def _subscription(story: Story, ref: str) -> SubscriptionSheet:
    return story.office.subscriptions.list(account=ref).rows[0]


def _look(story: Story, ref: str) -> None:
    look: Callable[[], SubscriptionSheet] = partial(_subscription, story, ref)
    story.act(f"look at the plan of {ref}", look, subscription_told)
