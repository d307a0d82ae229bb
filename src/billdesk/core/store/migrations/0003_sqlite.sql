-- Prices and periods: the catalog, subscriptions, credits in lots, packs, usage, invoices.

-- The catalog file as it was applied, once per version of it.
CREATE TABLE catalog (
    number INTEGER NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER catalog_no_update BEFORE UPDATE ON catalog
BEGIN SELECT RAISE(ABORT, 'versions of the catalog are kept'); END;
CREATE TRIGGER catalog_no_delete BEFORE DELETE ON catalog
BEGIN SELECT RAISE(ABORT, 'versions of the catalog are kept'); END;

-- One version of a plan, pack, meter, tax rate or schedule, or of the company; current until retired.
CREATE TABLE catalog_item (
    number INTEGER NOT NULL PRIMARY KEY,
    catalog_number INTEGER NOT NULL REFERENCES catalog (number),
    sort TEXT NOT NULL CHECK (sort IN ('plan', 'pack', 'meter', 'tax', 'schedule', 'company')),
    code TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    retired_at INTEGER
) STRICT;
CREATE UNIQUE INDEX catalog_item_version ON catalog_item (sort, code, version);
CREATE UNIQUE INDEX catalog_item_current ON catalog_item (sort, code) WHERE retired_at IS NULL;
CREATE TRIGGER catalog_item_no_update BEFORE UPDATE ON catalog_item WHEN NOT (
    NEW.number IS OLD.number AND NEW.catalog_number IS OLD.catalog_number AND NEW.sort IS OLD.sort
    AND NEW.code IS OLD.code AND NEW.version IS OLD.version AND NEW.body IS OLD.body
    AND OLD.retired_at IS NULL
)
BEGIN SELECT RAISE(ABORT, 'a version of the catalog never changes'); END;
CREATE TRIGGER catalog_item_no_delete BEFORE DELETE ON catalog_item
BEGIN SELECT RAISE(ABORT, 'versions of the catalog are kept'); END;

-- Who an account is on paper; copied onto each invoice when that is finalized.
CREATE TABLE party (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES account (id),
    legal_name TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    country TEXT NOT NULL DEFAULT '',
    tax_id TEXT NOT NULL DEFAULT '',
    tax_code TEXT,
    language TEXT NOT NULL DEFAULT '',
    due_days INTEGER,
    changed_at INTEGER NOT NULL
) STRICT;

-- An account on a plan.
CREATE TABLE subscription (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    reference TEXT,
    plan_code TEXT NOT NULL,
    plan_version INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    quantity INTEGER NOT NULL DEFAULT 1 CHECK (quantity > 0),
    asset TEXT NOT NULL,
    paid_by TEXT NOT NULL CHECK (paid_by IN ('wallet', 'credits', 'gateway', 'invoice', 'elsewhere')),
    status TEXT NOT NULL
        CHECK (status IN ('trialing', 'active', 'past_due', 'paused', 'canceled')),
    anchor_on TEXT NOT NULL,
    period_seq INTEGER NOT NULL DEFAULT 0,
    period_since INTEGER NOT NULL,
    period_until INTEGER NOT NULL,
    trial_until INTEGER,
    trial_told_at INTEGER,
    cancel_at INTEGER,
    canceled_at INTEGER,
    paused_why TEXT,
    paused_at INTEGER,
    next_plan_code TEXT,
    next_plan_version INTEGER,
    next_schedule TEXT,
    next_quantity INTEGER,
    gateway TEXT,
    mode TEXT,
    external_id TEXT,
    price_minor INTEGER,  -- what a gateway takes for one that is kept there
    memo TEXT NOT NULL DEFAULT '',
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX subscription_id ON subscription (id);
CREATE UNIQUE INDEX subscription_reference ON subscription (reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX subscription_external ON subscription (gateway, mode, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX subscription_account ON subscription (account_id, number);
CREATE INDEX subscription_status ON subscription (status, number);
CREATE INDEX subscription_plan ON subscription (plan_code, plan_version);
CREATE INDEX subscription_due ON subscription (period_until, number) WHERE status <> 'canceled';

-- A stretch of a subscription that is paid for at once; the database keeps it from being billed twice.
-- A change at once begins another one within the same period. Months are counted from `anchor_on`.
CREATE TABLE billing_period (
    number INTEGER NOT NULL PRIMARY KEY,
    subscription_id TEXT NOT NULL REFERENCES subscription (id),
    seq INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    plan_code TEXT NOT NULL,
    plan_version INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    trial INTEGER NOT NULL DEFAULT 0,
    invoice_id TEXT,
    created_at INTEGER NOT NULL,
    anchor_on TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX billing_period_seq ON billing_period (subscription_id, seq);
CREATE INDEX billing_period_since ON billing_period (subscription_id, since);

-- What happened to a subscription, in order.
CREATE TABLE subscription_change (
    number INTEGER NOT NULL PRIMARY KEY,
    subscription_id TEXT NOT NULL REFERENCES subscription (id),
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    summary TEXT NOT NULL,
    data TEXT NOT NULL DEFAULT '{}',
    invoice_id TEXT
) STRICT;
CREATE INDEX subscription_change_of ON subscription_change (subscription_id, number);
CREATE TRIGGER subscription_change_no_update BEFORE UPDATE ON subscription_change
BEGIN SELECT RAISE(ABORT, 'what happened to a subscription is kept'); END;
CREATE TRIGGER subscription_change_no_delete BEFORE DELETE ON subscription_change
BEGIN SELECT RAISE(ABORT, 'what happened to a subscription is kept'); END;

-- Credits that came at once, and what is left of them.
CREATE TABLE credit_lot (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    source TEXT NOT NULL
        CHECK (source IN ('plan', 'pack', 'promotion', 'manual', 'opening', 'other')),
    about TEXT,
    posting_id TEXT NOT NULL,
    paid_minor INTEGER NOT NULL DEFAULT 0 CHECK (paid_minor >= 0),
    paid_asset TEXT,
    granted INTEGER NOT NULL CHECK (granted > 0),
    remaining INTEGER NOT NULL CHECK (remaining >= 0 AND remaining <= granted),
    priority INTEGER NOT NULL DEFAULT 50,
    granted_at INTEGER NOT NULL,
    expires_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX credit_lot_id ON credit_lot (id);
CREATE INDEX credit_lot_account ON credit_lot (account_id, number);
CREATE INDEX credit_lot_open ON credit_lot (account_id, priority, expires_at, number)
    WHERE remaining > 0;
CREATE INDEX credit_lot_expiry ON credit_lot (expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL;
CREATE INDEX credit_lot_posting ON credit_lot (posting_id);
CREATE TRIGGER credit_lot_identity BEFORE UPDATE ON credit_lot WHEN NOT (
    NEW.number IS OLD.number AND NEW.id IS OLD.id AND NEW.account_id IS OLD.account_id
    AND NEW.source IS OLD.source AND NEW.about IS OLD.about AND NEW.posting_id IS OLD.posting_id
    AND NEW.paid_minor IS OLD.paid_minor AND NEW.paid_asset IS OLD.paid_asset
    AND NEW.granted IS OLD.granted AND NEW.granted_at IS OLD.granted_at
)
BEGIN SELECT RAISE(ABORT, 'where credits came from never changes'); END;
CREATE TRIGGER credit_lot_no_delete BEFORE DELETE ON credit_lot
BEGIN SELECT RAISE(ABORT, 'lots are kept'); END;

-- Credits that were there before there were lots come in one each, which sorts before all others.
INSERT INTO credit_lot (id, account_id, source, posting_id, granted, remaining, granted_at)
SELECT 'lot_00' || lower(hex(randomblob(12))), w.account_id, 'opening', p.id, w.balance_minor,
       w.balance_minor, w.last_at
FROM wallet w
JOIN entry e ON e.wallet_number = w.number AND e.seq = w.seq
JOIN posting p ON p.number = e.posting_number
WHERE w.purpose = 'credits' AND w.balance_minor > 0 ORDER BY w.number;

-- Which lot paid for which posting (above zero), or got back from which (below zero).
CREATE TABLE credit_use (
    number INTEGER NOT NULL PRIMARY KEY,
    posting_id TEXT NOT NULL,
    lot_number INTEGER NOT NULL REFERENCES credit_lot (number),
    amount INTEGER NOT NULL CHECK (amount <> 0),
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX credit_use_posting ON credit_use (posting_id);
CREATE INDEX credit_use_lot ON credit_use (lot_number, number);
CREATE TRIGGER credit_use_no_update BEFORE UPDATE ON credit_use
BEGIN SELECT RAISE(ABORT, 'what a lot paid for never changes'); END;
CREATE TRIGGER credit_use_no_delete BEFORE DELETE ON credit_use
BEGIN SELECT RAISE(ABORT, 'what a lot paid for never changes'); END;

-- A pack of credits that somebody buys.
CREATE TABLE pack_purchase (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    pack_code TEXT NOT NULL,
    pack_version INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'completed', 'failed', 'refunded')),
    credits INTEGER NOT NULL CHECK (credits > 0),
    asset TEXT NOT NULL,
    price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
    refunded_minor INTEGER NOT NULL DEFAULT 0,
    paid_by TEXT NOT NULL,
    invoice_id TEXT,
    lot_id TEXT,
    detail TEXT NOT NULL DEFAULT '',
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX pack_purchase_id ON pack_purchase (id);
CREATE INDEX pack_purchase_account ON pack_purchase (account_id, number);
CREATE INDEX pack_purchase_invoice ON pack_purchase (invoice_id) WHERE invoice_id IS NOT NULL;

-- One account's use of one meter; events and hours name it by its number.
CREATE TABLE usage_stream (
    number INTEGER NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    meter TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX usage_stream_of ON usage_stream (account_id, meter);

-- What was used, as it was told; quantities in the meter's smallest part.
CREATE TABLE usage_event (
    number INTEGER NOT NULL PRIMARY KEY,
    stream_number INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX usage_event_id ON usage_event (event_id);
CREATE TRIGGER usage_event_no_update BEFORE UPDATE ON usage_event
BEGIN SELECT RAISE(ABORT, 'usage is kept as it was told'); END;
CREATE TRIGGER usage_event_no_delete BEFORE DELETE ON usage_event
BEGIN SELECT RAISE(ABORT, 'usage is kept as it was told'); END;

-- The sum of an hour's events, kept in the write block that keeps the events.
CREATE TABLE usage_hour (
    stream_number INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    events INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (stream_number, hour)
) STRICT, WITHOUT ROWID;

-- What an account means to spend on usage in a period.
CREATE TABLE usage_budget (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES account (id),
    asset TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    actor TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- A threshold that was crossed: once per period. An empty meter is the budget.
CREATE TABLE usage_alert (
    number INTEGER NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    subscription_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    period_since INTEGER NOT NULL,
    percent INTEGER NOT NULL,
    summary TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX usage_alert_once ON usage_alert (subscription_id, meter, period_since, percent);
CREATE INDEX usage_alert_account ON usage_alert (account_id, number);

-- A run that closes periods of usage; one at a time.
CREATE TABLE usage_run (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    reference TEXT,
    until INTEGER NOT NULL,
    account_id TEXT,
    post_to TEXT NOT NULL CHECK (post_to IN ('wallet', 'invoice')),
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'stopped')),
    cursor INTEGER NOT NULL DEFAULT 0,
    summary TEXT NOT NULL DEFAULT '{}',
    lease_until INTEGER,
    actor TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX usage_run_id ON usage_run (id);
CREATE UNIQUE INDEX usage_run_reference ON usage_run (reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX usage_run_one ON usage_run (status) WHERE status = 'running';

-- One line of a run: what a meter came to in a period, or how much more it came to afterwards. With a
-- seq of 0 it could not be billed, and says why.
CREATE TABLE usage_line (
    number INTEGER NOT NULL PRIMARY KEY,
    run_number INTEGER NOT NULL REFERENCES usage_run (number),
    account_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    seq INTEGER NOT NULL,
    period_since INTEGER NOT NULL,
    period_until INTEGER NOT NULL,
    plan_code TEXT NOT NULL,
    plan_version INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    billable INTEGER NOT NULL,
    asset TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    posting_id TEXT,
    invoice_id TEXT,
    detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX usage_line_once ON usage_line (subscription_id, meter, period_since, seq)
    WHERE seq > 0;
CREATE INDEX usage_line_run ON usage_line (run_number, number);
CREATE INDEX usage_line_account ON usage_line (account_id, number);
CREATE TRIGGER usage_line_no_update BEFORE UPDATE ON usage_line
BEGIN SELECT RAISE(ABORT, 'what was billed is kept'); END;
CREATE TRIGGER usage_line_no_delete BEFORE DELETE ON usage_line
BEGIN SELECT RAISE(ABORT, 'what was billed is kept'); END;

-- Up to where a subscription's usage is billed, and what each closed period came to so far.
CREATE TABLE usage_period (
    subscription_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, meter, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_period_account ON usage_period (account_id, until);

-- Numbers of invoices and of credit notes, each without a gap.
CREATE TABLE invoice_series (
    name TEXT NOT NULL PRIMARY KEY,
    prefix TEXT NOT NULL,
    digits INTEGER NOT NULL,
    last INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER invoice_series_no_gap BEFORE UPDATE OF last ON invoice_series
WHEN NEW.last <> OLD.last + 1
BEGIN SELECT RAISE(ABORT, 'numbers follow one another'); END;
CREATE TRIGGER invoice_series_no_delete BEFORE DELETE ON invoice_series
BEGIN SELECT RAISE(ABORT, 'numbers follow one another'); END;

-- An invoice or a credit note; unchangeable once it is no draft.
CREATE TABLE invoice (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    kind TEXT NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    source TEXT NOT NULL
        CHECK (source IN ('manual', 'subscription', 'proration', 'usage', 'pack', 'gateway')),
    reference TEXT,
    about TEXT,
    status TEXT NOT NULL
        CHECK (status IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
    series TEXT,
    sequence INTEGER,
    invoice_number TEXT,
    asset TEXT NOT NULL,
    subtotal_minor INTEGER NOT NULL DEFAULT 0,
    tax_minor INTEGER NOT NULL DEFAULT 0,
    total_minor INTEGER NOT NULL DEFAULT 0,
    paid_minor INTEGER NOT NULL DEFAULT 0,
    credited_minor INTEGER NOT NULL DEFAULT 0,
    corrects TEXT,
    period_since INTEGER,
    period_until INTEGER,
    issued_on TEXT,
    due_on TEXT,
    due_days INTEGER,
    seller TEXT NOT NULL DEFAULT '{}',
    party TEXT NOT NULL DEFAULT '{}',
    terms TEXT NOT NULL DEFAULT '',
    memo TEXT NOT NULL DEFAULT '',
    digest TEXT,
    chain_head TEXT,
    posting_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER,
    failed_since INTEGER,
    detail TEXT NOT NULL DEFAULT '',
    gateway TEXT,
    mode TEXT,
    external_id TEXT,
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finalized_at INTEGER,
    closed_at INTEGER,
    changed_at INTEGER NOT NULL,
    CHECK (paid_minor >= 0 AND credited_minor >= 0),
    CHECK ((status = 'draft') = (finalized_at IS NULL) OR status = 'void')
) STRICT;
CREATE UNIQUE INDEX invoice_id ON invoice (id);
CREATE UNIQUE INDEX invoice_reference ON invoice (reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX invoice_sequence ON invoice (series, sequence) WHERE sequence IS NOT NULL;
CREATE UNIQUE INDEX invoice_number_of ON invoice (invoice_number, series)
    WHERE invoice_number IS NOT NULL;
CREATE UNIQUE INDEX invoice_external ON invoice (gateway, mode, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX invoice_account ON invoice (account_id, number);
CREATE INDEX invoice_status ON invoice (status, number);
CREATE INDEX invoice_due ON invoice (due_on) WHERE status = 'open';
CREATE INDEX invoice_issued ON invoice (issued_on, number) WHERE issued_on IS NOT NULL;
CREATE INDEX invoice_about ON invoice (about) WHERE about IS NOT NULL;
CREATE INDEX invoice_corrects ON invoice (corrects) WHERE corrects IS NOT NULL;
CREATE TRIGGER invoice_finalized BEFORE UPDATE ON invoice WHEN OLD.status <> 'draft' AND NOT (
    NEW.number IS OLD.number AND NEW.id IS OLD.id AND NEW.account_id IS OLD.account_id
    AND NEW.kind IS OLD.kind AND NEW.source IS OLD.source AND NEW.reference IS OLD.reference
    AND NEW.about IS OLD.about AND NEW.status <> 'draft' AND NEW.series IS OLD.series
    AND NEW.sequence IS OLD.sequence AND NEW.invoice_number IS OLD.invoice_number
    AND NEW.asset IS OLD.asset AND NEW.subtotal_minor IS OLD.subtotal_minor
    AND NEW.tax_minor IS OLD.tax_minor AND NEW.total_minor IS OLD.total_minor
    AND NEW.corrects IS OLD.corrects AND NEW.period_since IS OLD.period_since
    AND NEW.period_until IS OLD.period_until AND NEW.issued_on IS OLD.issued_on
    AND NEW.due_on IS OLD.due_on AND NEW.due_days IS OLD.due_days AND NEW.seller IS OLD.seller AND NEW.party IS OLD.party
    AND NEW.terms IS OLD.terms AND NEW.memo IS OLD.memo AND NEW.digest IS OLD.digest
    AND NEW.chain_head IS OLD.chain_head AND NEW.actor IS OLD.actor
    AND NEW.created_at IS OLD.created_at AND NEW.finalized_at IS OLD.finalized_at
)
BEGIN SELECT RAISE(ABORT, 'a finalized invoice never changes'); END;
CREATE TRIGGER invoice_no_delete BEFORE DELETE ON invoice
BEGIN SELECT RAISE(ABORT, 'invoices are kept'); END;

CREATE TABLE invoice_line (
    number INTEGER NOT NULL PRIMARY KEY,
    invoice_id TEXT NOT NULL REFERENCES invoice (id),
    place INTEGER NOT NULL,
    text TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit TEXT NOT NULL DEFAULT '',
    unit_price TEXT NOT NULL DEFAULT '',
    amount_minor INTEGER NOT NULL,
    tax_code TEXT,
    tax_name TEXT NOT NULL DEFAULT '',
    tax_rate TEXT NOT NULL DEFAULT '0',
    tax_inclusive INTEGER NOT NULL DEFAULT 0,
    net_minor INTEGER NOT NULL,
    tax_minor INTEGER NOT NULL,
    revenue TEXT NOT NULL DEFAULT 'revenue',
    period_since INTEGER,
    period_until INTEGER
) STRICT;
CREATE UNIQUE INDEX invoice_line_place ON invoice_line (invoice_id, place);
CREATE TRIGGER invoice_line_no_insert BEFORE INSERT ON invoice_line
WHEN (SELECT status FROM invoice WHERE id = NEW.invoice_id) IS NOT 'draft'
BEGIN SELECT RAISE(ABORT, 'a finalized invoice never changes'); END;
CREATE TRIGGER invoice_line_no_update BEFORE UPDATE ON invoice_line
WHEN (SELECT status FROM invoice WHERE id = OLD.invoice_id) IS NOT 'draft'
    OR NEW.invoice_id IS NOT OLD.invoice_id
BEGIN SELECT RAISE(ABORT, 'a finalized invoice never changes'); END;
CREATE TRIGGER invoice_line_no_delete BEFORE DELETE ON invoice_line
WHEN (SELECT status FROM invoice WHERE id = OLD.invoice_id) IS NOT 'draft'
BEGIN SELECT RAISE(ABORT, 'a finalized invoice never changes'); END;

-- Which invoice a payment is for.
ALTER TABLE payment ADD COLUMN invoice_id TEXT;
CREATE INDEX payment_invoice ON payment (invoice_id) WHERE invoice_id IS NOT NULL;
