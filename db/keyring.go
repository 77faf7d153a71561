package db

import (
	"context"
	"time"
)

// Key is one of the service's own keys, sealed with the master key.
type Key struct {
	ID        string     `db:"id"`
	Purpose   string     `db:"purpose"` // seal, pepper or sign
	KeySealed []byte     `db:"key_sealed"`
	CreatedAt time.Time  `db:"created_at"`
	RotatedAt *time.Time `db:"rotated_at"` // of a seal key: when everything was sealed with it; nil before
}

// KeyringQueries are about the service's own keys, and what is sealed with them.
type KeyringQueries struct{ q Queries }

// Keyring returns the statements about the service's own keys.
func (q Queries) Keyring() KeyringQueries { return KeyringQueries{q} }

// Lock waits for the right to add keys, until the transaction ends: replicas that start together must agree on one set.
func (q KeyringQueries) Lock(ctx context.Context) error {
	const query = `SELECT pg_advisory_xact_lock(hashtext('menshen.keyring'))::text`
	_, err := one[string](ctx, q.q, query)
	return err
}

// All returns every key, oldest first.
func (q KeyringQueries) All(ctx context.Context) ([]Key, error) {
	const query = `SELECT id, purpose, key_sealed, created_at, rotated_at FROM keyring ORDER BY created_at, id`
	return many[Key](ctx, q.q, query)
}

// Insert adds a key.
func (q KeyringQueries) Insert(ctx context.Context, k Key) error {
	const query = `INSERT INTO keyring (id, purpose, key_sealed, created_at, rotated_at) VALUES ($1, $2, $3, $4, $5)`
	return q.q.change(ctx, query, k.ID, k.Purpose, k.KeySealed, k.CreatedAt, k.RotatedAt)
}

// FinishRotation notes that everything is sealed with a key. ErrNotFound means that this was noted before.
func (q KeyringQueries) FinishRotation(ctx context.Context, id string, now time.Time) error {
	const query = `UPDATE keyring SET rotated_at = $2 WHERE id = $1 AND purpose = 'seal' AND rotated_at IS NULL`
	return q.q.change(ctx, query, id, now)
}
