-- +goose Up
-- Of a seal key: when every sealed value of the database was under it (T10). Of the newest, NULL is a rotation that was
-- begun and is to be finished. The first key has never had anything before it.
ALTER TABLE keyring ADD COLUMN rotated_at timestamptz;
UPDATE keyring SET rotated_at = created_at
    WHERE id = (SELECT id FROM keyring WHERE purpose = 'seal' ORDER BY created_at, id LIMIT 1);
