package e2e

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestAuthenticatorProtectsLogin is the story of document 000: scan, bind, and from then on no login without a code.
func TestAuthenticatorProtectsLogin(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice").EnrolTOTP()

	if r := alice.TryLogin(""); r.JSON200.Base.Code != gen.BaseCodeFailure || !strings.Contains(r.JSON200.Base.Msg, "code of the authenticator is required") {
		t.Errorf("login without a code: %s", r.Body)
	}
	if r := alice.TryLogin("000000"); r.JSON200.Base.Code != gen.BaseCodeFailure {
		t.Errorf("login with a wrong code: %s", r.Body)
	}
	alice.Login(alice.Code())
}

// TestCodeIsGoodOnce (T4): a code seen over the shoulder is worthless, and so is the code that bound the authenticator.
func TestCodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	alice.Secret = alice.Scan()
	code := alice.Code()
	bind, err := alice.Client.BindMFAWithResponse(context.Background(), nil, gen.BindMFAJSONRequestBody{Code: code})
	if err != nil || bind.JSON200.Base.Code != gen.BaseCodeSuccess {
		t.Fatalf("bind: %v %s", err, bind.Body)
	}
	wantRefused(t, "the code that bound", alice.TryLogin(code), "has been used")

	h.Clock.Advance(30 * time.Second)
	code = alice.Code()
	alice.Login(code)
	wantRefused(t, "the same code again", alice.TryLogin(code), "has been used")
	h.Clock.Advance(30 * time.Second)
	wantRefused(t, "the code of an earlier step", alice.TryLogin(code), "has been used")
	alice.Login(alice.Code())
}

// TestEnrolmentPicture (T2, T12): what a phone reads from the picture is the otpauth URI, percent-encoded.
func TestEnrolmentPicture(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("爱丽丝")
	r, err := alice.Client.GetMFAQRCodeWithResponse(context.Background(), nil)
	if err != nil || r.JSON200.Data == nil {
		t.Fatalf("%v %s", err, r.Body)
	}
	text := h.ReadQR(h.DataURI(r.JSON200.Data.Qrcode))
	uri, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"secret": {r.JSON200.Data.Secret}, "issuer": {"Menshen"}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	if uri.Query().Encode() != want.Encode() || uri.Path != "/Menshen:爱丽丝" || strings.ContainsAny(text, "+ ") {
		t.Errorf("the picture says %q", text)
	}
}
