package account

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// Client is how a program says which application it is, beside HTTP Basic. Empty strings are absent.
type Client struct {
	UserpoolID string // that the application must belong to
	ID, Secret string
	Header     string // an id that counts where there is no other
}

// ClientApplication returns the application of a program that need not prove itself: the one of HTTP Basic, or the one that
// is named, or the default one. A secret that is sent must be right.
func (s *Service) ClientApplication(ctx context.Context, c Client) (db.Application, error) {
	id := cmp.Or(c.ID, c.Header)
	if proved := authn.From(ctx).Application; proved != nil {
		id = proved.ID
	} else if c.Secret != "" {
		if _, err := s.VerifyApplication(ctx, id, c.Secret); err != nil {
			return db.Application{}, err
		}
	}
	return s.ApplicationOf(ctx, c.UserpoolID, id)
}

// OAuthClient returns the application of a program that must prove itself (RFC 6749 section 2.3): with its secret, or, where a
// public application will do, by being one. There is no default one. Whatever is wrong with it is ErrApplicationSecret.
func (s *Service) OAuthClient(ctx context.Context, c Client, publicWillDo bool) (db.Application, error) {
	id, proved := cmp.Or(c.ID, c.Header), authn.From(ctx).Application
	switch {
	case proved != nil && c.ID != "" && c.ID != proved.ID:
		return db.Application{}, ErrTwoClients
	case proved != nil: // one official SDK repeats id and secret in the body
		id = proved.ID
	case id == "" || c.Secret == "" && !publicWillDo:
		return db.Application{}, ErrApplicationSecret
	case c.Secret != "":
		app, err := s.verified(ctx, id, c.Secret)
		if err == nil && c.UserpoolID != "" && app.UserpoolID != c.UserpoolID {
			err = ErrApplicationSecret
		}
		return app, err
	}
	app, err := s.ApplicationOf(ctx, c.UserpoolID, id)
	if errors.Is(err, ErrApplication) || err == nil && proved == nil && !app.BrowserExchange {
		return db.Application{}, ErrApplicationSecret
	}
	return app, err
}

// CheckApplication tells whether the secret is that of an application of the userpool, or of any if that is empty. From one
// address one may ask as often as for management tokens.
func (s *Service) CheckApplication(ctx context.Context, userpoolID, id, secret string) (bool, error) {
	if err := s.limitKey(ctx); err != nil {
		return false, err
	}
	app, err := s.VerifyApplication(ctx, id, secret)
	if errors.Is(err, ErrApplicationSecret) {
		return false, nil
	}
	return err == nil && (userpoolID == "" || app.UserpoolID == userpoolID), err
}

// Refresh is Renew for an application, which the session must belong to; a token of another one is neither spent nor a sign of
// theft. The scope may be less than the session's. Whatever is wrong with the token is ErrGrant.
func (s *Service) Refresh(ctx context.Context, app db.Application, refreshToken, scope string) (authn.Tokens, error) {
	_, tokens, err := s.renew(ctx, app.ID, refreshToken, scope)
	if errors.Is(err, ErrToken) {
		err = ErrGrant
	}
	return tokens, err
}

// useRefresh is what a refresh token is for, beside the uses of signed tokens.
const useRefresh = "refresh"

// Introspection is what there is to know of a token.
type Introspection struct {
	Active        bool
	UserID, AppID string
	Use           string // access or refresh
	TokenID       string // of an access token; those of before tokens had one have none
	Scope         string
	IssuedAt      time.Time
	ExpiresAt     time.Time
}

// Introspect looks into a token of the application. Of one that is good for nothing it only says that.
func (s *Service) Introspect(ctx context.Context, app db.Application, token string) (Introspection, error) {
	session, i, err := s.lookUp(ctx, app, token)
	var refusal *apierr.Error
	if errors.As(err, &refusal) || err == nil && !i.Active {
		return Introspection{}, nil
	}
	i.UserID, i.AppID = session.UserID, session.AppID
	return i, err
}

// RevokeToken ends the session of a token of the application, also of a refresh token that is spent: a client that renews while
// it signs out means the session. A token that is good for nothing is no error.
func (s *Service) RevokeToken(ctx context.Context, app db.Application, token string) error {
	session, _, err := s.lookUp(ctx, app, token)
	var refusal *apierr.Error
	if errors.As(err, &refusal) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.store.InTx(ctx, func(q db.Queries) error {
		if _, err := s.Revoke(ctx, q, session.UserpoolID, session.ID); err != nil {
			return err
		}
		return audit.Write(ctx, q, s.clock.Now(), audit.Event{
			UserpoolID: session.UserpoolID, Actor: audit.Application(app.ID), Action: "session.revoke",
			Target: audit.Session(session.ID), Outcome: audit.Success,
		})
	})
}

// lookUp finds the live session of the application that a token belongs to; a refresh token that is spent is not active, and yet
// has one. A refusal means that there is no such session.
func (s *Service) lookUp(ctx context.Context, app db.Application, token string) (db.Session, Introspection, error) {
	userpoolID, sessionID, i, err := s.read(ctx, token)
	if err != nil {
		return db.Session{}, i, err
	}
	session, err := s.alive(ctx, s.store.Queries, userpoolID, sessionID)
	if err == nil && session.AppID != app.ID {
		err = ErrToken
	}
	if err == nil && i.Use == useRefresh {
		i.Scope = session.Scope
	}
	return session, i, err
}

// read reads a token by itself: signed ones have two dots, refresh tokens none.
func (s *Service) read(ctx context.Context, token string) (userpoolID, sessionID string, i Introspection, err error) {
	if strings.Contains(token, ".") {
		var c claims
		if err := s.verify(token, &c, s.Issuer, useAccess); err != nil {
			return "", "", i, err
		}
		i = Introspection{Active: true, Use: useAccess, TokenID: c.ID, Scope: c.Scope, IssuedAt: c.IssuedAt.Time, ExpiresAt: c.ExpiresAt.Time}
		return c.UserpoolID, c.SessionID, i, nil
	}
	t, err := s.store.Sessions().RefreshToken(ctx, s.refreshHash(token))
	if errors.Is(err, db.ErrNotFound) || err == nil && !t.ExpiresAt.After(s.clock.Now()) {
		err = ErrToken
	}
	i = Introspection{Active: t.UsedAt == nil, Use: useRefresh, IssuedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
	return t.UserpoolID, t.SessionID, i, err
}

// UserClaims are the claims of the caller, as far as the scope of its token goes.
func (s *Service) UserClaims(ctx context.Context, caller authn.User) (jwt.MapClaims, error) {
	u, err := s.Find(ctx, caller.UserpoolID, ByID, caller.ID)
	return userClaims(caller.Scope, u), err
}
