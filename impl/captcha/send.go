package captcha

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Uses of codes that this package tells apart, as the contract names them.
const (
	useLogin       = "login"
	useRegister    = "register"
	useChangePwd   = "changePwd"
	useBindAccount = "bindAccount"
)

// codeDigits is how many digits a code has (C1).
const codeDigits = 6

// Answer is what somebody typed, and what it belongs to.
type Answer struct{ ID, Text string }

// Request asks for a code.
type Request struct {
	Channel message.Channel
	Use     string
	Account string // where to send it, as typed
	Image   Answer // to an image captcha, if any
	UserID  string // of who is signed in; empty for nobody
}

// Send makes a code and has it sent, if anybody is to have it. It returns the id that the code is checked with. Whether
// somebody has the address shows in nothing but the message (C6): everything else happens in the same way, and is charged
// in the same way.
func (s *Service) Send(ctx context.Context, userpoolID string, r Request) (id string, err error) {
	defer func() { s.alarm.count(r.Channel, err) }()
	if r.Account == "" {
		return "", ErrAccountNeeded
	}
	if !s.messages.Ready(r.Channel) {
		return "", ErrChannel
	}
	to, err := s.target(r.Channel, r.Account)
	if err != nil {
		return "", err
	}
	if !s.SMSCountries.allow(to) {
		return "", ErrCountry
	}
	if err := s.limiter.Take(ctx, s.AsksPerIP, userpoolID, client(ctx)); err != nil {
		return "", err
	}
	if r.Image != (Answer{}) { // one that is sent is always checked
		if err := s.CheckImage(ctx, userpoolID, r.Use, r.Image.ID, r.Image.Text); err != nil {
			return "", err
		}
	}
	m, err := s.message(ctx, userpoolID, to, r)
	if err != nil {
		return "", err
	}
	id = secret.Alphanumeric(idLength)
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if err := s.charge(ctx, q, userpoolID, to, r); err != nil || m.refusal != nil {
			return err
		}
		if err := s.issue(ctx, q, s.key(userpoolID, r.Use, to), id, m.code); err != nil {
			return err
		}
		return s.messages.Post(ctx, q, m.Message)
	})
	if err != nil {
		return "", s.stopped(ctx, userpoolID, err)
	}
	if m.refusal != nil {
		return "", m.refusal
	}
	s.messages.Kick(r.Channel)
	return id, nil
}

// client is what requests of one client share.
func client(ctx context.Context) string { return limit.IPKey(reqinfo.From(ctx).IP) }

// sending is a message, and the code that is kept: the one in the message, or one that nobody is told. With a refusal nothing
// is sent, and it is charged all the same: who asks learns something.
type sending struct {
	message.Message
	code    string
	refusal error
}

// message says what somebody at the address is to be told.
func (s *Service) message(ctx context.Context, userpoolID string, to target, r Request) (sending, error) {
	onFile, known, err := s.people.AddressOf(ctx, userpoolID, to.channel, to.key)
	if err != nil {
		return sending{}, err
	}
	code := s.random.Digits(codeDigits)
	m := message.Message{
		UserpoolID: userpoolID, Channel: to.channel, To: to.address, Template: message.Code, Code: code,
		Lang: reqinfo.From(ctx).Lang, ExpiresAt: s.clock.Now().Add(s.CodeTTL),
	}
	switch {
	case r.Use == useBindAccount: // whether somebody has it is told to who has received the code
	case r.Use == useRegister && known:
		if s.RegisterTells.Of(userpoolID) {
			return sending{refusal: ErrRegistered}, nil
		}
		m.To, m.Template, m.Code = onFile, message.Registered, ""
	case r.Use == useRegister:
	case known: // to the address on file: how the typed one is spelt may make it somebody else's at another mail host
		m.To = onFile
	default:
		m.Decoy = r.Use != useLogin || !s.AutoRegister.Of(userpoolID)
	}
	return sending{Message: m, code: code}, nil
}

// issue keeps the code, which voids the one before.
func (s *Service) issue(ctx context.Context, q db.Queries, key db.SentCodeKey, id, code string) error {
	now := s.clock.Now()
	err := q.SentCodes().Issue(ctx, db.SentCode{
		SentCodeKey: key, ID: id, AnswerHash: s.hash(id, string(key.AccountHash), code),
		CreatedAt: now, ExpiresAt: now.Add(s.CodeTTL), AttemptsUntil: now.Add(s.AttemptsWindow),
	}, s.Attempts)
	if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	used, err := q.SentCodes().Attempts(ctx, key)
	if err != nil {
		return err
	}
	return ErrTooMany.WithRetryAfter(used.AttemptsUntil.Sub(now))
}
