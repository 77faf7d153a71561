package account

import (
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// TestRegisterWithCode: a code for the address makes an account with it, proved, and with whatever else is wished; it is
// signed in if that is, and never without. The code is spent.
func TestRegisterWithCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		channel message.Channel
		account string
		user    NewUser
		signIn  bool
		amr     string
	}{
		"e-mail only":             {message.Email, "Bob@Example.com", NewUser{}, false, ""},
		"phone only":              {message.Phone, "139 0013 9000", NewUser{}, false, ""},
		"e-mail, signed in":       {message.Email, "Bob@Example.com", NewUser{}, true, "{otp}"},
		"phone, signed in":        {message.Phone, "139 0013 9000", NewUser{}, true, "{sms}"},
		"with a password":         {message.Email, "Bob@Example.com", NewUser{Password: password}, false, ""},
		"with a name, a password": {message.Phone, "139 0013 9000", NewUser{Username: "Bob", Password: password, Profile: db.Members{"nickname": "B"}}, true, "{sms}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c := r.code("register", test.channel, test.account)
			u, tokens, err := r.RegisterWithCode(from(t.Context(), "192.0.2.1"), r.app, c, test.user, test.signIn)
			r.must(err)
			stored := r.reload(u)
			var email, phone, username string
			for to, from := range map[*string]*string{&email: stored.Email, &phone: stored.Phone, &username: stored.Username} {
				if from != nil {
					*to = *from
				}
			}
			byEmail := test.channel == message.Email
			if byEmail != (email == "bob@example.com") || byEmail == (phone == "+8613900139000") || username != test.user.Username ||
				stored.EmailVerified != byEmail || stored.PhoneVerified == byEmail || stored.Source != "register" || stored.Status != "Activated" ||
				(stored.PasswordHash != nil) != (test.user.Password != "") || stored.Profile["nickname"] != test.user.Profile["nickname"] {
				t.Errorf("made %+v", stored)
			}
			if r.good(c) {
				t.Error("the code is good for another time")
			}
			if n := r.number("SELECT count(*) FROM sessions WHERE amr::text = $1", test.amr); n != map[bool]int{true: 1}[test.signIn] || (tokens.Access != "") != test.signIn {
				t.Errorf("%d sessions, tokens %+v", n, tokens)
			}
			if n := r.number("SELECT count(*) FROM audit_log WHERE action = 'user.create' AND actor = 'anonymous' AND target = $1 AND ip = '192.0.2.1'", "user:"+u.ID); n != 1 {
				t.Errorf("%d lines in the audit log, want 1", n)
			}
			if test.user.Password != "" {
				typ := c.idType()
				r.want("with the password", r.signIn(typ, test.account, password), nil)
			}
			_, _, err = r.withCode(r.code("login", test.channel, test.account))
			r.want("with a code", err, nil)
		})
	}
}

// TestRegisterWithCodeRefused: what is wrong with the rest makes no account and does not use the code up, so that a person
// corrects it and goes on; a code for something else makes no account at all.
func TestRegisterWithCodeRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		account string // alice@example.com is taken
		use     string
		user    NewUser
		want    error
		mended  *NewUser // nil where nothing helps
	}{
		"weak password":     {"bob@example.com", "register", NewUser{Password: "12345678"}, ErrPassword, &NewUser{Password: password}},
		"own address":       {"zhangwei.guangzhou@example.com", "register", NewUser{Password: "zhangwei.guangzhou@example.com"}, ErrPassword, &NewUser{Password: password}},
		"bad user name":     {"bob@example.com", "register", NewUser{Username: "a b"}, ErrUsername, &NewUser{Username: "bob"}},
		"taken user name":   {"bob@example.com", "register", NewUser{Username: "ALICE"}, ErrUsernameTaken, &NewUser{Username: "bob"}},
		"large custom data": {"bob@example.com", "register", NewUser{CustomData: object(strings.Repeat("x", MaxCustomData))}, ErrCustomData, &NewUser{}},
		"taken address":     {"Alice@Example.com", "register", NewUser{}, ErrEmailTaken, nil},
		"of another use":    {"bob@example.com", "login", NewUser{}, errCode, nil},
		"no address":        {"bob", "register", NewUser{}, ErrEmail, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.both("alice", "13800138000")
			c := r.code(test.use, message.Email, test.account)
			register := func(n NewUser) (db.User, error) {
				u, tokens, err := r.RegisterWithCode(t.Context(), r.app, c, n, true)
				if (err == nil) != (tokens.Access != "") {
					t.Errorf("tokens %+v with %v", tokens, err)
				}
				return u, err
			}
			_, err := register(test.user)
			r.want("register", err, test.want)
			if n := r.number("SELECT count(*) FROM users"); n != 1 || !r.good(c) {
				t.Errorf("%d users, and the code is still good: %v", n, r.good(c))
			}
			if n := r.number("SELECT count(*) FROM audit_log WHERE outcome = 'refused' AND action = 'user.create'"); n != map[bool]int{true: 1}[test.want == errCode] {
				t.Errorf("%d refusals in the audit log", n)
			}
			if test.mended != nil {
				u, err := register(*test.mended)
				r.want("corrected", err, nil)
				if stored := r.reload(u); !stored.EmailVerified {
					t.Errorf("made %+v", stored)
				}
			}
		})
	}
}

// TestRegistrationsAreLimited (security, accounts): so many from one client, with and without a code together; who is over
// it is not evaluated.
func TestRegistrationsAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.RegisterPerIP = limit.Rule{Name: "register", Max: 2, Per: time.Hour}
	register := func(ip string, c Sent) error {
		_, _, err := r.RegisterWithCode(from(t.Context(), ip), r.app, c, NewUser{}, false)
		return err
	}
	_, err := r.Register(from(t.Context(), "2001:db8::1"), "pool", "bob", password)
	r.want("without a code", err, nil)
	r.want("with a code", register("2001:db8::2", r.code("register", message.Email, "carol@example.com")), nil)
	c := r.code("register", message.Email, "dave@example.com")
	checked := r.codes.checked.Load()
	r.want("another", register("2001:db8::3", c), apierr.ErrRateLimited)
	if r.codes.checked.Load() != checked || !r.good(c) {
		t.Error("the code was evaluated for a refused request")
	}
	r.want("another client", register("192.0.2.1", c), nil)
}

// TestTakenAddressByRace: two codes for one address make one account; the other is told that the address is taken, and has
// not used its code up.
func TestTakenAddressByRace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	codes := []Sent{r.code("register", message.Phone, "+8613900139000"), r.code("register", message.Phone, "13900139000")}
	next := make(chan Sent, len(codes))
	for _, c := range codes {
		next <- c
	}
	won := 0
	for _, err := range together(len(codes), func() error {
		_, _, err := r.RegisterWithCode(t.Context(), r.app, <-next, NewUser{}, false)
		return err
	}) {
		if err == nil {
			won++
		} else {
			r.want("the other", err, ErrPhoneTaken)
		}
	}
	if left := r.number("SELECT count(*) FROM captchas"); won != 1 || left != 1 || r.number("SELECT count(*) FROM users") != 1 {
		t.Errorf("%d made an account, %d codes are left", won, left)
	}
}
