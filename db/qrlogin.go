package db

import (
	"context"
	"time"

	"github.com/lib/pq"
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
	UserpoolID      string        `db:"userpool_id"`
	ID              string        `db:"id"`
	AppID           string        `db:"app_id"`
	Type            string        `db:"type"`
	ConnectionID    *string       `db:"connection_id"` // of the WeChat types
	Content         *string       `db:"content"`       // of WECHAT_OFFICIAL_ACCOUNT: what the picture says
	Picture         []byte        `db:"picture"`       // of WECHAT_MINIPROGRAM: PNG
	ScanHash        []byte        `db:"scan_hash"`
	PollHash        []byte        `db:"poll_hash"`
	TicketHash      []byte        `db:"ticket_hash"`
	State           string        `db:"state"`
	UserID          *string       `db:"user_id"`
	SessionID       *string       `db:"session_id"`
	PersonHash      []byte        `db:"person_hash"`
	MatchNumber     *int          `db:"match_number"`
	MatchNumbers    pq.Int64Array `db:"match_numbers"`
	CustomData      JSON          `db:"custom_data"`
	Context         JSON          `db:"context"`
	IP              string        `db:"ip"`
	UserAgent       string        `db:"user_agent"`
	CreatedAt       time.Time     `db:"created_at"`
	ExpiresAt       time.Time     `db:"expires_at"`
	TicketExpiresAt *time.Time    `db:"ticket_expires_at"`
	ConsumedAt      *time.Time    `db:"consumed_at"`
	OpenedSessionID *string       `db:"opened_session_id"`
}

// QRPin is who scanned, the only one who may decide: a session of the phone app, or a person at WeChat.
type QRPin struct {
	SessionID  *string
	PersonHash []byte
}

// Vouched is what an exchanged ticket is good for.
type Vouched struct {
	UserpoolID string `db:"userpool_id"`
	AppID      string `db:"app_id"`
	Type       string `db:"type"`
	UserID     string `db:"user_id"`
	SessionID  string `db:"session_id"` // that confirmed; empty for a person at WeChat, who has none
	Context    JSON   `db:"context"`    // for the hooks
	IP         string `db:"ip"`         // of the page
	UserAgent  string `db:"user_agent"` // the same
}

// QRLoginQueries are about login QR codes.
type QRLoginQueries struct{ q Queries }

// QRLogins returns the statements about login QR codes.
func (q Queries) QRLogins() QRLoginQueries { return QRLoginQueries{q} }

// The picture is not among them: it is large, and of interest to one operation only.
const qrloginColumns = `
	userpool_id, id, app_id, type, connection_id, content, scan_hash, poll_hash, ticket_hash, state, user_id, session_id,
	person_hash, match_number, match_numbers, custom_data, context, ip, user_agent, created_at, expires_at, ticket_expires_at,
	consumed_at, opened_session_id`

// Insert adds a QR code in the state PENDING.
func (q QRLoginQueries) Insert(ctx context.Context, l QRLogin) error {
	const query = `
		INSERT INTO qrlogins (userpool_id, id, app_id, type, connection_id, content, picture, scan_hash, poll_hash, ticket_hash,
			state, custom_data, context, ip, user_agent, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'PENDING', $11, $12, $13, $14, $15, $16)`
	return q.q.change(ctx, query, l.UserpoolID, l.ID, l.AppID, l.Type, l.ConnectionID, l.Content, l.Picture, l.ScanHash, l.PollHash,
		l.TicketHash, l.CustomData, l.Context, l.IP, l.UserAgent, l.CreatedAt, l.ExpiresAt)
}

// progressColumns are how far a login has come.
const progressColumns = `userpool_id, poll_hash, state, user_id, match_number, expires_at, ticket_expires_at, consumed_at`

// ByPollHash returns the QR code of its creator.
func (q QRLoginQueries) ByPollHash(ctx context.Context, hash []byte) (QRLogin, error) {
	const query = `SELECT ` + qrloginColumns + ` FROM qrlogins WHERE poll_hash = $1`
	return one[QRLogin](ctx, q.q, query, hash)
}

// ProgressOf returns how far the QR code of its creator has come; nothing else of it.
func (q QRLoginQueries) ProgressOf(ctx context.Context, hash []byte) (QRLogin, error) {
	const query = `SELECT ` + progressColumns + ` FROM qrlogins WHERE poll_hash = $1`
	return one[QRLogin](ctx, q.q, query, hash)
}

// Progress returns how far the QR codes of many creators have come, those that there are, in no order; nothing else of them.
func (q QRLoginQueries) Progress(ctx context.Context, hashes [][]byte) ([]QRLogin, error) {
	const query = `
		SELECT ` + progressColumns + ` FROM qrlogins WHERE poll_hash = ANY($1)`
	return many[QRLogin](ctx, q.q, query, pq.ByteaArray(hashes))
}

// ByScanHash returns the QR code that a picture belongs to.
func (q QRLoginQueries) ByScanHash(ctx context.Context, hash []byte) (QRLogin, error) {
	const query = `SELECT ` + qrloginColumns + ` FROM qrlogins WHERE scan_hash = $1`
	return one[QRLogin](ctx, q.q, query, hash)
}

// Drawn returns the QR code that a picture belongs to, with the picture if WeChat has drawn it.
func (q QRLoginQueries) Drawn(ctx context.Context, hash []byte) (QRLogin, error) {
	const query = `SELECT ` + qrloginColumns + `, picture FROM qrlogins WHERE scan_hash = $1`
	return one[QRLogin](ctx, q.q, query, hash)
}

// ByTicketHash returns the QR code that a ticket belongs to.
func (q QRLoginQueries) ByTicketHash(ctx context.Context, hash []byte) (QRLogin, error) {
	const query = `SELECT ` + qrloginColumns + ` FROM qrlogins WHERE ticket_hash = $1`
	return one[QRLogin](ctx, q.q, query, hash)
}

// QRScan is what a scan leaves.
type QRScan struct {
	Pin     QRPin
	UserID  *string // of a session
	Number  *int    // with number matching
	Numbers []int64
}

// Scan takes PENDING to SCANNED and pins who may decide (Q3). ErrNotFound means that the QR code is not pending any more.
func (q QRLoginQueries) Scan(ctx context.Context, userpoolID, id string, s QRScan, now time.Time) error {
	const query = `
		UPDATE qrlogins SET state = 'SCANNED', user_id = $3, session_id = $4, person_hash = $5, match_number = $6, match_numbers = $7
		WHERE userpool_id = $1 AND id = $2 AND state = 'PENDING' AND expires_at > $8`
	return q.q.change(ctx, query, userpoolID, id, s.UserID, s.Pin.SessionID, s.Pin.PersonHash, s.Number, pq.Int64Array(s.Numbers), now)
}

// QRConfirmation is a decision for the page.
type QRConfirmation struct {
	Pin             QRPin
	UserID          string
	Number          int // that was picked; 0 for none
	TicketExpiresAt time.Time
}

// Confirm takes SCANNED to AUTHORIZED for who scanned; with a wrong number to CANCELLED, since who may try again guesses right
// (Q5). It returns the state that it led to. ErrNotFound means any other state or person.
func (q QRLoginQueries) Confirm(ctx context.Context, userpoolID, id string, c QRConfirmation, now time.Time) (state string, err error) {
	const query = `
		UPDATE qrlogins SET
			state = CASE WHEN coalesce(match_number, $6) = $6 THEN 'AUTHORIZED' ELSE 'CANCELLED' END,
			ticket_expires_at = CASE WHEN coalesce(match_number, $6) = $6 THEN $7::timestamptz END,
			user_id = coalesce(nullif($5, ''), user_id),
			picture = NULL -- nobody may see it any more
		WHERE userpool_id = $1 AND id = $2 AND state = 'SCANNED' AND expires_at > $8
			AND session_id IS NOT DISTINCT FROM $3 AND person_hash IS NOT DISTINCT FROM $4
		RETURNING state`
	return one[string](ctx, q.q, query, userpoolID, id, c.Pin.SessionID, c.Pin.PersonHash, c.UserID, c.Number, c.TicketExpiresAt, now)
}

// Cancel takes SCANNED to CANCELLED for who scanned. ErrNotFound means any other state or person.
func (q QRLoginQueries) Cancel(ctx context.Context, userpoolID, id string, p QRPin, now time.Time) error {
	const query = `
		UPDATE qrlogins SET state = 'CANCELLED', picture = NULL
		WHERE userpool_id = $1 AND id = $2 AND state = 'SCANNED' AND expires_at > $5
			AND session_id IS NOT DISTINCT FROM $3 AND person_hash IS NOT DISTINCT FROM $4`
	return q.q.change(ctx, query, userpoolID, id, p.SessionID, p.PersonHash, now)
}

// exchangeable is a ticket ($1) of an application ($2) that can be used now ($3): while the session that confirmed, if one did,
// still lives.
const exchangeable = `
	l.ticket_hash = $1 AND l.app_id = $2 AND l.state = 'AUTHORIZED' AND l.consumed_at IS NULL AND l.ticket_expires_at > $3
	AND (l.session_id IS NULL OR EXISTS (
		SELECT FROM sessions s
		WHERE s.userpool_id = l.userpool_id AND s.id = l.session_id AND s.revoked_at IS NULL AND s.expires_at > $3))`

const vouchedColumns = `l.userpool_id, l.app_id, l.type, l.user_id, coalesce(l.session_id, '') AS session_id, l.context,
	l.ip, l.user_agent`

// Exchangeable returns what a ticket of an application is good for that could be used right now; otherwise ErrNotFound. It
// uses up nothing, and what it says may be over a moment later.
func (q QRLoginQueries) Exchangeable(ctx context.Context, hash []byte, appID string, now time.Time) (Vouched, error) {
	const query = `SELECT ` + vouchedColumns + ` FROM qrlogins l WHERE ` + exchangeable
	return one[Vouched](ctx, q.q, query, hash, appID, now)
}

// ConsumeTicket uses up the ticket of an application. ErrNotFound means unknown, expired, of another application, used before,
// or that the session that confirmed has ended: of two racing requests only one can win (Q4).
func (q QRLoginQueries) ConsumeTicket(ctx context.Context, hash []byte, appID, opensSessionID string, now time.Time) (Vouched, error) {
	const query = `
		UPDATE qrlogins l SET consumed_at = $3, opened_session_id = $4 WHERE ` + exchangeable + `
		RETURNING ` + vouchedColumns
	return one[Vouched](ctx, q.q, query, hash, appID, now, opensSessionID)
}
