package mfa

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// T14. A code has 96 bit, in six groups of four hexadecimal digits, as the V3 API writes them.
const (
	recoveryCodes    = 10
	recoveryCodeSize = 12 // bytes
	// What another system has made may have other letters. From 16 on it has 64 bit, and is no TOTP code.
	minRecoveryCode, maxRecoveryCode = 16, 64
)

func newRecoveryCode() string {
	digits := hex.EncodeToString(secret.Bytes(recoveryCodeSize))
	var groups []string
	for ; digits != ""; digits = digits[4:] {
		groups = append(groups, digits[:4])
	}
	return strings.Join(groups, "-")
}

// plainRecoveryCode is the form in which recovery codes are compared: people leave hyphens out, and write capitals.
func plainRecoveryCode(code string) string {
	return strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
}

// isRecoveryCode tells whether a plain code may be one.
func isRecoveryCode(plain string) bool {
	if len(plain) < minRecoveryCode || len(plain) > maxRecoveryCode {
		return false
	}
	return !strings.ContainsFunc(plain, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') })
}

func (s *Service) recoveryHash(userpoolID, userID, plain string) []byte {
	return s.ring.MAC("mfa_recovery_codes", userpoolID, userID, plain)
}

// verifyRecoveryCode charges one try, and looks for the code among the user's.
func (s *Service) verifyRecoveryCode(ctx context.Context, userpoolID, userID, plain string) (spend, error) {
	err := s.limiter.TakeOf(ctx, s.RecoveryTries, userpoolID, userID)
	if limit.Refused(err) {
		return nil, ErrWait.WithRetryAfter(apierr.From(err).RetryAfter)
	}
	if err != nil {
		return nil, err
	}
	hash := s.recoveryHash(userpoolID, userID, plain)
	usedAt, err := s.store.Recovery().UsedAt(ctx, userpoolID, userID, hash)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil, s.refuse(ctx, userpoolID, userID, "mfa.recovery", ErrRecoveryCode)
	case err != nil:
		return nil, err
	case usedAt != nil:
		return nil, s.refuse(ctx, userpoolID, userID, "mfa.replay", ErrRecoveryCodeUsed)
	}
	return func(ctx context.Context, q db.Queries) error {
		err := q.Recovery().Spend(ctx, userpoolID, userID, hash, s.clock.Now())
		if errors.Is(err, db.ErrNotFound) {
			return ErrRecoveryCodeUsed
		}
		if err != nil {
			return err
		}
		if err := s.limiter.In(q).Clear(ctx, s.RecoveryTries, userpoolID, userID); err != nil {
			return err
		}
		return s.changed(ctx, q, userpoolID, userID, "mfa.recovery", message.RecoveryCodeUsed)
	}, nil
}

// MakeRecoveryCodes replaces the caller's recovery codes. It needs a code that has not been used (T14).
func (s *Service) MakeRecoveryCodes(ctx context.Context, u authn.User, code string) ([]string, error) {
	use, err := s.verify(ctx, u.UserpoolID, u.ID, code)
	if err != nil {
		return nil, err
	}
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		codes[i] = newRecoveryCode()
		hashes[i] = s.recoveryHash(u.UserpoolID, u.ID, plainRecoveryCode(codes[i]))
	}
	return codes, s.store.InTx(ctx, func(q db.Queries) error {
		if err := s.lock(ctx, q, u); err != nil {
			return err
		}
		if err := use(ctx, q); err != nil {
			return err
		}
		if err := q.Recovery().Forget(ctx, u.UserpoolID, u.ID); err != nil {
			return err
		}
		if err := q.Recovery().Add(ctx, u.UserpoolID, u.ID, hashes, s.clock.Now()); err != nil {
			return err
		}
		return s.changed(ctx, q, u.UserpoolID, u.ID, "mfa.recovery_codes", message.RecoveryCodesMade)
	})
}

// RecoveryCodesLeft is how many recovery codes the user has not used.
func (s *Service) RecoveryCodesLeft(ctx context.Context, u authn.User) (int, error) {
	return s.store.Recovery().Left(ctx, u.UserpoolID, u.ID)
}
