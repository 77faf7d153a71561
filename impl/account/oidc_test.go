package account

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/limit"
)

// application adds another one to the userpool of the rig.
func (r *rig) application(id string, public bool) db.Application {
	r.t.Helper()
	app := db.Application{
		UserpoolID: "pool", ID: id, SecretHash: credential.ApplicationSecretHash(r.ring, id, id+"-secret"), CreatedAt: r.clock.now,
		ApplicationSettings: db.ApplicationSettings{BrowserExchange: public},
	}
	r.must(r.store.Tenancy().InsertApplication(r.t.Context(), app))
	return app
}

// TestOAuthClient (RFC 6749 section 2.3): an application proves itself with its secret, in whichever of the two ways; only a
// public one may go without, where that is enough. Nobody is taken for the default application.
func TestOAuthClient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.application("spa", true)
	basic := authn.With(t.Context(), authn.Principal{Application: &authn.Application{UserpoolID: "pool", ID: "app"}})
	for name, c := range map[string]struct {
		ctx         context.Context
		client      Client
		public      string // the application where a public one will do
		confidental string // and where not
		err         error  // without application
	}{
		"body":                          {t.Context(), Client{ID: "app", Secret: "app-secret"}, "app", "app", nil},
		"id in the header":              {t.Context(), Client{Header: "app", Secret: "app-secret"}, "app", "app", nil},
		"the body counts first":         {t.Context(), Client{ID: "app", Header: "spa", Secret: "app-secret"}, "app", "app", nil},
		"basic":                         {basic, Client{}, "app", "app", nil},
		"basic, and the same in a body": {basic, Client{ID: "app", Secret: "app-secret", Header: "app"}, "app", "app", nil},
		"basic, and another":            {basic, Client{ID: "spa", Secret: "spa-secret"}, "", "", ErrTwoClients},
		"public":                        {t.Context(), Client{ID: "spa"}, "spa", "", ErrApplicationSecret},
		"public, with its secret":       {t.Context(), Client{ID: "spa", Secret: "spa-secret"}, "spa", "spa", nil},
		"public, with a wrong one":      {t.Context(), Client{ID: "spa", Secret: "app-secret"}, "", "", ErrApplicationSecret},
		"confidential, without one":     {t.Context(), Client{ID: "app"}, "", "", ErrApplicationSecret},
		"wrong secret":                  {t.Context(), Client{ID: "app", Secret: "x"}, "", "", ErrApplicationSecret},
		"unknown":                       {t.Context(), Client{ID: "none"}, "", "", ErrApplicationSecret},
		"nobody":                        {t.Context(), Client{}, "", "", ErrApplicationSecret},
		"nobody, with a secret":         {t.Context(), Client{Secret: "app-secret"}, "", "", ErrApplicationSecret},
		"of its userpool":               {t.Context(), Client{UserpoolID: "pool", ID: "app", Secret: "app-secret"}, "app", "app", nil},
		"of another userpool":           {t.Context(), Client{UserpoolID: "other", ID: "app", Secret: "app-secret"}, "", "", ErrApplicationSecret},
		"basic, of another userpool":    {basic, Client{UserpoolID: "other"}, "", "", ErrApplicationSecret},
		"userpool alone":                {t.Context(), Client{UserpoolID: "other"}, "", "", ErrApplicationSecret},
	} {
		for publicWillDo, want := range map[bool]string{true: c.public, false: c.confidental} {
			app, err := r.OAuthClient(c.ctx, c.client, publicWillDo)
			if want != "" && (err != nil || app.ID != want) || want == "" && !errors.Is(err, c.err) {
				t.Errorf("%s, public will do: %v: %q, %v; want %q, %v", name, publicWillDo, app.ID, err, want, c.err)
			}
		}
	}
	r.execute("UPDATE applications SET disabled_at = created_at WHERE id = 'spa'")
	_, err := r.OAuthClient(t.Context(), Client{ID: "spa"}, true)
	r.want("a disabled one", err, ErrApplicationSecret)
}

// TestGuessingSecretsIsSlow: wrong secrets of an application are counted by address, in whichever way they are tried; a right
// one makes them good. An application that there is not is refused in the same way, and has no effect on those that there are.
func TestGuessingSecretsIsSlow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.SecretPerIP = limit.Rule{Name: "secret", Max: 3, Per: time.Minute}
	here, there := from(t.Context(), "192.0.2.1"), from(t.Context(), "192.0.2.2")
	try := func(ctx context.Context, id, secret string) error {
		_, err := r.VerifyApplication(ctx, id, secret)
		return err
	}
	for range 10 {
		r.want("a right one", try(here, "app", "app-secret"), nil)
	}
	for _, id := range []string{"none", "nobody", "\xff"} {
		r.want(id, try(here, id, "x"), ErrApplicationSecret)
	}
	r.want("one more that there is not", try(here, "nothing", "x"), apierr.ErrRateLimited)
	for range 2 {
		r.want("wrong", try(here, "app", "x"), ErrApplicationSecret)
	}
	r.want("a right one makes good", try(here, "app", "app-secret"), nil)
	for range 3 {
		_, err := r.OAuthClient(here, Client{ID: "app", Secret: "x"}, true)
		r.want("wrong", err, ErrApplicationSecret)
	}
	r.want("too many, also for a right one", try(here, "app", "app-secret"), apierr.ErrRateLimited)
	r.want("from elsewhere", try(there, "app", "app-secret"), nil)
	r.want("another application", try(here, "other-app", "other-app-secret"), nil)
	_, err := r.CheckApplication(here, "", "app", "x")
	r.want("asked whether it is right", err, apierr.ErrRateLimited)
	r.advance(20 * time.Second)
	r.want("later", try(here, "app", "app-secret"), nil)
}

// TestRefreshIsForTheApplication: a refresh token in the hands of another application is no sign of theft and not used up, and
// neither is one that has been used: the session goes on, until its own application uses a token twice.
func TestRefreshIsForTheApplication(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	second, other := r.application("second", false), db.Application{UserpoolID: "other", ID: "other-app"}
	tokens := r.tokens("")
	refresh := func(app db.Application, token string) (authn.Tokens, error) {
		return r.Refresh(t.Context(), app, token, "")
	}
	strangers := func(what, token string) {
		t.Helper()
		for _, app := range []db.Application{second, other, {}} {
			if app.ID == "" {
				app.ID = "none"
			}
			_, err := refresh(app, token)
			r.want(what+" by "+app.ID, err, ErrGrant)
		}
	}
	strangers("a good token", tokens.Refresh)
	next, err := refresh(r.app, tokens.Refresh)
	r.must(err)
	if next.SessionID != tokens.SessionID || next.Refresh == tokens.Refresh || next.Scope != DefaultScope || next.ID == "" {
		t.Errorf("renewed: %+v", next)
	}
	r.advance(time.Hour)
	strangers("a token that is spent", tokens.Refresh)
	next, err = refresh(r.app, next.Refresh)
	r.want("after all of that", err, nil)
	_, err = refresh(r.app, tokens.Refresh)
	r.want("used twice", err, ErrGrant)
	_, err = refresh(r.app, next.Refresh)
	r.want("the session is over", err, ErrGrant)
	r.want("and its access token", r.live(next.Access), ErrToken)
}

// TestRefreshNarrowsScope (RFC 6749 section 6): tokens of less than the session's scope, never of more; the session keeps its own.
func TestRefreshNarrowsScope(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tokens := r.tokens("openid profile email offline_access")
	for _, c := range []struct {
		wish, scope string
		id          bool
		err         error
	}{
		{"openid email email", "openid email", true, nil},
		{"profile phone", "", false, ErrScope},
		{"openid admin", "", false, ErrScope},
		{"email", "email", false, nil},
		{"  ", "openid profile email offline_access", true, nil},
		{"", "openid profile email offline_access", true, nil},
	} {
		next, err := r.Refresh(t.Context(), r.app, tokens.Refresh, c.wish)
		r.want(c.wish, err, c.err)
		if c.err != nil {
			continue // and the token is not used up: the next round has it
		}
		caller, err := r.VerifyAccess(t.Context(), next.Access)
		if err != nil || next.Scope != c.scope || caller.Scope != c.scope || (next.ID != "") != c.id || next.Refresh == "" {
			t.Errorf("%q: %+v, %+v, %v", c.wish, next, caller, err)
		}
		claims, err := r.UserClaims(t.Context(), caller)
		if _, told := claims["gender"]; err != nil || told != (len(c.scope) > 20) {
			t.Errorf("%q: the user is told as %v, %v", c.wish, claims, err)
		}
		tokens = next
	}
}

// TestIntrospection (RFC 7662): of a token that is good for nothing, or another application's, nothing is told.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	second := r.application("second", false)
	tokens := r.tokens("openid offline_access")
	look := func(app db.Application, token string) Introspection {
		t.Helper()
		i, err := r.Introspect(t.Context(), app, token)
		r.must(err)
		return i
	}
	access, refresh := look(r.app, tokens.Access), look(r.app, tokens.Refresh)
	want := Introspection{
		Active: true, UserID: access.UserID, AppID: "app", Use: "access", TokenID: access.TokenID, Scope: "openid offline_access",
		IssuedAt: r.clock.now.Local(), ExpiresAt: r.clock.now.Add(15 * time.Minute).Local(),
	}
	if access != want || access.UserID == "" || len(access.TokenID) != 24 {
		t.Errorf("access token: %+v, want %+v", access, want)
	}
	if !refresh.Active || refresh.TokenID != "" || refresh.Use != "refresh" || refresh.UserID != access.UserID || refresh.Scope != want.Scope || refresh.ExpiresAt.Sub(refresh.IssuedAt) != 720*time.Hour {
		t.Errorf("refresh token: %+v", refresh)
	}
	management, _, err := r.ManagementToken(t.Context(), "key", "key-secret")
	r.must(err)
	for name, token := range map[string]string{"ID": tokens.ID, "management": management, "no": "", "some": "x", "dotted": "a.b.c"} {
		if i := look(r.app, token); i != (Introspection{}) {
			t.Errorf("%s token: %+v", name, i)
		}
	}
	for _, app := range []db.Application{second, {UserpoolID: "other", ID: "other-app"}} {
		if a, b := look(app, tokens.Access), look(app, tokens.Refresh); a != (Introspection{}) || b != (Introspection{}) {
			t.Errorf("to %s: %+v %+v", app.ID, a, b)
		}
	}
	next, err := r.Refresh(t.Context(), r.app, tokens.Refresh, "openid")
	r.must(err)
	if look(r.app, tokens.Refresh).Active || look(r.app, next.Access).Scope != "openid" || look(r.app, next.Refresh).Scope != want.Scope {
		t.Error("after a renewal with less scope")
	}
	r.advance(15 * time.Minute)
	if look(r.app, next.Access).Active || !look(r.app, next.Refresh).Active {
		t.Error("after the access token's end")
	}
	r.execute("UPDATE users SET status = 'Suspended'")
	if look(r.app, next.Refresh).Active {
		t.Error("of a user who may not sign in")
	}
	r.execute("UPDATE users SET status = 'Activated'")
	r.advance(720 * time.Hour)
	if look(r.app, next.Refresh).Active {
		t.Error("after the session's end")
	}
}

// TestRevocation (RFC 7009): either token ends the session, for its own application alone, and whatever is presented is no error.
func TestRevocation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	second := r.application("second", false)
	r.user("alice")
	for name, token := range map[string]func(authn.Tokens) string{
		"access":  func(t authn.Tokens) string { return t.Access },
		"refresh": func(t authn.Tokens) string { return t.Refresh },
		"a refresh token that was spent just now": func(tokens authn.Tokens) string {
			_, err := r.Refresh(t.Context(), r.app, tokens.Refresh, "")
			r.must(err)
			return tokens.Refresh
		},
	} {
		tokens, bystander := r.again(""), r.again("")
		text := token(tokens)
		for _, app := range []db.Application{second, {UserpoolID: "other", ID: "other-app"}} {
			r.must(r.RevokeToken(t.Context(), app, text))
			r.want(name+", revoked by "+app.ID, r.live(tokens.Access), nil)
		}
		for range 2 {
			r.want(name, r.RevokeToken(t.Context(), r.app, text), nil)
			r.want(name+", afterwards", r.live(tokens.Access), ErrToken)
		}
		r.want(name+", another session", r.live(bystander.Access), nil)
		events, err := r.store.Audit().Of(t.Context(), "pool", "session:"+tokens.SessionID, 10)
		if err != nil || len(events) != 1 || events[0].Action != "session.revoke" || events[0].Actor != "app:app" {
			t.Errorf("%s: audit log %+v, %v", name, events, err)
		}
	}
	tokens := r.again("")
	for _, text := range []string{tokens.ID, "", "x", "a.b.c", tokens.Access + "x"} {
		r.want("no token to revoke", r.RevokeToken(t.Context(), r.app, text), nil)
	}
	r.want("the session", r.live(tokens.Access), nil)
	r.advance(15 * time.Minute)
	r.must(r.RevokeToken(t.Context(), r.app, tokens.Access))
	_, err := r.Refresh(t.Context(), r.app, tokens.Refresh, "")
	r.want("after an access token that had expired", err, nil)
}

// TestParallelRefreshes: of many requests of an application with one refresh token one gets the next tokens, and the session
// survives; another application that tries the same meanwhile is in nobody's way.
func TestParallelRefreshes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	second := r.application("second", false)
	tokens := r.tokens("")
	var (
		all   sync.WaitGroup
		errs  [64]error
		next  [64]authn.Tokens
		start = make(chan struct{})
	)
	for i := range errs {
		all.Go(func() {
			<-start
			app := r.app
			if i%2 == 1 {
				app = second
			}
			next[i], errs[i] = r.Refresh(t.Context(), app, tokens.Refresh, "")
		})
	}
	close(start)
	all.Wait()
	won := 0
	for i, err := range errs {
		switch {
		case err == nil && i%2 == 0:
			won++
			r.want("the tokens of the winner", r.live(next[i].Access), nil)
		case !errors.Is(err, ErrGrant) || next[i] != (authn.Tokens{}):
			t.Errorf("%d was told %v and given %+v", i, err, next[i])
		}
	}
	if won != 1 {
		t.Errorf("%d of 64 renewals won, want 1", won)
	}
}

// TestCheckApplication: right or not, in the userpool that is meant.
func TestCheckApplication(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct {
		pool, id, secret string
		want             bool
	}{
		{"", "app", "app-secret", true},
		{"pool", "app", "app-secret", true},
		{"other", "app", "app-secret", false},
		{"", "app", "other-app-secret", false},
		{"", "none", "x", false},
		{"", "", "", false},
	} {
		if valid, err := r.CheckApplication(t.Context(), c.pool, c.id, c.secret); err != nil || valid != c.want {
			t.Errorf("%+v: %v, %v", c, valid, err)
		}
	}
	r.SignInPerIP = limit.Rule{Name: "ip", Max: 1, Per: time.Minute}
	here := from(t.Context(), "192.0.2.1")
	_, err := r.CheckApplication(here, "", "app", "app-secret")
	r.want("once", err, nil)
	_, err = r.CheckApplication(here, "", "app", "app-secret")
	r.want("again", err, apierr.ErrRateLimited)
}
