package browser

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// code is what the authenticator with a secret shows now.
func code(t *testing.T, h *harness.Instance, secret string) string {
	t.Helper()
	text, err := harness.TOTP(secret, h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// enrol adds an authenticator on the account page, from the picture there, and returns its secret.
func (p *page) enrol() (secret string) {
	p.t.Helper()
	p.click("button", "Add an authenticator")
	uri, err := url.Parse(p.read("image", "QR code with the secret of the authenticator"))
	if err != nil || uri.Scheme != "otpauth" {
		p.t.Fatalf("the picture says %v, %v", uri, err)
	}
	secret = uri.Query().Get("secret")
	p.fill("Code", code(p.t, p.h, secret))
	p.click("button", "Add")
	p.see("Added ")
	p.h.Clock.Advance(30 * time.Second) // the code is spent
	return secret
}

// TestAuthenticatorFromThePicture: an account, an authenticator from the picture on the page, a sign-in that asks for its code, and
// recovery codes for the day when it is lost: shown once, and good once.
func TestAuthenticatorFromThePicture(t *testing.T) {
	t.Parallel()
	h := serve(t)
	h.Clock.Freeze()
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	secret := desk.enrol()

	desk.click("button", "Make new recovery codes")
	desk.fill("Code", code(t, h, secret))
	desk.click("button", "Make new recovery codes")
	desk.see("This is the only time that they are shown")
	_, list, _ := strings.Cut(desk.text(), "Keep them where you would keep a key.\n")
	recovery, _, _ := strings.Cut(strings.TrimSpace(list), "\n")
	desk.click("button", "I have kept them")
	desk.see("10 left.")
	if strings.Contains(desk.text(), recovery) {
		t.Error("the recovery codes are still on the page")
	}
	desk.click("button", "Sign out")
	desk.see("You have signed out.")

	desk.signIn("alice")
	desk.see("A code of your authenticator")
	desk.fill("Code", "000000")
	desk.click("button", "Sign in")
	desk.see("The authenticator code is wrong.")
	h.Clock.Advance(30 * time.Second)
	desk.fill("Code", code(t, h, secret))
	desk.click("button", "Sign in")
	desk.at("account")
	desk.see("with authenticator")
	desk.click("button", "Sign out")

	desk.see("You have signed out.")
	desk.signIn("alice")
	desk.click("button", "Use a recovery code")
	desk.fill("Recovery code", recovery)
	desk.click("button", "Sign in")
	desk.see("9 left.", "Recovery code used")
}

// TestCaptchaAfterGuesses: after some wrong passwords the page shows a picture, another one if it cannot be read, and the same as
// sound; a wrong answer brings a new one, and the right one opens the door.
func TestCaptchaAfterGuesses(t *testing.T) {
	t.Parallel()
	h := serve(t)
	h.SignUp("alice")
	desk := visit(t, h, desktop, "")
	desk.fill("User name, e-mail address or phone number", "alice")
	for range 3 {
		desk.fill("Password", "a mere guess")
		desk.click("button", "Sign in")
		desk.see("The account or the password is wrong.")
	}
	desk.fill("Password", harness.Password)
	desk.click("button", "Sign in")
	desk.see("Solve an image captcha first.")
	const picture = "Characters to type; if you cannot see them, choose “Listen instead”."
	desk.node("image", picture)
	first := h.Digits.Last()
	desk.click("button", "Another picture")
	desk.until("another picture", func() bool { return h.Digits.Last() != first })
	desk.fill("What do you read, or hear?", "00000")
	desk.click("button", "Sign in")
	desk.see("The verification code is wrong or has expired.")
	desk.click("button", "Listen instead")
	desk.node("Audio", "Digits to type, spoken")
	desk.fill("What do you read, or hear?", h.Digits.Last())
	desk.click("button", "Sign in")
	desk.at("account")
}

// TestCodeByEmail: a code that is sent signs in; until it may be sent again the button counts down, phones are told that the field is
// for it, and a wrong one can be corrected.
func TestCodeByEmail(t *testing.T) {
	t.Parallel()
	h := serve(t)
	email := "alice@example.com"
	alice := h.SignUp("alice")
	asked := h.AskForCode(gen.CaptchaRequestTypeEmail, gen.CaptchaUseBindAccount, email)
	bound, err := alice.Client.BindAccountWithResponse(t.Context(), nil, gen.BindAccountRequest{
		Type: gen.CodeTypeEmail, Account: email, CodeID: asked, Code: h.SentCode(email),
	}, harness.Header("iThings-token", alice.AccessToken))
	if err != nil || bound.JSON200 == nil || bound.JSON200.Code != 0 {
		t.Fatalf("bind: %v %s", err, bound.Body)
	}
	h.Clock.Advance(2 * time.Minute)

	desk := visit(t, h, handset, "")
	desk.click("tab", "Code")
	desk.fill("E-mail address or phone number", email)
	desk.click("button", "Send a code")
	desk.see("a code is on its way", "Send another code in ")
	if !ask[bool](desk, `document.querySelector('[name=code]').autocomplete === 'one-time-code' && document.activeElement.name === 'code'`) {
		t.Error("phones are not told that a code is to be typed here")
	}
	desk.fill("Code of 6 digits", "000000")
	desk.click("button", "Sign in")
	desk.see("The verification code is wrong or has expired.")
	desk.fill("Code of 6 digits", h.SentCode(email))
	desk.click("button", "Sign in")
	desk.at("account")
	desk.see(email)
}

// TestForgottenPassword: a code to one's own address sets a new password.
func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	desk.click("button", "Set an e-mail address or phone number")
	desk.fill("E-mail address or phone number", "alice@example.com")
	desk.click("button", "Send a code")
	desk.see("a code is on its way")
	desk.fill("Code of 6 digits", h.SentCode("alice@example.com"))
	desk.click("button", "Confirm")
	desk.see("E-mail address\nalice@example.com", "Address set")
	desk.click("button", "Sign out")

	h.Clock.Advance(2 * time.Minute)
	desk.click("button", "Forgot your password?")
	desk.fill("E-mail address or phone number", "alice@example.com")
	desk.click("button", "Send a code")
	desk.see("a code is on its way")
	desk.fill("Code of 6 digits", h.SentCode("alice@example.com"))
	desk.fill("New password", "purple guards at every door")
	desk.click("button", "Set password")
	desk.see("The password is changed. Sign in with the new one.")
	desk.fill("User name, e-mail address or phone number", "alice@example.com")
	desk.fill("Password", "purple guards at every door")
	desk.click("button", "Sign in")
	desk.at("account")
	desk.see("Password set anew")
}
