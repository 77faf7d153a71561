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

// Step is how long a TOTP code is shown.
const Step = 30 * time.Second

// Authenticator is a phone with an authenticator app. A person may have several; the one that Person itself has is enough
// for who has one.
type Authenticator struct {
	h      *Instance
	t      testing.TB
	ID     string // of the factor; empty until it is bound
	Name   string
	Secret string        // base32
	Ahead  time.Duration // by which its clock is fast; negative for slow
}

// Phone is a phone that has read a secret.
func (h *Instance) Phone(secret string) *Authenticator {
	return &Authenticator{h: h, t: h.t, Secret: secret}
}

// Phone is the phone that EnrolTOTP has used.
func (p *Person) Phone() *Authenticator { return p.h.Phone(p.Secret) }

// Code is what the phone shows now.
func (a *Authenticator) Code() string {
	a.t.Helper()
	code, err := TOTP(a.Secret, a.h.Clock.Now().Add(a.Ahead))
	a.h.must(err)
	return code
}

// NextCode moves the clock to the next code, which has not been used, and returns it.
func (a *Authenticator) NextCode() string {
	a.t.Helper()
	a.h.Clock.Advance(Step)
	return a.Code()
}

// WrongCodes are n codes that none of the secrets shows in the minutes around now, nor any other person's phone is likely
// to: each is another guess.
func (h *Instance) WrongCodes(n int, secrets ...string) (codes []string) {
	h.t.Helper()
	now, right := h.Clock.Now(), map[string]bool{}
	for _, secret := range secrets {
		for off := -8; off <= 8; off++ { // drift and skew, and some more
			code, err := TOTP(secret, now.Add(time.Duration(off)*Step))
			h.must(err)
			right[code] = true
		}
	}
	for guess := 0; len(codes) < n; guess++ {
		if code := fmt.Sprintf("%06d", guess); !right[code] {
			codes = append(codes, code)
		}
	}
	return codes
}

// ReadURI is what an authenticator app makes of a QR code: the label and the parameters of its URI.
func (h *Instance) ReadURI(text string) (label string, parameters url.Values) {
	h.t.Helper()
	uri, err := url.Parse(text)
	h.must(err)
	if uri.Scheme != "otpauth" || uri.Host != "totp" {
		h.t.Fatalf("not an otpauth URI of TOTP: %q", text)
	}
	return strings.TrimPrefix(uri.Path, "/"), uri.Query()
}

// AddPhone binds a further authenticator: the session shows a code of one that is bound, and the new one is scanned. The
// clock then stands in a step of which no code is used.
func (p *Person) AddPhone(name, code string) *Authenticator {
	p.t.Helper()
	p.StepUp(code)
	phone := p.h.Phone(p.Scan())
	phone.Name = name
	if r := p.Bind(phone.Code(), name); !OutcomeOf(r).Success() {
		p.t.Fatalf("bind %s: %s", name, r.Body)
	}
	for _, a := range p.MFAStatus().Authenticators {
		if a.Name == name {
			phone.ID = a.ID
		}
	}
	p.h.Clock.Advance(Step)
	return phone
}

// Bind confirms the waiting secret.
func (p *Person) Bind(code, name string) *gen.BindMFAResult {
	p.t.Helper()
	body := gen.MFABindRequest{Code: code}
	if name != "" {
		body.Name = &name
	}
	r, err := p.Client.BindMFAWithResponse(context.Background(), nil, body)
	p.h.must(err)
	return r
}

// StepUp shows a code in the session; the test ends if it is refused.
func (p *Person) StepUp(code string) {
	p.t.Helper()
	if r := p.TryStepUp(code); !OutcomeOf(r).Success() {
		p.t.Fatalf("step up: %s", r.Body)
	}
}

// TryStepUp shows a code in the session and returns the answer.
func (p *Person) TryStepUp(code string) *gen.VerifyMFAResult {
	p.t.Helper()
	r, err := p.Client.VerifyMFAWithResponse(context.Background(), nil, gen.MFACodeRequest{Code: code})
	p.h.must(err)
	return r
}

// Unbind removes an authenticator; the id may be empty.
func (p *Person) Unbind(id, code string) *gen.UnbindMFAResult {
	p.t.Helper()
	body := gen.MFAUnbindRequest{Code: code}
	if id != "" {
		body.ID = &id
	}
	r, err := p.Client.UnbindMFAWithResponse(context.Background(), nil, body)
	p.h.must(err)
	return r
}

// MFAStatus is what the person sees of its authenticators.
func (p *Person) MFAStatus() *gen.MFAStatus {
	p.t.Helper()
	r, err := p.Client.GetMFAStatusWithResponse(context.Background(), nil)
	p.h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		p.t.Fatalf("status: %s", r.Body)
	}
	return r.JSON200.Data
}

// RecoveryCodes makes recovery codes, with a code that was not used.
func (p *Person) RecoveryCodes(code string) []string {
	p.t.Helper()
	r, err := p.Client.MakeRecoveryCodesWithResponse(context.Background(), nil, gen.MFACodeRequest{Code: code})
	p.h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		p.t.Fatalf("recovery codes: %s", r.Body)
	}
	return r.JSON200.Data.Codes
}

// RequestFactor starts an enrolment in the status dialect.
func (p *Person) RequestFactor(name string) *gen.SendEnrollFactorRequestDataDto {
	p.t.Helper()
	body := gen.SendEnrollFactorRequestDto{FactorType: gen.FactorTypeOTP}
	if name != "" {
		body.Profile.Name = &name
	}
	r, err := p.Client.SendEnrollFactorRequestWithResponse(context.Background(), body)
	p.h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.OTPData == nil {
		p.t.Fatalf("enrolment request: %s", r.Body)
	}
	return r.JSON200.Data
}

// EnrollFactor confirms an enrolment in the status dialect.
func (p *Person) EnrollFactor(token, code string) *gen.EnrollFactorResult {
	p.t.Helper()
	body := gen.EnrollFactorDto{FactorType: gen.FactorTypeOTP, EnrollmentToken: token}
	body.EnrollmentData.PassCode = &code
	r, err := p.Client.EnrollFactorWithResponse(context.Background(), body)
	p.h.must(err)
	return r
}
