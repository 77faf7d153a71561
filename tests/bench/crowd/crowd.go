// Package crowd fills the database of a Menshen with people who can be used: everybody can sign in with Password, and the
// authenticators open. What there is of each, by number, package fill tells.
package crowd

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/menshen-auth/menshen/db/dbtest/fill"
)

// Password is everybody's.
const Password = "correct horse battery staple"

// ErrNotStarted means that there is nothing to fill yet.
var ErrNotStarted = errors.New("the database has no userpool yet; start `menshen serve` on it once")

// Fill fills the default userpool of the database at url, which `menshen serve` with that master key was started on before.
// filled hears of each table; nil for nobody.
func Fill(ctx context.Context, url string, masterKey []byte, amounts fill.Amounts, filled func(fill.Table)) error {
	conn, err := sql.Open("postgres", url)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = conn.Close() }()
	o := fill.Options{Amounts: amounts, PasswordHash: passwordHash(), Filled: filled}
	const query = `
		SELECT a.userpool_id, a.id FROM applications a JOIN userpools u ON u.id = a.userpool_id WHERE u.is_default AND a.is_default`
	err = conn.QueryRowContext(ctx, query).Scan(&o.UserpoolID, &o.AppID)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotStarted
	}
	if err != nil {
		return err
	}
	if o.Seal, err = sealer(ctx, conn, masterKey); err != nil {
		return err
	}
	return fill.Into(ctx, url, o)
}

// passwordHash is that of Password, as the service would store it (argon2id, PHC string format). One for all: to hash a million
// would take hours.
func passwordHash() string {
	const memory, rounds, threads = 19 * 1024, 2, 1
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(Password), salt, rounds, memory, threads, 32)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, rounds, threads, encode(salt), encode(key))
}
