package channel

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/message"
)

// canaries are what errors must not hold, in any spelling in which it is sent.
func canaries() []string {
	plain := []string{canaryUser, strings.TrimPrefix(canaryTel, "+86"), canaryCode, "canary text", canaryKey, mailUser + "\x00", testSecrets[0], testSecrets[1]}
	all := append(plain, base64.StdEncoding.EncodeToString([]byte("\x00"+mailUser+"\x00"+mailPassword)), url.QueryEscape(canaryTel))
	for _, s := range plain {
		all = append(all, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	return all
}

// TestErrorsKeepSecrets: errors are logged. Whatever fails at any stage, and however much the other side repeats of what
// it was sent, no error holds address, number, code, text or key.
func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	var (
		failures atomic.Int32
		all      sync.WaitGroup
	)
	examine := func(c Channel, l Letter) {
		var h handOver
		err := c.Deliver(t.Context(), l, h.call)
		if err == nil {
			return
		}
		failures.Add(1)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			for _, canary := range canaries() {
				if strings.Contains(text, canary) {
					t.Errorf("%s: %q is in %s", c.Name(), canary, text)
				}
			}
		}
	}
	check := func(c Channel, l Letter) { all.Go(func() { examine(c, l) }) }

	// Letters that are refused here.
	broken := func(l Letter) []Letter {
		id, to := l, l
		id.ID, to.To = canaryUser+"/"+canaryCode, l.To+" "+canaryUser
		noTemplate := l
		noTemplate.Template = message.PasswordChanged
		return []Letter{id, to, noTemplate}
	}

	for _, stage := range []string{"", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."} {
		for _, reply := range []string{"550 5.1.1 HEARD", "451 HEARD", "HEARD", "354 HEARD", "250-HEARD\nHEARD", "drop", "334 HEARD", "000 HEARD"} {
			addr := script{stage: reply}.serve(t)
			check(newSMTP(t, SMTP{Addr: addr, TLS: "none", Username: mailUser, Password: mailPassword, Timeout: brief}), anEmail())
		}
	}
	smtp := newSMTP(t, SMTP{Addr: closedPort(t), Username: mailUser, Password: mailPassword})
	for _, l := range append(broken(anEmail()), anEmail()) {
		check(smtp, l)
	}

	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard := fmt.Sprint(r.URL, r.URL.Query(), r.Header, string(body))
		status := 200
		_, _ = fmt.Sscanf(r.Header.Get("X-Acs-Signature-Nonce")+r.Header.Get("X-Tc-Region"), "status%d", &status)
		w.Header().Set("Location", "http://"+canaryUser+"."+canaryCode+".invalid/")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"Code":%q,"Message":%[1]q,"Response":{"Error":{"Code":%[1]q}}}`, heard)
	}))
	t.Cleanup(echo.Close)
	garbage := rawHTTP(t, canaryUser+" "+canaryTel+" "+canaryCode+"\r\n\r\n")
	for _, status := range []int{200, 302, 400, 500} {
		a := newAliyun(t, echo.URL).(*aliyun)
		a.nonce = func() string { return fmt.Sprint("status", status) }
		x := newTencent(t, echo.URL).(*tencent)
		x.Region = fmt.Sprint("status", status)
		check(a, anSMS())
		check(x, anSMS())
	}
	for _, channel := range overHTTP {
		for _, url := range []string{garbage, rawHTTP(t, "drop"), rawHTTP(t, "HTTP/1.1 400 "+canaryCode+"\r\n\r\n"+canaryUser), "http://" + closedPort(t)} {
			check(channel(t, url), anSMS())
		}
		for _, l := range broken(anSMS()) {
			check(channel(t, echo.URL), l)
		}
	}
	hook, err := NewWebhook(Webhook{URL: "http://menshen:" + canaryKey + "@" + closedPort(t) + "/" + canaryKey, Secret: webhookSecret})
	if err != nil {
		t.Fatal(err)
	}
	check(hook, anSMS())

	dir := filepath.Join(t.TempDir(), "outbox")
	c := newDirectory(t, dir, message.Email, nil)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for _, l := range append(broken(anEmail())[:2], anEmail()) {
		check(c, l)
	}
	all.Wait()
	if n := failures.Load(); n < 70 {
		t.Errorf("only %d failures were looked at", n)
	}
}
