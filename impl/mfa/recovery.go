package mfa

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// T14. A code has 96 bit, in six groups of four hexadecimal digits, as the V3 API writes them. Tries are not counted: 64 bit
// and more cannot be guessed at a door (NIST SP 800-63B-4 section 3.1.2.2), and counting them would only let somebody else keep
// the user out.
const (
	recoveryCodes    = 10
	recoveryCodeSize = 12 // bytes
	// What another system has made may have other letters.
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

// isStrong tells whether a plain code of another system has about 64 bit: 16 hexadecimal digits have, of decimal ones it takes
// 20, and random ones are not all the same.
func isStrong(plain string) bool {
	different := map[rune]bool{}
	for _, r := range plain {
		different[r] = true
	}
	onlyDigits := !strings.ContainsFunc(plain, func(r rune) bool { return r > '9' })
	return isRecoveryCode(plain) && len(different) >= 6 && (!onlyDigits || len(plain) >= 20)
}

func (s *Service) recoveryHash(userpoolID, userID, plain string) []byte {
	return s.ring.MAC("mfa_recovery_codes", userpoolID, userID, plain)
}

// verifyRecoveryCode looks for the code among the user's.
func (s *Service) verifyRecoveryCode(ctx context.Context, userpoolID, userID, plain string) (db.Transaction, error) {
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
	return s.useUp(userpoolID, userID, ErrRecoveryCodeUsed, func(ctx context.Context, q db.Queries) error {
		if err := q.Recovery().Spend(ctx, userpoolID, userID, hash, s.clock.Now()); err != nil {
			return err
		}
		return s.changed(ctx, q, userpoolID, userID, audit.User(userID), "mfa.recovery", message.RecoveryCodeUsed)
	}), nil
}

// MakeRecoveryCodes replaces the caller's recovery codes. It needs a code that has not been used (T14).
func (s *Service) MakeRecoveryCodes(ctx context.Context, u authn.User, code string) ([]string, error) {
	use, err := s.verify(ctx, u.UserpoolID, u.ID, authn.Code{Text: code})
	if err != nil {
		return nil, err
	}
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		codes[i] = newRecoveryCode()
		hashes[i] = s.recoveryHash(u.UserpoolID, u.ID, plainRecoveryCode(codes[i]))
	}
	err = use(ctx, func(q db.Queries) error {
		if _, err := s.lock(ctx, q, u); err != nil {
			return err
		}
		if err := q.Recovery().Forget(ctx, u.UserpoolID, u.ID); err != nil {
			return err
		}
		if err := q.Recovery().Add(ctx, u.UserpoolID, u.ID, hashes, nil, s.clock.Now()); err != nil {
			return err
		}
		return s.changed(ctx, q, u.UserpoolID, u.ID, audit.User(u.ID), "mfa.recovery_codes", message.RecoveryCodesMade)
	})
	return codes, err
}

// RecoveryCodesLeft is how many recovery codes the user has not used.
func (s *Service) RecoveryCodesLeft(ctx context.Context, u authn.User) (int, error) {
	return s.store.Recovery().Left(ctx, u.UserpoolID, u.ID)
}
