package db

import (
	"context"
	"time"

	"github.com/lib/pq"
)

// RecoveryQueries are about recovery codes (T14).
type RecoveryQueries struct{ q Queries }

// Recovery returns the statements about recovery codes.
func (q Queries) Recovery() RecoveryQueries { return RecoveryQueries{q} }

// Add gives a user recovery codes. One that the user has already stays as it is, used or not. factorID is the authenticator
// that they go with; nil for none.
func (q RecoveryQueries) Add(ctx context.Context, userpoolID, userID string, hashes [][]byte, factorID *string, now time.Time) error {
	const query = `
		INSERT INTO mfa_recovery_codes (userpool_id, user_id, code_hash, factor_id, created_at)
		SELECT $1, $2, hash, $4, $5 FROM unnest($3::bytea[]) hash
		ON CONFLICT DO NOTHING`
	_, err := q.q.exec(ctx, query, userpoolID, userID, pq.ByteaArray(hashes), factorID, now)
	return err
}

// Forget takes all recovery codes of a user away.
func (q RecoveryQueries) Forget(ctx context.Context, userpoolID, userID string) error {
	const query = `DELETE FROM mfa_recovery_codes WHERE userpool_id = $1 AND user_id = $2`
	_, err := q.q.exec(ctx, query, userpoolID, userID)
	return err
}

// Left counts the recovery codes of a user that were not used.
func (q RecoveryQueries) Left(ctx context.Context, userpoolID, userID string) (int, error) {
	const query = `
		SELECT count(*) FROM mfa_recovery_codes WHERE userpool_id = $1 AND user_id = $2 AND used_at IS NULL`
	return one[int](ctx, q.q, query, userpoolID, userID)
}

// UsedAt tells when a recovery code was used; nil if it was not. ErrNotFound means that the user has no such code.
func (q RecoveryQueries) UsedAt(ctx context.Context, userpoolID, userID string, hash []byte) (*time.Time, error) {
	const query = `
		SELECT used_at FROM mfa_recovery_codes WHERE userpool_id = $1 AND user_id = $2 AND code_hash = $3`
	row, err := one[struct {
		UsedAt *time.Time `db:"used_at"`
	}](ctx, q.q, query, userpoolID, userID, hash)
	return row.UsedAt, err
}

// Spend uses a recovery code up. ErrNotFound means that it was used before, or is gone: of two racing requests only one
// can win.
func (q RecoveryQueries) Spend(ctx context.Context, userpoolID, userID string, hash []byte, now time.Time) error {
	const query = `
		UPDATE mfa_recovery_codes SET used_at = $4
		WHERE userpool_id = $1 AND user_id = $2 AND code_hash = $3 AND used_at IS NULL`
	return q.q.change(ctx, query, userpoolID, userID, hash, now)
}
