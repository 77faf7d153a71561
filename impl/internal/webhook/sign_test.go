package webhook

import (
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// TestHeader checks against the example of the specification and its libraries
// (https://github.com/standard-webhooks/standard-webhooks); two secrets make two signatures, in their order.
func TestHeader(t *testing.T) {
	t.Parallel()
	const (
		published = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
		other     = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
		// printf '%s' 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}' | openssl dgst -sha256 -mac HMAC \
		//   -macopt hexkey:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f -binary | base64
		otherSignature = "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI="
	)
	for text, want := range map[string]string{
		published:                      signature,
		published + " " + other:        signature + " " + otherSignature,
		" " + other + "\n" + published: otherSignature + " " + signature,
	} {
		secrets, err := Secrets(text)
		if err != nil {
			t.Fatal(err)
		}
		got := Header(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))["webhook-signature"]
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestNewSecret: a new secret is one that can be read, of 256 bit, and no two are alike.
func TestNewSecret(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		text := NewSecret()
		secrets, err := Secrets(text)
		if err != nil || len(secrets) != 1 || len(secrets[0]) != 32 || seen[text] {
			t.Fatalf("%d secrets, %v", len(secrets), err)
		}
		seen[text] = true
	}
}

// TestOthersVerify: the library of the specification's authors takes what we sign, with the new secret and with the old one,
// and nothing that was changed on its way.
func TestOthersVerify(t *testing.T) {
	t.Parallel()
	fresh, old := NewSecret(), NewSecret()
	secrets, err := Secrets(fresh + " " + old)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"authentication.pre"}`)
	header := http.Header{}
	for name, value := range Header(secrets, "msg_1", time.Now(), body) {
		header.Set(name, value)
	}
	for secret, want := range map[string]bool{fresh: true, old: true, NewSecret(): false} {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(body, header); (err == nil) != want {
			t.Errorf("%v, want %v", err, want)
		}
		if verifier.Verify([]byte(`{"type":"authentication.pre" }`), header) == nil {
			t.Error("a body that was changed")
		}
	}
}
