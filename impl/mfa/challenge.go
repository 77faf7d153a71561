package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// amr is what a code proves, also a recovery code, which is a one-time password as well (RFC 8176).
var amr = []string{"otp", "mfa"}

// Challenge evaluates a code of a user whose first factor was right: of one of its authenticators, or a recovery code. proved
// is what it shows. use runs the opening of the session in the transaction that uses the code up.
func (s *Service) Challenge(ctx context.Context, userpoolID, userID string, code authn.Code) (proved []string, use db.Transaction, err error) {
	use, err = s.verify(ctx, userpoolID, userID, code)
	return amr, use, err
}

// verify is the one place where codes are evaluated, whatever they are for.
func (s *Service) verify(ctx context.Context, userpoolID, userID string, code authn.Code) (db.Transaction, error) {
	plain := plainRecoveryCode(code.Text)
	switch {
	case code.Kind == authn.RecoveryCode, code.Kind == authn.AnyCode && isRecoveryCode(plain):
		return s.verifyRecoveryCode(ctx, userpoolID, userID, plain)
	}
	return s.verifyTOTP(ctx, userpoolID, userID, code.Text)
}

// verifyTOTP charges one try to each of the user's authenticators that may be tried, and evaluates the code on them.
func (s *Service) verifyTOTP(ctx context.Context, userpoolID, userID, code string) (db.Transaction, error) {
	now := s.clock.Now()
	charged, err := s.store.MFA().ChargeAttempts(ctx, userpoolID, userID, s.Guessing, now)
	if err != nil {
		return nil, err
	}
	if len(charged) == 0 {
		return nil, s.blocked(ctx, userpoolID, userID, now)
	}
	right, step, used, err := s.match(charged, code, now)
	switch {
	case err != nil:
		return nil, err
	case right == nil && !used:
		return nil, s.wrong(ctx, userpoolID, userID, charged)
	}
	for _, f := range charged { // a code of one is no guess at the others (T6)
		if right == nil || f.ID != right.ID {
			if err := s.refund(ctx, f); err != nil {
				return nil, err
			}
		}
	}
	if right == nil {
		return nil, s.refuse(ctx, userpoolID, userID, "mfa.replay", ErrCodeUsed)
	}
	return s.useStep(*right, step, now), nil
}

// aftermath is how long what follows a try may take when the request is over, such as taking a charge back.
const aftermath = 3 * time.Second

// refund takes a charge back of a try that was no guess (T6), also when nobody waits for the answer any more.
func (s *Service) refund(ctx context.Context, f db.Factor) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aftermath)
	defer cancel()
	return s.store.MFA().RefundAttempt(ctx, f, s.Guessing)
}

// match looks at all factors, so that the time it takes does not tell whose code it was. used says that the code was right
// for one of them, and had been used. A secret that cannot be opened does not keep the others from being tried.
func (s *Service) match(factors []db.Factor, code string, now time.Time) (right *db.Factor, step int64, used bool, err error) {
	var broken []error
	for _, f := range factors {
		g, err := s.factorGenerator(f)
		if errors.Is(err, keyring.ErrSealed) {
			broken = append(broken, fmt.Errorf("factor %s: %w", f.ID, err))
			continue
		}
		if err != nil {
			return nil, 0, false, err
		}
		at, ok, err := g.match(code, now, s.Skew, f.Drift)
		switch {
		case err != nil:
			return nil, 0, false, err
		case ok && at <= f.LastStep:
			used = true
		case ok:
			right, step = &f, at
		}
	}
	if len(broken) == len(factors) {
		return nil, 0, false, errors.Join(broken...)
	}
	return right, step, used, nil
}

// useStep uses the code of a step up (T4), and tells a person whose clock it shows to be off (T7). A right code that had no
// effect was no guess.
func (s *Service) useStep(f db.Factor, step int64, now time.Time) db.Transaction {
	drift := generator{period: f.Period}.drift(f.Drift, step, now, s.Skew)
	use := s.useUp(f.UserpoolID, f.UserID, ErrCodeUsed, func(ctx context.Context, q db.Queries) error {
		return q.MFA().SpendStep(ctx, f.UserpoolID, f.ID, step, drift, now)
	})
	return func(ctx context.Context, effect func(db.Queries) error) error {
		if err := use(ctx, effect); err != nil {
			return errors.Join(err, s.refund(ctx, f))
		}
		info := reqinfo.From(ctx)
		info.Hint = clockHint(drift*f.Period, info.Lang)
		return nil
	}
}

// useUp runs an effect in the transaction that spends a code, under the lock of the user's row. A spend that finds nothing is
// the refusal used: somebody else was first.
func (s *Service) useUp(userpoolID, userID string, used error, spend func(context.Context, db.Queries) error) db.Transaction {
	return func(ctx context.Context, effect func(db.Queries) error) error {
		err := s.store.InTx(ctx, func(q db.Queries) error {
			if err := q.Accounts().Hold(ctx, userpoolID, userID); err != nil {
				return err
			}
			if err := q.MFA().LockFactors(ctx, userpoolID, userID); err != nil {
				return err
			}
			err := spend(ctx, q)
			if errors.Is(err, db.ErrNotFound) {
				return used
			}
			if err != nil {
				return err
			}
			return effect(q)
		})
		var refusal *apierr.Error
		switch {
		case errors.Is(err, used):
			return s.refuse(ctx, userpoolID, userID, "mfa.replay", err)
		case errors.As(err, &refusal):
			return s.refuse(ctx, userpoolID, userID, "mfa.unused", err)
		}
		return err
	}
}

// clockHint says that a device's clock is off by so many seconds; nothing below a minute, which slow typing can be.
func clockHint(seconds int, l lang.Lang) string {
	switch {
	case seconds >= 60 && l == lang.Chinese:
		return fmt.Sprintf("您的身份验证器所在设备的时间快了约 %d 秒，请开启自动校时。", seconds)
	case seconds >= 60:
		return fmt.Sprintf("The clock of your authenticator's device is about %d seconds fast; let it set itself.", seconds)
	case seconds <= -60 && l == lang.Chinese:
		return fmt.Sprintf("您的身份验证器所在设备的时间慢了约 %d 秒，请开启自动校时。", -seconds)
	case seconds <= -60:
		return fmt.Sprintf("The clock of your authenticator's device is about %d seconds slow; let it set itself.", -seconds)
	}
	return ""
}

// wrong notes a wrong code, and that it has disabled a factor, of which the user is told.
func (s *Service) wrong(ctx context.Context, userpoolID, userID string, charged []db.Factor) error {
	for _, f := range charged {
		if f.Failures < s.Guessing.Disabled {
			continue
		}
		err := s.store.InTx(ctx, func(q db.Queries) error {
			return s.changed(ctx, q, userpoolID, userID, audit.System, "mfa.disable", message.FactorDisabled)
		})
		if err != nil {
			return err
		}
	}
	factors, err := s.store.MFA().FactorsOf(ctx, userpoolID, userID)
	if err != nil {
		return err
	}
	refusal := ErrCodeWrong
	if len(factors) > len(charged) { // whose code may be right
		refusal = ErrCodeWrong.WithDetail("another authenticator of yours was not asked, since it waits or is disabled")
	}
	return s.refuse(ctx, userpoolID, userID, "mfa.verify", refusal)
}

// blocked says why a code was not even evaluated.
func (s *Service) blocked(ctx context.Context, userpoolID, userID string, now time.Time) error {
	factors, err := s.store.MFA().FactorsOf(ctx, userpoolID, userID)
	if err != nil {
		return err
	}
	if len(factors) == 0 {
		return ErrNotBound
	}
	wait, disabled := time.Duration(0), true
	for _, f := range factors {
		if f.Failures >= s.Guessing.Disabled {
			continue
		}
		left := time.Second // it has just ended
		if f.BlockedUntil != nil {
			left = max(left, f.BlockedUntil.Sub(now))
		}
		if disabled || left < wait {
			wait, disabled = left, false
		}
	}
	if disabled {
		return s.refuse(ctx, userpoolID, userID, "mfa.verify", ErrDisabled)
	}
	return ErrWait.WithRetryAfter(wait)
}

// StepUp notes in the session that its user has shown a code.
func (s *Service) StepUp(ctx context.Context, u authn.User, code string) error {
	use, err := s.verify(ctx, u.UserpoolID, u.ID, authn.Code{Text: code})
	if err != nil {
		return err
	}
	return use(ctx, func(q db.Queries) error {
		if _, err := s.lock(ctx, q, u); err != nil {
			return err
		}
		if err := s.stepUp(ctx, q, u); err != nil {
			return err
		}
		return s.audit(ctx, q, u.UserpoolID, u.ID, audit.User(u.ID), "mfa.step_up", audit.Success)
	})
}
