package account

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// Uses of codes, as the contract names them.
const (
	useLogin       = "login"
	useRegister    = "register"
	useForgetPwd   = "forgetPwd"
	useChangePwd   = "changePwd"
	useBindAccount = "bindAccount"
)

// Sent is a code that was sent to an address, as somebody repeats it.
type Sent struct {
	Channel message.Channel
	Account string // the address
	Captcha
}

// amr is how a user proves itself who repeats the code (RFC 8176).
func (c Sent) amr() string {
	if c.Channel == message.Phone {
		return "sms"
	}
	return "otp"
}

func (c Sent) idType() IDType {
	if c.Channel == message.Phone {
		return ByPhone
	}
	return ByEmail
}

// check evaluates the code for a use. A refusal is noted in the audit log as one of the action.
func (s *Service) check(ctx context.Context, userpoolID, use, action string, c Sent) (spend func(context.Context, db.Queries) error, err error) {
	if err := s.limiter.Take(ctx, s.SignInPerIP, userpoolID, limit.IPKey(reqinfo.From(ctx).IP)); err != nil {
		return nil, err
	}
	spend, err = s.captchas.CheckSent(ctx, userpoolID, c.Channel, use, c.Account, c.ID, c.Answer)
	if err != nil {
		return nil, s.refuseAction(ctx, userpoolID, "", action, err)
	}
	return spend, nil
}

// SignInWithCode opens a session for who repeats a code that was sent for a login. An address that nobody has becomes an
// account, where the userpool has it so; otherwise it is ErrUserNotFound, which only the owner of the address is told.
func (s *Service) SignInWithCode(ctx context.Context, app db.Application, c Sent) (db.User, authn.Tokens, error) {
	spend, err := s.check(ctx, app.UserpoolID, useLogin, "user.signin", c)
	if err != nil {
		return db.User{}, authn.Tokens{}, err
	}
	u, err := s.Find(ctx, app.UserpoolID, c.idType(), c.Account)
	switch {
	case errors.Is(err, ErrUserNotFound) && s.AutoRegister.Of(app.UserpoolID):
		if err := s.limiter.Take(ctx, s.RegisterPerIP, app.UserpoolID, limit.IPKey(reqinfo.From(ctx).IP)); err != nil {
			return u, authn.Tokens{}, err
		}
		return s.register(ctx, app, c, spend, NewUser{}, true)
	case err != nil:
		return u, authn.Tokens{}, err
	case u.Status != db.UserStatusActivated:
		return u, authn.Tokens{}, s.refuse(ctx, u.UserpoolID, u.ID, ErrDisabled)
	}
	prove := func(ctx context.Context, q db.Queries) error {
		if err := spend(ctx, q); err != nil {
			return err
		}
		return s.proved(ctx, q, u, c)
	}
	tokens, err := s.enter(ctx, app, proof{user: u, amr: c.amr(), method: authn.MethodCode, spend: prove, fieldless: true}, Wish{Scope: codeScope})
	return u, tokens, err
}

// proved notes that an address is the user's, who has received the code there; ErrUserNotFound if it no longer is.
func (s *Service) proved(ctx context.Context, q db.Queries, u db.User, c Sent) (err error) {
	if c.Channel == message.Phone {
		err = q.Accounts().VerifyPhone(ctx, u.UserpoolID, u.ID, *u.Phone)
	} else {
		err = q.Accounts().VerifyEmail(ctx, u.UserpoolID, u.ID, *u.EmailKey)
	}
	if errors.Is(err, db.ErrNotFound) {
		return ErrUserNotFound
	}
	return err
}

// RegisterWithCode creates a user whose address is proved by a code that was sent for it, and signs it in if wanted.
func (s *Service) RegisterWithCode(ctx context.Context, app db.Application, c Sent, n NewUser, signIn bool) (db.User, authn.Tokens, error) {
	if err := s.limiter.Take(ctx, s.RegisterPerIP, app.UserpoolID, limit.IPKey(reqinfo.From(ctx).IP)); err != nil {
		return db.User{}, authn.Tokens{}, err
	}
	spend, err := s.check(ctx, app.UserpoolID, useRegister, "user.create", c)
	if err != nil {
		return db.User{}, authn.Tokens{}, err
	}
	return s.register(ctx, app, c, spend, n, signIn)
}

// register creates the user whose address a code has proved.
func (s *Service) register(ctx context.Context, app db.Application, c Sent, spend func(context.Context, db.Queries) error, n NewUser, signIn bool) (u db.User, tokens authn.Tokens, err error) {
	if c.Channel == message.Phone {
		n.Phone, n.PhoneVerified = c.Account, true
	} else if _, n.Email, err = email(c.Account); err != nil { // the form that the code was sent to
		return u, tokens, err
	}
	n.EmailVerified = n.Email != ""
	if u, err = s.newUser(ctx, app.UserpoolID, sourceRegister, n); err != nil {
		return u, tokens, err
	}
	var screened authn.Screened
	if signIn {
		if screened, err = s.screen(ctx, authn.Attempt{AppID: app.ID, Method: authn.MethodCode}, u); err != nil {
			return u, tokens, s.refuse(ctx, u.UserpoolID, "", err)
		}
	}
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if err := spend(ctx, q); err != nil {
			return err
		}
		if err := s.insert(ctx, q, u, nil, audit.Anonymous); err != nil || !signIn {
			return err
		}
		tokens, err = s.Open(ctx, q, authn.Grant{
			UserpoolID: u.UserpoolID, UserID: u.ID, AppID: app.ID, Scope: codeScope, AMR: []string{c.amr()}, Screened: screened,
		})
		return err
	})
	return u, tokens, taken(err)
}

// BindAddress makes an address, proved by a code that was sent for it, the caller's own. It replaces the one that the user
// had. The user is told by e-mail, at the address of before.
func (s *Service) BindAddress(ctx context.Context, caller authn.User, c Sent) error {
	const action = "user.bind"
	if err := caller.Fresh(s.clock.Now()); err != nil {
		return s.refuseAction(ctx, caller.UserpoolID, caller.ID, action, err)
	}
	spend, err := s.check(ctx, caller.UserpoolID, useBindAccount, action, c)
	if err != nil {
		return err
	}
	return taken(s.store.InTx(ctx, func(q db.Queries) error {
		u, err := s.lock(ctx, q, caller)
		if err != nil {
			return err
		}
		if err := spend(ctx, q); err != nil {
			return err
		}
		if err := s.replace(ctx, q, u, c); err != nil {
			return err
		}
		if err := q.Sessions().ForgetPending(ctx, u.UserpoolID, u.ID); err != nil { // one may have been proved by the address of before
			return err
		}
		return s.noteUser(ctx, q, u, action)
	}))
}

// lock returns the caller, whom nobody else can change until the transaction ends, provided that the session still lives.
func (s *Service) lock(ctx context.Context, q db.Queries, caller authn.User) (db.User, error) {
	u, err := q.Accounts().Lock(ctx, caller.UserpoolID, caller.ID)
	if errors.Is(err, db.ErrNotFound) {
		return u, ErrDisabled
	}
	if err != nil {
		return u, err
	}
	_, err = s.alive(ctx, q, caller.UserpoolID, caller.SessionID)
	return u, err
}

func (s *Service) replace(ctx context.Context, q db.Queries, u db.User, c Sent) error {
	if c.Channel == message.Phone {
		number, err := phone(c.Account, "", s.Region)
		if err != nil || u.Phone != nil && *u.Phone == number && u.PhoneVerified {
			return err
		}
		if err := s.tell(ctx, q, u, message.PhoneChanged); err != nil {
			return err
		}
		return q.Accounts().SetPhone(ctx, u.UserpoolID, u.ID, number, s.clock.Now())
	}
	_, key, err := email(c.Account)
	if err != nil || u.EmailKey != nil && *u.EmailKey == key && u.EmailVerified {
		return err
	}
	if err := s.tell(ctx, q, u, message.EmailChanged); err != nil {
		return err
	}
	return q.Accounts().SetEmail(ctx, u.UserpoolID, u.ID, key, key, s.clock.Now())
}

// noteUser notes in the audit log what a user did to its own account.
func (s *Service) noteUser(ctx context.Context, q db.Queries, u db.User, action string) error {
	return audit.Write(ctx, q, s.clock.Now(), audit.Event{
		UserpoolID: u.UserpoolID, Actor: audit.User(u.ID), Action: action, Target: audit.User(u.ID), Outcome: audit.Success,
	})
}
