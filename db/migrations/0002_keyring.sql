-- +goose Up
-- The service's own keys. Each is sealed with the master key, which is never in the database (T10).
CREATE TABLE keyring (
    id         text        NOT NULL PRIMARY KEY,
    purpose    text        NOT NULL CHECK (purpose IN ('seal', 'pepper', 'sign')),
    key_sealed bytea       NOT NULL,
    created_at timestamptz NOT NULL
);
