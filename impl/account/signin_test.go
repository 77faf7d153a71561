package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/limit"
)

// TestEveryTryIsHashed (C6, security, accounts): whoever is named, known or not, with or without a password, the answer
// costs one argon2id; otherwise its time would tell which accounts there are. That the user is disabled is told to who
// knows the password only.
func TestEveryTryIsHashed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.user("alice")
	_, err := r.CreateUser(t.Context(), "pool", "key", NewUser{Username: "nopassword", Email: "np@example.com"})
	r.must(err)
	_, err = r.CreateUser(t.Context(), "pool", "key", NewUser{Username: "suspended", Password: password, Status: "Suspended"})
	r.must(err)

	hashes := 0
	r.whileHashing(func() { hashes++ })
	for name, test := range map[string]struct {
		typ               IDType
		account, password string
		want              error
	}{
		"right":                    {ByUsername, "alice", password, nil},
		"wrong":                    {ByUsername, "alice", "wrong password", ErrCredentials},
		"unknown user":             {ByUsername, "nobody", password, ErrCredentials},
		"unknown e-mail":           {ByEmail, "nobody@example.com", password, ErrCredentials},
		"unknown phone":            {ByPhone, "13800138009", password, ErrCredentials},
		"no e-mail at all":         {ByEmail, "alice", password, ErrCredentials},
		"no user name at all":      {ByUsername, "a b", password, ErrCredentials},
		"no phone at all":          {ByPhone, "1", password, ErrCredentials},
		"user without a password":  {ByUsername, "nopassword", password, ErrCredentials},
		"suspended":                {ByUsername, "suspended", password, ErrDisabled},
		"suspended, wrong":         {ByUsername, "suspended", "wrong password", ErrCredentials},
		"password nobody can have": {ByUsername, "alice", "bell\a", ErrCredentials},
		"the same, unknown user":   {ByUsername, "nobody", "bell\a", ErrCredentials},
		"empty password":           {ByUsername, "alice", "", ErrCredentials},
	} {
		hashes = 0
		err := r.signIn(test.typ, test.account, test.password)
		var refusal *apierr.Error
		if !errors.Is(err, test.want) || errors.As(err, &refusal) && fmt.Sprint(refusal) != refusal.Code {
			t.Errorf("%s: %v, want %v and nothing more", name, err, test.want)
		}
		if hashes != 1 {
			t.Errorf("%s: %d hashes, want 1", name, hashes)
		}
	}
}

// TestSignInOpensASession: the tokens are the user's, and the session says how the user proved itself, from where, and
// for which application.
func TestSignInOpensASession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	wish := Wish{Scope: "openid email nonsense", CustomData: json.RawMessage(`{"k":"v"}`)}
	for _, c := range []Credentials{{Type: ByUsername, Account: "ALICE"}, {Type: ByEmail, Account: "alice@EXAMPLE.com"}} {
		c.Password = password
		u, tokens, err := r.SignIn(from(t.Context(), "192.0.2.1"), r.app, c, wish)
		r.must(err)
		if u.ID != alice.ID || tokens.Scope != "openid email" || tokens.ID == "" || tokens.Refresh != "" || tokens.ExpiresIn != 15*time.Minute {
			t.Errorf("%+v: user %s, tokens %+v", c, u.ID, tokens)
		}
		caller, err := r.VerifyAccess(t.Context(), tokens.Access)
		if err != nil || caller.ID != alice.ID || caller.UserpoolID != "pool" || caller.AppID != "app" || caller.SessionID != tokens.SessionID {
			t.Errorf("the access token is %+v's, %v", caller, err)
		}
		s, err := r.store.Sessions().Live(t.Context(), "pool", tokens.SessionID, r.clock.now)
		if err != nil || !slices.Equal(s.AMR, []string{"pwd"}) || s.IP != "192.0.2.1" || s.UserAgent != "test" || !s.ExpiresAt.Equal(r.clock.now.Add(720*time.Hour)) {
			t.Errorf("session %+v, %v", s, err)
		}
	}
	u, err := r.Find(t.Context(), "pool", ByID, alice.ID)
	if err != nil || u.LoginsCount != 2 || string(u.CustomData) != `{"k": "v"}` {
		t.Errorf("the user after it: %+v, %v", u, err)
	}
}

// TestSignInFailsAsAWhole (T4, design 6): when the second factor refuses, before or while it is spent, there is no
// session, no login counted and no custom data.
func TestSignInFailsAsAWhole(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(f *factors){
		"evaluated": func(f *factors) { f.refuse = apierr.ErrRequest }, "spent": func(f *factors) { f.refuseSpend = apierr.ErrRequest },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice := r.user("alice")
			r.bind(alice)
			refuse(r.factors)
			c := Credentials{Type: ByUsername, Account: "alice", Password: password, Code: factorCode}
			_, tokens, err := r.SignIn(t.Context(), r.app, c, Wish{CustomData: json.RawMessage(`{"k":"v"}`)})
			r.want("sign in", err, apierr.ErrRequest)
			u, err := r.Find(t.Context(), "pool", ByID, alice.ID)
			r.must(err)
			var sessions int
			r.must(r.raw.QueryRowContext(t.Context(), "SELECT count(*) FROM sessions").Scan(&sessions))
			if tokens.Access != "" || sessions != 0 || u.LoginsCount != 0 || string(u.CustomData) != "{}" {
				t.Errorf("tokens %+v, %d sessions, user %+v", tokens, sessions, u)
			}
		})
	}
}

// TestSignInLimits (security, accounts): so many tries on one account from one address, however the account is spelt, and
// so many from one address on whichever; who is over the limit is not even hashed.
func TestSignInLimits(t *testing.T) {
	t.Parallel()
	t.Run("account", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.user("alice")
		r.user("bob")
		r.SignInPerAccount = limit.Rule{Name: "account", Max: 3, Per: 5 * time.Minute}
		for _, spelling := range []string{"alice", "Alice", "ａｌｉｃｅ"} {
			r.want(spelling, r.signIn(ByUsername, spelling, "wrong password"), ErrCredentials)
		}
		r.hasher.queue = nil // who is hashed now panics
		r.want("a fourth spelling", r.signIn(ByUsername, "ALICE", password), apierr.ErrRateLimited)
		r.hasher.queue = newHasher(1, time.Minute).queue
		r.want("another user", r.signIn(ByUsername, "bob", password), nil)
		elsewhere := Credentials{Type: ByUsername, Account: "alice", Password: password}
		_, _, err := r.SignIn(from(t.Context(), "192.0.2.2"), r.app, elsewhere, Wish{})
		r.want("alice herself, from her own address", err, nil)
		r.advance(100 * time.Second)
		r.want("after a while", r.signIn(ByUsername, "alice", password), nil)
	})
	t.Run("address", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.SignInPerIP = limit.Rule{Name: "ip", Max: 2, Per: time.Minute}
		for _, name := range []string{"alice", "bob"} {
			r.want(name, r.signIn(ByUsername, name, password), ErrCredentials)
		}
		r.want("a third", r.signIn(ByUsername, "carol", password), apierr.ErrRateLimited)
	})
}

// TestSignInIsAudited (security, accounts): every try is in the log, with who, from where and how it ended.
func TestSignInIsAudited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	r.want("wrong", r.signIn(ByUsername, "alice", "wrong password"), ErrCredentials)
	r.want("unknown", r.signIn(ByUsername, "nobody", password), ErrCredentials)
	r.want("right", r.signIn(ByUsername, "alice", password), nil)
	for target, want := range map[string][]db.AuditEvent{
		"user:" + alice.ID: {{Actor: "user:" + alice.ID, Outcome: "success"}, {Actor: "anonymous", Outcome: "refused"}},
		"user:unknown":     {{Actor: "anonymous", Outcome: "refused"}},
	} {
		events, err := r.store.Audit().Of(t.Context(), "pool", target, len(want))
		r.must(err)
		for i, e := range events {
			if e.Action != "user.signin" || e.Actor != want[i].Actor || e.Outcome != want[i].Outcome || e.IP != "192.0.2.1" || e.RequestID != "request" {
				t.Errorf("%s: event %d is %+v, want %+v", target, i, e, want[i])
			}
		}
		if len(events) != len(want) {
			t.Errorf("%s: %d events, want %d", target, len(events), len(want))
		}
	}
}
