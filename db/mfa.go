package db

import (
	"context"
	"time"
)

// Factor is a bound authenticator.
type Factor struct {
	UserpoolID   string     `db:"userpool_id"`
	ID           string     `db:"id"`
	UserID       string     `db:"user_id"`
	SecretSealed []byte     `db:"secret_sealed"`
	Algorithm    string     `db:"algorithm"`
	Digits       int        `db:"digits"`
	Period       int        `db:"period"` // seconds
	LastStep     int64      `db:"last_step"`
	Failures     int        `db:"failures"`
	BlockedUntil *time.Time `db:"blocked_until"`
	CreatedAt    time.Time  `db:"created_at"`
}

// PendingFactor is a secret that waits for its confirmation.
type PendingFactor struct {
	UserpoolID   string    `db:"userpool_id"`
	UserID       string    `db:"user_id"`
	SessionID    string    `db:"session_id"`
	SecretSealed []byte    `db:"secret_sealed"`
	Attempts     int       `db:"attempts"`
	ExpiresAt    time.Time `db:"expires_at"`
}

// MFAFactorsUser is the index that allows a user one factor, as ErrDuplicate names it.
const MFAFactorsUser = "mfa_factors_user"

// MFAQueries are about authenticators.
type MFAQueries struct{ q Queries }

// MFA returns the statements about authenticators.
func (q Queries) MFA() MFAQueries { return MFAQueries{q} }

// KeepPending stores a waiting secret, or keeps the one that the same session was given before and that still waits, as
// long as that waits and with the tries that were charged (T11). It returns the row as it is then. ErrNotFound means that
// the user has an authenticator.
func (q MFAQueries) KeepPending(ctx context.Context, p PendingFactor, maxAttempts int, now time.Time) (PendingFactor, error) {
	const keeps = `old.session_id = excluded.session_id AND old.expires_at > $6 AND old.attempts < $7`
	const query = `
		INSERT INTO mfa_pending AS old (userpool_id, user_id, session_id, secret_sealed, expires_at)
		SELECT $1::text, $2::text, $3::text, $4::bytea, $5::timestamptz
		WHERE NOT EXISTS (SELECT 1 FROM mfa_factors f WHERE f.userpool_id = $1 AND f.user_id = $2)
		ON CONFLICT (userpool_id, user_id) DO UPDATE SET
			session_id = excluded.session_id,
			secret_sealed = CASE WHEN ` + keeps + ` THEN old.secret_sealed ELSE excluded.secret_sealed END,
			attempts = CASE WHEN ` + keeps + ` THEN old.attempts ELSE 0 END,
			expires_at = CASE WHEN ` + keeps + ` THEN old.expires_at ELSE excluded.expires_at END
		RETURNING userpool_id, user_id, session_id, secret_sealed, attempts, expires_at`
	return one[PendingFactor](ctx, q.q, query, p.UserpoolID, p.UserID, p.SessionID, p.SecretSealed, p.ExpiresAt, now, maxAttempts)
}

// ChargePending counts a try on the waiting secret before it is evaluated. ErrNotFound means that nothing waits, or that
// maxAttempts were charged before.
func (q MFAQueries) ChargePending(ctx context.Context, userpoolID, userID string, maxAttempts int, now time.Time) (PendingFactor, error) {
	const query = `
		UPDATE mfa_pending SET attempts = attempts + 1
		WHERE userpool_id = $1 AND user_id = $2 AND expires_at > $4 AND attempts < $3
		RETURNING userpool_id, user_id, session_id, secret_sealed, attempts, expires_at`
	return one[PendingFactor](ctx, q.q, query, userpoolID, userID, maxAttempts, now)
}

// ConsumePending takes the waiting secret away, provided that it is still the given one. ErrNotFound means that it was
// replaced or that another request was first.
func (q MFAQueries) ConsumePending(ctx context.Context, userpoolID, userID string, secretSealed []byte) error {
	const query = `DELETE FROM mfa_pending WHERE userpool_id = $1 AND user_id = $2 AND secret_sealed = $3`
	return q.q.change(ctx, query, userpoolID, userID, secretSealed)
}

// InsertFactor binds an authenticator. A second one of the user is ErrDuplicate.
func (q MFAQueries) InsertFactor(ctx context.Context, f Factor) error {
	const query = `
		INSERT INTO mfa_factors (userpool_id, id, user_id, secret_sealed, algorithm, digits, period, last_step, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	return q.q.change(ctx, query, f.UserpoolID, f.ID, f.UserID, f.SecretSealed, f.Algorithm, f.Digits, f.Period,
		f.LastStep, f.CreatedAt)
}

const factorColumns = `
	userpool_id, id, user_id, secret_sealed, algorithm, digits, period, last_step, failures, blocked_until, created_at`

// FactorOf returns the authenticator of a user.
func (q MFAQueries) FactorOf(ctx context.Context, userpoolID, userID string) (Factor, error) {
	const query = `SELECT ` + factorColumns + ` FROM mfa_factors WHERE userpool_id = $1 AND user_id = $2`
	return one[Factor](ctx, q.q, query, userpoolID, userID)
}

// Guessing is how many codes may be tried on a factor (T5).
type Guessing struct {
	Free     int           // tries before the first wait
	Wait     time.Duration // first wait; each further failure doubles it
	MaxWait  time.Duration
	Disabled int // failures in a row that disable the factor
}

// ChargeAttempt counts a try before it is evaluated, and starts the wait that the try costs if it fails. ErrNotFound
// means that the factor waits or is disabled; the try is not counted then, so a running wait does not grow (T5).
func (q MFAQueries) ChargeAttempt(ctx context.Context, userpoolID, factorID string, g Guessing, now time.Time) (Factor, error) {
	const query = `
		UPDATE mfa_factors SET
			failures = failures + 1,
			blocked_until = CASE WHEN failures + 1 >= $4 THEN
				$3::timestamptz + make_interval(secs => least($5 * power(2, least(failures + 1 - $4, 30)), $6)) END
		WHERE userpool_id = $1 AND id = $2 AND failures < $7 AND (blocked_until IS NULL OR blocked_until <= $3)
		RETURNING ` + factorColumns
	return one[Factor](ctx, q.q, query, userpoolID, factorID, now, g.Free, g.Wait.Seconds(), g.MaxWait.Seconds(), g.Disabled)
}

// RefundAttempt takes back a charge of a try that turned out to be no guess, a correct code that had been used (T6), and
// the wait that it started or helped to start. After a success there is nothing to take back: that has forgotten it.
func (q MFAQueries) RefundAttempt(ctx context.Context, charged Factor, g Guessing) error {
	const query = `
		UPDATE mfa_factors SET
			failures = failures - 1,
			blocked_until = CASE WHEN failures - 1 >= $4 AND blocked_until IS DISTINCT FROM $3::timestamptz THEN blocked_until END
		WHERE userpool_id = $1 AND id = $2 AND failures > 0 AND last_step = $5`
	_, err := q.q.exec(ctx, query, charged.UserpoolID, charged.ID, charged.BlockedUntil, g.Free, charged.LastStep)
	return err
}

// SpendStep marks a time step as used and forgets the failures before it. ErrNotFound means that it, or a later one, was
// used before: of two racing requests only one can win (T4).
func (q MFAQueries) SpendStep(ctx context.Context, userpoolID, factorID string, step int64) error {
	const query = `
		UPDATE mfa_factors SET last_step = $3, failures = 0, blocked_until = NULL
		WHERE userpool_id = $1 AND id = $2 AND last_step < $3`
	return q.q.change(ctx, query, userpoolID, factorID, step)
}
