package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// TestFailingHandlers: whatever goes wrong in a handler, the caller gets an answer in the operation's own dialect that
// says nothing about the inside, and the log says what happened.
func TestFailingHandlers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do     func() error
		logged string
	}{
		"panic":         {func() error { panic("the inside") }, "panic: the inside"},
		"runtime error": {func() error { return errorAt(nil, 3) }, "index out of range"},
		"unknown error": {func() error { return errors.New("the inside") }, "the inside"},
		"no answer":     {func() error { return nil }, "answer breaks the contract"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, log := guarded(t, failing(c.do))
			for operation, ask := range asks {
				log.Reset()
				w := answer(h, ask.request())
				if w.Code != http.StatusInternalServerError || number(t, w) != internalNumbers[operation] || strings.Contains(w.Body.String(), "inside") {
					t.Errorf("%s: HTTP %d %s", operation, w.Code, w.Body)
				}
				if !strings.Contains(log.String(), c.logged) || !strings.Contains(log.String(), "level=ERROR") {
					t.Errorf("%s: the log says %s", operation, log)
				}
				if w := answer(h, ask.request("Accept", mediaProblem)); w.Code != 500 || !strings.Contains(w.Body.String(), `"code":"service.internal"`) {
					t.Errorf("%s: problem: HTTP %d %s", operation, w.Code, w.Body)
				}
			}
		})
	}
}

func errorAt(list []error, i int) error { return list[i] }

// sick reads once, and then never again.
type sick struct {
	started bool
	then    func() error
}

func (s *sick) Read(b []byte) (int, error) {
	if !s.started {
		s.started = true
		return copy(b, "half a pic"), nil
	}
	return 0, s.then()
}

// visitor is an answer that writes itself, as no generated one would.
type visitor func(w http.ResponseWriter) error

// VisitGetHealthResponse implements gen.GetHealthResponseObject.
func (v visitor) VisitGetHealthResponse(w http.ResponseWriter) error { return v(w) }

func writing(status int, body string, headers ...string) visitor {
	return func(w http.ResponseWriter) error {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("ETag", `"of the handler"`)
		w.WriteHeader(status)
		_, err := io.WriteString(w, body)
		return err
	}
}

// tokens are headers that a handler sets with its answer, and that must not leave with another.
var tokens = gen.GetMFAQRCode200ResponseHeaders{AccessToken: pointer("token-of-the-handler"), RefreshToken: pointer("token-of-the-handler")}

// TestBrokenAnswersNeverLeave: an answer that breaks the contract is replaced as a whole. Of its headers none is left, not
// the tokens and not what caches may do.
func TestBrokenAnswersNeverLeave(t *testing.T) {
	t.Parallel()
	public := gen.GetQRCodePicture200ResponseHeaders{CacheControl: pointer("public")}
	goodSecret := "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	base := func(r gen.GetMFAQRCodeResponseObject) fake {
		return fake{base: func() (gen.GetMFAQRCodeResponseObject, error) { return r, nil }}
	}
	picture := func(r io.Reader) fake {
		return fake{picture: func() (gen.GetQRCodePictureResponseObject, error) {
			return gen.GetQRCodePicture200ImagePngResponse{Body: r, Headers: public, ContentLength: 20}, nil
		}}
	}
	mfa := func(secret, qrcode string) fake {
		return base(gen.GetMFAQRCode200JSONResponse{Headers: tokens, Body: gen.MFAQRCodeResponse{Data: &gen.MFAQRCode{Secret: secret, Qrcode: qrcode}}})
	}
	health := func(write visitor) fake {
		return fake{health: func() (gen.GetHealthResponseObject, error) { return write, nil }}
	}
	for name, c := range map[string]struct {
		operation string
		server    fake
		reason    string
	}{
		"base without data":       {"base", base(gen.GetMFAQRCode200JSONResponse{Headers: tokens}), "schema"},
		"base with a bad pattern": {"base", mfa("not base32", "data:image/png;base64,AAAA"), "secret"},
		"a picture that is none":  {"base", mfa(goodSecret, "data:image/png;base64,<>"), "qrcode"},
		"an answer by pointer":    {"base", base(&gen.GetMFAQRCode200JSONResponse{Headers: tokens, Body: gen.MFAQRCodeResponse{Data: &gen.MFAQRCode{Secret: goodSecret, Qrcode: "data:image/png;base64,AAAA"}}}), "code"},
		"status without data": {"status", fake{status: func() (gen.GetManagementTokenResponseObject, error) {
			return gen.GetManagementToken200JSONResponse{}, nil
		}}, "schema"},
		"status with a bad bound": {"status", fake{status: func() (gen.GetManagementTokenResponseObject, error) {
			return gen.GetManagementToken200JSONResponse{Data: &gen.ManagementTokenDto{AccessToken: "x", ExpiresIn: 0}}, nil
		}}, "expires_in"},
		"code without data": {"code", fake{code: func() (gen.CreateCaptchaResponseObject, error) { return gen.CreateCaptcha200JSONResponse{}, nil }}, "schema"},
		"code with a bad id": {"code", fake{code: func() (gen.CreateCaptchaResponseObject, error) {
			return gen.CreateCaptcha200JSONResponse{Data: &gen.Captcha{CodeID: "short", Expire: 1}}, nil
		}}, "codeID"},
		"a value out of the enum":     {"health", fake{health: func() (gen.GetHealthResponseObject, error) { return gen.GetHealth200JSONResponse{Status: "sick"}, nil }}, "status"},
		"a header out of its bounds":  {"health", health(writing(503, `{"statusCode":503,"message":"x","requestId":"x"}`, "Content-Type", mediaJSON, "Retry-After", "0")), "Retry-After"},
		"a header of another type":    {"health", health(writing(503, `{"statusCode":503,"message":"x","requestId":"x"}`, "Content-Type", mediaJSON, "Retry-After", "soon")), "Retry-After"},
		"a media type of its own":     {"health", health(writing(200, `ok`, "Content-Type", "text/plain")), "Content-Type"},
		"no media type":               {"health", health(writing(200, `{"status":"ok"}`)), "Content-Type"},
		"no JSON":                     {"health", health(writing(200, `{"status":`, "Content-Type", mediaJSON)), "decode"},
		"a status without a body":     {"health", health(writing(204, "")), "Content-Type"},
		"a failure that says success": {"health", health(writing(503, `{"statusCode":200,"message":"x","requestId":"x"}`, "Content-Type", mediaJSON)), "statusCode"},
		"a picture that breaks off":   {"picture", picture(&sick{then: func() error { return errors.New("disk on fire") }}), "disk on fire"},
		"a picture that panics":       {"picture", picture(&sick{then: func() error { panic("disk on fire") }}), "disk on fire"},
		"no answer":                   {"base", base(nil), "breaks the contract"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, log := guarded(t, c.server)
			w := answer(h, asks[c.operation].request())
			if w.Code != http.StatusInternalServerError || number(t, w) != internalNumbers[c.operation] {
				t.Errorf("HTTP %d %s", w.Code, w.Body)
			}
			for _, header := range []string{"Access-Token", "Refresh-Token", "Content-Length", "ETag"} {
				if value := w.Header().Get(header); value != "" {
					t.Errorf("%s: %s is left", header, value)
				}
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != mediaJSON {
				t.Errorf("headers %v", w.Header())
			}
			if text := log.String(); !strings.Contains(text, c.reason) || !strings.Contains(text, "level=ERROR") {
				t.Errorf("the log does not say why: %s", text)
			}
		})
	}
}

// TestReportOnly: an operator may choose to send broken answers and to be told. What is no answer at all stays an error.
func TestReportOnly(t *testing.T) {
	t.Parallel()
	report := func(o *Options) { o.ReportOnly = true }
	h, log := guarded(t, fake{base: func() (gen.GetMFAQRCodeResponseObject, error) {
		return gen.GetMFAQRCode200JSONResponse{Headers: tokens, Body: gen.MFAQRCodeResponse{Data: &gen.MFAQRCode{Secret: "not base32"}}}, nil
	}}, report)
	w := answer(h, askBase.request())
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "not base32") || w.Header().Get("Access-Token") != "token-of-the-handler" {
		t.Errorf("HTTP %d %v %s", w.Code, w.Header(), w.Body)
	}
	text := log.String()
	if !strings.Contains(text, "answer breaks the contract and was sent") || !strings.Contains(text, "operation=getMFAQRCode") || !strings.Contains(text, "secret") {
		t.Errorf("the log says %s", text)
	}
	if strings.Contains(text, "not base32") {
		t.Errorf("the log quotes the answer: %s", text)
	}
	h, _ = guarded(t, failing(func() error { return nil }), report)
	for operation, ask := range asks {
		if w := answer(h, ask.request()); w.Code != http.StatusInternalServerError {
			t.Errorf("%s: HTTP %d %s", operation, w.Code, w.Body)
		}
	}
}

// TestRefusalsHaveTheirStatus: what the gate means has a real status everywhere; what an operation means is HTTP 200 in an
// envelope, but for a bad token in the code dialect, which is 401.
func TestRefusalsHaveTheirStatus(t *testing.T) {
	t.Parallel()
	refusal := func(kind apierr.Kind) *apierr.Error {
		return &apierr.Error{Kind: kind, Code: "test.refusal", Number: 42, EN: "No.", ZH: "不。"}
	}
	for name, c := range map[string]struct {
		err        error
		want       map[string]int
		problem    int
		retryAfter string
	}{
		"database unavailable": {
			fmt.Errorf("find: %w", db.ErrUnavailable), map[string]int{"health": 503, "picture": 503, "base": 503, "status": 503, "code": 503}, 503, "1",
		},
		"rate limited": {
			apierr.ErrRateLimited.WithRetryAfter(1500 * time.Millisecond), map[string]int{"health": 429, "picture": 429, "base": 429, "status": 429, "code": 429}, 429, "2",
		},
		"unavailable, without saying when": {
			apierr.ErrUnavailable, map[string]int{"health": 503, "picture": 503, "base": 503, "status": 503, "code": 503}, 503, "1",
		},
		"wait, of an operation": {
			refusal(apierr.RateLimited).WithRetryAfter(time.Millisecond), map[string]int{"health": 429, "picture": 429, "base": 200, "status": 200, "code": 200}, 429, "1",
		},
		"no such thing": {refusal(apierr.NotFound), map[string]int{"health": 404, "picture": 404, "base": 200, "status": 200, "code": 200}, 404, ""},
		"nobody":        {authn.ErrUnauthenticated, map[string]int{"health": 401, "picture": 401, "base": 200, "status": 200, "code": 401}, 401, ""},
		"wrapped": {
			fmt.Errorf("while: %w", refusal(apierr.Conflict).WithCause(errors.New("the inside"))), map[string]int{"health": 409, "picture": 409, "base": 200, "status": 200, "code": 200}, 409, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := guarded(t, failing(func() error { return c.err }))
			for operation, ask := range asks {
				w := answer(h, ask.request())
				if w.Code != c.want[operation] || w.Header().Get("Retry-After") != c.retryAfter || strings.Contains(w.Body.String(), "inside") {
					t.Errorf("%s: HTTP %d, Retry-After %q, want %d %q: %s", operation, w.Code, w.Header().Get("Retry-After"), c.want[operation], c.retryAfter, w.Body)
				}
				if n := number(t, w); n == 200 || n == 0 || n == 10000 {
					t.Errorf("%s: reads as a success: %s", operation, w.Body)
				}
				if w := answer(h, ask.request("Accept", mediaProblem)); w.Code != c.problem || w.Header().Get("Retry-After") != c.retryAfter {
					t.Errorf("%s: problem: HTTP %d %s", operation, w.Code, w.Body)
				}
			}
		})
	}
}

// TestAnswersDoNotMix: buffers are used again, and nothing of one caller's answer may be in another's.
func TestAnswersDoNotMix(t *testing.T) {
	t.Parallel()
	h, _ := guarded(t, fake{
		base: func() (gen.GetMFAQRCodeResponseObject, error) {
			return gen.GetMFAQRCode200JSONResponse{Headers: tokens, Body: gen.MFAQRCodeResponse{Data: &gen.MFAQRCode{
				Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Qrcode: "data:image/png;base64," + strings.Repeat("AAAA", 1000),
			}}}, nil
		},
		health: func() (gen.GetHealthResponseObject, error) {
			return gen.GetHealth200JSONResponse{Status: gen.HealthStatusOk}, nil
		},
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if w := answer(h, askBase.request()); w.Code != 200 || w.Header().Get("Access-Token") == "" || w.Body.Len() < 4000 {
					t.Errorf("HTTP %d %s", w.Code, w.Body)
				}
				if w := answer(h, askHealth.request()); w.Body.String() != "{\"status\":\"ok\"}\n" || w.Header().Get("Access-Token") != "" {
					t.Errorf("headers %v: %s", w.Header(), w.Body)
				}
			}
		})
	}
	all.Wait()
}
