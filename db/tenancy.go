package db

import (
	"context"
	"time"

	"github.com/lib/pq"
)

// Userpool is a tenant: a set of users that share nothing with any other.
type Userpool struct {
	ID        string    `db:"id"`
	Name      string    `db:"name"`
	Logo      string    `db:"logo"`
	IsDefault bool      `db:"is_default"`
	CreatedAt time.Time `db:"created_at"`
}

// Application is a program whose users Menshen verifies.
type Application struct {
	UserpoolID string    `db:"userpool_id"`
	ID         string    `db:"id"`
	Name       string    `db:"name"`
	Logo       string    `db:"logo"`
	SecretHash []byte    `db:"secret_hash"`
	IsDefault  bool      `db:"is_default"`
	CreatedAt  time.Time `db:"created_at"`
	ApplicationSettings
	DisabledAt *time.Time `db:"disabled_at"`
}

// ApplicationSettings are what may differ from application to application. Nil means the setting of the service.
type ApplicationSettings struct {
	AccessSeconds   *int           `db:"access_seconds"`   // life of access and ID tokens
	SessionSeconds  *int           `db:"session_seconds"`  // life of sessions, and so of refresh tokens
	QRSeconds       *int           `db:"qr_seconds"`       // Q2: life of a login QR code
	TicketSeconds   *int           `db:"ticket_seconds"`   // Q2: life of a ticket, at most 300
	BrowserExchange bool           `db:"browser_exchange"` // a public client: exchanges tickets and renews tokens without its secret
	NumberMatching  bool           `db:"number_matching"`  // Q5: who confirms a QR login picks the number that the page shows
	QRTypes         pq.StringArray `db:"qr_types"`         // of login QR codes; nil for all
}

// QRTypes are the types of login QR codes.
var QRTypes = []string{QRMobileApp, QRWechatMiniprogram, QRWechatOfficialAccount}

// Types of login QR codes.
const (
	QRMobileApp             = "MOBILE_APP"
	QRWechatMiniprogram     = "WECHAT_MINIPROGRAM"
	QRWechatOfficialAccount = "WECHAT_OFFICIAL_ACCOUNT"
)

// Life is a life of so many seconds, or the setting of the service.
func Life(seconds *int, service time.Duration) time.Duration {
	if seconds == nil {
		return service
	}
	return time.Duration(*seconds) * time.Second
}

// AccessKey is a credential for the management operations of one userpool.
type AccessKey struct {
	UserpoolID   string         `db:"userpool_id"`
	ID           string         `db:"id"`
	SecretSealed []byte         `db:"secret_sealed"`
	Scopes       pq.StringArray `db:"scopes"`
	CreatedAt    time.Time      `db:"created_at"`
	DisabledAt   *time.Time     `db:"disabled_at"`
}

// TenancyQueries are about userpools, applications and access keys.
type TenancyQueries struct{ q Queries }

// Tenancy returns the statements about userpools, applications and access keys.
func (q Queries) Tenancy() TenancyQueries { return TenancyQueries{q} }

// InsertUserpool adds a userpool. A second default one is ErrDuplicate.
func (q TenancyQueries) InsertUserpool(ctx context.Context, u Userpool) error {
	const query = `
		INSERT INTO userpools (id, name, logo, is_default, created_at) VALUES ($1, $2, $3, $4, $5)`
	return q.q.change(ctx, query, u.ID, u.Name, u.Logo, u.IsDefault, u.CreatedAt)
}

// Userpool returns a userpool.
func (q TenancyQueries) Userpool(ctx context.Context, id string) (Userpool, error) {
	const query = `SELECT id, name, logo, is_default, created_at FROM userpools WHERE id = $1`
	return q.q.statements.userpools.row(ctx, q.q, query, id)
}

const applicationColumns = `a.userpool_id, a.id, a.name, a.logo, a.secret_hash, a.is_default, a.created_at, a.access_seconds,
	a.session_seconds, a.qr_seconds, a.ticket_seconds, a.browser_exchange, a.number_matching, a.qr_types, a.disabled_at`

// InsertApplication adds an application.
func (q TenancyQueries) InsertApplication(ctx context.Context, a Application) error {
	const query = `
		INSERT INTO applications (userpool_id, id, name, logo, secret_hash, is_default, created_at, access_seconds,
			session_seconds, qr_seconds, ticket_seconds, browser_exchange, number_matching, qr_types)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	if a.QRTypes == nil {
		a.QRTypes = QRTypes
	}
	return q.q.change(ctx, query, a.UserpoolID, a.ID, a.Name, a.Logo, a.SecretHash, a.IsDefault, a.CreatedAt, a.AccessSeconds,
		a.SessionSeconds, a.QRSeconds, a.TicketSeconds, a.BrowserExchange, a.NumberMatching, a.QRTypes)
}

// Application returns an application that is not disabled, by its id, which is unique over all userpools.
func (q TenancyQueries) Application(ctx context.Context, id string) (Application, error) {
	const query = `SELECT ` + applicationColumns + ` FROM applications a WHERE a.id = $1 AND a.disabled_at IS NULL`
	return q.q.statements.apps.row(ctx, q.q, query, id)
}

// DefaultApplication returns the default application of the default userpool.
func (q TenancyQueries) DefaultApplication(ctx context.Context) (Application, error) {
	const query = `
		SELECT ` + applicationColumns + `
		FROM applications a JOIN userpools u ON u.id = a.userpool_id
		WHERE u.is_default AND a.is_default AND a.disabled_at IS NULL`
	return q.q.statements.defaults.row(ctx, q.q, query)
}

// DefaultApplicationOf returns the default application of a userpool.
func (q TenancyQueries) DefaultApplicationOf(ctx context.Context, userpoolID string) (Application, error) {
	const query = `
		SELECT ` + applicationColumns + ` FROM applications a
		WHERE a.userpool_id = $1 AND a.is_default AND a.disabled_at IS NULL`
	return one[Application](ctx, q.q, query, userpoolID)
}

// EnabledApplications returns the applications of a userpool that are not disabled, oldest first.
func (q TenancyQueries) EnabledApplications(ctx context.Context, userpoolID string) ([]Application, error) {
	const query = `
		SELECT ` + applicationColumns + ` FROM applications a
		WHERE a.userpool_id = $1 AND a.disabled_at IS NULL ORDER BY a.created_at, a.id`
	return many[Application](ctx, q.q, query, userpoolID)
}

// InsertAccessKey adds an access key.
func (q TenancyQueries) InsertAccessKey(ctx context.Context, k AccessKey) error {
	const query = `
		INSERT INTO access_keys (userpool_id, id, secret_sealed, scopes, created_at) VALUES ($1, $2, $3, $4, $5)`
	return q.q.change(ctx, query, k.UserpoolID, k.ID, k.SecretSealed, k.Scopes, k.CreatedAt)
}

// AccessKey returns an access key that is not disabled, by its id, which is unique over all userpools.
func (q TenancyQueries) AccessKey(ctx context.Context, id string) (AccessKey, error) {
	const query = `
		SELECT userpool_id, id, secret_sealed, scopes, created_at
		FROM access_keys WHERE id = $1 AND disabled_at IS NULL`
	return q.q.statements.keys.row(ctx, q.q, query, id)
}

// UseNonce notes the nonce of a signed request. ErrNotFound means that the key has used it before.
func (q TenancyQueries) UseNonce(ctx context.Context, userpoolID, keyID, nonce string, expiresAt time.Time) error {
	const query = `
		INSERT INTO request_nonces (userpool_id, key_id, nonce, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`
	return q.q.change(ctx, query, userpoolID, keyID, nonce, expiresAt)
}
