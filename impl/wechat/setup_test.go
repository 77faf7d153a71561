package wechat

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/admission"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/httpapi"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// stopped is a clock that only a test moves.
type stopped struct {
	mu  sync.Mutex
	now time.Time
}

func (c *stopped) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stopped) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Refusals of the recording logins; the real ones have their own.
var (
	errUnknown = &apierr.Error{Kind: apierr.NotFound, Code: "test.unknown", EN: "Unknown.", ZH: "不存在。"}
	errState   = &apierr.Error{Kind: apierr.Unprocessable, Code: "test.state", EN: "Not now.", ZH: "状态不对。"}
	errNumber  = &apierr.Error{Kind: apierr.Forbidden, Code: "test.number", EN: "Wrong number.", ZH: "数字错误。"}
	errLost    = fmt.Errorf("test: %w", db.ErrUnavailable)
)

// logins are login QR codes as the real ones behave, in memory. What they were told is written down.
type logins struct {
	mu     sync.Mutex
	clock  *stopped
	scenes map[string]*login
	told   []string
	fail   []error                   // of the next calls
	stall  func(ctx context.Context) // before every call
}

type login struct {
	numbers []int // the second is right
	person  *wechatid.Person
	state   string
}

func (l *logins) step(ctx context.Context, what, connectionID, scene string, p wechatid.Person) (*login, error) {
	if l.stall != nil {
		l.stall(ctx)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", db.ErrUnavailable, ctx.Err())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, strings.Join([]string{what, connectionID, scene, p.AppID, p.OpenID, p.UnionID}, " "))
	if len(l.fail) > 0 {
		err := l.fail[0]
		l.fail = l.fail[1:]
		if err != nil {
			return nil, err
		}
	}
	known := l.scenes[scene]
	if known == nil {
		return nil, errUnknown
	}
	if known.person != nil && known.person.OpenID != p.OpenID {
		return nil, errState
	}
	return known, nil
}

func (l *logins) WechatScan(ctx context.Context, connectionID, scene string, p wechatid.Person) (wechatid.Details, error) {
	known, err := l.step(ctx, "scan", connectionID, scene, p)
	if err != nil {
		return wechatid.Details{}, err
	}
	if known.state != "" && known.state != "scanned" {
		return wechatid.Details{}, errState
	}
	known.state, known.person = "scanned", &p
	return wechatid.Details{
		AppName: "Library ]]> 图书馆", AppLogo: "https://library.example.com/logo.png", Browser: "Firefox 140", OS: "Windows 11",
		IP: "203.0.113.7", CreatedAt: l.clock.Now(), ExpiresAt: l.clock.Now().Add(2 * time.Minute), Numbers: known.numbers,
	}, nil
}

func (l *logins) WechatConfirm(ctx context.Context, connectionID, scene string, p wechatid.Person, number int) error {
	known, err := l.step(ctx, fmt.Sprintf("confirm %d", number), connectionID, scene, p)
	switch {
	case err != nil:
		return err
	case known.state != "scanned":
		return errState
	case len(known.numbers) > 0 && known.numbers[1] != number:
		known.state = "failed"
		return errNumber
	}
	known.state = "authorized"
	return nil
}

func (l *logins) WechatCancel(ctx context.Context, connectionID, scene string, p wechatid.Person) error {
	known, err := l.step(ctx, "cancel", connectionID, scene, p)
	if err == nil && known.state != "scanned" {
		err = errState
	}
	if err == nil {
		known.state = "cancelled"
	}
	return err
}

// open makes a QR code with a scene.
func (l *logins) open(scene string, numbers ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scenes[scene] = &login{numbers: numbers}
}

func (l *logins) state(scene string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.scenes[scene].state
}

// heard returns what they were told since the last time.
func (l *logins) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := l.told
	l.told = nil
	return told
}

// rig is the service behind the gate, with a connection of each type: that of an official account and that of a mini program.
type rig struct {
	*Service
	t           *testing.T
	clock       *stopped
	wechat      *wechattest.Server
	logins      *logins
	raw         *sql.DB
	address     string // of the database
	log         *lockedBuffer
	connections *Connections
	app         db.Application
	official    db.Connection
	mini        db.Connection
	handler     http.Handler
}

// lockedBuffer is a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

// newRig makes the official account of push tokens; one of encrypted messages, if that is said.
func newRig(t *testing.T, encrypted bool) *rig {
	t.Helper()
	c := &stopped{now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	r := &rig{t: t, clock: c, wechat: wechattest.New(t), logins: &logins{clock: c, scenes: map[string]*login{}}, log: &lockedBuffer{}}
	r.address = dbtest.URL(t)
	store, err := db.Open(t.Context(), r.address, db.Options{MaxConns: 8})
	r.must(err)
	t.Cleanup(func() { _ = store.Close() })
	r.raw, err = sql.Open("postgres", r.address)
	r.must(err)
	t.Cleanup(func() { _ = r.raw.Close() })
	once.Do(func() {
		ring, err = keyring.Open(t.Context(), store, c, bytes.Repeat([]byte{7}, keyring.MasterKeySize))
		r.must(err)
	})
	r.app = db.Application{UserpoolID: "pool", ID: "app", SecretHash: []byte{1}, IsDefault: true, CreatedAt: c.now}
	r.must(store.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: "pool", IsDefault: true, CreatedAt: c.now}))
	r.must(store.Tenancy().InsertApplication(t.Context(), r.app))
	client, err := NewClient(r.wechat.URL)
	r.must(err)
	r.connections = NewConnections(store, ring, c, client)
	set := Change{WechatAppID: ptr(wechattest.OfficialID), AppSecret: ptr(wechattest.OfficialSecret), PushToken: ptr(wechattest.PushToken), Lang: ptr("en"), OneTap: ptr(true)}
	if encrypted {
		set.AESKey = ptr(wechattest.AESKey)
	}
	r.official, err = r.connections.Create(t.Context(), r.app, db.WechatOfficialAccount, set)
	r.must(err)
	r.mini, err = r.connections.Create(t.Context(), r.app, db.WechatMiniprogram, Change{
		WechatAppID: ptr(wechattest.MiniID), AppSecret: ptr(wechattest.MiniSecret), Page: ptr("pages/login/index"),
	})
	r.must(err)
	r.Service = r.replica(store)
	r.handler = r.gate(r.Service)
	return r
}

// replica is the service of another process on the database.
func (r *rig) replica(store *db.DB) *Service {
	r.t.Helper()
	client, err := NewClient(r.wechat.URL)
	r.must(err)
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	settings := Settings{PerIP: limit.Rule{Name: "wechat.ip", Max: 30, Per: time.Minute}}
	s := New(settings, store, ring, r.clock, limit.New(store, r.clock), client, r.logins, log)
	s.waits, client.timeout = waits{time.Minute, time.Minute, time.Minute, time.Minute}, time.Minute // a busy machine proves nothing
	return s
}

// server is the WeChat operations; any other panics.
type server struct {
	gen.StrictServerInterface
	api *API
}

func (s server) VerifyWechatPush(ctx context.Context, req gen.VerifyWechatPushRequestObject) (gen.VerifyWechatPushResponseObject, error) {
	return s.api.VerifyWechatPush(ctx, req)
}

func (s server) SendWechatPush(ctx context.Context, req gen.SendWechatPushRequestObject) (gen.SendWechatPushResponseObject, error) {
	return s.api.SendWechatPush(ctx, req)
}

func (s server) SetWechatMiniprogramQRCodeStatus(
	ctx context.Context, req gen.SetWechatMiniprogramQRCodeStatusRequestObject,
) (gen.SetWechatMiniprogramQRCodeStatusResponseObject, error) {
	return s.api.SetWechatMiniprogramQRCodeStatus(ctx, req)
}

// Application makes the rig the accounts.
func (r *rig) Application(_ context.Context, id string) (db.Application, error) {
	if id == "" || id == r.app.ID {
		return r.app, nil
	}
	return db.Application{}, errUnknown
}

// gate is the service as it is reached.
func (r *rig) gate(s *Service) http.Handler {
	r.t.Helper()
	doc, err := gen.GetSpec()
	r.must(err)
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			codes, _ := op.Extensions["x-menshen-refusals"].([]any)
			op.Extensions["x-menshen-refusals"] = slices.DeleteFunc(codes, func(code any) bool {
				return apierr.Lookup(code.(string)) == nil // of a capability that is no part of this program
			})
		}
	}
	auth := authn.New(nil)
	contract, err := httpapi.Compile(doc, auth)
	r.must(err)
	return httpapi.New(server{api: NewAPI(s, r)}, httpapi.Options{
		Contract: contract, Auth: auth, Log: s.log, Timeout: 10 * time.Second, Requests: metrics.New().Requests, Queue: admission.New(128, time.Minute, time.Minute),
	})
}

// do sends a request to the service.
func (r *rig) do(request *http.Request) *httptest.ResponseRecorder {
	r.t.Helper()
	body, err := io.ReadAll(request.Body)
	r.must(err)
	in := httptest.NewRequest(request.Method, request.URL.String(), bytes.NewReader(body))
	in.Header = request.Header
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, in)
	return w
}

// account is the official account as WeChat knows it.
func (r *rig) account(encrypted bool) *wechattest.Account {
	return wechattest.NewAccount(r.t, "http://id.example.com/api/v3/wechat-push?connection="+r.official.ID, encrypted)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// want checks an outcome; nil is success.
func (r *rig) want(what string, err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// wantHeard checks what the logins were told, each beginning as given.
func (r *rig) wantHeard(what string, want ...string) {
	r.t.Helper()
	heard := r.logins.heard()
	if !slices.EqualFunc(heard, want, strings.HasPrefix) {
		r.t.Errorf("%s: the logins were told %q, want %q", what, heard, want)
	}
}

func (r *rig) count(query string, args ...any) (n int) {
	r.t.Helper()
	r.must(r.raw.QueryRowContext(r.t.Context(), query, args...).Scan(&n))
	return n
}

func ptr[T any](v T) *T { return &v }
