package hook

import (
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

// TestDecide: 2xx lets pass with no body or "allow", and refuses with "deny"; whatever else comes is a failure. A denial stays
// one whatever its message is, which is shown only if it is plain text of one line, and not long.
func TestDecide(t *testing.T) {
	t.Parallel()
	const allow, fail = "allow", "fail"
	deny := func(message string) string { return "deny:" + message }
	long := strings.Repeat("门", 256)
	for _, test := range []struct {
		status int
		body   string
		want   string
	}{
		{200, "", allow},
		{204, "", allow},
		{299, " \n", allow},
		{200, `{"decision":"allow"}`, allow},
		{200, `{"decision":"allow","message":"hello","more":[1]}`, allow},
		{200, `{"decision":"deny"}`, deny("")},
		{202, `{"decision":"deny","message":"Not from there."}`, deny("Not from there.")},
		{200, `{"decision":"deny","message":"  暂停服务 \n"}`, deny("暂停服务")},
		{200, `{"decision":"deny","message":"` + long + `"}`, deny(long)},
		{200, `{"decision":"deny","message":"` + long + `门"}`, deny("")},
		{200, `{"decision":"deny","message":"two\nlines"}`, deny("")},
		{200, `{"decision":"deny","message":"\u001b[2J"}`, deny("")},
		{200, `{"decision":"deny","message":"\u202eevil"}`, deny("")},
		{200, `{"decision":"deny","message":"\ud800"}`, deny("")},
		{200, `{"decision":"deny","message":42}`, deny("")},
		{200, `{"decision":"deny","message":null}`, deny("")},
		{200, `{"decision":"deny","message":{"en":"no"}}`, deny("")},
		{200, `{}`, fail},
		{200, `null`, fail},
		{200, `true`, fail},
		{200, `"allow"`, fail},
		{200, `[]`, fail},
		{200, `allow`, fail},
		{200, `{"decision":"maybe"}`, fail},
		{200, `{"decision":"Allow"}`, fail},
		{200, `{"decision":true}`, fail},
		{200, `{"decision":"allow"`, fail},
		{200, `{"decision":"allow"} {"decision":"deny"}`, fail},
		{200, `<html>ok</html>`, fail},
		{199, `{"decision":"allow"}`, fail},
		{301, ``, fail},
		{302, `{"decision":"allow"}`, fail},
		{400, `{"decision":"deny"}`, fail},
		{500, ``, fail},
		{503, `{"decision":"allow"}`, fail},
	} {
		d, err := decide(webhook.Answer{Status: test.status, Body: []byte(test.body), Whole: true})
		got := allow
		switch {
		case err != nil:
			got = fail
		case d.deny:
			got = deny(d.message)
		}
		if got != test.want {
			t.Errorf("%d %s: %s (%v), want %s", test.status, test.body, got, err, test.want)
		}
		if err != nil && len(test.body) > 4 && strings.Contains(err.Error(), test.body) {
			t.Errorf("%d %s: the error quotes it: %v", test.status, test.body, err)
		}
	}
	for _, body := range []string{"", `{"decision":"allow"}`} {
		if _, err := decide(webhook.Answer{Status: 200, Body: []byte(body)}); err == nil {
			t.Errorf("%q, of which a part is missing, lets pass", body)
		}
	}
}
