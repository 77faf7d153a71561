package wechat

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// step is a step of a mini program, with what the test says of it.
func (r *rig) step(members string) (int, gen.SetQRCodeStatusRespDto) {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://id.example.com/api/v3/set-wechat-miniprogram-qrcode-status", strings.NewReader("{"+members+"}"))
	r.must(err)
	request.Header.Set("Content-Type", "application/json")
	w := r.do(request)
	var answer gen.SetQRCodeStatusRespDto
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		r.t.Fatalf("%v: %s", err, w.Body)
	}
	if strings.Contains(w.Body.String(), wechattest.SessionKey) {
		r.t.Errorf("the session key got out: %s", w.Body)
	}
	return w.Code, answer
}

// by is one who uses the mini program, for one step.
func (r *rig) by(openID, unionID, scene, rest string) string {
	return `"scene":"` + scene + `","code":"` + r.wechat.Login(openID, unionID) + `",` + rest
}

// TestMiniProgramSignsIn (Q10, Q5): the story of a mini program. Who opens it with the scene of a code sees which login it is,
// and confirms or cancels; nobody else does.
func TestMiniProgramSignsIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	r.logins.open(aScene, 17, 42, 63)
	status, answer := r.step(r.by("alice", "union", aScene, `"action":"SCAN"`))
	want := gen.QRCodeLoginDto{
		AppName: "Library ]]> 图书馆", AppLogo: "https://library.example.com/logo.png", Browser: "Firefox 140", Os: "Windows 11", IP: "203.0.113.7",
		CreatedAt: r.clock.Now(), ExpiresAt: r.clock.Now().Add(2 * time.Minute), Numbers: []int{17, 42, 63},
	}
	if got := answer.Data; status != 200 || got == nil || !got.Success || got.Login == nil || toJSON(t, *got.Login) != toJSON(t, want) {
		t.Fatalf("HTTP %d %+v", status, answer)
	}
	if _, answer := r.step(r.by("mallory", "", aScene, `"action":"CONFIRM","number":42`)); answer.StatusCode != 422 || answer.Data != nil {
		t.Errorf("mallory: %+v", answer)
	}
	if _, answer := r.step(r.by("alice", "union", aScene, `"action":"CONFIRM","number":42`)); answer.StatusCode != 200 || !answer.Data.Success || answer.Data.Login != nil {
		t.Errorf("alice: %+v", answer)
	}
	who := r.mini.ID + " " + aScene + " " + wechattest.MiniID
	r.wantHeard("of all that", "scan "+who+" alice union", "confirm 42 "+who+" mallory", "confirm 42 "+who+" alice union")

	r.logins.open("second")
	for _, rest := range []string{`"action":"SCAN","connection":"` + r.mini.ID + `"`, `"action":"CANCEL"`} {
		if _, answer := r.step(r.by("alice", "", "second", rest)); answer.StatusCode != 200 {
			t.Errorf("%s: %+v", rest, answer)
		}
	}
	if r.logins.state(aScene) != "authorized" || r.logins.state("second") != "cancelled" {
		t.Errorf("%s, %s", r.logins.state(aScene), r.logins.state("second"))
	}
	r.wantSecretFree("the log", r.log.String())
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMiniProgramProvesItself (Q10): a code of wx.login is good once, and for the mini program it was made for; without a good
// one no login hears of anything.
func TestMiniProgramProvesItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	r.logins.open(aScene)
	used := r.by("alice", "", aScene, `"action":"SCAN"`)
	r.step(used)
	r.logins.heard()
	good := func(rest string) string { return r.by("alice", "", aScene, rest) }
	for name, c := range map[string]struct {
		members string
		http    int
		status  int
	}{
		"used before":            {used, 200, 403},
		"no code of WeChat":      {`"scene":"a","code":"made-up","action":"SCAN"`, 200, 403},
		"connection of no one":   {good(`"action":"SCAN","connection":"nobody"`), 200, 422},
		"the official account's": {good(`"action":"SCAN","connection":"` + r.official.ID + `"`), 200, 422},
		"no code":                {`"scene":"a","action":"SCAN"`, 400, 400},
		"no scene":               {`"code":"a","action":"SCAN"`, 400, 400},
		"a long scene":           {`"code":"a","action":"SCAN","scene":"` + strings.Repeat("a", 33) + `"`, 400, 400},
		"an odd scene":           {`"code":"a","action":"SCAN","scene":"a b"`, 400, 400},
		"another action":         {good(`"action":"ALLOW"`), 400, 400},
		"three digits":           {good(`"action":"CONFIRM","number":142`), 400, 400},
	} {
		if status, answer := r.step(c.members); status != c.http || answer.StatusCode != c.status || answer.Data != nil {
			t.Errorf("%s: HTTP %d %+v", name, status, answer)
		}
	}
	asXML, err := http.NewRequest(http.MethodPost, "http://id.example.com/api/v3/set-wechat-miniprogram-qrcode-status", strings.NewReader("{"+good(`"action":"SCAN"`)+"}"))
	r.must(err)
	asXML.Header.Set("Content-Type", "application/xml") // which only a push may be
	if w := r.do(asXML); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("JSON as XML: HTTP %d", w.Code)
	}
	_, err = r.connections.Set(t.Context(), r.mini.ID, Change{Disabled: ptr(true)})
	r.must(err)
	for _, rest := range []string{`"action":"SCAN"`, `"action":"SCAN","connection":"` + r.mini.ID + `"`} {
		if _, answer := r.step(good(rest)); answer.StatusCode != 422 {
			t.Errorf("disabled: %+v", answer)
		}
	}
	r.wantHeard("of all that")
}

// TestCodesOfLoginAreLimited (Q9): one address cannot make us ask WeChat as often as it likes.
func TestCodesOfLoginAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	refused := 0
	for range 40 {
		if status, _ := r.step(`"scene":"a","code":"made-up","action":"SCAN"`); status == http.StatusTooManyRequests {
			refused++
		}
	}
	if n := len(r.wechat.Calls(wechattest.PathSession)); n != 30 || refused != 10 {
		t.Errorf("WeChat was asked %d times, %d were refused", n, refused)
	}
}

// TestConnectionOfAnApplication: without an id the application's oldest of the type that is not disabled; with one that one,
// if it is the application's and of the type.
func TestConnectionOfAnApplication(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	ctx := t.Context()
	other := db.Application{UserpoolID: "pool", ID: "other", SecretHash: []byte{1}, CreatedAt: r.clock.Now()}
	r.must(r.store.Tenancy().InsertApplication(ctx, other))
	r.clock.advance(time.Second)
	second, err := r.connections.Create(ctx, r.app, db.WechatMiniprogram, Change{WechatAppID: ptr("wx2"), AppSecret: ptr("s")})
	r.must(err)
	first := func(want db.Connection) {
		t.Helper()
		if c, err := r.Connection(ctx, r.app, db.WechatMiniprogram, ""); err != nil || c.ID != want.ID {
			t.Errorf("the first is %s, %v", c.ID, err)
		}
	}
	first(r.mini)
	if c, err := r.Connection(ctx, r.app, db.WechatMiniprogram, second.ID); err != nil || c.WechatAppID != "wx2" {
		t.Errorf("%+v, %v", c, err)
	}
	for name, try := range map[string]struct {
		app      db.Application
		kind, id string
	}{
		"of another application":    {other, db.WechatMiniprogram, r.mini.ID},
		"first of another one":      {other, db.WechatMiniprogram, ""},
		"of another type":           {r.app, db.WechatOfficialAccount, r.mini.ID},
		"of no type":                {r.app, "MOBILE_APP", ""},
		"that there is not":         {r.app, db.WechatMiniprogram, "nobody"},
		"of a userpool of its name": {db.Application{UserpoolID: "else", ID: "app"}, db.WechatMiniprogram, r.mini.ID},
	} {
		_, err := r.Connection(ctx, try.app, try.kind, try.id)
		r.want(name, err, ErrConnection)
	}
	_, err = r.connections.Set(ctx, r.mini.ID, Change{Disabled: ptr(true)})
	r.must(err)
	first(second)
	_, err = r.Connection(ctx, r.app, db.WechatMiniprogram, r.mini.ID)
	r.want("that is disabled", err, ErrConnection)
	r.must(r.connections.Delete(ctx, second.ID))
	_, err = r.Connection(ctx, r.app, db.WechatMiniprogram, "")
	r.want("when none is left", err, ErrConnection)
}
