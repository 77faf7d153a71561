package account

import (
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/limit"
)

// image is a right answer to an image for a login.
var image = Captcha{"login", "right"}

// withImage tries a password at the door that knows images, from an address.
func (r *rig) withImage(ip, account, password string, answer Captcha) error {
	c := Credentials{Type: ByUsername, Account: account, Password: password}
	_, _, err := r.SignInWithCaptcha(from(r.t.Context(), ip), r.app, c, answer)
	return err
}

// TestImageAfterFailures (security, accounts): three tries on an account are free, from wherever they come and however it
// is spelt; then an image is needed, even with the right password, which is not looked at without one. Accounts that
// nobody has are the same (C6). A success forgets the tries, at whichever door.
func TestImageAfterFailures(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"alice", "nobody"} {
		t.Run(account, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.user("alice")
			r.user("bob")
			r.SignInFree = limit.Rule{Name: "free", Max: 3, Per: 5 * time.Minute}
			spent := func() {
				t.Helper()
				for i := range 3 {
					r.want("a free try", r.withImage(fmt.Sprint("192.0.2.", i), account, "wrong password", Captcha{}), ErrCredentials)
				}
			}
			spent()
			queue := r.hasher.queue
			r.hasher.queue = nil // who is hashed now panics
			for _, spelling := range []string{account, "ＡＬＩＣＥ"} {
				if account == "nobody" {
					spelling = "NOBODY"
				}
				r.want("without an image", r.withImage("192.0.2.9", spelling, password, Captcha{}), errImageNeeded)
			}
			r.wantAudit("without an image", "", "anonymous user.signin refused")
			r.want("with a wrong image", r.withImage("192.0.2.9", account, password, Captcha{"login", "wrong"}), errCode)
			r.want("with one for something else", r.withImage("192.0.2.9", account, password, Captcha{"register", "right"}), errCode)
			r.hasher.queue = queue
			r.want("wrong, with an image", r.withImage("192.0.2.9", account, "wrong password", image), ErrCredentials)
			r.want("another account", r.withImage("192.0.2.9", "bob", password, Captcha{}), nil)
			if account == "nobody" {
				return
			}
			r.want("right, with an image", r.withImage("192.0.2.9", account, password, image), nil)
			spent()
			r.want("once more", r.withImage("192.0.2.9", account, "wrong password", Captcha{}), errImageNeeded)
			r.want("at a door without images", r.signIn(ByUsername, account, password), nil)
			spent()
			r.advance(100 * time.Second)
			r.want("after a while", r.withImage("192.0.2.9", account, password, Captcha{}), nil)
		})
	}
}

// TestImageAfterFailuresOfAClient (security, accounts): a client has twenty tries without an image, on whichever accounts,
// and a success does not give it more.
func TestImageAfterFailuresOfAClient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.user("alice")
	r.SignInFreeIP = limit.Rule{Name: "free.ip", Max: 20, Per: 5 * time.Minute}
	for i := range 20 {
		account, secret, want := fmt.Sprint("user", i), "wrong password", ErrCredentials
		if i == 10 {
			r.want("right", r.withImage(fmt.Sprint("2001:db8::", i), "alice", password, Captcha{}), nil)
			continue
		}
		r.want(account, r.withImage(fmt.Sprint("2001:db8::", i), account, secret, Captcha{}), want)
	}
	r.want("one more", r.withImage("2001:db8::ffff", "alice", password, Captcha{}), errImageNeeded)
	r.want("with an image", r.withImage("2001:db8::ffff", "alice", password, image), nil)
	r.want("another client", r.withImage("192.0.2.1", "alice", password, Captcha{}), nil)
}

// TestImageIsCheckedWhenSent (C4): one that is sent along is evaluated though none is needed, before the password is.
func TestImageIsCheckedWhenSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.user("alice")
	r.SignInFree = limit.Rule{Name: "free", Max: 3, Per: 5 * time.Minute}
	for range 5 {
		r.want("wrong image, right password", r.withImage("192.0.2.1", "alice", password, Captcha{"login", "wrong"}), errCode)
	}
	r.want("only an id", r.withImage("192.0.2.1", "alice", password, Captcha{ID: "login"}), errCode)
	r.want("only an answer", r.withImage("192.0.2.1", "alice", password, Captcha{Answer: "right"}), errCode)
	for range 3 {
		r.want("none, and still free", r.withImage("192.0.2.1", "alice", "wrong password", Captcha{}), ErrCredentials)
	}
}

// TestAccountWideLimit (security, accounts): a hundred tries an hour on one account, from anywhere, with images or not;
// then not even the right password is looked at. A success before that gives all of it back.
func TestAccountWideLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.user("alice")
	r.SignInOnAccount = limit.Rule{Name: "on", Max: 5, Per: time.Hour}
	try := func(i int, secret string) error {
		return r.withImage(fmt.Sprint("192.0.2.", i), "alice", secret, image)
	}
	for range 2 {
		for i := range 4 {
			r.want("wrong", try(i, "wrong password"), ErrCredentials)
		}
		r.want("right, as the fifth", try(9, password), nil)
	}
	for i := range 5 {
		r.want("wrong", try(i, "wrong password"), ErrCredentials)
	}
	r.hasher.queue = nil // who is hashed now panics
	r.want("right, as the sixth", try(9, password), apierr.ErrRateLimited)
	r.hasher.queue = newHasher(1, time.Minute).queue
	r.want("of another account", r.withImage("192.0.2.9", "bob", password, image), ErrCredentials)
	r.advance(12 * time.Minute)
	r.want("after a while", try(9, password), nil)
}

// TestFailedFactorDoesNotForgive (security, accounts): the tries are forgotten by a session, and not by a right password
// whose second factor was wrong or missing, where the door has a field for it.
func TestFailedFactorDoesNotForgive(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set  func(f *factors)
		code string
		want error
	}{
		"evaluated": {func(f *factors) { f.refuse = apierr.ErrRequest }, factorCode, apierr.ErrRequest},
		"spent":     {func(f *factors) { f.refuseSpend = apierr.ErrRequest }, factorCode, apierr.ErrRequest},
		"wrong":     {func(*factors) {}, "000000", errFactor},
		"missing":   {func(*factors) {}, "", ErrCodeRequired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.bind(r.user("alice"))
			r.SignInOnAccount = limit.Rule{Name: "on", Max: 3, Per: time.Hour}
			test.set(r.factors)
			try := func(code string) error {
				_, _, err := r.SignIn(from(t.Context(), "192.0.2.1"), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password, Code: code}, Wish{})
				return err
			}
			for range 3 {
				r.want("right password, wrong factor", try(test.code), test.want)
			}
			r.want("a fourth", try(test.code), apierr.ErrRateLimited)
			r.factors.refuse, r.factors.refuseSpend = nil, nil
			r.advance(20 * time.Minute)
			r.want("after a while, all right", try(factorCode), nil)
			for range 3 {
				r.want("three more", try("000000"), errFactor)
			}
		})
	}
}

// TestWaitingForgives (security, accounts): where the sign-in waits for the code, the right password has done its part: the
// tries on it are forgotten, since those on the code are counted elsewhere.
func TestWaitingForgives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bind(r.user("alice"))
	r.SignInFree = limit.Rule{Name: "free", Max: 3, Per: 5 * time.Minute}
	for range 5 {
		r.want("right password", r.withImage("192.0.2.1", "alice", password, Captcha{}), ErrCodeRequired)
	}
	for range 3 {
		r.want("wrong password", r.withImage("192.0.2.1", "alice", "wrong password", Captcha{}), ErrCredentials)
	}
	r.want("a fourth", r.withImage("192.0.2.1", "alice", password, Captcha{}), errImageNeeded)
}
