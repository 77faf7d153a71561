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
	Name         string     `db:"name"`
	SecretSealed []byte     `db:"secret_sealed"`
	Algorithm    string     `db:"algorithm"`
	Digits       int        `db:"digits"`
	Period       int        `db:"period"` // seconds
	LastStep     int64      `db:"last_step"`
	Drift        int        `db:"drift"` // time steps by which the device's clock is ahead
	Failures     int        `db:"failures"`
	BlockedUntil *time.Time `db:"blocked_until"`
	CreatedAt    time.Time  `db:"created_at"`
	LastUsedAt   *time.Time `db:"last_used_at"`
}

// MFAFactorsName is the index that keeps a user's authenticators apart by name, as ErrDuplicate names it.
const MFAFactorsName = "mfa_factors_name"

// MFAQueries are about authenticators.
type MFAQueries struct{ q Queries }

// MFA returns the statements about authenticators.
func (q Queries) MFA() MFAQueries { return MFAQueries{q} }

const factorColumns = `
	userpool_id, id, user_id, name, secret_sealed, algorithm, digits, period, last_step, drift, failures, blocked_until,
	created_at, last_used_at`

// InsertFactor binds an authenticator. A second one of the user with the same name is ErrDuplicate.
func (q MFAQueries) InsertFactor(ctx context.Context, f Factor) error {
	const query = `
		INSERT INTO mfa_factors (userpool_id, id, user_id, name, secret_sealed, algorithm, digits, period, last_step, drift,
			created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	return q.q.change(ctx, query, f.UserpoolID, f.ID, f.UserID, f.Name, f.SecretSealed, f.Algorithm, f.Digits, f.Period,
		f.LastStep, f.Drift, f.CreatedAt)
}

// HasFactor tells whether a user has an authenticator, disabled or not.
func (q MFAQueries) HasFactor(ctx context.Context, userpoolID, userID string) (bool, error) {
	const query = `SELECT EXISTS (SELECT 1 FROM mfa_factors WHERE userpool_id = $1 AND user_id = $2)`
	return one[bool](ctx, q.q, query, userpoolID, userID)
}

// FactorsOf returns the authenticators of a user, oldest first.
func (q MFAQueries) FactorsOf(ctx context.Context, userpoolID, userID string) ([]Factor, error) {
	const query = `
		SELECT ` + factorColumns + ` FROM mfa_factors WHERE userpool_id = $1 AND user_id = $2 ORDER BY created_at, id`
	return many[Factor](ctx, q.q, query, userpoolID, userID)
}

// FactorsAfter returns authenticators of a userpool in the order of their ids, those after an id only.
func (q MFAQueries) FactorsAfter(ctx context.Context, userpoolID, id string, batch int) ([]Factor, error) {
	const query = `
		SELECT ` + factorColumns + ` FROM mfa_factors WHERE userpool_id = $1 AND id > $2 ORDER BY id LIMIT $3`
	return many[Factor](ctx, q.q, query, userpoolID, id, batch)
}

// LockFactors keeps everybody else from trying codes on a user's authenticators until the transaction ends. It locks them in
// the order of ChargeAttempts, before one is changed and another removed.
func (q MFAQueries) LockFactors(ctx context.Context, userpoolID, userID string) error {
	const query = `SELECT id FROM mfa_factors WHERE userpool_id = $1 AND user_id = $2 ORDER BY id FOR UPDATE`
	_, err := many[string](ctx, q.q, query, userpoolID, userID)
	return err
}

// DeleteFactor removes an authenticator of the user. ErrNotFound means that the user has no such.
func (q MFAQueries) DeleteFactor(ctx context.Context, userpoolID, userID, id string) error {
	const query = `DELETE FROM mfa_factors WHERE userpool_id = $1 AND user_id = $2 AND id = $3`
	return q.q.change(ctx, query, userpoolID, userID, id)
}

// Guessing is how many codes may be tried on a factor (T5).
type Guessing struct {
	Free     int           // tries before the first wait
	Wait     time.Duration // first wait; each further failure doubles it
	MaxWait  time.Duration
	Disabled int // failures in a row that disable the factor
}

// ChargeAttempts counts a try on each of the user's authenticators before it is evaluated, and starts the waits that the
// try costs if it fails. Those that wait or are disabled are not charged, so a running wait does not grow (T5), and not
// returned: the try is not to be evaluated on them. They are locked in the order of their ids.
func (q MFAQueries) ChargeAttempts(ctx context.Context, userpoolID, userID string, g Guessing, now time.Time) ([]Factor, error) {
	const query = `
		UPDATE mfa_factors SET
			failures = failures + 1,
			blocked_until = CASE WHEN failures + 1 >= $4 THEN
				$3::timestamptz + make_interval(secs => least($5 * power(2, least(failures + 1 - $4, 30)), $6)) END
		WHERE userpool_id = $1 AND id IN (
			SELECT id FROM mfa_factors
			WHERE userpool_id = $1 AND user_id = $2 AND failures < $7 AND (blocked_until IS NULL OR blocked_until <= $3)
			ORDER BY id FOR NO KEY UPDATE)
		RETURNING ` + factorColumns
	return many[Factor](ctx, q.q, query, userpoolID, userID, now, g.Free, g.Wait.Seconds(), g.MaxWait.Seconds(), g.Disabled)
}

// RefundAttempt takes back a charge of a try that turned out to be no guess at this factor (T6): a correct code that had
// been used, or the code of another authenticator. With the charge goes the wait that it started or helped to start. After
// a success there is nothing to take back: that has forgotten it.
func (q MFAQueries) RefundAttempt(ctx context.Context, charged Factor, g Guessing) error {
	const query = `
		UPDATE mfa_factors SET
			failures = failures - 1,
			blocked_until = CASE WHEN failures - 1 >= $4 AND blocked_until IS DISTINCT FROM $3::timestamptz THEN blocked_until END
		WHERE userpool_id = $1 AND id = $2 AND failures > 0 AND last_step = $5`
	_, err := q.q.exec(ctx, query, charged.UserpoolID, charged.ID, charged.BlockedUntil, g.Free, charged.LastStep)
	return err
}

// SpendStep marks a time step as used, keeps what was learnt of the clock (T7) and forgets the failures before it.
// ErrNotFound means that the step, or a later one, was used before: of two racing requests only one can win (T4).
func (q MFAQueries) SpendStep(ctx context.Context, userpoolID, factorID string, step int64, drift int, now time.Time) error {
	const query = `
		UPDATE mfa_factors SET last_step = $3, drift = $4, last_used_at = $5, failures = 0, blocked_until = NULL
		WHERE userpool_id = $1 AND id = $2 AND last_step < $3`
	return q.q.change(ctx, query, userpoolID, factorID, step, drift, now)
}
