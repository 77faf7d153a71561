package e2e

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// publicKey reads a JSON Web Key (RFC 7518 section 6.3.1).
func publicKey(t *testing.T, key gen.JWK) *rsa.PublicKey {
	t.Helper()
	n := must(base64.RawURLEncoding.DecodeString(key.N))(t)
	e := must(base64.RawURLEncoding.DecodeString(key.E))(t)
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
}

// publicPEM is the key as a careless library would take it for an HMAC secret.
func publicPEM(t *testing.T, key gen.JWK) []byte {
	t.Helper()
	der := must(x509.MarshalPKIXPublicKey(publicKey(t, key)))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// ownKey is a key that the service does not know.
func ownKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	return must(rsa.GenerateKey(rand.Reader, 2048))(t)
}

// basic is a client editor for HTTP Basic.
func basic(id, secret string) gen.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.SetBasicAuth(id, secret)
		return nil
	}
}

// secondPool adds a userpool with an application, as the first start would on another database. Nobody knows the
// application's secret.
func secondPool(t *testing.T, h *harness.Instance) (userpoolID, appID string) {
	t.Helper()
	pool := db.Userpool{ID: "second-userpool", Name: "Second", CreatedAt: h.Clock.Now()}
	app := db.Application{UserpoolID: pool.ID, ID: "second-application", Name: "Second", SecretHash: []byte("nobody's"), IsDefault: true, CreatedAt: h.Clock.Now()}
	err := h.Store.InTx(t.Context(), func(q db.Queries) error {
		return errors.Join(q.Tenancy().InsertUserpool(t.Context(), pool), q.Tenancy().InsertApplication(t.Context(), app))
	})
	if err != nil {
		t.Fatal(err)
	}
	return pool.ID, app.ID
}
