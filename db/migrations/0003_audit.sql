-- +goose Up
CREATE TABLE audit_log (
    userpool_id text        NOT NULL,
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL,
    actor       text        NOT NULL, -- user:<id>, key:<id>, app:<id> or anonymous
    action      text        NOT NULL, -- such as otp.secret.read
    target      text        NOT NULL, -- user:<id> and the like; never a secret
    outcome     text        NOT NULL CHECK (outcome IN ('success', 'refused')),
    ip          text        NOT NULL,
    request_id  text        NOT NULL,
    PRIMARY KEY (userpool_id, id)
);
CREATE INDEX audit_log_target ON audit_log (userpool_id, target, at);

-- +goose StatementBegin
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
