package db

import (
	"context"
	"time"

	"github.com/lib/pq"
)

// PendingSignIn is a sign-in that waits for the authenticator's code.
type PendingSignIn struct {
	UserpoolID string         `db:"userpool_id"`
	TokenHash  []byte         `db:"token_hash"`
	UserID     string         `db:"user_id"`
	AppID      string         `db:"app_id"`
	Scope      string         `db:"scope"` // as requested
	AMR        pq.StringArray `db:"amr"`   // RFC 8176 values
	CustomData JSON           `db:"custom_data"`
	AttemptID  string         `db:"attempt_id"` // that the hooks let pass; empty of before hooks
	Method     string         `db:"method"`     // of the first factor
	Context    JSON           `db:"context"`    // for the hooks
	SessionID  *string        `db:"session_id"` // that it will open; nil for any
	IP         string         `db:"ip"`         // of who is going to use it
	UserAgent  string         `db:"user_agent"` // the same
	ExpiresAt  time.Time      `db:"expires_at"`
}

const pendingSignInColumns = `userpool_id, token_hash, user_id, app_id, scope, amr, custom_data, attempt_id, method, context, session_id, ip, user_agent,
	expires_at`

// InsertPending keeps a sign-in until it is finished.
func (q SessionQueries) InsertPending(ctx context.Context, p PendingSignIn) error {
	const query = `INSERT INTO pending_signins (` + pendingSignInColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	return q.q.change(ctx, query, p.UserpoolID, p.TokenHash, p.UserID, p.AppID, p.Scope, p.AMR, p.CustomData,
		p.AttemptID, p.Method, p.Context, p.SessionID, p.IP, p.UserAgent, p.ExpiresAt)
}

// Pending returns a sign-in that still waits.
func (q SessionQueries) Pending(ctx context.Context, hash []byte, now time.Time) (PendingSignIn, error) {
	const query = `SELECT ` + pendingSignInColumns + ` FROM pending_signins WHERE token_hash = $1 AND expires_at > $2`
	return one[PendingSignIn](ctx, q.q, query, hash, now)
}

// FinishPending takes a sign-in away that still waits. ErrNotFound means that it was finished, has expired or was
// forgotten: of two racing requests only one can win.
func (q SessionQueries) FinishPending(ctx context.Context, userpoolID string, hash []byte, now time.Time) error {
	const query = `DELETE FROM pending_signins WHERE userpool_id = $1 AND token_hash = $2 AND expires_at > $3`
	return q.q.change(ctx, query, userpoolID, hash, now)
}

// ForgetPendingSession takes a sign-in away that would open a session. ErrNotFound means that there is none.
func (q SessionQueries) ForgetPendingSession(ctx context.Context, userpoolID, sessionID string) error {
	const query = `DELETE FROM pending_signins WHERE userpool_id = $1 AND session_id = $2`
	return q.q.change(ctx, query, userpoolID, sessionID)
}

// ForgetPending takes all sign-ins of a user away that wait.
func (q SessionQueries) ForgetPending(ctx context.Context, userpoolID, userID string) error {
	const query = `DELETE FROM pending_signins WHERE userpool_id = $1 AND user_id = $2`
	_, err := q.q.exec(ctx, query, userpoolID, userID)
	return err
}
