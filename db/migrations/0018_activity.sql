-- +goose Up
-- What a user has done that is not about its account, such as to confirm a login. What is about it is found by its target.
CREATE INDEX audit_log_actor ON audit_log (userpool_id, actor, at) WHERE actor LIKE 'user:%' AND target NOT LIKE 'user:%';
