package db

import (
	"context"
	"time"

	"github.com/lib/pq"
)

// Userpools returns all userpools, the oldest first.
func (q TenancyQueries) Userpools(ctx context.Context) ([]Userpool, error) {
	const query = `SELECT id, name, logo, is_default, created_at FROM userpools ORDER BY created_at, id`
	return many[Userpool](ctx, q.q, query)
}

// DefaultUserpool returns the default userpool.
func (q TenancyQueries) DefaultUserpool(ctx context.Context) (Userpool, error) {
	const query = `SELECT id, name, logo, is_default, created_at FROM userpools WHERE is_default`
	return one[Userpool](ctx, q.q, query)
}

// SetUserpool changes name and logo of a userpool; nil leaves one as it is. ErrNotFound means that there is no such userpool.
func (q TenancyQueries) SetUserpool(ctx context.Context, id string, name, logo *string) (Userpool, error) {
	const query = `
		UPDATE userpools SET name = COALESCE($2, name), logo = COALESCE($3, logo) WHERE id = $1
		RETURNING id, name, logo, is_default, created_at`
	return one[Userpool](ctx, q.q, query, id, name, logo)
}

// Applications returns the applications of a userpool, disabled or not, the oldest first.
func (q TenancyQueries) Applications(ctx context.Context, userpoolID string) ([]Application, error) {
	const query = `
		SELECT ` + applicationColumns + ` FROM applications a
		WHERE a.userpool_id = $1 ORDER BY a.created_at, a.id`
	return many[Application](ctx, q.q, query, userpoolID)
}

// AnyApplication returns an application, disabled or not.
func (q TenancyQueries) AnyApplication(ctx context.Context, id string) (Application, error) {
	const query = `SELECT ` + applicationColumns + ` FROM applications a WHERE a.id = $1`
	return one[Application](ctx, q.q, query, id)
}

// LockApplication is AnyApplication, and keeps others from changing any application of its userpool until the end of the
// transaction. Reading goes on.
func (q TenancyQueries) LockApplication(ctx context.Context, id string) (Application, error) {
	const query = `
		SELECT 1 FROM userpools u JOIN applications a ON a.userpool_id = u.id WHERE a.id = $1 FOR NO KEY UPDATE OF u`
	if _, err := q.q.exec(ctx, query, id); err != nil {
		return Application{}, err
	}
	return q.AnyApplication(ctx, id)
}

// SetApplication writes name, logo and settings of an application that LockApplication has returned.
func (q TenancyQueries) SetApplication(ctx context.Context, a Application) error {
	const query = `
		UPDATE applications SET name = $3, logo = $4, access_seconds = $5, session_seconds = $6, qr_seconds = $7,
			ticket_seconds = $8, browser_exchange = $9, number_matching = $10, qr_types = $11
		WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, a.UserpoolID, a.ID, a.Name, a.Logo, a.AccessSeconds, a.SessionSeconds, a.QRSeconds,
		a.TicketSeconds, a.BrowserExchange, a.NumberMatching, a.QRTypes)
}

// SetApplicationSecret replaces the secret of an application.
func (q TenancyQueries) SetApplicationSecret(ctx context.Context, userpoolID, id string, hash []byte) error {
	const query = `UPDATE applications SET secret_hash = $3 WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, userpoolID, id, hash)
}

// MakeDefault makes an application, which LockApplication has returned, the default one of its userpool, in the place of the
// one that was. ErrNotFound means that it is disabled.
func (q TenancyQueries) MakeDefault(ctx context.Context, userpoolID, id string) error {
	const (
		before = `UPDATE applications SET is_default = false WHERE userpool_id = $1 AND is_default AND id <> $2`
		after  = `UPDATE applications SET is_default = true WHERE userpool_id = $1 AND id = $2 AND disabled_at IS NULL`
	)
	if _, err := q.q.exec(ctx, before, userpoolID, id); err != nil {
		return err
	}
	return q.q.change(ctx, after, userpoolID, id)
}

// DisableApplication disables an application; one that is disabled stays so since when it was. ErrNotFound means that it is the
// default one of its userpool, or that there is none.
func (q TenancyQueries) DisableApplication(ctx context.Context, userpoolID, id string, now time.Time) error {
	const query = `
		UPDATE applications SET disabled_at = COALESCE(disabled_at, $3) WHERE userpool_id = $1 AND id = $2 AND NOT is_default`
	return q.q.change(ctx, query, userpoolID, id, now)
}

// EnableApplication ends a DisableApplication. An application that is not disabled stays as it is.
func (q TenancyQueries) EnableApplication(ctx context.Context, userpoolID, id string) error {
	const query = `UPDATE applications SET disabled_at = NULL WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, userpoolID, id)
}

// The lock under which an application's sessions are opened. It is no lock of the row: those who share one let nobody wait
// in a queue, so that a busy application could not be disabled.
const applicationLock = `(hashtext('application'), hashtext($1))`

// EnterApplication keeps DrainApplication waiting until the end of the transaction. What is read after it is true until then.
func (q TenancyQueries) EnterApplication(ctx context.Context, id string) error {
	const query = `SELECT pg_advisory_xact_lock_shared` + applicationLock
	_, err := q.q.exec(ctx, query, id)
	return err
}

// DrainApplication waits for the transactions that have entered an application, and keeps others out until the end of this one.
func (q TenancyQueries) DrainApplication(ctx context.Context, id string) error {
	const query = `SELECT pg_advisory_xact_lock` + applicationLock
	_, err := q.q.exec(ctx, query, id)
	return err
}

// AccessKeys returns the access keys of a userpool, disabled or not, the oldest first.
func (q TenancyQueries) AccessKeys(ctx context.Context, userpoolID string) ([]AccessKey, error) {
	const query = `
		SELECT userpool_id, id, secret_sealed, scopes, created_at, disabled_at
		FROM access_keys WHERE userpool_id = $1 ORDER BY created_at, id`
	return many[AccessKey](ctx, q.q, query, userpoolID)
}

// SetScopes changes what an access key may do. ErrNotFound means that there is no such key.
func (q TenancyQueries) SetScopes(ctx context.Context, id string, scopes []string) (AccessKey, error) {
	const query = `
		UPDATE access_keys SET scopes = $2 WHERE id = $1
		RETURNING userpool_id, id, secret_sealed, scopes, created_at, disabled_at`
	return one[AccessKey](ctx, q.q, query, id, pq.StringArray(scopes))
}

// DisableAccessKey disables an access key; one that is disabled stays so since when it was. ErrNotFound means that there is
// no such key.
func (q TenancyQueries) DisableAccessKey(ctx context.Context, id string, now time.Time) (AccessKey, error) {
	const query = `
		UPDATE access_keys SET disabled_at = COALESCE(disabled_at, $2) WHERE id = $1
		RETURNING userpool_id, id, secret_sealed, scopes, created_at, disabled_at`
	return one[AccessKey](ctx, q.q, query, id, now)
}

// EnableAccessKey ends a DisableAccessKey. A key that is not disabled stays as it is.
func (q TenancyQueries) EnableAccessKey(ctx context.Context, id string) (AccessKey, error) {
	const query = `
		UPDATE access_keys SET disabled_at = NULL WHERE id = $1
		RETURNING userpool_id, id, secret_sealed, scopes, created_at, disabled_at`
	return one[AccessKey](ctx, q.q, query, id)
}
