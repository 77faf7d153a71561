package account

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

const newPassword = "seven purple guards at the gate"

// ended checks that a password was replaced: the new one opens a session and the old one does not, all sessions there were
// have ended, with their refresh tokens, and the user was told.
func (r *rig) ended(what string, u db.User, sessions []authn.Tokens, action string) {
	r.t.Helper()
	for _, tokens := range sessions {
		r.want(what+": a session", r.live(tokens.Access), ErrToken)
		_, _, err := r.Renew(r.t.Context(), tokens.Refresh)
		r.want(what+": its refresh token", err, ErrToken)
	}
	r.wantAudit(what, u.ID, "user "+action+" success")
	r.wantTold(what, "password_changed to alice@example.com")
	r.want(what+": the old password", r.signIn(ByUsername, "alice", password), ErrCredentials)
	r.want(what+": the new password", r.signIn(ByUsername, "alice", newPassword), nil)
}

// aliceWithSessions is a user with two sessions.
func (r *rig) aliceWithSessions() (db.User, authn.User, []authn.Tokens) {
	r.t.Helper()
	u := r.both("alice", "13800138000")
	caller := r.caller(u)
	return r.reload(u), caller, []authn.Tokens{r.again(""), r.again("")}
}

// TestResetPassword: who repeats a code that was sent to the account's address sets its password, whichever it was; all
// sessions end, the user is told by e-mail, the address is proved.
func TestResetPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		channel message.Channel
		account string
	}{{message.Email, "ALICE@Example.com"}, {message.Phone, "+8613800138000"}} {
		t.Run(string(test.channel), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice, _, sessions := r.aliceWithSessions()
			c := r.code("forgetPwd", test.channel, test.account)
			r.must(r.ResetPassword(from(t.Context(), "192.0.2.1"), "pool", c, newPassword))
			if now := r.reload(alice); now.EmailVerified != (test.channel == message.Email) || now.PhoneVerified != (test.channel == message.Phone) || r.good(c) {
				t.Errorf("after it: %+v; the code is still good: %v", now, r.good(c))
			}
			r.ended("reset", alice, sessions, "user.password_reset")
			r.want("with the code again", r.ResetPassword(t.Context(), "pool", c, newPassword), errCode)
		})
	}
}

// TestResetPasswordRefused: nothing changes, no session ends, nobody is told; a code is not used up by a password that is
// too weak.
func TestResetPasswordRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		use, account, password string
		set                    string
		want                   error
	}{
		"code of another use": {"changePwd", "alice@example.com", newPassword, "", errCode},
		"of a login":          {"login", "alice@example.com", newPassword, "", errCode},
		"weak password":       {"forgetPwd", "alice@example.com", "12345678", "", ErrPassword},
		"own name":            {"forgetPwd", "alice@example.com", "alice@example.com", "", ErrPassword},
		"nobody's address":    {"forgetPwd", "nobody@example.com", newPassword, "", ErrUserNotFound},
		"disabled":            {"forgetPwd", "alice@example.com", newPassword, "UPDATE users SET status = 'Suspended'", ErrDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice, _, sessions := r.aliceWithSessions()
			if test.set != "" {
				r.execute(test.set)
			}
			c := r.code(test.use, message.Email, test.account)
			r.want("reset", r.ResetPassword(t.Context(), "pool", c, test.password), test.want)
			if now := r.reload(alice); *now.PasswordHash != *alice.PasswordHash || now.EmailVerified || !r.good(c) {
				t.Errorf("after it: %+v; the code is still good: %v", now, r.good(c))
			}
			r.wantTold("refused")
			if test.set == "" {
				r.want("a session", r.live(sessions[0].Access), nil)
			}
			if test.want == errCode {
				r.wantAudit("refused", "", "anonymous user.password_reset refused")
			}
		})
	}
}

// TestChangePasswordWithCode: the code was sent to the caller's own address; which one need not be said, and another one
// is refused before the code is looked at.
func TestChangePasswordWithCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		channel message.Channel
		account string
		want    error
	}{
		"e-mail, not named":          {message.Email, "", nil},
		"e-mail":                     {message.Email, "ALICE@Example.com", nil},
		"phone, not named":           {message.Phone, "", nil},
		"phone":                      {message.Phone, "138 0013 8000", nil},
		"another's e-mail":           {message.Email, "bob@example.com", ErrNoAddress},
		"another's phone":            {message.Phone, "13900139000", ErrNoAddress},
		"no e-mail at all":           {message.Email, "alice", ErrNoAddress},
		"phone as e-mail":            {message.Email, "13800138000", ErrNoAddress},
		"a similar e-mail":           {message.Email, "alice@example.com.cn", ErrNoAddress},
		"e-mail with a space around": {message.Email, " alice@example.com", ErrNoAddress},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice, caller, sessions := r.aliceWithSessions()
			r.both("bob", "13900139000")
			sentTo := map[message.Channel]string{message.Email: "alice@example.com", message.Phone: "+8613800138000"}[test.channel]
			if test.want != nil && test.account != "" {
				sentTo = test.account // a right code does not help
			}
			c := r.code("changePwd", test.channel, sentTo)
			named := c
			named.Account = test.account
			err := r.ChangePasswordWithCode(from(t.Context(), "192.0.2.1"), caller, named, newPassword)
			r.want("change", err, test.want)
			if test.want == nil {
				r.ended("changed", alice, sessions, "user.password_change")
			} else if r.codes.checked.Load() != 0 || !r.good(c) || *r.reload(alice).PasswordHash != *alice.PasswordHash {
				t.Errorf("%d codes were evaluated", r.codes.checked.Load())
			}
		})
	}
	t.Run("without such an address", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		u, err := r.CreateUser(t.Context(), "pool", "key", NewUser{Username: "carol", Password: password})
		r.must(err)
		for _, c := range []message.Channel{message.Email, message.Phone} {
			err := r.ChangePasswordWithCode(t.Context(), r.caller(u), Sent{Channel: c}, newPassword)
			r.want(string(c), err, ErrNoAddress)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		alice, caller, sessions := r.aliceWithSessions()
		c := r.code("changePwd", message.Email, "alice@example.com")
		wrong := c
		wrong.Answer = "654321"
		r.want("wrong code", r.ChangePasswordWithCode(t.Context(), caller, wrong, newPassword), errCode)
		r.wantAudit("wrong code", "", "anonymous user.password_change refused")
		r.want("of another use", r.ChangePasswordWithCode(t.Context(), caller, r.code("forgetPwd", message.Email, "alice@example.com"), newPassword), errCode)
		r.want("weak password", r.ChangePasswordWithCode(t.Context(), caller, c, "12345678"), ErrPassword)
		r.want("a session", r.live(sessions[0].Access), nil)
		r.wantTold("refused")
		r.want("corrected", r.ChangePasswordWithCode(t.Context(), caller, c, newPassword), nil)
		r.ended("corrected", alice, sessions, "user.password_change")
	})
}

// TestChangePassword: who knows the old password sets a new one; a wrong one is in the audit log, and nothing changes.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice, caller, sessions := r.aliceWithSessions()
	change := func(old, new string) error {
		return r.ChangePassword(from(t.Context(), "192.0.2.1"), caller, old, new, Captcha{})
	}
	r.want("wrong", change("wrong password", newPassword), ErrCredentials)
	r.wantAudit("wrong", alice.ID, "anonymous user.password_change refused")
	r.want("none", change("", newPassword), ErrCredentials)
	r.want("weak", change(password, "12345678"), ErrPassword)
	r.want("her own name", change(password, strings.Repeat("alice", 2)), ErrPassword)
	r.want("a session", r.live(sessions[0].Access), nil)
	r.wantTold("refused")
	r.want("right", change(password, newPassword), nil)
	r.ended("right", alice, sessions, "user.password_change")

	nobody, err := r.CreateUser(t.Context(), "pool", "key", NewUser{Username: "nopassword"})
	r.must(err)
	err = r.ChangePassword(t.Context(), r.caller(nobody), "", newPassword, Captcha{})
	r.want("who has no password", err, ErrCredentials)
}

// TestChangePasswordNeedsAnImage (C9): after three tries an image captcha is needed, even with the right password; one that
// is sent is checked, and bound to its use. A success forgets the tries.
func TestChangePasswordNeedsAnImage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice, caller, _ := r.aliceWithSessions()
	r.SignInFree = limit.Rule{Name: "free", Max: 3, Per: 5 * time.Minute}
	current, next := password, newPassword
	change := func(old string, answer Captcha) error {
		return r.ChangePassword(from(t.Context(), "192.0.2.1"), caller, old, next, answer)
	}
	for round := range 2 {
		for range 3 {
			r.want("wrong", change("wrong password", Captcha{}), ErrCredentials)
		}
		r.hasher.queue = nil // who is hashed now panics
		r.want("right, without an image", change(current, Captcha{}), errImageNeeded)
		r.want("with a wrong image", change(current, Captcha{"changePwd", "wrong"}), errCode)
		r.want("with an image for logging in", change(current, Captcha{"login", "right"}), errCode)
		r.hasher.queue = newHasher(1, time.Minute).queue
		r.want("wrong, with an image", change("wrong password", Captcha{"changePwd", "right"}), ErrCredentials)
		if round == 0 {
			r.want("right, with an image", change(current, Captcha{"changePwd", "right"}), nil)
			current, next, caller = next, current, r.caller(alice) // the session has ended with the others
		}
	}
	r.advance(100 * time.Second)
	r.want("after a while", change(current, Captcha{}), nil)
}

// TestChangePasswordIsLimited (security, accounts): tries are limited as those of a login are, solved images or not: of one
// client, of one client on the account, and on the account from anywhere.
func TestChangePasswordIsLimited(t *testing.T) {
	t.Parallel()
	rule := limit.Rule{Name: "rule", Max: 2, Per: time.Minute}
	for name, test := range map[string]struct {
		set  func(s *Settings)
		ip   func(i int) string
		free bool // from another client
	}{
		"client":         {func(s *Settings) { s.SignInPerIP = rule }, func(int) string { return "192.0.2.1" }, true},
		"client on one":  {func(s *Settings) { s.SignInPerAccount = rule }, func(int) string { return "192.0.2.1" }, true},
		"all on account": {func(s *Settings) { s.SignInOnAccount = rule }, func(i int) string { return fmt.Sprint("192.0.2.", i) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, caller, _ := r.aliceWithSessions()
			test.set(&r.Settings)
			change := func(ip, old string) error {
				return r.ChangePassword(from(t.Context(), ip), caller, old, newPassword, Captcha{"changePwd", "right"})
			}
			for i, want := range []error{ErrCredentials, ErrCredentials, apierr.ErrRateLimited} {
				r.want(fmt.Sprint("try ", i+1), change(test.ip(i), "wrong password"), want)
			}
			want := error(nil)
			if !test.free {
				want = apierr.ErrRateLimited
			}
			r.want("another client, and right", change("198.51.100.1", password), want)
		})
	}
}
