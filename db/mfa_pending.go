package db

import (
	"context"
	"time"
)

// PendingFactor is a secret that waits for its confirmation. A user has one at most.
type PendingFactor struct {
	UserpoolID   string    `db:"userpool_id"`
	UserID       string    `db:"user_id"`
	ID           string    `db:"id"` // of the secret: what replaces it has another
	SessionID    string    `db:"session_id"`
	SecretSealed []byte    `db:"secret_sealed"`
	Algorithm    string    `db:"algorithm"`
	Digits       int       `db:"digits"`
	Period       int       `db:"period"` // seconds
	Name         string    `db:"name"`
	SteppedUp    bool      `db:"stepped_up"`    // the session had shown a code of a bound authenticator
	TokenHash    []byte    `db:"token_hash"`    // nil where the session is all that is needed to confirm it
	RecoveryHash []byte    `db:"recovery_hash"` // of the recovery code that becomes good with it; nil for none
	Attempts     int       `db:"attempts"`
	ExpiresAt    time.Time `db:"expires_at"`
}

const pendingColumns = `
	userpool_id, user_id, id, session_id, secret_sealed, algorithm, digits, period, name, stepped_up, token_hash,
	recovery_hash, attempts, expires_at`

// PutPending stores a waiting secret, in the place of one that waited before (T11).
func (q MFAQueries) PutPending(ctx context.Context, p PendingFactor) error {
	const query = `
		INSERT INTO mfa_pending (` + pendingColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13)
		ON CONFLICT (userpool_id, user_id) DO UPDATE SET
			id = excluded.id, session_id = excluded.session_id, secret_sealed = excluded.secret_sealed,
			algorithm = excluded.algorithm, digits = excluded.digits, period = excluded.period, name = excluded.name,
			stepped_up = excluded.stepped_up, token_hash = excluded.token_hash, recovery_hash = excluded.recovery_hash,
			attempts = 0, expires_at = excluded.expires_at`
	return q.q.change(ctx, query, p.UserpoolID, p.UserID, p.ID, p.SessionID, p.SecretSealed, p.Algorithm, p.Digits, p.Period,
		p.Name, p.SteppedUp, p.TokenHash, p.RecoveryHash, p.ExpiresAt)
}

// Pending returns the waiting secret of a user, in time or not.
func (q MFAQueries) Pending(ctx context.Context, userpoolID, userID string) (PendingFactor, error) {
	const query = `SELECT ` + pendingColumns + ` FROM mfa_pending WHERE userpool_id = $1 AND user_id = $2`
	return one[PendingFactor](ctx, q.q, query, userpoolID, userID)
}

// ChargePending counts a try on the waiting secret of a session before it is evaluated. tokenHash is nil where none is needed.
// ErrNotFound means that nothing waits, or not for this session and token, or that maxAttempts were charged before.
func (q MFAQueries) ChargePending(ctx context.Context, userpoolID, userID, sessionID string, tokenHash []byte, maxAttempts int, now time.Time) (PendingFactor, error) {
	const query = `
		UPDATE mfa_pending SET attempts = attempts + 1
		WHERE userpool_id = $1 AND user_id = $2 AND session_id = $3 AND token_hash IS NOT DISTINCT FROM $4
			AND expires_at > $6 AND attempts < $5
		RETURNING ` + pendingColumns
	return one[PendingFactor](ctx, q.q, query, userpoolID, userID, sessionID, tokenHash, maxAttempts, now)
}

// ForgetPending takes the waiting secret of a user away, if there is one.
func (q MFAQueries) ForgetPending(ctx context.Context, userpoolID, userID string) error {
	const query = `DELETE FROM mfa_pending WHERE userpool_id = $1 AND user_id = $2`
	_, err := q.q.exec(ctx, query, userpoolID, userID)
	return err
}

// ConsumePending takes the waiting secret away, provided that it is still the given one. ErrNotFound means that it was
// replaced or that another request was first.
func (q MFAQueries) ConsumePending(ctx context.Context, userpoolID, userID, id string) error {
	const query = `DELETE FROM mfa_pending WHERE userpool_id = $1 AND user_id = $2 AND id = $3`
	return q.q.change(ctx, query, userpoolID, userID, id)
}
