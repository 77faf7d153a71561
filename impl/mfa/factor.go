package mfa

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// State of an authenticator.
type State string

// The states. The values are those of the contract.
const (
	Active   State = "active"
	Waiting  State = "waiting"  // after too many wrong codes, for a while
	Disabled State = "disabled" // after far too many, for good
)

// Factor is a bound authenticator as its user sees it.
type Factor struct {
	ID, Name    string
	State       State
	ClockOffset time.Duration // of its device, as far as is known; negative for slow
	CreatedAt   time.Time
	LastUsedAt  *time.Time
}

// Factors returns the authenticators of a user, oldest first.
func (s *Service) Factors(ctx context.Context, u authn.User) ([]Factor, error) {
	rows, err := s.store.MFA().FactorsOf(ctx, u.UserpoolID, u.ID)
	if err != nil {
		return nil, err
	}
	factors := make([]Factor, len(rows))
	for i, f := range rows {
		factors[i] = Factor{
			ID: f.ID, Name: f.Name, State: s.state(f), ClockOffset: time.Duration(f.Drift*f.Period) * time.Second,
			CreatedAt: f.CreatedAt, LastUsedAt: f.LastUsedAt,
		}
	}
	return factors, nil
}

func (s *Service) state(f db.Factor) State {
	switch {
	case f.Failures >= s.Guessing.Disabled:
		return Disabled
	case f.BlockedUntil != nil && f.BlockedUntil.After(s.clock.Now()):
		return Waiting
	}
	return Active
}

// Factor returns one of the user's authenticators; ErrFactor if the user has no such.
func (s *Service) Factor(ctx context.Context, u authn.User, id string) (Factor, error) {
	factors, err := s.Factors(ctx, u)
	for _, f := range factors {
		if f.ID == id {
			return f, nil
		}
	}
	if err == nil {
		err = ErrFactor
	}
	return Factor{}, err
}

// MayEnrol tells whether the user has room for another authenticator.
func (s *Service) MayEnrol(ctx context.Context, u authn.User) (bool, error) {
	factors, err := s.store.MFA().FactorsOf(ctx, u.UserpoolID, u.ID)
	return len(factors) < MaxFactors, err
}

// Unbind removes one of the user's authenticators, with a code that has not been used. The id may be empty for a user who
// has one only; otherwise that is ErrWhich.
func (s *Service) Unbind(ctx context.Context, u authn.User, id, code string) error {
	if id == "" {
		factors, err := s.store.MFA().FactorsOf(ctx, u.UserpoolID, u.ID)
		switch {
		case err != nil:
			return err
		case len(factors) == 0:
			return ErrNotBound
		case len(factors) > 1:
			return ErrWhich
		}
		id = factors[0].ID
	}
	use, err := s.verify(ctx, u.UserpoolID, u.ID, code)
	if err != nil {
		return err
	}
	return s.remove(ctx, u, id, use)
}

// Reset removes one of the user's authenticators for a session that has shown a code a short while ago.
func (s *Service) Reset(ctx context.Context, u authn.User, id string) error {
	if !u.SteppedUp(s.clock.Now()) {
		return s.refuse(ctx, u.UserpoolID, u.ID, "mfa.unbind", ErrStepUp)
	}
	return s.remove(ctx, u, id, func(context.Context, db.Queries) error { return nil })
}

func (s *Service) remove(ctx context.Context, u authn.User, id string, use spend) error {
	return s.store.InTx(ctx, func(q db.Queries) error {
		if err := s.lock(ctx, q, u); err != nil {
			return err
		}
		if err := use(ctx, q); err != nil {
			return err
		}
		err := q.MFA().DeleteFactor(ctx, u.UserpoolID, u.ID, id)
		if errors.Is(err, db.ErrNotFound) {
			return ErrFactor
		}
		if err != nil {
			return err
		}
		return s.removed(ctx, q, u.UserpoolID, u.ID, audit.User(u.ID))
	})
}

// removed ends what a user without authenticator has no use for.
func (s *Service) removed(ctx context.Context, q db.Queries, userpoolID, userID, actor string) error {
	bound, err := s.Bound(ctx, q, userpoolID, userID)
	if err != nil {
		return err
	}
	if !bound {
		if err := q.Recovery().Forget(ctx, userpoolID, userID); err != nil {
			return err
		}
	}
	err = audit.Write(ctx, q, s.clock.Now(), audit.Event{
		UserpoolID: userpoolID, Actor: actor, Action: "mfa.unbind", Target: audit.User(userID), Outcome: audit.Success,
	})
	if err != nil {
		return err
	}
	return s.people.Tell(ctx, q, userpoolID, userID, message.FactorRemoved)
}
