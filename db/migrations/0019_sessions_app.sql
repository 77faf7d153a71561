-- +goose Up
-- To end all sessions of an application. Not of the live ones only: then to end a session would write every index of its row.
CREATE INDEX sessions_app ON sessions (userpool_id, app_id);
