-- +goose Up
-- Columns have defaults, so that replicas of before this can go on until they are replaced.
-- Several named authenticators of a user. What their clocks are off is learnt (T7).
ALTER TABLE mfa_factors
    ADD COLUMN name         text     NOT NULL DEFAULT 'Authenticator',
    ADD COLUMN drift        smallint NOT NULL DEFAULT 0 CHECK (drift BETWEEN -4 AND 4), -- T7: time steps
    ADD COLUMN last_used_at timestamptz;
DROP INDEX mfa_factors_user;
CREATE UNIQUE INDEX mfa_factors_name ON mfa_factors (userpool_id, user_id, name);

-- What waits says how it is to be bound. A row of before this is ten minutes old at most: the user asks again.
DELETE FROM mfa_pending;
ALTER TABLE mfa_pending
    ADD COLUMN id            text     NOT NULL DEFAULT '', -- of this secret; another one that replaces it has another
    ADD COLUMN algorithm     text     NOT NULL DEFAULT 'SHA1',
    ADD COLUMN digits        smallint NOT NULL DEFAULT 6,
    ADD COLUMN period        smallint NOT NULL DEFAULT 30, -- seconds
    ADD COLUMN name          text     NOT NULL DEFAULT '',
    ADD COLUMN stepped_up    boolean  NOT NULL DEFAULT false, -- made by a session that had shown a code of a bound authenticator
    ADD COLUMN token_hash    bytea,             -- of the status dialect's enrollmentToken
    ADD COLUMN recovery_hash bytea;             -- of the recovery code that was shown with it

-- T14
CREATE TABLE mfa_recovery_codes (
    userpool_id text        NOT NULL,
    user_id     text        NOT NULL,
    code_hash   bytea       NOT NULL, -- HMAC-SHA-256 with a pepper
    factor_id   text,                 -- the authenticator that it was shown with and goes with; null for those that the user made
    created_at  timestamptz NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (userpool_id, user_id, code_hash),
    FOREIGN KEY (userpool_id, user_id) REFERENCES users (userpool_id, id) ON DELETE CASCADE,
    FOREIGN KEY (userpool_id, factor_id) REFERENCES mfa_factors (userpool_id, id) ON DELETE CASCADE
);
CREATE INDEX mfa_recovery_codes_factor ON mfa_recovery_codes (userpool_id, factor_id);

-- When the user proved itself, which for a session that another one vouched for is that one's time.
ALTER TABLE sessions
    ADD COLUMN auth_time timestamptz NOT NULL DEFAULT now(), -- with the first factor
    ADD COLUMN mfa_at    timestamptz; -- with a code of an authenticator that is bound, the last time; null for never
UPDATE sessions SET auth_time = created_at;

-- Sign-ins whose first factor was right, at a door without a field for the authenticator's code.
CREATE TABLE pending_signins (
    userpool_id text        NOT NULL,
    token_hash  bytea       NOT NULL, -- of the mfaToken
    user_id     text        NOT NULL,
    app_id      text        NOT NULL,
    scope       text        NOT NULL,
    amr         text[]      NOT NULL, -- RFC 8176: what was proved
    custom_data jsonb       NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, token_hash),
    FOREIGN KEY (userpool_id, user_id) REFERENCES users (userpool_id, id) ON DELETE CASCADE
);
CREATE INDEX pending_signins_hash ON pending_signins (token_hash);
CREATE INDEX pending_signins_user ON pending_signins (userpool_id, user_id);
CREATE INDEX pending_signins_expires_at ON pending_signins (expires_at);
