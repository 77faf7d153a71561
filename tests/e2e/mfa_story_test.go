package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestPhoneEntersAtEveryDoor (T1, T2, T4): a phone reads the picture, which two readers agree about; its codes, computed by
// oathtool, bind it and open every door, each once. What was a key at one door is none at the others.
func TestPhoneEntersAtEveryDoor(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h)
	r := must(alice.Client.GetMFAQRCodeWithResponse(t.Context(), nil))(t)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		t.Fatalf("enrolment: %s", r.Body)
	}
	text := h.ReadQR(h.DataURI(r.JSON200.Data.Qrcode))
	if other := zbar(t, r.JSON200.Data.Qrcode); other != text {
		t.Errorf("two readers disagree: %q and %q", text, other)
	}
	label, parameters := h.ReadURI(text)
	alice.Secret = parameters.Get("secret")
	if label != "Menshen:alice" || alice.Secret != r.JSON200.Data.Secret || len(alice.Secret) != 32 { // 160 bit
		t.Errorf("the picture says %q, and the page %q", text, r.JSON200.Data.Secret)
	}
	bound := oathtool(t, alice.Secret, h.Clock.Now())
	wantSuccess(t, "bind", alice.Bind(bound, ""))

	doors := entrances(t, h)
	for _, door := range doors {
		wantSaid(t, door.name+": the code that bound", door.enter(bound), saysUsed)
	}
	for _, door := range doors {
		h.Clock.Advance(harness.Step)
		code := oathtool(t, alice.Secret, h.Clock.Now())
		wantSaid(t, door.name+": a wrong code", door.enter(alice.WrongCode()), saysWrong)
		access := wantIn(t, h, door.name, door.enter(code))
		wantAMR(t, h, door.name, access, door.amr)
		for _, other := range doors {
			wantSaid(t, other.name+": what opened "+door.name, other.enter(code), saysUsed)
		}
	}
}

// TestCodesAreExact (T3, T9): a code is good in its own time step and in the one before and after it, and in no other; with
// another window, in as many as that. Digits of other scripts, spaces and signs make no code.
func TestCodesAreExact(t *testing.T) {
	t.Parallel()
	for skew, reach := range map[int]int{0: 0, 1: 1, 2: 2} {
		h := harness.New(t, harness.NoLimits, func(c *app.Config) { c.TOTPSkew = skew })
		h.Clock.Freeze()
		alice := resident(h).EnrolTOTP()
		for off := -4; off <= 4; off++ {
			h.Clock.Advance(20 * harness.Step) // whatever step was used is over
			h.Exec(`UPDATE mfa_factors SET drift = 0, failures = 0, blocked_until = NULL`)
			phone := alice.Phone()
			phone.Ahead = time.Duration(off) * harness.Step
			if in := harness.OutcomeOf(alice.TryLogin(phone.Code())).Success(); in != (off >= -reach && off <= reach) {
				t.Errorf("window %d: a code %d steps away opens the door: %t", skew, off, in)
			}
		}
	}
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	code := alice.Code()
	wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
	for _, form := range []string{wide, code + "0", "0" + code, code[:5], " " + code, code + "\n", code[:3] + " " + code[3:], "+" + code, "0x" + code} {
		if harness.OutcomeOf(alice.TryLogin(form)).Success() {
			t.Errorf("%q is taken for %q", form, code)
		}
		h.Exec(`UPDATE mfa_factors SET failures = 0, blocked_until = NULL`)
	}
	alice.Login(code)
}

// TestPictureSpeaksEveryScript (T12): whatever issuer and account are called, both readers get the same URI from the picture,
// ASCII throughout, and an app gets both names back from it.
func TestPictureSpeaksEveryScript(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	for _, c := range []struct{ issuer, username, email, label string }{
		{"Menshen", "alice", "", "Menshen:alice"},
		{"门神", "爱丽丝", "", "门神:爱丽丝"},
		{"Müller & Söhne", "jürgen", "", "Müller & Söhne:jürgen"},
		{"АО «Врата»", "алиса", "", "АО «Врата»:алиса"},
		{"حارس", "ليلى", "", "حارس:ليلى"},
		{"守り神 ガード", "アリス", "", "守り神 ガード:アリス"},
		{"50% off?/#=+", "", "a+b@example.com", "50% off?/#=+:a+b@example.com"},
		{"Acme: West", "bob", "", "Acme  West:bob"}, // a colon would end the issuer
	} {
		h.Exec(`UPDATE userpools SET name = $1`, c.issuer)
		dto := gen.CreateUserReqDto{Password: ptr(harness.Password)}
		account := c.username
		if c.email == "" {
			dto.Username = &c.username
		} else {
			account, dto.Email = c.email, ptr(c.email)
		}
		h.CreateUser(dto)
		set := must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Account: &account})))(t)
		if set.JSON200 == nil || set.JSON200.Data == nil {
			t.Fatalf("%s: %s", account, set.Body)
		}
		client := h.NewClient(harness.Header("Access-Token", *set.JSON200.Data.AccessToken))
		r := must(client.GetMFAQRCodeWithResponse(t.Context(), nil))(t)
		if r.JSON200 == nil || r.JSON200.Data == nil {
			t.Fatalf("%s: %s", account, r.Body)
		}
		text := h.ReadQR(h.DataURI(r.JSON200.Data.Qrcode))
		if other := zbar(t, r.JSON200.Data.Qrcode); other != text {
			t.Errorf("two readers disagree: %q and %q", text, other)
		}
		label, parameters := h.ReadURI(text)
		issuer, _, _ := strings.Cut(c.label, ":")
		want := url.Values{"secret": {r.JSON200.Data.Secret}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
		if label != c.label || parameters.Encode() != want.Encode() {
			t.Errorf("of %s at %s the picture says %q with %v", account, c.issuer, label, parameters)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '+' || r == '"' }) {
			t.Errorf("not every app reads %q", text)
		}
	}
}

// TestWaitingSecretIsBrief (T11): a secret waits ten minutes, for the session that asked, and five wrong codes void it. Who
// asks again meanwhile is shown the same one. What a client says about it must be right.
func TestWaitingSecretIsBrief(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice, tablet := h.SignUp("alice"), h.SignIn("alice")
	scan := func(p *harness.Person) *harness.Authenticator { return h.Phone(p.Scan()) }
	const nothing = "No secret waits"

	first := scan(alice)
	if again := scan(alice); again.Secret != first.Secret {
		t.Error("a page that asks twice voids the picture that was scanned")
	}
	other := scan(tablet)
	if other.Secret == first.Secret {
		t.Error("another session is shown the same secret")
	}
	wantRefused(t, "what another session has replaced", alice.Bind(first.Code(), ""), nothing)
	wantRefused(t, "what another session has asked for", alice.Bind(other.Code(), ""), nothing)

	own := scan(alice)
	h.Clock.Advance(10 * time.Minute)
	wantRefused(t, "after ten minutes", alice.Bind(own.Code(), ""), nothing)
	own = scan(alice)
	h.Clock.Advance(5*time.Minute - time.Second) // the session is fresh for fifteen
	for _, wrong := range h.WrongCodes(5, own.Secret) {
		wantRefused(t, "a wrong code", alice.Bind(wrong, ""), saysWrong)
	}
	wantRefused(t, "the right code after five wrong ones", alice.Bind(own.Code(), ""), nothing)

	alice.Login("")
	own = scan(alice)
	bind := func(secret string) *gen.BindMFAResult {
		return must(alice.Client.BindMFAWithResponse(t.Context(), nil, gen.MFABindRequest{Code: own.Code(), Secret: &secret}))(t)
	}
	wantRefused(t, "another secret", bind(first.Secret), "not the secret")
	wantSuccess(t, "its own, as a person copies it", bind(strings.ToLower(own.Secret[:4]+" "+own.Secret[4:])))
	if n := h.Count(`SELECT count(*) FROM mfa_pending`); n != 0 {
		t.Errorf("%d secrets still wait", n)
	}
}
