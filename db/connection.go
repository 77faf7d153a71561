package db

import (
	"context"
	"time"
)

// Types of connections. The values are those of the contract.
const (
	WechatMiniprogram     = "WECHAT_MINIPROGRAM"
	WechatOfficialAccount = "WECHAT_OFFICIAL_ACCOUNT"
)

// Kinds of the secrets of a connection.
const (
	ConnectionAppSecret = "app_secret" // of the mini program or official account
	ConnectionPushToken = "push_token" // signs what WeChat pushes
	ConnectionAESKey    = "aes_key"    // encrypts it: EncodingAESKey as WeChat writes it
)

// Connection is an identity source of an application: a mini program or official account at WeChat. Its secrets are rows
// of their own.
type Connection struct {
	UserpoolID  string     `db:"userpool_id"`
	ID          string     `db:"id"`
	AppID       string     `db:"app_id"`
	Type        string     `db:"type"`
	Name        string     `db:"name"`
	WechatAppID string     `db:"wechat_app_id"`
	LogoURL     string     `db:"logo_url"`
	Page        string     `db:"page"`
	EnvVersion  string     `db:"env_version"`
	Lang        string     `db:"lang"`
	CreateUsers bool       `db:"create_users"`
	OneTap      bool       `db:"one_tap"` // of an official account: scanning is confirming
	CreatedAt   time.Time  `db:"created_at"`
	DisabledAt  *time.Time `db:"disabled_at"`
}

// ConnectionQueries are about identity-source connections.
type ConnectionQueries struct{ q Queries }

// Connections returns the statements about identity-source connections.
func (q Queries) Connections() ConnectionQueries { return ConnectionQueries{q} }

const connectionColumns = `
	userpool_id, id, app_id, type, name, wechat_app_id, logo_url, page, env_version, lang, create_users, created_at,
	disabled_at, one_tap`

// Insert adds a connection.
func (q ConnectionQueries) Insert(ctx context.Context, c Connection) error {
	const query = `
		INSERT INTO connections (` + connectionColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	return q.q.change(ctx, query, c.UserpoolID, c.ID, c.AppID, c.Type, c.Name, c.WechatAppID, c.LogoURL, c.Page,
		c.EnvVersion, c.Lang, c.CreateUsers, c.CreatedAt, c.DisabledAt, c.OneTap)
}

// Update replaces everything that can be set of a connection.
func (q ConnectionQueries) Update(ctx context.Context, c Connection) error {
	const query = `
		UPDATE connections SET name = $3, wechat_app_id = $4, logo_url = $5, page = $6, env_version = $7, lang = $8,
			create_users = $9, disabled_at = $10, one_tap = $11
		WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, c.UserpoolID, c.ID, c.Name, c.WechatAppID, c.LogoURL, c.Page, c.EnvVersion, c.Lang, c.CreateUsers,
		c.DisabledAt, c.OneTap)
}

// Delete removes a connection with its secrets.
func (q ConnectionQueries) Delete(ctx context.Context, userpoolID, id string) error {
	const query = `DELETE FROM connections WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, userpoolID, id)
}

// All returns every connection, disabled ones too, oldest first.
func (q ConnectionQueries) All(ctx context.Context) ([]Connection, error) {
	const query = `SELECT ` + connectionColumns + ` FROM connections ORDER BY created_at, id`
	return many[Connection](ctx, q.q, query)
}

// Lock returns a connection, disabled or not, and keeps others from changing it until the transaction ends.
func (q ConnectionQueries) Lock(ctx context.Context, id string) (Connection, error) {
	const query = `SELECT ` + connectionColumns + ` FROM connections WHERE id = $1 FOR NO KEY UPDATE`
	return one[Connection](ctx, q.q, query, id)
}

// Get returns a connection, disabled or not, by its id, which is unique over all userpools.
func (q ConnectionQueries) Get(ctx context.Context, id string) (Connection, error) {
	const query = `SELECT ` + connectionColumns + ` FROM connections WHERE id = $1`
	return one[Connection](ctx, q.q, query, id)
}

// First returns the oldest connection of an application and type that is not disabled.
func (q ConnectionQueries) First(ctx context.Context, userpoolID, appID, connectionType string) (Connection, error) {
	const query = `
		SELECT ` + connectionColumns + ` FROM connections
		WHERE userpool_id = $1 AND app_id = $2 AND type = $3 AND disabled_at IS NULL ORDER BY created_at, id LIMIT 1`
	return one[Connection](ctx, q.q, query, userpoolID, appID, connectionType)
}

// PutLogo sets the logo (PNG or JPEG) of a connection; nil for none.
func (q ConnectionQueries) PutLogo(ctx context.Context, userpoolID, id string, logo []byte) error {
	const query = `UPDATE connections SET logo = $3 WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, userpoolID, id, logo)
}

// Logo returns the logo (PNG or JPEG) of a connection; nil for none.
func (q ConnectionQueries) Logo(ctx context.Context, userpoolID, id string) ([]byte, error) {
	const query = `SELECT logo FROM connections WHERE userpool_id = $1 AND id = $2`
	return one[[]byte](ctx, q.q, query, userpoolID, id)
}

// PutSecret sets or replaces a secret of a connection.
func (q ConnectionQueries) PutSecret(ctx context.Context, userpoolID, connectionID, kind string, sealed []byte) error {
	const query = `
		INSERT INTO connection_secrets (userpool_id, connection_id, kind, secret_sealed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (userpool_id, connection_id, kind) DO UPDATE SET secret_sealed = EXCLUDED.secret_sealed`
	return q.q.change(ctx, query, userpoolID, connectionID, kind, sealed)
}

// RemoveSecret removes a secret of a connection, if it has it.
func (q ConnectionQueries) RemoveSecret(ctx context.Context, userpoolID, connectionID, kind string) error {
	const query = `DELETE FROM connection_secrets WHERE userpool_id = $1 AND connection_id = $2 AND kind = $3`
	_, err := q.q.exec(ctx, query, userpoolID, connectionID, kind)
	return err
}

// Secret returns a secret of a connection; ErrNotFound if it has none of the kind.
func (q ConnectionQueries) Secret(ctx context.Context, userpoolID, connectionID, kind string) ([]byte, error) {
	const query = `
		SELECT secret_sealed FROM connection_secrets WHERE userpool_id = $1 AND connection_id = $2 AND kind = $3`
	return one[[]byte](ctx, q.q, query, userpoolID, connectionID, kind)
}
