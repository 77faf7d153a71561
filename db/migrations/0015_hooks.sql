-- +goose Up
-- Columns have defaults, so that replicas of before this can go on until they are replaced.
-- Programs of the operator's that are asked before a session is opened, or told afterwards.
CREATE TABLE hooks (
    userpool_id   text        NOT NULL,
    app_id        text        NOT NULL,
    id            text        NOT NULL,
    stage         text        NOT NULL CHECK (stage IN ('pre', 'post')),
    url           text        NOT NULL,
    secret_sealed bytea       NOT NULL, -- whsec_..., the newest first
    timeout       integer     NOT NULL CHECK (timeout BETWEEN 100 AND 5000), -- milliseconds
    fail_open     boolean     NOT NULL DEFAULT false, -- of 'pre': lets pass when it gives no answer that makes sense
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz,
    failing_since timestamptz, -- of 'post': the first failure since the last success
    paused_until  timestamptz, -- of 'post': nothing is delivered before, so that a program that is down holds up no other
    probe_id      text,        -- of 'post': the message for whose outcome the pause waits
    PRIMARY KEY (userpool_id, id),
    FOREIGN KEY (userpool_id, app_id) REFERENCES applications (userpool_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX hooks_id ON hooks (id);
CREATE INDEX hooks_app ON hooks (userpool_id, app_id, stage);

-- What a hook is told afterwards is a message on its way.
ALTER TABLE outbox ADD COLUMN hook_id text;
CREATE INDEX outbox_hook_due ON outbox (userpool_id, hook_id, due_at) WHERE state = 'waiting' AND hook_id IS NOT NULL;
-- What hooks were not told is kept after its end, and is not to be walked through by who looks for what else has ended.
CREATE INDEX outbox_overdue ON outbox (expires_at) WHERE state = 'waiting';

-- What the hooks were asked about a sign-in that waits for a code. A row without attempt_id is of before hooks.
ALTER TABLE pending_signins
    ADD COLUMN attempt_id text NOT NULL DEFAULT '',
    ADD COLUMN method     text NOT NULL DEFAULT '',
    ADD COLUMN context    json NOT NULL DEFAULT '{}'; -- json: hooks get it byte for byte

ALTER TABLE fastpasses
    ALTER COLUMN context DROP DEFAULT,
    ALTER COLUMN context TYPE json USING context::json, -- byte for byte
    ALTER COLUMN context SET DEFAULT '{}';
