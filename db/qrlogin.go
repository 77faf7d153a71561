package db

import (
	"context"
	"time"
)

// States of a login QR code. EXPIRED is not one of them: it follows from the clock.
const (
	QRPending    = "PENDING"
	QRScanned    = "SCANNED"
	QRAuthorized = "AUTHORIZED"
	QRCancelled  = "CANCELLED"
)

// QRLogin is a login QR code from its creation to the exchange of its ticket.
type QRLogin struct {
	UserpoolID      string     `db:"userpool_id"`
	ID              string     `db:"id"`
	AppID           string     `db:"app_id"`
	ScanHash        []byte     `db:"scan_hash"`
	PollHash        []byte     `db:"poll_hash"`
	TicketHash      []byte     `db:"ticket_hash"`
	State           string     `db:"state"`
	UserID          *string    `db:"user_id"`
	SessionID       *string    `db:"session_id"`
	CustomData      JSON       `db:"custom_data"`
	IP              string     `db:"ip"`
	UserAgent       string     `db:"user_agent"`
	CreatedAt       time.Time  `db:"created_at"`
	ExpiresAt       time.Time  `db:"expires_at"`
	TicketExpiresAt *time.Time `db:"ticket_expires_at"`
	ConsumedAt      *time.Time `db:"consumed_at"`
	OpenedSessionID *string    `db:"opened_session_id"`
}

// Vouched is what an exchanged ticket is good for.
type Vouched struct {
	UserpoolID string `db:"userpool_id"`
	AppID      string `db:"app_id"`
	UserID     string `db:"user_id"`
	SessionID  string `db:"session_id"` // that confirmed
}

// QRLoginQueries are about login QR codes.
type QRLoginQueries struct{ q Queries }

// QRLogins returns the statements about login QR codes.
func (q Queries) QRLogins() QRLoginQueries { return QRLoginQueries{q} }

const qrloginColumns = `
	userpool_id, id, app_id, scan_hash, poll_hash, ticket_hash, state, user_id, session_id, custom_data, ip, user_agent,
	created_at, expires_at, ticket_expires_at, consumed_at, opened_session_id`

// Insert adds a QR code in the state PENDING.
func (q QRLoginQueries) Insert(ctx context.Context, l QRLogin) error {
	const query = `
		INSERT INTO qrlogins (userpool_id, id, app_id, scan_hash, poll_hash, ticket_hash, state, custom_data, ip, user_agent,
			created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'PENDING', $7, $8, $9, $10, $11)`
	return q.q.change(ctx, query, l.UserpoolID, l.ID, l.AppID, l.ScanHash, l.PollHash, l.TicketHash, l.CustomData, l.IP,
		l.UserAgent, l.CreatedAt, l.ExpiresAt)
}

// ByPollHash returns the QR code of its creator.
func (q QRLoginQueries) ByPollHash(ctx context.Context, hash []byte) (QRLogin, error) {
	const query = `SELECT ` + qrloginColumns + ` FROM qrlogins WHERE poll_hash = $1`
	return one[QRLogin](ctx, q.q, query, hash)
}

// ByScanHash returns the QR code that a picture belongs to.
func (q QRLoginQueries) ByScanHash(ctx context.Context, hash []byte) (QRLogin, error) {
	const query = `SELECT ` + qrloginColumns + ` FROM qrlogins WHERE scan_hash = $1`
	return one[QRLogin](ctx, q.q, query, hash)
}

// ByTicketHash returns the QR code that a ticket belongs to.
func (q QRLoginQueries) ByTicketHash(ctx context.Context, hash []byte) (QRLogin, error) {
	const query = `SELECT ` + qrloginColumns + ` FROM qrlogins WHERE ticket_hash = $1`
	return one[QRLogin](ctx, q.q, query, hash)
}

// Scan takes PENDING to SCANNED and pins the user and the session that may decide (Q3). ErrNotFound means that the QR
// code is not pending any more.
func (q QRLoginQueries) Scan(ctx context.Context, userpoolID, id, userID, sessionID string, now time.Time) error {
	const query = `
		UPDATE qrlogins SET state = 'SCANNED', user_id = $3, session_id = $4
		WHERE userpool_id = $1 AND id = $2 AND state = 'PENDING' AND expires_at > $5`
	return q.q.change(ctx, query, userpoolID, id, userID, sessionID, now)
}

// Confirm takes SCANNED to AUTHORIZED for the session that scanned. ErrNotFound means any other state or session.
func (q QRLoginQueries) Confirm(ctx context.Context, userpoolID, id, sessionID string, ticketExpiresAt, now time.Time) error {
	const query = `
		UPDATE qrlogins SET state = 'AUTHORIZED', ticket_expires_at = $4
		WHERE userpool_id = $1 AND id = $2 AND session_id = $3 AND state = 'SCANNED' AND expires_at > $5`
	return q.q.change(ctx, query, userpoolID, id, sessionID, ticketExpiresAt, now)
}

// Cancel takes SCANNED to CANCELLED for the session that scanned. ErrNotFound means any other state or session.
func (q QRLoginQueries) Cancel(ctx context.Context, userpoolID, id, sessionID string, now time.Time) error {
	const query = `
		UPDATE qrlogins SET state = 'CANCELLED'
		WHERE userpool_id = $1 AND id = $2 AND session_id = $3 AND state = 'SCANNED' AND expires_at > $4`
	return q.q.change(ctx, query, userpoolID, id, sessionID, now)
}

// ConsumeTicket uses up the ticket of an application, provided that the session that confirmed still lives. ErrNotFound
// means unknown, expired, of another application, or used before: of two racing requests only one can win (Q4).
func (q QRLoginQueries) ConsumeTicket(ctx context.Context, hash []byte, appID, opensSessionID string, now time.Time) (Vouched, error) {
	const query = `
		UPDATE qrlogins l SET consumed_at = $4, opened_session_id = $3
		FROM sessions s
		WHERE l.ticket_hash = $1 AND l.app_id = $2 AND l.state = 'AUTHORIZED' AND l.consumed_at IS NULL
			AND l.ticket_expires_at > $4
			AND s.userpool_id = l.userpool_id AND s.id = l.session_id AND s.revoked_at IS NULL AND s.expires_at > $4
		RETURNING l.userpool_id, l.app_id, l.user_id, s.id AS session_id`
	return one[Vouched](ctx, q.q, query, hash, appID, opensSessionID, now)
}
