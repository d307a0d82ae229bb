-- The ground floor on Postgres 13 and newer. Everything lives in the schema `billdesk`.
-- Clients hold SELECT and EXECUTE and no more: whatever moves money goes through `post`, which runs
-- as the owner and sets actor, recorded_at and the hash itself.

CREATE SCHEMA IF NOT EXISTS billdesk;
SET LOCAL search_path = billdesk, pg_temp;

CREATE TABLE meta (
    key text NOT NULL PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE indexing (
    name text NOT NULL PRIMARY KEY,
    up_to bigint NOT NULL
);

CREATE TABLE account (
    id text NOT NULL PRIMARY KEY,
    ref text NOT NULL,
    name text NOT NULL,
    email text,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'suspended', 'closed')),
    created_at bigint NOT NULL,
    status_since bigint NOT NULL
);
CREATE UNIQUE INDEX account_ref ON account (ref);
CREATE INDEX account_email ON account (email);
CREATE INDEX account_name ON account (name);

CREATE TABLE wallet (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    purpose text NOT NULL CHECK (purpose IN ('cash', 'credits', 'receivable')),
    asset text NOT NULL,
    balance_minor bigint NOT NULL DEFAULT 0,
    held_minor bigint NOT NULL DEFAULT 0 CHECK (held_minor >= 0),
    floor_minor bigint DEFAULT 0,
    freezes bigint NOT NULL DEFAULT 0 CHECK (freezes >= 0),
    seq bigint NOT NULL DEFAULT 0,
    head bytea NOT NULL,
    last_at bigint NOT NULL,
    CONSTRAINT wallet_floor CHECK (floor_minor IS NULL OR balance_minor - held_minor >= floor_minor)
);
CREATE UNIQUE INDEX wallet_id ON wallet (id);
CREATE UNIQUE INDEX wallet_purse ON wallet (account_id, purpose, asset);

CREATE TABLE posting (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    kind text NOT NULL,
    scope text NOT NULL,
    reference text NOT NULL,
    digest bytea NOT NULL,
    account_id text NOT NULL,
    subject text,
    memo text,
    salt bytea,
    text_digest bytea,
    actor text NOT NULL,
    happened_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    corrects text,
    about text
);
CREATE UNIQUE INDEX posting_id ON posting (id);
CREATE UNIQUE INDEX posting_reference ON posting (reference, scope);
CREATE UNIQUE INDEX posting_corrects ON posting (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE entry (
    number bigint GENERATED ALWAYS AS IDENTITY,
    posting_number bigint NOT NULL,
    wallet_number bigint NOT NULL REFERENCES wallet (number),
    seq bigint NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    balance_after bigint NOT NULL,
    counterparty text NOT NULL,
    recorded_at bigint NOT NULL,
    hash bytea NOT NULL
);
-- No unique key without recorded_at: the table can be partitioned by month one day. That a wallet's
-- seq has neither gaps nor doubles is kept by the wallet's own row, which every posting updates.
CREATE INDEX entry_number ON entry (number);
CREATE INDEX entry_wallet ON entry (wallet_number, number) INCLUDE (amount_minor);
CREATE INDEX entry_posting ON entry (posting_number);
CREATE INDEX entry_kind ON entry (kind, number);

CREATE TABLE hold (
    id text NOT NULL PRIMARY KEY,
    wallet_number bigint NOT NULL REFERENCES wallet (number),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    status text NOT NULL CHECK (status IN ('open', 'captured', 'released', 'expired')),
    placed_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    resolved_at bigint,
    resolved_by text
);
CREATE INDEX hold_open ON hold (wallet_number, expires_at) WHERE status = 'open';

CREATE TABLE wallet_freeze (
    id text NOT NULL PRIMARY KEY,
    wallet_number bigint NOT NULL REFERENCES wallet (number),
    cause text NOT NULL,
    memo text NOT NULL,
    set_by text NOT NULL,
    since bigint NOT NULL,
    lifted_at bigint,
    lifted_by text,
    lift_memo text
);
CREATE UNIQUE INDEX freeze_open ON wallet_freeze (wallet_number, cause) WHERE lifted_at IS NULL;

CREATE TABLE payment (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    gateway text NOT NULL,
    mode text NOT NULL,
    external_id text,
    status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'expired')),
    asset text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    fee_minor bigint,
    pay_url text,
    detail text NOT NULL DEFAULT '',
    actor text NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    asked_at bigint,
    asks bigint NOT NULL DEFAULT 0,
    posting_id text
);
CREATE UNIQUE INDEX payment_id ON payment (id);
CREATE UNIQUE INDEX payment_external ON payment (gateway, mode, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX payment_account ON payment (account_id, number);
CREATE INDEX payment_open ON payment (gateway, mode, number) WHERE status = 'pending';

CREATE TABLE fact (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    mode text NOT NULL,
    object_id text NOT NULL,
    stage text NOT NULL,
    occurrence text NOT NULL,
    payment_id text,
    asset text,
    amount_minor bigint,
    fee_minor bigint,
    happened_at bigint NOT NULL,
    received_at bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('applied', 'waiting')),
    detail text NOT NULL DEFAULT '',
    raw text NOT NULL
);
CREATE UNIQUE INDEX fact_once ON fact (gateway, mode, object_id, stage, occurrence);
CREATE INDEX fact_waiting ON fact (number) WHERE state = 'waiting';

CREATE TABLE freshness (
    gateway text NOT NULL,
    mode text NOT NULL,
    cursor text,
    watermark bigint,
    polled_at bigint,
    error text,
    error_at bigint,
    PRIMARY KEY (gateway, mode)
);

CREATE TABLE audit (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    actor text NOT NULL,
    account_id text,
    action text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused')),
    summary text NOT NULL,
    data text NOT NULL,
    origin text NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_account ON audit (account_id, at);


CREATE TABLE posting_search (
    number bigint NOT NULL PRIMARY KEY,
    grams text[] NOT NULL
);
CREATE INDEX posting_search_grams ON posting_search USING gin (grams);

-- What is written stays written. One change passes: erasing personal text, which leaves its digest.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting FOR EACH ROW WHEN (NOT (
    NEW.number IS NOT DISTINCT FROM OLD.number AND NEW.id IS NOT DISTINCT FROM OLD.id
    AND NEW.kind IS NOT DISTINCT FROM OLD.kind AND NEW.scope IS NOT DISTINCT FROM OLD.scope
    AND NEW.reference IS NOT DISTINCT FROM OLD.reference
    AND NEW.digest IS NOT DISTINCT FROM OLD.digest
    AND NEW.account_id IS NOT DISTINCT FROM OLD.account_id
    AND NEW.text_digest IS NOT DISTINCT FROM OLD.text_digest
    AND NEW.actor IS NOT DISTINCT FROM OLD.actor
    AND NEW.happened_at IS NOT DISTINCT FROM OLD.happened_at
    AND NEW.recorded_at IS NOT DISTINCT FROM OLD.recorded_at
    AND NEW.corrects IS NOT DISTINCT FROM OLD.corrects
    AND NEW.about IS NOT DISTINCT FROM OLD.about
    AND NEW.subject IS NULL AND NEW.memo IS NULL AND NEW.salt IS NULL AND OLD.salt IS NOT NULL
)) EXECUTE FUNCTION refuse_change('postings are immutable');
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting FOR EACH ROW
    EXECUTE FUNCTION refuse_change('postings are immutable');
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry FOR EACH ROW
    EXECUTE FUNCTION refuse_change('entries are immutable');
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry FOR EACH ROW
    EXECUTE FUNCTION refuse_change('entries are immutable');
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW
    EXECUTE FUNCTION refuse_change('the audit log is append-only');
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW
    EXECUTE FUNCTION refuse_change('the audit log is append-only');
CREATE TRIGGER fact_no_rewrite BEFORE UPDATE ON fact FOR EACH ROW WHEN (NOT (
    NEW.number IS NOT DISTINCT FROM OLD.number AND NEW.gateway IS NOT DISTINCT FROM OLD.gateway
    AND NEW.mode IS NOT DISTINCT FROM OLD.mode
    AND NEW.object_id IS NOT DISTINCT FROM OLD.object_id
    AND NEW.stage IS NOT DISTINCT FROM OLD.stage
    AND NEW.occurrence IS NOT DISTINCT FROM OLD.occurrence
    AND NEW.asset IS NOT DISTINCT FROM OLD.asset
    AND NEW.amount_minor IS NOT DISTINCT FROM OLD.amount_minor
    AND NEW.fee_minor IS NOT DISTINCT FROM OLD.fee_minor
    AND NEW.happened_at IS NOT DISTINCT FROM OLD.happened_at
    AND NEW.received_at IS NOT DISTINCT FROM OLD.received_at
    AND NEW.raw IS NOT DISTINCT FROM OLD.raw
)) EXECUTE FUNCTION refuse_change('facts are kept as they were said');
CREATE TRIGGER fact_no_delete BEFORE DELETE ON fact FOR EACH ROW
    EXECUTE FUNCTION refuse_change('facts are never dropped');
CREATE TRIGGER wallet_no_delete BEFORE DELETE ON wallet FOR EACH ROW
    EXECUTE FUNCTION refuse_change('wallets are never dropped');
CREATE TRIGGER wallet_identity BEFORE UPDATE ON wallet FOR EACH ROW WHEN (NOT (
    NEW.number = OLD.number AND NEW.id = OLD.id AND NEW.account_id = OLD.account_id
    AND NEW.purpose = OLD.purpose AND NEW.asset = OLD.asset AND NEW.seq >= OLD.seq
    AND NEW.last_at >= OLD.last_at
)) EXECUTE FUNCTION refuse_change('a wallet keeps its identity and never goes back');
CREATE TRIGGER posting_no_truncate BEFORE TRUNCATE ON posting
    EXECUTE FUNCTION refuse_change('postings are immutable');
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON entry
    EXECUTE FUNCTION refuse_change('entries are immutable');
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    EXECUTE FUNCTION refuse_change('the audit log is append-only');
CREATE TRIGGER fact_no_truncate BEFORE TRUNCATE ON fact
    EXECUTE FUNCTION refuse_change('facts are never dropped');

-- One field of the canonical form: its length in bytes, a colon, the text; -1: for NULL.
CREATE FUNCTION field(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(octet_length(value)::text || ':' || value, '-1:')
$$;

-- The database's own time in microseconds.
CREATE FUNCTION micros() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

-- Whether the login is the owner of the schema or a member of it: only such a login may name another
-- actor or another recorded time (imports, rehearsals, demonstrations).
CREATE FUNCTION owns() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT pg_has_role(session_user, (SELECT nspowner FROM pg_namespace WHERE nspname = 'billdesk'), 'MEMBER')
$$;

-- The one way into the ledger: one posting with its legs, in one round trip. All answers are NULL when
-- a wallet is missing or a guard said no (the caller then asks why); a reference seen before raises
-- unique_violation. `p_accounts` are refs or ids. A leg with amount 0 only changes what is held.
CREATE FUNCTION post(
    p_id text, p_kind text, p_scope text, p_reference text, p_digest bytea,
    p_subject text, p_memo text, p_salt bytea, p_actor text,
    p_happened_at bigint, p_recorded_at bigint, p_corrects text, p_about text, p_guarded boolean,
    p_accounts text[], p_purposes text[], p_assets text[], p_amounts bigint[], p_helds bigint[],
    p_counterparties text[], p_hold_id text, p_hold_status text, p_hold_expires_at bigint,
    OUT r_posting_number bigint, OUT r_recorded_at bigint, OUT r_account_id text,
    OUT r_actor text, OUT r_balances_after bigint[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = billdesk, pg_temp AS $$
DECLARE
    v_now bigint := micros();
    v_text_digest bytea;
    v_front text;
    v_wallet wallet%ROWTYPE;
BEGIN
    r_actor := session_user;
    IF p_actor IS NOT NULL OR p_recorded_at IS NOT NULL THEN
        -- Here current_user is the owner of this function, and asking further costs 8 µs.
        IF session_user = current_user OR owns() THEN
            r_actor := coalesce(p_actor, r_actor);
            v_now := coalesce(p_recorded_at, v_now);
        END IF;
    END IF;

    -- One leg (nearly always): its wallet is found and locked by the UPDATE below. Several: all are
    -- locked first, in one order everywhere, so that no two postings wait for each other in a ring.
    IF cardinality(p_amounts) > 1 THEN
        SELECT greatest(v_now, max(locked.last_at)) INTO v_now FROM (
            SELECT w.last_at FROM wallet w
            WHERE (w.account_id, w.purpose, w.asset) IN (
                SELECT coalesce((SELECT a.id FROM account a WHERE a.ref = leg.account), leg.account),
                       leg.purpose, leg.asset
                FROM unnest(p_accounts, p_purposes, p_assets) AS leg (account, purpose, asset))
            ORDER BY w.number FOR UPDATE) AS locked;
    END IF;

    IF p_salt IS NOT NULL THEN
        v_text_digest := sha256(p_salt || convert_to(field(p_subject) || field(p_memo), 'UTF8'));
    END IF;
    v_front := '1' || field(p_id) || field(p_kind) || field(p_scope) || field(p_reference)
        || field(encode(p_digest, 'hex')) || field(encode(v_text_digest, 'hex')) || field(r_actor)
        || field(p_corrects) || field(p_about);

    FOR i IN 1 .. cardinality(p_amounts) LOOP
        UPDATE wallet w SET
            balance_minor = w.balance_minor + p_amounts[i],
            held_minor = w.held_minor + p_helds[i],
            seq = w.seq + (p_amounts[i] <> 0)::integer,
            last_at = greatest(w.last_at, v_now),
            head = CASE WHEN p_amounts[i] = 0 THEN w.head ELSE sha256(w.head || convert_to(v_front
                || field(coalesce(r_account_id, w.account_id))
                || field(coalesce(p_happened_at, greatest(w.last_at, v_now))::text)
                || field(greatest(w.last_at, v_now)::text)
                || field(w.id) || field((w.seq + 1)::text) || field(w.asset)
                || field(p_amounts[i]::text) || field((w.balance_minor + p_amounts[i])::text)
                || field(p_counterparties[i]), 'UTF8')) END
        WHERE w.account_id = coalesce(
                (SELECT a.id FROM account a WHERE a.ref = p_accounts[i]), p_accounts[i])
            AND w.purpose = p_purposes[i] AND w.asset = p_assets[i]
            AND (w.floor_minor IS NULL OR p_amounts[i] >= p_helds[i]
                 OR w.balance_minor - w.held_minor + p_amounts[i] - p_helds[i] >= w.floor_minor)
            AND (NOT p_guarded OR (w.freezes = 0
                 AND (SELECT a.status FROM account a WHERE a.id = w.account_id) = 'open'))
        RETURNING w.* INTO v_wallet;
        IF NOT FOUND THEN
            IF i = 1 THEN
                RETURN;
            END IF;
            RAISE EXCEPTION 'a later leg was refused' USING ERRCODE = 'BD001';
        END IF;
        IF i = 1 THEN
            r_recorded_at := v_wallet.last_at;
            INSERT INTO posting (id, kind, scope, reference, digest, account_id, subject, memo, salt,
                text_digest, actor, happened_at, recorded_at, corrects, about)
            VALUES (p_id, p_kind, p_scope, p_reference, p_digest, v_wallet.account_id, p_subject,
                p_memo, p_salt, v_text_digest, r_actor, coalesce(p_happened_at, r_recorded_at),
                r_recorded_at, p_corrects, p_about)
            RETURNING number INTO r_posting_number;
            r_account_id := v_wallet.account_id;
        END IF;
        IF p_amounts[i] <> 0 THEN
            INSERT INTO entry (posting_number, wallet_number, seq, kind, amount_minor, balance_after,
                counterparty, recorded_at, hash)
            VALUES (r_posting_number, v_wallet.number, v_wallet.seq, p_kind, p_amounts[i],
                v_wallet.balance_minor, p_counterparties[i], r_recorded_at, v_wallet.head);
        END IF;
        r_balances_after := r_balances_after || v_wallet.balance_minor;
    END LOOP;

    IF p_hold_status = 'open' THEN
        INSERT INTO hold (id, wallet_number, amount_minor, status, placed_at, expires_at)
        VALUES (p_hold_id, v_wallet.number, p_helds[1], 'open', r_recorded_at, p_hold_expires_at);
    ELSIF p_hold_status IS NOT NULL THEN
        UPDATE hold SET status = p_hold_status, resolved_at = r_recorded_at, resolved_by = p_id
        WHERE id = p_hold_id AND status = 'open';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the hold is not open' USING ERRCODE = 'BD001';
        END IF;
    END IF;
END $$;

-- Locks wallets for a decision that needs more than one statement; clients cannot lock rows themselves.
CREATE FUNCTION lock_wallets(p_numbers bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = billdesk, pg_temp AS $$
BEGIN
    PERFORM 1 FROM wallet w WHERE w.number = ANY (p_numbers) ORDER BY w.number FOR UPDATE;
END $$;

-- A wallet starts empty, whoever opens it; opened twice at once it is one.
CREATE FUNCTION open_wallet(p_id text, p_account_id text, p_purpose text, p_asset text,
    p_floor_minor bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = billdesk, pg_temp AS $$
BEGIN
    INSERT INTO wallet (id, account_id, purpose, asset, floor_minor, head, last_at)
    VALUES (p_id, p_account_id, p_purpose, p_asset, p_floor_minor,
        sha256(convert_to(p_id, 'UTF8')), 0)
    ON CONFLICT (account_id, purpose, asset) DO NOTHING;
END $$;

-- One line of the audit log; who and when are not for the client to say.
CREATE FUNCTION write_audit(p_at bigint, p_actor text, p_account_id text, p_action text,
    p_outcome text, p_summary text, p_data text, p_origin text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = billdesk, pg_temp AS $$
DECLARE
    v_owns boolean := owns();
BEGIN
    INSERT INTO audit (at, actor, account_id, action, outcome, summary, data, origin)
    VALUES (CASE WHEN v_owns THEN coalesce(p_at, micros()) ELSE micros() END,
        CASE WHEN v_owns THEN coalesce(p_actor, session_user) ELSE session_user END,
        p_account_id, p_action, p_outcome, p_summary, p_data, p_origin);
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA billdesk FROM PUBLIC;
