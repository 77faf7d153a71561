package account

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// errUnscreened is a door that has forgotten the hooks.
var errUnscreened = errors.New("account: the grant was not screened, or for somebody else")

// Open opens the session that a grant allows and returns its first tokens. It is the only way to a session, and runs in
// the transaction that uses up whatever was proved.
func (s *Service) Open(ctx context.Context, q db.Queries, g authn.Grant) (authn.Tokens, error) {
	now := s.clock.Now()
	attempt, ok := g.Screened.For(g)
	if !ok {
		return authn.Tokens{}, errUnscreened
	}
	if g.SessionID == "" {
		g.SessionID = secret.ID()
	}
	u, err := q.Accounts().NoteLogin(ctx, g.UserpoolID, g.UserID, attempt.IP, now)
	if errors.Is(err, db.ErrNotFound) {
		return authn.Tokens{}, ErrDisabled
	}
	if err != nil {
		return authn.Tokens{}, err
	}
	if err := stillProved(g.Password, u); err != nil {
		return authn.Tokens{}, err
	}
	if err := q.Tenancy().EnterApplication(ctx, g.AppID); err != nil { // whoever disables it ends this session too
		return authn.Tokens{}, err
	}
	app, err := application(ctx, q, g.AppID)
	if err != nil {
		return authn.Tokens{}, err
	}
	session := db.Session{
		UserpoolID: g.UserpoolID, ID: g.SessionID, UserID: g.UserID, AppID: g.AppID, Scope: grantedScope(g.Scope),
		IP: attempt.IP, UserAgent: attempt.UserAgent, CreatedAt: now, ExpiresAt: now.Add(db.Life(app.SessionSeconds, s.SessionTTL)),
	}
	if err := s.assure(ctx, q, g, &session); err != nil {
		return authn.Tokens{}, err
	}
	if err := q.Sessions().Insert(ctx, session); err != nil {
		return authn.Tokens{}, err
	}
	tokens, err := s.tokens(ctx, q, app, session, u, session.Scope)
	if err != nil {
		return authn.Tokens{}, err
	}
	if err := s.hooks.After(ctx, q, introduce(ctx, attempt, u), authn.Opened{SessionID: session.ID, AMR: session.AMR, At: now}); err != nil {
		return authn.Tokens{}, err
	}
	return tokens, audit.Write(ctx, q, now, audit.Event{
		UserpoolID: g.UserpoolID, Actor: audit.User(g.UserID), Action: "user.signin", Target: audit.User(g.UserID),
		Outcome: audit.Success,
	})
}

// Refused notes in the audit log that a session was refused, and returns why. An error that is no refusal is returned as it is.
func (s *Service) Refused(ctx context.Context, userpoolID, userID string, err error) error {
	return s.refuse(ctx, userpoolID, userID, err)
}

// stillProved looks again at the password that a grant rests on, now that the user's row is locked: one that is changed takes
// the same lock. Whoever was let in with the old one is not in yet and must not get in after it.
func stillProved(password *string, u db.User) error {
	if password != nil && (u.PasswordHash == nil || *u.PasswordHash != *password) {
		return ErrCredentials
	}
	return nil
}

// assure says in a new session how its user has proved itself, under the lock of the user's row. A session that another one
// vouches for has the assurance of that one, never more, and expires no later. Whatever door it came through, it needs a code
// of the user's authenticator: one that is bound takes the same lock, so that nobody slips in beside it, and neither does a
// session of before it vouch for new ones.
func (s *Service) assure(ctx context.Context, q db.Queries, g authn.Grant, session *db.Session) error {
	if g.VouchedBy != "" {
		voucher, err := s.alive(ctx, q, g.UserpoolID, g.VouchedBy)
		if err != nil {
			return err
		}
		session.AMR, session.AuthTime, session.MFAAt = voucher.AMR, voucher.AuthTime, voucher.MFAAt
		if voucher.ExpiresAt.Before(session.ExpiresAt) {
			session.ExpiresAt = voucher.ExpiresAt
		}
	} else {
		session.AMR, session.AuthTime = g.AMR, session.CreatedAt
		if g.MFA {
			session.MFAAt = &session.CreatedAt
		}
	}
	return s.Vouches(ctx, q, user(*session))
}

// Vouches is ErrCodeRequired for a session that has shown no code of the authenticator that its user has by now: it was opened
// before that was bound, goes on, and opens no other.
func (s *Service) Vouches(ctx context.Context, q db.Queries, u authn.User) error {
	if u.MFAAt != nil {
		return nil
	}
	bound, err := s.factors.Bound(ctx, q, u.UserpoolID, u.ID)
	if err == nil && bound {
		err = ErrCodeRequired
	}
	return err
}

// alive returns a session; ErrToken for one that has ended.
func (s *Service) alive(ctx context.Context, q db.Queries, userpoolID, sessionID string) (db.Session, error) {
	session, err := q.Sessions().Live(ctx, userpoolID, sessionID, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) {
		err = ErrToken
	}
	return session, err
}

// tokens makes the next set of tokens of a session of the application. The scope of access and ID token may be less than the
// session's; that of the refresh token, which is made where the session has offline_access, never is.
func (s *Service) tokens(ctx context.Context, q db.Queries, app db.Application, session db.Session, u db.User, scope string) (t authn.Tokens, err error) {
	renewable := slices.Contains(strings.Fields(session.Scope), "offline_access")
	session.Scope = scope
	now, life := s.clock.Now(), db.Life(app.AccessSeconds, s.AccessTTL)
	t = authn.Tokens{SessionID: session.ID, Scope: session.Scope, ExpiresIn: life, ExpiresAt: now.Add(life)}
	if t.Access, err = s.ring.Sign(accessClaims(s.Issuer, session, now, t.ExpiresAt)); err != nil {
		return t, err
	}
	if slices.Contains(strings.Fields(scope), "openid") {
		if t.ID, err = s.ring.Sign(idClaims(s.Issuer, session, u, now, t.ExpiresAt)); err != nil {
			return t, err
		}
	}
	if renewable {
		t.Refresh = secret.Token()
		err = q.Sessions().InsertRefreshToken(ctx, db.RefreshToken{
			UserpoolID: session.UserpoolID, TokenHash: s.refreshHash(t.Refresh), SessionID: session.ID, CreatedAt: now,
			ExpiresAt: session.ExpiresAt,
		})
	}
	return t, err
}

func (s *Service) refreshHash(token string) []byte { return s.ring.MAC("refresh_tokens", token) }

// VerifyAccess tells whose access token it is. The session is looked up, so that its end ends the token too.
func (s *Service) VerifyAccess(ctx context.Context, token string) (authn.User, error) {
	var c claims
	if err := s.verify(token, &c, s.Issuer, useAccess); err != nil {
		return authn.User{}, err
	}
	session, err := s.store.Sessions().Live(ctx, c.UserpoolID, c.SessionID, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) {
		return authn.User{}, ErrToken
	}
	u := user(session)
	u.Scope = c.Scope
	return u, err
}

func user(s db.Session) authn.User {
	return authn.User{
		UserpoolID: s.UserpoolID, ID: s.UserID, SessionID: s.ID, AppID: s.AppID, Scope: s.Scope, AuthTime: s.AuthTime, MFAAt: s.MFAAt,
	}
}

// verify reads a token of the issuer that is meant for the given use.
func (s *Service) verify(token string, c *claims, issuer, use string) error {
	err := s.ring.Verify(token, c, issuer, s.clock.Now())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrTokenExpired
	case err != nil, c.Use != use:
		return ErrToken
	}
	return nil
}

// Renew spends a refresh token for the next pair of its session.
func (s *Service) Renew(ctx context.Context, refreshToken string) (authn.User, authn.Pair, error) {
	session, tokens, err := s.renew(ctx, "", refreshToken, "")
	return user(session), authn.Pair{Access: tokens.Access, Refresh: tokens.Refresh}, err
}

// renew is Renew for an application, or for any if appID is empty. A token of another application is ErrToken, and nothing happens
// to it or its session. The scope may be a part of the session's; empty, it is all of it.
func (s *Service) renew(ctx context.Context, appID, refreshToken, scope string) (session db.Session, tokens authn.Tokens, err error) {
	now := s.clock.Now()
	err = s.store.InTx(ctx, func(q db.Queries) error {
		spent, err := q.Sessions().SpendRefreshToken(ctx, s.refreshHash(refreshToken), appID, now)
		if err != nil {
			return err
		}
		if session, err = q.Sessions().Live(ctx, spent.UserpoolID, spent.SessionID, now); err != nil {
			return err
		}
		u, err := q.Accounts().UserByID(ctx, session.UserpoolID, session.UserID)
		if err != nil {
			return err
		}
		app, err := application(ctx, q, session.AppID)
		if err != nil {
			return err
		}
		granted, err := narrowed(session.Scope, scope)
		if err != nil {
			return err
		}
		tokens, err = s.tokens(ctx, q, app, session, u, granted)
		return err
	})
	switch {
	case errors.Is(err, db.ErrNotFound):
		err = s.refuseRefresh(ctx, appID, refreshToken)
	case errors.Is(err, ErrApplication): // it is being disabled, which ends the session too
		err = ErrToken
	}
	if err != nil {
		return db.Session{}, authn.Tokens{}, err
	}
	return session, tokens, nil
}

// refuseRefresh ends the session of a refresh token that was used long ago: either its owner or the one who uses it now
// has stolen it (RFC 9700 section 4.14.2). Another application than appID, unless that is empty, is no such sign.
func (s *Service) refuseRefresh(ctx context.Context, appID, refreshToken string) error {
	now := s.clock.Now()
	used, err := s.store.Sessions().RefreshToken(ctx, s.refreshHash(refreshToken))
	if errors.Is(err, db.ErrNotFound) {
		return ErrToken
	}
	if err != nil {
		return err
	}
	if appID != "" && used.AppID != appID || used.UsedAt == nil || now.Sub(*used.UsedAt) <= s.RefreshGrace {
		return ErrToken
	}
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if _, err := q.Sessions().Revoke(ctx, used.UserpoolID, used.SessionID, now); err != nil {
			return err
		}
		return audit.Write(ctx, q, now, audit.Event{
			UserpoolID: used.UserpoolID, Actor: audit.Anonymous, Action: "session.refresh_reused",
			Target: audit.Session(used.SessionID), Outcome: audit.Refused,
		})
	})
	if err != nil {
		return err
	}
	return ErrToken
}

// Revoke ends a session at once, or the sign-in that was about to open it, and tells whether there was one. The sign-in comes
// first: one that is just being finished holds it, and has left a session when this goes on.
func (s *Service) Revoke(ctx context.Context, q db.Queries, userpoolID, sessionID string) (ended bool, err error) {
	forgotten := q.Sessions().ForgetPendingSession(ctx, userpoolID, sessionID)
	if forgotten != nil && !errors.Is(forgotten, db.ErrNotFound) {
		return false, forgotten
	}
	ended, err = q.Sessions().Revoke(ctx, userpoolID, sessionID, s.clock.Now())
	return ended || forgotten == nil, err
}
