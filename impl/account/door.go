package account

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// proof is how somebody has proved to be a user, but for the authenticator.
type proof struct {
	user      db.User
	password  *string // hash of the one that was right; nil for none
	amr       string  // RFC 8176
	method    authn.Method
	sessionID string                                  // of the session to open; empty for any
	ip        string                                  // of who is going to use it; empty for the caller
	userAgent string                                  // the same
	code      string                                  // of the authenticator
	fieldless bool                                    // the door has no field for the code
	spend     func(context.Context, db.Queries) error // uses the proof up, in the transaction that it leads to
}

// enter opens a session for who has proved to be a user. Every door leads here: who has bound an authenticator needs its
// code, or is told how to go on where there is no field for one.
func (s *Service) enter(ctx context.Context, app db.Application, p proof, w Wish) (tokens authn.Tokens, err error) {
	u := p.user
	attempt := authn.Attempt{AppID: app.ID, Method: p.method, IP: p.ip, UserAgent: p.userAgent, Context: w.Context}
	screened, err := s.screen(ctx, attempt, u)
	if err != nil {
		return tokens, s.refuse(ctx, u.UserpoolID, u.ID, err)
	}
	bound, err := s.factors.Bound(ctx, s.store.Queries, u.UserpoolID, u.ID)
	if err != nil {
		return tokens, err
	}
	if bound && p.code == "" {
		refusal := ErrCodeRequired
		if p.fieldless {
			if refusal, err = s.postpone(ctx, screened, p, w); err != nil {
				return tokens, s.refuse(ctx, u.UserpoolID, u.ID, err)
			}
		}
		return tokens, s.refuse(ctx, u.UserpoolID, u.ID, refusal)
	}
	grant := authn.Grant{
		UserpoolID: u.UserpoolID, UserID: u.ID, AppID: app.ID, Password: p.password, Scope: w.Scope, AMR: []string{p.amr}, MFA: bound,
		SessionID: p.sessionID, Screened: screened,
	}
	inTx := db.Transaction(s.store.InTx)
	if bound {
		var amr []string
		if amr, inTx, err = s.factors.Challenge(ctx, u.UserpoolID, u.ID, authn.Code{Text: p.code}); err != nil {
			return tokens, s.refuse(ctx, u.UserpoolID, u.ID, err)
		}
		grant.AMR = union(grant.AMR, amr)
	}
	return s.open(ctx, inTx, grant, w.CustomData, p.spend)
}

// Enter opens a session for somebody whom an identity source has let in, as enter does; spend uses up what the source has said.
// Who needs a code of the authenticator is answered ErrCodeRequired, with what finishes the sign-in.
func (s *Service) Enter(ctx context.Context, e authn.Entry, spend func(context.Context, db.Queries) error) (authn.Tokens, error) {
	app, err := s.ApplicationOf(ctx, e.UserpoolID, e.AppID)
	if err != nil {
		return authn.Tokens{}, err
	}
	u, err := s.store.Accounts().UserByID(ctx, e.UserpoolID, e.UserID)
	if errors.Is(err, db.ErrNotFound) || err == nil && u.Status != db.UserStatusActivated {
		return authn.Tokens{}, s.refuse(ctx, e.UserpoolID, e.UserID, ErrDisabled)
	}
	if err != nil {
		return authn.Tokens{}, err
	}
	p := proof{
		user: u, amr: e.AMR, method: e.Method, sessionID: e.SessionID, ip: e.IP, userAgent: e.UserAgent, fieldless: true, spend: spend,
	}
	return s.enter(ctx, app, p, Wish{Context: e.Context})
}

// union is what is in a or b, each once.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, value := range b {
		if !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

// open opens a session in the transaction that uses up what was proved. The user's row is locked first, as everywhere. A
// refusal, by somebody who was first, is noted in the audit log.
func (s *Service) open(ctx context.Context, inTx db.Transaction, g authn.Grant, customData json.RawMessage, spend func(context.Context, db.Queries) error) (tokens authn.Tokens, err error) {
	err = inTx(ctx, func(q db.Queries) error {
		if err := s.MergeCustomData(ctx, q, g.UserpoolID, g.UserID, customData); err != nil {
			return err
		}
		if tokens, err = s.Open(ctx, q, g); err != nil {
			return err
		}
		return spend(ctx, q)
	})
	if err != nil {
		return authn.Tokens{}, s.refuse(ctx, g.UserpoolID, g.UserID, err)
	}
	return tokens, nil
}

// postpone uses up what was proved and keeps the sign-in for as long as it takes to find the phone. What it returns is
// ErrCodeRequired with the mfaToken, the only thing that finishes it.
func (s *Service) postpone(ctx context.Context, screened authn.Screened, p proof, w Wish) (refusal *apierr.Error, err error) {
	u, token, attempt := p.user, secret.Token(), screened.Attempt()
	err = s.store.InTx(ctx, func(q db.Queries) error {
		locked, err := q.Accounts().Lock(ctx, u.UserpoolID, u.ID)
		if errors.Is(err, db.ErrNotFound) {
			return ErrDisabled
		}
		if err != nil {
			return err
		}
		if err := stillProved(p.password, locked); err != nil {
			return err
		}
		if err := p.spend(ctx, q); err != nil {
			return err
		}
		return q.Sessions().InsertPending(ctx, db.PendingSignIn{
			UserpoolID: u.UserpoolID, TokenHash: s.signInHash(token), UserID: u.ID, AppID: attempt.AppID, Scope: w.Scope, AMR: []string{p.amr},
			CustomData: db.JSON(w.CustomData), AttemptID: attempt.ID, Method: string(attempt.Method), Context: db.JSON(attempt.Context),
			SessionID: optional.Of(p.sessionID), IP: p.ip, UserAgent: p.userAgent, ExpiresAt: s.clock.Now().Add(s.SignInTTL),
		})
	})
	return ErrCodeRequired.WithContinuation(token, s.SignInTTL), err
}

func (s *Service) signInHash(token string) []byte { return s.ring.MAC("pending_signins", token) }

// FinishSignIn opens the session of a sign-in that waits for a code of the authenticator, or a recovery code. An mfaToken
// that is unknown, used or expired is ErrMFAToken; a wrong code does not use it up.
func (s *Service) FinishSignIn(ctx context.Context, token string, code authn.Code) (u db.User, tokens authn.Tokens, err error) {
	hash := s.signInHash(token)
	waiting, err := s.store.Sessions().Pending(ctx, hash, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) {
		return u, tokens, ErrMFAToken
	}
	if err != nil {
		return u, tokens, err
	}
	if err := s.limiter.Take(ctx, s.SignInPerIP, waiting.UserpoolID, limit.IPKey(reqinfo.From(ctx).IP)); err != nil {
		return u, tokens, err
	}
	if u, err = s.store.Accounts().UserByID(ctx, waiting.UserpoolID, waiting.UserID); err != nil {
		return u, tokens, err
	}
	screened, err := s.screened(ctx, waiting, u)
	if err != nil {
		return u, tokens, s.refuse(ctx, u.UserpoolID, u.ID, err)
	}
	amr, inTx, err := s.factors.Challenge(ctx, u.UserpoolID, u.ID, code)
	if err != nil {
		return u, tokens, s.refuse(ctx, u.UserpoolID, u.ID, err)
	}
	grant := authn.Grant{
		UserpoolID: u.UserpoolID, UserID: u.ID, AppID: waiting.AppID, Scope: waiting.Scope, AMR: union(waiting.AMR, amr), MFA: true,
		SessionID: optional.Value(waiting.SessionID), Screened: screened,
	}
	finish := func(ctx context.Context, q db.Queries) error {
		err := q.Sessions().FinishPending(ctx, u.UserpoolID, hash, s.clock.Now())
		if errors.Is(err, db.ErrNotFound) {
			return ErrMFAToken
		}
		return err
	}
	tokens, err = s.open(ctx, inTx, grant, json.RawMessage(waiting.CustomData), finish)
	return u, tokens, err
}

// screened is what the hooks have said when the sign-in began. One that a replica of before hooks has begun is screened now.
func (s *Service) screened(ctx context.Context, waiting db.PendingSignIn, u db.User) (authn.Screened, error) {
	a := authn.Attempt{
		AppID: waiting.AppID, Method: authn.Method(waiting.Method), IP: waiting.IP, UserAgent: waiting.UserAgent,
		Context: json.RawMessage(waiting.Context),
	}
	if waiting.AttemptID == "" {
		a.Method = authn.MethodPassword
		if !slices.Contains(waiting.AMR, amrPassword) {
			a.Method = authn.MethodCode
		}
		return s.screen(ctx, a, u)
	}
	a.ID = waiting.AttemptID
	return authn.Resume(introduce(ctx, a, u)), nil
}

// refuse notes a refused sign-in in the audit log and returns the refusal. An error that is none is returned as it is.
func (s *Service) refuse(ctx context.Context, userpoolID, userID string, refusal error) error {
	return s.refuseAction(ctx, userpoolID, userID, "user.signin", refusal)
}

func (s *Service) refuseAction(ctx context.Context, userpoolID, userID, action string, refusal error) error {
	var e *apierr.Error
	if !errors.As(refusal, &e) {
		return refusal
	}
	err := audit.Write(ctx, s.store.Queries, s.clock.Now(), audit.Event{
		UserpoolID: userpoolID, Actor: audit.Anonymous, Action: action, Target: audit.User(userID), Outcome: audit.Refused,
	})
	if err != nil {
		return err
	}
	return refusal
}
