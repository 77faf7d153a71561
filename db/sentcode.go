package db

import (
	"context"
	"time"
)

// SentCode is the code that an address was sent for a use; there is one at a time.
type SentCode struct {
	SentCodeKey
	ID            string    `db:"id"`
	AnswerHash    []byte    `db:"answer_hash"`
	Attempts      int       `db:"attempts"`       // charged until AttemptsUntil, over all codes of the key
	AttemptsUntil time.Time `db:"attempts_until"` // when they are forgotten
	CreatedAt     time.Time `db:"created_at"`
	ExpiresAt     time.Time `db:"expires_at"`
}

// SentCodeKey is what a code is bound to (C3).
type SentCodeKey struct {
	UserpoolID  string `db:"userpool_id"`
	Channel     string `db:"channel"`
	Use         string `db:"use"`
	AccountHash []byte `db:"account_hash"`
}

// SentCodeQueries are about codes that were sent.
type SentCodeQueries struct{ q Queries }

// SentCodes returns the statements about codes that were sent.
func (q Queries) SentCodes() SentCodeQueries { return SentCodeQueries{q} }

// Issue keeps a new code, which voids the one before. The tries stay charged until their time is over (C4): ErrNotFound
// means that they are used up, so that no new code would be of use.
func (q SentCodeQueries) Issue(ctx context.Context, c SentCode, maxAttempts int) error {
	const query = `
		INSERT INTO sent_codes AS c (userpool_id, channel, use, account_hash, id, answer_hash, attempts, attempts_until,
			created_at, expires_at, kept_until)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7::timestamptz, $8::timestamptz, $9::timestamptz, greatest($7, $9))
		ON CONFLICT (userpool_id, channel, use, account_hash) DO UPDATE SET
			id = $5, answer_hash = $6, created_at = $8, expires_at = $9,
			attempts = CASE WHEN c.attempts_until > $8 THEN c.attempts ELSE 0 END,
			attempts_until = CASE WHEN c.attempts_until > $8 THEN c.attempts_until ELSE $7 END,
			kept_until = greatest(c.attempts_until, $7, $9)
		WHERE c.attempts < $10 OR c.attempts_until <= $8`
	return q.q.change(ctx, query, c.UserpoolID, c.Channel, c.Use, c.AccountHash, c.ID, c.AnswerHash, c.AttemptsUntil,
		c.CreatedAt, c.ExpiresAt, maxAttempts)
}

// Attempts returns how many tries are charged, and until when.
func (q SentCodeQueries) Attempts(ctx context.Context, k SentCodeKey) (SentCode, error) {
	const query = `
		SELECT attempts, attempts_until FROM sent_codes
		WHERE userpool_id = $1 AND channel = $2 AND use = $3 AND account_hash = $4`
	return one[SentCode](ctx, q.q, query, k.UserpoolID, k.Channel, k.Use, k.AccountHash)
}

// Charge counts a try before it is evaluated, and returns the code. ErrNotFound means that there is nothing to evaluate:
// another id, expired, or no try left.
func (q SentCodeQueries) Charge(ctx context.Context, k SentCodeKey, id string, maxAttempts int, now time.Time) (SentCode, error) {
	const query = `
		UPDATE sent_codes SET attempts = attempts + 1
		WHERE userpool_id = $1 AND channel = $2 AND use = $3 AND account_hash = $4
			AND id = $5 AND attempts < $6 AND expires_at > $7
		RETURNING userpool_id, channel, use, account_hash, id, answer_hash, attempts, attempts_until, created_at, expires_at`
	return one[SentCode](ctx, q.q, query, k.UserpoolID, k.Channel, k.Use, k.AccountHash, id, maxAttempts, now)
}

// Refund takes a charge back: the try was right. A code that was spent or voided since needs none.
func (q SentCodeQueries) Refund(ctx context.Context, k SentCodeKey, id string) error {
	const query = `
		UPDATE sent_codes SET attempts = attempts - 1
		WHERE userpool_id = $1 AND channel = $2 AND use = $3 AND account_hash = $4 AND id = $5 AND attempts > 0`
	_, err := q.q.exec(ctx, query, k.UserpoolID, k.Channel, k.Use, k.AccountHash, id)
	return err
}

// Spend uses a code up, and with it forgets the tries. ErrNotFound means that it was spent or voided before: of two racing
// requests only one can win.
func (q SentCodeQueries) Spend(ctx context.Context, k SentCodeKey, id string) error {
	const query = `
		DELETE FROM sent_codes
		WHERE userpool_id = $1 AND channel = $2 AND use = $3 AND account_hash = $4 AND id = $5`
	return q.q.change(ctx, query, k.UserpoolID, k.Channel, k.Use, k.AccountHash, id)
}
