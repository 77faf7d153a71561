package e2e

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// withPassword is a sign-in in the status dialect.
func withPassword(p gen.AuthenticateByPasswordDto) gen.SigninByCredentialsDto {
	if p.Password == "" {
		p.Password = harness.Password
	}
	return gen.SigninByCredentialsDto{Connection: gen.SigninByCredentialsDtoConnectionPASSWORD, PasswordPayload: &p}
}

// signInSet signs in in the status dialect and returns the tokens; scope "" is the default.
func signInSet(t *testing.T, h *harness.Instance, username, scope string) *gen.LoginTokenResponseDataDto {
	t.Helper()
	body := withPassword(gen.AuthenticateByPasswordDto{Username: &username})
	if scope != "" {
		body.Options = &gen.SigninOptionsDto{Scope: &scope}
	}
	r := must(h.Client.SignInWithResponse(t.Context(), nil, body))(t)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		t.Fatalf("sign in: %s", r.Body)
	}
	return r.JSON200.Data
}

// verified returns the claims of a token, after checking it as a relying party does: with the published keys.
func verified(t *testing.T, h *harness.Instance, token string) jwt.MapClaims {
	t.Helper()
	set := must(h.Client.GetJWKSWithResponse(t.Context()))(t)
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(token, claims, func(parsed *jwt.Token) (any, error) {
		for _, key := range set.JSON200.Keys {
			if key.Kid == parsed.Header["kid"] {
				return publicKey(t, key), nil
			}
		}
		return nil, jwt.ErrTokenUnverifiable
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(h.URL+"/oidc"), jwt.WithExpirationRequired(), jwt.WithTimeFunc(h.Clock.Now))
	if err != nil || !parsed.Valid {
		t.Fatalf("the published keys do not verify the token: %v", err)
	}
	return claims
}

// sessionOf is the session of an access token.
func sessionOf(t *testing.T, access string) string {
	t.Helper()
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(access, claims); err != nil {
		t.Fatal(err)
	}
	return claims["sid"].(string)
}

// TestTokensVerifyWithPublishedKeys: what the official SDKs check. RS256, a kid in the key set, and an audience that is one
// string; and no secret in the keys.
func TestTokensVerifyWithPublishedKeys(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	set := signInSet(t, h, "alice", "openid profile username")
	if set.TokenType != "bearer" || set.ExpireIn != 900 || *set.Scope != "openid profile username" {
		t.Errorf("token set: %+v", *set)
	}
	access, id := verified(t, h, *set.AccessToken), verified(t, h, *set.IDToken)
	for name, claims := range map[string]jwt.MapClaims{"access": access, "ID": id} {
		lasts := time.Duration(claims["exp"].(float64)-claims["iat"].(float64)) * time.Second
		if claims["aud"] != h.Credentials.AppID || claims["sub"] != alice.ID || lasts != 15*time.Minute || claims["sid"] != access["sid"] {
			t.Errorf("%s token: %v", name, claims)
		}
	}
	if amr, _ := json.Marshal(id["amr"]); string(amr) != `["pwd"]` || id["username"] != "alice" || id["updated_at"] == nil {
		t.Errorf("ID token: %v", id)
	}
	jwks := harness.OutcomeOf(must(h.Client.GetJWKSWithResponse(t.Context()))(t))
	for _, private := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"qi"`} {
		if strings.Contains(jwks.Body, private) {
			t.Errorf("the key set has the private member %s", private)
		}
	}
}

// TestForgedTokensAreRefused: a token with another signature, none, or the public key as an HMAC secret is nobody's.
func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	parts := strings.Split(alice.AccessToken, ".")
	var header map[string]any
	text, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || json.Unmarshal(text, &header) != nil {
		t.Fatalf("header: %v %s", err, text)
	}
	claims := verified(t, h, alice.AccessToken)
	forge := func(method jwt.SigningMethod, key any) string {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = header["kid"]
		return must(token.SignedString(key))(t)
	}
	set := must(h.Client.GetJWKSWithResponse(t.Context()))(t).JSON200
	signature := []byte(parts[2])
	signature[10] ^= 1
	claims["sub"] = "somebody else"
	for name, token := range map[string]string{
		"no signature":            forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"public key as a secret":  forge(jwt.SigningMethodHS256, []byte(set.Keys[0].N)),
		"public PEM as a secret":  forge(jwt.SigningMethodHS256, publicPEM(t, set.Keys[0])),
		"a key of one's own":      forge(jwt.SigningMethodRS256, ownKey(t)),
		"another signature":       parts[0] + "." + parts[1] + "." + string(signature),
		"the signature cut off":   parts[0] + "." + parts[1] + ".",
		"claims of somebody else": parts[0] + "." + strings.Split(forge(jwt.SigningMethodHS256, []byte("x")), ".")[1] + "." + parts[2],
	} {
		if h.Alive(token) {
			t.Errorf("%s: the token is taken", name)
		}
	}
}

// TestScopeDecidesTokens: openid gives an ID token, offline_access a refresh token; what means nothing here is not granted.
func TestScopeDecidesTokens(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	for _, c := range []struct {
		scope, granted string
		id, refresh    bool
	}{
		{"", "openid profile offline_access", true, true},
		{"openid", "openid", true, false},
		{"profile offline_access", "profile offline_access", false, true},
		{"openid  offline_access openid admin *", "openid offline_access", true, true},
	} {
		set := signInSet(t, h, "alice", c.scope)
		if *set.Scope != c.granted || (set.IDToken != nil) != c.id || (set.RefreshToken != nil) != c.refresh {
			t.Errorf("scope %q: granted %q, ID token %t, refresh token %t", c.scope, *set.Scope, set.IDToken != nil, set.RefreshToken != nil)
		}
	}
	id := verified(t, h, *signInSet(t, h, "alice", "openid").IDToken)
	if id["username"] != nil || id["gender"] != nil {
		t.Errorf("the scope openid tells more than who: %v", id)
	}
}

// TestOneFieldNamesTheUser: the four fields each find the user as what they are, and exactly one of them is needed.
func TestOneFieldNamesTheUser(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.CreateUser(gen.CreateUserReqDto{
		Username: ptr("bob"), Email: ptr("bob@example.com"), Phone: ptr("13800138000"), Password: ptr(harness.Password),
	})
	signIn := func(p gen.AuthenticateByPasswordDto) *gen.SignInResult {
		return must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(p)))(t)
	}
	for _, name := range []string{"bob", "BOB@example.com", "+8613800138000", "13800138000"} {
		wantSuccess(t, "account "+name, signIn(gen.AuthenticateByPasswordDto{Account: &name}))
	}
	name, email, phone := "bob", "bob@example.com", "13800138000"
	wantSuccess(t, "username", signIn(gen.AuthenticateByPasswordDto{Username: &name}))
	wantSuccess(t, "email", signIn(gen.AuthenticateByPasswordDto{Email: &email}))
	wantSuccess(t, "phone", signIn(gen.AuthenticateByPasswordDto{Phone: &phone}))

	wantStatus(t, "an e-mail address as user name", signIn(gen.AuthenticateByPasswordDto{Username: &email}), 403, 2333)
	wantStatus(t, "a user name as phone number", signIn(gen.AuthenticateByPasswordDto{Phone: &name}), 403, 2333)
	wantStatus(t, "nobody", signIn(gen.AuthenticateByPasswordDto{}), 400, 0)
	wantStatus(t, "an empty name", signIn(gen.AuthenticateByPasswordDto{Account: ptr("")}), 400, 0)
	wantStatus(t, "two fields", signIn(gen.AuthenticateByPasswordDto{Username: &name, Email: &email}), 400, 0)
	none := gen.SigninByCredentialsDto{Connection: gen.SigninByCredentialsDtoConnectionPASSWORD}
	wantStatus(t, "no payload", must(h.Client.SignInWithResponse(t.Context(), nil, none))(t), 400, 0)
}

// TestSignInServesApplications: the application is who the client says, and proves if it says so with a secret. The
// token's audience tells which it was.
func TestSignInServesApplications(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	second := db.Application{UserpoolID: h.Credentials.UserpoolID, ID: "second-application", Name: "Second", SecretHash: []byte("nobody's")}
	if err := h.Store.Tenancy().InsertApplication(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	alice := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})
	signIn := func(params *gen.SignInParams, id, secret *string, editors ...gen.RequestEditorFn) *gen.SignInResult {
		alice.ClientID, alice.ClientSecret = id, secret
		return must(h.Client.SignInWithResponse(t.Context(), params, alice, editors...))(t)
	}
	audience := func(r *gen.SignInResult) any {
		if r.JSON200 == nil || r.JSON200.Data == nil {
			t.Fatalf("sign in: %s", r.Body)
		}
		return verified(t, h, *r.JSON200.Data.AccessToken)["aud"]
	}
	c, header := h.Credentials, &gen.SignInParams{XAuthingAppID: &second.ID}
	for name, one := range map[string]struct{ got, want any }{
		"the default":            {audience(signIn(nil, nil, nil)), c.AppID},
		"named in the header":    {audience(signIn(header, nil, nil)), second.ID},
		"named in the body":      {audience(signIn(header, &c.AppID, nil)), c.AppID},
		"proved in the body":     {audience(signIn(header, &c.AppID, &c.AppSecret)), c.AppID},
		"proved with HTTP Basic": {audience(signIn(header, nil, nil, basic(c.AppID, c.AppSecret))), c.AppID},
	} {
		if one.got != one.want {
			t.Errorf("%s: the token is for %v, not %v", name, one.got, one.want)
		}
	}
	wrong, unknown := "wrong", "no-such-application"
	wantStatus(t, "a wrong secret", signIn(nil, &c.AppID, &wrong), 401, 0)
	wantStatus(t, "another application's secret", signIn(nil, &second.ID, &c.AppSecret), 401, 0)
	wantStatus(t, "a secret of nobody", signIn(nil, nil, &c.AppSecret), 401, 0)
	wantStatus(t, "a wrong secret with HTTP Basic", signIn(nil, nil, nil, basic(c.AppID, wrong)), 401, 0)
	wantStatus(t, "an unknown application in the body", signIn(nil, &unknown, nil), 404, 2011)
	wantStatus(t, "an unknown application in the header", signIn(&gen.SignInParams{XAuthingAppID: &unknown}, nil, nil), 404, 2011)
}

// TestAuthenticatorHasNoBackDoor (doc of mfa: every door asks): where there is no field for a code, an account with an
// authenticator cannot sign in. Who does not know the password is not told.
func TestAuthenticatorHasNoBackDoor(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice").EnrolTOTP()
	r := must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})))(t)
	wantStatus(t, "the right password", r, 403, 1635)
	r = must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice"), Password: "wrong password"})))(t)
	wantStatus(t, "a wrong password", r, 403, 2333)
	wantCode(t, "the right password and captcha", captchaLogin(t, h, "alice", harness.Password), 1000201)
}

// TestSignInOptions: custom data reaches the user's own, and only once the sign-in succeeded; what cannot be done is refused.
func TestSignInOptions(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	body := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice"), Password: "wrong password"})
	body.Options = &gen.SigninOptionsDto{CustomData: harness.JSON(map[string]any{"school": "hust", "status": "Suspended"})}
	wantStatus(t, "a wrong password", must(h.Client.SignInWithResponse(t.Context(), nil, body))(t), 403, 2333)
	if data := harness.Members(h.User(alice.ID).CustomData); len(data) != 0 {
		t.Errorf("custom data of a refused sign-in: %v", data)
	}
	body.PasswordPayload.Password = harness.Password
	wantSuccess(t, "custom data", must(h.Client.SignInWithResponse(t.Context(), nil, body))(t))
	if u := h.User(alice.ID); harness.Members(u.CustomData)["school"] != "hust" || u.Status != gen.UserStatusActivated {
		t.Errorf("custom data: %v, status %s", harness.Members(u.CustomData), u.Status)
	}
	body.Options.CustomData = harness.JSON(map[string]any{"school": strings.Repeat("x", 4<<10)}) // Q8
	wantStatus(t, "too much custom data", must(h.Client.SignInWithResponse(t.Context(), nil, body))(t), 400, 0)

	for _, as := range []gen.SigninOptionsDtoPasswordEncryptType{gen.SigninOptionsDtoPasswordEncryptTypeSm2, gen.SigninOptionsDtoPasswordEncryptTypeRsa} {
		body.Options = &gen.SigninOptionsDto{PasswordEncryptType: &as}
		wantStatus(t, "an encrypted password", must(h.Client.SignInWithResponse(t.Context(), nil, body))(t), 422, 0)
	}
	body.Options = &gen.SigninOptionsDto{PasswordEncryptType: ptr(gen.SigninOptionsDtoPasswordEncryptTypeNone)}
	wantSuccess(t, "one that is as it is", must(h.Client.SignInWithResponse(t.Context(), nil, body))(t))
	body.Options, body.Connection = nil, gen.SigninByCredentialsDtoConnectionLDAP
	wantStatus(t, "LDAP", must(h.Client.SignInWithResponse(t.Context(), nil, body))(t), 422, 0)
}
