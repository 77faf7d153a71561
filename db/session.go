package db

import (
	"context"
	"errors"
	"time"

	"github.com/lib/pq"
)

// Session is what a sign-in opened.
type Session struct {
	UserpoolID string         `db:"userpool_id"`
	ID         string         `db:"id"`
	UserID     string         `db:"user_id"`
	AppID      string         `db:"app_id"`
	Scope      string         `db:"scope"`
	AMR        pq.StringArray `db:"amr"` // RFC 8176 values
	IP         string         `db:"ip"`
	UserAgent  string         `db:"user_agent"`
	CreatedAt  time.Time      `db:"created_at"`
	AuthTime   time.Time      `db:"auth_time"` // when the user proved itself: of a vouched session, to the one that vouched
	MFAAt      *time.Time     `db:"mfa_at"`    // when it last showed a code of its authenticator; nil for never
	ExpiresAt  time.Time      `db:"expires_at"`
}

// RefreshToken belongs to a session and is good for one renewal.
type RefreshToken struct {
	UserpoolID string     `db:"userpool_id"`
	TokenHash  []byte     `db:"token_hash"`
	SessionID  string     `db:"session_id"`
	CreatedAt  time.Time  `db:"created_at"`
	ExpiresAt  time.Time  `db:"expires_at"`
	UsedAt     *time.Time `db:"used_at"`
	AppID      string     `db:"app_id"` // of the session
}

// SessionQueries are about sessions and refresh tokens.
type SessionQueries struct{ q Queries }

// Sessions returns the statements about sessions and refresh tokens.
func (q Queries) Sessions() SessionQueries { return SessionQueries{q} }

// Insert adds a session.
func (q SessionQueries) Insert(ctx context.Context, s Session) error {
	const query = `
		INSERT INTO sessions (userpool_id, id, user_id, app_id, scope, amr, ip, user_agent, created_at, auth_time, mfa_at,
			expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	return q.q.change(ctx, query, s.UserpoolID, s.ID, s.UserID, s.AppID, s.Scope, s.AMR, s.IP, s.UserAgent, s.CreatedAt,
		s.AuthTime, s.MFAAt, s.ExpiresAt)
}

// Live returns a session that is neither revoked nor expired and whose user may sign in.
func (q SessionQueries) Live(ctx context.Context, userpoolID, id string, now time.Time) (Session, error) {
	const query = `
		SELECT s.userpool_id, s.id, s.user_id, s.app_id, s.scope, s.amr, s.ip, s.user_agent, s.created_at, s.auth_time,
			s.mfa_at, s.expires_at
		FROM sessions s JOIN users u ON u.userpool_id = s.userpool_id AND u.id = s.user_id
		WHERE s.userpool_id = $1 AND s.id = $2 AND s.revoked_at IS NULL AND s.expires_at > $3 AND u.status = 'Activated'`
	return one[Session](ctx, q.q, query, userpoolID, id, now)
}

// UserSession is a live session as its user sees it.
type UserSession struct {
	Session
	AppName string `db:"app_name"`
	AppLogo string `db:"app_logo"`
}

// LiveOf returns the sessions of a user that are neither revoked nor expired, at most limit: the one with the id firstID, then the
// newest.
func (q SessionQueries) LiveOf(ctx context.Context, userpoolID, userID, firstID string, now time.Time, limit int) ([]UserSession, error) {
	const query = `
		SELECT s.userpool_id, s.id, s.user_id, s.app_id, s.scope, s.amr, s.ip, s.user_agent, s.created_at, s.auth_time,
			s.mfa_at, s.expires_at, a.name AS app_name, a.logo AS app_logo
		FROM sessions s JOIN applications a ON a.userpool_id = s.userpool_id AND a.id = s.app_id
		WHERE s.userpool_id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND s.expires_at > $3
		ORDER BY s.id = $4 DESC, s.created_at DESC, s.id DESC LIMIT $5`
	return many[UserSession](ctx, q.q, query, userpoolID, userID, now, firstID, limit)
}

// RevokeOf ends a live session of a user at once. ErrNotFound means that the user has no such session, or no longer: of two who
// end it at once, only one does.
func (q SessionQueries) RevokeOf(ctx context.Context, userpoolID, userID, id string, now time.Time) error {
	const query = `
		UPDATE sessions SET revoked_at = $4
		WHERE userpool_id = $1 AND user_id = $2 AND id = $3 AND revoked_at IS NULL AND expires_at > $4`
	return q.q.change(ctx, query, userpoolID, userID, id, now)
}

// StepUp notes that the user of a live session has shown a code of its authenticator. ErrNotFound means that the session
// has ended.
func (q SessionQueries) StepUp(ctx context.Context, userpoolID, id string, amr []string, now time.Time) error {
	const query = `
		UPDATE sessions SET
			amr = amr || ARRAY(SELECT m FROM unnest($3::text[]) m WHERE NOT m = ANY (amr)),
			mfa_at = $4
		WHERE userpool_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $4`
	return q.q.change(ctx, query, userpoolID, id, pq.StringArray(amr), now)
}

// StepDown forgets that a user's sessions, but for one, have shown a code: it may have been of an authenticator that is gone.
func (q SessionQueries) StepDown(ctx context.Context, userpoolID, userID, exceptID string) error {
	const query = `
		UPDATE sessions SET mfa_at = NULL
		WHERE userpool_id = $1 AND user_id = $2 AND id <> $3 AND mfa_at IS NOT NULL`
	_, err := q.q.exec(ctx, query, userpoolID, userID, exceptID)
	return err
}

// Revoke ends a session at once, and tells whether that has ended anything: of two who do it at once, only one has. Ending it
// twice is no error.
func (q SessionQueries) Revoke(ctx context.Context, userpoolID, id string, now time.Time) (ended bool, err error) {
	const query = `
		UPDATE sessions SET revoked_at = $3 WHERE userpool_id = $1 AND id = $2 AND revoked_at IS NULL
		RETURNING expires_at > $3`
	ended, err = one[bool](ctx, q.q, query, userpoolID, id, now)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return ended, err
}

// RevokeAll ends all sessions of a user at once.
func (q SessionQueries) RevokeAll(ctx context.Context, userpoolID, userID string, now time.Time) error {
	const query = `
		UPDATE sessions SET revoked_at = $3 WHERE userpool_id = $1 AND user_id = $2 AND revoked_at IS NULL`
	_, err := q.q.exec(ctx, query, userpoolID, userID, now)
	return err
}

// RevokeAllOf ends all sessions of an application at once, and returns how many.
func (q SessionQueries) RevokeAllOf(ctx context.Context, userpoolID, appID string, now time.Time) (int64, error) {
	const query = `
		UPDATE sessions SET revoked_at = $3 WHERE userpool_id = $1 AND app_id = $2 AND revoked_at IS NULL`
	return q.q.exec(ctx, query, userpoolID, appID, now)
}

// InsertRefreshToken adds a refresh token.
func (q SessionQueries) InsertRefreshToken(ctx context.Context, t RefreshToken) error {
	const query = `
		INSERT INTO refresh_tokens (userpool_id, token_hash, session_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`
	return q.q.change(ctx, query, t.UserpoolID, t.TokenHash, t.SessionID, t.CreatedAt, t.ExpiresAt)
}

// SpendRefreshToken uses up a refresh token of an application; of any, if appID is empty. ErrNotFound means unknown, expired,
// used before, or of another application: of two racing requests only one can win.
func (q SessionQueries) SpendRefreshToken(ctx context.Context, hash []byte, appID string, now time.Time) (RefreshToken, error) {
	const query = `
		UPDATE refresh_tokens t SET used_at = $3
		FROM sessions s
		WHERE t.token_hash = $1 AND t.used_at IS NULL AND t.expires_at > $3
			AND s.userpool_id = t.userpool_id AND s.id = t.session_id AND ($2 = '' OR s.app_id = $2)
		RETURNING t.userpool_id, t.token_hash, t.session_id, t.created_at, t.expires_at, t.used_at, s.app_id`
	return one[RefreshToken](ctx, q.q, query, hash, appID, now)
}

// RefreshToken returns a refresh token, used or not.
func (q SessionQueries) RefreshToken(ctx context.Context, hash []byte) (RefreshToken, error) {
	const query = `
		SELECT t.userpool_id, t.token_hash, t.session_id, t.created_at, t.expires_at, t.used_at, s.app_id
		FROM refresh_tokens t JOIN sessions s ON s.userpool_id = t.userpool_id AND s.id = t.session_id
		WHERE t.token_hash = $1`
	return one[RefreshToken](ctx, q.q, query, hash)
}
