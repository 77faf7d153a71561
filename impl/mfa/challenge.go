package mfa

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// amr is what a code proves (RFC 8176).
var amr = []string{"otp", "mfa"}

// Challenge evaluates the code of a user whose first factor was right. A user without a factor passes with nothing. spend
// belongs into the transaction that opens the session: there the code is used up, or turns out to be used already.
func (s *Service) Challenge(ctx context.Context, userpoolID, userID, code string) (proved []string, spend func(context.Context, db.Queries) error, err error) {
	f, err := s.store.MFA().FactorOf(ctx, userpoolID, userID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, func(context.Context, db.Queries) error { return nil }, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if code == "" {
		return nil, nil, ErrCodeRequired
	}
	step, err := s.evaluate(ctx, f, code)
	if err != nil {
		return nil, nil, err
	}
	return amr, func(ctx context.Context, q db.Queries) error {
		err := q.MFA().SpendStep(ctx, userpoolID, f.ID, step)
		if errors.Is(err, db.ErrNotFound) {
			return ErrCodeUsed
		}
		return err
	}, nil
}

// evaluate charges one try and returns the time step of a code that has not been used.
func (s *Service) evaluate(ctx context.Context, f db.Factor, code string) (int64, error) {
	now := s.clock.Now()
	charged, err := s.store.MFA().ChargeAttempt(ctx, f.UserpoolID, f.ID, s.Guessing, now)
	if errors.Is(err, db.ErrNotFound) {
		return 0, s.blocked(ctx, f, now)
	}
	if err != nil {
		return 0, err
	}
	g, err := s.factorGenerator(charged)
	if err != nil {
		return 0, err
	}
	step, ok, err := g.match(code, now, s.Skew)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return 0, s.refuse(ctx, f.UserpoolID, f.UserID, "mfa.verify", ErrCodeWrong)
	case step <= charged.LastStep: // right, but used: no guess (T6)
		if err := s.store.MFA().RefundAttempt(ctx, charged, s.Guessing); err != nil {
			return 0, err
		}
		return 0, s.refuse(ctx, f.UserpoolID, f.UserID, "mfa.replay", ErrCodeUsed)
	}
	return step, nil
}

// blocked says why a try was not even evaluated.
func (s *Service) blocked(ctx context.Context, f db.Factor, now time.Time) error {
	current, err := s.store.MFA().FactorOf(ctx, f.UserpoolID, f.UserID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return ErrCodeWrong // the factor was removed meanwhile
	case err != nil:
		return err
	case current.Failures >= s.Guessing.Disabled:
		return s.refuse(ctx, f.UserpoolID, f.UserID, "mfa.verify", ErrDisabled)
	}
	wait := time.Second
	if current.BlockedUntil != nil {
		wait = max(wait, current.BlockedUntil.Sub(now))
	}
	return ErrWait.WithRetryAfter(wait)
}
