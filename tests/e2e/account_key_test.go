package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// keep leaves the default access key with these scopes.
func keep(h *harness.Instance, scopes ...string) {
	h.Exec(`UPDATE access_keys SET scopes = $1 WHERE id = $2`, pq.Array(scopes), h.Credentials.AccessKeyID)
}

// TestManagementToken: an access key buys a token that the official SDKs can read; a wrong secret and an unknown key buy
// the same refusal. It ends after two hours, or at once with its key.
func TestManagementToken(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	ask := func(id, secret string) *gen.GetManagementTokenResult {
		return must(h.Client.GetManagementTokenWithResponse(t.Context(), gen.GetManagementAccessTokenDto{AccessKeyID: id, AccessKeySecret: secret}))(t)
	}
	c := h.Credentials
	wantStatus(t, "a wrong secret", ask(c.AccessKeyID, "wrong"), 401, 1300)
	wantSame(t, "a wrong secret and an unknown key", ask(c.AccessKeyID, "wrong"), ask("nobody", "wrong"))

	good := ask(c.AccessKeyID, c.AccessKeySecret)
	if good.JSON200 == nil || good.JSON200.Data == nil || good.JSON200.Data.ExpiresIn != 7200 {
		t.Fatalf("management token: %s", good.Body)
	}
	token := good.JSON200.Data.AccessToken
	var claims map[string]any
	payload := strings.Split(token, ".")[1]
	text, err := base64.RawStdEncoding.DecodeString(payload) // one official SDK knows no other alphabet
	if err != nil || json.Unmarshal(text, &claims) != nil || claims["scoped_userpool_id"] != c.UserpoolID {
		t.Errorf("the official SDKs cannot read %s: %v %v", payload, err, claims)
	}

	events, err := h.Store.Audit().Of(t.Context(), c.UserpoolID, "key:"+c.AccessKeyID, 5)
	if err != nil || len(events) != 3 || events[0].Outcome != "success" || events[1].Outcome != "refused" || events[1].Action != "key.token" {
		t.Errorf("the tries are not in the audit log: %v %+v", err, events)
	}

	client := h.NewClient(harness.Header("Authorization", "Bearer "+token))
	lookup := func() *gen.GetUserResult {
		return must(client.GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: "nobody"}))(t)
	}
	wantStatus(t, "a good token", lookup(), 404, 2004)
	h.Exec(`UPDATE access_keys SET disabled_at = now()`)
	wantStatus(t, "the key is disabled", lookup(), 401, 2020)
	wantSame(t, "a disabled and an unknown key", ask(c.AccessKeyID, c.AccessKeySecret), ask("nobody", "wrong"))
	h.Exec(`UPDATE access_keys SET disabled_at = NULL`)
	h.Clock.Advance(2*time.Hour + time.Second)
	wantStatus(t, "after two hours", lookup(), 401, 2020)
	mobile := gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp}
	wantStatus(t, "after two hours, where none is needed", must(client.CreateQRCodeWithResponse(t.Context(), nil, mobile))(t), 401, 2020)
	wantStatus(t, "no token", must(h.Client.GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: "nobody"}))(t), 401, 2020)
}

// TestGuessingAccessKeysIsSlow: from one address sixty secrets a minute can be tried, for whatever key.
func TestGuessingAccessKeysIsSlow(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitSignInIP.Max = 3 })
	h.Clock.Freeze()
	ask := func(id, secret string) *gen.GetManagementTokenResult {
		return must(h.Client.GetManagementTokenWithResponse(t.Context(), gen.GetManagementAccessTokenDto{AccessKeyID: id, AccessKeySecret: secret}))(t)
	}
	for _, id := range []string{h.Credentials.AccessKeyID, "nobody", "somebody"} {
		wantStatus(t, "a guess", ask(id, "wrong"), 401, 1300)
	}
	if o := wantGate(t, "the fourth try", ask(h.Credentials.AccessKeyID, h.Credentials.AccessKeySecret), 429); o.Header.Get("Retry-After") != "20" {
		t.Errorf("the fourth try: %v", o.Header)
	}
}

// TestScopesBoundAccessKeys: a key does what its scopes say and no more, from the moment they are changed.
func TestScopesBoundAccessKeys(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob := h.CreateUser(everything())
	keep(h, "user:read", "otp:secret:read")
	wantStatus(t, "create without user:write", createUser(t, h, gen.CreateUserReqDto{Username: ptr("carol")}), 403, 0)
	wantSuccess(t, "get with user:read", getUser(t, h, gen.UserIDTypeUserID, bob.UserID))
	keep(h, "user:write")
	wantStatus(t, "get without user:read", getUser(t, h, gen.UserIDTypeUserID, bob.UserID), 403, 0)
	wantSuccess(t, "create with user:write", createUser(t, h, gen.CreateUserReqDto{Username: ptr("carol")}))
}

// TestRequestSignature: the official Node SDK has no token but signs every request. The signer of this test is written
// after the SDK and shares no code with the service.
func TestRequestSignature(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dto := everything()
	dto.CustomData = harness.JSON(map[string]any{"a": map[string]any{"b": []any{1.5, nil, true, "x & y=z"}}, "出": "入"})
	created := must(h.Client.CreateUserWithResponse(t.Context(), dto, h.Signer().Sign))(t)
	wantSuccess(t, "POST", created)
	for idType, values := range identifiers(created.JSON200.Data.UserID) {
		params := &gen.GetUserParams{UserID: values[0], UserIDType: &idType, WithIdentities: ptr(true)}
		wantSuccess(t, "GET "+values[0], must(h.Client.GetUserWithResponse(t.Context(), params, h.Signer().Sign))(t))
	}
	body := `{"type":"MOBILE_APP","context":{"k":"v"},"😀":1,"！":null}` // JavaScript sorts the face first, UTF-8 does not
	r := must(h.Client.CreateQRCodeWithBodyWithResponse(t.Context(), &gen.CreateQRCodeParams{XAuthingAppID: &h.Credentials.AppID}, "application/json", strings.NewReader(body), h.Signer().Sign))(t)
	wantSuccess(t, "POST with odd members", r)
}

// TestBadSignaturesAreTold: each way to get a signature wrong has its code of the documents, and none gets through.
func TestBadSignaturesAreTold(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	call := func(editors ...gen.RequestEditorFn) *gen.CreateUserResult {
		return must(h.Client.CreateUserWithResponse(t.Context(), gen.CreateUserReqDto{Username: ptr("bob")}, editors...))(t)
	}
	signed := func(change func(*harness.Signer)) *gen.CreateUserResult {
		s := h.Signer()
		change(&s)
		return call(s.Sign)
	}
	at := func(d time.Duration) string { return h.Clock.Now().Add(d).UTC().Format(http.TimeFormat) }
	for what, c := range map[string]struct {
		answer  *gen.CreateUserResult
		apiCode int
	}{
		"a wrong secret":       {signed(func(s *harness.Signer) { s.Secret = "wrong" }), 1300},
		"an unknown key":       {signed(func(s *harness.Signer) { s.KeyID = "nobody" }), 1300},
		"no nonce":             {signed(func(s *harness.Signer) { s.Nonce = "" }), 1300},
		"a header added":       {call(h.Signer().Sign, harness.Header("x-authing-lang", "en")), 1300},
		"no base64":            {call(h.Signer().Sign, harness.Header("Authorization", "authing "+h.Credentials.AccessKeyID+":?")), 1300},
		"another method":       {signed(func(s *harness.Signer) { s.Method = "HMAC-SHA256" }), 1301},
		"no method":            {signed(func(s *harness.Signer) { s.Method = "" }), 1301},
		"another version":      {signed(func(s *harness.Signer) { s.Version = "2.0" }), 1302},
		"the date in ms":       {signed(func(s *harness.Signer) { s.Date = "1795248000000" }), 1303},
		"no date":              {signed(func(s *harness.Signer) { s.Date = "" }), 1304},
		"a date too early":     {signed(func(s *harness.Signer) { s.Date = at(-5*time.Minute - 2*time.Second) }), 1305},
		"a date too late":      {signed(func(s *harness.Signer) { s.Date = at(5*time.Minute + 2*time.Second) }), 1305},
		"the body of another":  {call(h.Signer().Sign, body(`{"username":"mallory"}`)), 1300},
		"a member of the body": {call(h.Signer().Sign, body(`{"username":"bob","status":"Suspended"}`)), 1300},
	} {
		wantStatus(t, what, c.answer, 401, c.apiCode)
	}
	once := h.Signer()
	wantSuccess(t, "the first use", call(once.Sign))
	wantStatus(t, "the second use", call(once.Sign), 401, 1306)
	wantStatus(t, "the nonce again, on another request", must(h.Client.GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: "bob"}, once.Sign))(t), 401, 1306)
	if n := h.Count(`SELECT count(*) FROM request_nonces`); n != 1 {
		t.Errorf("%d nonces were noted: refused requests fill the table", n)
	}
}

// TestSignatureCoversQuery: a signature for one user is none for another.
func TestSignatureCoversQuery(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob := h.CreateUser(everything())
	moved := func(_ context.Context, r *http.Request) error {
		query := r.URL.Query()
		query.Set("userId", bob.UserID)
		r.URL.RawQuery = query.Encode()
		return nil
	}
	r := must(h.Client.GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: "carol"}, h.Signer().Sign, moved))(t)
	wantStatus(t, "another user", r, 401, 1300)
}

// body is a client editor that replaces the body, after the request was signed.
func body(text string) gen.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		replacement, err := http.NewRequest(r.Method, r.URL.String(), strings.NewReader(text))
		r.Body, r.GetBody, r.ContentLength = replacement.Body, replacement.GetBody, replacement.ContentLength
		return err
	}
}
