package rolling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// shownFailures are as many as help.
const shownFailures = 20

// load is what people and programs ask of the service all the time, and what they were told.
type load struct {
	t        *testing.T
	url      string
	requests atomic.Int64
	failed   atomic.Int64
	resumed  atomic.Int64 // streams of events
	ending   chan struct{}
	clients  sync.WaitGroup
	stop     func() // and waits until nobody asks for anything any more

	mu       sync.Mutex
	accounts []string // that were registered
	asked    []string // addresses that a code was sent to
	tickets  []string // that were exchanged
}

// job is what a client does over and over, on a connection that it keeps. Every answer counts, by asked.
type job func(ctx context.Context, client *gen.ClientWithResponses, n int)

// newLoad is none yet; it stops with the test at the latest.
func newLoad(t *testing.T, url string) *load {
	l := &load{t: t, url: url, ending: make(chan struct{})}
	l.stop = sync.OnceFunc(func() {
		close(l.ending)
		l.clients.Wait()
	})
	t.Cleanup(l.stop)
	return l
}

// run does a job in many clients at once, with a pause after each time, until stop.
func (l *load) run(clients int, pause time.Duration, what job) {
	for i := range clients {
		client := l.client()
		l.clients.Go(func() {
			for n := i; ; n += clients {
				what(l.t.Context(), client, n)
				select {
				case <-l.ending:
					return
				case <-time.After(pause):
				}
			}
		})
	}
}

// client keeps one connection, and sends nothing twice.
func (l *load) client() *gen.ClientWithResponses {
	transport := &http.Transport{MaxConnsPerHost: 1}
	l.t.Cleanup(transport.CloseIdleConnections)
	client, err := gen.NewClientWithResponses(l.url, gen.WithHTTPClient(&http.Client{Transport: once{transport}, Timeout: harness.Patience}))
	if err != nil {
		l.t.Fatal(err)
	}
	return client
}

// once is a transport that owns up to what net/http hides: that it has sent a request again since its connection was gone.
type once struct{ http.RoundTripper }

func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent atomic.Int64
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Add(1) }}
	answer, err := o.RoundTripper.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err == nil && sent.Load() > 1 {
		_ = answer.Body.Close()
		return nil, errors.New("the connection was gone")
	}
	return answer, err
}

// asked counts a request, and tells whether it did what it was to do.
func asked[T any](l *load, what string) func(*T, error) (*T, bool) {
	return func(answer *T, err error) (*T, bool) {
		l.requests.Add(1)
		if err != nil {
			l.fail("%s: %v", what, err)
			return nil, false
		}
		if o := harness.OutcomeOf(answer); !o.Success() {
			l.fail("%s: HTTP %d %s", what, o.HTTP, o.Body)
			return nil, false
		}
		return answer, true
	}
}

func (l *load) fail(format string, args ...any) {
	l.t.Helper()
	if l.failed.Add(1) <= shownFailures {
		l.t.Errorf(format, args...)
	}
}

func (l *load) note(list *[]string, entry string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*list = append(*list, entry)
}

func (l *load) captcha(ctx context.Context, c *gen.ClientWithResponses, _ int) {
	asked[gen.CreateCaptchaResult](l, "an image")(c.CreateCaptchaWithResponse(ctx, nil, gen.CaptchaRequest{
		Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin,
	}))
}

func (l *load) register(ctx context.Context, c *gen.ClientWithResponses, n int) {
	name := fmt.Sprintf("person%d", n)
	if _, ok := asked[gen.RegisterUserResult](l, "register")(c.RegisterUserWithResponse(ctx, gen.RegisterRequest{Username: name, Password: harness.Password})); ok {
		l.note(&l.accounts, name)
	}
}

// login signs in as somebody, and looks at the account with the session, wherever that request goes.
func (l *load) login(name string) job {
	return func(ctx context.Context, c *gen.ClientWithResponses, _ int) {
		r, ok := asked[gen.LoginUserResult](l, "login")(c.LoginUserWithResponse(ctx, gen.LoginRequest{Username: name, Password: harness.Password}))
		if ok {
			token := harness.Header("Access-Token", r.HTTPResponse.Header.Get("Access-Token"))
			asked[gen.GetUserInfoResult](l, "the account")(c.GetUserInfoWithResponse(ctx, nil, token))
		}
	}
}

func (l *load) askForCode(ctx context.Context, c *gen.ClientWithResponses, n int) {
	to := fmt.Sprintf("person%d@example.com", n)
	_, ok := asked[gen.CreateCaptchaResult](l, "a code")(c.CreateCaptchaWithResponse(ctx, nil, gen.CaptchaRequest{
		Type: gen.CaptchaRequestTypeEmail, Use: gen.CaptchaUseRegister, Account: &to,
	}))
	if ok {
		l.note(&l.asked, to)
	}
}

// lookUp asks for the secret of somebody's authenticator.
func (l *load) lookUp(whose *harness.Person, token string) job {
	return func(ctx context.Context, c *gen.ClientWithResponses, _ int) {
		r, ok := asked[gen.GetOTPSecretByUserResult](l, "an OTP secret")(c.GetOTPSecretByUserWithResponse(ctx,
			&gen.GetOTPSecretByUserParams{UserID: whose.ID}, harness.Header("Authorization", "Bearer "+token)))
		if ok && r.JSON200.Data.Secret != whose.Secret {
			l.fail("the OTP secret is another")
		}
	}
}

// poll asks for a QR code that nobody scans, as fast as it can: of these many are on their way whenever a replica ends.
func (l *load) poll(code string) job {
	return func(ctx context.Context, c *gen.ClientWithResponses, _ int) {
		asked[gen.GetQRCodeStatusResult](l, "a poll")(c.GetQRCodeStatusWithResponse(ctx, &gen.GetQRCodeStatusParams{QrcodeID: code}))
	}
}

// page signs in by QR code: it shows one, and follows it with both ways that there are while the phone scans and confirms. If
// the person is slow, that is after a restart has ended the stream.
func (l *load) page(phone *harness.Person, app, secret string, slow bool) job {
	token := harness.Header("Authorization", phone.AccessToken)
	return func(ctx context.Context, c *gen.ClientWithResponses, _ int) {
		r, ok := asked[gen.CreateQRCodeResult](l, "a QR code")(c.CreateQRCodeWithResponse(ctx, nil, gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp}))
		if !ok {
			return
		}
		poll, scan := r.JSON200.Data.QrcodeID, ""
		if address, err := url.Parse(r.JSON200.Data.URL); err == nil {
			scan = address.Query().Get("id")
		}
		events := &stream{l: l, poll: poll}
		defer events.close()
		ticket := ""
		for _, step := range []struct {
			action gen.ChangeQRCodeStatusDtoAction
			id     string
			status gen.QRCodeStatus
		}{
			{"", "1", gen.QRCodeStatusPENDING},
			{gen.ChangeQRCodeStatusDtoActionSCAN, "2", gen.QRCodeStatusSCANNED},
			{gen.ChangeQRCodeStatusDtoActionCONFIRM, "3", gen.QRCodeStatusAUTHORIZED},
		} {
			if step.action != "" {
				if _, ok := asked[gen.SetQRCodeStatusResult](l, string(step.action))(c.SetQRCodeStatusWithResponse(ctx, gen.ChangeQRCodeStatusDto{QrcodeID: scan, Action: step.action}, token)); !ok {
					return
				}
			}
			s, ok := asked[gen.GetQRCodeStatusResult](l, "a poll")(c.GetQRCodeStatusWithResponse(ctx, &gen.GetQRCodeStatusParams{QrcodeID: poll}))
			if !ok || !events.tells(ctx, step.id, step.status) {
				return
			}
			if s.JSON200.Data.Status != step.status {
				l.fail("after %q a poll says %s", step.action, s.JSON200.Data.Status)
				return
			}
			if s.JSON200.Data.Ticket != nil {
				ticket = *s.JSON200.Data.Ticket
			}
			if slow && step.action == "" && !events.ends() {
				return
			}
		}
		_, ok = asked[gen.ExchangeQRCodeTicketResult](l, "the exchange")(c.ExchangeQRCodeTicketWithResponse(ctx, nil, gen.ExchangeQRCodeTicketJSONRequestBody{
			Ticket: ticket, ClientID: &app, ClientSecret: &secret,
		}))
		if ok {
			l.note(&l.tickets, ticket)
		}
	}
}

// stream is the events of a QR code as a browser listens to them: at the end of the connection it comes back.
type stream struct {
	l    *load
	poll string
	last string
	open *harness.Events
}

// ends waits for the end of the stream, before which nothing is said; it is false when the load ends first.
func (s *stream) ends() bool {
	ended := make(chan error, 1)
	go func() {
		_, err := s.open.Read()
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, io.EOF) {
			s.l.fail("events: the stream does not end well: %v", err)
			return false
		}
		s.close()
		s.l.resumed.Add(1)
		return true
	case <-s.l.ending:
		s.close()
		<-ended
		return false
	}
}

// tells waits for the next event.
func (s *stream) tells(ctx context.Context, id string, status gen.QRCodeStatus) bool {
	for {
		if s.open == nil {
			s.l.requests.Add(1)
			open, err := harness.OpenEvents(ctx, s.l.t, s.l.url, s.poll, s.last)
			if err != nil {
				s.l.fail("events: %v", err)
				return false
			}
			if s.open = open; open.HTTPResponse.StatusCode != http.StatusOK {
				s.l.fail("events: HTTP %d", open.HTTPResponse.StatusCode)
				return false
			}
		}
		event, err := s.open.Read()
		if errors.Is(err, io.EOF) {
			s.close()
			s.l.resumed.Add(1)
			continue
		}
		if err != nil {
			s.l.fail("events: %v", err)
			return false
		}
		s.last = event.ID
		if said := event.Status(s.l.t); event.ID != id || said.Status != status {
			s.l.fail("event %s says %s, want %s %s", event.ID, said.Status, id, status)
			return false
		}
		return true
	}
}

func (s *stream) close() {
	if s.open != nil {
		s.open.Close()
		s.open = nil
	}
}
