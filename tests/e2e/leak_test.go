package e2e

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

const passwordOfBob = "a canary sings at dawn"

// vault collects the secrets that a story comes across.
type vault struct {
	t       *testing.T
	h       *harness.Instance
	secrets map[string]string
	codes   map[string]string // of six digits: too short to be looked for inside other text
}

func (v *vault) keep(what, secret string) string {
	v.t.Helper()
	if len(secret) < 8 {
		v.t.Fatalf("%s: %q is no secret to look for", what, secret)
	}
	v.secrets[fmt.Sprintf("%s %d", what, len(v.secrets))] = secret
	return secret
}

func (v *vault) keepCode(what, code string) string {
	v.codes[fmt.Sprintf("%s %d", what, len(v.codes))] = code
	return code
}

func (v *vault) keepTokens(what string, set *gen.LoginTokenResponseDataDto) {
	for kind, token := range map[string]*string{"access token": set.AccessToken, "ID token": set.IDToken, "refresh token": set.RefreshToken} {
		if token != nil {
			v.keep(kind+" of "+what, *token)
		}
	}
}

// forms are the shapes in which a secret might turn up: as it is, its bytes in hexadecimal (as the dump writes them) or
// base64, decoded first where it is encoded itself, in a URL, the signature alone of a token, or hashed without a key.
func forms(secret string) []string {
	list := []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret), hash(secret)}
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret); err == nil {
		list = append(list, hex.EncodeToString(raw))
	}
	if raw, err := base64.RawURLEncoding.DecodeString(secret); err == nil {
		list = append(list, hex.EncodeToString(raw))
	}
	if parts := strings.Split(secret, "."); len(parts) == 3 {
		list = append(list, parts[2])
	}
	return list
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// wantNone: the text holds none of the secrets, in no shape.
func (v *vault) wantNone(where, text string) {
	v.t.Helper()
	for what, secret := range v.secrets {
		for _, form := range forms(secret) {
			if strings.Contains(text, form) {
				v.t.Errorf("%s: %s is there, as %q", where, what, form)
			}
		}
	}
	for what, code := range v.codes {
		if regexp.MustCompile(`\b`+code+`\b`).MatchString(text) || strings.Contains(text, hash(code)) {
			v.t.Errorf("%s: %s %s is there", where, what, code)
		}
	}
}

// TestNothingLeaks (T10, T13, C5, Q1): after a story of every capability, told at debug level and with all that can go
// wrong in it, neither the log nor the database holds a secret in plain text or in a hash that needs no key.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze() // whose fractions of seconds could look like a code
	v := &vault{t: t, h: h, secrets: map[string]string{}, codes: map[string]string{}}
	v.keep("application secret", h.Credentials.AppSecret)
	v.keep("access key secret", h.Credentials.AccessKeySecret)

	alice := v.account()
	v.management(alice)
	v.captcha()
	v.qrlogin(alice)
	v.fastpass(alice)
	v.refusals(alice)

	log, dump := h.Log.String(), h.Dump()
	for _, known := range []string{"operation=loginUser", "operation=bindMFA", "operation=redeemFastpass", "path=/oidc/token"} {
		if !strings.Contains(log, known) {
			t.Errorf("the log does not tell of %s", known)
		}
	}
	for _, known := range []string{"alice", "-- mfa_factors\n(", "-- refresh_tokens\n(", "-- qrlogins\n(", "-- fastpasses\n(", "-- captchas\n(", "-- audit_log\n(", "otp.secret.read"} {
		if !strings.Contains(dump, known) {
			t.Errorf("the dump does not have %q", known)
		}
	}
	v.wantNone("log", log)
	v.wantNone("database", dump)
	v.wantNone("backup", h.PgDump())
	v.wantNone("metrics", h.Metrics())
}

// account: register, sign in, bind an authenticator, renew.
func (v *vault) account() *harness.Person {
	h := v.h
	v.keep("password", harness.Password)
	alice := h.SignUp("alice").EnrolTOTP()
	v.keep("TOTP secret", alice.Secret)
	v.keepCode("code", alice.Code())
	alice.Login(alice.Code())
	v.keep("access token", alice.AccessToken)
	v.keep("refresh token", alice.RefreshToken)
	wrong := v.keep("wrong password", "horse staple canary wrong")
	wantRefused(v.t, "wrong password", must(h.Client.LoginUserWithFormdataBodyWithResponse(v.t.Context(), gen.LoginRequest{Username: "alice", Password: wrong}))(v.t), "wrong")
	wantRefused(v.t, "used code", alice.TryLogin(alice.Code()), "used")
	wantRefused(v.t, "wrong code", alice.TryLogin(v.keepCode("wrong code", alice.WrongCode())), "wrong")

	h.Clock.Advance(16 * time.Minute)
	access, refresh := renewed(v.t, info(v.t, h, alice.AccessToken, alice.RefreshToken))
	alice.Adopt(v.keep("renewed access token", access), v.keep("renewed refresh token", refresh))
	wantRefused(v.t, "reuse", info(v.t, h, "", v.keep("unknown refresh token", strings.Repeat("canary", 8))), "sign in")
	return alice
}

// management: both ways for an access key, a user with a password, the secret of an authenticator.
func (v *vault) management(alice *harness.Person) {
	h := v.h
	token := v.keep("management token", h.ManagementToken())
	client := h.NewClient(harness.Header("Authorization", "Bearer "+token))
	dto := everything()
	dto.Password = ptr(v.keep("password of bob", passwordOfBob))
	wantSuccess(v.t, "create user", must(client.CreateUserWithResponse(v.t.Context(), dto))(v.t))
	lookup := func(editors ...gen.RequestEditorFn) *gen.GetOTPSecretByUserResult {
		return must(h.Client.GetOTPSecretByUserWithResponse(v.t.Context(), &gen.GetOTPSecretByUserParams{UserID: alice.ID}, editors...))(v.t)
	}
	wantSecret(v.t, "with a token", lookup(harness.Header("Authorization", "Bearer "+token)), alice.Secret)
	r := lookup(h.Signer().Sign)
	wantSecret(v.t, "with a signature", r, alice.Secret)
	_, signature, _ := strings.Cut(r.HTTPResponse.Request.Header.Get("Authorization"), ":")
	v.keep("signature", signature)
	body := withPassword(gen.AuthenticateByPasswordDto{Account: ptr("bob@example.com"), Password: passwordOfBob})
	body.ClientID, body.ClientSecret = &h.Credentials.AppID, &h.Credentials.AppSecret
	signIn := must(h.Client.SignInWithResponse(v.t.Context(), nil, body))(v.t)
	wantSuccess(v.t, "sign in", signIn)
	v.keepTokens("sign-in", signIn.JSON200.Data)
}

// captcha: one right, one with a wrong password, one wrong, one left over.
func (v *vault) captcha() {
	login := func(use gen.CaptchaUse, password string) *gen.LoginWithCaptchaResult {
		id, answer := v.h.Captcha(use)
		return checkCaptcha(v.t, v.h, "bob", password, id, v.keepCode("captcha", answer))
	}
	right := login(gen.CaptchaUseLogin, passwordOfBob)
	wantSuccess(v.t, "captcha login", right)
	v.keep("access token of captcha login", right.JSON200.Data.Token.AccessToken)
	wantCode(v.t, "wrong password", login(gen.CaptchaUseLogin, v.keep("wrong password", "another canary flies south")), 1000004)
	wantCode(v.t, "wrong use", login(gen.CaptchaUseRegister, passwordOfBob), 1000005)
	_, answer := v.h.Captcha(gen.CaptchaUseRegister)
	v.keepCode("captcha", answer)
}

// qrlogin: one exchanged, twice; one that waits for its exchange. Stored, the scan id is a secret too.
func (v *vault) qrlogin(alice *harness.Person) {
	for range 2 {
		page := v.h.ShowQR(map[string]any{"school": "hust"})
		ticket := v.keep("ticket", alice.Approve(page))
		v.keep("qrcodeId", page.PollID)
		v.keep("scan id", page.ScanID)
		v.keepTokens("QR login", tokens(v.t, v.h.Exchange(ticket)))
	}
	page := v.h.ShowQR(nil)
	v.keep("qrcodeId", page.PollID)
	v.keep("ticket", alice.Approve(page))
}

// fastpass: one redeemed, one not.
func (v *vault) fastpass(alice *harness.Person) {
	v.keepTokens("fastpass", redeemed(v.t, v.h.Redeem(v.keep("fastpass", alice.Fastpass(nil).QrcodeID))))
	v.keep("fastpass", alice.Fastpass(nil).QrcodeID)
	wantStatus(v.t, "unknown", v.h.Redeem(v.keep("unknown fastpass", strings.Repeat("canary", 9))), 403, 2241)
}

// refusals: secrets in requests that break the contract. The answer must not repeat them either.
func (v *vault) refusals(alice *harness.Person) {
	password := v.keep("password in a broken request", "canary \u00e9 in a coal mine")
	long := v.keep("password that is too long", strings.Repeat("canary", 50))
	ticket := v.keep("ticket that is too long", strings.Repeat("tweet", 50))
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	json := http.Header{"Content-Type": {"application/json"}}
	withToken := http.Header{"Access-Token": {alice.AccessToken}, "Authorization": {"Bearer " + alice.AccessToken}}
	for _, r := range []*harness.Raw{
		v.h.Send("POST", "/user/login", json, `{"username":"alice","password":"`+password),
		v.h.Send("POST", "/user/login", json, `{"username":"alice","password":"`+long+`"}`),
		v.h.Send("POST", "/user/login", json, `{"username":"alice","password":["`+password+`"]}`),
		v.h.Send("POST", "/user/login", json, `{"username":"alice","password":"a","`+password+`":"b","password":"`+password+`"}`),
		v.h.Send("POST", "/user/login", form, "username=alice&password="+url.QueryEscape(password)+"&password=x"),
		v.h.Send("POST", "/user/login?password="+url.QueryEscape(password), form, "username=alice"),
		v.h.Send("POST", "/user/login", http.Header{"Content-Type": {"text/plain"}}, password),
		v.h.Send("POST", "/user/register", json, `{"username":"carol","password":"`+long+`"}`),
		v.h.Send("POST", "/api/v3/create-user", withToken, `{"password":"`+password+`"}`),
		v.h.Send("POST", "/api/v3/exchange-tokenset-with-qrcode-ticket", json, `{"ticket":"`+ticket+`"}`),
		v.h.Send("GET", "/api/v3/get-qrcode-status?qrcodeId="+ticket, nil, ""),
		v.h.Send("GET", "/oidc/token?access_token="+alice.AccessToken, withToken, ""),
		v.h.Send("GET", "/user/login?password="+url.QueryEscape(password), nil, ""),
		v.h.Send("GET", "/auth/mfa/qrcode?x=%zz"+url.QueryEscape(password), withToken, ""),
	} {
		o := harness.OutcomeOf(r)
		what := r.HTTPResponse.Request.Method + " " + r.HTTPResponse.Request.URL.Path
		if o.Success() {
			v.t.Errorf("%s succeeded: %s", what, o.Body)
		}
		v.wantNone("answer to "+what, o.Body)
	}
}
