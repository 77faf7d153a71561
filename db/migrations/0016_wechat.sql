-- +goose Up
-- Identity-source connections: how the users of an application are known at WeChat.
CREATE TABLE connections (
    userpool_id   text        NOT NULL,
    id            text        NOT NULL,
    app_id        text        NOT NULL,
    type          text        NOT NULL CHECK (type IN ('WECHAT_MINIPROGRAM', 'WECHAT_OFFICIAL_ACCOUNT')),
    name          text        NOT NULL,
    wechat_app_id text        NOT NULL,
    logo_url      text        NOT NULL DEFAULT '',
    logo          bytea,                              -- PNG or JPEG, checked when it was set
    page          text        NOT NULL DEFAULT '',    -- of the mini program; empty for its first
    env_version   text        NOT NULL DEFAULT 'release',
    lang          text        NOT NULL DEFAULT 'zh',  -- in which the account answers
    create_users  boolean     NOT NULL DEFAULT true,
    one_tap       boolean     NOT NULL DEFAULT false, -- of an official account: scanning is confirming
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz,
    PRIMARY KEY (userpool_id, id),
    FOREIGN KEY (userpool_id, app_id) REFERENCES applications (userpool_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX connections_id ON connections (id);
CREATE INDEX connections_app ON connections (userpool_id, app_id, type, created_at);

-- One row a secret, so that each is tied to what it is: a push token put in the place of the app secret does not open.
CREATE TABLE connection_secrets (
    userpool_id   text  NOT NULL,
    connection_id text  NOT NULL,
    kind          text  NOT NULL CHECK (kind IN ('app_secret', 'push_token', 'aes_key')),
    secret_sealed bytea NOT NULL,
    PRIMARY KEY (userpool_id, connection_id, kind),
    FOREIGN KEY (userpool_id, connection_id) REFERENCES connections (userpool_id, id) ON DELETE CASCADE
);

-- Q10: the one access token of a connection, for all replicas. Who has the lease may fetch a new one.
CREATE TABLE wechat_tokens (
    userpool_id   text        NOT NULL,
    connection_id text        NOT NULL,
    token_sealed  bytea,
    version       bigint      NOT NULL DEFAULT 0,
    good_until    timestamptz NOT NULL DEFAULT 'epoch',
    voided        boolean     NOT NULL DEFAULT false, -- WeChat did not take it any more
    leased_until  timestamptz NOT NULL DEFAULT 'epoch',
    PRIMARY KEY (userpool_id, connection_id),
    FOREIGN KEY (userpool_id, connection_id) REFERENCES connections (userpool_id, id) ON DELETE CASCADE
);

-- Q10: a nonce is good for one message, which may come again.
CREATE TABLE wechat_nonces (
    userpool_id   text        NOT NULL,
    connection_id text        NOT NULL,
    nonce_hash    bytea       NOT NULL,
    event_hash    bytea       NOT NULL,
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, connection_id, nonce_hash)
);
CREATE INDEX wechat_nonces_expires_at ON wechat_nonces (expires_at);

-- Q10: an event takes effect once, however often WeChat sends it.
CREATE TABLE wechat_events (
    userpool_id   text        NOT NULL,
    connection_id text        NOT NULL,
    event_hash    bytea       NOT NULL,
    claimed_until timestamptz NOT NULL,
    settled       boolean     NOT NULL DEFAULT false,
    reply         text        NOT NULL DEFAULT '',    -- what the person is told; the same again if WeChat asks again
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, connection_id, event_hash)
);
CREATE INDEX wechat_events_expires_at ON wechat_events (expires_at);

-- Who has scanned with an official account and was asked to send the number on the page.
CREATE TABLE wechat_scans (
    userpool_id   text        NOT NULL,
    connection_id text        NOT NULL,
    open_id       text        NOT NULL,
    scan_sealed   bytea       NOT NULL,
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, connection_id, open_id)
);
CREATE INDEX wechat_scans_expires_at ON wechat_scans (expires_at);
