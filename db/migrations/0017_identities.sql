-- +goose Up
-- What an identity source says of a user beside the id there.
ALTER TABLE identities
    ADD COLUMN type            text   NOT NULL DEFAULT 'generic', -- what the id at the source is, such as openid
    ADD COLUMN user_info       jsonb  NOT NULL DEFAULT '{}',
    ADD COLUMN origin_conn_ids text[] NOT NULL DEFAULT '{}';      -- the connections by which the user came
