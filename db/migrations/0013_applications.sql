-- +goose Up
-- What may differ from application to application. Null means the setting of the service.
ALTER TABLE applications
    ADD COLUMN access_seconds   integer CHECK (access_seconds BETWEEN 1 AND 86400),       -- life of access and ID tokens
    ADD COLUMN session_seconds  integer CHECK (session_seconds BETWEEN 1 AND 315360000),  -- life of sessions, and so of refresh tokens
    ADD COLUMN qr_seconds       integer CHECK (qr_seconds BETWEEN 1 AND 600),             -- Q2: life of a login QR code
    ADD COLUMN ticket_seconds   integer CHECK (ticket_seconds BETWEEN 1 AND 300),         -- Q2: life of a ticket
    ADD COLUMN browser_exchange boolean NOT NULL DEFAULT false, -- a public client: exchanges tickets and renews tokens without its secret
    ADD COLUMN number_matching  boolean NOT NULL DEFAULT false, -- Q5: who confirms a QR login picks the number that the page shows
    ADD COLUMN qr_types         text[]  NOT NULL DEFAULT '{MOBILE_APP,WECHAT_MINIPROGRAM,WECHAT_OFFICIAL_ACCOUNT}',
    ADD COLUMN disabled_at      timestamptz;
