SET LOCAL search_path = billdesk;

-- Prices and periods: the catalog, subscriptions, credits in lots, packs, usage, invoices.

-- The catalog file as it was applied, once per version of it.
CREATE TABLE catalog (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest text NOT NULL,
    source text NOT NULL,
    actor text NOT NULL,
    applied_at bigint NOT NULL
);
CREATE TRIGGER catalog_no_update BEFORE UPDATE ON catalog FOR EACH ROW
    EXECUTE FUNCTION refuse_change('versions of the catalog are kept');
CREATE TRIGGER catalog_no_delete BEFORE DELETE ON catalog FOR EACH ROW
    EXECUTE FUNCTION refuse_change('versions of the catalog are kept');
CREATE TRIGGER catalog_no_truncate BEFORE TRUNCATE ON catalog
    EXECUTE FUNCTION refuse_change('versions of the catalog are kept');

-- One version of a plan, pack, meter, tax rate or schedule, or of the company; current until retired.
CREATE TABLE catalog_item (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    catalog_number bigint NOT NULL REFERENCES catalog (number),
    sort text NOT NULL CHECK (sort IN ('plan', 'pack', 'meter', 'tax', 'schedule', 'company')),
    code text NOT NULL,
    version bigint NOT NULL,
    body text NOT NULL,
    retired_at bigint
);
CREATE UNIQUE INDEX catalog_item_version ON catalog_item (sort, code, version);
CREATE UNIQUE INDEX catalog_item_current ON catalog_item (sort, code) WHERE retired_at IS NULL;
CREATE TRIGGER catalog_item_no_update BEFORE UPDATE ON catalog_item FOR EACH ROW WHEN (
    NOT (
    NEW.number IS NOT DISTINCT FROM OLD.number
    AND NEW.catalog_number IS NOT DISTINCT FROM OLD.catalog_number
    AND NEW.sort IS NOT DISTINCT FROM OLD.sort
    AND NEW.code IS NOT DISTINCT FROM OLD.code AND NEW.version IS NOT DISTINCT FROM OLD.version
    AND NEW.body IS NOT DISTINCT FROM OLD.body
    AND OLD.retired_at IS NULL
)
)
    EXECUTE FUNCTION refuse_change('a version of the catalog never changes');
CREATE TRIGGER catalog_item_no_delete BEFORE DELETE ON catalog_item FOR EACH ROW
    EXECUTE FUNCTION refuse_change('versions of the catalog are kept');
CREATE TRIGGER catalog_item_no_truncate BEFORE TRUNCATE ON catalog_item
    EXECUTE FUNCTION refuse_change('versions of the catalog are kept');

-- Who an account is on paper; copied onto each invoice when that is finalized.
CREATE TABLE party (
    account_id text NOT NULL PRIMARY KEY REFERENCES account (id),
    legal_name text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT '',
    country text NOT NULL DEFAULT '',
    tax_id text NOT NULL DEFAULT '',
    tax_code text,
    language text NOT NULL DEFAULT '',
    due_days bigint,
    changed_at bigint NOT NULL
);

-- An account on a plan.
CREATE TABLE subscription (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    reference text,
    plan_code text NOT NULL,
    plan_version bigint NOT NULL,
    schedule text NOT NULL,
    quantity bigint NOT NULL DEFAULT 1 CHECK (quantity > 0),
    asset text NOT NULL,
    paid_by text NOT NULL CHECK (paid_by IN ('wallet', 'credits', 'gateway', 'invoice', 'elsewhere')),
    status text NOT NULL
        CHECK (status IN ('trialing', 'active', 'past_due', 'paused', 'canceled')),
    anchor_on text NOT NULL,
    period_seq bigint NOT NULL DEFAULT 0,
    period_since bigint NOT NULL,
    period_until bigint NOT NULL,
    trial_until bigint,
    trial_told_at bigint,
    cancel_at bigint,
    canceled_at bigint,
    paused_why text,
    paused_at bigint,
    next_plan_code text,
    next_plan_version bigint,
    next_schedule text,
    next_quantity bigint,
    gateway text,
    mode text,
    external_id text,
    price_minor bigint,  -- what a gateway takes for one that is kept there
    memo text NOT NULL DEFAULT '',
    actor text NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL
);
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
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id text NOT NULL REFERENCES subscription (id),
    seq bigint NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL,
    plan_code text NOT NULL,
    plan_version bigint NOT NULL,
    schedule text NOT NULL,
    quantity bigint NOT NULL,
    trial bigint NOT NULL DEFAULT 0,
    invoice_id text,
    created_at bigint NOT NULL,
    anchor_on text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX billing_period_seq ON billing_period (subscription_id, seq);
CREATE INDEX billing_period_since ON billing_period (subscription_id, since);

-- What happened to a subscription, in order.
CREATE TABLE subscription_change (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id text NOT NULL REFERENCES subscription (id),
    kind text NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    summary text NOT NULL,
    data text NOT NULL DEFAULT '{}',
    invoice_id text
);
CREATE INDEX subscription_change_of ON subscription_change (subscription_id, number);
CREATE TRIGGER subscription_change_no_update BEFORE UPDATE ON subscription_change FOR EACH ROW
    EXECUTE FUNCTION refuse_change('what happened to a subscription is kept');
CREATE TRIGGER subscription_change_no_delete BEFORE DELETE ON subscription_change FOR EACH ROW
    EXECUTE FUNCTION refuse_change('what happened to a subscription is kept');
CREATE TRIGGER subscription_change_no_truncate BEFORE TRUNCATE ON subscription_change
    EXECUTE FUNCTION refuse_change('what happened to a subscription is kept');

-- Credits that came at once, and what is left of them.
CREATE TABLE credit_lot (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    source text NOT NULL
        CHECK (source IN ('plan', 'pack', 'promotion', 'manual', 'opening', 'other')),
    about text,
    posting_id text NOT NULL,
    paid_minor bigint NOT NULL DEFAULT 0 CHECK (paid_minor >= 0),
    paid_asset text,
    granted bigint NOT NULL CHECK (granted > 0),
    remaining bigint NOT NULL CHECK (remaining >= 0 AND remaining <= granted),
    priority bigint NOT NULL DEFAULT 50,
    granted_at bigint NOT NULL,
    expires_at bigint,
    ended_at bigint
);
CREATE UNIQUE INDEX credit_lot_id ON credit_lot (id);
CREATE INDEX credit_lot_account ON credit_lot (account_id, number);
CREATE INDEX credit_lot_open ON credit_lot (account_id, priority, expires_at, number)
    WHERE remaining > 0;
CREATE INDEX credit_lot_expiry ON credit_lot (expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL;
CREATE INDEX credit_lot_posting ON credit_lot (posting_id);
CREATE TRIGGER credit_lot_identity BEFORE UPDATE ON credit_lot FOR EACH ROW WHEN (
    NOT (
    NEW.number IS NOT DISTINCT FROM OLD.number AND NEW.id IS NOT DISTINCT FROM OLD.id
    AND NEW.account_id IS NOT DISTINCT FROM OLD.account_id
    AND NEW.source IS NOT DISTINCT FROM OLD.source AND NEW.about IS NOT DISTINCT FROM OLD.about
    AND NEW.posting_id IS NOT DISTINCT FROM OLD.posting_id
    AND NEW.paid_minor IS NOT DISTINCT FROM OLD.paid_minor
    AND NEW.paid_asset IS NOT DISTINCT FROM OLD.paid_asset
    AND NEW.granted IS NOT DISTINCT FROM OLD.granted
    AND NEW.granted_at IS NOT DISTINCT FROM OLD.granted_at
)
)
    EXECUTE FUNCTION refuse_change('where credits came from never changes');
CREATE TRIGGER credit_lot_no_delete BEFORE DELETE ON credit_lot FOR EACH ROW
    EXECUTE FUNCTION refuse_change('lots are kept');
CREATE TRIGGER credit_lot_no_truncate BEFORE TRUNCATE ON credit_lot
    EXECUTE FUNCTION refuse_change('lots are kept');

-- Credits that were there before there were lots come in one each, which sorts before all others.
INSERT INTO credit_lot (id, account_id, source, posting_id, granted, remaining, granted_at)
SELECT 'lot_00' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 24), w.account_id, 'opening', p.id, w.balance_minor,
       w.balance_minor, w.last_at
FROM wallet w
JOIN entry e ON e.wallet_number = w.number AND e.seq = w.seq
JOIN posting p ON p.number = e.posting_number
WHERE w.purpose = 'credits' AND w.balance_minor > 0 ORDER BY w.number;

-- Which lot paid for which posting (above zero), or got back from which (below zero).
CREATE TABLE credit_use (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    posting_id text NOT NULL,
    lot_number bigint NOT NULL REFERENCES credit_lot (number),
    amount bigint NOT NULL CHECK (amount <> 0),
    at bigint NOT NULL
);
CREATE INDEX credit_use_posting ON credit_use (posting_id);
CREATE INDEX credit_use_lot ON credit_use (lot_number, number);
CREATE TRIGGER credit_use_no_update BEFORE UPDATE ON credit_use FOR EACH ROW
    EXECUTE FUNCTION refuse_change('what a lot paid for never changes');
CREATE TRIGGER credit_use_no_delete BEFORE DELETE ON credit_use FOR EACH ROW
    EXECUTE FUNCTION refuse_change('what a lot paid for never changes');
CREATE TRIGGER credit_use_no_truncate BEFORE TRUNCATE ON credit_use
    EXECUTE FUNCTION refuse_change('what a lot paid for never changes');

-- A pack of credits that somebody buys.
CREATE TABLE pack_purchase (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    pack_code text NOT NULL,
    pack_version bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'completed', 'failed', 'refunded')),
    credits bigint NOT NULL CHECK (credits > 0),
    asset text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    refunded_minor bigint NOT NULL DEFAULT 0,
    paid_by text NOT NULL,
    invoice_id text,
    lot_id text,
    detail text NOT NULL DEFAULT '',
    actor text NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL
);
CREATE UNIQUE INDEX pack_purchase_id ON pack_purchase (id);
CREATE INDEX pack_purchase_account ON pack_purchase (account_id, number);
CREATE INDEX pack_purchase_invoice ON pack_purchase (invoice_id) WHERE invoice_id IS NOT NULL;

-- One account's use of one meter; events and hours name it by its number.
CREATE TABLE usage_stream (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES account (id),
    meter text NOT NULL
);
CREATE UNIQUE INDEX usage_stream_of ON usage_stream (account_id, meter);

-- What was used, as it was told; quantities in the meter's smallest part.
CREATE TABLE usage_event (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream_number bigint NOT NULL,
    event_id text NOT NULL,
    quantity bigint NOT NULL,
    at bigint NOT NULL,
    received_at bigint NOT NULL
);
CREATE UNIQUE INDEX usage_event_id ON usage_event (event_id);
CREATE TRIGGER usage_event_no_update BEFORE UPDATE ON usage_event FOR EACH ROW
    EXECUTE FUNCTION refuse_change('usage is kept as it was told');
CREATE TRIGGER usage_event_no_delete BEFORE DELETE ON usage_event FOR EACH ROW
    EXECUTE FUNCTION refuse_change('usage is kept as it was told');
CREATE TRIGGER usage_event_no_truncate BEFORE TRUNCATE ON usage_event
    EXECUTE FUNCTION refuse_change('usage is kept as it was told');

-- The sum of an hour's events, kept in the write block that keeps the events.
CREATE TABLE usage_hour (
    stream_number bigint NOT NULL,
    hour bigint NOT NULL,
    quantity bigint NOT NULL,
    events bigint NOT NULL,
    changed_at bigint NOT NULL,
    PRIMARY KEY (stream_number, hour)
);

-- What an account means to spend on usage in a period.
CREATE TABLE usage_budget (
    account_id text NOT NULL PRIMARY KEY REFERENCES account (id),
    asset text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    actor text NOT NULL,
    changed_at bigint NOT NULL
);

-- A threshold that was crossed: once per period. An empty meter is the budget.
CREATE TABLE usage_alert (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES account (id),
    subscription_id text NOT NULL,
    meter text NOT NULL,
    period_since bigint NOT NULL,
    percent bigint NOT NULL,
    summary text NOT NULL,
    at bigint NOT NULL
);
CREATE UNIQUE INDEX usage_alert_once ON usage_alert (subscription_id, meter, period_since, percent);
CREATE INDEX usage_alert_account ON usage_alert (account_id, number);

-- A run that closes periods of usage; one at a time.
CREATE TABLE usage_run (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    reference text,
    until bigint NOT NULL,
    account_id text,
    post_to text NOT NULL CHECK (post_to IN ('wallet', 'invoice')),
    status text NOT NULL CHECK (status IN ('running', 'done', 'stopped')),
    cursor bigint NOT NULL DEFAULT 0,
    summary text NOT NULL DEFAULT '{}',
    lease_until bigint,
    actor text NOT NULL,
    started_at bigint NOT NULL,
    finished_at bigint
);
CREATE UNIQUE INDEX usage_run_id ON usage_run (id);
CREATE UNIQUE INDEX usage_run_reference ON usage_run (reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX usage_run_one ON usage_run (status) WHERE status = 'running';

-- One line of a run: what a meter came to in a period, or how much more it came to afterwards. With a
-- seq of 0 it could not be billed, and says why.
CREATE TABLE usage_line (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_number bigint NOT NULL REFERENCES usage_run (number),
    account_id text NOT NULL,
    subscription_id text NOT NULL,
    meter text NOT NULL,
    seq bigint NOT NULL,
    period_since bigint NOT NULL,
    period_until bigint NOT NULL,
    plan_code text NOT NULL,
    plan_version bigint NOT NULL,
    quantity bigint NOT NULL,
    billable bigint NOT NULL,
    asset text NOT NULL,
    amount_minor bigint NOT NULL,
    posting_id text,
    invoice_id text,
    detail text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX usage_line_once ON usage_line (subscription_id, meter, period_since, seq)
    WHERE seq > 0;
CREATE INDEX usage_line_run ON usage_line (run_number, number);
CREATE INDEX usage_line_account ON usage_line (account_id, number);
CREATE TRIGGER usage_line_no_update BEFORE UPDATE ON usage_line FOR EACH ROW
    EXECUTE FUNCTION refuse_change('what was billed is kept');
CREATE TRIGGER usage_line_no_delete BEFORE DELETE ON usage_line FOR EACH ROW
    EXECUTE FUNCTION refuse_change('what was billed is kept');
CREATE TRIGGER usage_line_no_truncate BEFORE TRUNCATE ON usage_line
    EXECUTE FUNCTION refuse_change('what was billed is kept');

-- Up to where a subscription's usage is billed, and what each closed period came to so far.
CREATE TABLE usage_period (
    subscription_id text NOT NULL,
    meter text NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL,
    account_id text NOT NULL,
    quantity bigint NOT NULL,
    amount_minor bigint NOT NULL,
    lines bigint NOT NULL,
    closed_at bigint NOT NULL,
    PRIMARY KEY (subscription_id, meter, since)
);
CREATE INDEX usage_period_account ON usage_period (account_id, until);

-- Numbers of invoices and of credit notes, each without a gap.
CREATE TABLE invoice_series (
    name text NOT NULL PRIMARY KEY,
    prefix text NOT NULL,
    digits bigint NOT NULL,
    last bigint NOT NULL DEFAULT 0
);
CREATE TRIGGER invoice_series_no_gap BEFORE UPDATE OF last ON invoice_series FOR EACH ROW WHEN (
    NEW.last <> OLD.last + 1
)
    EXECUTE FUNCTION refuse_change('numbers follow one another');
CREATE TRIGGER invoice_series_no_delete BEFORE DELETE ON invoice_series FOR EACH ROW
    EXECUTE FUNCTION refuse_change('numbers follow one another');
CREATE TRIGGER invoice_series_no_truncate BEFORE TRUNCATE ON invoice_series
    EXECUTE FUNCTION refuse_change('numbers follow one another');

-- An invoice or a credit note; unchangeable once it is no draft.
CREATE TABLE invoice (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    source text NOT NULL
        CHECK (source IN ('manual', 'subscription', 'proration', 'usage', 'pack', 'gateway')),
    reference text,
    about text,
    status text NOT NULL
        CHECK (status IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
    series text,
    sequence bigint,
    invoice_number text COLLATE "C",
    asset text NOT NULL,
    subtotal_minor bigint NOT NULL DEFAULT 0,
    tax_minor bigint NOT NULL DEFAULT 0,
    total_minor bigint NOT NULL DEFAULT 0,
    paid_minor bigint NOT NULL DEFAULT 0,
    credited_minor bigint NOT NULL DEFAULT 0,
    corrects text,
    period_since bigint,
    period_until bigint,
    issued_on text,
    due_on text,
    due_days bigint,
    seller text NOT NULL DEFAULT '{}',
    party text NOT NULL DEFAULT '{}',
    terms text NOT NULL DEFAULT '',
    memo text NOT NULL DEFAULT '',
    digest text,
    chain_head text,
    posting_id text,
    attempts bigint NOT NULL DEFAULT 0,
    failed_at bigint,
    failed_since bigint,
    detail text NOT NULL DEFAULT '',
    gateway text,
    mode text,
    external_id text,
    actor text NOT NULL,
    created_at bigint NOT NULL,
    finalized_at bigint,
    closed_at bigint,
    changed_at bigint NOT NULL,
    CHECK (paid_minor >= 0 AND credited_minor >= 0),
    CHECK ((status = 'draft') = (finalized_at IS NULL) OR status = 'void')
);
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
CREATE TRIGGER invoice_finalized BEFORE UPDATE ON invoice FOR EACH ROW WHEN (
    OLD.status <> 'draft' AND NOT (
    NEW.number IS NOT DISTINCT FROM OLD.number AND NEW.id IS NOT DISTINCT FROM OLD.id
    AND NEW.account_id IS NOT DISTINCT FROM OLD.account_id
    AND NEW.kind IS NOT DISTINCT FROM OLD.kind AND NEW.source IS NOT DISTINCT FROM OLD.source
    AND NEW.reference IS NOT DISTINCT FROM OLD.reference
    AND NEW.about IS NOT DISTINCT FROM OLD.about AND NEW.status <> 'draft'
    AND NEW.series IS NOT DISTINCT FROM OLD.series
    AND NEW.sequence IS NOT DISTINCT FROM OLD.sequence
    AND NEW.invoice_number IS NOT DISTINCT FROM OLD.invoice_number
    AND NEW.asset IS NOT DISTINCT FROM OLD.asset
    AND NEW.subtotal_minor IS NOT DISTINCT FROM OLD.subtotal_minor
    AND NEW.tax_minor IS NOT DISTINCT FROM OLD.tax_minor
    AND NEW.total_minor IS NOT DISTINCT FROM OLD.total_minor
    AND NEW.corrects IS NOT DISTINCT FROM OLD.corrects
    AND NEW.period_since IS NOT DISTINCT FROM OLD.period_since
    AND NEW.period_until IS NOT DISTINCT FROM OLD.period_until
    AND NEW.issued_on IS NOT DISTINCT FROM OLD.issued_on
    AND NEW.due_on IS NOT DISTINCT FROM OLD.due_on
    AND NEW.due_days IS NOT DISTINCT FROM OLD.due_days AND NEW.seller IS NOT DISTINCT FROM OLD.seller
    AND NEW.party IS NOT DISTINCT FROM OLD.party
    AND NEW.terms IS NOT DISTINCT FROM OLD.terms AND NEW.memo IS NOT DISTINCT FROM OLD.memo
    AND NEW.digest IS NOT DISTINCT FROM OLD.digest
    AND NEW.chain_head IS NOT DISTINCT FROM OLD.chain_head AND NEW.actor IS NOT DISTINCT FROM OLD.actor
    AND NEW.created_at IS NOT DISTINCT FROM OLD.created_at
    AND NEW.finalized_at IS NOT DISTINCT FROM OLD.finalized_at
)
)
    EXECUTE FUNCTION refuse_change('a finalized invoice never changes');
CREATE TRIGGER invoice_no_delete BEFORE DELETE ON invoice FOR EACH ROW
    EXECUTE FUNCTION refuse_change('invoices are kept');
CREATE TRIGGER invoice_no_truncate BEFORE TRUNCATE ON invoice
    EXECUTE FUNCTION refuse_change('invoices are kept');

CREATE TABLE invoice_line (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invoice_id text NOT NULL REFERENCES invoice (id),
    place bigint NOT NULL,
    text text NOT NULL,
    quantity text NOT NULL,
    unit text NOT NULL DEFAULT '',
    unit_price text NOT NULL DEFAULT '',
    amount_minor bigint NOT NULL,
    tax_code text,
    tax_name text NOT NULL DEFAULT '',
    tax_rate text NOT NULL DEFAULT '0',
    tax_inclusive bigint NOT NULL DEFAULT 0,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    revenue text NOT NULL DEFAULT 'revenue',
    period_since bigint,
    period_until bigint
);
CREATE UNIQUE INDEX invoice_line_place ON invoice_line (invoice_id, place);
CREATE FUNCTION refuse_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (SELECT status FROM billdesk.invoice WHERE id = OLD.invoice_id) <> 'draft'
        OR TG_OP <> 'DELETE' AND (SELECT status FROM billdesk.invoice WHERE id = NEW.invoice_id) <> 'draft'
        OR TG_OP = 'UPDATE' AND NEW.invoice_id IS DISTINCT FROM OLD.invoice_id
    THEN
        RAISE EXCEPTION 'a finalized invoice never changes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER invoice_line_no_insert BEFORE INSERT ON invoice_line FOR EACH ROW
    EXECUTE FUNCTION refuse_line_change();
CREATE TRIGGER invoice_line_no_update BEFORE UPDATE ON invoice_line FOR EACH ROW
    EXECUTE FUNCTION refuse_line_change();
CREATE TRIGGER invoice_line_no_delete BEFORE DELETE ON invoice_line FOR EACH ROW
    EXECUTE FUNCTION refuse_line_change();
CREATE TRIGGER invoice_line_no_truncate BEFORE TRUNCATE ON invoice_line
    EXECUTE FUNCTION refuse_change('a finalized invoice never changes');

-- Which invoice a payment is for.
ALTER TABLE payment ADD COLUMN invoice_id text;
CREATE INDEX payment_invoice ON payment (invoice_id) WHERE invoice_id IS NOT NULL;
