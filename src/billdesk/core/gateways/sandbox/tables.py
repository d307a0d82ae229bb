"""The tables of the sandbox's books, and how the books of earlier versions become these."""

APPLICATION_ID = 0x53424F58  # "SBOX": tells these books from any other SQLite file
VERSION = 3  # books of the first format say 0

TABLES = """
CREATE TABLE customer (
    customer_id TEXT PRIMARY KEY,
    account_ref TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    email TEXT
);
CREATE TABLE method (
    method_id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    label TEXT NOT NULL,
    expires TEXT NOT NULL,
    declines INTEGER NOT NULL
);
CREATE INDEX method_customer ON method (customer_id);
CREATE TABLE payment (
    external_id TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL UNIQUE,
    account_ref TEXT NOT NULL,
    description TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    asset TEXT NOT NULL,
    customer_id TEXT REFERENCES customer,
    method_id TEXT REFERENCES method,
    saves_method INTEGER NOT NULL
);
CREATE TABLE payback (
    external_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('refund', 'dispute')),
    refund_id TEXT UNIQUE,
    payment_external_id TEXT NOT NULL REFERENCES payment,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    note TEXT NOT NULL
);
CREATE INDEX payback_payment ON payback (payment_external_id);
CREATE TABLE plan (
    object_id TEXT PRIMARY KEY,
    stage TEXT NOT NULL,
    detail TEXT NOT NULL,
    due_at INTEGER NOT NULL
);
CREATE INDEX plan_due ON plan (due_at);
CREATE TABLE bill (
    object_id TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    object_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    payment_external_id TEXT REFERENCES payment,
    method_id TEXT REFERENCES method,
    fee_minor INTEGER,
    detail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    occurrence TEXT NOT NULL DEFAULT '',
    body TEXT,
    UNIQUE (object_id, stage, occurrence)
);
CREATE INDEX event_feed ON event (created_at, number);
CREATE INDEX event_payment ON event (payment_external_id);
CREATE TABLE secret (text TEXT NOT NULL);
INSERT INTO secret VALUES (lower(hex(randomblob(32))))
"""

# Books of the second format have no bills, and each of their events happens once alone.
SET_SECOND_ASIDE = """
ALTER TABLE event RENAME TO event_2;
DROP INDEX event_feed;
DROP INDEX event_payment
"""

NEW_IN_THIRD = TABLES[TABLES.index("CREATE TABLE bill") : TABLES.index(";\nCREATE TABLE secret")]

COPY_SECOND = """
INSERT INTO event
    SELECT number, object_id, stage, payment_external_id, method_id, fee_minor, detail, created_at,
           visible_at, '', NULL
      FROM event_2;
DROP TABLE event_2
"""

SET_FIRST_ASIDE = """
ALTER TABLE payment RENAME TO payment_1;
ALTER TABLE event RENAME TO event_1;
DROP INDEX payment_due;
DROP INDEX event_feed
"""

COPY_FIRST = """
INSERT INTO payment
    SELECT external_id, payment_id, account_ref, description, amount_minor, asset, NULL, NULL, 0
      FROM payment_1 ORDER BY rowid;
INSERT INTO plan
    SELECT external_id, due_stage, due_detail, due_at
      FROM payment_1 WHERE stage = 'opened' ORDER BY rowid;
INSERT INTO event
    SELECT number, external_id, stage, external_id, NULL, fee_minor, detail, created_at, visible_at,
           '', NULL
      FROM event_1;
DROP TABLE event_1;
DROP TABLE payment_1
"""
