-- The ground floor on SQLite. Tables with triggers change by ADD COLUMN alone from here on.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE indexing (
    name TEXT NOT NULL PRIMARY KEY,
    up_to INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    id TEXT NOT NULL PRIMARY KEY,
    ref TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'suspended', 'closed')),
    created_at INTEGER NOT NULL,
    status_since INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX account_ref ON account (ref);
CREATE INDEX account_email ON account (email);
CREATE INDEX account_name ON account (name);

CREATE TABLE wallet (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('cash', 'credits', 'receivable')),
    asset TEXT NOT NULL,
    balance_minor INTEGER NOT NULL DEFAULT 0,
    held_minor INTEGER NOT NULL DEFAULT 0 CHECK (held_minor >= 0),
    floor_minor INTEGER DEFAULT 0,
    freezes INTEGER NOT NULL DEFAULT 0 CHECK (freezes >= 0),
    seq INTEGER NOT NULL DEFAULT 0,
    head BLOB NOT NULL,
    last_at INTEGER NOT NULL,
    CONSTRAINT wallet_floor CHECK (floor_minor IS NULL OR balance_minor - held_minor >= floor_minor)
) STRICT;
CREATE UNIQUE INDEX wallet_id ON wallet (id);
CREATE UNIQUE INDEX wallet_purse ON wallet (account_id, purpose, asset);

CREATE TABLE posting (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    reference TEXT NOT NULL,
    digest BLOB NOT NULL,
    account_id TEXT NOT NULL,
    subject TEXT,
    memo TEXT,
    salt BLOB,
    text_digest BLOB,
    actor TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    corrects TEXT,
    about TEXT
) STRICT;
CREATE UNIQUE INDEX posting_id ON posting (id);
CREATE UNIQUE INDEX posting_reference ON posting (reference, scope);
CREATE UNIQUE INDEX posting_corrects ON posting (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE entry (
    number INTEGER NOT NULL PRIMARY KEY,
    posting_number INTEGER NOT NULL REFERENCES posting (number),
    wallet_number INTEGER NOT NULL REFERENCES wallet (number),
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    balance_after INTEGER NOT NULL,
    counterparty TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX entry_wallet ON entry (wallet_number, number, amount_minor);
CREATE INDEX entry_posting ON entry (posting_number);
CREATE INDEX entry_kind ON entry (kind);

CREATE TABLE hold (
    id TEXT NOT NULL PRIMARY KEY,
    wallet_number INTEGER NOT NULL REFERENCES wallet (number),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    status TEXT NOT NULL CHECK (status IN ('open', 'captured', 'released', 'expired')),
    placed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    resolved_at INTEGER,
    resolved_by TEXT
) STRICT;
CREATE INDEX hold_open ON hold (wallet_number, expires_at) WHERE status = 'open';

CREATE TABLE wallet_freeze (
    id TEXT NOT NULL PRIMARY KEY,
    wallet_number INTEGER NOT NULL REFERENCES wallet (number),
    cause TEXT NOT NULL,
    memo TEXT NOT NULL,
    set_by TEXT NOT NULL,
    since INTEGER NOT NULL,
    lifted_at INTEGER,
    lifted_by TEXT,
    lift_memo TEXT
) STRICT;
CREATE UNIQUE INDEX freeze_open ON wallet_freeze (wallet_number, cause) WHERE lifted_at IS NULL;

CREATE TABLE payment (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    external_id TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'expired')),
    asset TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    fee_minor INTEGER,
    pay_url TEXT,
    detail TEXT NOT NULL DEFAULT '',
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    asked_at INTEGER,
    asks INTEGER NOT NULL DEFAULT 0,
    posting_id TEXT
) STRICT;
CREATE UNIQUE INDEX payment_id ON payment (id);
CREATE UNIQUE INDEX payment_external ON payment (gateway, mode, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX payment_account ON payment (account_id, number);
CREATE INDEX payment_open ON payment (gateway, mode, number) WHERE status = 'pending';

CREATE TABLE fact (
    number INTEGER NOT NULL PRIMARY KEY,
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    object_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    occurrence TEXT NOT NULL,
    payment_id TEXT,
    asset TEXT,
    amount_minor INTEGER,
    fee_minor INTEGER,
    happened_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('applied', 'waiting')),
    detail TEXT NOT NULL DEFAULT '',
    raw TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX fact_once ON fact (gateway, mode, object_id, stage, occurrence);
CREATE INDEX fact_waiting ON fact (number) WHERE state = 'waiting';

CREATE TABLE freshness (
    gateway TEXT NOT NULL,
    mode TEXT NOT NULL,
    cursor TEXT,
    watermark INTEGER,
    polled_at INTEGER,
    error TEXT,
    error_at INTEGER,
    PRIMARY KEY (gateway, mode)
) STRICT;

CREATE TABLE audit (
    number INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    account_id TEXT,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
    summary TEXT NOT NULL,
    data TEXT NOT NULL,
    origin TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_account ON audit (account_id, at);

CREATE VIRTUAL TABLE posting_text USING fts5 (
    subject, memo, reference, content = 'posting', content_rowid = 'number', tokenize = 'trigram'
);

-- What is written stays written. One change passes: erasing personal text, which leaves its digest.
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting
WHEN NOT (
    NEW.number IS OLD.number AND NEW.id IS OLD.id AND NEW.kind IS OLD.kind
    AND NEW.scope IS OLD.scope AND NEW.reference IS OLD.reference AND NEW.digest IS OLD.digest
    AND NEW.account_id IS OLD.account_id AND NEW.text_digest IS OLD.text_digest
    AND NEW.actor IS OLD.actor AND NEW.happened_at IS OLD.happened_at
    AND NEW.recorded_at IS OLD.recorded_at AND NEW.corrects IS OLD.corrects
    AND NEW.about IS OLD.about
    AND NEW.subject IS NULL AND NEW.memo IS NULL AND NEW.salt IS NULL AND OLD.salt IS NOT NULL
)
BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting
BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are immutable'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are immutable'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER fact_no_rewrite BEFORE UPDATE ON fact
WHEN NOT (
    NEW.number IS OLD.number AND NEW.gateway IS OLD.gateway AND NEW.mode IS OLD.mode
    AND NEW.object_id IS OLD.object_id AND NEW.stage IS OLD.stage
    AND NEW.occurrence IS OLD.occurrence AND NEW.asset IS OLD.asset
    AND NEW.amount_minor IS OLD.amount_minor AND NEW.fee_minor IS OLD.fee_minor
    AND NEW.happened_at IS OLD.happened_at AND NEW.received_at IS OLD.received_at
    AND NEW.raw IS OLD.raw
)
BEGIN SELECT RAISE(ABORT, 'facts are kept as they were said'); END;
CREATE TRIGGER fact_no_delete BEFORE DELETE ON fact
BEGIN SELECT RAISE(ABORT, 'facts are never dropped'); END;
CREATE TRIGGER wallet_no_delete BEFORE DELETE ON wallet
BEGIN SELECT RAISE(ABORT, 'wallets are never dropped'); END;
CREATE TRIGGER wallet_identity BEFORE UPDATE ON wallet
WHEN NOT (
    NEW.number IS OLD.number AND NEW.id IS OLD.id AND NEW.account_id IS OLD.account_id
    AND NEW.purpose IS OLD.purpose AND NEW.asset IS OLD.asset AND NEW.seq >= OLD.seq
    AND NEW.last_at >= OLD.last_at
)
BEGIN SELECT RAISE(ABORT, 'a wallet keeps its identity and never goes back'); END;
