package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/wechat"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestOfficialAccount (Q10) is the story of an official account whose messages are plain, or encrypted: its operator enters the
// push URL, and what people do there arrives. What WeChat has not signed, near its time, once, does not; whatever is none of
// our business is answered with success; and no secret, token or body is in the log or, unsealed, in the database.
func TestOfficialAccount(t *testing.T) {
	t.Parallel()
	for name, encrypted := range map[string]bool{"plain": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			double := wechattest.New(t)
			h := harness.New(t, harness.Wechat(double))
			h.Clock.Freeze()
			connection, account := h.Official(encrypted, wechat.Change{Lang: ptr("en")})
			v := &vault{t: t, h: h, secrets: map[string]string{}, codes: map[string]string{}}
			for _, secret := range []string{wechattest.OfficialSecret, wechattest.PushToken, wechattest.AESKey, "echo-canary"} {
				v.keep("secret", secret)
			}
			now := h.Clock.Now()
			if status, body := h.Push(account.Handshake(now, "echo-canary")); status != http.StatusOK || string(body) != "echo-canary" {
				t.Errorf("handshake: HTTP %d %s", status, body)
			}
			for what, message := range map[string]string{
				"a greeting":             account.Text("alice", "hello", now),
				"a number of nobody":     account.Text("alice", "42", now),
				"somebody who leaves":    strings.Replace(wechattest.Subscribe("alice", "x", now), "subscribe", "unsubscribe", 1),
				"somebody who just came": strings.Replace(wechattest.Subscribe("alice", "x", now), "qrscene_x", "", 1),
			} {
				if status, body := h.Push(account.Push(now, "", message)); status != http.StatusOK || string(body) != "success" {
					t.Errorf("%s: HTTP %d %s", what, status, body)
				}
			}
			scan := wechattest.Scan("alice", "a-scene-of-nobody", now)
			status, first := h.Push(account.Push(now, "seen", scan))
			if account.Open(first); status != http.StatusOK {
				t.Errorf("a scan: HTTP %d %s", status, first)
			}
			for range 2 {
				status, again := h.Push(account.Push(now, "seen", scan))
				if status != http.StatusOK || account.Open(again) != account.Open(first) {
					t.Errorf("the same once more: HTTP %d %s", status, again)
				}
			}
			forger := wechattest.NewAccount(t, account.URL, encrypted)
			forger.Token = "ofTheForger"
			for what, r := range map[string]*http.Request{
				"a forged one":                forger.Push(now, "", scan),
				"a forged handshake":          forger.Handshake(now, "echo-canary"),
				"an old one":                  account.Push(now.Add(-time.Hour), "", scan),
				"another with the same nonce": account.Push(now, "seen", wechattest.Scan("mallory", "a-scene-of-nobody", now)),
			} {
				if status, body := h.Push(r); status != http.StatusForbidden || strings.Contains(string(body), "echo-canary") {
					t.Errorf("%s: HTTP %d %s", what, status, body)
				}
			}
			wantNotWechat(t, h, connection.ID)
			for _, token := range double.Tokens(wechattest.OfficialID) {
				v.keep("access token", token)
			}
			if len(double.Tokens(wechattest.OfficialID)) == 0 {
				t.Error("nobody asked WeChat who that was")
			}
			v.wantNone("the log", h.Log.String())
			v.wantNone("the database", h.Dump())
		})
	}
}

// wantNotWechat: whoever knows the push URL, and no more, is refused.
func wantNotWechat(t *testing.T, h *harness.Instance, connection string) {
	t.Helper()
	const at, nonce = "1777896000", "nonce"
	signature := wechattest.Sign("", at, nonce)
	verify := must(h.Client.VerifyWechatPushWithResponse(t.Context(), &gen.VerifyWechatPushParams{
		Connection: connection, Signature: signature, Timestamp: at, Nonce: nonce, Echostr: "echo-canary",
	}))(t)
	wantGate(t, "a handshake with no token", verify, http.StatusForbidden)
	push := must(h.Client.SendWechatPushWithBodyWithResponse(t.Context(), &gen.SendWechatPushParams{
		Connection: connection, Signature: signature, Timestamp: at, Nonce: nonce,
	}, "text/xml", strings.NewReader("<xml/>")))(t)
	wantGate(t, "a push with no token", push, http.StatusForbidden)
}

// TestMiniProgramMustProveItself (Q10): in a mini program nothing is done without a code of wx.login, which WeChat takes once; the
// session key that it answers with goes nowhere. A scene that stands for no login is refused.
func TestMiniProgramMustProveItself(t *testing.T) {
	t.Parallel()
	double := wechattest.New(t)
	h := harness.New(t, harness.Wechat(double))
	c := h.MiniProgram(wechat.Change{})
	v := &vault{t: t, h: h, secrets: map[string]string{}, codes: map[string]string{}}
	v.keep("secret", wechattest.MiniSecret)
	v.keep("session key", wechattest.SessionKey)
	step := func(code string, connection *string) *gen.SetWechatMiniprogramQRCodeStatusResult {
		t.Helper()
		return must(h.Client.SetWechatMiniprogramQRCodeStatusWithResponse(t.Context(), nil, gen.SetWechatMiniprogramQRCodeStatusDto{
			Scene: "a-scene-of-nobody", Code: v.keep("code", code), Action: gen.SetWechatMiniprogramQRCodeStatusDtoActionSCAN, Connection: connection,
		}))(t)
	}
	wantStatus(t, "a code that WeChat never made", step("made-up-code", nil), 403, 0)
	code := double.Login("alice", "union-of-alice")
	if r := step(code, &c.ID); r.JSON200 == nil || r.JSON200.StatusCode == 200 || r.JSON200.StatusCode == 403 {
		t.Errorf("a scene that stands for no login: %s", r.Body)
	}
	wantStatus(t, "the code again", step(code, &c.ID), 403, 0)
	wantStatus(t, "a connection of nobody", step(double.Login("alice", ""), ptr("nobody")), 422, 0)
	if n := len(double.Calls(wechattest.PathSession)); n != 3 {
		t.Errorf("WeChat was asked %d times", n)
	}
	v.wantNone("the log", h.Log.String())
	v.wantNone("the database", h.Dump())
}
