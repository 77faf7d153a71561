package account

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// wish is that of a sign-in that waits.
var wish = Wish{Scope: "openid email", CustomData: json.RawMessage(`{"k":"v"}`)}

// wait signs alice in with her password at a door without a field for the code, and returns the mfaToken.
func (r *rig) wait() string {
	r.t.Helper()
	c := Credentials{Type: ByUsername, Account: "alice", Password: password, Fieldless: true}
	_, tokens, err := r.SignIn(from(r.t.Context(), "192.0.2.1"), r.app, c, wish)
	return r.token(tokens, err)
}

// token is the mfaToken of a refusal that can be gone on with.
func (r *rig) token(tokens authn.Tokens, err error) string {
	r.t.Helper()
	var refusal *apierr.Error
	if !errors.Is(err, ErrCodeRequired) || !errors.As(err, &refusal) || refusal.Continuation == nil || refusal.Continuation.ExpiresIn != 5*time.Minute {
		r.t.Fatalf("%v, want ErrCodeRequired with an mfaToken of five minutes", err)
	}
	if tokens != (authn.Tokens{}) {
		r.t.Errorf("there are tokens already: %+v", tokens)
	}
	if strings.Contains(err.Error(), refusal.Continuation.Token) {
		r.t.Error("the text for logs has the mfaToken (T13)")
	}
	return refusal.Continuation.Token
}

// finish tries to go on with an mfaToken.
func (r *rig) finish(token, code string) error {
	_, _, err := r.FinishSignIn(from(r.t.Context(), "192.0.2.2"), token, authn.Code{Text: code})
	return err
}

func (r *rig) sessions() int {
	r.t.Helper()
	return r.number("SELECT count(*) FROM sessions")
}

// TestCodeIsAskedFor: who has an authenticator needs its code (1635), at whichever door: where there is a field for it a
// missing one is told without a way on, and is no try; without an authenticator nobody is asked, whatever is typed there.
func TestCodeIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	try := func(code string) (authn.Tokens, error) {
		_, tokens, err := r.SignIn(t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password, Code: code}, Wish{})
		return tokens, err
	}
	_, err := try("000000")
	r.want("without an authenticator", err, nil)
	r.bind(alice)
	for range 10 {
		_, err = try("")
		r.want("without a code", err, ErrCodeRequired)
	}
	if e := apierr.From(err); e.API != 1635 || e.Number != 1000201 || e.Continuation != nil {
		t.Errorf("%+v", e)
	}
	r.wantAudit("refused", alice.ID, "anonymous user.signin refused")
	if n := r.factors.challenged.Load(); n != 0 {
		t.Errorf("%d tries for no code", n)
	}
	_, err = try("000000")
	r.want("a wrong code", err, errFactor)
	tokens, err := try(factorCode)
	r.want("the right one", err, nil)
	s, err := r.store.Sessions().Live(t.Context(), "pool", tokens.SessionID, r.clock.now)
	if err != nil || !slices.Equal(s.AMR, []string{"pwd", "otp", "mfa"}) || s.MFAAt == nil || !s.MFAAt.Equal(r.clock.now) || !s.AuthTime.Equal(r.clock.now) {
		t.Errorf("session %+v, %v", s, err)
	}
	_, err = try(factorCode)
	r.want("once more", err, errFactorUsed)
	for range 2 {
		_, _, err = r.SignIn(t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: "wrong password", Code: "000000"}, Wish{})
		r.want("a wrong password, of which only that is told", err, ErrCredentials)
	}
	if n := r.factors.challenged.Load(); n != 3 {
		t.Errorf("%d tries, want 3: none behind a wrong password", n)
	}
}

// TestSignInWaits: at a door without a field a right password, or a code that was sent, is taken, and opens nothing: there
// is an mfaToken, which with the code opens the session that was asked for, once, from wherever.
func TestSignInWaits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		enter func(r *rig) string
		amr   []string
		scope string
		data  string
	}{
		"password": {func(r *rig) string { return r.wait() }, []string{"pwd", "otp", "mfa"}, "openid email", `{"k": "v"}`},
		"password and image": {func(r *rig) string {
			_, tokens, err := r.SignInWithCaptcha(r.t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password}, image)
			return r.token(tokens, err)
		}, []string{"pwd", "otp", "mfa"}, codeScope, "{}"},
		"SMS": {func(r *rig) string {
			c := r.code("login", message.Phone, "+8613800138000")
			_, tokens, err := r.withCode(c)
			token := r.token(tokens, err)
			if r.good(c) {
				r.t.Error("the SMS is not used up")
			}
			return token
		}, []string{"sms", "otp", "mfa"}, codeScope, "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice := r.both("alice", "13800138000")
			r.bind(alice)
			token := test.enter(r)
			if now := r.reload(alice); r.sessions() != 0 || now.LoginsCount != 0 || string(now.CustomData) != "{}" {
				t.Errorf("while it waits: %d sessions, %+v", r.sessions(), now)
			}
			r.wantAudit("while it waits", alice.ID, "anonymous user.signin refused")
			r.advance(5*time.Minute - time.Microsecond)
			for range 3 {
				r.want("a wrong code", r.finish(token, "000000"), errFactor)
			}
			u, tokens, err := r.FinishSignIn(from(t.Context(), "192.0.2.2"), token, authn.Code{Text: factorCode})
			r.must(err)
			caller, err := r.VerifyAccess(t.Context(), tokens.Access)
			if err != nil || u.ID != alice.ID || caller.ID != alice.ID || caller.UserpoolID != "pool" || caller.AppID != "app" || tokens.Scope != test.scope {
				t.Errorf("%+v of %s, %+v, %v", caller, u.ID, tokens.Scope, err)
			}
			s, err := r.store.Sessions().Live(t.Context(), "pool", tokens.SessionID, r.clock.now)
			if err != nil || !slices.Equal(s.AMR, test.amr) || s.MFAAt == nil || s.IP != "192.0.2.2" {
				t.Errorf("session %+v, %v", s, err)
			}
			if now := r.reload(alice); now.LoginsCount != 1 || string(now.CustomData) != test.data {
				t.Errorf("after it: %+v", now)
			}
			r.want("the token again", r.finish(token, recoveryCode), ErrMFAToken)
			r.wantAudit("after it", alice.ID, "user user.signin success")
		})
	}
}

// TestMFATokenEnds: an mfaToken is good for five minutes, until the password is changed, and for a user who may sign in;
// what is not one is told in the same words.
func TestMFATokenEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end  func(r *rig, alice db.User)
		want error
	}{
		"in time":       {func(*rig, db.User) {}, nil},
		"five minutes":  {func(r *rig, _ db.User) { r.advance(5 * time.Minute) }, ErrMFAToken},
		"user disabled": {func(r *rig, _ db.User) { r.execute("UPDATE users SET status = 'Suspended'") }, ErrDisabled},
		"user removed":  {func(r *rig, _ db.User) { r.execute("DELETE FROM users") }, ErrMFAToken},
		"password reset": {func(r *rig, _ db.User) {
			r.must(r.ResetPassword(r.t.Context(), "pool", r.code("forgetPwd", message.Email, "alice@example.com"), newPassword))
		}, ErrMFAToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice := r.both("alice", "13800138000")
			r.bind(alice)
			token := r.wait()
			test.end(r, alice)
			r.want("finish", r.finish(token, factorCode), test.want)
			if n := r.sessions(); (n == 1) != (test.want == nil) {
				t.Errorf("%d sessions", n)
			}
			for _, no := range []string{"", token + "x", strings.ToLower(token), "0", factorCode} {
				r.want("no mfaToken", r.finish(no, factorCode), ErrMFAToken)
			}
		})
	}
}

// TestMFATokenIsHashed (T13): what waits cannot be finished by who reads the table, and the log has no token.
func TestMFATokenIsHashed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bind(r.user("alice"))
	token := r.wait()
	if n := r.number("SELECT count(*) FROM pending_signins WHERE to_jsonb(pending_signins)::text LIKE '%' || $1 || '%' OR token_hash = $2", token, []byte(token)); n != 0 {
		t.Error("the row has the token")
	}
	if n := r.number("SELECT count(*) FROM audit_log WHERE to_jsonb(audit_log)::text LIKE '%' || $1 || '%'", token); n != 0 {
		t.Error("the audit log has the token")
	}
	if n := r.number("SELECT count(*) FROM pending_signins"); n != 1 || len(token) < 32 {
		t.Errorf("%d wait; the token has %d characters", n, len(token))
	}
}

// TestFinishFailsAsAWhole (T4, design 6): when the code turns out to be used while it is spent, there is no session, no
// login counted and no custom data, and the mfaToken is good for the next code.
func TestFinishFailsAsAWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	r.bind(alice)
	token := r.wait()
	r.factors.refuseSpend = errFactorUsed
	u, tokens, err := r.FinishSignIn(t.Context(), token, authn.Code{Text: factorCode})
	r.want("finish", err, errFactorUsed)
	if now := r.reload(alice); tokens != (authn.Tokens{}) || r.sessions() != 0 || now.LoginsCount != 0 || string(now.CustomData) != "{}" {
		t.Errorf("%s: tokens for %q, %d sessions, %+v", u.ID, tokens.SessionID, r.sessions(), now)
	}
	r.factors.refuseSpend = nil
	r.want("the next code", r.finish(token, factorCode), nil)
}

// TestFinishOnce: of parallel requests with one mfaToken and one code, or with two codes, one opens a session.
func TestFinishOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bind(r.user("alice"))
	token := r.wait()
	codes := make(chan string, 32)
	for i := range 32 {
		codes <- []string{factorCode, recoveryCode}[i%2]
	}
	won := 0
	for _, err := range together(32, func() error { return r.finish(token, <-codes) }) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrMFAToken) && !errors.Is(err, errFactorUsed):
			t.Error(err)
		}
	}
	if won != 1 || r.sessions() != 1 {
		t.Errorf("%d won and %d sessions, want 1", won, r.sessions())
	}
	// A code that lost is not used up.
	r.want("the other code, with another token", errors.Join(r.finish(r.wait(), factorCode), r.finish(r.wait(), recoveryCode)), errFactorUsed)
	if r.sessions() != 2 {
		t.Errorf("%d sessions, want 2", r.sessions())
	}
}

// TestFinishIsLimited: tries with an mfaToken are those of one client, as at the other doors, and who is over it is not
// evaluated; an unknown token costs nothing and tells nothing.
func TestFinishIsLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bind(r.user("alice"))
	token := r.wait()
	r.SignInPerIP = limit.Rule{Name: "ip", Max: 2, Per: time.Minute}
	for range 2 {
		r.want("a wrong code", r.finish(token, "000000"), errFactor)
	}
	n := r.factors.challenged.Load()
	r.want("a third", r.finish(token, factorCode), apierr.ErrRateLimited)
	if r.factors.challenged.Load() != n {
		t.Error("it was evaluated")
	}
	r.want("an unknown token", r.finish("unknown", factorCode), ErrMFAToken)
	r.advance(time.Minute)
	r.want("after a while", r.finish(token, factorCode), nil)
}

// TestPasswordThatChangesBeforeItWaits: who was let in with a password that is changed meanwhile is given no mfaToken.
func TestPasswordThatChangesBeforeItWaits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statement string
		want      error
	}{
		"changed":  {"UPDATE users SET password_hash = password_hash || ' '", ErrCredentials},
		"disabled": {"UPDATE users SET status = 'Suspended'", ErrDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.bind(r.user("alice"))
			r.factors.meanwhile = func() { r.execute(test.statement) }
			c := Credentials{Type: ByUsername, Account: "alice", Password: password, Fieldless: true}
			_, _, err := r.SignIn(t.Context(), r.app, c, wish)
			r.want("sign in", err, test.want)
			if n := r.number("SELECT count(*) FROM pending_signins"); n != 0 {
				t.Errorf("%d sign-ins wait", n)
			}
		})
	}
}
