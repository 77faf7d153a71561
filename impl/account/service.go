package account

import (
	"context"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/tenant"
)

// Settings of the service.
type Settings struct {
	Issuer        string        // of tokens, an absolute URL
	AccessTTL     time.Duration // of access and ID tokens
	SessionTTL    time.Duration // of sessions, and so of refresh tokens
	ManagementTTL time.Duration // of management tokens
	SignInTTL     time.Duration // of sign-ins that wait for a code of the authenticator
	RefreshGrace  time.Duration // a refresh token used again so soon is a race, later a theft
	SignatureSkew time.Duration // how far the date of a signed request may be off
	Region        string        // of phone numbers without a country code, ISO 3166-1 alpha-2
	ParallelHash  int           // argon2id computations at a time
	HashPatience  time.Duration // how long one waits for one of them

	SignInPerAccount limit.Rule // tries on one account from one address
	SignInOnAccount  limit.Rule // tries on one account from anywhere; a success clears it
	SignInFree       limit.Rule // tries on one account without an image captcha, where one can be sent; a success clears it
	SignInFreeIP     limit.Rule // and from one address
	SignInPerIP      limit.Rule
	RegisterPerIP    limit.Rule
	SecretPerIP      limit.Rule // wrong secrets of one application from one address

	AutoRegister tenant.Setting[bool] // a login with a code makes the account that the address does not have
}

// Captchas checks codes.
type Captchas interface {
	// CheckImage uses an image captcha up and tells whether the answer was right; without id and answer it refuses, and
	// says that one is needed.
	CheckImage(ctx context.Context, userpoolID, use, id, answer string) error
	// CheckSent evaluates a code that was sent. If it is right, spend uses it up, in the transaction that it allows.
	CheckSent(ctx context.Context, userpoolID string, c message.Channel, use, account, id, answer string) (spend func(context.Context, db.Queries) error, err error)
}

// Messages takes what people are to be told.
type Messages interface {
	// Ready tells whether there is a channel to send by.
	Ready(c message.Channel) bool
	// Post takes a message in a transaction; it is sent if that is committed.
	Post(ctx context.Context, q db.Queries, m message.Message) error
}

// Factors knows the authenticators of users.
type Factors interface {
	// Bound tells whether a user has an authenticator, in the transaction of q if it has one.
	Bound(ctx context.Context, q db.Queries, userpoolID, userID string) (bool, error)
	// Challenge evaluates the code of a user whose first factor was right. It returns how the user has proved itself by it, and
	// use, which runs an effect in the transaction that uses the code up, with the user's row locked.
	Challenge(ctx context.Context, userpoolID, userID string, code authn.Code) (amr []string, use db.Transaction, err error)
	// Import binds an authenticator that another system has made, in the transaction of q.
	Import(ctx context.Context, q db.Queries, userpoolID, userID, actor, secret, recoveryCode string) (isNew bool, err error)
}

// Hooks tells programs of the operator's about sign-ins.
type Hooks interface {
	// Before asks whether an attempt may lead to a session. It may take seconds: there must be no transaction.
	Before(ctx context.Context, a authn.Attempt) error
	// After tells of the session, if the transaction of q is committed.
	After(ctx context.Context, q db.Queries, a authn.Attempt, o authn.Opened) error
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
	messages Messages
	hooks    Hooks
	hasher   *hasher
}

// New returns the service.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l *limit.Limiter, captchas Captchas, factors Factors, m Messages, h Hooks) *Service {
	return &Service{s, store, ring, c, l, captchas, factors, m, h, newHasher(s.ParallelHash, s.HashPatience)}
}
