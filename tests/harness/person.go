package harness

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
)

// Password is the password of every person that SignUp makes.
const Password = "correct horse battery staple"

// Outcome codes of the base dialect.
const (
	BaseSuccess = int(gen.BaseCodeSuccess)
	BaseFailure = int(gen.BaseCodeFailure)
)

// Person is a user with an authenticator app and, after Login, a session.
type Person struct {
	h            *Instance
	t            testing.TB
	ID           string
	Username     string
	AccessToken  string
	RefreshToken string
	Secret       string // of the authenticator, base32; empty without one
	Client       *gen.ClientWithResponses
}

// SignUp registers a person and signs in.
func (h *Instance) SignUp(username string) *Person {
	h.t.Helper()
	r, err := h.Client.RegisterUserWithResponse(context.Background(), gen.RegisterUserJSONRequestBody{Username: username, Password: Password})
	h.must(err)
	if r.JSON200 == nil || r.JSON200.Base.Code != gen.BaseCodeSuccess {
		h.t.Fatalf("register %s: %s", username, r.Body)
	}
	return h.SignIn(username)
}

// SignIn signs in somebody who is registered, with Password and without an authenticator.
func (h *Instance) SignIn(username string) *Person {
	h.t.Helper()
	p := &Person{h: h, t: h.t, Username: username}
	p.Login("")
	return p
}

// TryLogin signs in with the code of the authenticator (empty for none) and returns the answer.
func (p *Person) TryLogin(code string) *gen.LoginUserResult {
	p.t.Helper()
	body := gen.LoginUserJSONRequestBody{Username: p.Username, Password: Password}
	if code != "" {
		body.Code = &code
	}
	r, err := p.h.Client.LoginUserWithResponse(context.Background(), body)
	p.h.must(err)
	return r
}

// Login signs in and keeps the tokens.
func (p *Person) Login(code string) {
	p.t.Helper()
	r := p.TryLogin(code)
	if r.JSON200 == nil || r.JSON200.Base.Code != gen.BaseCodeSuccess {
		p.t.Fatalf("login %s: %s", p.Username, r.Body)
	}
	p.ID = r.JSON200.Data.ID
	p.Adopt(r.HTTPResponse.Header.Get("Access-Token"), r.HTTPResponse.Header.Get("Refresh-Token"))
}

// Adopt makes tokens the person's, whatever the dialect.
func (p *Person) Adopt(access, refresh string) {
	p.AccessToken, p.RefreshToken = access, refresh
	p.Client = p.h.NewClient(Header("Access-Token", access), Header("Authorization", access))
}

// At is the same person at another process.
func (p *Person) At(h *Instance) *Person {
	other := *p
	other.h = h
	other.Adopt(p.AccessToken, p.RefreshToken)
	return &other
}

// EnrolTOTP scans the QR code and binds the authenticator. The clock then stands in the next time step, since the code
// that binds is spent.
func (p *Person) EnrolTOTP() *Person {
	p.t.Helper()
	p.Secret = p.Scan()
	r, err := p.Client.BindMFAWithResponse(context.Background(), nil, gen.BindMFAJSONRequestBody{Code: p.Code()})
	p.h.must(err)
	if r.JSON200 == nil || r.JSON200.Base.Code != gen.BaseCodeSuccess {
		p.t.Fatalf("bind: %s", r.Body)
	}
	p.h.Clock.Advance(30 * time.Second)
	return p
}

// Scan asks for the enrolment QR code and reads the secret from the picture.
func (p *Person) Scan() string {
	p.t.Helper()
	r, err := p.Client.GetMFAQRCodeWithResponse(context.Background(), nil)
	p.h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		p.t.Fatalf("enrolment QR code: %s", r.Body)
	}
	text := p.h.ReadQR(p.h.DataURI(r.JSON200.Data.Qrcode))
	uri, err := url.Parse(text)
	p.h.must(err)
	if !strings.HasPrefix(text, "otpauth://totp/") || uri.Query().Get("secret") != r.JSON200.Data.Secret {
		p.t.Fatalf("the QR code says %q, the secret is %q", text, r.JSON200.Data.Secret)
	}
	return r.JSON200.Data.Secret
}

// Code is what the authenticator shows now.
func (p *Person) Code() string {
	p.t.Helper()
	code, err := TOTP(p.Secret, p.h.Clock.Now())
	p.h.must(err)
	return code
}

// WrongCode is a code that the authenticator shows neither now nor in a step before or after.
func (p *Person) WrongCode() string {
	p.t.Helper()
	now, right := p.h.Clock.Now(), map[string]bool{}
	for _, at := range []time.Duration{-60, -30, 0, 30, 60} {
		code, err := TOTP(p.Secret, now.Add(at*time.Second))
		p.h.must(err)
		right[code] = true
	}
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); !right[code] {
			return code
		}
	}
}
