-- +goose Up
CREATE TABLE fastpasses (
    userpool_id text        NOT NULL,
    id          text        NOT NULL,
    code_hash   bytea       NOT NULL,
    user_id     text        NOT NULL,
    session_id  text        NOT NULL, -- Q7: the web session; the fastpass dies with it
    scope       text        NOT NULL,
    context     jsonb       NOT NULL DEFAULT '{}',
    custom_data jsonb       NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    redeemed_at timestamptz,
    PRIMARY KEY (userpool_id, id),
    FOREIGN KEY (userpool_id, session_id) REFERENCES sessions (userpool_id, id) ON DELETE CASCADE
);
CREATE INDEX fastpasses_code ON fastpasses (code_hash);
CREATE INDEX fastpasses_session ON fastpasses (userpool_id, session_id);
CREATE INDEX fastpasses_expires_at ON fastpasses (expires_at);
