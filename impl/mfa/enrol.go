package mfa

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/otpauth"
	"github.com/menshen-auth/menshen/impl/internal/picture"
	"github.com/menshen-auth/menshen/impl/internal/qr"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Enrolment is a secret that waits for its first code.
type Enrolment struct {
	Secret  string // base32
	URI     string // what the picture says
	Picture string // QR code, a PNG as a data URI
	// Token confirms it, and RecoveryCode is good from then on. Both are empty where the session is all that is needed.
	Token, RecoveryCode string
}

// Enrol starts binding an authenticator. Within the session it shows the same secret again for as long as that waits, so
// that a page that asks twice does not void the picture that was scanned; another session gets another secret.
func (s *Service) Enrol(ctx context.Context, u authn.User) (Enrolment, error) {
	var (
		pending, made db.PendingFactor
		person        db.User
	)
	err := s.store.InTx(ctx, func(q db.Queries) (err error) {
		if made, person, err = s.newPending(ctx, q, u); err != nil {
			return err
		}
		waiting, err := q.MFA().Pending(ctx, u.UserpoolID, u.ID)
		switch {
		case err == nil && s.stillWaits(waiting, made):
			pending = waiting
			return nil
		case err != nil && !errors.Is(err, db.ErrNotFound):
			return err
		}
		pending = made
		return q.MFA().PutPending(ctx, made)
	})
	if err != nil {
		return Enrolment{}, err
	}
	return s.show(ctx, person, pending)
}

// stillWaits tells whether a secret is the session's own that would be made again.
func (s *Service) stillWaits(waiting, made db.PendingFactor) bool {
	return waiting.SessionID == made.SessionID && waiting.SteppedUp == made.SteppedUp && waiting.TokenHash == nil &&
		waiting.ExpiresAt.After(s.clock.Now()) && waiting.Attempts < s.BindAttempts
}

// Request starts binding an authenticator of the given name, anew each time: the token that confirms it, and the recovery
// code that becomes good with it, are shown once.
func (s *Service) Request(ctx context.Context, u authn.User, name string) (Enrolment, error) {
	var (
		pending db.PendingFactor
		person  db.User
	)
	token, code := secret.Token(), newRecoveryCode()
	err := s.store.InTx(ctx, func(q db.Queries) (err error) {
		if pending, person, err = s.newPending(ctx, q, u); err != nil {
			return err
		}
		pending.Name, pending.TokenHash = name, s.tokenHash(token)
		pending.RecoveryHash = s.recoveryHash(u.UserpoolID, u.ID, plainRecoveryCode(code))
		return q.MFA().PutPending(ctx, pending)
	})
	if err != nil {
		return Enrolment{}, err
	}
	shown, err := s.show(ctx, person, pending)
	shown.Token, shown.RecoveryCode = token, code
	return shown, err
}

func (s *Service) tokenHash(token string) []byte { return s.ring.MAC("mfa_pending", token) }

// newPending is a new secret for a user who may bind an authenticator, and whose row it locks and returns. Who has one must
// have shown a code of it.
func (s *Service) newPending(ctx context.Context, q db.Queries, u authn.User) (p db.PendingFactor, person db.User, err error) {
	now := s.clock.Now()
	if u, person, err = s.hold(ctx, q, u); err != nil {
		return p, person, err
	}
	factors, err := q.MFA().FactorsOf(ctx, u.UserpoolID, u.ID)
	if err == nil && len(factors) == 0 {
		err = u.Fresh(now)
	}
	if err == nil {
		err = mayAdd(factors, u.SteppedUp(now))
	}
	if err != nil {
		return p, person, err
	}
	return db.PendingFactor{
		UserpoolID: u.UserpoolID, UserID: u.ID, ID: secret.ID(), SessionID: u.SessionID,
		SecretSealed: s.ring.Seal(secret.Bytes(secretSize), pendingAAD(u.UserpoolID, u.ID)...),
		Algorithm:    s.Algorithm, Digits: s.Digits, Period: period,
		SteppedUp: len(factors) > 0, ExpiresAt: now.Add(s.PendingTTL),
	}, person, nil
}

// mayAdd tells whether another factor may be added to those that a user has.
func mayAdd(factors []db.Factor, steppedUp bool) error {
	switch {
	case len(factors) > 0 && !steppedUp:
		return ErrBound
	case len(factors) >= MaxFactors:
		return ErrTooMany
	}
	return nil
}

func (s *Service) show(ctx context.Context, person db.User, p db.PendingFactor) (Enrolment, error) {
	g, err := s.pendingGenerator(p)
	if err != nil {
		return Enrolment{}, err
	}
	issuer, account, err := s.people.Label(ctx, person)
	if err != nil {
		return Enrolment{}, err
	}
	uri := g.key(issuer, account).String()
	png, err := qr.PNG(uri)
	return Enrolment{Secret: otpauth.FormatSecret(g.secret), URI: uri, Picture: picture.DataURI(png)}, err
}

// Confirmation is what makes a waiting secret a factor.
type Confirmation struct {
	Code   string // of the app
	Token  string // of Request; empty for Enrol
	Secret string // what the client takes for the secret; empty if it does not say
	Name   string // of the authenticator; empty for the one that it was requested with, or a default
}

// Confirm makes the waiting secret one of the user's factors, and spends the time step of the code (T4, T11).
func (s *Service) Confirm(ctx context.Context, u authn.User, c Confirmation) error {
	now := s.clock.Now()
	var tokenHash []byte
	if c.Token != "" {
		tokenHash = s.tokenHash(c.Token)
	}
	pending, err := s.store.MFA().ChargePending(ctx, u.UserpoolID, u.ID, u.SessionID, tokenHash, s.BindAttempts, now)
	if errors.Is(err, db.ErrNotFound) {
		return ErrNothingWaits
	}
	if err != nil {
		return err
	}
	g, err := s.pendingGenerator(pending)
	if err != nil {
		return err
	}
	if c.Secret != "" && !sameSecret(c.Secret, g.secret) {
		return ErrSecretMismatch
	}
	step, ok, err := g.match(c.Code, now, s.Skew, 0)
	if err != nil {
		return err
	}
	if !ok {
		return s.refuse(ctx, u.UserpoolID, u.ID, "mfa.bind", ErrCodeWrong)
	}
	if c.Name == "" {
		c.Name = pending.Name
	}
	return s.store.InTx(ctx, func(q db.Queries) error { return s.bind(ctx, q, u, pending, g, step, c.Name) })
}

// bind is the end of an enrolment, under the lock of the user's row. It looks again at what the user has by now: a secret
// that was asked for before the first authenticator was bound does not make a second one. The session has shown a code by
// it.
func (s *Service) bind(ctx context.Context, q db.Queries, u authn.User, pending db.PendingFactor, g generator, step int64, name string) error {
	u, err := s.lock(ctx, q, u)
	if err != nil {
		return err
	}
	err = q.MFA().ConsumePending(ctx, u.UserpoolID, u.ID, pending.ID)
	if errors.Is(err, db.ErrNotFound) {
		return ErrNothingWaits
	}
	if err != nil {
		return err
	}
	factors, err := q.MFA().FactorsOf(ctx, u.UserpoolID, u.ID)
	if err == nil {
		err = mayAdd(factors, pending.SteppedUp)
	}
	if err != nil {
		return err
	}
	if name = tidyName(name); name == "" {
		name = freeName("", factors)
	}
	err = s.insert(ctx, q, db.Factor{
		UserpoolID: u.UserpoolID, UserID: u.ID, Name: name, LastStep: step, Drift: g.drift(0, step, s.clock.Now(), s.Skew),
	}, g, pending.RecoveryHash)
	if err != nil {
		return err
	}
	if err := s.stepUp(ctx, q, u); err != nil {
		return err
	}
	return s.changed(ctx, q, u.UserpoolID, u.ID, audit.User(u.ID), "mfa.bind", message.FactorBound)
}

// insert adds a factor, with the recovery code that goes with it if there is one. The user's row is locked.
func (s *Service) insert(ctx context.Context, q db.Queries, f db.Factor, g generator, recoveryHash []byte) error {
	f.ID, f.CreatedAt = secret.ID(), s.clock.Now()
	f.Algorithm, f.Digits, f.Period = g.algorithm, g.digits, g.period
	f.SecretSealed = s.ring.Seal(g.secret, factorAAD(f.UserpoolID, f.UserID, f.ID)...)
	err := q.MFA().InsertFactor(ctx, f)
	if db.Duplicate(err, db.MFAFactorsName) {
		return ErrName
	}
	if err != nil || recoveryHash == nil {
		return err
	}
	return q.Recovery().Add(ctx, f.UserpoolID, f.UserID, [][]byte{recoveryHash}, &f.ID, f.CreatedAt)
}

// maxName is the longest name of an authenticator, in characters.
const maxName = 64

// tidyName leaves nothing in a name that a person would not see.
func tidyName(name string) string {
	visible := strings.Map(func(r rune) rune {
		unseen := unicode.IsControl(r) && !unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Noncharacter_Code_Point)
		if unseen {
			return -1
		}
		return r
	}, name)
	return cutName(norm.NFC.String(strings.Join(strings.Fields(visible), " ")), maxName)
}

func cutName(name string, length int) string {
	runes := []rune(name)
	return strings.TrimSpace(string(runes[:min(len(runes), length)]))
}

// freeName is a name that none of the factors has: the wanted one, or the default for none, with a number where it is taken.
func freeName(wanted string, factors []db.Factor) string {
	taken := map[string]bool{}
	for _, f := range factors {
		taken[f.Name] = true
	}
	wanted = cmp.Or(wanted, defaultName)
	name := wanted
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s %d", cutName(wanted, maxName-len(" 999")), n)
	}
	return name
}

const defaultName = "Authenticator"

// sameSecret compares what a person may have copied, with spaces and in lower case.
func sameSecret(claimed string, want []byte) bool {
	given, err := otpauth.ParseSecret(claimed)
	return err == nil && subtle.ConstantTimeCompare(given, want) == 1
}
