package wechat

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// TestAnswersOfWechat (Q10): every way in which WeChat can fail is a refusal that says what to do: set the connection up, wait,
// try again. No error and no log has a secret, a token, or what WeChat wrote.
func TestAnswersOfWechat(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	_, err := r.scene(r.Service, "first") // there is a token
	r.must(err)
	for name, c := range map[string]struct {
		fault wechattest.Fault
		want  error
	}{
		"system busy":         {wechattest.Fault{Code: -1}, ErrUnavailable},
		"quota":               {wechattest.Fault{Code: 45009}, ErrBusy},
		"too often":           {wechattest.Fault{Code: 45011}, ErrBusy},
		"not allowed":         {wechattest.Fault{Code: 48001}, ErrRefused},
		"app secret is wrong": {wechattest.Fault{Code: 40125}, ErrRefused},
		"HTTP 500":            {wechattest.Fault{Raw: "500"}, ErrUnavailable},
		"breaks off":          {wechattest.Fault{Raw: "drop"}, ErrUnavailable},
		"redirect":            {wechattest.Fault{Raw: "redirect"}, ErrUnavailable},
		"no JSON":             {wechattest.Fault{Raw: "<html>access-token-1-of-" + wechattest.OfficialID}, ErrUnavailable},
		"half a JSON":         {wechattest.Fault{Raw: `{"url":"http`}, ErrUnavailable},
		"a list":              {wechattest.Fault{Raw: `[]`}, ErrUnavailable},
		"nothing":             {wechattest.Fault{Raw: " "}, ErrUnavailable},
		"no URL":              {wechattest.Fault{Raw: `{"ticket":"x"}`}, ErrUnavailable},
		"URL of another type": {wechattest.Fault{Raw: `{"url":7}`}, ErrUnavailable},
		"URL without end":     {wechattest.Fault{Raw: `{"url":"` + strings.Repeat("a", 513) + `"}`}, ErrUnavailable},
		"without end":         {wechattest.Fault{Raw: `{"url":"` + strings.Repeat(" ", maxJSON) + `"}`}, ErrUnavailable},
	} {
		r.wechat.Fail(wechattest.PathQRCode, c.fault)
		_, err := r.scene(r.Service, "scene")
		r.want(name, err, c.want)
		r.wantSecretFree(name, err.Error())
	}
	for _, code := range []int{40029, 40163} {
		r.wechat.Fail(wechattest.PathSession, wechattest.Fault{Code: code})
		_, err := r.Scan(t.Context(), r.mini, "scene", "code-canary")
		r.want("the code", err, ErrCode)
		r.wantSecretFree("the code", err.Error())
	}
	r.wechat.Fail(wechattest.PathSession, wechattest.Fault{Code: 40226}, wechattest.Fault{Raw: `{"openid":""}`}, wechattest.Fault{Raw: `{"openid":"a b"}`})
	_, err = r.Scan(t.Context(), r.mini, "scene", "code-canary")
	r.want("a risky person", err, ErrPerson)
	for range 2 {
		_, err = r.Scan(t.Context(), r.mini, "scene", "code-canary")
		r.want("nobody", err, ErrUnavailable)
	}
	r.wantSecretFree("the log", r.log.String())
	if calls := r.wechat.Calls("/elsewhere"); len(calls) > 0 {
		t.Errorf("a redirect was followed: %v", calls)
	}
}

// wantSecretFree checks that a text has no secret, no token, and nothing that WeChat wrote.
func (r *rig) wantSecretFree(what, text string) {
	r.t.Helper()
	for _, secret := range append([]string{
		wechattest.OfficialSecret, wechattest.MiniSecret, wechattest.PushToken, wechattest.AESKey, wechattest.SessionKey, "errmsg-canary", "code-canary",
	}, append(r.wechat.Tokens(wechattest.OfficialID), r.wechat.Tokens(wechattest.MiniID)...)...) {
		if strings.Contains(text, secret) {
			r.t.Errorf("%s has %q: %s", what, secret, text)
		}
	}
}

// TestSlowWechat (Q10): who asks WeChat does not wait longer than it has time.
func TestSlowWechat(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	_, err := r.scene(r.Service, "first")
	r.must(err)
	r.wechat.Fail(wechattest.PathQRCode, wechattest.Fault{Raw: "hang"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = r.Code(ctx, r.official, "scene", time.Minute, false)
	r.want("hangs", err, ErrUnavailable)
	r.wantSecretFree("the error", err.Error())
	var refusal *apierr.Error
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Error(), "no answer in time") {
		t.Errorf("%v", err)
	}
}

// TestNobodyThere: the errors of connections say what is wrong, and have no URL.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for base, says := range map[string]string{server.URL: "certificate", gone.URL: "refused"} {
		client, err := NewClient(base)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.UnionID(t.Context(), "token-canary", "openid")
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "http") {
			t.Errorf("%v, want %q", err, says)
		}
	}
	for _, base := range []string{"", "http://api.weixin.qq.com", "ftp://127.0.0.1", "https://a:b@api.weixin.qq.com", "https://api.weixin.qq.com/x", "https://", "https://a?b"} {
		if _, err := NewClient(base); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}
