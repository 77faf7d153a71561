-- +goose Up
-- Q1: three secrets of one login, stored hashed. The ticket is derived from the poll secret, so it is nowhere at all.
CREATE TABLE qrlogins (
    userpool_id       text        NOT NULL,
    id                text        NOT NULL,
    app_id            text        NOT NULL,
    scan_hash         bytea       NOT NULL,
    poll_hash         bytea       NOT NULL,
    ticket_hash       bytea       NOT NULL,
    state             text        NOT NULL CHECK (state IN ('PENDING', 'SCANNED', 'AUTHORIZED', 'CANCELLED')),
    user_id           text,
    session_id        text,       -- Q3: the app session that scanned, the only one that may confirm or cancel
    custom_data       jsonb       NOT NULL DEFAULT '{}',
    ip                text        NOT NULL,
    user_agent        text        NOT NULL,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    ticket_expires_at timestamptz,
    consumed_at       timestamptz,
    opened_session_id text,       -- Q4: revoked when the ticket shows up again
    PRIMARY KEY (userpool_id, id),
    CHECK (state IN ('PENDING', 'CANCELLED') OR user_id IS NOT NULL),
    CHECK ((state = 'AUTHORIZED') = (ticket_expires_at IS NOT NULL))
);
CREATE INDEX qrlogins_scan ON qrlogins (scan_hash);
CREATE INDEX qrlogins_poll ON qrlogins (poll_hash);
CREATE INDEX qrlogins_ticket ON qrlogins (ticket_hash);
CREATE INDEX qrlogins_expires_at ON qrlogins (expires_at);
