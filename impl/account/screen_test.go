package account

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

var errDenied = &apierr.Error{Kind: apierr.Forbidden, Code: "test.denied"}

const sentContext = `{ "b":1.0, "a":"\u00e9" }`

// TestOpenNeedsTheScreening: the only way to a session takes no grant that the hooks have not let pass, nor what they let
// pass for somebody else, so that no door can forget them; and no session is opened that cannot be told of.
func TestOpenNeedsTheScreening(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice, bob := r.user("alice"), r.user("bob")
	open := func(g authn.Grant) error {
		return r.store.InTx(t.Context(), func(q db.Queries) error {
			_, err := r.Open(t.Context(), q, g)
			return err
		})
	}
	grant := authn.Grant{UserpoolID: "pool", UserID: alice.ID, AppID: "app", AMR: []string{"pwd"}}
	wrong := map[string]authn.Grant{"not screened": grant}
	for what, change := range map[string]func(*authn.Grant){
		"another user":        func(g *authn.Grant) { g.UserID = bob.ID },
		"another application": func(g *authn.Grant) { g.AppID = "other-app" },
		"another userpool":    func(g *authn.Grant) { g.UserpoolID = "other" },
		"nobody":              func(g *authn.Grant) { g.UserID = "" },
	} {
		g := grant
		change(&g)
		g.Screened = screened(grant).Screened
		wrong[what] = g
	}
	wrong["nobody at all"] = screened(authn.Grant{})
	for what, g := range wrong {
		if err := open(g); !errors.Is(err, errUnscreened) || apierr.From(err).Kind != apierr.Internal {
			t.Errorf("%s: %v", what, err)
		}
	}
	r.hooks.fail = errors.New("the outbox is full")
	if err := open(screened(grant)); !errors.Is(err, r.hooks.fail) || r.sessions() != 0 {
		t.Errorf("when hooks cannot be told: %v, %d sessions", err, r.sessions())
	}
	r.hooks.fail = nil
	r.want("screened", open(screened(grant)), nil)
	if n := len(r.hooks.told); n != 1 || r.hooks.told[0].Username != "alice" {
		t.Errorf("told %+v", r.hooks.told)
	}
}

// TestHooksAreAskedInTime: when the first factor was right and never before, and before a code of the authenticator is asked
// for. A refusal is noted, uses nothing up, and opens nothing.
func TestHooksAreAskedInTime(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]bool{"without an authenticator": false, "with one": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice := r.both("alice", "13800138000")
			if bound {
				r.bind(alice)
			}
			credentials := Credentials{Type: ByUsername, Account: "alice", Password: "wrong password", Fieldless: true}
			try := func() error {
				_, _, err := r.SignIn(t.Context(), r.app, credentials, Wish{Context: json.RawMessage(sentContext), CustomData: json.RawMessage(`{"k":"v"}`)})
				return err
			}
			r.want("a wrong password", try(), ErrCredentials)
			if len(r.hooks.asked) != 0 {
				t.Fatalf("asked about a wrong password: %+v", r.hooks.asked)
			}
			r.hooks.deny = errDenied
			credentials.Password = password
			r.want("the right one", try(), errDenied)
			c := r.code("login", message.Phone, "+8613800138000")
			_, _, err := r.withCode(c)
			r.want("a code", err, errDenied)
			if !r.good(c) {
				t.Error("a refused code is used up")
			}
			if now := r.reload(alice); r.sessions() != 0 || r.number("SELECT count(*) FROM pending_signins") != 0 || string(now.CustomData) != "{}" || now.LoginsCount != 0 {
				t.Errorf("refused: %d sessions, %+v", r.sessions(), now)
			}
			r.wantAudit("refused", alice.ID, "anonymous user.signin refused")
			if n := len(r.hooks.asked); n != 2 || len(r.hooks.told) != 0 {
				t.Fatalf("asked %d times, told %d times", n, len(r.hooks.told))
			}
			byPassword, byCode := r.hooks.asked[0], r.hooks.asked[1]
			if byPassword.Method != authn.MethodPassword || string(byPassword.Context) != sentContext || byPassword.AppID != "app" ||
				byPassword.UserpoolID != "pool" || byPassword.UserID != alice.ID || byPassword.Username != "alice" || byPassword.DisplayName != "alice" ||
				byCode.Method != authn.MethodCode || byCode.ID == byPassword.ID || byCode.ID == "" {
				t.Errorf("asked %+v", r.hooks.asked)
			}
			r.hooks.deny = nil
			want := error(nil)
			if bound {
				want = ErrCodeRequired
			}
			r.want("let pass", try(), want)
			_, _, err = r.withCode(c)
			r.want("the code, which is still good", err, want)
		})
	}
}

// TestWaitingIsScreenedOnce: what waits for a code of the authenticator is not asked about again, and the hooks are told of
// the same attempt, with the bytes that were sent. What a replica of before hooks has left waiting is asked about then.
func TestWaitingIsScreenedOnce(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]bool{"of this version": false, "of the version before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice := r.both("alice", "13800138000")
			r.bind(alice)
			_, tokens, err := r.SignIn(t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password, Fieldless: true},
				Wish{Context: json.RawMessage(sentContext)})
			token := r.token(tokens, err)
			r.hooks.deny = errDenied
			if old {
				r.execute("UPDATE pending_signins SET attempt_id = DEFAULT, method = DEFAULT, context = DEFAULT")
				r.want("refused", r.finish(token, factorCode), errDenied)
				r.hooks.deny = nil
			}
			r.want("finish", r.finish(token, factorCode), nil)
			asked, told := r.hooks.asked, r.hooks.told
			if len(told) != 1 {
				t.Fatalf("told %+v", told)
			}
			last, wanted := asked[len(asked)-1], sentContext
			if old {
				wanted = "{}"
			}
			if (len(asked) != 1) != old || told[0].ID != last.ID || told[0].Method != authn.MethodPassword || string(told[0].Context) != wanted || told[0].UserID != alice.ID {
				t.Errorf("asked %+v, told %+v", asked, told)
			}
		})
	}
}

// TestRegistrationIsScreened: who is signed in with its registration passes the hooks before there is an account; whoever is
// not signed in is none of theirs.
func TestRegistrationIsScreened(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hooks.deny = errDenied
	c := r.code("register", message.Email, "bob@example.com")
	_, _, err := r.RegisterWithCode(t.Context(), r.app, c, NewUser{}, true)
	r.want("refused", err, errDenied)
	if n := r.number("SELECT count(*) FROM users"); n != 0 || !r.good(c) {
		t.Errorf("a refused registration made %d users, or used up the code", n)
	}
	_, _, err = r.RegisterWithCode(t.Context(), r.app, r.code("register", message.Email, "carol@example.com"), NewUser{}, false)
	r.want("without signing in", err, nil)
	if len(r.hooks.asked) != 1 || len(r.hooks.told) != 0 {
		t.Errorf("asked %+v, told %+v", r.hooks.asked, r.hooks.told)
	}
	r.hooks.deny = nil
	u, _, err := r.RegisterWithCode(t.Context(), r.app, c, NewUser{}, true)
	r.want("let pass", err, nil)
	if told := r.hooks.told; len(told) != 1 || told[0].UserID != u.ID || told[0].Method != authn.MethodCode || told[0].ID != r.hooks.asked[1].ID {
		t.Errorf("told %+v of %s", told, u.ID)
	}
}

// TestScreenOfDisabled: nobody is asked about a user who may not sign in, or is no more.
func TestScreenOfDisabled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	attempt := authn.Attempt{UserpoolID: "pool", AppID: "app", UserID: alice.ID, Method: authn.MethodQRCode}
	_, err := r.Screen(t.Context(), attempt)
	r.want("Alice", err, nil)
	r.hooks.deny = errDenied
	_, err = r.Screen(t.Context(), attempt)
	r.want("refused", err, errDenied)
	r.wantAudit("refused", alice.ID, "anonymous user.signin refused")
	r.execute("UPDATE users SET status = 'Suspended'")
	_, err = r.Screen(t.Context(), attempt)
	r.want("disabled", err, ErrDisabled)
	attempt.UserID = "nobody"
	_, err = r.Screen(t.Context(), attempt)
	r.want("nobody", err, ErrDisabled)
	if len(r.hooks.asked) != 2 {
		t.Errorf("asked %+v", r.hooks.asked)
	}
}

// TestContextIsBounded (Q8): a context is no longer than 4 KiB, and one that is reaches nobody.
func TestContextIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.user("alice")
	try := func(n int) error {
		data := json.RawMessage(`{"k":"` + strings.Repeat("x", n-len(`{"k":""}`)) + `"}`)
		_, _, err := r.SignIn(t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password}, Wish{Context: data})
		return err
	}
	r.want("4 KiB", try(4<<10), nil)
	r.want("a byte more", try(4<<10+1), ErrContext)
	if len(r.hooks.asked) != 1 {
		t.Error("a context that is too large was passed on")
	}
}
