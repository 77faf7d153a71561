package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// lookUp asks for the secret of a user's authenticator with the default access key.
func lookUp(t *testing.T, h *harness.Instance, idType gen.UserIDType, id string) *gen.GetOTPSecretByUserResult {
	t.Helper()
	return must(h.Management().GetOTPSecretByUserWithResponse(t.Context(), &gen.GetOTPSecretByUserParams{UserID: id, UserIDType: &idType}))(t)
}

// bobWithAuthenticator is the user that everything makes, with an authenticator.
func bobWithAuthenticator(h *harness.Instance) *harness.Person {
	h.CreateUser(everything())
	return h.SignIn("bob").EnrolTOTP()
}

// TestOTPSecret is the story of document 002, by each of the seven types of id (T15, T16): the secret that the key gets is
// the one in the user's app, also by a signed request and without userIdType, and no cache keeps it (T13).
func TestOTPSecret(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob := bobWithAuthenticator(h)
	names := identifiers(bob.ID)
	for idType, values := range names {
		for _, value := range values {
			wantSecret(t, string(idType)+" "+value, lookUp(t, h, idType, value), bob.Secret)
		}
		for other, values := range names {
			if r := lookUp(t, h, idType, values[0]); other != idType && harness.OutcomeOf(r).Success() {
				t.Errorf("the %s %s, given as %s, finds a secret", other, values[0], idType)
			}
		}
	}
	byID := &gen.GetOTPSecretByUserParams{UserID: bob.ID}
	wantSecret(t, "without userIdType", must(h.Management().GetOTPSecretByUserWithResponse(t.Context(), byID))(t), bob.Secret)
	wantSecret(t, "signed", must(h.Client.GetOTPSecretByUserWithResponse(t.Context(), byID, h.Signer().Sign))(t), bob.Secret)

	wantStatus(t, "an unknown user", lookUp(t, h, gen.UserIDTypeUsername, "carol"), 404, 2004)
	carol := h.SignUp("carol")
	wantStatus(t, "a user without authenticator", lookUp(t, h, gen.UserIDTypeUsername, "carol"), 404, 0)
	carol.Scan()
	wantStatus(t, "a secret that only waits", lookUp(t, h, gen.UserIDTypeUsername, "carol"), 404, 0)
	wantGate(t, "an unknown type", lookUp(t, h, "custom_field", "x"), 400)
	wantStatus(t, "a user's own token", must(bob.Client.GetOTPSecretByUserWithResponse(t.Context(), byID))(t), 401, 2020)
	wantStatus(t, "nobody", must(h.Client.GetOTPSecretByUserWithResponse(t.Context(), byID))(t), 401, 2020)
}

func wantSecret(t *testing.T, what string, r *gen.GetOTPSecretByUserResult, secret string) {
	t.Helper()
	if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Secret != secret {
		t.Errorf("%s: want the secret, got HTTP %d %s", what, r.HTTPResponse.StatusCode, r.Body)
	}
	if cache := r.HTTPResponse.Header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("%s: Cache-Control is %q", what, cache)
	}
}

// TestOTPLookupsAreAudited (T15): every lookup that was let in is in the audit log with key, user, outcome and request id,
// refused ones too, and none with a secret.
func TestOTPLookupsAreAudited(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob, carol := bobWithAuthenticator(h), h.SignUp("carol")
	for _, c := range []struct {
		name, target, outcome string
	}{{"bob", "user:" + bob.ID, "success"}, {"carol", "user:" + carol.ID, "refused"}, {"nobody", "user:unknown", "refused"}} {
		r := lookUp(t, h, gen.UserIDTypeUsername, c.name)
		events, err := h.Store.Audit().Of(t.Context(), h.Credentials.UserpoolID, c.target, 1)
		if err != nil || len(events) != 1 {
			t.Fatalf("%s: %v, %d events", c.name, err, len(events))
		}
		want := db.AuditEvent{
			UserpoolID: h.Credentials.UserpoolID, At: events[0].At, Actor: "key:" + h.Credentials.AccessKeyID, Action: "otp.secret.read",
			Target: c.target, Outcome: c.outcome, IP: "127.0.0.1", RequestID: r.HTTPResponse.Header.Get("X-Request-Id"),
		}
		if events[0] != want || want.RequestID == "" {
			t.Errorf("%s: %+v, want %+v", c.name, events[0], want)
		}
		if strings.Contains(fmt.Sprint(events[0]), bob.Secret) {
			t.Error("the audit log has the secret")
		}
	}
}

// TestNoAuditNoSecret (T15): where the lookup cannot be noted down there is no answer.
func TestNoAuditNoSecret(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob := bobWithAuthenticator(h)
	client := h.Management()
	h.Exec(`ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (action <> 'otp.secret.read')`)
	r := must(client.GetOTPSecretByUserWithResponse(t.Context(), &gen.GetOTPSecretByUserParams{UserID: bob.ID}))(t)
	wantGate(t, "without an audit log", r, 500)
	if strings.Contains(string(r.Body), bob.Secret) {
		t.Error("the refusal has the secret")
	}
}

// TestOTPScope (T15): reading secrets is a scope of its own. Without user:read the key does not learn who exists either.
func TestOTPScope(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob := bobWithAuthenticator(h)
	h.SignUp("carol")
	keep(h, "user:read", "user:write")
	wantStatus(t, "without otp:secret:read", lookUp(t, h, gen.UserIDTypeUserID, bob.ID), 403, 0)
	events, err := h.Store.Audit().Of(t.Context(), h.Credentials.UserpoolID, "user:unknown", 1)
	if err != nil || len(events) != 1 || events[0].Action != "otp.secret.read" || events[0].Outcome != "refused" {
		t.Errorf("the try is not in the audit log: %v %+v", err, events)
	}

	keep(h, "otp:secret:read")
	wantSecret(t, "with otp:secret:read alone", lookUp(t, h, gen.UserIDTypeUserID, bob.ID), bob.Secret)
	missing := lookUp(t, h, gen.UserIDTypeUsername, "nobody")
	wantStatus(t, "no such user", missing, 404, 0)
	wantSame(t, "a missing user and a missing authenticator", missing, lookUp(t, h, gen.UserIDTypeUsername, "carol"))
}

// TestOTPLookupStaysInUserpool: a key of another userpool sees nothing of this one, whatever it asks by.
func TestOTPLookupStaysInUserpool(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob := bobWithAuthenticator(h)
	client := h.Management()
	pool, _ := secondPool(t, h)
	h.Exec(`UPDATE access_keys SET userpool_id = $1`, pool)
	for idType, values := range identifiers(bob.ID) {
		params := &gen.GetOTPSecretByUserParams{UserID: values[0], UserIDType: &idType}
		wantStatus(t, string(idType), must(client.GetOTPSecretByUserWithResponse(t.Context(), params))(t), 404, 2004)
		wantStatus(t, string(idType), must(client.GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: values[0], UserIDType: &idType}))(t), 404, 2004)
	}
}

// TestOTPLookupsAreLimited (T15): a key that was stolen cannot empty the store in a minute.
func TestOTPLookupsAreLimited(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitOTPLookup.Max = 3 })
	h.Clock.Freeze()
	bob := bobWithAuthenticator(h)
	for range 3 {
		wantSecret(t, "within the limit", lookUp(t, h, gen.UserIDTypeUserID, bob.ID), bob.Secret)
	}
	o := wantGate(t, "the fourth", lookUp(t, h, gen.UserIDTypeUserID, bob.ID), 429)
	if o.Header.Get("Retry-After") != "20" || o.StatusCode != 429 {
		t.Errorf("the fourth: %v %s", o.Header, o.Body)
	}
}
