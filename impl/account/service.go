package account

import (
	"context"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
)

// Settings of the service.
type Settings struct {
	Issuer        string        // of tokens, an absolute URL
	AccessTTL     time.Duration // of access and ID tokens
	SessionTTL    time.Duration // of sessions, and so of refresh tokens
	ManagementTTL time.Duration // of management tokens
	RefreshGrace  time.Duration // a refresh token used again so soon is a race, later a theft
	SignatureSkew time.Duration // how far the date of a signed request may be off
	Region        string        // of phone numbers without a country code, ISO 3166-1 alpha-2
	ParallelHash  int           // argon2id computations at a time

	SignInPerAccount limit.Rule // tries on one account from one address
	SignInPerIP      limit.Rule
	RegisterPerIP    limit.Rule
}

// Captchas checks an image captcha, and uses it up.
type Captchas interface {
	CheckImage(ctx context.Context, userpoolID, use, id, answer string) error
}

// Factors asks users who have bound an authenticator for its code.
type Factors interface {
	// Challenge evaluates the code of a user, whose password was right. It returns how the user proved itself (nothing
	// without a factor) and what to run in the transaction that opens the session, so that the code is spent there.
	Challenge(ctx context.Context, userpoolID, userID, code string) (amr []string, spend func(context.Context, db.Queries) error, err error)
}

// Service is the rules about people and programs.
type Service struct {
	Settings
	store    *db.DB
	ring     *keyring.Ring
	clock    clock.Clock
	limiter  *limit.Limiter
	captchas Captchas
	factors  Factors
	hasher   *hasher
}

// New returns the service.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l *limit.Limiter, captchas Captchas, factors Factors) *Service {
	return &Service{s, store, ring, c, l, captchas, factors, newHasher(s.ParallelHash)}
}
