package wechat

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// pushed is what WeChat gets for a push: HTTP status, and the text that the person is shown.
func (r *rig) pushed(a *wechattest.Account, request *http.Request) (int, string) {
	r.t.Helper()
	w := r.do(request)
	if w.Code != http.StatusOK {
		return w.Code, ""
	}
	return w.Code, a.Open(w.Body.Bytes()).Content
}

// settled is pushed for what is answered with HTTP 200.
func (r *rig) settled(a *wechattest.Account, message string) string {
	r.t.Helper()
	status, text := r.pushed(a, a.Push(r.clock.Now(), "", message))
	if status != http.StatusOK {
		r.t.Errorf("HTTP %d", status)
	}
	return text
}

// both runs a test with plain messages and with encrypted ones.
func both(t *testing.T, test func(t *testing.T, r *rig, a *wechattest.Account)) {
	for name, encrypted := range map[string]bool{"plain": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, encrypted)
			test(t, r, r.account(encrypted))
		})
	}
}

// TestFollowerSignsIn (Q10, Q5): the story of an official account. Its URL is entered; somebody who follows it scans, somebody
// who does not follows it by scanning; each is signed in on the page and told which one it was.
func TestFollowerSignsIn(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *rig, a *wechattest.Account) {
		if w := r.do(a.Handshake(r.clock.Now(), "5836258723690425817")); w.Code != http.StatusOK || w.Body.String() != "5836258723690425817" ||
			w.Header().Get("Content-Type") != "text/plain" {
			t.Errorf("the handshake: HTTP %d %v %s", w.Code, w.Header(), w.Body)
		}
		r.logins.open("scene-1")
		r.logins.open("scene-2")
		r.wechat.Union("alice", "union-of-alice")
		text := r.settled(a, wechattest.Scan("alice", "scene-1", r.clock.Now()))
		for _, part := range []string{"confirmed", "Library ]]> 图书馆", "Firefox 140", "Windows 11", "203.0.113.7", "2026-05-04 12:00 UTC"} {
			if !strings.Contains(text, part) {
				t.Errorf("alice is told %q, without %q", text, part)
			}
		}
		r.wantHeard("a scan", "scan "+r.official.ID+" scene-1 "+wechattest.OfficialID+" alice union-of-alice",
			"confirm 0 "+r.official.ID+" scene-1 "+wechattest.OfficialID+" alice union-of-alice")
		_, err := r.connections.Set(t.Context(), r.official.ID, Change{Lang: ptr("zh")})
		r.must(err)
		if text := r.settled(a, wechattest.Subscribe("bob", "scene-2", r.clock.Now())); !strings.Contains(text, "已确认登录") || !strings.Contains(text, "2026-05-04 20:00 UTC+8") {
			t.Errorf("bob is told %q", text)
		}
		r.wantHeard("a new follower", "scan "+r.official.ID+" scene-2 "+wechattest.OfficialID+" bob ", "confirm 0")
		if r.logins.state("scene-1") != "authorized" || r.logins.state("scene-2") != "authorized" {
			t.Error("nobody was signed in")
		}
		r.wantSecretFree("the log", r.log.String())
	})
}

// TestNumberMatching (Q5): where the application asks for it, a scan signs nobody in: the person has to send the number that the
// page shows. It has one try; 0 cancels.
func TestNumberMatching(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *rig, a *wechattest.Account) {
		for name, c := range map[string]struct{ text, says, state, heard string }{
			"right":               {"42", "confirmed", "authorized", "confirm 42"},
			"right, with a blank": {" 42\n", "confirmed", "authorized", "confirm 42"},
			"wrong":               {"17", "Wrong number", "failed", "confirm 17"},
			"no":                  {"0", "cancelled", "cancelled", "cancel"},
		} {
			scene := "scene-" + strings.ReplaceAll(name, " ", "-")
			r.logins.open(scene, 17, 42, 63)
			r.clock.advance(time.Second)
			text := r.settled(a, wechattest.Scan("alice", scene, r.clock.Now()))
			if !strings.Contains(text, "two digits") || strings.Contains(text, "42") || r.logins.state(scene) != "scanned" {
				t.Errorf("%s: alice is told %q, state %s", name, text, r.logins.state(scene))
			}
			r.wantHeard(name, "scan ")
			for _, other := range []string{"hello", "4", "142", "4２", "-1", "00", "+4", ""} {
				if text := r.settled(a, a.Text("alice", other, r.clock.Now())); text != "" {
					t.Errorf("%q is answered with %q", other, text)
				}
			}
			if text := r.settled(a, a.Text("mallory", "42", r.clock.Now())); text != "" {
				t.Errorf("mallory is told %q", text)
			}
			r.wantHeard("of anything else")
			if text := r.settled(a, a.Text("alice", c.text, r.clock.Now())); !strings.Contains(text, c.says) || r.logins.state(scene) != c.state {
				t.Errorf("%s: alice is told %q, state %s", name, text, r.logins.state(scene))
			}
			r.wantHeard(name, c.heard+" "+r.official.ID+" "+scene)
			if text := r.settled(a, a.Text("alice", "42", r.clock.Now())); text != "" {
				t.Errorf("%s: a second number is answered with %q", name, text)
			}
			r.wantHeard("of a second number")
		}
		r.logins.open("late", 17, 42, 63)
		r.settled(a, wechattest.Scan("alice", "late", r.clock.Now()))
		r.clock.advance(2 * time.Minute)
		if text := r.settled(a, a.Text("alice", "42", r.clock.Now())); text != "" || r.logins.state("late") != "scanned" {
			t.Errorf("after its end: %q", text)
		}
	})
}

// TestNumbersInParallel (Q5): of many numbers that are sent at once, one is looked at.
func TestNumbersInParallel(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	a := r.account(false)
	r.logins.open("scene", 17, 42, 63)
	r.settled(a, wechattest.Scan("alice", "scene", r.clock.Now()))
	r.logins.heard()
	var all sync.WaitGroup
	for i := range 32 {
		request := a.Push(r.clock.Now(), "", a.Text("alice", []string{"17", "63", "42"}[i%3], r.clock.Now()))
		all.Go(func() { r.do(request) })
	}
	all.Wait()
	r.wantHeard("32 numbers", "confirm")
}

// TestForgedPushes (Q10): nothing counts that WeChat has not signed, for this account and near its time, and nothing of it is
// written. A connection that there is not is refused in the same words.
func TestForgedPushes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *rig, a *wechattest.Account) {
		r.logins.open("scene")
		now := r.clock.Now()
		message := wechattest.Scan("alice", "scene", now)
		edit := func(change func(q url.Values)) func() *http.Request {
			return func() *http.Request {
				request := a.Push(now, "", message)
				q := request.URL.Query()
				change(q)
				request.URL.RawQuery = q.Encode()
				return request
			}
		}
		other := *a
		other.Token = "anotherToken"
		disabled := r.official.ID
		forged := map[string]func() *http.Request{
			"signed with another token": func() *http.Request { return other.Push(now, "", message) },
			"signature of zeros":        edit(func(q url.Values) { q.Set("signature", strings.Repeat("0", 40)) }),
			"another nonce":             edit(func(q url.Values) { q.Set("nonce", "other") }),
			"another timestamp":         edit(func(q url.Values) { q.Set("timestamp", "1777896001") }),
			"too old":                   func() *http.Request { return a.Push(now.Add(-pushSkew-time.Second), "", message) },
			"of the future":             func() *http.Request { return a.Push(now.Add(pushSkew+time.Second), "", message) },
			"another connection":        edit(func(q url.Values) { q.Set("connection", "nobody") }),
			"the mini program's":        edit(func(q url.Values) { q.Set("connection", r.mini.ID) }),
		}
		if a.AESKey != "" {
			plain := *a
			plain.AESKey = ""
			another := *a
			another.AESKey = strings.Repeat("A", 43)
			forged["not encrypted"] = func() *http.Request { return plain.Push(now, "", message) }
			forged["msg_signature of zeros"] = edit(func(q url.Values) { q.Set("msg_signature", strings.Repeat("0", 40)) })
			forged["no msg_signature"] = edit(func(q url.Values) { q.Del("msg_signature") })
			forged["of another app"] = func() *http.Request { return r.sealedFor(a, message, "wxanother") }
		} else {
			encrypting := *a
			encrypting.AESKey = wechattest.AESKey
			forged["encrypted, with a key that nobody has set"] = func() *http.Request { return encrypting.Push(now, "", message) }
		}
		for name, request := range forged {
			if w := r.do(request()); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "The signature is wrong") {
				t.Errorf("%s: HTTP %d %s", name, w.Code, w.Body)
			}
		}
		for name, request := range map[string]*http.Request{"handshake": other.Handshake(now, "echo"), "late handshake": a.Handshake(now.Add(-time.Hour), "echo")} {
			if w := r.do(request); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "echo") {
				t.Errorf("%s: HTTP %d %s", name, w.Code, w.Body)
			}
		}
		_, err := r.connections.Set(t.Context(), disabled, Change{Disabled: ptr(true)})
		r.must(err)
		if w := r.do(a.Push(now, "", message)); w.Code != http.StatusForbidden {
			t.Errorf("disabled: HTTP %d", w.Code)
		}
		r.wantHeard("forged pushes")
		if n := r.count("SELECT (SELECT count(*) FROM wechat_events) + (SELECT count(*) FROM wechat_scans)"); n != 0 {
			t.Errorf("%d rows were written", n)
		}
		_, err = r.connections.Set(t.Context(), disabled, Change{Disabled: ptr(false)})
		r.must(err)
		for name, at := range map[string]time.Duration{"just not too old": -pushSkew, "just not too early": pushSkew} {
			if status, _ := r.pushed(a, a.Push(now.Add(at), "", message)); status != http.StatusOK {
				t.Errorf("%s: HTTP %d", name, status)
			}
		}
	})
}

// sealedFor is a push that was encrypted for another app, with the right key and signatures.
func (r *rig) sealedFor(a *wechattest.Account, message, appID string) *http.Request {
	request := a.Push(r.clock.Now(), "", message)
	q := request.URL.Query()
	sealed := a.Encrypt(message, appID)
	q.Set("msg_signature", wechattest.Sign(a.Token, q.Get("timestamp"), q.Get("nonce"), sealed))
	body := "<xml><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>"
	request.URL.RawQuery = q.Encode()
	replaced, err := http.NewRequest(http.MethodPost, request.URL.String(), strings.NewReader(body))
	r.must(err)
	replaced.Header = request.Header
	return replaced
}

// TestMessagesThatAreNone: what is signed but makes no sense is refused, for every reason in the same words; a body that is no
// XML type does not get past the gate.
func TestMessagesThatAreNone(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *rig, a *wechattest.Account) {
		for name, message := range map[string]string{
			"text":            "hello",
			"DOCTYPE":         "<!DOCTYPE xml>" + wechattest.Scan("alice", "scene", r.clock.Now()),
			"nobody":          wechattest.Scan("", "scene", r.clock.Now()),
			"no time":         strings.Replace(wechattest.Scan("alice", "scene", r.clock.Now()), "<CreateTime>", "<CreateTime>x", 1),
			"an odd somebody": wechattest.Scan("a b", "scene", r.clock.Now()),
			"an endless one":  wechattest.Scan(strings.Repeat("a", 129), "scene", r.clock.Now()),
		} {
			if w := r.do(a.Push(r.clock.Now(), "", message)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), ErrMessage.EN) {
				t.Errorf("%s: HTTP %d %s", name, w.Code, w.Body)
			}
		}
		for media, want := range map[string]int{"application/xml": 200, "text/xml; charset=utf-8": 200, "TEXT/XML": 200, "application/json": 415, "text/html": 415, "": 415} {
			request := a.Push(r.clock.Now(), "", wechattest.Scan("alice", "nobody-knows", r.clock.Now()))
			request.Header.Set("Content-Type", media)
			if w := r.do(request); w.Code != want {
				t.Errorf("%q: HTTP %d %s", media, w.Code, w.Body)
			}
		}
		nul := a.Push(r.clock.Now(), "", "")
		nul.Body = io.NopCloser(strings.NewReader("<xml>\x00</xml>"))
		if w := r.do(nul); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"statusCode":400`) {
			t.Errorf("NUL: HTTP %d %s", w.Code, w.Body)
		}
		long := a.Push(r.clock.Now(), "", "")
		long.Body = io.NopCloser(strings.NewReader("<xml>" + strings.Repeat("a", 64<<10) + "</xml>"))
		if w := r.do(long); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("too long: HTTP %d", w.Code)
		}
		r.logins.heard()
		for name, message := range map[string]string{
			"a menu":                   strings.Replace(wechattest.Scan("alice", "scene", r.clock.Now()), "SCAN", "CLICK", 1),
			"who just follows":         strings.Replace(wechattest.Subscribe("alice", "scene", r.clock.Now()), "qrscene_scene", "", 1),
			"who leaves":               strings.Replace(wechattest.Subscribe("alice", "scene", r.clock.Now()), "subscribe", "unsubscribe", 1),
			"a scene that is too long": wechattest.Scan("alice", strings.Repeat("a", 65), r.clock.Now()),
			"no scene":                 wechattest.Scan("alice", "", r.clock.Now()),
		} {
			if text := r.settled(a, message); text != "" {
				t.Errorf("%s is answered with %q", name, text)
			}
		}
		r.wantHeard("of what is no scan")
	})
}
