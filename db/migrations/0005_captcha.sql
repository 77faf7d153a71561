-- +goose Up
CREATE TABLE captchas (
    userpool_id text        NOT NULL,
    id          text        NOT NULL,
    type        text        NOT NULL,
    use         text        NOT NULL,
    account     text        NOT NULL,
    answer_hash bytea       NOT NULL, -- C5: HMAC-SHA-256 with a pepper
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, id)
);
CREATE INDEX captchas_expires_at ON captchas (expires_at);
