-- +goose Up
-- Codes that were sent: one at a time for an address and use, so that a new one voids the one before. The tries stay with
-- the address (C4).
CREATE TABLE sent_codes (
    userpool_id    text        NOT NULL,
    channel        text        NOT NULL,
    use            text        NOT NULL,
    account_hash   bytea       NOT NULL, -- keyed hash of the address
    id             text        NOT NULL,
    answer_hash    bytea       NOT NULL, -- C5: HMAC-SHA-256 with a pepper
    attempts       integer     NOT NULL, -- C4: tries charged until attempts_until, over all codes
    attempts_until timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    kept_until     timestamptz NOT NULL, -- the later of the two
    PRIMARY KEY (userpool_id, channel, use, account_hash)
);
CREATE INDEX sent_codes_kept_until ON sent_codes (kept_until);

-- Messages on their way. The address and the text are sealed, and gone when the message is settled.
CREATE TABLE outbox (
    userpool_id    text        NOT NULL,
    id             text        NOT NULL, -- also the key by which a channel recognises a repeat
    channel        text        NOT NULL,
    template       text        NOT NULL,
    message_sealed bytea,
    state          text        NOT NULL CHECK (state IN ('waiting', 'delivered', 'suppressed', 'refused', 'uncertain', 'expired')),
    attempts       integer     NOT NULL DEFAULT 0,
    due_at         timestamptz NOT NULL, -- of the next try; during one, the end of its lease
    handed_over_at timestamptz,          -- since then a failure leaves open whether the message was taken
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    settled_at     timestamptz,
    PRIMARY KEY (userpool_id, id),
    CHECK ((state = 'waiting') = (message_sealed IS NOT NULL)),
    CHECK ((state = 'waiting') = (settled_at IS NULL))
);
CREATE INDEX outbox_due ON outbox (channel, due_at) WHERE state = 'waiting';
CREATE INDEX outbox_expires_at ON outbox (expires_at);

-- C7: what was sent by SMS in a day, in all and by country.
CREATE TABLE sms_budgets (
    userpool_id text        NOT NULL,
    day         date        NOT NULL, -- UTC
    scope       text        NOT NULL, -- 'all', or an ISO 3166-1 code
    sent        integer     NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, day, scope)
);
CREATE INDEX sms_budgets_expires_at ON sms_budgets (expires_at);

-- Alerts that were raised: each once, by one replica.
CREATE TABLE alerts (
    userpool_id text        NOT NULL,
    key         text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, key)
);
CREATE INDEX alerts_expires_at ON alerts (expires_at);
