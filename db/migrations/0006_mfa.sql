-- +goose Up
CREATE TABLE mfa_factors (
    userpool_id   text        NOT NULL,
    id            text        NOT NULL,
    user_id       text        NOT NULL,
    secret_sealed bytea       NOT NULL,
    algorithm     text        NOT NULL,
    digits        smallint    NOT NULL,
    period        smallint    NOT NULL,           -- seconds
    last_step     bigint      NOT NULL,           -- T4: newest time step spent
    failures      integer     NOT NULL DEFAULT 0, -- T5: tries charged since the last success
    blocked_until timestamptz,                    -- T5: no try is evaluated before
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, id),
    FOREIGN KEY (userpool_id, user_id) REFERENCES users (userpool_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX mfa_factors_user ON mfa_factors (userpool_id, user_id);

-- T11: a secret that waits for its confirmation.
CREATE TABLE mfa_pending (
    userpool_id   text        NOT NULL,
    user_id       text        NOT NULL,
    session_id    text        NOT NULL,
    secret_sealed bytea       NOT NULL,
    attempts      integer     NOT NULL DEFAULT 0,
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, user_id),
    FOREIGN KEY (userpool_id, user_id) REFERENCES users (userpool_id, id) ON DELETE CASCADE
);
CREATE INDEX mfa_pending_expires_at ON mfa_pending (expires_at);
