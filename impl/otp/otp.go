package otp

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// Settings of the service.
type Settings struct {
	LookupsPerKey limit.Rule
}

// Users finds users. What idType and id do not name is a refusal of the kind NotFound; an id that cannot be of the type,
// one of the kind Invalid.
type Users interface {
	Find(ctx context.Context, userpoolID, idType, id string) (db.User, error)
	// Tell sends a user a notice, in the transaction of what it is about.
	Tell(ctx context.Context, q db.Queries, userpoolID, userID string, t message.Template) error
}

// Factors knows the authenticators.
type Factors interface {
	// Secret returns that of a user, in base32. A user without one is a refusal of the kind NotFound.
	Secret(ctx context.Context, userpoolID, userID string) (string, error)
	// Bound tells whether a user has one.
	Bound(ctx context.Context, q db.Queries, userpoolID, userID string) (bool, error)
	// Import gives a user one that another system has made, by its secret in base32; isNew is false for one that the user has
	// already. recoveryCode may be empty.
	Import(ctx context.Context, q db.Queries, userpoolID, userID, actor, secret, recoveryCode string) (isNew bool, err error)
}

// Service is the rules about handing out secrets.
type Service struct {
	Settings
	store   *db.DB
	clock   clock.Clock
	limiter *limit.Limiter
	users   Users
	factors Factors
}

// New returns the service.
func New(s Settings, store *db.DB, c clock.Clock, l *limit.Limiter, users Users, factors Factors) *Service {
	return &Service{s, store, c, l, users, factors}
}

// Lookup returns the secret of a user in base32. By then it is in the audit log, and charged to the access key: what is found,
// or is not, is nobody's before.
func (s *Service) Lookup(ctx context.Context, caller authn.Management, idType, id string) (string, error) {
	secret, userID, refusal := s.find(ctx, caller, idType, id)
	outcome := audit.Success
	if refusal != nil {
		outcome = audit.Refused
	}
	if errors.Is(refusal, db.ErrUnavailable) { // nothing was read, nor could be written
		return "", refusal
	}
	err := s.limiter.TakeWith(ctx, s.LookupsPerKey, caller.UserpoolID, caller.KeyID, func(charge *db.Charge) error {
		return audit.WriteCharged(ctx, s.store.Queries, s.clock.Now(), audit.Event{
			UserpoolID: caller.UserpoolID, Actor: audit.Key(caller.KeyID), Action: "otp.secret.read", Target: audit.User(userID),
			Outcome: outcome,
		}, charge)
	})
	switch {
	case err != nil:
		return "", err
	case isNotFound(refusal) && !caller.Has(authn.ScopeUserRead): // which of user and authenticator is missing is not its business
		return "", ErrNone
	case refusal != nil:
		return "", refusal
	}
	return secret, nil
}

// find returns the secret of a user, and the user's id as far as it is known.
func (s *Service) find(ctx context.Context, caller authn.Management, idType, id string) (secret, userID string, err error) {
	if err := caller.Need(authn.ScopeOTPSecretRead); err != nil {
		return "", "", err
	}
	u, err := s.users.Find(ctx, caller.UserpoolID, idType, id)
	if err != nil {
		return "", "", err
	}
	if secret, err = s.factors.Secret(ctx, caller.UserpoolID, u.ID); isNotFound(err) {
		err = ErrNotBound
	}
	return secret, u.ID, err
}

func isNotFound(err error) bool {
	var e *apierr.Error
	return errors.As(err, &e) && e.Kind == apierr.NotFound
}
