-- +goose Up
-- Tenancy, accounts, sessions. userpool_id leads every key, so that the tables can be distributed by it.
CREATE TABLE userpools (
    id         text        NOT NULL PRIMARY KEY,
    name       text        NOT NULL,
    logo       text        NOT NULL DEFAULT '',
    is_default boolean     NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX userpools_default ON userpools (is_default) WHERE is_default;

CREATE TABLE applications (
    userpool_id text        NOT NULL REFERENCES userpools (id),
    id          text        NOT NULL,
    name        text        NOT NULL,
    logo        text        NOT NULL DEFAULT '',
    secret_hash bytea       NOT NULL,
    is_default  boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, id)
);
CREATE UNIQUE INDEX applications_id ON applications (id);
CREATE UNIQUE INDEX applications_default ON applications (userpool_id) WHERE is_default;

CREATE TABLE access_keys (
    userpool_id   text        NOT NULL REFERENCES userpools (id),
    id            text        NOT NULL,
    secret_sealed bytea       NOT NULL, -- sealed, not hashed: request signatures are keyed with it
    scopes        text[]      NOT NULL,
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz,
    PRIMARY KEY (userpool_id, id)
);
CREATE UNIQUE INDEX access_keys_id ON access_keys (id);

CREATE TABLE request_nonces (
    userpool_id text        NOT NULL,
    key_id      text        NOT NULL,
    nonce       text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, key_id, nonce)
);
CREATE INDEX request_nonces_expires_at ON request_nonces (expires_at);

CREATE TABLE users (
    userpool_id    text        NOT NULL REFERENCES userpools (id),
    id             text        NOT NULL,
    username       text,
    username_key   text,       -- as compared: RFC 8265 UsernameCaseMapped
    email          text,
    email_key      text,       -- as compared: lower case
    email_verified boolean     NOT NULL DEFAULT false,
    phone          text,       -- E.164
    phone_verified boolean     NOT NULL DEFAULT false,
    external_id    text,
    password_hash  text,       -- argon2id, PHC string format
    status         text        NOT NULL,
    source         text        NOT NULL,
    gender         text        NOT NULL DEFAULT 'U',
    profile        jsonb       NOT NULL DEFAULT '{}', -- name, nickname, photo ... under the contract's names
    custom_data    jsonb       NOT NULL DEFAULT '{}',
    logins_count   integer     NOT NULL DEFAULT 0,
    last_login_at  timestamptz,
    last_ip        text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, id)
);
-- T16: one unique index per identifier type and userpool.
CREATE UNIQUE INDEX users_username ON users (userpool_id, username_key);
CREATE UNIQUE INDEX users_email ON users (userpool_id, email_key);
CREATE UNIQUE INDEX users_phone ON users (userpool_id, phone);
CREATE UNIQUE INDEX users_external_id ON users (userpool_id, external_id);

CREATE TABLE identities (
    userpool_id    text        NOT NULL,
    id             text        NOT NULL,
    user_id        text        NOT NULL,
    ext_idp_id     text        NOT NULL,
    provider       text        NOT NULL,
    user_id_in_idp text        NOT NULL,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (userpool_id, id),
    FOREIGN KEY (userpool_id, user_id) REFERENCES users (userpool_id, id) ON DELETE CASCADE
);
CREATE INDEX identities_user ON identities (userpool_id, user_id);
CREATE UNIQUE INDEX identities_identity ON identities (userpool_id, ext_idp_id, user_id_in_idp);
CREATE UNIQUE INDEX identities_sync_relation ON identities (userpool_id, provider, user_id_in_idp);

CREATE TABLE sessions (
    userpool_id text        NOT NULL,
    id          text        NOT NULL,
    user_id     text        NOT NULL,
    app_id      text        NOT NULL,
    scope       text        NOT NULL,
    amr         text[]      NOT NULL, -- RFC 8176: how the user proved itself
    ip          text        NOT NULL,
    user_agent  text        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    PRIMARY KEY (userpool_id, id),
    FOREIGN KEY (userpool_id, user_id) REFERENCES users (userpool_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_user ON sessions (userpool_id, user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    userpool_id text        NOT NULL,
    token_hash  bytea       NOT NULL,
    session_id  text        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (userpool_id, token_hash),
    FOREIGN KEY (userpool_id, session_id) REFERENCES sessions (userpool_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_hash ON refresh_tokens (token_hash);
CREATE INDEX refresh_tokens_session ON refresh_tokens (userpool_id, session_id);
