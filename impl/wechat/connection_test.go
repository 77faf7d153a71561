package wechat

import (
	"bytes"
	"errors"
	"image"
	"image/gif"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// TestConnectionIsSetUp: an operator creates a connection, tests it, changes it, deletes it; each change is in the audit log.
func TestConnectionIsSetUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	ctx := t.Context()
	r.must(r.connections.Test(ctx, r.official.ID))
	c, err := r.connections.Set(ctx, r.official.ID, Change{
		Name: ptr("图书馆"), AppSecret: ptr("wrong"), LogoURL: ptr("https://library.example.com/logo.png"), CreateUsers: ptr(false), AESKey: ptr(""),
	})
	r.must(err)
	if c.Name != "图书馆" || c.CreateUsers || c.WechatAppID != wechattest.OfficialID || c.Lang != "en" {
		t.Errorf("%+v", c)
	}
	r.want("with the wrong secret", r.connections.Test(ctx, c.ID), ErrRefused)
	if _, err := openSecret(ctx, r.store, ring, c, db.ConnectionAESKey); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the AES key is still there: %v", err)
	}
	if token, err := openSecret(ctx, r.store, ring, c, db.ConnectionPushToken); err != nil || token != wechattest.PushToken {
		t.Errorf("the push token is %q, %v", token, err)
	}
	stored, err := r.connections.List(ctx)
	if err != nil || len(stored) != 2 || stored[0].ID != c.ID && stored[1].ID != c.ID {
		t.Errorf("%+v, %v", stored, err)
	}
	r.must(r.connections.Delete(ctx, c.ID))
	r.want("deleted twice", r.connections.Delete(ctx, c.ID), ErrConnection)
	r.want("tested when it is gone", r.connections.Test(ctx, c.ID), ErrConnection)
	_, err = r.connections.Set(ctx, c.ID, Change{Name: ptr("x")})
	r.want("set when it is gone", err, ErrConnection)
	if n := r.count("SELECT count(*) FROM connection_secrets WHERE connection_id = $1", c.ID); n != 0 {
		t.Errorf("%d secrets are left", n)
	}
	for action, want := range map[string]int{"create": 2, "set": 1, "delete": 1} {
		if n := r.count("SELECT count(*) FROM audit_log WHERE actor = 'operator' AND action = 'connection.' || $1", action); n != want {
			t.Errorf("%s: %d events", action, n)
		}
	}
}

// TestNewSecretEndsTheToken (Q10): a token of the app that the connection had before is not used for the one it has now, even
// if it is just being fetched.
func TestNewSecretEndsTheToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	_, err := r.scene(r.Service, "first")
	r.must(err)
	now := r.clock.Now()
	r.must(r.store.Wechat().LeaseToken(t.Context(), "pool", r.official.ID, 1, now.Add(leaseFor), now))
	_, err = r.connections.Set(t.Context(), r.official.ID, Change{AppSecret: ptr(wechattest.OfficialSecret)})
	r.must(err)
	err = r.store.Wechat().StoreToken(t.Context(), "pool", r.official.ID, 1, now.Add(leaseFor), []byte("of the old app"), now)
	r.want("the token of before", err, db.ErrNotFound)
	_, err = r.scene(r.Service, "second")
	r.must(err)
	if n := len(r.wechat.Calls(wechattest.PathToken)); n != 2 {
		t.Errorf("%d tokens were fetched", n)
	}
}

// TestSettingsAreChecked: what WeChat would not take is refused when it is set, and nothing is changed. No refusal quotes a
// secret.
func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	var animated bytes.Buffer
	r.must(gif.Encode(&animated, image.NewGray(image.Rect(0, 0, 2, 2)), nil))
	official := map[string]Change{
		"push token with a blank": {PushToken: ptr("secret canary")},
		"push token too short":    {PushToken: ptr("ab")},
		"no push token":           {PushToken: ptr("")},
		"AES key too short":       {AESKey: ptr("secret-canary")},
		"page":                    {Page: ptr("pages/index")},
		"version":                 {EnvVersion: ptr("trial")},
		"language":                {Lang: ptr("fr")},
		"app id":                  {WechatAppID: ptr("wx 1")},
		"no app id":               {WechatAppID: ptr("")},
		"app secret":              {AppSecret: ptr("secret canary")},
		"no app secret":           {AppSecret: ptr("")},
		"long name":               {Name: ptr(strings.Repeat("门", 65))},
		"odd name":                {Name: ptr("a\nb")},
		"logo URL":                {LogoURL: ptr("javascript:alert(1)")},
		"logo URL with password":  {LogoURL: ptr("https://a:b@example.com/")},
		"logo too wide":           {Logo: ptr(logo(1025, 1))},
		"logo too long":           {Logo: ptr(append(logo(1, 1), make([]byte, maxLogo)...))},
		"GIF":                     {Logo: ptr(animated.Bytes())},
		"no picture":              {Logo: ptr([]byte("<svg/>"))},
	}
	mini := map[string]Change{
		"push token of a mini program": {PushToken: ptr(wechattest.PushToken)},
		"AES key of a mini program":    {AESKey: ptr(wechattest.AESKey)},
		"page with a slash before it":  {Page: ptr("/pages/index")},
		"page with a query":            {Page: ptr("pages/index?a=b")},
		"version that there is not":    {EnvVersion: ptr("beta")},
	}
	for id, changes := range map[string]map[string]Change{r.official.ID: official, r.mini.ID: mini} {
		for name, change := range changes {
			change.CreateUsers = ptr(false)
			_, err := r.connections.Set(t.Context(), id, change)
			r.want(name, err, ErrSettings)
			var refusal *apierr.Error
			if !errors.As(err, &refusal) || refusal.Detail == "" || strings.Contains(refusal.Error(), "canary") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for name, c := range map[string]struct {
		kind string
		set  Change
	}{
		"no secret":     {db.WechatMiniprogram, Change{WechatAppID: ptr("wx1")}},
		"no app id":     {db.WechatMiniprogram, Change{AppSecret: ptr("s")}},
		"no push token": {db.WechatOfficialAccount, Change{WechatAppID: ptr("wx1"), AppSecret: ptr("s")}},
		"another type":  {"MOBILE_APP", Change{WechatAppID: ptr("wx1"), AppSecret: ptr("s")}},
	} {
		_, err := r.connections.Create(t.Context(), r.app, c.kind, c.set)
		r.want(name, err, ErrSettings)
	}
	if n := r.count("SELECT count(*) FROM connections WHERE create_users"); n != 2 {
		t.Errorf("%d connections are as they were, want both and no other", n)
	}
}

// TestSecretsAreSealed (Q10, T10): no table has a secret as it is; each opens in its own row and as its own kind only, and a
// rotation of the keys finds all of them.
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	a := r.account(true)
	_, err := r.scene(r.Service, "scene")
	r.must(err)
	r.logins.open("scene-canary", 17, 42, 63)
	r.wechat.Union("alice", "union-canary")
	r.settled(a, wechattest.Scan("alice", "scene-canary", r.clock.Now()))
	for _, table := range []string{"connections", "connection_secrets", "wechat_tokens", "wechat_scans", "wechat_nonces", "wechat_events", "audit_log"} {
		var rows string
		r.must(r.raw.QueryRowContext(t.Context(), "SELECT coalesce(string_agg(encode(convert_to(t::text, 'UTF8'), 'hex') || ' ' || t::text, ' '), '') FROM "+table+" t").Scan(&rows))
		r.wantSecretFree(table, rows)
		for _, secret := range []string{"scene-canary", "union-canary"} {
			if strings.Contains(rows, secret) {
				t.Errorf("%s has %s", table, secret)
			}
		}
	}
	_, err = r.raw.ExecContext(t.Context(), `UPDATE connection_secrets s SET secret_sealed = o.secret_sealed FROM connection_secrets o
		WHERE s.connection_id = $1 AND s.kind = 'push_token' AND o.connection_id = $1 AND o.kind = 'app_secret'`, r.official.ID)
	r.must(err)
	_, err = openSecret(t.Context(), r.store, ring, r.official, db.ConnectionPushToken)
	r.want("the app secret in the place of the push token", err, keyring.ErrSealed)

	sealed := 0
	for _, c := range db.SealedColumns() {
		values, err := r.store.Keyring().Other(t.Context(), c, []byte("none"), 100)
		r.must(err)
		for _, v := range values {
			if _, err := ring.Unseal(v.Sealed, c.AAD(v)...); err != nil && !strings.Contains(c.Row(v), "push_token") {
				t.Errorf("%s: %v", c.Row(v), err)
			}
			sealed++
		}
	}
	if sealed != 6 { // secrets of the two connections, a token, a scan
		t.Errorf("%d sealed values", sealed)
	}
}
