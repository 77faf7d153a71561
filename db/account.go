package db

import (
	"context"
	"time"

	"github.com/lib/pq"
)

// User is an account. Absent identifiers are nil, so that the unique indexes do not see them.
type User struct {
	UserpoolID    string     `db:"userpool_id"`
	ID            string     `db:"id"`
	Username      *string    `db:"username"`
	UsernameKey   *string    `db:"username_key"`
	Email         *string    `db:"email"`
	EmailKey      *string    `db:"email_key"`
	EmailVerified bool       `db:"email_verified"`
	Phone         *string    `db:"phone"`
	PhoneVerified bool       `db:"phone_verified"`
	ExternalID    *string    `db:"external_id"`
	PasswordHash  *string    `db:"password_hash"`
	Status        string     `db:"status"`
	Source        string     `db:"source"`
	Gender        string     `db:"gender"`
	Profile       Members    `db:"profile"`
	CustomData    JSON       `db:"custom_data"`
	LoginsCount   int        `db:"logins_count"`
	LastLoginAt   *time.Time `db:"last_login_at"`
	LastIP        *string    `db:"last_ip"`
	CreatedAt     time.Time  `db:"created_at"`
	UpdatedAt     time.Time  `db:"updated_at"`
}

// UserStatusActivated is the status of a user who may sign in; the others may not.
const UserStatusActivated = "Activated"

// Unique indexes of users and identities, as ErrDuplicate names them.
const (
	UsersUsername   = "users_username"
	UsersEmail      = "users_email"
	UsersPhone      = "users_phone"
	UsersExternalID = "users_external_id"

	IdentitiesIdentity     = "identities_identity"
	IdentitiesSyncRelation = "identities_sync_relation"
)

// Identity is a user's account at an external identity source.
type Identity struct {
	UserpoolID    string         `db:"userpool_id"`
	ID            string         `db:"id"`
	UserID        string         `db:"user_id"`
	ExtIdpID      string         `db:"ext_idp_id"`
	Provider      string         `db:"provider"`
	Type          string         `db:"type"` // what UserIDInIdp is
	UserIDInIdp   string         `db:"user_id_in_idp"`
	UserInfo      JSON           `db:"user_info"`       // what the source says of the user
	OriginConnIDs pq.StringArray `db:"origin_conn_ids"` // connections by which the user came; nil is none
	CreatedAt     time.Time      `db:"created_at"`
}

// AccountQueries are about users and their identities.
type AccountQueries struct{ q Queries }

// Accounts returns the statements about users and their identities.
func (q Queries) Accounts() AccountQueries { return AccountQueries{q} }

const userColumns = `
	u.userpool_id, u.id, u.username, u.username_key, u.email, u.email_key, u.email_verified, u.phone, u.phone_verified,
	u.external_id, u.password_hash, u.status, u.source, u.gender, u.profile, u.custom_data, u.logins_count,
	u.last_login_at, u.last_ip, u.created_at, u.updated_at`

// InsertUser adds a user. An identifier that another user of the userpool has is ErrDuplicate.
func (q AccountQueries) InsertUser(ctx context.Context, u User) error {
	const query = `
		INSERT INTO users (userpool_id, id, username, username_key, email, email_key, email_verified, phone, phone_verified,
			external_id, password_hash, status, source, gender, profile, custom_data, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)`
	return q.q.change(ctx, query, u.UserpoolID, u.ID, u.Username, u.UsernameKey, u.Email, u.EmailKey, u.EmailVerified,
		u.Phone, u.PhoneVerified, u.ExternalID, u.PasswordHash, u.Status, u.Source, u.Gender, u.Profile, u.CustomData,
		u.CreatedAt)
}

const insertIdentity = `
	INSERT INTO identities (userpool_id, id, user_id, ext_idp_id, provider, type, user_id_in_idp, user_info, origin_conn_ids, created_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, COALESCE($9::text[], '{}'), $10)`

// values are the parameters of insertIdentity.
func (i Identity) values() []any {
	return []any{
		i.UserpoolID, i.ID, i.UserID, i.ExtIdpID, i.Provider, i.Type, i.UserIDInIdp, i.UserInfo, i.OriginConnIDs, i.CreatedAt,
	}
}

// InsertIdentity adds an external identity. One that another user of the userpool has is ErrDuplicate.
func (q AccountQueries) InsertIdentity(ctx context.Context, i Identity) error {
	return q.q.change(ctx, insertIdentity, i.values()...)
}

// BindIdentity adds an external identity, and waits for whoever is adding the same one. ErrNotFound means that it is there, with
// this user or another; the transaction goes on.
func (q AccountQueries) BindIdentity(ctx context.Context, i Identity) error {
	return q.q.change(ctx, insertIdentity+` ON CONFLICT DO NOTHING`, i.values()...)
}

// DiscardUser removes a user that the same transaction has added, with its identities.
func (q AccountQueries) DiscardUser(ctx context.Context, userpoolID, id string) error {
	const query = `DELETE FROM users WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, userpoolID, id)
}

// Identities returns the external identities of a user, oldest first.
func (q AccountQueries) Identities(ctx context.Context, userpoolID, userID string) ([]Identity, error) {
	const query = `
		SELECT userpool_id, id, user_id, ext_idp_id, provider, type, user_id_in_idp, user_info, origin_conn_ids, created_at
		FROM identities WHERE userpool_id = $1 AND user_id = $2 ORDER BY created_at, id`
	return many[Identity](ctx, q.q, query, userpoolID, userID)
}

// UserByID finds a user by Menshen's own id.
func (q AccountQueries) UserByID(ctx context.Context, userpoolID, id string) (User, error) {
	const query = `SELECT ` + userColumns + ` FROM users u WHERE u.userpool_id = $1 AND u.id = $2`
	return q.user(ctx, query, userpoolID, id)
}

// UserByUsername finds a user by the comparison key of the user name.
func (q AccountQueries) UserByUsername(ctx context.Context, userpoolID, key string) (User, error) {
	const query = `SELECT ` + userColumns + ` FROM users u WHERE u.userpool_id = $1 AND u.username_key = $2`
	return q.user(ctx, query, userpoolID, key)
}

// UserByEmail finds a user by the comparison key of the e-mail address.
func (q AccountQueries) UserByEmail(ctx context.Context, userpoolID, key string) (User, error) {
	const query = `SELECT ` + userColumns + ` FROM users u WHERE u.userpool_id = $1 AND u.email_key = $2`
	return q.user(ctx, query, userpoolID, key)
}

// UserByPhone finds a user by the phone number in E.164.
func (q AccountQueries) UserByPhone(ctx context.Context, userpoolID, phone string) (User, error) {
	const query = `SELECT ` + userColumns + ` FROM users u WHERE u.userpool_id = $1 AND u.phone = $2`
	return q.user(ctx, query, userpoolID, phone)
}

// UserByExternalID finds a user by the id in the customer's own system.
func (q AccountQueries) UserByExternalID(ctx context.Context, userpoolID, externalID string) (User, error) {
	const query = `SELECT ` + userColumns + ` FROM users u WHERE u.userpool_id = $1 AND u.external_id = $2`
	return q.user(ctx, query, userpoolID, externalID)
}

// UserByIdentity finds a user by identity source and the id there.
func (q AccountQueries) UserByIdentity(ctx context.Context, userpoolID, extIdpID, userIDInIdp string) (User, error) {
	const query = `
		SELECT ` + userColumns + `
		FROM identities i JOIN users u ON u.userpool_id = i.userpool_id AND u.id = i.user_id
		WHERE i.userpool_id = $1 AND i.ext_idp_id = $2 AND i.user_id_in_idp = $3`
	return q.user(ctx, query, userpoolID, extIdpID, userIDInIdp)
}

// UserBySyncRelation finds a user by the kind of identity source and the id there.
func (q AccountQueries) UserBySyncRelation(ctx context.Context, userpoolID, provider, userIDInIdp string) (User, error) {
	const query = `
		SELECT ` + userColumns + `
		FROM identities i JOIN users u ON u.userpool_id = i.userpool_id AND u.id = i.user_id
		WHERE i.userpool_id = $1 AND i.provider = $2 AND i.user_id_in_idp = $3`
	return q.user(ctx, query, userpoolID, provider, userIDInIdp)
}

func (q AccountQueries) user(ctx context.Context, query string, args ...any) (User, error) {
	return one[User](ctx, q.q, query, args...)
}

// NoteLogin counts a login of a user who may sign in, and returns the user. ErrNotFound means that the user may not, or no
// longer.
func (q AccountQueries) NoteLogin(ctx context.Context, userpoolID, id, ip string, now time.Time) (User, error) {
	const query = `
		UPDATE users u SET logins_count = logins_count + 1, last_login_at = $4, last_ip = $3
		WHERE userpool_id = $1 AND id = $2 AND status = 'Activated'
		RETURNING ` + userColumns
	return q.user(ctx, query, userpoolID, id, ip, now)
}

// MergeCustomData adds the members of data to the user's custom data, replacing those of the same name. ErrNotFound
// means that the result would be longer than maxBytes as JSON text.
func (q AccountQueries) MergeCustomData(ctx context.Context, userpoolID, id string, data JSON, maxBytes int, now time.Time) error {
	const query = `
		UPDATE users SET custom_data = custom_data || $3, updated_at = $5
		WHERE userpool_id = $1 AND id = $2 AND octet_length((custom_data || $3)::text) <= $4`
	return q.q.change(ctx, query, userpoolID, id, data, maxBytes, now)
}

// Lock returns a user who may sign in, and keeps everybody else from changing the user until the transaction ends.
func (q AccountQueries) Lock(ctx context.Context, userpoolID, id string) (User, error) {
	const query = `
		SELECT ` + userColumns + ` FROM users u
		WHERE u.userpool_id = $1 AND u.id = $2 AND u.status = 'Activated' FOR NO KEY UPDATE`
	return q.user(ctx, query, userpoolID, id)
}

// Hold keeps everybody else from changing a user, who may be disabled, until the transaction ends.
func (q AccountQueries) Hold(ctx context.Context, userpoolID, id string) error {
	const query = `SELECT id FROM users WHERE userpool_id = $1 AND id = $2 FOR NO KEY UPDATE`
	_, err := one[string](ctx, q.q, query, userpoolID, id)
	return err
}

// SetPassword replaces the password of a user.
func (q AccountQueries) SetPassword(ctx context.Context, userpoolID, id, hash string, now time.Time) error {
	const query = `UPDATE users SET password_hash = $3, updated_at = $4 WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, userpoolID, id, hash, now)
}

// VerifyEmail notes that the user has proved the e-mail address. ErrNotFound means that the user no longer has it.
func (q AccountQueries) VerifyEmail(ctx context.Context, userpoolID, id, key string) error {
	const query = `UPDATE users SET email_verified = true WHERE userpool_id = $1 AND id = $2 AND email_key = $3`
	return q.q.change(ctx, query, userpoolID, id, key)
}

// VerifyPhone notes that the user has proved the phone number. ErrNotFound means that the user no longer has it.
func (q AccountQueries) VerifyPhone(ctx context.Context, userpoolID, id, phone string) error {
	const query = `UPDATE users SET phone_verified = true WHERE userpool_id = $1 AND id = $2 AND phone = $3`
	return q.q.change(ctx, query, userpoolID, id, phone)
}

// SetEmail makes an e-mail address, which the user has proved, the user's own. One of another user is ErrDuplicate.
func (q AccountQueries) SetEmail(ctx context.Context, userpoolID, id, email, key string, now time.Time) error {
	const query = `
		UPDATE users SET email = $3, email_key = $4, email_verified = true, updated_at = $5
		WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, userpoolID, id, email, key, now)
}

// SetPhone makes a phone number (E.164), which the user has proved, the user's own. One of another user is ErrDuplicate.
func (q AccountQueries) SetPhone(ctx context.Context, userpoolID, id, phone string, now time.Time) error {
	const query = `
		UPDATE users SET phone = $3, phone_verified = true, updated_at = $4
		WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, userpoolID, id, phone, now)
}

// EmailByKey returns the e-mail address of the user who has it, by its comparison key, and nothing else of the user.
func (q AccountQueries) EmailByKey(ctx context.Context, userpoolID, key string) (string, error) {
	const query = `SELECT email FROM users WHERE userpool_id = $1 AND email_key = $2 AND status = 'Activated'`
	return one[string](ctx, q.q, query, userpoolID, key)
}

// PhoneByKey tells whether a user has the phone number (E.164), by returning it.
func (q AccountQueries) PhoneByKey(ctx context.Context, userpoolID, phone string) (string, error) {
	const query = `SELECT phone FROM users WHERE userpool_id = $1 AND phone = $2 AND status = 'Activated'`
	return one[string](ctx, q.q, query, userpoolID, phone)
}
