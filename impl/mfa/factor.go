package mfa

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/otpauth"
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

// Secret returns the secret of a user's factor in base32: of several, the oldest that is not disabled. Without a factor it
// is ErrNotBound.
func (s *Service) Secret(ctx context.Context, userpoolID, userID string) (string, error) {
	factors, err := s.store.MFA().FactorsOf(ctx, userpoolID, userID)
	if err != nil {
		return "", err
	}
	if len(factors) == 0 {
		return "", ErrNotBound
	}
	chosen := factors[0]
	for _, f := range factors {
		if s.state(f) != Disabled {
			chosen = f
			break
		}
	}
	g, err := s.factorGenerator(chosen)
	return otpauth.FormatSecret(g.secret), err
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
	use, err := s.verify(ctx, u.UserpoolID, u.ID, authn.Code{Text: code})
	if err != nil {
		return err
	}
	return use(ctx, func(q db.Queries) error {
		if _, err := s.lock(ctx, q, u); err != nil {
			return err
		}
		return s.remove(ctx, q, u, id)
	})
}

// Reset removes one of the user's authenticators for a session that has shown a code a short while ago.
func (s *Service) Reset(ctx context.Context, u authn.User, id string) error {
	err := s.store.InTx(ctx, func(q db.Queries) error {
		u, err := s.lock(ctx, q, u)
		if err != nil {
			return err
		}
		if !u.SteppedUp(s.clock.Now()) {
			return ErrStepUp
		}
		return s.remove(ctx, q, u, id)
	})
	if errors.Is(err, ErrStepUp) {
		return s.refuse(ctx, u.UserpoolID, u.ID, "mfa.unbind", err)
	}
	return err
}

// remove removes one of the caller's authenticators. The user's row is locked.
func (s *Service) remove(ctx context.Context, q db.Queries, u authn.User, id string) error {
	err := q.MFA().DeleteFactor(ctx, u.UserpoolID, u.ID, id)
	if errors.Is(err, db.ErrNotFound) {
		return ErrFactor
	}
	if err != nil {
		return err
	}
	bound, err := s.Bound(ctx, q, u.UserpoolID, u.ID)
	if err != nil {
		return err
	}
	// What a code of it may have opened ends: another session may have shown one, and may have asked for a secret on the
	// strength of that. Only the caller's has just shown one of a factor that stays, if there is such.
	except := u.SessionID
	if !bound {
		except = ""
		if err := q.Recovery().Forget(ctx, u.UserpoolID, u.ID); err != nil {
			return err
		}
	}
	if err := q.Sessions().StepDown(ctx, u.UserpoolID, u.ID, except); err != nil {
		return err
	}
	if err := q.MFA().ForgetPending(ctx, u.UserpoolID, u.ID); err != nil {
		return err
	}
	return s.changed(ctx, q, u.UserpoolID, u.ID, audit.User(u.ID), "mfa.unbind", message.FactorRemoved)
}

// Remove takes all authenticators and recovery codes of a user away and ends all sessions, for an operator who has made sure
// who the user is. The user is told. ErrNotBound if there is nothing to remove.
func (s *Service) Remove(ctx context.Context, userpoolID, userID string) error {
	return s.store.InTx(ctx, func(q db.Queries) error {
		if err := q.Accounts().Hold(ctx, userpoolID, userID); err != nil {
			return err
		}
		if err := q.MFA().LockFactors(ctx, userpoolID, userID); err != nil {
			return err
		}
		factors, err := q.MFA().FactorsOf(ctx, userpoolID, userID)
		if err != nil {
			return err
		}
		if len(factors) == 0 {
			return ErrNotBound
		}
		for _, f := range factors {
			if err := q.MFA().DeleteFactor(ctx, userpoolID, userID, f.ID); err != nil {
				return err
			}
		}
		if err := q.Recovery().Forget(ctx, userpoolID, userID); err != nil {
			return err
		}
		if err := q.MFA().ForgetPending(ctx, userpoolID, userID); err != nil {
			return err
		}
		if err := q.Sessions().RevokeAll(ctx, userpoolID, userID, s.clock.Now()); err != nil {
			return err
		}
		return s.changed(ctx, q, userpoolID, userID, audit.Operator, "mfa.unbind", message.FactorRemoved)
	})
}
