package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// TestHintLeaves (T7): what a handler has to tell a person goes out beside its success, in one request and not in the next,
// and not beside a failure.
func TestHintLeaves(t *testing.T) {
	t.Parallel()
	qrcode := gen.GetMFAQRCode200JSONResponse{Body: gen.MFAQRCodeResponse{Data: &gen.MFAQRCode{
		Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Qrcode: "data:image/png;base64,AAAA",
	}}}
	server := fake{base: func() (gen.GetMFAQRCodeResponseObject, error) { return qrcode, nil }, hint: "It is slow."}
	h, _ := guarded(t, server)
	for language, want := range map[string]string{"en": `"msg":"Success. It is slow."`, "zh": `"msg":"成功。It is slow."`} {
		if w := answer(h, askBase.request("Accept-Language", language)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: HTTP %d %.200s, want %s", language, w.Code, w.Body, want)
		}
	}
	server.hint = ""
	h, _ = guarded(t, server)
	if w := answer(h, askBase.request("Accept-Language", "en")); !strings.Contains(w.Body.String(), `"msg":"Success"`) {
		t.Errorf("without a hint: %.200s", w.Body)
	}
	refusing := failing(func() error { return apierr.ErrRequest })
	refusing.hint = "It is slow."
	h, _ = guarded(t, refusing)
	if w := answer(h, askBase.request("Accept-Language", "en")); strings.Contains(w.Body.String(), "slow") {
		t.Errorf("beside a failure: %.200s", w.Body)
	}
}

// TestContinuationLeaves: how a refused sign-in goes on is part of the contract in each dialect that has a field for it, and
// reaches who is answered and nobody else: no log has the token (T13).
func TestContinuationLeaves(t *testing.T) {
	t.Parallel()
	more := &apierr.Error{Kind: apierr.Forbidden, Code: "test.more", API: 1635, Number: 1000201, EN: "More.", ZH: "更多。"}
	h, log := guarded(t, failing(func() error { return more.WithContinuation("token-canary", 5*time.Minute) }))
	for operation, want := range map[string]string{"base": "", "status": `"mfaToken":"token-canary","expiresIn":300`, "code": `"mfaToken":"token-canary","mfaExpire":300`} {
		w := answer(h, asks[operation].request())
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) || (want == "") == strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: HTTP %d %s, want %s", operation, w.Code, w.Body, want)
		}
		w = answer(h, asks[operation].request("Accept", mediaProblem))
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"mfaToken":"token-canary","mfaExpiresIn":300`) {
			t.Errorf("%s: problem: HTTP %d %s", operation, w.Code, w.Body)
		}
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("the log has the token: %s", log)
	}
}
