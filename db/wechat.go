package db

import (
	"context"
	"time"
)

// WechatToken is the access token of a connection, shared by all replicas.
type WechatToken struct {
	TokenSealed []byte    `db:"token_sealed"` // nil before the first
	Version     int64     `db:"version"`      // counts up with every token
	GoodUntil   time.Time `db:"good_until"`
	Voided      bool      `db:"voided"`       // WeChat did not take it any more
	LeasedUntil time.Time `db:"leased_until"` // somebody fetches the next one
}

// WechatEvent is what became of an event.
type WechatEvent struct {
	Settled bool   `db:"settled"`
	Reply   string `db:"reply"`
}

// WechatScan is a scan that a person has to decide about.
type WechatScan struct {
	Sealed    []byte    `db:"scan_sealed"`
	ExpiresAt time.Time `db:"expires_at"`
}

// WechatQueries are about the traffic with WeChat.
type WechatQueries struct{ q Queries }

// Wechat returns the statements about the traffic with WeChat.
func (q Queries) Wechat() WechatQueries { return WechatQueries{q} }

// Token returns the access token of a connection; ErrNotFound before anybody has asked for one.
func (q WechatQueries) Token(ctx context.Context, userpoolID, connectionID string) (WechatToken, error) {
	const query = `
		SELECT token_sealed, version, good_until, voided, leased_until FROM wechat_tokens WHERE userpool_id = $1 AND connection_id = $2`
	return one[WechatToken](ctx, q.q, query, userpoolID, connectionID)
}

// LeaseToken gives the right to fetch the token that follows version. ErrNotFound means that somebody else has it, or has
// fetched that token already.
func (q WechatQueries) LeaseToken(ctx context.Context, userpoolID, connectionID string, version int64, until, now time.Time) error {
	const query = `
		INSERT INTO wechat_tokens AS t (userpool_id, connection_id, leased_until) VALUES ($1, $2, $4)
		ON CONFLICT (userpool_id, connection_id) DO UPDATE SET leased_until = EXCLUDED.leased_until
		WHERE t.version = $3 AND t.leased_until <= $5`
	return q.q.change(ctx, query, userpoolID, connectionID, version, until, now)
}

// StoreToken ends a lease with the token that follows version. ErrNotFound means that the lease has ended before.
func (q WechatQueries) StoreToken(
	ctx context.Context, userpoolID, connectionID string, version int64, leasedUntil time.Time, sealed []byte, goodUntil time.Time,
) error {
	const query = `
		UPDATE wechat_tokens SET token_sealed = $5, version = version + 1, good_until = $6, voided = false, leased_until = 'epoch'
		WHERE userpool_id = $1 AND connection_id = $2 AND version = $3 AND leased_until = $4`
	return q.q.change(ctx, query, userpoolID, connectionID, version, leasedUntil, sealed, goodUntil)
}

// ReleaseToken ends a lease without a token. ErrNotFound means that it has ended before.
func (q WechatQueries) ReleaseToken(ctx context.Context, userpoolID, connectionID string, version int64, leasedUntil time.Time) error {
	const query = `
		UPDATE wechat_tokens SET leased_until = 'epoch'
		WHERE userpool_id = $1 AND connection_id = $2 AND version = $3 AND leased_until = $4`
	return q.q.change(ctx, query, userpoolID, connectionID, version, leasedUntil)
}

// VoidToken notes that WeChat did not take the token of a version. ErrNotFound means that somebody has noted so before, or
// that there is a newer one.
func (q WechatQueries) VoidToken(ctx context.Context, userpoolID, connectionID string, version int64) error {
	const query = `
		UPDATE wechat_tokens SET voided = true
		WHERE userpool_id = $1 AND connection_id = $2 AND version = $3 AND NOT voided`
	return q.q.change(ctx, query, userpoolID, connectionID, version)
}

// ForgetToken drops the token of a connection, and takes the lease from who is fetching one: its secret is another now.
func (q WechatQueries) ForgetToken(ctx context.Context, userpoolID, connectionID string) error {
	const query = `
		UPDATE wechat_tokens SET token_sealed = NULL, version = version + 1, good_until = 'epoch', voided = false, leased_until = 'epoch'
		WHERE userpool_id = $1 AND connection_id = $2`
	_, err := q.q.exec(ctx, query, userpoolID, connectionID)
	return err
}

// UseNonce ties a nonce to an event. ErrNotFound means that it came with another one before.
func (q WechatQueries) UseNonce(ctx context.Context, userpoolID, connectionID string, nonce, event []byte, expiresAt time.Time) error {
	const query = `
		INSERT INTO wechat_nonces AS n (userpool_id, connection_id, nonce_hash, event_hash, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (userpool_id, connection_id, nonce_hash) DO UPDATE SET event_hash = EXCLUDED.event_hash
		WHERE n.event_hash = EXCLUDED.event_hash`
	return q.q.change(ctx, query, userpoolID, connectionID, nonce, event, expiresAt)
}

// ClaimEvent gives the right to let an event take effect. ErrNotFound means that somebody else has it, or that the event is
// settled.
func (q WechatQueries) ClaimEvent(ctx context.Context, userpoolID, connectionID string, event []byte, until, expiresAt, now time.Time) error {
	const query = `
		INSERT INTO wechat_events AS e (userpool_id, connection_id, event_hash, claimed_until, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (userpool_id, connection_id, event_hash) DO UPDATE SET claimed_until = EXCLUDED.claimed_until
		WHERE NOT e.settled AND e.claimed_until <= $6`
	return q.q.change(ctx, query, userpoolID, connectionID, event, until, expiresAt, now)
}

// Event returns what became of an event.
func (q WechatQueries) Event(ctx context.Context, userpoolID, connectionID string, event []byte) (WechatEvent, error) {
	const query = `
		SELECT settled, reply FROM wechat_events WHERE userpool_id = $1 AND connection_id = $2 AND event_hash = $3`
	return one[WechatEvent](ctx, q.q, query, userpoolID, connectionID, event)
}

// SettleEvent notes that an event has taken effect, and what the person is told. ErrNotFound means that it was settled before.
func (q WechatQueries) SettleEvent(ctx context.Context, userpoolID, connectionID string, event []byte, reply string) error {
	const query = `
		UPDATE wechat_events SET settled = true, reply = $4
		WHERE userpool_id = $1 AND connection_id = $2 AND event_hash = $3 AND NOT settled`
	return q.q.change(ctx, query, userpoolID, connectionID, event, reply)
}

// ReleaseEvent gives the claim back that was made until a time, since the effect has failed. ErrNotFound means that it is
// somebody else's by now.
func (q WechatQueries) ReleaseEvent(ctx context.Context, userpoolID, connectionID string, event []byte, until time.Time) error {
	const query = `
		UPDATE wechat_events SET claimed_until = 'epoch'
		WHERE userpool_id = $1 AND connection_id = $2 AND event_hash = $3 AND NOT settled AND claimed_until = $4`
	return q.q.change(ctx, query, userpoolID, connectionID, event, until)
}

// PutScan remembers the scan that a person has to decide about, in the place of an earlier one.
func (q WechatQueries) PutScan(ctx context.Context, userpoolID, connectionID, openID string, s WechatScan) error {
	const query = `
		INSERT INTO wechat_scans (userpool_id, connection_id, open_id, scan_sealed, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (userpool_id, connection_id, open_id)
			DO UPDATE SET scan_sealed = EXCLUDED.scan_sealed, expires_at = EXCLUDED.expires_at`
	return q.q.change(ctx, query, userpoolID, connectionID, openID, s.Sealed, s.ExpiresAt)
}

// TakeScan uses up the scan that a person has to decide about. ErrNotFound means that there is none, or none any more: of
// two messages only one can decide.
func (q WechatQueries) TakeScan(ctx context.Context, userpoolID, connectionID, openID string, now time.Time) (WechatScan, error) {
	const query = `
		DELETE FROM wechat_scans WHERE userpool_id = $1 AND connection_id = $2 AND open_id = $3 AND expires_at > $4
		RETURNING scan_sealed, expires_at`
	return one[WechatScan](ctx, q.q, query, userpoolID, connectionID, openID, now)
}

// ReturnScan puts a taken scan back, unless there is a newer one.
func (q WechatQueries) ReturnScan(ctx context.Context, userpoolID, connectionID, openID string, s WechatScan) error {
	const query = `
		INSERT INTO wechat_scans (userpool_id, connection_id, open_id, scan_sealed, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING`
	_, err := q.q.exec(ctx, query, userpoolID, connectionID, openID, s.Sealed, s.ExpiresAt)
	return err
}
