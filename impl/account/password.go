package account

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	zxcvbn "github.com/ccojocar/zxcvbn-go"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"

	"github.com/menshen-auth/menshen/impl/internal/admission"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Parameters of argon2id (OWASP Password Storage: m=19 MiB, t=2, p=1).
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16
)

// Bounds of a password in characters, as the contract's Password has them.
const (
	minPassword = 8
	maxPassword = 256
)

// maxEstimated is how much of a password its strength is estimated from, in characters. The estimate of an adversarial
// password takes time that grows steeply with its length (2 s at 64); one of that many unpredictable characters is strong
// enough, whatever follows.
const maxEstimated = 20

// hashTarget is which part of the patience one waits for a hash at most when others always do (see package admission): by
// default it is 50 ms, about twice what a hash takes.
const hashTarget = 8

// hasher computes argon2id, a bounded number at a time: each takes 19 MiB and a core for tens of milliseconds.
type hasher struct {
	queue queue
	dummy string // hash of a password that nobody has
}

// queue is where one waits for a core.
type queue interface {
	Enter(ctx context.Context, kind string) (inside context.Context, leave func(), err error)
}

func newHasher(parallel int, patience time.Duration) *hasher {
	h := &hasher{queue: admission.New(max(parallel, 1), patience, patience/hashTarget)}
	h.dummy = encodeHash(secret.Bytes(argonSalt), secret.Bytes(argonKey))
	return h
}

// hash returns the password as a PHC string.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	normal, err := normalPassword(password)
	if err != nil {
		return "", err
	}
	salt := secret.Bytes(argonSalt)
	key, err := h.compute(ctx, normal, salt)
	if err != nil {
		return "", err
	}
	return encodeHash(salt, key), nil
}

// verify tells whether the password is the hashed one. A nil hash (no such user, or one without password) takes as long
// and never matches.
func (h *hasher) verify(ctx context.Context, encoded *string, password string) (bool, error) {
	known := encoded != nil
	if !known {
		encoded = &h.dummy
	}
	salt, want, err := decodeHash(*encoded)
	if err != nil {
		return false, err
	}
	normal, err := normalPassword(password)
	if err != nil {
		normal, known = "", false // nobody has such a password, but the answer must take as long
	}
	key, err := h.compute(ctx, normal, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, want) == 1 && known, nil
}

func (h *hasher) compute(ctx context.Context, password string, salt []byte) (key []byte, err error) {
	err = h.bounded(ctx, func() error {
		key = argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
		return nil
	})
	return key, err
}

// bounded runs f when there is a core for it. Meanwhile those who need none go on.
func (h *hasher) bounded(ctx context.Context, f func() error) error {
	defer admission.Outside(ctx)()
	_, leave, err := h.queue.Enter(ctx, "hash")
	if err != nil {
		return err
	}
	defer leave()
	return f()
}

func encodeHash(salt, key []byte) string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, encode(salt), encode(key))
}

func decodeHash(encoded string) (salt, key []byte, err error) {
	prefix := fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemory, argonTime, argonThreads)
	rest, ok := strings.CutPrefix(encoded, prefix)
	encodedSalt, encodedKey, ok2 := strings.Cut(rest, "$")
	if !ok || !ok2 {
		return nil, nil, fmt.Errorf("password hash has unknown parameters")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(encodedSalt); err != nil {
		return nil, nil, fmt.Errorf("password hash: %w", err)
	}
	if key, err = base64.RawStdEncoding.DecodeString(encodedKey); err != nil {
		return nil, nil, fmt.Errorf("password hash: %w", err)
	}
	return salt, key, nil
}

// normalPassword makes what looks the same on two keyboards the same bytes (RFC 8265 OpaqueString).
func normalPassword(password string) (string, error) {
	normal, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", ErrPassword
	}
	return normal, nil
}

// strong refuses passwords that are guessed at once: common ones, the user's own name, keyboard walks. There are no rules
// about kinds of characters (NIST SP 800-63B section 3.1.1.2). The length is checked here for where the contract leaves it open.
func (h *hasher) strong(ctx context.Context, password string, own ...string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return ErrPassword.WithDetail("8 to 256 characters")
	}
	for i := range own {
		own[i] = estimated(own[i])
	}
	return h.bounded(ctx, func() error {
		if zxcvbn.PasswordStrength(estimated(password), own).Score < 2 { // fewer than a million guesses
			return ErrPassword
		}
		return nil
	})
}

// estimated is the part of a text that counts for the estimate.
func estimated(text string) string {
	if runes := []rune(text); len(runes) > maxEstimated {
		return string(runes[:maxEstimated])
	}
	return text
}
