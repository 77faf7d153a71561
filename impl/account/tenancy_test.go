package account

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the documents' scheme
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// TestApplicationOfARequest: by its id, or the default one; a stranger's is refused where it matters, and passed over
// where clients send anything.
func TestApplicationOfARequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	for name, test := range map[string]struct {
		find func() (db.Application, error)
		want string
		err  error
	}{
		"by id":                 {func() (db.Application, error) { return r.Application(ctx, "other-app") }, "other-app", nil},
		"default":               {func() (db.Application, error) { return r.Application(ctx, "") }, "app", nil},
		"unknown":               {func() (db.Application, error) { return r.Application(ctx, "none") }, "", ErrApplication},
		"of its userpool":       {func() (db.Application, error) { return r.ApplicationOf(ctx, "other", "other-app") }, "other-app", nil},
		"default of a userpool": {func() (db.Application, error) { return r.ApplicationOf(ctx, "other", "") }, "other-app", nil},
		"of another userpool":   {func() (db.Application, error) { return r.ApplicationOf(ctx, "other", "app") }, "", ErrApplication},
		"lenient, by id":        {func() (db.Application, error) { return r.LenientApplication(ctx, "other-app", "pool") }, "other-app", nil},
		"lenient, by tenant":    {func() (db.Application, error) { return r.LenientApplication(ctx, "none", "other") }, "other-app", nil},
		"lenient, unknown":      {func() (db.Application, error) { return r.LenientApplication(ctx, "none", "none") }, "app", nil},
		"lenient, nothing":      {func() (db.Application, error) { return r.LenientApplication(ctx, "", "") }, "app", nil},
	} {
		app, err := test.find()
		if !errors.Is(err, test.err) || err == nil && app.ID != test.want {
			t.Errorf("%s: %q, %v; want %q, %v", name, app.ID, err, test.want, test.err)
		}
	}
}

// TestApplicationSecret (Q4): the secret proves the application whose it is, and a wrong one is refused like an unknown
// application.
func TestApplicationSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	app, err := r.VerifyApplication(t.Context(), "app", "app-secret")
	if err != nil || app != (authn.Application{UserpoolID: "pool", ID: "app"}) {
		t.Errorf("the right secret: %+v, %v", app, err)
	}
	for _, c := range [][2]string{{"app", "other-app-secret"}, {"other-app", "app-secret"}, {"none", "app-secret"}, {"", ""}, {"app", ""}, {"app", "app-secre"}} {
		app, err := r.VerifyApplication(t.Context(), c[0], c[1])
		if err != error(ErrApplicationSecret) || app != (authn.Application{}) {
			t.Errorf("%q: %+v, %v; want ErrApplicationSecret as it is", c, app, err)
		}
	}
}

// TestManagementTokenEnds: after two hours by itself, at once with its key; a wrong secret is refused like an unknown key.
func TestManagementTokenEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range [][2]string{{"key", "other-key-secret"}, {"none", "key-secret"}, {"", ""}, {"key", ""}} {
		if token, _, err := r.ManagementToken(t.Context(), c[0], c[1]); err != error(ErrAccessKey) || token != "" {
			t.Errorf("%q: %q, %v; want ErrAccessKey as it is", c, token, err)
		}
	}
	token, _, err := r.ManagementToken(t.Context(), "key", "key-secret")
	r.must(err)
	verify := func() error {
		_, err := r.VerifyManagement(t.Context(), token)
		return err
	}
	r.execute("UPDATE access_keys SET disabled_at = created_at WHERE id = 'key'")
	r.want("key disabled", verify(), ErrToken)
	r.execute("UPDATE access_keys SET disabled_at = NULL, scopes = '{user:write}' WHERE id = 'key'")
	if m, err := r.VerifyManagement(t.Context(), token); err != nil || m.Has(authn.ScopeUserRead) || !m.Has(authn.ScopeUserWrite) {
		t.Errorf("scopes changed: %+v, %v", m, err)
	}
	r.advance(2*time.Hour - time.Second)
	r.want("before its end", verify(), nil)
	r.advance(time.Second)
	r.want("at its end", verify(), ErrTokenExpired)
}

// TestIDsOutOfHeaders: what comes with Basic or a signature may hold any byte. What no id can be is a
// refusal like any unknown one, and no failure of the service.
func TestIDsOutOfHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, use := range map[string]func(id string) error{
		"basic":     func(id string) error { _, err := r.VerifyApplication(t.Context(), id, "secret"); return err },
		"signature": func(id string) error { _, err := r.signed(sign{keyID: id}); return err },
		"nonce":     func(id string) error { _, err := r.signed(sign{nonce: "n" + id}); return err },
	} {
		for _, id := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\x00", "a\x00b"} {
			if err := use(id); err != nil && apierr.From(err).Kind == apierr.Internal {
				t.Errorf("%s %q: %v, want a refusal", name, id, err)
				break
			}
		}
	}
}

// sign is what a signed request differs in from a right one.
type sign struct{ keyID, secret, method, version, date, nonce, signature string }

// signed sends a request that is signed as the official Node SDK does it, through the authenticator.
func (r *rig) signed(s sign) (authn.Principal, error) {
	or := func(given, right string) string {
		switch given {
		case "":
			return right
		case "none":
			return ""
		}
		return given
	}
	req := httptest.NewRequest(http.MethodGet, "/api/v3/get-user?userId=alice", nil)
	headers := []string{
		"date", or(s.date, r.clock.now.Format(http.TimeFormat)), "x-authing-signature-method", or(s.method, "HMAC-SHA1"),
		"x-authing-signature-nonce", or(s.nonce, "nonce"), "x-authing-signature-version", or(s.version, "1.0"),
	}
	text := "GET\n"
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		text += headers[i] + ":" + headers[i+1] + "\n"
	}
	mac := hmac.New(sha1.New, []byte(or(s.secret, "key-secret")))
	mac.Write([]byte(text + "/api/v3/get-user?userId=alice"))
	signature := or(s.signature, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Authorization", "authing "+or(s.keyID, "key")+":"+signature)
	return authn.New(r.Service).Authenticate(r.t.Context(), openapi3.SecurityRequirements{{"RequestSignature": {}}}, req, nil)
}

// TestSignature: a request is good for its key, near its date and once; each reason to refuse one has its own code, as
// the V3 documents list them.
func TestSignature(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	at := func(d time.Duration) string { return r.clock.now.Add(d).Format(http.TimeFormat) }
	for name, test := range map[string]struct {
		sign
		want error
	}{
		"right":             {sign{nonce: "1"}, nil},
		"early":             {sign{nonce: "2", date: at(-5 * time.Minute)}, nil},
		"late":              {sign{nonce: "3", date: at(5 * time.Minute)}, nil},
		"too early":         {sign{date: at(-5*time.Minute - time.Second)}, ErrSignatureSkew},
		"too late":          {sign{date: at(5*time.Minute + time.Second)}, ErrSignatureSkew},
		"no date":           {sign{date: "none"}, ErrSignatureNoDate},
		"another form":      {sign{date: "2026-05-04T12:00:00Z"}, ErrSignatureDate},
		"another method":    {sign{method: "HMAC-SHA256"}, ErrSignatureMethod},
		"no method":         {sign{method: "none"}, ErrSignatureMethod},
		"another version":   {sign{version: "2.0"}, ErrSignatureVersion},
		"no nonce":          {sign{nonce: "none"}, ErrSignature},
		"long nonce":        {sign{nonce: string(make([]byte, 129))}, ErrSignature},
		"unknown key":       {sign{keyID: "nobody"}, ErrAccessKey},
		"another's secret":  {sign{secret: "other-key-secret"}, ErrSignature},
		"another's key":     {sign{keyID: "other-key"}, ErrSignature},
		"no signature":      {sign{signature: "none"}, ErrSignature},
		"not base64":        {sign{signature: "%%%"}, ErrSignature},
		"wrong signature":   {sign{signature: base64.StdEncoding.EncodeToString(make([]byte, 20))}, ErrSignature},
		"shorter signature": {sign{signature: "AAAA"}, ErrSignature},
	} {
		p, err := r.signed(test.sign)
		if !errors.Is(err, test.want) || err == nil && p.Management.KeyID != "key" {
			t.Errorf("%s: %+v, %v; want %v", name, p, err, test.want)
		}
	}
	// The nonce stays used as long as the date is good, and a refused request uses none.
	late := sign{nonce: "again", date: at(5 * time.Minute)}
	wrong := late
	wrong.secret = "wrong"
	for _, step := range []struct {
		sign
		after time.Duration
		want  error
	}{
		{wrong, 0, ErrSignature},
		{late, 0, nil},
		{late, 0, ErrSignatureUsed},
		{late, 10 * time.Minute, ErrSignatureUsed},
		{late, time.Second, ErrSignatureSkew},
	} {
		r.advance(step.after)
		if _, err := r.store.DeleteExpired(t.Context(), r.clock.now, 100); err != nil {
			t.Fatal(err)
		}
		_, err := r.signed(step.sign)
		r.want("again", err, step.want)
	}
}
