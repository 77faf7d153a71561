// Package r0 is the reference that Menshen is measured against: each job as the shortest program would do it, with the same
// libraries on the same PostgreSQL. A bare net/http handler, with no router, authentication, validation, audit or limit;
// statements are not prepared, pictures are the libraries' own. It is no service: it keeps one user, and guards nothing.
package r0

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver
	"github.com/mojocn/base64Captcha"
	"github.com/pquerna/otp/totp"
)

// Paths of the jobs.
const (
	Constant  = "/constant"  // nothing at all
	Enrolment = "/enrolment" // an authenticator's secret, sealed and stored, with its QR code of 256 pixels
	Captcha   = "/captcha"   // six digits in a picture of 240 x 80 pixels, and their answer stored
	Create    = "/qr"        // one INSERT
	Status    = "/status"    // one SELECT
	Secret    = "/secret"    // one SELECT, and a secret unsealed
)

// connections is the pool, open and idle.
const connections = 16

type reference struct {
	db   *sqlx.DB
	aead cipher.AEAD
}

// Handler makes its tables in the database at url, and returns what answers the jobs.
func Handler(url string) (http.Handler, error) {
	db, err := sqlx.Connect("postgres", url)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	block, err := aes.NewCipher(random(32))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	s := &reference{db, aead}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	return s, nil
}

// prepare makes the tables, with what the reading jobs read.
func (s *reference) prepare() error {
	const tables = `
		DROP TABLE IF EXISTS secrets, captchas, qrcodes;
		CREATE TABLE secrets (user_id text, sealed bytea NOT NULL);
		CREATE INDEX ON secrets (user_id);
		CREATE TABLE captchas (id text PRIMARY KEY, answer text NOT NULL, expires_at timestamptz NOT NULL);
		CREATE TABLE qrcodes (id text PRIMARY KEY, state text NOT NULL, expires_at timestamptz NOT NULL)`
	if _, err := s.db.Exec(tables); err != nil {
		return err
	}
	if _, err := s.db.Exec(`INSERT INTO secrets (user_id, sealed) VALUES ('alice', $1)`, s.seal("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")); err != nil {
		return err
	}
	_, err := s.db.Exec(`INSERT INTO qrcodes (id, state, expires_at) VALUES ('known', 'PENDING', now())`)
	return err
}

// ServeHTTP implements http.Handler.
func (s *reference) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var (
		answer any
		err    error
	)
	switch r.URL.Path {
	case Constant:
		answer = "ok"
	case Enrolment:
		answer, err = s.enrolment()
	case Captcha:
		answer, err = s.captcha()
	case Create:
		answer, err = s.create()
	case Status:
		answer, err = s.status()
	case Secret:
		answer, err = s.secret()
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *reference) enrolment() (any, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Menshen", AccountName: "alice"})
	if err != nil {
		return nil, err
	}
	if _, err := s.db.Exec(`INSERT INTO secrets (user_id, sealed) VALUES ($1, $2)`, name(), s.seal(key.Secret())); err != nil {
		return nil, err
	}
	image, err := key.Image(256, 256)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, image); err != nil {
		return nil, err
	}
	return map[string]string{"secret": key.Secret(), "qrcode": "data:image/png;base64," + base64.StdEncoding.EncodeToString(out.Bytes())}, nil
}

var digits = base64Captcha.NewDriverDigit(80, 240, 6, 0.7, 80)

func (s *reference) captcha() (any, error) {
	id, question, text := digits.GenerateIdQuestionAnswer()
	item, err := digits.DrawCaptcha(question)
	if err != nil {
		return nil, err
	}
	_, err = s.db.Exec(`INSERT INTO captchas (id, answer, expires_at) VALUES ($1, $2, $3)`, id, text, time.Now().Add(3*time.Minute))
	return map[string]string{"id": id, "url": item.EncodeB64string()}, err
}

func (s *reference) create() (any, error) {
	id := name()
	_, err := s.db.Exec(`INSERT INTO qrcodes (id, state, expires_at) VALUES ($1, 'PENDING', $2)`, id, time.Now().Add(2*time.Minute))
	return map[string]string{"id": id}, err
}

func (s *reference) status() (any, error) {
	var row struct {
		State     string    `db:"state"`
		ExpiresAt time.Time `db:"expires_at"`
	}
	err := s.db.Get(&row, `SELECT state, expires_at FROM qrcodes WHERE id = $1`, "known")
	return map[string]string{"status": row.State}, err
}

func (s *reference) secret() (any, error) {
	var sealed []byte
	if err := s.db.Get(&sealed, `SELECT sealed FROM secrets WHERE user_id = $1`, "alice"); err != nil {
		return nil, err
	}
	plain, err := s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], nil)
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	return map[string]string{"secret": string(plain)}, nil
}

func (s *reference) seal(plain string) []byte {
	nonce := random(s.aead.NonceSize())
	return s.aead.Seal(nonce, nonce, []byte(plain), nil)
}

func name() string { return base64.RawURLEncoding.EncodeToString(random(16)) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
