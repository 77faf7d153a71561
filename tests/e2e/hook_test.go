package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/hook"
	"github.com/menshen-auth/menshen/tests/harness"
)

// oddContext is JSON that no encoder writes: what arrives was not decoded on its way.
const oddContext = `{ "from":"公众号", "b" : 1.0,"a":12345678901234567890, "A":"<\u00e9&>" }`

// denial is what a pre hook says that refuses.
const denial = `{"decision":"deny","message":"暂停服务 until Monday."}`

// signInWith signs alice in in the status dialect, with a context as it is.
func signInWith(t *testing.T, h *harness.Instance, context string) *gen.SignInResult {
	t.Helper()
	body := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})
	if context != "" {
		body.Options = &gen.SigninOptionsDto{Context: json.RawMessage(context)}
	}
	return must(h.Client.SignInWithResponse(t.Context(), nil, body))(t)
}

// signInRaw is signInWith where not even the generated client writes the context anew.
func signInRaw(h *harness.Instance, context string) *harness.Raw {
	body := `{"connection":"PASSWORD","passwordPayload":{"username":"alice","password":"` + harness.Password + `"},"options":{"context":` + context + `}}`
	return h.Send(http.MethodPost, "/api/v3/signin", http.Header{"Content-Type": {"application/json"}}, body)
}

// told waits until the program was told of so many sessions, and returns them.
func told(t *testing.T, h *harness.Instance, p *harness.Program, n int) []harness.Call {
	t.Helper()
	h.Settle()
	events := p.Events()
	if len(events) != n {
		t.Fatalf("told %d times, want %d: %+v", len(events), n, events)
	}
	return events
}

// TestHooksOfASignIn is the story of both stages: the program learns before a session is opened who wants one, how and from
// where, with the bytes that the client has sent for it, and afterwards which session it became.
func TestHooksOfASignIn(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	pre, post := h.Hook(db.HookPre), h.Hook(db.HookPost)
	r := signInRaw(h, oddContext)
	wantSuccess(t, "sign-in", r)
	before, after := pre.Events(), told(t, h, post, 1)
	if len(before) != 1 {
		t.Fatalf("asked %+v", before)
	}
	for stage, e := range map[string]harness.Call{"pre": before[0], "post": after[0]} {
		d := e.Data
		if e.Type != "authentication."+stage || d.UserpoolID != h.Credentials.UserpoolID || d.ApplicationID != h.Credentials.AppID || d.Method != "password" ||
			d.User.ID != alice.ID || d.User.Username != "alice" || d.User.DisplayName != "alice" || d.IP != "127.0.0.1" || !strings.HasPrefix(d.UserAgent, "Go-http-client") {
			t.Errorf("%s: %s", stage, e.Body)
		}
		if string(d.Context) != oddContext {
			t.Errorf("%s: the context is %s, sent was %s", stage, d.Context, oddContext)
		}
		for _, secret := range []string{harness.Password, `"password":`, "token"} {
			if strings.Contains(strings.ToLower(e.Body), secret) {
				t.Errorf("%s: the program learns %s: %s", stage, secret, e.Body)
			}
		}
	}
	var answer struct{ Data gen.LoginTokenResponseDataDto }
	if err := json.Unmarshal(r.Body, &answer); err != nil {
		t.Fatal(err)
	}
	d := after[0].Data
	if d.SessionID != sessionOf(t, *answer.Data.AccessToken) || fmt.Sprint(d.AMR) != "[pwd]" || d.AttemptID != before[0].Data.AttemptID || before[0].Data.SessionID != "" {
		t.Errorf("afterwards: %s", after[0].Body)
	}
	wantSuccess(t, "without a context", signInWith(t, h, ""))
	if last := pre.Events()[1].Data; string(last.Context) != "{}" || last.AttemptID == d.AttemptID {
		t.Errorf("without a context: %+v", last)
	}
	wantStatus(t, "a context that is too large", signInWith(t, h, `{"k":"`+strings.Repeat("x", 4<<10)+`"}`), 400, 0)
	if len(pre.Events()) != 2 {
		t.Error("it was passed on")
	}
}

// TestHookRefuses: in every dialect the person reads what the program says, in whatever language that is, or the service's own
// words where it says nothing. Nothing is used up, the refusal is in the audit log, and the tries stay counted.
func TestHookRefuses(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.CreateUser(everything())
	h.SignUp("alice")
	opened := h.Count(`SELECT count(*) FROM sessions`)
	refused := func() int {
		return h.Count(`SELECT count(*) FROM audit_log WHERE action = 'user.signin' AND outcome = 'refused'`)
	}
	pre := h.Hook(db.HookPre)
	pre.Answer(200, denial)
	const message = "暂停服务 until Monday."
	password := must(h.Client.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: "alice", Password: harness.Password}))(t)
	wantRefused(t, "base dialect", password, message)
	status := signInWith(t, h, "")
	wantStatus(t, "status dialect", status, 403, 1699)
	code := delivered(h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob)
	byCode := code.login(t, h)
	wantCode(t, "code dialect", byCode, 1000220)
	for _, r := range []any{status, byCode} {
		if o := harness.OutcomeOf(r); o.Text() != message {
			t.Errorf("the person reads %q", o.Text())
		}
	}
	asProblem := must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")}), problem()))(t)
	if o := harness.OutcomeOf(asProblem); o.HTTP != 403 || !strings.Contains(o.Body, "hook.refused") || !strings.Contains(o.Body, message) {
		t.Errorf("problem details: HTTP %d %s", o.HTTP, o.Body)
	}
	if n := refused(); n != 4 {
		t.Errorf("%d refusals are in the audit log, want 4", n)
	}
	pre.Answer(200, `{"decision":"deny"}`)
	wantRefused(t, "without a message", must(h.Client.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: "alice", Password: harness.Password}, in("zh")))(t), "应用拒绝了本次登录。")
	if n := h.Count(`SELECT count(*) FROM sessions`); n != opened {
		t.Errorf("%d sessions were opened", n-opened)
	}
	pre.Answer(204, "")
	wantSuccess(t, "the code, which is still good", code.login(t, h))
}

// TestHookThatFails: a program that is late, broken or talks nonsense stops sign-ins, or lets them pass, as the operator has
// it; the person is told to try again, and never what is wrong.
func TestHookThatFails(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.SignUp("alice")
	done := make(chan struct{})
	pre := h.Hook(db.HookPre, func(w *hook.Wanted) { w.Timeout = hook.MinTimeout })
	t.Cleanup(func() { close(done) })
	patient, hurried, yes, no := hook.MaxTimeout, hook.MinTimeout, true, false
	for name, test := range map[string]struct {
		timeout time.Duration
		answer  func(harness.Call) (int, string)
	}{
		"late":     {hurried, func(harness.Call) (int, string) { <-done; return 200, "" }},
		"HTTP 500": {patient, func(harness.Call) (int, string) { return 500, "" }},
		"nonsense": {patient, func(harness.Call) (int, string) { return 200, "<p>" + denial }},
		"too long": {patient, func(harness.Call) (int, string) { return 200, strings.Repeat(" ", 17<<10) }},
		"redirect": {patient, func(harness.Call) (int, string) { return 302, "" }},
	} {
		pre.AnswerWith(test.answer)
		pre.Set(hook.Change{Timeout: &test.timeout, FailOpen: &no})
		r := signInWith(t, h, "")
		wantStatus(t, name+", closed", r, 503, 1699)
		if o := harness.OutcomeOf(r); o.Message != "The application could not be asked about this sign-in; try again later." {
			t.Errorf("%s: the person reads %q", name, o.Message)
		}
		pre.Set(hook.Change{FailOpen: &yes})
		wantSuccess(t, name+", open", signInWith(t, h, ""))
	}
	pre.Answer(200, denial)
	pre.Set(hook.Change{Timeout: &patient})
	wantStatus(t, "a denial, open", signInWith(t, h, ""), 403, 1699)
	pre.Set(hook.Change{Disabled: &yes})
	wantSuccess(t, "disabled", signInWith(t, h, ""))
}

// TestHooksAndTheAuthenticator: the program is asked before the code is, once, and told of the session when the code was
// right, with the context that came with the password.
func TestHooksAndTheAuthenticator(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice").EnrolTOTP()
	pre, post := h.Hook(db.HookPre), h.Hook(db.HookPost)
	pre.Answer(200, denial)
	if o := harness.OutcomeOf(signInRaw(h, oddContext)); o.APICode != 1699 || strings.Contains(o.Body, "mfaToken") {
		t.Errorf("refused: %s", o.Body)
	}
	pre.Answer(200, `{"decision":"allow"}`)
	var waits struct {
		MFATriggerData struct{ MFAToken string }
	}
	if err := json.Unmarshal(signInRaw(h, oddContext).Body, &waits); err != nil || waits.MFATriggerData.MFAToken == "" {
		t.Fatalf("it does not wait: %v", err)
	}
	if len(post.Events()) != 0 {
		t.Error("told of a session that waits")
	}
	pre.Answer(200, denial) // which nobody asks for any more
	wantSuccess(t, "the code", h.Finish(waits.MFATriggerData.MFAToken, alice.Code()))
	asked, event := pre.Events(), told(t, h, post, 1)[0].Data
	if len(asked) != 2 || event.AttemptID != asked[1].Data.AttemptID || event.AttemptID == asked[0].Data.AttemptID || string(event.Context) != oddContext ||
		event.Method != "password" || fmt.Sprint(event.AMR) != "[pwd otp mfa]" {
		t.Errorf("asked %+v, told %+v", asked, event)
	}
}

// TestHookOfAFastpass: the context that the page sends with it arrives when the phone signs in, byte for byte.
func TestHookOfAFastpass(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	pre, post := h.Hook(db.HookPre), h.Hook(db.HookPost)
	header := http.Header{"Authorization": {alice.AccessToken}, "Content-Type": {"application/json"}}
	r := h.Send(http.MethodPost, "/api/v3/gene-fastpass-qrcode-info", header, `{"options":{"context":`+oddContext+`}}`)
	var pass struct{ Data gen.GeneFastpassQRCodeInfoDto }
	if err := json.Unmarshal(r.Body, &pass); err != nil || pass.Data.QrcodeID == "" {
		t.Fatalf("fastpass: %s", r.Body)
	}
	wantStatus(t, "unknown", h.Redeem("x"+pass.Data.QrcodeID), 403, 2241)
	phone := redeemed(t, h.Redeem(pass.Data.QrcodeID))
	wantStatus(t, "used", h.Redeem(pass.Data.QrcodeID), 403, 2241)
	if n := len(pre.Events()); n != 1 {
		t.Errorf("asked %d times, want once: about nothing that cannot be redeemed", n)
	}
	for _, e := range append(pre.Events(), told(t, h, post, 1)...) {
		if e.Data.Method != "fastpass" || string(e.Data.Context) != oddContext || e.Data.User.ID != alice.ID {
			t.Errorf("%s", e.Body)
		}
	}
	if post.Events()[0].Data.SessionID != sessionOf(t, *phone.AccessToken) {
		t.Error("told of another session")
	}
}

// TestHookIsToldAgain: an event that was not taken comes again, with the same id and body, until it is; others that fail in
// between hold it up for a while only, and what is told twice was told once too often by nobody.
func TestHookIsToldAgain(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	post, healthy := h.Hook(db.HookPost), h.Hook(db.HookPost)
	failures := 0
	post.AnswerWith(func(harness.Call) (int, string) {
		if failures++; failures <= 2 {
			return 500, "not now"
		}
		return 200, ""
	})
	wantSuccess(t, "sign-in", signInWith(t, h, oddContext))
	harness.Eventually(t, "the one that takes it", func() bool { return len(healthy.Events()) == 1 })
	events := told(t, h, post, 3)
	for _, e := range events {
		if e.WebhookID != events[0].WebhookID || e.Body != events[0].Body {
			t.Errorf("another event: %+v, %+v", e, events[0])
		}
	}
	if len(healthy.Events()) != 1 || healthy.Events()[0].WebhookID == events[0].WebhookID {
		t.Errorf("the other program was told %+v", healthy.Events())
	}
	if d := post.Listed(); d.FailingSince != nil || *d.Deliveries != (hook.Deliveries{Delivered: 1}) {
		t.Errorf("listed %+v, %+v", d, d.Deliveries)
	}
}

// TestHookThatIsDown: what nobody took within a day is given up, forgotten but for the fact, and kept for the operator to see;
// the sign-ins go on meanwhile.
func TestHookThatIsDown(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	h.SignUp("alice")
	post := h.Hook(db.HookPost)
	post.Answer(503, "")
	wantSuccess(t, "sign-in", signInWith(t, h, oddContext))
	harness.Eventually(t, "the first try", func() bool { return post.Listed().FailingSince != nil })
	wantSuccess(t, "sign-in while it is down", signInWith(t, h, ""))
	if d := post.Listed().Deliveries; d.Waiting != 2 || d.Dead != 0 {
		t.Errorf("while it is down: %+v", d)
	}
	h.Clock.Advance(25 * time.Hour)
	h.Settle()
	d := post.Listed().Deliveries
	if d.Dead != 2 || d.LastDead == nil || h.Count(`SELECT count(*) FROM outbox WHERE message_sealed IS NOT NULL`) != 0 {
		t.Errorf("after a day: %+v", d)
	}
	if n := h.Count(`SELECT count(*) FROM audit_log WHERE action = 'message.expired'`); n != 2 {
		t.Errorf("%d lines in the audit log, want 2", n)
	}
	if _, err := h.Store.DeleteExpired(t.Context(), h.Clock.Now().Add(24*time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	if d := post.Listed().Deliveries; d.Dead != 2 {
		t.Errorf("a day later: %+v", d)
	}
	post.Answer(200, "")
	h.Clock.Advance(time.Hour)
	wantSuccess(t, "sign-in when it is back", signInWith(t, h, ""))
	h.Settle()
	if d := post.Listed(); d.FailingSince != nil || d.Deliveries.Delivered != 1 {
		t.Errorf("when it is back: %+v, %+v", d, d.Deliveries)
	}
}

// TestHookSecrecy (T13): neither what a client sends for the programs nor what they say nor the secrets of hooks are in the
// log, and at rest everything that waits is sealed; what was delivered is gone.
func TestHookSecrecy(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.SignUp("alice")
	pre, post := h.Hook(db.HookPre), h.Hook(db.HookPost)
	v := &vault{t: t, h: h, secrets: map[string]string{}, codes: map[string]string{}}
	v.keep("context", "canary-of-the-context")
	v.keep("secret of pre", strings.TrimPrefix(pre.Secret, "whsec_"))
	v.keep("secret of post", strings.TrimPrefix(post.Secret, "whsec_"))
	v.keep("what the program says", "canary-of-the-message")
	post.Answer(500, "canary-of-the-message")
	const context = `{"k":"canary-of-the-context"}`
	wantSuccess(t, "sign-in", signInWith(t, h, context))
	harness.Eventually(t, "a try", func() bool { return len(post.Events()) > 0 })
	v.wantNone("database, while it waits", h.Dump())
	post.Answer(200, "")
	told := func() bool { return post.Listed().Deliveries.Delivered == 1 }
	harness.Eventually(t, "a delivery", told)
	v.wantNone("database, when it is delivered", h.Dump())
	pre.Answer(200, `{"decision":"deny","message":"canary-of-the-message"}`)
	signInWith(t, h, context)
	pre.Answer(500, "canary-of-the-message")
	signInWith(t, h, context)
	v.keep("URL", strings.TrimPrefix(pre.URL, "http://"))
	v.keep("URL", strings.TrimPrefix(post.URL, "http://"))
	v.wantNone("log", h.Log.String())
	for _, id := range []string{pre.ID} {
		if !strings.Contains(h.Log.String(), id) {
			t.Errorf("the log does not name the hook that has failed:\n%s", h.Log)
		}
	}
}

// TestHookOfAnotherApplication: an application's hooks are asked about sign-ins to it, and about no others.
func TestHookOfAnotherApplication(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	other := db.Application{UserpoolID: h.Credentials.UserpoolID, ID: "other-application", Name: "Other", SecretHash: []byte("nobody's"), CreatedAt: h.Clock.Now()}
	if err := errors.Join(h.Store.Tenancy().InsertApplication(t.Context(), other)); err != nil {
		t.Fatal(err)
	}
	foreign := h.Hook(db.HookPre, func(w *hook.Wanted) { w.App = other })
	foreign.Answer(200, denial)
	wantSuccess(t, "to the default application", signInWith(t, h, ""))
	params := &gen.SignInParams{XAuthingAppID: &other.ID}
	body := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})
	wantStatus(t, "to the other", must(h.Client.SignInWithResponse(t.Context(), params, body))(t), 403, 1699)
	if e := foreign.Events(); len(e) != 1 || e[0].Data.ApplicationID != other.ID {
		t.Errorf("asked %+v", e)
	}
}

// TestHookSeesThePage: the session of a QR login is the page's, so the hook hears of the page, also where a backend exchanges the
// ticket; a risk check would judge the operator's own server.
func TestHookSeesThePage(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	pre := h.Hook(db.HookPre)
	ticket := alice.Approve(h.ShowQR(nil, harness.Header("User-Agent", "the page")))
	backend := h.NewClient(harness.Header("User-Agent", "the backend"))
	r := must(backend.ExchangeQRCodeTicketWithResponse(t.Context(), nil, gen.ExchangeQRCodeTicketJSONRequestBody{
		Ticket: ticket, ClientID: &h.Credentials.AppID, ClientSecret: &h.Credentials.AppSecret,
	}))(t)
	wantSuccess(t, "exchange", r)
	if agent := pre.Events()[0].Data.UserAgent; agent != "the page" {
		t.Errorf("the hook hears of %q", agent)
	}
	if n := h.Count(`SELECT count(*) FROM sessions WHERE user_agent = 'the page'`); n != 1 {
		t.Errorf("%d sessions are the page's", n)
	}
}

// TestDeniedTicketIsTriedRarely: a denial does not use a ticket up, but one ticket asks the hook a few times a minute only. Who is
// denied cannot keep the hook busy.
func TestDeniedTicketIsTriedRarely(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	pre := h.Hook(db.HookPre)
	pre.Answer(200, denial)
	ticket, pass := alice.Approve(h.ShowQR(nil)), alice.Fastpass(nil).QrcodeID
	for range 15 {
		h.Exchange(ticket)
		h.Redeem(pass)
	}
	if asked := len(pre.Events()); asked != 20 {
		t.Errorf("the hook was asked %d times about a ticket and a fastpass, want 10 times each", asked)
	}
}
