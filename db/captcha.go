package db

import (
	"context"
	"time"
)

// Captcha is a code that somebody is to repeat.
type Captcha struct {
	UserpoolID string    `db:"userpool_id"`
	ID         string    `db:"id"`
	Type       string    `db:"type"`
	Use        string    `db:"use"`
	Account    string    `db:"account"`
	AnswerHash []byte    `db:"answer_hash"`
	CreatedAt  time.Time `db:"created_at"`
	ExpiresAt  time.Time `db:"expires_at"`
}

// CaptchaQueries are about captchas.
type CaptchaQueries struct{ q Queries }

// Captchas returns the statements about captchas.
func (q Queries) Captchas() CaptchaQueries { return CaptchaQueries{q} }

// Insert adds a captcha.
func (q CaptchaQueries) Insert(ctx context.Context, c Captcha) error {
	const query = `
		INSERT INTO captchas (userpool_id, id, type, use, account, answer_hash, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	return q.q.change(ctx, query, c.UserpoolID, c.ID, c.Type, c.Use, c.Account, c.AnswerHash, c.CreatedAt, c.ExpiresAt)
}

// InsertCharged adds a captcha and charges a quota for it, both or neither. ErrNotFound means that there is no room.
func (q CaptchaQueries) InsertCharged(ctx context.Context, c Captcha, of Quota) error {
	const query = `
		WITH charged AS (` + takeOf + ` RETURNING 1)
		INSERT INTO captchas (userpool_id, id, type, use, account, answer_hash, created_at, expires_at)
		SELECT $6, $7, $8, $9, $10, $11, $12, $13 FROM charged`
	return q.q.change(ctx, query, of.UserpoolID, of.Key, of.Now, of.Period.Microseconds(), of.Most,
		c.UserpoolID, c.ID, c.Type, c.Use, c.Account, c.AnswerHash, c.CreatedAt, c.ExpiresAt)
}

// Consume takes a captcha away and returns it, expired or not: whatever the check will say, there is no second one (C4).
func (q CaptchaQueries) Consume(ctx context.Context, userpoolID, id string) (Captcha, error) {
	const query = `
		DELETE FROM captchas WHERE userpool_id = $1 AND id = $2
		RETURNING userpool_id, id, type, use, account, answer_hash, created_at, expires_at`
	return one[Captcha](ctx, q.q, query, userpoolID, id)
}
