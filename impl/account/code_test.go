package account

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/tenant"
)

// both makes a user with an e-mail address, a phone number and a password. Neither address is proved.
func (r *rig) both(name, phone string) db.User {
	r.t.Helper()
	u, err := r.CreateUser(r.t.Context(), "pool", "key", NewUser{Username: name, Email: name + "@example.com", Phone: phone, Password: password})
	r.must(err)
	return u
}

// withCode tries a code at the door, from one and the same client.
func (r *rig) withCode(c Sent) (db.User, authn.Tokens, error) {
	r.t.Helper()
	return r.SignInWithCode(from(r.t.Context(), "192.0.2.1"), r.app, c)
}

// TestSignInWithCode (C4, C6): who repeats a code that was sent for a login is the user who has the address, however it is
// spelt; the session says how the user proved itself, the address is proved by it and no other, and the code is spent.
func TestSignInWithCode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		channel  message.Channel
		account  string
		amr      string
		verified string
	}{
		{message.Email, "Alice@Example.com", "otp", "email_verified"},
		{message.Phone, "+8613800138000", "sms", "phone_verified"},
	} {
		t.Run(string(test.channel), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice := r.both("alice", "13800138000")
			c := r.code("login", test.channel, test.account)
			u, tokens, err := r.withCode(c)
			r.must(err)
			if u.ID != alice.ID || tokens.Access == "" || tokens.Scope != "openid profile" || tokens.Refresh != "" {
				t.Errorf("user %s, tokens %+v", u.ID, tokens)
			}
			s, err := r.store.Sessions().Live(t.Context(), "pool", tokens.SessionID, r.clock.now)
			if err != nil || s.UserID != alice.ID || !slices.Equal(s.AMR, []string{test.amr}) || s.IP != "192.0.2.1" || s.AppID != "app" {
				t.Errorf("session %+v, %v", s, err)
			}
			if n := r.number("SELECT count(*) FROM users WHERE " + test.verified + " AND logins_count = 1 AND email_verified <> phone_verified"); n != 1 {
				t.Errorf("after it: %+v", r.reload(alice))
			}
			r.wantAudit("signed in", alice.ID, "user user.signin success")
			if r.good(c) {
				t.Error("the code is good for another time")
			}
			_, _, err = r.withCode(c)
			r.want("the code again", err, errCode)
			_, _, err = r.withCode(r.code("login", test.channel, test.account))
			r.want("another code", err, nil)
			if now := r.reload(alice); *now.Email != *alice.Email || *now.Phone != *alice.Phone {
				t.Errorf("the addresses have changed: %+v", now)
			}
		})
	}
}

// TestSignInWithCodeRefused: a wrong code, or one for something else, opens nothing and is in the audit log; an account
// that may not sign in is told to the owner of the address, who has not used the code up. (One that has an authenticator:
// TestSignInWaits.)
func TestSignInWithCodeRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code  func(r *rig) Sent
		set   func(r *rig)
		want  error
		audit string // of the user; "" for a user that could not be found
		found bool
	}{
		"wrong code": {
			code: func(r *rig) Sent {
				c := r.code("login", message.Email, "alice@example.com")
				c.Answer = "654321"
				return c
			}, want: errCode,
		},
		"of another use": {code: func(r *rig) Sent { return r.code("register", message.Email, "alice@example.com") }, want: errCode},
		"of another address": {code: func(r *rig) Sent {
			c := r.code("login", message.Email, "bob@example.com")
			c.Account = "alice@example.com"
			return c
		}, want: errCode},
		"of another userpool": {
			code: func(r *rig) Sent { return r.codeIn("other", "login", message.Email, "alice@example.com") }, want: errCode,
		},
		"unknown address": {code: func(r *rig) Sent { return r.code("login", message.Email, "nobody@example.com") }, want: ErrUserNotFound},
		"disabled": {
			code: func(r *rig) Sent { return r.code("login", message.Email, "alice@example.com") },
			set:  func(r *rig) { r.execute("UPDATE users SET status = 'Suspended'") }, want: ErrDisabled, found: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice := r.both("alice", "13800138000")
			if test.set != nil {
				test.set(r)
			}
			c := test.code(r)
			u, tokens, err := r.withCode(c)
			r.want("sign in", err, test.want)
			if n := r.number("SELECT count(*) FROM sessions"); tokens.Access != "" || n != 0 || !r.good(c) {
				t.Errorf("tokens %+v of %s, %d sessions, the code is still good: %v", tokens, u.ID, n, r.good(c))
			}
			if now := r.reload(alice); now.EmailVerified || now.LoginsCount != 0 {
				t.Errorf("after it: %+v", now)
			}
			switch {
			case errors.Is(test.want, errCode):
				r.wantAudit(name, "", "anonymous user.signin refused")
			case test.found:
				r.wantAudit(name, alice.ID, "anonymous user.signin refused")
			}
		})
	}
}

// TestCodesAreLimited (security, accounts): one client tries so many codes, at whichever door; who is over that is not
// evaluated.
func TestCodesAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	caller := r.caller(r.both("alice", "13800138000"))
	ctx := from(t.Context(), "192.0.2.1")
	wrong := Sent{message.Email, "alice@example.com", Captcha{"id", "000000"}}
	doors := map[string]func() error{
		"login":    func() error { _, _, err := r.SignInWithCode(ctx, r.app, wrong); return err },
		"register": func() error { _, _, err := r.RegisterWithCode(ctx, r.app, wrong, NewUser{}, true); return err },
		"forget":   func() error { return r.ResetPassword(ctx, "pool", wrong, password) },
		"change":   func() error { return r.ChangePasswordWithCode(ctx, caller, wrong, password) },
		"bind":     func() error { return r.BindAddress(ctx, caller, wrong) },
	}
	r.SignInPerIP = limit.Rule{Name: "ip", Max: len(doors), Per: time.Minute}
	for name, door := range doors {
		r.want(name, door(), errCode)
	}
	checked := r.codes.checked.Load()
	for name, door := range doors {
		r.want(name+" once more", door(), apierr.ErrRateLimited)
	}
	if r.codes.checked.Load() != checked {
		t.Error("codes are evaluated for refused requests")
	}
}

// TestAutoRegister (C6): where a userpool has it so, a login code for an address that nobody has makes the account, proved
// and signed in. Elsewhere it does not, and it never makes a second account of one that may not sign in.
func TestAutoRegister(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.both("alice", "13800138000")
	r.AutoRegister = tenant.For(true)
	for _, c := range []Sent{
		r.code("login", message.Email, "Bob@Example.com"), r.code("login", message.Phone, "13900139000"),
	} {
		u, tokens, err := r.withCode(c)
		r.must(err)
		stored := r.reload(u)
		if caller, err := r.VerifyAccess(t.Context(), tokens.Access); err != nil || caller.ID != u.ID {
			t.Errorf("%s: the token is %+v's, %v", c.Account, caller, err)
		}
		if c.Channel == message.Email && *stored.Email != "bob@example.com" {
			t.Errorf("the address is %s, want the form that the code was sent to", *stored.Email)
		}
		if stored.Source != "register" || stored.LoginsCount != 1 || stored.PasswordHash != nil ||
			stored.EmailVerified != (c.Channel == message.Email) || stored.PhoneVerified != (c.Channel == message.Phone) {
			t.Errorf("%s: made %+v", c.Account, stored)
		}
		_, _, err = r.withCode(r.code("login", c.Channel, c.Account))
		r.want("signed in again", err, nil)
	}
	r.execute("UPDATE users SET status = 'Suspended' WHERE id = $1", alice.ID)
	_, _, err := r.withCode(r.code("login", message.Email, "alice@example.com"))
	r.want("disabled", err, ErrDisabled)
	_, _, err = r.withCode(r.code("register", message.Email, "carol@example.com"))
	r.want("a code of another use", err, errCode)
	r.RegisterPerIP = limit.Rule{Name: "register", Max: 1, Per: time.Hour}
	_, err = r.Register(from(t.Context(), "192.0.2.1"), "pool", "carol", password)
	r.must(err)
	c := r.code("login", message.Email, "dave@example.com")
	_, _, err = r.withCode(c)
	r.want("over the limit of registrations", err, apierr.ErrRateLimited)
	if !r.good(c) {
		t.Error("the code is used up by a refused registration")
	}
	r.must(r.AutoRegister.UnmarshalText([]byte("true,pool=false")))
	_, _, err = r.withCode(r.code("login", message.Email, "carol@example.com"))
	r.want("where the userpool does not have it", err, ErrUserNotFound)
	if n := r.number("SELECT count(*) FROM users"); n != 4 {
		t.Errorf("%d users, want alice, carol and the two that were made", n)
	}
}

// TestCodeOpensOneDoor (C4, design 6): one code, in many requests at once, opens one session or makes one account.
func TestCodeOpensOneDoor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		account string
		table   string
	}{"session": {"alice@example.com", "sessions"}, "account": {"bob@example.com", "users"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.both("alice", "13800138000")
			r.AutoRegister = tenant.For(true)
			c, before := r.code("login", message.Email, test.account), r.number("SELECT count(*) FROM "+test.table)
			spend, err := r.codes.CheckSent(t.Context(), "pool", c.Channel, "login", c.Account, c.ID, c.Answer)
			r.must(err)
			r.Service.captchas = always{r.codes, spend} // the code is right for all of them
			won := 0
			for _, err := range together(16, func() error {
				_, _, err := r.SignInWithCode(from(t.Context(), "192.0.2.1"), r.app, c)
				return err
			}) {
				if err == nil {
					won++
				} else if !errors.Is(err, errCode) && !errors.Is(err, ErrEmailTaken) {
					t.Error(err)
				}
			}
			if n := r.number("SELECT count(*) FROM "+test.table) - before; won != 1 || n != 1 {
				t.Errorf("%d of 16 got in, and made %d rows of %s; want 1 and 1", won, n, test.table)
			}
		})
	}
}

// always finds every code right.
type always struct {
	*captchas
	spend func(context.Context, db.Queries) error
}

func (a always) CheckSent(context.Context, string, message.Channel, string, string, string, string) (func(context.Context, db.Queries) error, error) {
	return a.spend, nil
}

// TestAddressOf (C6): the address on file of who may sign in, and of nobody else, by its comparison key.
func TestAddressOf(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.CreateUser(t.Context(), "pool", "key", NewUser{Email: "Alice@Example.com", Phone: "13800138000"})
	r.must(err)
	_, err = r.CreateUser(t.Context(), "pool", "key", NewUser{Email: "off@example.com", Phone: "13800138001", Status: "Suspended"})
	r.must(err)
	for _, test := range []struct {
		pool    string
		channel message.Channel
		key     string
		want    string
	}{
		{"pool", message.Email, "alice@example.com", "Alice@example.com"},
		{"pool", message.Phone, "+8613800138000", "+8613800138000"},
		{"other", message.Email, "alice@example.com", ""},
		{"other", message.Phone, "+8613800138000", ""},
		{"pool", message.Phone, "alice@example.com", ""},
		{"pool", message.Email, "+8613800138000", ""},
		{"pool", message.Email, "alice@example.co_", ""},
		{"pool", message.Email, "off@example.com", ""},
		{"pool", message.Phone, "+8613800138001", ""},
		{"pool", message.Email, "", ""},
	} {
		onFile, known, err := r.AddressOf(t.Context(), test.pool, test.channel, test.key)
		if err != nil || onFile != test.want || known != (test.want != "") {
			t.Errorf("%+v: %q, %v, %v", test, onFile, known, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, known, err := r.AddressOf(gone, "pool", message.Email, "alice@example.com"); err == nil || known {
		t.Errorf("that the database does not answer is no unknown address: %v, %v", known, err)
	}
}

// together calls do n times at once and returns what each call said.
func together(n int, do func() error) []error {
	var (
		errs  = make([]error, n)
		start = make(chan struct{})
		all   sync.WaitGroup
	)
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = do()
		})
	}
	close(start)
	all.Wait()
	return errs
}
