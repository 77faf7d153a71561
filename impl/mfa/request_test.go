package mfa

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

// request asks for a secret as the status dialect does, and puts it into the user's app.
func (r *rig) request(name string) Enrolment {
	r.t.Helper()
	e, err := r.Request(r.t.Context(), r.user, name)
	r.must(err)
	key, err := otpauth.Parse(e.URI)
	r.must(err)
	r.app = generator{key.Secret, key.Algorithm, key.Digits, key.Period}
	r.apps = append(r.apps, r.app)
	return e
}

func (r *rig) confirm(code, token string) error {
	return r.Confirm(r.t.Context(), r.user, Confirmation{Code: code, Token: token})
}

// TestRequest (T11, T14): the token, and not the session alone, confirms what was asked for in the status dialect; the name
// is that of the request, and the recovery code that was shown with it becomes good with it, and not before.
func TestRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.request("My phone")
	if u, err := url.Parse(e.URI); err != nil || u.Query().Get("secret") != e.Secret || len(e.Token) < 32 || e.Picture == "" {
		t.Errorf("%+v, %v", e, err)
	}
	r.want("its recovery code, too early", r.verify(e.RecoveryCode), ErrRecoveryCode)
	for name, token := range map[string]string{"no token": "", "another": e.Token + "x", "the recovery code": e.RecoveryCode, "the secret": e.Secret} {
		for range 5 { // these are no tries
			r.want(name, r.confirm(r.code(), token), ErrNothingWaits)
		}
	}
	r.want("the token", r.confirm(r.code(), e.Token), nil)
	if f := r.factors(); len(f) != 1 || f[0].Name != "My phone" {
		t.Errorf("bound %+v", f)
	}
	r.want("the token again", r.confirm(r.codeOf(1), e.Token), ErrNothingWaits)
	if left, err := r.RecoveryCodesLeft(t.Context(), r.user); err != nil || left != 1 {
		t.Errorf("%d recovery codes, %v; want 1", left, err)
	}
	r.want("its recovery code", r.verify(e.RecoveryCode), nil)
	r.want("once only", r.verify(e.RecoveryCode), ErrRecoveryCodeUsed)
}

// TestNewestRequest (T11): each request has a secret, a token and a recovery code of its own, and voids what waited before,
// also what the other dialect shows; which in turn voids the request.
func TestNewestRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.request("one")
	second := r.request("two")
	if first.Secret == second.Secret || first.Token == second.Token || first.RecoveryCode == second.RecoveryCode {
		t.Error("two requests share something")
	}
	r.want("the former", r.confirm(r.codeBy(r.apps[0], 0), first.Token), ErrNothingWaits)
	r.want("the former's token for the newer", r.confirm(r.code(), first.Token), ErrNothingWaits)
	shown := r.scan()
	if shown == second.Secret {
		t.Error("the page shows a secret that waits for a token")
	}
	r.want("the request, after the page", r.confirm(r.codeBy(r.apps[1], 0), second.Token), ErrNothingWaits)
	r.want("the page", r.bind(r.code(), shown), nil)
	r.want("a recovery code of what was voided", r.verify(second.RecoveryCode), ErrRecoveryCode)
	if f := r.factors(); f[0].Name != "Authenticator" {
		t.Errorf("named %q", f[0].Name)
	}
}

// TestRequestIsVoid (T11): after five wrong codes or ten minutes the token is good for nothing, nor is the recovery code.
func TestRequestIsVoid(t *testing.T) {
	t.Parallel()
	for name, void := range map[string]func(r *rig, e Enrolment){
		"five wrong codes": func(r *rig, e Enrolment) {
			for range 5 {
				r.want("a wrong code", r.confirm(r.wrong(), e.Token), ErrCodeWrong)
			}
		},
		"ten minutes": func(r *rig, _ Enrolment) { r.advance(10 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			e := r.request("")
			void(r, e)
			r.want("the right code", r.confirm(r.code(), e.Token), ErrNothingWaits)
			r.want("the recovery code", r.verify(e.RecoveryCode), ErrRecoveryCode)
			if len(r.factors()) != 0 {
				t.Error("it is bound")
			}
		})
	}
}

// TestRequestTwiceIsNoGuessing (T11): asking again gives five tries on another secret, and none on the former.
func TestRequestTwiceIsNoGuessing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 3 {
		e := r.request("")
		for range 4 {
			r.want("a wrong code", r.confirm(r.wrong(), e.Token), ErrCodeWrong)
		}
	}
	e := r.request("")
	r.want("of the former", r.confirm(r.codeBy(r.apps[2], 0), e.Token), ErrCodeWrong)
	r.want("of the newest", r.confirm(r.code(), e.Token), nil)
}

// TestWhoMayBind (T11, ASVS 7.5.1): the first authenticator needs a sign-in of the last fifteen minutes; a further one a
// code of a bound one in the last five. Whoever finds a session binds nothing.
func TestWhoMayBind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bound           bool
		signedIn, shown time.Duration // ago; shown negative for never
		want            error
	}{
		"first, just signed in":            {false, 0, -1, nil},
		"first, at the last moment":        {false, 15 * time.Minute, -1, nil},
		"first, too late":                  {false, 15*time.Minute + time.Microsecond, -1, authn.ErrStale},
		"second, just signed in":           {true, 0, -1, ErrBound},
		"second, shown a code":             {true, time.Hour, 0, nil},
		"second, at the last moment":       {true, time.Hour, 5 * time.Minute, nil},
		"second, too late":                 {true, 0, 5*time.Minute + time.Microsecond, ErrBound},
		"first, with a code of no use now": {false, time.Hour, 0, authn.ErrStale},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if test.bound {
				r = boundRig(t)
			}
			r.proved(test.signedIn, test.shown)
			claims := r.user // what was known when the request came in is looked up again
			claims.AuthTime, claims.MFAAt = r.clock.now.Add(-24*time.Hour), nil
			if test.want != nil {
				claims.AuthTime, claims.MFAAt = r.clock.now, &r.clock.now
			}
			_, err := r.Enrol(t.Context(), claims)
			r.want("the page", err, test.want)
			_, err = r.Request(t.Context(), claims, "")
			r.want("the request", err, test.want)
		})
	}
}

// TestOldFactorStays (T11): while another secret waits, and when it is void, the bound authenticator is what it was; when it
// is confirmed, both are good.
func TestOldFactorStays(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	first := r.app
	r.stepUp(r.code())
	before := r.factors()[0]
	r.scan()
	for range 5 {
		r.want("a wrong code", r.bind(r.wrong(), ""), ErrCodeWrong)
	}
	after := r.factors()
	if len(after) != 1 || after[0].ID != before.ID || !bytes.Equal(after[0].SecretSealed, before.SecretSealed) || after[0].Failures != 0 {
		t.Errorf("after a failed enrolment: %+v, before %+v", after, before)
	}
	r.advance(30 * time.Second)
	r.must(r.verify(r.codeBy(first, 0)))
	r.scan()
	r.must(r.bind(r.code(), ""))
	r.advance(time.Minute)
	r.must(r.verify(r.codeBy(first, 0)))
	r.must(r.verify(r.code()))
	if a, b := r.factors()[0], r.factors()[1]; bytes.Equal(a.SecretSealed, b.SecretSealed) || a.ID == b.ID || bytes.Equal(first.secret, r.app.secret) {
		t.Error("two authenticators share a secret (T1)")
	}
}

// TestPendingFromBefore (T11): a secret that was asked for before there was an authenticator does not become a second one,
// though its code is right: whoever held the session then has not shown a code. One that was asked for after does.
func TestPendingFromBefore(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"page", "request"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := ""
			if way == "page" {
				r.scan()
			} else {
				token = r.request("").Token
			}
			r.imported("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "")
			first := generator{[]byte("12345678901234567890"), "SHA1", 6, 30}
			r.want("confirm", r.confirm(r.code(), token), ErrBound)
			if len(r.factors()) != 1 {
				t.Fatalf("%d authenticators", len(r.factors()))
			}
			old := r.code()
			r.stepUp(r.codeBy(first, 0))
			r.want("after a step-up, what was asked for before", r.confirm(old, token), ErrBound)
			if way == "page" {
				r.scan()
				if old == r.code() {
					t.Error("the secret of before is shown again")
				}
				token = ""
			} else {
				token = r.request("").Token
			}
			r.want("what was asked for after", r.confirm(r.code(), token), nil)
		})
	}
}

// TestAtMostFive: a user has five authenticators and no more, and is told so before scanning; after one is removed there is
// room again.
func TestAtMostFive(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	first := r.app
	room := func(want bool) {
		t.Helper()
		if got, err := r.MayEnrol(t.Context(), r.user); err != nil || got != want {
			t.Errorf("room: %v, %v; want %v", got, err, want)
		}
	}
	for n := 2; n <= 5; n++ {
		room(true)
		r.another("", first)
	}
	room(false)
	r.stepUp(r.codeBy(first, 0))
	_, err := r.Enrol(t.Context(), r.user)
	r.want("the page", err, ErrTooMany)
	_, err = r.Request(t.Context(), r.user, "")
	r.want("the request", err, ErrTooMany)
	r.must(r.Reset(t.Context(), r.user, r.factors()[4].ID))
	r.scan()
	r.execute(`INSERT INTO mfa_factors (userpool_id, id, user_id, name, secret_sealed, algorithm, digits, period, last_step, created_at)
		SELECT userpool_id, 'fifth', user_id, 'fifth', secret_sealed, algorithm, digits, period, last_step, created_at
		FROM mfa_factors WHERE name = 'Authenticator'`) // meanwhile, by another way
	r.want("confirm", r.bind(r.code(), ""), ErrTooMany)
	var names []string
	for _, f := range r.factors() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if want := "[Authenticator Authenticator 2 Authenticator 3 Authenticator 4 fifth]"; fmt.Sprint(names) != want {
		t.Errorf("named %v, want %s", names, want)
	}
}

// TestNames: a name is a user's own, once, and without what a person would not see; the one of the confirmation goes before
// that of the request; who gives none, or nothing but blanks, gets one. A name that is taken costs neither the secret nor
// the code.
func TestNames(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	first := r.app
	r.stepUp(r.code())
	e := r.request("  Work\u200b   phone\n")
	r.must(r.confirm(r.code(), e.Token))
	r.advance(time.Minute)
	e = r.request("Authenticator")
	r.want("taken", r.confirm(r.code(), e.Token), ErrName)
	r.want("taken as well, when it is tidy", r.Confirm(t.Context(), r.user, Confirmation{Code: r.code(), Token: e.Token, Name: "Work phone "}), ErrName)
	r.want("free", r.Confirm(t.Context(), r.user, Confirmation{Code: r.code(), Token: e.Token, Name: "平板"}), nil)
	r.advance(time.Minute)
	e = r.request(" \t\u2060 ")
	r.want("blank", r.confirm(r.code(), e.Token), nil)
	var names []string
	for _, f := range r.factors() {
		names = append(names, f.Name)
	}
	if want := []string{"Authenticator", "Work phone", "平板", "Authenticator 2"}; !slices.Equal(names, want) {
		t.Errorf("named %q, want %q", names, want)
	}
	r.advance(time.Minute)
	r.must(r.verify(r.codeBy(first, 0)))
}

// TestTidyName: what is left is what a person sees, in one form, and nothing changes when it is tidied again: names that
// look the same are the same.
func TestTidyName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "  ": "", "\x00\x1f\u007f": "", "My phone": "My phone", " a   b ": "a b", "a\u00a0b": "a b", "a\u3000b": "a b", "\u202etxt": "txt",
		"a\u200db": "ab", "\ufeffa": "a", "e\u0301": "é", "门神": "门神", "🛡": "🛡", "a\u2028b": "a b", "\xff": "\ufffd",
		strings.Repeat("x", 63) + " y": strings.Repeat("x", 63), strings.Repeat("门", 65): strings.Repeat("门", 64), // of 64 characters
		"e\u200d\u0301": "é", // the joiner kept the accent from its letter
	} {
		got := tidyName(name)
		if got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
		if again := tidyName(got); again != got {
			t.Errorf("%q becomes %q, and that %q", name, got, again)
		}
	}
}

// TestPolicy (T2): new secrets are of the service's policy, 160 bit of whichever algorithm; those bound before stay what
// they are, and both are good.
func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, policy := range []struct {
		algorithm string
		digits    int
	}{{"SHA256", 6}, {"SHA512", 8}, {"SHA1", 7}} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			t.Parallel()
			r := boundRig(t)
			first := r.app
			r.stepUp(r.code())
			r.Algorithm, r.Digits = policy.algorithm, policy.digits
			e := r.request("")
			if r.app.algorithm != policy.algorithm || r.app.digits != policy.digits || r.app.period != 30 || len(r.app.secret) != 20 {
				t.Errorf("%+v of %s", r.app, strings.Split(e.URI, "?")[0])
			}
			r.want("a code of the former policy", r.confirm(r.codeBy(generator{r.app.secret, "SHA1", 6, 30}, 0), e.Token), ErrCodeWrong)
			r.must(r.confirm(r.code(), e.Token))
			r.advance(time.Minute)
			for _, app := range []generator{first, r.app} {
				if err := r.verify(r.codeBy(app, 0)); err != nil {
					t.Errorf("%s, %d digits: %v", app.algorithm, app.digits, err)
				}
			}
		})
	}
}

// TestParallelConfirmations (T11): of parallel confirmations of the same request one binds, and one recovery code is good.
func TestParallelConfirmations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.request("")
	code := r.code()
	won, lost := parallel(t, func() error { return r.confirm(code, e.Token) }, nil, ErrNothingWaits)
	if won != 1 || lost != 63 {
		t.Errorf("%d won and %d lost, want 1 and 63", won, lost)
	}
	if left, err := r.RecoveryCodesLeft(t.Context(), r.user); err != nil || left != 1 || errors.Is(r.verify(e.RecoveryCode), ErrRecoveryCode) {
		t.Errorf("%d recovery codes, %v", left, err)
	}
}
