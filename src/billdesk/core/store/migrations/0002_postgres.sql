SET LOCAL search_path = billdesk;

-- Money in and out: what a gateway is connected as, its messages, refunds, disputes, saved methods.

-- Which gateways a desk has, by name; their keys are never here.
CREATE TABLE gateway (
    name text NOT NULL PRIMARY KEY,
    make text NOT NULL CHECK (make IN ('stripe', 'paypal', 'paystack')),
    account text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('test', 'live')),
    settings text NOT NULL DEFAULT '{}',
    added_at bigint NOT NULL,
    added_by text NOT NULL,
    removed_at bigint
);

-- Whose gateway is asked when none is named; empty: the desk's.
ALTER TABLE account ADD COLUMN gateway text;

ALTER TABLE payment ADD COLUMN purpose text NOT NULL DEFAULT 'deposit';
ALTER TABLE payment ADD COLUMN save_method bigint NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN method_id text;
ALTER TABLE payment ADD COLUMN retries_id text;
ALTER TABLE payment ADD COLUMN charge_id text;
ALTER TABLE payment ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN disputed_minor bigint NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX payment_charge ON payment (gateway, mode, charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX payment_changed ON payment (gateway, mode, changed_at);
CREATE INDEX payment_retries ON payment (retries_id) WHERE retries_id IS NOT NULL;

ALTER TABLE fact ADD COLUMN refund_id text;
ALTER TABLE fact ADD COLUMN payment_external_id text;
ALTER TABLE fact ADD COLUMN charge_id text;
ALTER TABLE fact ADD COLUMN more text;
CREATE INDEX fact_waiting_of ON fact (gateway, mode, number) WHERE state = 'waiting';
CREATE INDEX fact_of_payment ON fact (payment_id) WHERE payment_id IS NOT NULL;

-- A gateway's messages as they came, once each.
CREATE TABLE gateway_event (
    gateway text NOT NULL,
    mode text NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    object_id text NOT NULL,
    happened_at bigint NOT NULL,
    received_at bigint NOT NULL,
    raw text NOT NULL,
    PRIMARY KEY (gateway, mode, event_id)
);
CREATE TRIGGER gateway_event_no_update BEFORE UPDATE ON gateway_event FOR EACH ROW
    EXECUTE FUNCTION refuse_change('messages are kept as they came');
CREATE TRIGGER gateway_event_no_delete BEFORE DELETE ON gateway_event FOR EACH ROW
    EXECUTE FUNCTION refuse_change('messages are never dropped');
CREATE TRIGGER gateway_event_no_truncate BEFORE TRUNCATE ON gateway_event
    EXECUTE FUNCTION refuse_change('messages are never dropped');

ALTER TABLE freshness ADD COLUMN failures bigint NOT NULL DEFAULT 0;
ALTER TABLE freshness ADD COLUMN quiet_until bigint;
ALTER TABLE freshness ADD COLUMN swept_at bigint;
ALTER TABLE freshness ADD COLUMN sweep_since bigint;
ALTER TABLE freshness ADD COLUMN sweep_cursor text;

-- A span that a gateway's feed could not tell any more; healed when a sweep has listed it.
CREATE TABLE gap (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    mode text NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL,
    found_at bigint NOT NULL,
    healed_at bigint
);
CREATE INDEX gap_open ON gap (gateway, mode) WHERE healed_at IS NULL;

-- Money of a payment on its way back to where it came from.
CREATE TABLE card_refund (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    payment_id text NOT NULL REFERENCES payment (id),
    gateway text NOT NULL,
    mode text NOT NULL,
    external_id text,
    status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    asset text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    memo text NOT NULL,
    detail text NOT NULL DEFAULT '',
    posting_id text,
    actor text NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    asked_at bigint,
    asks bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX card_refund_id ON card_refund (id);
CREATE UNIQUE INDEX card_refund_external ON card_refund (gateway, mode, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX card_refund_payment ON card_refund (payment_id, number);
CREATE INDEX card_refund_open ON card_refund (gateway, mode, number) WHERE status = 'pending';

-- A payment that its payer contests at the bank.
CREATE TABLE dispute (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    payment_id text NOT NULL REFERENCES payment (id),
    gateway text NOT NULL,
    mode text NOT NULL,
    external_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'won', 'lost')),
    asset text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    hold_id text,
    posting_id text,
    detail text NOT NULL DEFAULT '',
    opened_at bigint NOT NULL,
    closed_at bigint
);
CREATE UNIQUE INDEX dispute_id ON dispute (id);
CREATE UNIQUE INDEX dispute_external ON dispute (gateway, mode, external_id);
CREATE INDEX dispute_payment ON dispute (payment_id);
CREATE INDEX dispute_open ON dispute (number) WHERE status = 'open';

-- Who an account is at a gateway.
CREATE TABLE customer (
    account_id text NOT NULL REFERENCES account (id),
    gateway text NOT NULL,
    mode text NOT NULL,
    external_id text NOT NULL,
    made_at bigint NOT NULL,
    PRIMARY KEY (account_id, gateway, mode)
);
CREATE INDEX customer_external ON customer (gateway, mode, external_id);

-- A saved way to pay, as the gateway shows it.
CREATE TABLE payment_method (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    gateway text NOT NULL,
    mode text NOT NULL,
    customer_id text NOT NULL,
    external_id text NOT NULL,
    label text NOT NULL,
    expires text,
    role text NOT NULL DEFAULT '' CHECK (role IN ('', 'default', 'backup')),
    added_at bigint NOT NULL,
    removed_at bigint
);
CREATE UNIQUE INDEX payment_method_id ON payment_method (id);
CREATE UNIQUE INDEX payment_method_external ON payment_method (gateway, mode, external_id);
CREATE INDEX payment_method_account ON payment_method (account_id) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX payment_method_role ON payment_method (account_id, role)
    WHERE role <> '' AND removed_at IS NULL;

-- What to do when a wallet runs low: tell once per dip, and top it up once per dip.
CREATE TABLE watch (
    account_id text NOT NULL REFERENCES account (id),
    asset text NOT NULL,
    alert_minor bigint,
    alert_armed bigint NOT NULL DEFAULT 1,
    alerted_at bigint,
    topup_below_minor bigint,
    topup_amount_minor bigint,
    topup_daily_minor bigint,
    topup_armed bigint NOT NULL DEFAULT 1,
    topup_payment_id text,
    declines bigint NOT NULL DEFAULT 0,
    stopped text,
    changed_at bigint NOT NULL,
    PRIMARY KEY (account_id, asset)
);

-- What was compared with a gateway's own books, and what came of it.
CREATE TABLE reconciliation (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    reference text,
    gateway text NOT NULL,
    mode text NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL,
    actor text NOT NULL,
    started_at bigint NOT NULL,
    finished_at bigint,
    summary text NOT NULL DEFAULT '{}',
    digest text
);
CREATE UNIQUE INDEX reconciliation_id ON reconciliation (id);
CREATE INDEX reconciliation_reference ON reconciliation (reference) WHERE reference IS NOT NULL;
CREATE TABLE reconciliation_item (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reconciliation_number bigint NOT NULL REFERENCES reconciliation (number),
    kind text NOT NULL,
    outcome text NOT NULL,
    external_id text NOT NULL,
    our_id text,
    account_id text,
    asset text NOT NULL,
    ours_minor bigint,
    theirs_minor bigint,
    our_fee_minor bigint,
    their_fee_minor bigint,
    happened_at bigint NOT NULL,
    note text,
    explained_by text,
    explained_at bigint
);
CREATE INDEX reconciliation_item_run ON reconciliation_item (reconciliation_number, outcome, number);
CREATE INDEX reconciliation_item_explained ON reconciliation_item (external_id) WHERE note IS NOT NULL;
CREATE INDEX reconciliation_item_notes ON reconciliation_item (reconciliation_number)
    WHERE note IS NOT NULL;

-- A condition of a trigger is read anew for every statement, which cost a charge 16 µs; a list of
-- columns costs nothing. That seq and last_at never go back is for `verify` to see: no client may write
-- them.
DROP TRIGGER wallet_identity ON wallet;
CREATE TRIGGER wallet_identity BEFORE UPDATE OF number, id, account_id, purpose, asset ON wallet
    FOR EACH ROW EXECUTE FUNCTION refuse_change('a wallet keeps its identity');

-- Fields of the canonical form, one after the other.
CREATE FUNCTION canonical(fields text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    each text;
    joined text := '';
BEGIN
    FOREACH each IN ARRAY fields LOOP
        joined := joined || coalesce(octet_length(each)::text || ':' || each, '-1:');
    END LOOP;
    RETURN joined;
END $$;

-- The quick way in for what nearly every posting is: one leg that moves money and holds nothing, on an
-- account given by its ref. It writes what `post` writes, in one statement and with few expressions,
-- since to make those ready is what a statement costs here; the answer is one text for the same reason.
-- NULL when the wallet is missing or a guard said no.
CREATE FUNCTION post_one(
    p_id text, p_kind text, p_scope text, p_reference text, p_digest bytea,
    p_subject text, p_memo text, p_salt bytea, p_actor text,
    p_happened_at bigint, p_recorded_at bigint, p_corrects text, p_about text, p_guarded boolean,
    p_account text, p_purpose text, p_asset text, p_amount bigint, p_counterparty text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = billdesk, pg_temp AS $$
DECLARE
    v_now bigint := micros();
    v_actor text;
    v_text_digest bytea;
    v_answer text;
BEGIN
    -- Here current_user is the owner of this function, and asking further costs 8 µs.
    v_actor := CASE WHEN p_actor IS NOT NULL AND (session_user = current_user OR owns())
        THEN p_actor ELSE session_user END;
    IF p_recorded_at IS NOT NULL AND (session_user = current_user OR owns()) THEN
        v_now := p_recorded_at;
    END IF;
    IF p_salt IS NOT NULL THEN
        v_text_digest := sha256(p_salt
            || convert_to(canonical(ARRAY[p_subject, p_memo]), 'UTF8'));
    END IF;

    WITH moved AS (
        UPDATE wallet w SET
            balance_minor = w.balance_minor + p_amount,
            seq = w.seq + 1,
            last_at = greatest(w.last_at, v_now),
            head = sha256(w.head || convert_to('1' || canonical(ARRAY[
                p_id, p_kind, p_scope, p_reference, encode(p_digest, 'hex'),
                encode(v_text_digest, 'hex'), v_actor, p_corrects, p_about, w.account_id,
                coalesce(p_happened_at, greatest(w.last_at, v_now))::text,
                greatest(w.last_at, v_now)::text, w.id, (w.seq + 1)::text, p_asset, p_amount::text,
                (w.balance_minor + p_amount)::text, p_counterparty]), 'UTF8'))
        FROM account a
        WHERE a.ref = p_account AND w.account_id = a.id
            AND w.purpose = p_purpose AND w.asset = p_asset
            AND (w.floor_minor IS NULL OR p_amount >= 0
                 OR w.balance_minor - w.held_minor + p_amount >= w.floor_minor)
            AND (NOT p_guarded OR (w.freezes = 0 AND a.status = 'open'))
        RETURNING w.number, w.seq, w.balance_minor, w.account_id, w.last_at, w.head),
    posted AS (
        INSERT INTO posting (id, kind, scope, reference, digest, account_id, subject, memo, salt,
            text_digest, actor, happened_at, recorded_at, corrects, about)
        SELECT p_id, p_kind, p_scope, p_reference, p_digest, moved.account_id, p_subject, p_memo,
            p_salt, v_text_digest, v_actor, coalesce(p_happened_at, moved.last_at), moved.last_at,
            p_corrects, p_about
        FROM moved
        RETURNING number)
    INSERT INTO entry (posting_number, wallet_number, seq, kind, amount_minor, balance_after,
        counterparty, recorded_at, hash)
    SELECT posted.number, moved.number, moved.seq, p_kind, p_amount, moved.balance_minor,
        p_counterparty, moved.last_at, moved.head
    FROM moved, posted
    RETURNING concat_ws(' ', posting_number, recorded_at, balance_after,
        (SELECT moved.account_id FROM moved), v_actor) INTO v_answer;
    RETURN v_answer;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA billdesk FROM PUBLIC;
