package channel

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

var (
	testSecrets   = []string{strings.Repeat("new-secret", 3), strings.Repeat("old-secret", 3)}
	webhookSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(testSecrets[0])) +
		" whsec_" + base64.StdEncoding.EncodeToString([]byte(testSecrets[1]))
)

func newWebhook(t *testing.T, url string) Channel {
	t.Helper()
	c, err := NewWebhook(Webhook{URL: url, Secret: webhookSecret, Timeout: patient})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// webhookDouble is a receiver that checks what Standard Webhooks asks it to check, with the old secret and the new one.
func webhookDouble(t *testing.T) *double {
	return newDouble(t, "", func(d *double, r *http.Request, body []byte) sms {
		d.expect("path", r.URL.RequestURI(), "/sms?from=menshen")
		d.expect("content type", r.Header.Get("Content-Type"), "application/json")
		id, timestamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		d.expect("timestamp", err, nil)
		d.fresh(time.Unix(seconds, 0))
		signatures := strings.Split(r.Header.Get("webhook-signature"), " ")
		d.expect("number of signatures", len(signatures), len(testSecrets))
		for i, secret := range testSecrets[:min(len(testSecrets), len(signatures))] {
			mac := testMAC([]byte(secret), id+"."+timestamp+"."+string(body))
			d.expect("signature", signatures[i], "v1,"+base64.StdEncoding.EncodeToString(mac))
		}
		return sms{parameters: string(body), id: id}
	})
}

// TestWebhookDelivers: the receiver gets everything that it may need as JSON, under the ID of the letter, which is the
// same for every try.
func TestWebhookDelivers(t *testing.T) {
	t.Parallel()
	d := webhookDouble(t)
	c := newWebhook(t, d.URL+"/sms?from=menshen")
	code, notice := anSMS(), anSMS()
	code.Lang, code.Text = lang.Chinese, "您的验证码是 739164\n"
	notice.ID, notice.Template, notice.Code = "2", message.Registered, ""
	for _, l := range []Letter{code, notice, code} {
		if got, err := deliver(t, c, l); got != taken {
			t.Fatal(err)
		}
	}
	const to = `"to":"+8613812349876",`
	for i, want := range []struct{ id, data string }{
		{code.ID, `{` + to + `"text":"您的验证码是 739164\n","template":"code","lang":"zh","code":"739164","minutes":5}`},
		{"2", `{` + to + `"text":"canary text 739164, good for 5 minutes.\n","template":"registered","lang":"en","code":"","minutes":0}`},
		{code.ID, `{` + to + `"text":"您的验证码是 739164\n","template":"code","lang":"zh","code":"739164","minutes":5}`},
	} {
		got := d.got()[i]
		var body struct {
			Type, Timestamp string
			Data            json.RawMessage
		}
		if err := json.Unmarshal([]byte(got.parameters), &body); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, body.Timestamp)
		if got.id != want.id || body.Type != "message.sms" || string(body.Data) != want.data || err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("got %s under %s, want %s under %s", got.parameters, got.id, want.data, want.id)
		}
	}
	if c.Name() != "webhook" || !c.Recognises() {
		t.Error("the receiver knows repeats")
	}
}

// TestWebhookAnswers: the status decides. 2xx is taken; 4xx is refused for good, but for those that ask to come back or to be repaired; any
// other is not taken, redirects included. What the body says does not matter, nor how long it is.
func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	d := webhookDouble(t)
	c := newWebhook(t, d.URL+"/sms?from=menshen")
	for want, statuses := range map[outcome][]int{
		taken:     {200, 201, 202, 204, 299},
		refusedly: {400, 410, 413, 422, 499},
		later:     {300, 301, 302, 303, 307, 308, 401, 403, 404, 407, 408, 425, 429, 500, 502, 503, 504, 599},
	} {
		for _, status := range statuses {
			for _, answer := range []string{"", `{"error":"no"}`, "\x00\xff", strings.Repeat("x", 2*maxAnswer)} {
				d.mu.Lock()
				d.status, d.answer = status, answer
				d.mu.Unlock()
				if got, err := deliver(t, c, anSMS()); got != want {
					t.Errorf("HTTP %d: %v; want %s", status, err, want)
				}
			}
		}
	}
	l := anSMS()
	l.To = canaryTo
	if got, err := deliver(t, c, l); got != refusedly {
		t.Errorf("to no phone number: %v", err)
	}
}

// TestWebhookSettings: mistakes are found at the start, and told without URL and secret.
func TestWebhookSettings(t *testing.T) {
	t.Parallel()
	encode := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for _, test := range []struct {
		settings Webhook
		want     string // in the error; empty for none
	}{
		{Webhook{URL: "https://sms.example.com/hook?x=y", Secret: encode(24)}, ""},
		{Webhook{URL: "http://sms:8080", Secret: encode(64) + "\n" + encode(32)}, ""},
		{Webhook{URL: "", Secret: encode(24)}, "URL"},
		{Webhook{URL: "/" + canaryKey, Secret: encode(24)}, "URL"},
		{Webhook{URL: "ftp://" + canaryKey, Secret: encode(24)}, "URL"},
		{Webhook{URL: "https://x\x7f" + canaryKey, Secret: encode(24)}, "URL"},
		{Webhook{URL: "https://x", Secret: " "}, "a secret is needed"},
		{Webhook{URL: "https://x", Secret: encode(23)}, "24 to 64 bytes"},
		{Webhook{URL: "https://x", Secret: encode(65)}, "24 to 64 bytes"},
		{Webhook{URL: "https://x", Secret: strings.TrimPrefix(encode(24), "whsec_")}, "24 to 64 bytes"},
		{Webhook{URL: "https://x", Secret: encode(24) + " whsec_" + canaryKey}, "24 to 64 bytes"},
		{Webhook{URL: "https://x", Secret: encode(24), Timeout: -1}, "time-out"},
	} {
		_, err := NewWebhook(test.settings)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), canaryKey)) {
			t.Errorf("%+v: %v, want %q", test.settings, err, test.want)
		}
	}
}
