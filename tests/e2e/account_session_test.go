package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// sessionsOf is where somebody is signed in.
func sessionsOf(t *testing.T, p *harness.Person) []gen.MySessionDto {
	t.Helper()
	r := must(p.Client.ListMySessionsWithResponse(t.Context()))(t)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		t.Fatalf("sessions: %s", r.Body)
	}
	return r.JSON200.Data.List
}

func revokeOwn(t *testing.T, p *harness.Person, id string) *gen.RevokeMySessionResult {
	t.Helper()
	return must(p.Client.RevokeMySessionWithResponse(t.Context(), gen.RevokeMySessionDto{SessionID: optional(id)}))(t)
}

// optional is what is left out when it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// TestOwnSessions: who has lost a phone sees where it is signed in and ends that, at once and for good; nobody sees or ends what is
// somebody else's, and a second time there is nothing to end.
func TestOwnSessions(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	h.Clock.Advance(time.Minute)
	phone := h.NewClient(harness.Header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:1.0) Gecko/20100101 Firefox/145.0"))
	login := must(phone.LoginUserWithResponse(t.Context(), gen.LoginUserJSONRequestBody{Username: "alice", Password: harness.Password}))(t)
	lost := login.HTTPResponse.Header.Get("Access-Token")
	mallory := h.SignUp("mallory")

	list := sessionsOf(t, alice)
	if len(list) != 2 || !list[0].Current || list[1].Current || list[1].Browser != "Firefox 145.0" || list[1].IP == "" || list[1].AppName == "" || list[1].MFA {
		t.Fatalf("alice sees %+v", list)
	}
	wantStatus(t, "somebody else's", revokeOwn(t, mallory, list[1].SessionID), 404, 0)
	wantStatus(t, "no session at all", revokeOwn(t, alice, "none"), 404, 0)
	if !h.Alive(lost) {
		t.Fatal("the session has ended too early")
	}
	wantSuccess(t, "her own", revokeOwn(t, alice, list[1].SessionID))
	if h.Alive(lost) {
		t.Error("the token of the lost phone is still taken")
	}
	wantStatus(t, "a second time", revokeOwn(t, alice, list[1].SessionID), 404, 0)
	if list := sessionsOf(t, alice); len(list) != 1 || !list[0].Current {
		t.Errorf("alice still sees %+v", list)
	}
	if n := h.Count(`SELECT count(*) FROM audit_log WHERE action = 'session.revoke' AND target = $1`, "session:"+list[1].SessionID); n != 1 {
		t.Errorf("noted %d times in the audit log, want once", n)
	}

	wantSuccess(t, "signing out", revokeOwn(t, alice, ""))
	wantStatus(t, "after signing out", must(alice.Client.ListMySessionsWithResponse(t.Context()))(t), 401, 2020)
}

// TestOwnActivity: who looks sees the guesses of others beside its own sign-ins, the logins that it confirmed, and that an operator's
// program has read its secret, though not from where; and nothing that is about somebody else.
func TestOwnActivity(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	h.SignUp("bob")
	h.Clock.Advance(time.Minute)
	_ = must(h.Client.LoginUserWithResponse(t.Context(), gen.LoginUserJSONRequestBody{Username: "alice", Password: "a mere guess"}))(t)
	h.Clock.Advance(time.Minute)
	alice.EnrolTOTP()
	alice.Login(alice.Code()) // with a session that may confirm
	h.Clock.Advance(time.Minute)
	alice.Approve(h.ShowQR(nil))
	_ = must(h.Management().GetOTPSecretByUserWithResponse(t.Context(), &gen.GetOTPSecretByUserParams{UserID: alice.ID}))(t)

	ask := func(limit *int) []gen.MyActivityDto {
		r := must(alice.Client.ListMyActivityWithResponse(t.Context(), &gen.ListMyActivityParams{Limit: limit}))(t)
		if r.JSON200 == nil || r.JSON200.Data == nil {
			t.Fatalf("activity: %s", r.Body)
		}
		return r.JSON200.Data.List
	}
	var got []string
	for _, e := range ask(nil) {
		got = append(got, fmt.Sprintf("%s %s %s", e.Action, e.Outcome, e.Actor))
		if operator := e.Actor == gen.MyActivityDtoActorKey; (e.IP == "") != operator || e.Time.IsZero() {
			t.Errorf("from %q at %s: %+v", e.IP, e.Time, e)
		}
	}
	want := []string{
		"otp.secret.read success key", "qrlogin.confirm success user", "qrlogin.scan success user", "user.signin success user",
		"mfa.bind success user", "user.signin refused anonymous", "user.signin success user", "user.create success anonymous",
	}
	if !slices.Equal(got, want) {
		t.Errorf("alice sees %q", got)
	}
	if list := ask(ptr(1)); len(list) != 1 || list[0].Action != "otp.secret.read" {
		t.Errorf("of one, alice sees %+v", list)
	}
	wantGate(t, "more than there may be", must(alice.Client.ListMyActivityWithResponse(t.Context(), &gen.ListMyActivityParams{Limit: ptr(101)}))(t), 400)
	wantStatus(t, "nobody", must(h.Client.ListMyActivityWithResponse(t.Context(), nil))(t), 401, 2020)
}
