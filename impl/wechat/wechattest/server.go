// Package wechattest is a double of WeChat for tests: its server API, strict about what it is sent and able to misbehave, and
// the pushes that its servers make. It is written from WeChat's documents and shares no code with what it tests.
package wechattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Call is a request that the server has received.
type Call struct{ Method, Path, Query, Body string }

// Server is the API of WeChat.
type Server struct {
	URL string
	t   testing.TB

	mu      sync.Mutex
	apps    map[string]*app
	logins  map[string]*login // by code of wx.login
	unions  map[string]string // by open id
	faults  map[string][]Fault
	calls   []Call
	scenes  map[string]string // by URL of a code
	release chan struct{}     // ends what hangs
	gate    chan struct{}     // holds answers of stable_token back; nil for none
}

type app struct {
	secret string
	token  string
	issued int
	dead   int // number of the error that the token answers with; 0 while it lives
	stuck  bool
}

type login struct {
	appID, openID, unionID string
	used                   bool
}

// Fault is how an answer goes wrong.
type Fault struct {
	Code int    // errcode
	Raw  string // of the whole answer: "hang", "drop", "redirect", "500", or a body with HTTP 200
}

// New starts the double with two apps, wxofficial and wxmini, whose secrets are OfficialSecret and MiniSecret. It ends with
// the test. Whatever is sent that WeChat's documents do not allow fails the test.
func New(t testing.TB) *Server {
	s := &Server{
		t: t, apps: map[string]*app{}, logins: map[string]*login{}, unions: map[string]string{}, faults: map[string][]Fault{},
		scenes: map[string]string{}, release: make(chan struct{}),
	}
	s.apps[OfficialID] = &app{secret: OfficialSecret}
	s.apps[MiniID] = &app{secret: MiniSecret}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = server.URL
	t.Cleanup(func() {
		close(s.release)
		server.Close()
	})
	return s
}

// The apps of the double.
const (
	OfficialID     = "wxb11529c136998cb6"
	OfficialSecret = "official-secret-0a1b2c3d4e5f"
	MiniID         = "wx0123456789abcdef"
	MiniSecret     = "miniprogram-secret-5f4e3d2c1b"
)

// Paths of the API.
const (
	PathToken   = "/cgi-bin/stable_token"
	PathQRCode  = "/cgi-bin/qrcode/create"
	PathPicture = "/wxa/getwxacodeunlimit"
	PathSession = "/sns/jscode2session"
	PathUser    = "/cgi-bin/user/info"
)

// Fail makes the next answers of a path go wrong, one after the other.
func (s *Server) Fail(path string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path] = append(s.faults[path], faults...)
}

// Login makes a code of wx.login for somebody who uses the mini program. It is good once.
func (s *Server) Login(openID, unionID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := fmt.Sprintf("code-%d-of-%s", len(s.logins), openID)
	s.logins[code] = &login{appID: MiniID, openID: openID, unionID: unionID}
	return code
}

// Union gives somebody who follows the official account a union id.
func (s *Server) Union(openID, unionID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unions[openID] = unionID
}

// Kill makes the token of an app answer with the number of an error from now on. A stuck one is handed out again, until a new
// one is forced.
func (s *Server) Kill(appID string, code int, stuck bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[appID].dead, s.apps[appID].stuck = code, stuck
}

// Calls returns what was sent to a path; to any, if that is empty.
func (s *Server) Calls(path string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.calls)
	if path != "" {
		list = slices.DeleteFunc(list, func(c Call) bool { return c.Path != path })
	}
	return list
}

// Tokens returns every token that an app was given.
func (s *Server) Tokens(appID string) (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.apps[appID].issued {
		list = append(list, tokenOf(appID, i+1))
	}
	return list
}

// Scene returns the scene of a code of the official account, by the text that is drawn.
func (s *Server) Scene(url string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scenes[url]
}

// Hold keeps answers of stable_token back until the returned function is called.
func (s *Server) Hold() (letGo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := make(chan struct{})
	s.gate = gate
	return func() { close(gate) }
}

func tokenOf(appID string, n int) string { return fmt.Sprintf("access-token-%d-of-%s", n, appID) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, Call{r.Method, r.URL.Path, r.URL.RawQuery, string(body)})
	var fault *Fault
	if queue := s.faults[r.URL.Path]; len(queue) > 0 {
		fault, s.faults[r.URL.Path] = &queue[0], queue[1:]
	}
	gate := s.gate
	s.mu.Unlock()
	if gate != nil && r.URL.Path == PathToken {
		<-gate
	}
	if fault != nil {
		s.misbehave(w, r, *fault)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	handlers := map[string]func(http.ResponseWriter, *http.Request, []byte){
		"POST " + PathToken: s.token, "POST " + PathQRCode: s.qrcode, "POST " + PathPicture: s.picture,
		"GET " + PathSession: s.session, "GET " + PathUser: s.user,
	}
	handler := handlers[r.Method+" "+r.URL.Path]
	if handler == nil {
		s.t.Errorf("WeChat has no %s %s", r.Method, r.URL.Path)
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json" {
		s.t.Errorf("%s: Content-Type %q", r.URL.Path, r.Header.Get("Content-Type"))
	}
	handler(w, r, body)
}

func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, f Fault) {
	switch f.Raw {
	case "":
		fail(w, f.Code)
	case "hang":
		select {
		case <-s.release:
		case <-r.Context().Done():
		}
	case "drop":
		panic(http.ErrAbortHandler)
	case "redirect":
		http.Redirect(w, r, s.URL+"/elsewhere?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
	case "500":
		http.Error(w, "internal", http.StatusInternalServerError)
	default:
		_, _ = io.WriteString(w, f.Raw)
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json; encoding=utf-8")
	_ = json.NewEncoder(w).Encode(value)
}

// fail answers like WeChat, whose text quotes what it was sent.
func fail(w http.ResponseWriter, code int) {
	answer(w, map[string]any{"errcode": code, "errmsg": "errmsg-canary rid: 6a1b2c3d"})
}

// read decodes a body that must have exactly the members of into.
func (s *Server) read(path string, body []byte, into any) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		s.t.Errorf("%s: %v", path, err)
	}
}

// query checks that a request has exactly the named parameters.
func (s *Server) query(r *http.Request, names ...string) {
	for _, name := range names {
		if len(r.URL.Query()[name]) != 1 {
			s.t.Errorf("%s: parameter %s is not there once", r.URL.Path, name)
		}
	}
	if len(r.URL.Query()) != len(names) {
		s.t.Errorf("%s: other parameters than %v", r.URL.Path, names)
	}
}

func (s *Server) token(w http.ResponseWriter, r *http.Request, body []byte) {
	var ask struct {
		GrantType    string `json:"grant_type"`
		AppID        string `json:"appid"`
		Secret       string `json:"secret"`
		ForceRefresh bool   `json:"force_refresh"`
	}
	s.read(r.URL.Path, body, &ask)
	s.query(r)
	if ask.GrantType != "client_credential" {
		s.t.Errorf("grant_type %q", ask.GrantType)
	}
	a := s.apps[ask.AppID]
	switch {
	case a == nil:
		fail(w, 40013)
		return
	case a.secret != ask.Secret:
		fail(w, 40125)
		return
	}
	if a.issued == 0 || ask.ForceRefresh || a.dead != 0 && !a.stuck {
		a.issued++
		a.token, a.dead, a.stuck = tokenOf(ask.AppID, a.issued), 0, false
	}
	answer(w, map[string]any{"access_token": a.token, "expires_in": 7200})
}

// authorized answers for a token that is not good.
func (s *Server) authorized(w http.ResponseWriter, r *http.Request, appID string) bool {
	given := r.URL.Query().Get("access_token")
	a := s.apps[appID]
	switch {
	case given == "":
		s.t.Errorf("%s: no token", r.URL.Path)
		fail(w, 41001)
	case given != a.token:
		fail(w, 40001)
	case a.dead != 0:
		fail(w, a.dead)
	default:
		return true
	}
	return false
}

func (s *Server) qrcode(w http.ResponseWriter, r *http.Request, body []byte) {
	var ask struct {
		ExpireSeconds int    `json:"expire_seconds"`
		ActionName    string `json:"action_name"`
		ActionInfo    struct {
			Scene struct {
				Text string `json:"scene_str"`
			} `json:"scene"`
		} `json:"action_info"`
	}
	s.read(r.URL.Path, body, &ask)
	s.query(r, "access_token")
	if !s.authorized(w, r, OfficialID) {
		return
	}
	scene := ask.ActionInfo.Scene.Text
	if ask.ActionName != "QR_STR_SCENE" || ask.ExpireSeconds < 1 || ask.ExpireSeconds > 2592000 || scene == "" || len(scene) > 64 {
		s.t.Errorf("qrcode/create was sent %s", body)
	}
	url := fmt.Sprintf("http://weixin.qq.com/q/%02dkZgfwMTm72W", len(s.scenes))
	s.scenes[url] = scene
	answer(w, map[string]any{"ticket": "gQH47joAAAAAAAAAASxodHRwOi8v", "expire_seconds": ask.ExpireSeconds, "url": url})
}

var visible = regexp.MustCompile(`^[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}$`)

// picture draws a QR code with the scene: WeChat's own form of codes nobody else can read.
func (s *Server) picture(w http.ResponseWriter, r *http.Request, body []byte) {
	var ask struct {
		Scene      string `json:"scene"`
		Page       string `json:"page"`
		CheckPath  bool   `json:"check_path"`
		EnvVersion string `json:"env_version"`
	}
	s.read(r.URL.Path, body, &ask)
	s.query(r, "access_token")
	if !s.authorized(w, r, MiniID) {
		return
	}
	if !visible.MatchString(ask.Scene) || strings.HasPrefix(ask.Page, "/") || !slices.Contains([]string{"release", "trial", "develop"}, ask.EnvVersion) {
		s.t.Errorf("getwxacodeunlimit was sent %s", body)
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(Picture(ask.Scene, 430))
}

func (s *Server) session(w http.ResponseWriter, r *http.Request, _ []byte) {
	s.query(r, "appid", "secret", "js_code", "grant_type")
	q := r.URL.Query()
	if q.Get("grant_type") != "authorization_code" {
		s.t.Errorf("grant_type %q", q.Get("grant_type"))
	}
	a, l := s.apps[q.Get("appid")], s.logins[q.Get("js_code")]
	switch {
	case a == nil:
		fail(w, 40013)
	case a.secret != q.Get("secret"):
		fail(w, 40125)
	case l == nil || l.appID != q.Get("appid"):
		fail(w, 40029)
	case l.used:
		fail(w, 40163)
	default:
		l.used = true
		answer(w, map[string]any{"openid": l.openID, "unionid": l.unionID, "session_key": SessionKey})
	}
}

// SessionKey comes along with every code of wx.login.
const SessionKey = "session-key-canary=="

func (s *Server) user(w http.ResponseWriter, r *http.Request, _ []byte) {
	s.query(r, "access_token", "openid")
	if !s.authorized(w, r, OfficialID) {
		return
	}
	info := map[string]any{"subscribe": 1, "openid": r.URL.Query().Get("openid"), "language": "zh_CN"}
	if union := s.unions[r.URL.Query().Get("openid")]; union != "" {
		info["unionid"] = union
	}
	answer(w, info)
}
