package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/menshen-auth/menshen/tests/harness"
)

// pressFirst clicks what a selector finds, where a page of others has no name for it.
func (p *page) pressFirst(selector string) {
	p.t.Helper()
	p.until(selector, func() bool { return ask[bool](p, `!!document.querySelector(`+"`"+selector+"`"+`)`) })
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(` + "`" + selector + "`" + `).click()`))
}

// authorize gives the reference a token for a security scheme.
func (p *page) authorize(scheme, token string) {
	p.t.Helper()
	p.pressFirst(".btn.authorize")
	container := `[...document.querySelectorAll('.auth-container')].find((c) => c.querySelector('code')?.textContent === '` + scheme + `')`
	p.until("a field for "+scheme, func() bool { return ask[bool](p, `!!`+container+`?.querySelector('input')`) })
	p.do(chromedp.Evaluate[chromedp.Void](container + `.querySelector('input').focus()`))
	call(p, input.InsertText, input.InsertTextParams{Text: token})
	p.do(chromedp.Evaluate[chromedp.Void](container + `.querySelector('button.authorize').click()`))
	p.pressFirst(".btn-done")
}

// tryOut executes an operation in the reference, as it stands there, and returns status and body of the answer.
func (p *page) tryOut(tag, operationID string) (status, body string) {
	p.t.Helper()
	p.open("/docs/#/" + tag + "/" + operationID)
	block := "#operations-" + tag + "-" + operationID
	p.pressFirst(block + " .try-out__btn")
	p.pressFirst(block + " .execute")
	p.until("an answer of "+operationID, func() bool {
		return ask[bool](p, `!!document.querySelector('`+block+` .live-responses-table .response-col_status')`)
	})
	status = ask[string](p, `document.querySelector('`+block+` .live-responses-table .response .response-col_status').textContent`)
	return status, ask[string](p, `document.querySelector('`+block+` .live-responses-table .response .response-col_description').textContent`)
}

// TestTryItOut: the reference calls the running service as it is printed, with the token header of each dialect, and keeps no token
// when the page is closed.
func TestTryItOut(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	p := visit(t, h, desktop, "/docs/")
	p.authorize("UserToken", alice.AccessToken)
	p.authorize("AccessToken", alice.AccessToken)
	for _, op := range []struct{ tag, id, says string }{
		{"account", "listMySessions", "sessionId"},
		{"account", "getUserInfo", "alice"},
		{"captcha", "createCaptcha", "codeID"},
		{"qrlogin", "createQRCode", "qrcodeId"},
		{"service", "getReadiness", "200"},
	} {
		if status, body := p.tryOut(op.tag, op.id); !strings.HasPrefix(status, "200") || !strings.Contains(status+body, op.says) {
			t.Errorf("%s: %s %s", op.id, status, body)
		}
	}
	p.do(chromedp.Reload())
	if _, body := p.tryOut("account", "listMySessions"); !strings.Contains(body, "Sign in first.") {
		t.Errorf("after a reload the page still has the token: %s", body)
	}
}

// TestSearch: a word of a path, a refusal, or Chinese finds its operations, and leaves out the others.
func TestSearch(t *testing.T) {
	t.Parallel()
	p := visit(t, harness.New(t), desktop, "/docs/")
	for word, want := range map[string]string{"qrcode-events": "streamQRCodeEvents", "mfa.code_used": "bindMFA", "找回 忘记密码": "", "忘记密码": "resetPassword"} {
		p.focus("searchbox", "Search operations")
		p.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.select()`))
		call(p, input.InsertText, input.InsertTextParams{Text: word})
		p.until("what "+word+" finds", func() bool {
			ids := ask[string](p, `[...document.querySelectorAll('.opblock')].map((b) => b.id).join(' ')`)
			return (want == "") == (ids == "") && strings.Contains(ids, want) && !strings.Contains(ids, "getHealth")
		})
	}
}

// reference comes by the reference and the flows.
func (g gallery) reference(t *testing.T, h *harness.Instance) {
	t.Helper()
	p := visit(t, h, g.device, "/docs/")
	p.node("searchbox", "Search operations")
	p.until("operations", func() bool { return ask[int](p, `document.querySelectorAll('.opblock').length`) > 50 })
	g.shows(p, "reference")
	p = visit(t, h, g.device, "/docs/#/qrlogin/setQRCodeStatus")
	p.pressFirst("#operations-qrlogin-setQRCodeStatus .try-out__btn")
	g.shows(p, "reference operation")
	p.open("/docs/flows")
	p.until("drawings", func() bool { return ask[int](p, `document.querySelectorAll('svg[role=img]').length`) == 5 })
	g.shows(p, "flows")
}
