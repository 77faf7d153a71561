package account

import (
	"context"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// whileHashing lets something happen before a new password is stored: between what was proved and the transaction.
func (r *rig) whileHashing(happen func()) { r.hasher.queue = turns(happen) }

// turns are everybody's at once, and something happens before each.
type turns func()

// Enter implements queue.
func (happen turns) Enter(ctx context.Context, _ string) (context.Context, func(), error) {
	happen()
	return ctx, func() {}, nil
}

// TestAddressThatIsNoLongerTheUsers (C3): a code for an address lets nobody in whose address it no longer is, though it was
// when the code was looked at; the address does not come back, and the code is not used up.
func TestAddressThatIsNoLongerTheUsers(t *testing.T) {
	t.Parallel()
	for _, channel := range []message.Channel{message.Email, message.Phone} {
		for _, use := range []string{"login", "forgetPwd"} {
			t.Run(use+" by "+string(channel), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				alice := r.both("alice", "13800138000")
				replaced := func() {
					r.execute("UPDATE users SET email = 'new@example.com', email_key = 'new@example.com', phone = '+8613900139000'")
				}
				c := r.code(use, channel, map[message.Channel]string{message.Email: "alice@example.com", message.Phone: "+8613800138000"}[channel])
				var err error
				if use == "login" {
					r.factors.meanwhile = replaced
					_, _, err = r.withCode(c)
				} else {
					r.whileHashing(replaced)
					err = r.ResetPassword(t.Context(), "pool", c, newPassword)
				}
				r.want(use, err, ErrUserNotFound)
				now := r.reload(alice)
				if *now.Email != "new@example.com" || *now.Phone != "+8613900139000" || now.EmailVerified || now.PhoneVerified || *now.PasswordHash != *alice.PasswordHash {
					t.Errorf("after it: %+v", now)
				}
				if n := r.number("SELECT count(*) FROM sessions"); n != 0 || !r.good(c) {
					t.Errorf("%d sessions; the code is still good: %v", n, r.good(c))
				}
				r.wantTold("refused")
			})
		}
	}
}

// TestPasswordThatIsNoLongerTheUsers (security, accounts): whoever was let in with a password that is changed meanwhile does
// not get in: the change has ended all sessions, and this one would outlive it.
func TestPasswordThatIsNoLongerTheUsers(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"changed":  "UPDATE users SET password_hash = password_hash || ' '",
		"removed":  "UPDATE users SET password_hash = NULL",
		"disabled": "UPDATE users SET status = 'Suspended'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.user("alice")
			r.factors.meanwhile = func() { r.execute(statement) }
			want := error(ErrCredentials)
			if name == "disabled" {
				want = ErrDisabled
			}
			r.want("sign in", r.signIn(ByUsername, "alice", password), want)
			if n := r.number("SELECT count(*) FROM sessions"); n != 0 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

// TestSignInMeetsAReset (security, accounts): of a login with the old password and a reset at the same moment, whichever
// comes first, no session of the old password is left.
func TestSignInMeetsAReset(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hasher.queue = newHasher(8, time.Minute).queue // all at once
	r.both("alice", "13800138000")
	c := r.code("forgetPwd", message.Email, "alice@example.com")
	opened := make(chan authn.Tokens, 8)
	reset := make(chan struct{}, 1)
	reset <- struct{}{}
	for _, err := range together(8, func() error {
		select {
		case <-reset:
			return r.ResetPassword(t.Context(), "pool", c, newPassword)
		default:
		}
		_, tokens, err := r.SignIn(t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password}, Wish{})
		if err == nil {
			opened <- tokens
			return nil
		}
		r.want("a login that came too late", err, ErrCredentials)
		return nil
	}) {
		r.must(err)
	}
	close(opened)
	for tokens := range opened {
		r.want("a session of the old password", r.live(tokens.Access), ErrToken)
	}
	r.want("the new password", r.signIn(ByUsername, "alice", newPassword), nil)
}

// TestVouchedByAnEndedSession (Q4, Q7): a session that stands for the user must still live when it opens another.
func TestVouchedByAnEndedSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	vouching := r.caller(alice)
	open := func() error {
		return r.store.InTx(t.Context(), func(q db.Queries) error {
			_, err := r.Open(t.Context(), q, screened(authn.Grant{
				UserpoolID: "pool", UserID: alice.ID, AppID: "app", AMR: []string{"pwd"}, VouchedBy: vouching.SessionID,
			}))
			return err
		})
	}
	r.want("while it lives", open(), nil)
	r.must(r.revoke(vouching.SessionID))
	r.want("when it has ended", open(), ErrToken)
	if n := r.number("SELECT logins_count FROM users WHERE id = $1", alice.ID); n != 2 {
		t.Errorf("%d logins are counted, want 2", n)
	}
}

// TestFreshSession (security, accounts): whoever finds a session a while after its user signed in cannot keep the account:
// what one signs in by is changed within 15 minutes, or after a new sign-in. Who knows the old password needs none.
func TestFreshSession(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after time.Duration
		end   string
		want  error
	}{
		"at the last moment": {15 * time.Minute, "", nil},
		"too late":           {15*time.Minute + time.Microsecond, "", authn.ErrStale},
		"signed out":         {0, "UPDATE sessions SET revoked_at = created_at", ErrToken},
		"disabled":           {0, "UPDATE users SET status = 'Suspended'", ErrDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice := r.both("alice", "13800138000")
			for what, try := range map[string]func(caller authn.User, c Sent) error{
				"bindAccount": func(caller authn.User, c Sent) error { return r.BindAddress(t.Context(), caller, c) },
				"changePwd": func(caller authn.User, c Sent) error {
					return r.ChangePasswordWithCode(t.Context(), caller, c, newPassword)
				},
			} {
				caller, c := r.caller(alice), r.code(what, message.Email, "alice@example.com")
				r.advance(test.after)
				if test.end != "" {
					r.execute(test.end)
				}
				checked := r.codes.checked.Load()
				r.want(what, try(caller, c), test.want)
				stale := test.want == error(authn.ErrStale)
				if evaluated := r.codes.checked.Load() > checked; evaluated == stale || r.good(c) == (test.want == nil) {
					t.Errorf("%s: the code was evaluated: %v; it is still good: %v", what, evaluated, r.good(c))
				}
				if stale {
					action := map[string]string{"bindAccount": "user.bind", "changePwd": "user.password_change"}[what]
					r.wantAudit(what, alice.ID, "anonymous "+action+" refused")
				}
				r.execute("UPDATE users SET status = 'Activated'")
			}
			if test.want != authn.ErrStale {
				return
			}
			caller := r.caller(alice)
			r.advance(test.after)
			r.want("with the old password", r.ChangePassword(t.Context(), caller, password, newPassword, Captcha{}), nil)
		})
	}
}

// TestSessionThatEndsMeanwhile (security, accounts): who is signed out while a new password is hashed changes nothing more.
func TestSessionThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.both("alice", "13800138000")
	caller, c := r.caller(alice), r.code("changePwd", message.Email, "alice@example.com")
	r.whileHashing(func() { r.execute("UPDATE sessions SET revoked_at = created_at") })
	r.want("with a code", r.ChangePasswordWithCode(t.Context(), caller, c, newPassword), ErrToken)
	caller = r.caller(alice)
	r.want("with the old password", r.ChangePassword(t.Context(), caller, password, newPassword, Captcha{}), ErrToken)
	if now := r.reload(alice); *now.PasswordHash != *alice.PasswordHash || !r.good(c) {
		t.Errorf("the password was changed, or the code used up: %v", !r.good(c))
	}
	r.wantTold("refused")
}
