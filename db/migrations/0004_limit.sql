-- +goose Up
-- Rate limits (GCRA): the theoretical arrival time of the next request of a key.
CREATE TABLE limits (
    userpool_id text        NOT NULL,
    key         text        NOT NULL,
    tat         timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, key)
);
CREATE INDEX limits_tat ON limits (tat);
