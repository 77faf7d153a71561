package mfa

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

// Imported is an authenticator that another system has made.
type Imported struct {
	Key          otpauth.Key
	Name         string
	LastStep     int64  // newest time step that was used; 0 for unknown
	Drift        int    // time steps
	RecoveryCode string // one that the user has; empty for none
	Beside       bool   // add it to others that the user may have
}

// Import binds an authenticator of six digits, 30 seconds and SHA-1 by its secret in base32.
func (s *Service) Import(ctx context.Context, q db.Queries, userpoolID, userID, actor, secret, recoveryCode string) (isNew bool, err error) {
	seed, err := otpauth.ParseSecret(secret)
	if err != nil {
		return false, ErrSecret
	}
	return s.ImportKey(ctx, q, userpoolID, userID, actor, Imported{
		Key: otpauth.Key{Secret: seed, Algorithm: "SHA1", Digits: 6, Period: period}, RecoveryCode: recoveryCode,
	})
}

// ImportKey binds an authenticator that another system has made. One that the user has already stays as it is, so that an
// import can be repeated, and is not new; if it is disabled, that is ErrDisabled. A user who has another is ErrHasAnother
// unless it is to be added beside that: what guards an account is not replaced in passing.
func (s *Service) ImportKey(ctx context.Context, q db.Queries, userpoolID, userID, actor string, i Imported) (isNew bool, err error) {
	if err := i.Key.Check(); err != nil {
		return false, ErrSecret
	}
	plain := plainRecoveryCode(i.RecoveryCode)
	var recoveryHash []byte
	if i.RecoveryCode != "" {
		if !isStrong(plain) {
			return false, ErrWeakRecoveryCode
		}
		recoveryHash = s.recoveryHash(userpoolID, userID, plain)
	}
	if err := q.Accounts().Hold(ctx, userpoolID, userID); err != nil {
		return false, err
	}
	factors, err := q.MFA().FactorsOf(ctx, userpoolID, userID)
	if err != nil {
		return false, err
	}
	for _, f := range factors {
		g, err := s.factorGenerator(f)
		if err != nil && !errors.Is(err, keyring.ErrSealed) { // one that cannot be opened is another
			return false, err
		}
		switch same := sameSecret(otpauth.FormatSecret(i.Key.Secret), g.secret); {
		case same && s.state(f) == Disabled:
			return false, ErrDisabled
		case same:
			return false, nil
		}
	}
	switch {
	case len(factors) > 0 && !i.Beside:
		return false, ErrHasAnother
	case len(factors) >= MaxFactors:
		return false, ErrTooMany
	}
	g := generator{i.Key.Secret, i.Key.Algorithm, i.Key.Digits, i.Key.Period}
	err = s.insert(ctx, q, db.Factor{
		UserpoolID: userpoolID, UserID: userID, Name: freeName(tidyName(i.Name), factors),
		LastStep: min(max(i.LastStep, 0), g.step(s.clock.Now())), // a later one would lock the user out until then
		Drift:    min(max(i.Drift, -maxDrift), maxDrift),
	}, g, recoveryHash)
	if err != nil {
		return false, err
	}
	return true, s.audit(ctx, q, userpoolID, userID, actor, "otp.secret.import", audit.Success)
}

// Exported is an authenticator on its way to another system.
type Exported struct {
	FactorID, UserID string
	Err              error // why its secret cannot be opened; the rest is empty then
	Imported
}

// exportBatch is how many factors are read at a time.
const exportBatch = 500

// Export calls yield with every authenticator of a userpool, disabled ones left out. Each is in the audit log by then.
func (s *Service) Export(ctx context.Context, userpoolID, actor string, yield func(Exported) error) error {
	after := ""
	for {
		factors, err := s.store.MFA().FactorsAfter(ctx, userpoolID, after, exportBatch)
		if err != nil || len(factors) == 0 {
			return err
		}
		after = factors[len(factors)-1].ID
		if err := s.noteExport(ctx, actor, factors); err != nil {
			return err
		}
		for _, f := range factors {
			if s.state(f) == Disabled {
				continue
			}
			e := Exported{FactorID: f.ID, UserID: f.UserID}
			g, err := s.factorGenerator(f)
			switch {
			case errors.Is(err, keyring.ErrSealed):
				e.Err = err
			case err != nil:
				return err
			default:
				e.Imported = Imported{Key: g.key("", ""), Name: f.Name, LastStep: f.LastStep, Drift: f.Drift}
			}
			if err := yield(e); err != nil {
				return err
			}
		}
	}
}

func (s *Service) noteExport(ctx context.Context, actor string, factors []db.Factor) error {
	return s.store.InTx(ctx, func(q db.Queries) error {
		for _, f := range factors {
			if err := s.audit(ctx, q, f.UserpoolID, f.UserID, actor, "otp.secret.export", audit.Success); err != nil {
				return err
			}
		}
		return nil
	})
}
