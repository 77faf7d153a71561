package fastpass

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// maxContext is the longest context, in bytes of JSON (Q8).
const maxContext = 4 << 10

// Settings of the service.
type Settings struct {
	TTL     time.Duration // Q7: 60 s
	PerUser limit.Rule

	TriesPerPass limit.Rule // redemptions of one fastpass that can be used
}

// Accounts is what a fastpass needs of the accounts.
type Accounts interface {
	// Vouches refuses for a session that has proved too little to open another.
	Vouches(ctx context.Context, q db.Queries, u authn.User) error
	// Screen asks the hooks of the application, outside of any transaction; what it returns goes into the grant.
	Screen(ctx context.Context, a authn.Attempt) (authn.Screened, error)
	Open(ctx context.Context, q db.Queries, g authn.Grant) (authn.Tokens, error)
	// Refused notes that Open has refused, and returns its error.
	Refused(ctx context.Context, userpoolID, userID string, err error) error
	Brief(ctx context.Context, userpoolID, userID string) (authn.Brief, error)
	CheckCustomData(data json.RawMessage) error
	MergeCustomData(ctx context.Context, q db.Queries, userpoolID, userID string, data json.RawMessage) error
	Userpool(ctx context.Context, id string) (db.Userpool, error)
	// ApplicationOf returns the application with the id, provided that it belongs to the userpool; without an id the default one.
	ApplicationOf(ctx context.Context, userpoolID, id string) (db.Application, error)
	// Tell sends a user a notice, in the transaction of what it is about.
	Tell(ctx context.Context, q db.Queries, userpoolID, userID string, t message.Template) error
}

// Service is the rules about fastpasses.
type Service struct {
	Settings
	store    *db.DB
	ring     *keyring.Ring
	clock    clock.Clock
	limiter  *limit.Limiter
	accounts Accounts
}

// New returns the service.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l *limit.Limiter, a Accounts) *Service {
	return &Service{s, store, ring, c, l, a}
}

// Wish is what the phone's session is to be like.
type Wish struct {
	Scope      string // empty for the default
	Context    json.RawMessage
	CustomData json.RawMessage // merged into the user's own when the phone signs in
}

// Created is a new fastpass, as the page shows it.
type Created struct {
	Code     string
	User     authn.Brief
	Userpool db.Userpool
}

// Create makes a fastpass for the signed-in user.
func (s *Service) Create(ctx context.Context, u authn.User, w Wish) (Created, error) {
	if err := s.limiter.Take(ctx, s.PerUser, u.UserpoolID, u.ID); err != nil {
		return Created{}, err
	}
	if err := s.accounts.Vouches(ctx, s.store.Queries, u); err != nil {
		return Created{}, err
	}
	if err := s.accounts.CheckCustomData(w.CustomData); err != nil {
		return Created{}, err
	}
	if len(w.Context) > maxContext {
		return Created{}, ErrContext
	}
	brief, err := s.accounts.Brief(ctx, u.UserpoolID, u.ID)
	if err != nil {
		return Created{}, err
	}
	pool, err := s.accounts.Userpool(ctx, u.UserpoolID)
	if err != nil {
		return Created{}, err
	}
	now, code := s.clock.Now(), secret.Token()
	return Created{Code: code, User: brief, Userpool: pool}, s.store.Fastpasses().Insert(ctx, db.Fastpass{
		UserpoolID: u.UserpoolID, ID: secret.ID(), CodeHash: s.hash(code), UserID: u.ID, SessionID: u.SessionID,
		Scope: w.Scope, Context: db.JSON(w.Context), CustomData: db.JSON(w.CustomData), CreatedAt: now, ExpiresAt: now.Add(s.TTL),
	})
}

func (s *Service) hash(code string) []byte { return s.ring.MAC("fastpasses", code) }

// Redeem uses a fastpass up and opens a session for the application with the id, or for the default one of its userpool. What
// cannot be redeemed, and not there, is ErrNotRedeemable, whatever the reason. The user is told (Q7).
func (s *Service) Redeem(ctx context.Context, userpoolID, appID, code string) (authn.Tokens, error) {
	pass, err := s.usable(ctx, code)
	if err != nil {
		return authn.Tokens{}, err
	}
	if userpoolID != "" && userpoolID != pass.UserpoolID {
		return authn.Tokens{}, ErrNotRedeemable
	}
	app, err := s.accounts.ApplicationOf(ctx, pass.UserpoolID, appID)
	var refusal *apierr.Error
	if errors.As(err, &refusal) && refusal.Kind == apierr.NotFound {
		err = ErrNotRedeemable
	}
	if err != nil {
		return authn.Tokens{}, s.accounts.Refused(ctx, pass.UserpoolID, pass.UserID, err)
	}
	if err := s.limiter.Take(ctx, s.TriesPerPass, pass.UserpoolID, pass.ID); err != nil {
		return authn.Tokens{}, err // hooks are asked for every try, and a denial does not use the fastpass up
	}
	screened, err := s.accounts.Screen(ctx, authn.Attempt{
		UserpoolID: pass.UserpoolID, AppID: app.ID, UserID: pass.UserID, Method: authn.MethodFastpass, Context: json.RawMessage(pass.Context),
	})
	if err != nil {
		return authn.Tokens{}, err
	}
	var tokens authn.Tokens
	err = s.store.InTx(ctx, func(q db.Queries) error {
		r, err := q.Fastpasses().Redeem(ctx, app.UserpoolID, pass.CodeHash, s.clock.Now())
		if errors.Is(err, db.ErrNotFound) {
			return ErrNotRedeemable
		}
		if err != nil {
			return err
		}
		if err := s.accounts.MergeCustomData(ctx, q, r.UserpoolID, r.UserID, json.RawMessage(r.CustomData)); err != nil {
			return err
		}
		tokens, err = s.accounts.Open(ctx, q, authn.Grant{
			UserpoolID: r.UserpoolID, UserID: r.UserID, AppID: app.ID, VouchedBy: r.SessionID, Scope: r.Scope,
			Screened: screened,
		})
		if err != nil {
			return err
		}
		return s.accounts.Tell(ctx, q, r.UserpoolID, r.UserID, message.FastpassUsed)
	})
	if err != nil {
		return authn.Tokens{}, s.accounts.Refused(ctx, pass.UserpoolID, pass.UserID, err)
	}
	return tokens, nil
}

// usable finds a fastpass that could be redeemed at this moment; any other is ErrNotRedeemable.
func (s *Service) usable(ctx context.Context, code string) (db.Fastpass, error) {
	pass, err := s.store.Fastpasses().ByHash(ctx, s.hash(code))
	if errors.Is(err, db.ErrNotFound) || err == nil && state(pass, s.clock.Now()) != Pending && state(pass, s.clock.Now()) != Scanned {
		err = ErrNotRedeemable
	}
	return pass, err
}
