-- Money in and out: what a gateway is connected as, its messages, refunds, disputes, saved methods.

-- Which gateways a desk has, by name; their keys are never here.
CREATE TABLE gateway (
    name TEXT NOT NULL PRIMARY KEY,
    make TEXT NOT NULL CHECK (make IN ('stripe', 'paypal', 'paystack')),
    account TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
    settings TEXT NOT NULL DEFAULT '{}',
    added_at INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    removed_at INTEGER
) STRICT;

-- Whose gateway is asked when none is named; empty: the desk's.
ALTER TABLE account ADD COLUMN gateway TEXT;

ALTER TABLE payment ADD COLUMN purpose TEXT NOT NULL DEFAULT 'deposit';
ALTER TABLE payment ADD COLUMN save_method INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN method_id TEXT;
ALTER TABLE payment ADD COLUMN retries_id TEXT;
ALTER TABLE payment ADD COLUMN charge_id TEXT;
ALTER TABLE payment ADD COLUMN refunded_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN disputed_minor INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX payment_charge ON payment (gateway, mode, charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX payment_changed ON payment (gateway, mode, changed_at);
CREATE INDEX payment_retries ON payment (retries_id) WHERE retries_id IS NOT NULL;

ALTER TABLE fact ADD COLUMN refund_id TEXT;
ALTER TABLE fact ADD COLUMN payment_external_id TEXT;
ALTER TABLE fact ADD COLUMN charge_id TEXT;
ALTER TABLE fact ADD COLUMN more TEXT;
CREATE INDEX fact_waiting_of ON fact (gateway, mode, number) WHERE state = 'waiting';
CREATE INDEX fact_of_payment ON fact (payment_id) WHERE payment_id IS NOT NULL;

-- A gateway's messages as they came, once each.
CREATE TABLE gateway_event (
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (gateway, mode, event_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER gateway_event_no_update BEFORE UPDATE ON gateway_event
BEGIN SELECT RAISE(ABORT, 'messages are kept as they came'); END;
CREATE TRIGGER gateway_event_no_delete BEFORE DELETE ON gateway_event
BEGIN SELECT RAISE(ABORT, 'messages are never dropped'); END;

ALTER TABLE freshness ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE freshness ADD COLUMN quiet_until INTEGER;
ALTER TABLE freshness ADD COLUMN swept_at INTEGER;
ALTER TABLE freshness ADD COLUMN sweep_since INTEGER;
ALTER TABLE freshness ADD COLUMN sweep_cursor TEXT;

-- A span that a gateway's feed could not tell any more; healed when a sweep has listed it.
CREATE TABLE gap (
    number INTEGER NOT NULL PRIMARY KEY,
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    found_at INTEGER NOT NULL,
    healed_at INTEGER
) STRICT;
CREATE INDEX gap_open ON gap (gateway, mode) WHERE healed_at IS NULL;

-- Money of a payment on its way back to where it came from.
CREATE TABLE card_refund (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payment (id),
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    external_id TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    asset TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    memo TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    posting_id TEXT,
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    asked_at INTEGER,
    asks INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX card_refund_id ON card_refund (id);
CREATE UNIQUE INDEX card_refund_external ON card_refund (gateway, mode, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX card_refund_payment ON card_refund (payment_id, number);
CREATE INDEX card_refund_open ON card_refund (gateway, mode, number) WHERE status = 'pending';

-- A payment that its payer contests at the bank.
CREATE TABLE dispute (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payment (id),
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    external_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'won', 'lost')),
    asset TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    hold_id TEXT,
    posting_id TEXT,
    detail TEXT NOT NULL DEFAULT '',
    opened_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX dispute_id ON dispute (id);
CREATE UNIQUE INDEX dispute_external ON dispute (gateway, mode, external_id);
CREATE INDEX dispute_payment ON dispute (payment_id);
CREATE INDEX dispute_open ON dispute (number) WHERE status = 'open';

-- Who an account is at a gateway.
CREATE TABLE customer (
    account_id TEXT NOT NULL REFERENCES account (id),
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    external_id TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, gateway, mode)
) STRICT;
CREATE INDEX customer_external ON customer (gateway, mode, external_id);

-- A saved way to pay, as the gateway shows it.
CREATE TABLE payment_method (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    external_id TEXT NOT NULL,
    label TEXT NOT NULL,
    expires TEXT,
    role TEXT NOT NULL DEFAULT '' CHECK (role IN ('', 'default', 'backup')),
    added_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX payment_method_id ON payment_method (id);
CREATE UNIQUE INDEX payment_method_external ON payment_method (gateway, mode, external_id);
CREATE INDEX payment_method_account ON payment_method (account_id) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX payment_method_role ON payment_method (account_id, role)
    WHERE role <> '' AND removed_at IS NULL;

-- What to do when a wallet runs low: tell once per dip, and top it up once per dip.
CREATE TABLE watch (
    account_id TEXT NOT NULL REFERENCES account (id),
    asset TEXT NOT NULL,
    alert_minor INTEGER,
    alert_armed INTEGER NOT NULL DEFAULT 1,
    alerted_at INTEGER,
    topup_below_minor INTEGER,
    topup_amount_minor INTEGER,
    topup_daily_minor INTEGER,
    topup_armed INTEGER NOT NULL DEFAULT 1,
    topup_payment_id TEXT,
    declines INTEGER NOT NULL DEFAULT 0,
    stopped TEXT,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, asset)
) STRICT;

-- What was compared with a gateway's own books, and what came of it.
CREATE TABLE reconciliation (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    reference TEXT,
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    actor TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    summary TEXT NOT NULL DEFAULT '{}',
    digest TEXT
) STRICT;
CREATE UNIQUE INDEX reconciliation_id ON reconciliation (id);
CREATE INDEX reconciliation_reference ON reconciliation (reference) WHERE reference IS NOT NULL;
CREATE TABLE reconciliation_item (
    number INTEGER NOT NULL PRIMARY KEY,
    reconciliation_number INTEGER NOT NULL REFERENCES reconciliation (number),
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    external_id TEXT NOT NULL,
    our_id TEXT,
    account_id TEXT,
    asset TEXT NOT NULL,
    ours_minor INTEGER,
    theirs_minor INTEGER,
    our_fee_minor INTEGER,
    their_fee_minor INTEGER,
    happened_at INTEGER NOT NULL,
    note TEXT,
    explained_by TEXT,
    explained_at INTEGER
) STRICT;
CREATE INDEX reconciliation_item_run ON reconciliation_item (reconciliation_number, outcome, number);
CREATE INDEX reconciliation_item_explained ON reconciliation_item (external_id) WHERE note IS NOT NULL;
CREATE INDEX reconciliation_item_notes ON reconciliation_item (reconciliation_number)
    WHERE note IS NOT NULL;
