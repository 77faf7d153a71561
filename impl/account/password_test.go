package account

import (
	"context"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// TestHashFormat (security, accounts): argon2id with m=19 MiB, t=2, p=1 in the PHC string format, with a salt of its own
// each time, so that other programs can read it and none can be compared with another.
func TestHashFormat(t *testing.T) {
	t.Parallel()
	h := newHasher(2, time.Minute)
	form := regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$`)
	salts := map[string]bool{}
	for range 3 {
		encoded, err := h.hash(t.Context(), password)
		if err != nil {
			t.Fatal(err)
		}
		parts := form.FindStringSubmatch(encoded)
		if parts == nil {
			t.Fatalf("%s", encoded)
		}
		salts[parts[1]] = true
		salt, err := base64.RawStdEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		if want := base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(password), salt, 2, 19456, 1, 32)); parts[2] != want {
			t.Errorf("the key is %s, want %s", parts[2], want)
		}
	}
	if len(salts) != 3 {
		t.Error("a salt was used twice")
	}
}

// TestVerifyPassword: the right one and no other, in the same form whichever keyboard it comes from (RFC 8265).
func TestVerifyPassword(t *testing.T) {
	t.Parallel()
	h := newHasher(2, time.Minute)
	for stored, typed := range map[string]map[string]bool{
		password: {
			password: true, password + " ": false, " " + password: false, "Correct horse battery staple": false, "": false,
			password[1:]: false, password + "\x00": false,
		},
		"ang\u0073tro\u0308m": {"angstr\u00f6m": true, "angstro\u0308m": true, "angstrom": false}, // decomposed, composed
		"门神\u3000门神":          {"门神 门神": true, "门神门神": false},                                     // ideographic space
	} {
		encoded, err := h.hash(t.Context(), stored)
		if err != nil {
			t.Fatal(err)
		}
		for candidate, want := range typed {
			if got, err := h.verify(t.Context(), &encoded, candidate); err != nil || got != want {
				t.Errorf("%q for %q: %v, %v; want %v", candidate, stored, got, err, want)
			}
		}
	}
	if _, err := h.hash(t.Context(), "bell\a"); !errors.Is(err, ErrPassword) {
		t.Errorf("a password with a control character: %v, want ErrPassword", err)
	}
}

// TestVerifyNothing: an unknown user has no password, not even the one behind the dummy hash, and a hash that cannot be
// read is an error rather than a wrong password.
func TestVerifyNothing(t *testing.T) {
	t.Parallel()
	h := newHasher(1, time.Minute)
	salt := secret.Bytes(argonSalt)
	key, err := h.compute(t.Context(), password, salt)
	if err != nil {
		t.Fatal(err)
	}
	h.dummy = encodeHash(salt, key) // somebody has found the password of the dummy
	if ok, err := h.verify(t.Context(), nil, password); ok || err != nil {
		t.Errorf("nobody's password: %v, %v", ok, err)
	}
	for _, encoded := range []string{
		"", "plain", "$2a$10$abcdefghijklmnopqrstuv", strings.Replace(h.dummy, "m=19456", "m=65536", 1),
		strings.Replace(h.dummy, "argon2id", "argon2i", 1), h.dummy[:len(h.dummy)-44], h.dummy + "!", "$argon2id$v=19$m=19456,t=2,p=1$!$" + strings.Repeat("A", 43),
	} {
		if ok, err := h.verify(t.Context(), &encoded, password); ok || err == nil || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("hash %.60q: %v, %v; want an error", encoded, ok, err)
		}
	}
}

// TestHashesAreBounded (security, accounts): at most so many at a time; who waits for a turn stops waiting when the
// client goes away, and is told that the service is busy.
func TestHashesAreBounded(t *testing.T) {
	t.Parallel()
	h := newHasher(2, time.Minute)
	var leave [2]func()
	for n := range leave {
		_, left, err := h.queue.Enter(t.Context(), "hash")
		if err != nil {
			t.Fatal(err)
		}
		leave[n] = left
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancelLate()
	for what, ctx := range map[string]context.Context{"client gone": gone, "out of time": late} {
		if _, err := h.hash(ctx, password); !errors.Is(err, apierr.ErrUnavailable) || !errors.Is(err, ctx.Err()) {
			t.Errorf("hash, %s: %v, want ErrUnavailable because of the context", what, err)
		}
		if _, err := h.verify(ctx, nil, password); !errors.Is(err, apierr.ErrUnavailable) {
			t.Errorf("verify, %s: %v, want ErrUnavailable", what, err)
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := h.hash(t.Context(), password)
		done <- err
	}()
	leave[0]() // a turn is free
	if err := <-done; err != nil {
		t.Errorf("after a turn was free: %v", err)
	}
	if _, err := newHasher(0, time.Minute).hash(t.Context(), password); err != nil {
		t.Errorf("at least one at a time: %v", err)
	}
}

// TestStrongPassword (security, accounts): what is guessed first is refused, whatever kinds of characters it has; a
// passphrase or a random string is accepted, also without any but letters. The contract has checked the length.
func TestStrongPassword(t *testing.T) {
	t.Parallel()
	h, own := newHasher(1, time.Minute), []string{"Zhang.Wei", "zhangwei88@example.com", "13800138000"}
	for candidate, want := range map[string]error{
		"password":               ErrPassword,
		"Password1":              ErrPassword,
		"P@ssw0rd":               ErrPassword,
		"12345678":               ErrPassword,
		"1234567890":             ErrPassword,
		"qwertyuiop":             ErrPassword,
		"1qaz2wsx":               ErrPassword,
		"iloveyou":               ErrPassword,
		"aaaaaaaaaaaa":           ErrPassword,
		"abcdefgh":               ErrPassword,
		"abcabcabcabc":           ErrPassword,
		"19900101":               ErrPassword,
		"Zhang.Wei":              ErrPassword,
		"zhang.wei":              ErrPassword,
		"zhangwei88@example.com": ErrPassword,
		"13800138000":            ErrPassword,
		password:                 nil,
		"vkqmzhxwpbtn":           nil,
		"7f3k9q2m4x":             nil,
		"门神站在门口看着来来往往的人":                             nil,
		"Zhang.Wei likes peeling oranges":            nil,
		secret.Token():                               nil,
		"xK9#qLz":                                    ErrPassword, // 7 characters
		"门神守夜不打瞌睡":                                   nil,         // 8
		strings.Repeat("long and longer ", 16):       nil,         // 256
		strings.Repeat("long and longer ", 16) + "!": ErrPassword,
	} {
		began := time.Now()
		if err := h.strong(t.Context(), candidate, own...); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", candidate, err, want)
		}
		if took := time.Since(began); took > 2*time.Second { // the estimate must not be a way to keep a core busy
			t.Errorf("%q: the estimate took %v", candidate, took)
		}
	}
	if err := h.strong(t.Context(), password, "", "", ""); err != nil {
		t.Errorf("with identifiers that the user does not have: %v", err)
	}
}
