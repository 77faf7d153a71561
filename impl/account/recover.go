package account

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// noticeTTL is how long a notice is worth delivering.
const noticeTTL = 24 * time.Hour

// ResetPassword sets the password of the account that a code was sent to, and ends all its sessions. The address in the
// request decides nothing but which code is meant: an account that does not have it has received no code.
func (s *Service) ResetPassword(ctx context.Context, userpoolID string, c Sent, password string) error {
	const action = "user.password_reset"
	spend, err := s.check(ctx, userpoolID, useForgetPwd, action, c)
	if err != nil {
		return err
	}
	u, err := s.Find(ctx, userpoolID, c.idType(), c.Account)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, u, password, action, func(ctx context.Context, q db.Queries) error {
		if _, err := q.Accounts().Lock(ctx, u.UserpoolID, u.ID); errors.Is(err, db.ErrNotFound) {
			return ErrDisabled
		} else if err != nil {
			return err
		}
		if err := spend(ctx, q); err != nil {
			return err
		}
		return s.proved(ctx, q, u, c)
	})
}

// ChangePasswordWithCode sets the caller's password. The code was sent to the caller's own address; c.Account may be empty,
// and is ErrNoAddress if it is another.
func (s *Service) ChangePasswordWithCode(ctx context.Context, caller authn.User, c Sent, password string) error {
	const action = "user.password_change"
	if err := caller.Fresh(s.clock.Now()); err != nil {
		return s.refuseAction(ctx, caller.UserpoolID, caller.ID, action, err)
	}
	u, err := s.Find(ctx, caller.UserpoolID, ByID, caller.ID)
	if err != nil {
		return err
	}
	if c.Account, err = s.ownAddress(u, c); err != nil {
		return err
	}
	spend, err := s.check(ctx, caller.UserpoolID, useChangePwd, action, c)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, u, password, action, func(ctx context.Context, q db.Queries) error {
		if _, err := s.lock(ctx, q, caller); err != nil {
			return err
		}
		return spend(ctx, q)
	})
}

// ownAddress is the user's address on the channel of the code.
func (s *Service) ownAddress(u db.User, c Sent) (string, error) {
	own, key := u.Email, u.EmailKey
	if c.Channel == message.Phone {
		own, key = u.Phone, u.Phone
	}
	if own == nil {
		return "", ErrNoAddress
	}
	if c.Account != "" {
		if given, err := s.normalID(c.idType(), c.Account); err != nil || given != *key {
			return "", ErrNoAddress
		}
	}
	return *own, nil
}

// ChangePassword sets the password of the caller, who knows the old one. After a few tries an image captcha is needed.
func (s *Service) ChangePassword(ctx context.Context, caller authn.User, old, password string, answer Captcha) error {
	const action = "user.password_change"
	key := "user|" + caller.ID
	if err := s.human(ctx, caller.UserpoolID, useChangePwd, key, answer); err != nil {
		return err
	}
	if err := s.limitSignIn(ctx, caller.UserpoolID, key); err != nil {
		return err
	}
	u, err := s.Find(ctx, caller.UserpoolID, ByID, caller.ID)
	if err != nil {
		return err
	}
	right, err := s.hasher.verify(ctx, u.PasswordHash, old)
	if err != nil {
		return err
	}
	if !right {
		return s.refuseAction(ctx, u.UserpoolID, u.ID, action, ErrCredentials)
	}
	if err := s.forgive(ctx, s.store.Queries, u.UserpoolID, key); err != nil { // also if the new one is too weak
		return err
	}
	return s.setPassword(ctx, u, password, action, func(ctx context.Context, q db.Queries) error {
		_, err := s.lock(ctx, q, caller)
		return err
	})
}

// setPassword replaces a password in the transaction that uses up what was proved, ends all sessions of the user, and tells
// the user. spend locks the user's row first, so that whoever was about to get in with the old password has to look again.
func (s *Service) setPassword(ctx context.Context, u db.User, password, action string, spend func(context.Context, db.Queries) error) error {
	var own []string
	for _, name := range []*string{u.Username, u.Email, u.Phone} {
		if name != nil {
			own = append(own, *name)
		}
	}
	if err := s.hasher.strong(ctx, password, own...); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.store.InTx(ctx, func(q db.Queries) error {
		if err := spend(ctx, q); err != nil {
			return err
		}
		now := s.clock.Now()
		if err := q.Accounts().SetPassword(ctx, u.UserpoolID, u.ID, hash, now); err != nil {
			return err
		}
		if err := q.Sessions().RevokeAll(ctx, u.UserpoolID, u.ID, now); err != nil {
			return err
		}
		if err := q.Sessions().ForgetPending(ctx, u.UserpoolID, u.ID); err != nil {
			return err
		}
		if err := s.tell(ctx, q, u, message.PasswordChanged); err != nil {
			return err
		}
		return s.noteUser(ctx, q, u, action)
	})
}

// Tell sends a user a notice, in the transaction of what it is about.
func (s *Service) Tell(ctx context.Context, q db.Queries, userpoolID, userID string, t message.Template) error {
	u, err := q.Accounts().UserByID(ctx, userpoolID, userID)
	if err != nil {
		return err
	}
	return s.tell(ctx, q, u, t)
}

// tell sends a notice to the user's e-mail address, if there is one and a channel to send by.
func (s *Service) tell(ctx context.Context, q db.Queries, u db.User, t message.Template) error {
	if u.Email == nil || !s.messages.Ready(message.Email) {
		return nil
	}
	return s.messages.Post(ctx, q, message.Message{
		UserpoolID: u.UserpoolID, Channel: message.Email, To: *u.Email, Template: t, Lang: reqinfo.From(ctx).Lang,
		ExpiresAt: s.clock.Now().Add(noticeTTL),
	})
}
