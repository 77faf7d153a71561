-- +goose Up
-- What was taken of a quota in its last period, one time each.
CREATE TABLE quotas (
    userpool_id text          NOT NULL,
    key         text          NOT NULL,
    taken       timestamptz[] NOT NULL,
    expires_at  timestamptz   NOT NULL,
    PRIMARY KEY (userpool_id, key)
);
CREATE INDEX quotas_expires_at ON quotas (expires_at);
