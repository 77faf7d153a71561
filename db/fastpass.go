package db

import (
	"context"
	"time"
)

// Fastpass is what a signed-in user shows on the web to sign a phone in.
type Fastpass struct {
	UserpoolID string    `db:"userpool_id"`
	ID         string    `db:"id"`
	CodeHash   []byte    `db:"code_hash"`
	UserID     string    `db:"user_id"`
	SessionID  string    `db:"session_id"`
	Scope      string    `db:"scope"`
	Context    JSON      `db:"context"`
	CustomData JSON      `db:"custom_data"`
	CreatedAt  time.Time `db:"created_at"`
	ExpiresAt  time.Time `db:"expires_at"`

	ScannedAt   *time.Time `db:"scanned_at"`
	RedeemedAt  *time.Time `db:"redeemed_at"`
	SessionEnds *time.Time `db:"session_ends"` // when the web session ends or was ended; of a row that was read
}

// RedeemedFastpass is what a redeemed fastpass is good for.
type RedeemedFastpass struct {
	UserpoolID string `db:"userpool_id"`
	UserID     string `db:"user_id"`
	SessionID  string `db:"session_id"` // of the web
	Scope      string `db:"scope"`
	CustomData JSON   `db:"custom_data"`
}

// FastpassQueries are about fastpasses.
type FastpassQueries struct{ q Queries }

// Fastpasses returns the statements about fastpasses.
func (q Queries) Fastpasses() FastpassQueries { return FastpassQueries{q} }

// Insert adds a fastpass.
func (q FastpassQueries) Insert(ctx context.Context, f Fastpass) error {
	const query = `
		INSERT INTO fastpasses (userpool_id, id, code_hash, user_id, session_id, scope, context, custom_data, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	return q.q.change(ctx, query, f.UserpoolID, f.ID, f.CodeHash, f.UserID, f.SessionID, f.Scope, f.Context, f.CustomData,
		f.CreatedAt, f.ExpiresAt)
}

// ByHash returns a fastpass.
func (q FastpassQueries) ByHash(ctx context.Context, hash []byte) (Fastpass, error) {
	const query = `
		SELECT f.userpool_id, f.id, f.code_hash, f.user_id, f.session_id, f.scope, f.context, f.custom_data, f.created_at,
			f.expires_at, f.scanned_at, f.redeemed_at, coalesce(s.revoked_at, s.expires_at) AS session_ends
		FROM fastpasses f JOIN sessions s ON s.userpool_id = f.userpool_id AND s.id = f.session_id
		WHERE f.code_hash = $1`
	return one[Fastpass](ctx, q.q, query, hash)
}

// Scan notes that a phone has seen a fastpass, the first time. ErrNotFound means that one has before, or that it is used.
func (q FastpassQueries) Scan(ctx context.Context, userpoolID, id string, now time.Time) error {
	const query = `
		UPDATE fastpasses SET scanned_at = $3
		WHERE userpool_id = $1 AND id = $2 AND scanned_at IS NULL AND redeemed_at IS NULL AND expires_at > $3`
	return q.q.change(ctx, query, userpoolID, id, now)
}

// Redeem uses up a fastpass of the userpool while the web session that made it lives (Q7). ErrNotFound means unknown, of
// another userpool, expired, signed out, or used before: of two racing requests only one can win.
func (q FastpassQueries) Redeem(ctx context.Context, userpoolID string, hash []byte, now time.Time) (RedeemedFastpass, error) {
	const query = `
		UPDATE fastpasses f SET redeemed_at = $3
		FROM sessions s
		WHERE f.userpool_id = $1 AND f.code_hash = $2 AND f.redeemed_at IS NULL AND f.expires_at > $3
			AND s.userpool_id = f.userpool_id AND s.id = f.session_id AND s.revoked_at IS NULL AND s.expires_at > $3
		RETURNING f.userpool_id, f.user_id, f.session_id, f.scope, f.custom_data`
	return one[RedeemedFastpass](ctx, q.q, query, userpoolID, hash, now)
}
