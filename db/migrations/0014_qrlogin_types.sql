-- +goose Up
-- Login QR codes of all three types, number matching, and word to who waits for a change.
ALTER TABLE qrlogins
    ADD COLUMN type          text       NOT NULL DEFAULT 'MOBILE_APP' CHECK (type IN ('MOBILE_APP', 'WECHAT_MINIPROGRAM', 'WECHAT_OFFICIAL_ACCOUNT')),
    ADD COLUMN connection_id text,       -- of the WeChat types: the identity source
    ADD COLUMN content       text,       -- of WECHAT_OFFICIAL_ACCOUNT: what WeChat wants in the picture
    ADD COLUMN picture       bytea,      -- of WECHAT_MINIPROGRAM: what WeChat has drawn, as PNG
    ADD COLUMN context       json       NOT NULL DEFAULT '{}', -- Q8: for the hooks, byte for byte
    ADD COLUMN person_hash   bytea,      -- Q3: who scanned at WeChat, the only one who may confirm or cancel
    ADD COLUMN match_number  smallint,   -- Q5: the one that the page shows
    ADD COLUMN match_numbers smallint[]; -- those that the phone shows
ALTER TABLE qrlogins
    DROP CONSTRAINT qrlogins_check, -- it asked for the user from SCANNED on; of who scans at WeChat that is known later
    ADD CONSTRAINT qrlogins_pinned CHECK (state IN ('PENDING', 'CANCELLED') OR session_id IS NOT NULL OR person_hash IS NOT NULL),
    ADD CONSTRAINT qrlogins_user CHECK (state <> 'AUTHORIZED' OR user_id IS NOT NULL);
-- +goose StatementBegin
CREATE FUNCTION tell_qrlogin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('menshen_qrlogins', encode(NEW.poll_hash, 'hex'));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER qrlogins_changed AFTER UPDATE OF state, consumed_at ON qrlogins FOR EACH ROW EXECUTE FUNCTION tell_qrlogin();

ALTER TABLE fastpasses ADD COLUMN scanned_at timestamptz;

-- The session that a waiting sign-in will open, so that a ticket that shows up again can end that too (Q4).
ALTER TABLE pending_signins
    ADD COLUMN session_id text,
    ADD COLUMN ip         text NOT NULL DEFAULT '', -- of who is going to use the session; empty for who finishes the sign-in
    ADD COLUMN user_agent text NOT NULL DEFAULT ''; -- the same
CREATE INDEX pending_signins_session ON pending_signins (userpool_id, session_id) WHERE session_id IS NOT NULL;
