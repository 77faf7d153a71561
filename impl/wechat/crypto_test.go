package wechat

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// WeChat's own example of its scheme: key, app and random bytes, what is said and what it becomes.
const (
	exampleKey    = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	exampleApp    = "wxb11529c136998cb6"
	exampleRandom = "aaaabbbbccccdddd"
	exampleText   = "我是中文abcd123"
	exampleSealed = "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
)

// TestEncryptionIsWechats (Q10): what WeChat's example says, in both directions.
func TestEncryptionIsWechats(t *testing.T) {
	t.Parallel()
	key, err := parseAESKey(exampleKey)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := encrypt(key, []byte(exampleRandom), []byte(exampleText), exampleApp)
	if err != nil || sealed != exampleSealed {
		t.Errorf("%s, %v", sealed, err)
	}
	plain, app, err := decrypt(key, exampleSealed)
	if err != nil || string(plain) != exampleText || app != exampleApp {
		t.Errorf("%q for %q, %v", plain, app, err)
	}
	for _, bad := range []string{"", exampleKey[1:], exampleKey + "a", strings.Repeat("!", 43), exampleKey[1:] + "="} {
		if _, err := parseAESKey(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}

// TestDecryptRefuses: what is too short, has no padding, or says that it is longer than it is.
func TestDecryptRefuses(t *testing.T) {
	t.Parallel()
	key, err := parseAESKey(exampleKey)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(exampleSealed)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(raw)
	flipped[len(flipped)-17] ^= 1 // the last byte of the padding
	long := bytes.Clone(raw)
	long[0] ^= 1
	for name, text := range map[string]string{
		"nothing":        "",
		"no base64":      "门",
		"no block":       base64.StdEncoding.EncodeToString(raw[:15]),
		"half a message": base64.StdEncoding.EncodeToString(raw[:16]),
		"bad padding":    base64.StdEncoding.EncodeToString(flipped),
		"another key's":  base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 64)),
	} {
		if plain, app, err := decrypt(key, text); err == nil {
			t.Errorf("%s: %q for %q", name, plain, app)
		}
	}
	forged, err := encrypt(key, []byte(exampleRandom), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if plain, app, err := decrypt(key, forged); err != nil || len(plain) != 0 || app != "" {
		t.Errorf("an empty message: %q, %q, %v", plain, app, err)
	}
}

// FuzzDecrypt: nothing crashes it, and what it lets through says the same when it is encrypted again.
func FuzzDecrypt(f *testing.F) {
	key, err := parseAESKey(exampleKey)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{exampleSealed, "", "AAAA", strings.Repeat("A", 64), exampleSealed[:44]} {
		f.Add(seed, []byte(exampleText), exampleApp)
	}
	f.Fuzz(func(t *testing.T, text string, message []byte, app string) {
		if plain, appID, err := decrypt(key, text); err == nil && len(plain)+len(appID) > len(text) {
			t.Errorf("%q became longer", text)
		}
		sealed, err := encrypt(key, []byte(exampleRandom), message, app)
		if err != nil {
			t.Fatal(err)
		}
		plain, appID, err := decrypt(key, sealed)
		if err != nil || !bytes.Equal(plain, message) || appID != app {
			t.Errorf("%q for %q came back as %q for %q, %v", message, app, plain, appID, err)
		}
	})
}

// FuzzSigned: a signature is right if WeChat would have made it, and nothing else is.
func FuzzSigned(f *testing.F) {
	f.Add("39d71cd2b0b1ac1fe8d1e7d3a8c8bde7bb33f3d9", "token", "1409304348", "nonce")
	f.Add("", "", "", "")
	f.Add("39D71CD2", "b", "a", "c")
	f.Fuzz(func(t *testing.T, given, token, timestamp, nonce string) {
		want := wechattest.Sign(token, timestamp, nonce)
		if !signed(want, token, timestamp, nonce) || !signed(want, nonce, token, timestamp) {
			t.Errorf("the signature of %q %q %q is refused", token, timestamp, nonce)
		}
		if given != want && signed(given, token, timestamp, nonce) {
			t.Errorf("%q signs %q %q %q", given, token, timestamp, nonce)
		}
	})
}
