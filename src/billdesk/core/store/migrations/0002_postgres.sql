SET LOCAL search_path = billdesk;

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
