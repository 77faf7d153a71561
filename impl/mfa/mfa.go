package mfa

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// Settings of the service.
type Settings struct {
	Algorithm    string        // of new secrets: SHA1, SHA256, SHA512 (T2)
	Digits       int           // of their codes: 6 to 8 (T2)
	Skew         int           // time steps accepted before and after the expected one (T3: 1, at most 2; 0 is the strict profile)
	PendingTTL   time.Duration // how long a secret waits (T11: 10 min)
	BindAttempts int           // wrong codes that void a waiting secret
	Guessing     db.Guessing   // T5
}

// MaxFactors is how many authenticators a user can have. Each is one more code that is right at a time, so it is small.
const MaxFactors = 5

// People knows the users.
type People interface {
	// Label is what an authenticator app shows beside its code.
	Label(ctx context.Context, u db.User) (issuer, account string, err error)
	// Tell sends a user a notice, in the transaction of what it is about.
	Tell(ctx context.Context, q db.Queries, userpoolID, userID string, t message.Template) error
}

// Service is the rules about authenticators.
type Service struct {
	Settings
	store  *db.DB
	ring   *keyring.Ring
	clock  clock.Clock
	people People
}

// New returns the service.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, p People) *Service {
	return &Service{s, store, ring, c, p}
}

// Bound tells whether a user has an authenticator, in the transaction of q if it has one. A disabled one counts: otherwise
// a hundred wrong codes would open the door that they failed to open.
func (s *Service) Bound(ctx context.Context, q db.Queries, userpoolID, userID string) (bool, error) {
	return q.MFA().HasFactor(ctx, userpoolID, userID)
}

// lock keeps everybody else from changing how the caller signs in until the transaction ends, provided that the session
// still lives, and returns what that has proved by now.
func (s *Service) lock(ctx context.Context, q db.Queries, u authn.User) (authn.User, error) {
	u, _, err := s.hold(ctx, q, u)
	return u, err
}

// hold is lock, and returns the row that it locks.
func (s *Service) hold(ctx context.Context, q db.Queries, u authn.User) (authn.User, db.User, error) {
	row, err := q.Accounts().Lock(ctx, u.UserpoolID, u.ID)
	if err == nil {
		var session db.Session
		session, err = q.Sessions().Live(ctx, u.UserpoolID, u.SessionID, s.clock.Now())
		u.AuthTime, u.MFAAt = session.AuthTime, session.MFAAt
	}
	if errors.Is(err, db.ErrNotFound) {
		err = authn.ErrUnauthenticated
	}
	return u, row, err
}

// stepUp notes in the caller's session that it has shown a code. The user's row is locked.
func (s *Service) stepUp(ctx context.Context, q db.Queries, u authn.User) error {
	err := q.Sessions().StepUp(ctx, u.UserpoolID, u.SessionID, amr, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) { // it was ended in between
		return authn.ErrUnauthenticated
	}
	return err
}

func pendingAAD(userpoolID, userID string) []string {
	return []string{"mfa_pending", userpoolID, userID}
}

func factorAAD(userpoolID, userID, factorID string) []string {
	return []string{"mfa_factors", userpoolID, userID, factorID}
}

func (s *Service) pendingGenerator(p db.PendingFactor) (generator, error) {
	seed, err := s.ring.Unseal(p.SecretSealed, pendingAAD(p.UserpoolID, p.UserID)...)
	return generator{seed, p.Algorithm, p.Digits, p.Period}, err
}

func (s *Service) factorGenerator(f db.Factor) (generator, error) {
	seed, err := s.ring.Unseal(f.SecretSealed, factorAAD(f.UserpoolID, f.UserID, f.ID)...)
	return generator{seed, f.Algorithm, f.Digits, f.Period}, err
}

// changed notes what was done about a user's factors, and tells the user.
func (s *Service) changed(ctx context.Context, q db.Queries, userpoolID, userID, actor, action string, t message.Template) error {
	if err := s.audit(ctx, q, userpoolID, userID, actor, action, audit.Success); err != nil {
		return err
	}
	return s.people.Tell(ctx, q, userpoolID, userID, t)
}

func (s *Service) audit(ctx context.Context, q db.Queries, userpoolID, userID, actor, action, outcome string) error {
	return audit.Write(ctx, q, s.clock.Now(), audit.Event{
		UserpoolID: userpoolID, Actor: actor, Action: action, Target: audit.User(userID), Outcome: outcome,
	})
}

// refuse notes a refusal in the audit log and returns it.
func (s *Service) refuse(ctx context.Context, userpoolID, userID, action string, refusal error) error {
	if err := s.audit(ctx, s.store.Queries, userpoolID, userID, audit.User(userID), action, audit.Refused); err != nil {
		return err
	}
	return refusal
}
