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
	account := s.accountKey(c)
	if err := s.limitSignIn(ctx, app.UserpoolID, account); err != nil {
		return db.User{}, authn.Tokens{}, err
	}
	u, err := s.authenticate(ctx, app.UserpoolID, c)
	if err != nil {
		return u, authn.Tokens{}, err
	}
	forgive := func(ctx context.Context, q db.Queries) error { return s.forgive(ctx, q, u.UserpoolID, account) }
	tokens, err := s.enter(ctx, app, proof{user: u, amr: "pwd", password: u.PasswordHash, code: c.Code, spend: forgive}, w)
	return u, tokens, err
}

// forgive forgets the failures on an account, of whose owner the right password is the sign.
func (s *Service) forgive(ctx context.Context, q db.Queries, userpoolID, account string) error {
	limits := s.limiter.In(q)
	if err := limits.Clear(ctx, s.SignInOnAccount, userpoolID, account); err != nil {
		return err
	}
	return limits.Clear(ctx, s.SignInFree, userpoolID, account)
}

// proof is how somebody has proved to be a user, but for the authenticator.
type proof struct {
	user     db.User
	password *string                                 // hash of the one that was right; nil for none
	amr      string                                  // RFC 8176
	code     string                                  // of the authenticator; empty where the door has no field for it
	spend    func(context.Context, db.Queries) error // uses the proof up, in the transaction that opens the session
}

// enter opens a session for who has proved to be a user, and asks for the authenticator's code where there is one.
func (s *Service) enter(ctx context.Context, app db.Application, p proof, w Wish) (tokens authn.Tokens, err error) {
	u := p.user
	amr, spendFactor, err := s.factors.Challenge(ctx, u.UserpoolID, u.ID, p.code)
	if err != nil {
		return tokens, s.refuse(ctx, u.UserpoolID, u.ID, err)
	}
	grant := authn.Grant{
		UserpoolID: u.UserpoolID, UserID: u.ID, AppID: app.ID, Password: p.password, Scope: w.Scope, AMR: append([]string{p.amr}, amr...),
	}
	err = s.store.InTx(ctx, func(q db.Queries) error {
		for _, spend := range []func(context.Context, db.Queries) error{p.spend, spendFactor} {
			if err := spend(ctx, q); err != nil {
				return err
			}
		}
		if err := s.MergeCustomData(ctx, q, u.UserpoolID, u.ID, w.CustomData); err != nil {
			return err
		}
		tokens, err = s.Open(ctx, q, grant)
		return err
	})
	return tokens, err
}

// Captcha is an answer, and the code that it answers.
type Captcha struct{ ID, Answer string }

// codeScope is the scope of sessions in the code dialect. They cannot be renewed: the dialect has no field for a refresh
// token.
const codeScope = "openid profile"

// SignInWithCaptcha is SignIn where an image captcha can be sent, and must be after a few failures. One that is sent is used
// up by the try, whatever becomes of it.
func (s *Service) SignInWithCaptcha(ctx context.Context, app db.Application, c Credentials, answer Captcha) (db.User, authn.Tokens, error) {
	if err := s.human(ctx, app.UserpoolID, useLogin, s.accountKey(c), answer); err != nil {
		return db.User{}, authn.Tokens{}, s.refuse(ctx, app.UserpoolID, "", err)
	}
	return s.SignIn(ctx, app, c, Wish{Scope: codeScope})
}

// human asks for an image captcha after the first few tries, which are charged before anything is evaluated.
func (s *Service) human(ctx context.Context, userpoolID, use, key string, answer Captcha) error {
	if answer == (Captcha{}) {
		first := s.limiter.Take(ctx, s.SignInFree, userpoolID, key)
		if first == nil {
			first = s.limiter.Take(ctx, s.SignInFreeIP, userpoolID, limit.IPKey(reqinfo.From(ctx).IP))
		}
		if !limit.Refused(first) {
			return first
		}
	}
	return s.captchas.CheckImage(ctx, userpoolID, use, answer.ID, answer.Answer)
}

// accountKey is under which name tries on an account are counted. It is hashed: people type their password into the field
// of the name.
func (s *Service) accountKey(c Credentials) string {
	account, err := s.normalID(c.Type, c.Account)
	if err != nil {
		account = "" // nobody's; all such tries count together
	}
	return hex.EncodeToString(s.ring.MAC("limits", c.Type, account))
}

func (s *Service) limitSignIn(ctx context.Context, userpoolID, account string) error {
	ip := limit.IPKey(reqinfo.From(ctx).IP)
	if err := s.limiter.Take(ctx, s.SignInPerIP, userpoolID, ip); err != nil {
		return err
	}
	if err := s.limiter.Take(ctx, s.SignInPerAccount, userpoolID, ip+"|"+account); err != nil {
		return err
	}
	return s.limiter.Take(ctx, s.SignInOnAccount, userpoolID, account)
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
	return s.refuseAction(ctx, userpoolID, userID, "user.signin", refusal)
}

func (s *Service) refuseAction(ctx context.Context, userpoolID, userID, action string, refusal error) error {
	err := audit.Write(ctx, s.store.Queries, s.clock.Now(), audit.Event{
		UserpoolID: userpoolID, Actor: audit.Anonymous, Action: action, Target: audit.User(userID), Outcome: audit.Refused,
	})
	if err != nil {
		return err
	}
	return refusal
}
