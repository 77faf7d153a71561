package account

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// Credentials are what somebody types into a login form.
type Credentials struct {
	Type     IDType // of Account
	Account  string
	Password string
	Code     string // of the authenticator; empty where the door has no field for it
}

// Wish is what the session is to be like.
type Wish struct {
	Scope      string          // empty for the default
	CustomData json.RawMessage // merged into the user's own
}

// SignIn checks credentials and opens a session for the application. Every wrong pair of account and password is
// ErrCredentials, in the same time; that a user is disabled or has an authenticator is told to who knows the password.
func (s *Service) SignIn(ctx context.Context, app db.Application, c Credentials, w Wish) (db.User, authn.Tokens, error) {
	if err := s.CheckCustomData(w.CustomData); err != nil {
		return db.User{}, authn.Tokens{}, err
	}
	if err := s.limitSignIn(ctx, app.UserpoolID, c); err != nil {
		return db.User{}, authn.Tokens{}, err
	}
	u, err := s.authenticate(ctx, app.UserpoolID, c)
	if err != nil {
		return u, authn.Tokens{}, err
	}
	amr, spend, err := s.factors.Challenge(ctx, u.UserpoolID, u.ID, c.Code)
	if err != nil {
		return u, authn.Tokens{}, s.refuse(ctx, u.UserpoolID, u.ID, err)
	}
	grant := authn.Grant{
		UserpoolID: u.UserpoolID, UserID: u.ID, AppID: app.ID, Scope: w.Scope, AMR: append([]string{"pwd"}, amr...),
	}
	var tokens authn.Tokens
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if err := spend(ctx, q); err != nil {
			return err
		}
		if err := s.MergeCustomData(ctx, q, u.UserpoolID, u.ID, w.CustomData); err != nil {
			return err
		}
		tokens, err = s.Open(ctx, q, grant)
		return err
	})
	return u, tokens, err
}

// Captcha is the answer to an image captcha.
type Captcha struct{ ID, Answer string }

// useLogin is the use that a captcha for a login was made for, as the contract names it.
const useLogin = "login"

// SignInWithCaptcha is SignIn behind an image captcha, which the try uses up, whatever becomes of it. The session cannot
// be renewed: the dialect has no field for a refresh token.
func (s *Service) SignInWithCaptcha(ctx context.Context, app db.Application, c Credentials, answer Captcha) (db.User, authn.Tokens, error) {
	if err := s.captchas.CheckImage(ctx, app.UserpoolID, useLogin, answer.ID, answer.Answer); err != nil {
		return db.User{}, authn.Tokens{}, s.refuse(ctx, app.UserpoolID, "", err)
	}
	return s.SignIn(ctx, app, c, Wish{Scope: "openid profile"})
}

func (s *Service) limitSignIn(ctx context.Context, userpoolID string, c Credentials) error {
	account, err := s.normalID(c.Type, c.Account)
	if err != nil {
		account = "" // nobody's; all such tries count together
	}
	ip := limit.IPKey(reqinfo.From(ctx).IP)
	if err := s.limiter.Take(ctx, s.SignInPerIP, userpoolID, ip); err != nil {
		return err
	}
	// Hashed: people type their password into the field of the name.
	key := ip + "|" + hex.EncodeToString(s.ring.MAC("limits", c.Type, account))
	return s.limiter.Take(ctx, s.SignInPerAccount, userpoolID, key)
}

// authenticate returns the user whose account and password they are.
func (s *Service) authenticate(ctx context.Context, userpoolID string, c Credentials) (db.User, error) {
	u, err := s.Find(ctx, userpoolID, c.Type, c.Account)
	if err != nil && !errors.Is(err, ErrUserNotFound) && !errors.Is(err, ErrUserID) {
		return u, err
	}
	right, err := s.hasher.verify(ctx, u.PasswordHash, c.Password)
	switch {
	case err != nil:
		return u, err
	case !right:
		return u, s.refuse(ctx, userpoolID, u.ID, ErrCredentials)
	case u.Status != db.UserStatusActivated:
		return u, s.refuse(ctx, userpoolID, u.ID, ErrDisabled)
	}
	return u, nil
}

// refuse notes a refused sign-in in the audit log and returns the refusal.
func (s *Service) refuse(ctx context.Context, userpoolID, userID string, refusal error) error {
	err := audit.Write(ctx, s.store.Queries, s.clock.Now(), audit.Event{
		UserpoolID: userpoolID, Actor: audit.Anonymous, Action: "user.signin", Target: audit.User(userID), Outcome: audit.Refused,
	})
	if err != nil {
		return err
	}
	return refusal
}
