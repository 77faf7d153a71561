package account

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// Credentials are what somebody types into a login form.
type Credentials struct {
	Type     IDType // of Account
	Account  string
	Password string
	Code     string // of the authenticator, or a recovery code
	// Fieldless: the door has no field for Code. Where one is needed the sign-in waits for it.
	Fieldless bool
}

// Wish is what the session is to be like.
type Wish struct {
	Scope      string          // empty for the default
	CustomData json.RawMessage // merged into the user's own
	Context    json.RawMessage // for hooks
}

// maxContext is the longest context, in bytes of JSON (Q8).
const maxContext = 4 << 10

// amrPassword is how RFC 8176 calls a password.
const amrPassword = "pwd"

// SignIn checks credentials and opens a session for the application. Every wrong pair of account and password is
// ErrCredentials, in the same time; that a user is disabled or has an authenticator is told to who knows the password.
func (s *Service) SignIn(ctx context.Context, app db.Application, c Credentials, w Wish) (db.User, authn.Tokens, error) {
	if err := s.CheckCustomData(w.CustomData); err != nil {
		return db.User{}, authn.Tokens{}, err
	}
	if len(w.Context) > maxContext {
		return db.User{}, authn.Tokens{}, ErrContext
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
	p := proof{
		user: u, amr: amrPassword, method: authn.MethodPassword, password: u.PasswordHash, code: c.Code, fieldless: c.Fieldless, spend: forgive,
	}
	tokens, err := s.enter(ctx, app, p, w)
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
	c.Fieldless = true
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
