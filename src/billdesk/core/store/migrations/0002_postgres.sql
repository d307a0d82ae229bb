-- The quick way in for what nearly every posting is: one leg that moves money and holds nothing, on an
-- account given by its ref. It writes what `post` writes, in one statement, since each statement of a
-- function costs as much as an index; the answer is one text, since a row of columns costs more, too.
-- NULL when the wallet is missing or a guard said no.
CREATE FUNCTION post_one(
    p_id text, p_kind text, p_scope text, p_reference text, p_digest bytea,
    p_subject text, p_memo text, p_salt bytea, p_actor text,
    p_happened_at bigint, p_recorded_at bigint, p_corrects text, p_about text, p_guarded boolean,
    p_account text, p_purpose text, p_asset text, p_amount bigint, p_counterparty text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = billdesk, pg_temp AS $$
DECLARE
    v_now bigint := micros();
    v_actor text := session_user;
    v_text_digest bytea;
    v_front text;
    v_answer text;
BEGIN
    IF p_actor IS NOT NULL OR p_recorded_at IS NOT NULL THEN
        IF session_user = current_user OR owns() THEN
            v_actor := coalesce(p_actor, v_actor);
            v_now := coalesce(p_recorded_at, v_now);
        END IF;
    END IF;
    IF p_salt IS NOT NULL THEN
        v_text_digest := sha256(p_salt || convert_to(field(p_subject) || field(p_memo), 'UTF8'));
    END IF;
    -- The canonical form again: `field` where a NULL may stand, else its parts in one call, because
    -- what a statement costs here is not running its expressions but making them ready.
    v_front := concat('1', octet_length(p_id), ':', p_id, octet_length(p_kind), ':', p_kind,
        octet_length(p_scope), ':', p_scope, octet_length(p_reference), ':', p_reference,
        '64:', encode(p_digest, 'hex'), field(encode(v_text_digest, 'hex')),
        octet_length(v_actor), ':', v_actor, field(p_corrects), field(p_about));

    WITH moved AS (
        UPDATE wallet w SET
            balance_minor = w.balance_minor + p_amount,
            seq = w.seq + 1,
            last_at = greatest(w.last_at, v_now),
            head = sha256(w.head || convert_to(concat(v_front,
                octet_length(w.account_id), ':', w.account_id,
                length(coalesce(p_happened_at, greatest(w.last_at, v_now))::text), ':',
                coalesce(p_happened_at, greatest(w.last_at, v_now)),
                length(greatest(w.last_at, v_now)::text), ':', greatest(w.last_at, v_now),
                octet_length(w.id), ':', w.id,
                length((w.seq + 1)::text), ':', w.seq + 1,
                octet_length(p_asset), ':', p_asset,
                length(p_amount::text), ':', p_amount,
                length((w.balance_minor + p_amount)::text), ':', w.balance_minor + p_amount,
                octet_length(p_counterparty), ':', p_counterparty), 'UTF8'))
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
