package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/admission"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// fake is a server of which a test writes the operations it needs: one without an envelope, one that is no JSON, and one
// for each dialect. Any other operation panics.
type fake struct {
	gen.StrictServerInterface
	health  func() (gen.GetHealthResponseObject, error)
	picture func() (gen.GetQRCodePictureResponseObject, error)
	base    func() (gen.GetMFAQRCodeResponseObject, error)
	status  func() (gen.GetManagementTokenResponseObject, error)
	code    func() (gen.CreateCaptchaResponseObject, error)
	events  func() (gen.StreamQRCodeEventsResponseObject, error)
	hint    string // what base says beside a success
}

func (f fake) GetHealth(context.Context, gen.GetHealthRequestObject) (gen.GetHealthResponseObject, error) {
	return f.health()
}

func (f fake) GetQRCodePicture(context.Context, gen.GetQRCodePictureRequestObject) (gen.GetQRCodePictureResponseObject, error) {
	return f.picture()
}

func (f fake) GetMFAQRCode(ctx context.Context, _ gen.GetMFAQRCodeRequestObject) (gen.GetMFAQRCodeResponseObject, error) {
	reqinfo.From(ctx).Hint = f.hint
	return f.base()
}

func (f fake) GetManagementToken(context.Context, gen.GetManagementTokenRequestObject) (gen.GetManagementTokenResponseObject, error) {
	return f.status()
}

func (f fake) CreateCaptcha(context.Context, gen.CreateCaptchaRequestObject) (gen.CreateCaptchaResponseObject, error) {
	return f.code()
}

func (f fake) StreamQRCodeEvents(context.Context, gen.StreamQRCodeEventsRequestObject) (gen.StreamQRCodeEventsResponseObject, error) {
	return f.events()
}

// failing is a server all of whose operations do the same.
func failing(do func() error) fake {
	return fake{
		health:  func() (gen.GetHealthResponseObject, error) { return nil, do() },
		picture: func() (gen.GetQRCodePictureResponseObject, error) { return nil, do() },
		base:    func() (gen.GetMFAQRCodeResponseObject, error) { return nil, do() },
		status:  func() (gen.GetManagementTokenResponseObject, error) { return nil, do() },
		code:    func() (gen.CreateCaptchaResponseObject, error) { return nil, do() },
	}
}

// The requests that reach them.
var (
	askHealth  = ask{http.MethodGet, "/healthz", ""}
	askPicture = ask{http.MethodGet, "/api/v3/qrcode.png?id=a", ""}
	askBase    = ask{http.MethodGet, "/auth/mfa/qrcode", ""}
	askStatus  = ask{http.MethodPost, "/api/v3/get-management-token", `{"accessKeyId":"a","accessKeySecret":"b"}`}
	askCode    = ask{http.MethodPost, "/api/v1/system/user/captcha", `{"type":"image","use":"login"}`}

	asks = map[string]ask{"health": askHealth, "picture": askPicture, "base": askBase, "status": askStatus, "code": askCode}
)

type ask struct{ method, path, body string }

func (a ask) request(headers ...string) *http.Request {
	r := httptest.NewRequest(a.method, a.path, strings.NewReader(a.body))
	if a.body != "" {
		r.Header.Set("Content-Type", mediaJSON)
	}
	r.Header.Set("Access-Token", "good")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// accounts take the tokens good, and renew by the token renew.
type accounts struct{ authn.Accounts }

var bad = authn.ErrUnauthenticated

func (accounts) VerifyAccess(_ context.Context, token string) (authn.User, error) {
	if token != "good" {
		return authn.User{}, bad
	}
	return authn.User{ID: "alice"}, nil
}

func (accounts) Renew(_ context.Context, token string) (authn.User, authn.Pair, error) {
	if token != "renew" {
		return authn.User{}, authn.Pair{}, bad
	}
	return authn.User{ID: "alice"}, authn.Pair{Access: "access-2", Refresh: "refresh-2"}, nil
}

var authenticator = authn.New(accounts{})

// compiled is the contract of the service. It is not changed once it is compiled, so that all tests share it.
var compiled = sync.OnceValues(func() (*Contract, error) {
	doc, err := gen.GetSpec()
	if err != nil {
		return nil, err
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			op.Extensions[refusalsExtension] = []any{} // they are of capabilities, which are no part of this program
		}
	}
	return Compile(doc, authenticator)
})

func ourContract(t testing.TB) *Contract {
	t.Helper()
	contract, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	return contract
}

// guarded returns the gate in front of a server, and its log.
func guarded(t testing.TB, server fake, change ...func(*Options)) (http.Handler, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	o := Options{Contract: ourContract(t), Auth: authenticator, Log: slog.New(slog.NewTextHandler(&log, nil)), Timeout: time.Minute, Queue: admission.New(16, time.Minute, time.Minute), Requests: metrics.New().Requests}
	for _, f := range change {
		f(&o)
	}
	return New(server, o), &log
}

func answer(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// number reads the code of an answer, whatever its dialect.
func number(t testing.TB, w *httptest.ResponseRecorder) int {
	t.Helper()
	var all struct {
		Base       *struct{ Code int }
		StatusCode *int
		Code       *int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil {
		t.Fatalf("%v: %.200s", err, w.Body)
	}
	switch {
	case all.Base != nil:
		return all.Base.Code
	case all.StatusCode != nil:
		return *all.StatusCode
	case all.Code != nil:
		return *all.Code
	}
	t.Fatalf("no dialect: %.200s", w.Body)
	return 0
}

// Numbers of an internal error, by the server's operation.
var internalNumbers = map[string]int{"health": 500, "picture": 500, "base": -1, "status": 500, "code": 100007}

func pointer[T any](v T) *T { return &v }
