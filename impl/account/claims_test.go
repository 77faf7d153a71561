package account

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

var issued = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// TestGrantedScope: what means something, each once and in the order asked for; nothing asked for is the default.
func TestGrantedScope(t *testing.T) {
	t.Parallel()
	for requested, want := range map[string]string{
		"":                                  "openid profile offline_access",
		"openid":                            "openid",
		"profile openid":                    "profile openid",
		"openid  profile\temail":            "openid profile email",
		"openid openid openid":              "openid",
		"openid admin user:read *":          "openid",
		"OPENID":                            "",
		"nonsense":                          "",
		" ":                                 "",
		"openid,profile":                    "",
		strings.Join(knownScopes, " "):      strings.Join(knownScopes, " "),
		strings.Repeat("roles ", 1000):      "roles",
		"otp:secret:read management openid": "openid",
	} {
		if got := grantedScope(requested); got != want {
			t.Errorf("%.60q grants %q, want %q", requested, got, want)
		}
	}
}

// TestIDClaims: an ID token tells what its scopes allow and the user has, and not a claim more.
func TestIDClaims(t *testing.T) {
	t.Parallel()
	always := "amr aud auth_time exp iat iss sid sub token_use"
	full := db.User{
		ID: "u1", Username: new("alice"), Email: new("alice@example.com"), EmailVerified: true, Phone: new("+8613800138000"),
		ExternalID: new("ext"), PasswordHash: new("$argon2id$"), Gender: "F", UpdatedAt: issued,
		Profile:    db.Members{"name": "Alice", "photo": "https://example.com/a.png", "address": "not a claim", "familyName": "Smith"},
		CustomData: db.JSON(`{"k":"v"}`),
	}
	for _, test := range []struct {
		scope string
		user  db.User
		more  string
	}{
		{"openid", full, ""},
		{"openid profile", full, "family_name gender name picture updated_at"},
		{"openid username", full, "username"},
		{"openid email", full, "email email_verified"},
		{"openid phone", full, "phone_number phone_number_verified"},
		{"openid external_id", full, "external_id"},
		{"openid roles", full, "roles"},
		{"openid extended_fields", full, "extended_fields"},
		{"openid tenant_id", full, "tenant_id"},
		{"openid offline_access", full, ""},
		{"openid username email phone external_id profile", db.User{ID: "u1"}, "gender updated_at"},
	} {
		s := db.Session{ID: "s1", AppID: "app", Scope: test.scope, AMR: []string{"pwd", "otp"}, AuthTime: issued.Add(-time.Minute)}
		c := idClaims(issuer, s, test.user, issued, issued.Add(time.Hour))
		names := strings.Fields(always + " " + test.more)
		slices.Sort(names)
		if got := slices.Sorted(maps.Keys(c)); !slices.Equal(got, names) {
			t.Errorf("%s: claims %v, want %v", test.scope, got, names)
		}
		text, err := json.Marshal(c)
		if err != nil || strings.Contains(string(text), "argon2id") {
			t.Errorf("%s: %s, %v", test.scope, text, err)
		}
	}
	c := idClaims(issuer, db.Session{ID: "s1", AppID: "app", Scope: "profile email phone", AuthTime: issued.Add(-time.Minute), CreatedAt: issued.Add(-time.Second)}, full, issued, issued.Add(time.Hour))
	for claim, want := range map[string]any{
		"iss": issuer, "sub": "u1", "aud": "app", "sid": "s1", "token_use": "id", "auth_time": issued.Add(-time.Minute).Unix(),
		"iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix(), "picture": "https://example.com/a.png", "family_name": "Smith",
		"email_verified": true, "phone_number_verified": false, "gender": "F", "updated_at": "2026-05-04T12:00:00Z", // a string: SDKs
	} {
		if c[claim] != want {
			t.Errorf("%s is %v (%T), want %v", claim, c[claim], c[claim], want)
		}
	}
}

// payload is the part of a token as it is sent.
func payload(t *testing.T, c any) (encoded string, members map[string]any) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text), members
}

// TestManagementTokenForPython: the official Python SDK decodes the payload with the plain base64 alphabet, which has
// neither '-' nor '_', and reads scoped_userpool_id as a string; no official SDK reads an audience that is a list. So it
// must be for every id and at every time.
func TestManagementTokenForPython(t *testing.T) {
	t.Parallel()
	bad := 0
	for i := range 4000 {
		key := db.AccessKey{UserpoolID: secret.ID(), ID: secret.ID()}
		now := issued.Add(time.Duration(i) * 7919 * time.Millisecond)
		encoded, members := payload(t, managementClaims(key, now, now.Add(2*time.Hour)))
		if strings.ContainsAny(encoded, "-_") {
			bad++
		}
		if members["scoped_userpool_id"] != key.UserpoolID || members["aud"] != key.UserpoolID || members["sub"] != key.ID {
			t.Fatalf("claims %v of key %+v", members, key)
		}
	}
	if bad > 0 {
		t.Errorf("%d of 4000 payloads have '-' or '_'", bad)
	}
}

// TestAccessClaims: the audience is one string, the use is told, times are whole seconds, and no two tokens have the same id, as
// SDKs expect.
func TestAccessClaims(t *testing.T) {
	t.Parallel()
	s := db.Session{UserpoolID: "pool", ID: "s1", UserID: "u1", AppID: "app", Scope: "openid"}
	_, members := payload(t, accessClaims(issuer, s, issued.Add(time.Millisecond), issued.Add(time.Hour)))
	_, others := payload(t, accessClaims(issuer, s, issued, issued.Add(time.Hour)))
	if id, _ := members["jti"].(string); len(id) != 24 || id == others["jti"] {
		t.Errorf("token ids %v, %v", members["jti"], others["jti"])
	}
	want := map[string]any{
		"iss": issuer, "sub": "u1", "aud": "app", "iat": float64(issued.Unix()), "exp": float64(issued.Add(time.Hour).Unix()),
		"token_use": "access", "userpool_id": "pool", "sid": "s1", "scope": "openid", "jti": members["jti"],
	}
	if fmt.Sprint(members) != fmt.Sprint(want) {
		t.Errorf("claims %v, want %v", members, want)
	}
}
