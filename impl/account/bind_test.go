package account

import (
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/message"
)

// TestBindAddress: a code for an address makes it the caller's own, proved, in the form that the code was sent to; one that
// the account had before is replaced. The user is told by e-mail, at the address of before. Only what changes is told.
func TestBindAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		had          NewUser
		channel      message.Channel
		account      string
		email, phone string
		told         []string
	}{
		"a first e-mail address": {NewUser{Username: "u"}, message.Email, "New@Example.com", "new@example.com", "", nil},
		"a first phone number":   {NewUser{Username: "u"}, message.Phone, "139 0013 9000", "", "+8613900139000", nil},
		"a first phone number, with e-mail": {
			NewUser{Email: "old@example.com"}, message.Phone, "13900139000", "old@example.com", "+8613900139000", []string{"phone_changed to old@example.com"},
		},
		"another e-mail address": {
			NewUser{Email: "Old@example.com", Phone: "13800138000"},
			message.Email, "new@example.com", "new@example.com", "+8613800138000",
			[]string{"email_changed to Old@example.com"},
		},
		"another phone number": {
			NewUser{Email: "old@example.com", Phone: "13800138000"},
			message.Phone, "13900139000", "old@example.com", "+8613900139000",
			[]string{"phone_changed to old@example.com"},
		},
		"another phone number, without e-mail": {
			NewUser{Phone: "13800138000"}, message.Phone, "13900139000", "", "+8613900139000", nil,
		},
		"the same e-mail address, not proved before": {
			NewUser{Email: "Old@example.com"}, message.Email, "OLD@example.com", "old@example.com", "", []string{"email_changed to Old@example.com"},
		},
		"the same e-mail address": {NewUser{Email: "Old@example.com", EmailVerified: true}, message.Email, "OLD@example.com", "Old@example.com", "", nil},
		"the same phone number, not proved before": {
			NewUser{Email: "old@example.com", Phone: "13800138000"},
			message.Phone, "+8613800138000", "old@example.com", "+8613800138000",
			[]string{"phone_changed to old@example.com"},
		},
		"the same phone number": {
			NewUser{Email: "old@example.com", Phone: "13800138000", PhoneVerified: true}, message.Phone, "138-0013-8000", "old@example.com", "+8613800138000", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			u, err := r.CreateUser(t.Context(), "pool", "key", test.had)
			r.must(err)
			caller, c := r.caller(u), r.code("bindAccount", test.channel, test.account)
			r.must(r.BindAddress(from(t.Context(), "192.0.2.1"), caller, c))
			now := r.reload(u)
			value := func(s *string) string {
				if s == nil {
					return ""
				}
				return *s
			}
			byEmail := test.channel == message.Email
			if value(now.Email) != test.email || value(now.Phone) != test.phone || now.EmailVerified != byEmail || now.PhoneVerified == byEmail {
				t.Errorf("bound %+v, want %q and %q", now, test.email, test.phone)
			}
			r.wantTold("bound", test.told...)
			r.wantAudit("bound", u.ID, "user user.bind success")
			if r.good(c) {
				t.Error("the code is good for another time")
			}
			_, _, err = r.withCode(r.code("login", test.channel, test.account))
			r.want("signed in with it", err, nil)
			old := test.had.Phone
			if byEmail {
				old = test.had.Email
			}
			if old != "" && !strings.Contains(name, "same") {
				_, _, err = r.withCode(r.code("login", test.channel, old))
				r.want("signed in with the old one", err, ErrUserNotFound)
			}
		})
	}
}

// TestBindAddressRefused: an address of somebody else stays theirs, and a wrong code binds nothing; nobody is told, and
// the code is not used up.
func TestBindAddressRefused(t *testing.T) {
	t.Parallel()
	wrong := func(c Sent) Sent { c.Answer = "654321"; return c }
	for name, test := range map[string]struct {
		code func(r *rig) Sent
		want error
	}{
		"e-mail address of another": {func(r *rig) Sent { return r.code("bindAccount", message.Email, "Bob@Example.com") }, ErrEmailTaken},
		"phone number of another":   {func(r *rig) Sent { return r.code("bindAccount", message.Phone, "139-0013-9000") }, ErrPhoneTaken},
		"wrong code":                {func(r *rig) Sent { return wrong(r.code("bindAccount", message.Email, "new@example.com")) }, errCode},
		"code of another use":       {func(r *rig) Sent { return r.code("register", message.Email, "new@example.com") }, errCode},
		"code of another userpool":  {func(r *rig) Sent { return r.codeIn("other", "bindAccount", message.Email, "new@example.com") }, errCode},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alice, bob := r.both("alice", "13800138000"), r.both("bob", "13900139000")
			c := test.code(r)
			r.want("bind", r.BindAddress(t.Context(), r.caller(alice), c), test.want)
			for _, u := range []struct{ before, now any }{
				{[2]string{*alice.Email, *alice.Phone}, [2]string{*r.reload(alice).Email, *r.reload(alice).Phone}},
				{[2]string{*bob.Email, *bob.Phone}, [2]string{*r.reload(bob).Email, *r.reload(bob).Phone}},
			} {
				if u.before != u.now {
					t.Errorf("%v became %v", u.before, u.now)
				}
			}
			if r.reload(alice).EmailVerified || !r.good(c) {
				t.Errorf("verified, or the code is used up: %v", r.good(c))
			}
			r.wantTold("refused")
			if test.want == errCode {
				r.wantAudit("refused", "", "anonymous user.bind refused")
			}
		})
	}
}

// TestBindInAnotherUserpool (T16): the same address is another account's elsewhere.
func TestBindInAnotherUserpool(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.both("alice", "13800138000")
	u, err := r.CreateUser(t.Context(), "other", "other-key", NewUser{Username: "alice"})
	r.must(err)
	c := r.codeIn("other", "bindAccount", message.Email, "alice@example.com")
	r.want("bind", r.BindAddress(t.Context(), r.caller(u), c), nil)
}

// TestNobodyIsToldWithoutAChannel: where no e-mail can be sent, what is done is done all the same.
func TestNobodyIsToldWithoutAChannel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.notices.absent = true
	alice := r.both("alice", "13800138000")
	caller := r.caller(alice)
	r.want("bind", r.BindAddress(t.Context(), caller, r.code("bindAccount", message.Email, "new@example.com")), nil)
	r.want("change the password", r.ChangePassword(t.Context(), caller, password, password+"!", Captcha{}), nil)
	r.wantTold("both")
}
