package mfa

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/picture"
	"github.com/menshen-auth/menshen/impl/internal/qr"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Settings of the service.
type Settings struct {
	Skew         int           // time steps accepted before and after the current one (T3: 1, at most 2)
	PendingTTL   time.Duration // how long a secret waits (T11: 10 min)
	BindAttempts int           // wrong codes that void a waiting secret
	Guessing     db.Guessing   // T5
}

// Labels says what an authenticator app shows beside its code.
type Labels interface {
	Label(ctx context.Context, userpoolID, userID string) (issuer, account string, err error)
}

// Service is the rules about authenticators.
type Service struct {
	Settings
	store  *db.DB
	ring   *keyring.Ring
	clock  clock.Clock
	labels Labels
}

// New returns the service. Labels are needed for enrolment only.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l Labels) *Service {
	return &Service{s, store, ring, c, l}
}

// Enrolment is a secret that waits for its first code.
type Enrolment struct {
	Secret  string // base32
	Picture string // QR code, a PNG as a data URI
}

// Enrol starts binding an authenticator. Within the session it shows the same secret again for as long as that waits, so
// that a page that asks twice does not void the picture that was scanned; another session gets another secret.
func (s *Service) Enrol(ctx context.Context, u authn.User) (Enrolment, error) {
	now := s.clock.Now()
	pending, err := s.store.MFA().KeepPending(ctx, db.PendingFactor{
		UserpoolID: u.UserpoolID, UserID: u.ID, SessionID: u.SessionID,
		SecretSealed: s.ring.Seal(secret.Bytes(secretSize), pendingAAD(u.UserpoolID, u.ID)...),
		ExpiresAt:    now.Add(s.PendingTTL),
	}, s.BindAttempts, now)
	if errors.Is(err, db.ErrNotFound) {
		return Enrolment{}, ErrBound
	}
	if err != nil {
		return Enrolment{}, err
	}
	g, err := s.pendingGenerator(pending)
	if err != nil {
		return Enrolment{}, err
	}
	issuer, account, err := s.labels.Label(ctx, u.UserpoolID, u.ID)
	if err != nil {
		return Enrolment{}, err
	}
	png, err := qr.PNG(g.uri(issuer, account))
	return Enrolment{Secret: encoding.EncodeToString(g.secret), Picture: picture.DataURI(png)}, err
}

func pendingAAD(userpoolID, userID string) []string {
	return []string{"mfa_pending", userpoolID, userID}
}

func factorAAD(userpoolID, userID, factorID string) []string {
	return []string{"mfa_factors", userpoolID, userID, factorID}
}

func (s *Service) pendingGenerator(p db.PendingFactor) (generator, error) {
	seed, err := s.ring.Unseal(p.SecretSealed, pendingAAD(p.UserpoolID, p.UserID)...)
	return generator{seed, algorithm, digits, period}, err
}

// Bind makes the waiting secret the user's factor. claimed, if not empty, must be that secret.
func (s *Service) Bind(ctx context.Context, u authn.User, code, claimed string) error {
	now := s.clock.Now()
	pending, err := s.store.MFA().ChargePending(ctx, u.UserpoolID, u.ID, s.BindAttempts, now)
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
	if claimed != "" && !sameSecret(claimed, g.secret) {
		return ErrSecretMismatch
	}
	step, ok, err := g.match(code, now, s.Skew)
	if err != nil {
		return err
	}
	if !ok {
		return s.refuse(ctx, u.UserpoolID, u.ID, "mfa.bind", ErrCodeWrong)
	}
	return s.store.InTx(ctx, func(q db.Queries) error {
		err := q.MFA().ConsumePending(ctx, u.UserpoolID, u.ID, pending.SecretSealed)
		if errors.Is(err, db.ErrNotFound) {
			return ErrNothingWaits
		}
		if err != nil {
			return err
		}
		id := secret.ID()
		err = q.MFA().InsertFactor(ctx, db.Factor{
			UserpoolID: u.UserpoolID, ID: id, UserID: u.ID, Algorithm: g.algorithm, Digits: g.digits, Period: g.period,
			SecretSealed: s.ring.Seal(g.secret, factorAAD(u.UserpoolID, u.ID, id)...),
			LastStep:     step, CreatedAt: now,
		})
		if db.Duplicate(err, db.MFAFactorsUser) {
			return ErrBound
		}
		if err != nil {
			return err
		}
		return s.audit(ctx, q, u.UserpoolID, u.ID, "mfa.bind", audit.Success)
	})
}

// sameSecret compares what a person may have copied, with spaces and in lower case.
func sameSecret(claimed string, want []byte) bool {
	claimed = strings.TrimRight(strings.ToUpper(strings.ReplaceAll(claimed, " ", "")), "=")
	return subtle.ConstantTimeCompare([]byte(claimed), []byte(encoding.EncodeToString(want))) == 1
}

// Secret returns the secret of a user's factor in base32; without a factor, ErrNotBound.
func (s *Service) Secret(ctx context.Context, userpoolID, userID string) (string, error) {
	f, err := s.store.MFA().FactorOf(ctx, userpoolID, userID)
	if errors.Is(err, db.ErrNotFound) {
		return "", ErrNotBound
	}
	if err != nil {
		return "", err
	}
	g, err := s.factorGenerator(f)
	return encoding.EncodeToString(g.secret), err
}

func (s *Service) factorGenerator(f db.Factor) (generator, error) {
	seed, err := s.ring.Unseal(f.SecretSealed, factorAAD(f.UserpoolID, f.UserID, f.ID)...)
	return generator{seed, f.Algorithm, f.Digits, f.Period}, err
}

func (s *Service) audit(ctx context.Context, q db.Queries, userpoolID, userID, action, outcome string) error {
	return audit.Write(ctx, q, s.clock.Now(), audit.Event{
		UserpoolID: userpoolID, Actor: audit.User(userID), Action: action, Target: audit.User(userID), Outcome: outcome,
	})
}

// refuse notes a refusal in the audit log and returns it.
func (s *Service) refuse(ctx context.Context, userpoolID, userID, action string, refusal error) error {
	if err := s.audit(ctx, s.store.Queries, userpoolID, userID, action, audit.Refused); err != nil {
		return err
	}
	return refusal
}
