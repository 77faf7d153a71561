package harness

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/app"
)

// SMSReceiver is a program of an operator that sends SMS: it takes requests as Standard Webhooks has them, checks them with
// code of its own, and sends an SMS once for each webhook-id. It goes wrong when it is told to:
//
//	s := harness.NewSMSReceiver(t)
//	h := harness.New(t, s.Configure)
//	... // something is sent to +8613800138000
//	code := s.WaitForCode(t, "+8613800138000")
//
//	s.Fail(503)           // until
//	s.Recover()
//	s.Fail(harness.Hang)  // takes the SMS, and does not say so
type SMSReceiver struct {
	server *httptest.Server
	faults *faults

	mu       sync.Mutex
	requests []SMS
	inbox    inbox[SMS]
}

// SMS is a message to a phone.
type SMS struct {
	ID       string `json:"-"` // webhook-id
	To       string
	Text     string
	Template string
	Lang     string
	Code     string
	Minutes  int
}

// smsKey is what requests are signed with.
var smsKey = []byte("a key of the SMS receiver, 24 to 64 bytes")

// NewSMSReceiver starts a receiver. A request that is not as it should be fails the test.
func NewSMSReceiver(t testing.TB) *SMSReceiver {
	t.Helper()
	s := &SMSReceiver{faults: newFaults()}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // who sent it was killed
		}
		sms, err := readSMS(r.Header, body)
		if err != nil {
			t.Errorf("a request for an SMS that is none: %v\n%v\n%s", err, r.Header, body)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.answer(w, sms)
	}))
	t.Cleanup(func() {
		s.faults.clear()
		s.server.Close()
	})
	return s
}

// Configure makes an instance send its SMS to the receiver.
func (s *SMSReceiver) Configure(c *app.Config) {
	c.SMSProvider, c.SMSEndpoint = "webhook", s.server.URL+"/sms"
	c.SMSKeySecret = "whsec_" + base64.StdEncoding.EncodeToString(smsKey)
}

// Environ is Configure for a program.
func (s *SMSReceiver) Environ() []string {
	var c app.Config
	s.Configure(&c)
	return []string{"MENSHEN_SMS_PROVIDER=" + c.SMSProvider, "MENSHEN_SMS_ENDPOINT=" + c.SMSEndpoint, "MENSHEN_SMS_KEY_SECRET=" + c.SMSKeySecret}
}

// Messages returns the SMS that phones have got, oldest first.
func (s *SMSReceiver) Messages() []SMS {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.inbox.all)
}

// Requests returns all requests, oldest first: refused ones and repeats, too.
func (s *SMSReceiver) Requests() []SMS {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// WaitFor returns the oldest SMS to a number (E.164) that it has not returned before, and waits until there is one.
func (s *SMSReceiver) WaitFor(t testing.TB, to string) (sms SMS) {
	t.Helper()
	Eventually(t, "an SMS to "+to, func() (ok bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		sms, ok = s.inbox.next(func(sms SMS) bool { return sms.To == to })
		return ok
	})
	return sms
}

// WaitForCode returns the code of the oldest SMS to a number that has one, and that was not waited for before.
func (s *SMSReceiver) WaitForCode(t testing.TB, to string) (code string) {
	t.Helper()
	for code == "" {
		code = s.WaitFor(t, to).Code
	}
	return code
}

// Fail makes the receiver go wrong from now on: the SMS is sent nevertheless, unless the fault is a reply.
func (s *SMSReceiver) Fail(how Fault) { s.faults.set(AtEnd, how) }

// Recover ends the fault.
func (s *SMSReceiver) Recover() { s.faults.clear() }

func (s *SMSReceiver) answer(w http.ResponseWriter, sms SMS) {
	how, released := s.faults.at(AtEnd)
	s.mu.Lock()
	s.requests = append(s.requests, sms)
	known := slices.ContainsFunc(s.inbox.all, func(other SMS) bool { return other.ID == sms.ID })
	if how <= 0 && !known {
		s.inbox.all = append(s.inbox.all, sms)
	}
	s.mu.Unlock()
	switch how {
	case Stall:
		<-released
		fallthrough
	case none:
		w.WriteHeader(http.StatusNoContent)
	case Hang:
		<-released
		fallthrough
	case Drop:
		panic(http.ErrAbortHandler) // closes the connection
	default:
		w.WriteHeader(int(how))
	}
}

// readSMS checks a request as https://github.com/standard-webhooks/standard-webhooks has it.
func readSMS(header http.Header, body []byte) (SMS, error) {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || strings.Contains(id, ".") || err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return SMS{}, fmt.Errorf("webhook-id %q, webhook-timestamp %q", id, timestamp)
	}
	mac := hmac.New(sha256.New, smsKey)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if !slices.Contains(strings.Fields(header.Get("webhook-signature")), want) {
		return SMS{}, fmt.Errorf("webhook-signature %q, want %q", header.Get("webhook-signature"), want)
	}
	var request struct {
		Type      string
		Timestamp time.Time
		Data      SMS
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return SMS{}, err
	}
	sms := request.Data
	switch {
	case request.Type != "message.sms", !request.Timestamp.Equal(time.Unix(seconds, 0)):
		return SMS{}, errors.New("type or timestamp of the body")
	case !strings.HasPrefix(sms.To, "+"), sms.Text == "", sms.Template == "", sms.Lang == "", sms.Code != theCode(sms.Text):
		return SMS{}, errors.New("data of the body")
	}
	sms.ID = id
	return sms, nil
}
