package fault

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// rounds is how often something goes wrong: less often in CI.
func rounds(ci, all int) int {
	if full() {
		return all
	}
	return ci
}

// ledger is what clients were told by a process that things go wrong for, to be compared with the database afterwards. Each
// client shows login QR codes, has them scanned and confirmed, and hands the ticket in twice at once; beside, it asks for
// captchas, which are limited.
type ledger struct {
	r       *rig
	alice   *harness.Person // at the process
	there   *harness.Instance
	began   time.Time
	before  int // sessions
	stop    chan struct{}
	clients sync.WaitGroup

	logins                           []*told
	mu                               sync.Mutex // of logins
	requests, refused, unanswered    atomic.Int64
	acknowledged, captchas, mistakes atomic.Int64
}

// told is what a client was told of one login.
type told struct {
	created, confirmed bool
	opened             atomic.Int64 // sessions, by handing in the ticket
}

// captchaLimit is that of the process, per minute.
const captchaLimit = 60

// openLedger starts clients of the process that serves at addr now or soon, with the limit of captchas.
func (r *rig) openLedger(addr string) *ledger {
	r.t.Helper()
	l := &ledger{r: r, there: r.At("http://" + addr), began: time.Now(), stop: make(chan struct{})}
	l.alice = r.SignUp("alice").At(l.there)
	l.before = r.Count(`SELECT count(*) FROM sessions`)
	for range 4 {
		l.clients.Go(func() {
			for l.goesOn() {
				l.login()
				l.captcha()
				time.Sleep(5 * time.Millisecond) // machines have other things to do
			}
		})
	}
	return l
}

func ledgerEnviron() string { return fmt.Sprintf("MENSHEN_LIMIT_CAPTCHA_IP=%d/1m", captchaLimit) }

func (l *ledger) goesOn() bool {
	select {
	case <-l.stop:
		return false
	default:
		return true
	}
}

// login is one, as far as it comes.
func (l *ledger) login() {
	l.mu.Lock()
	one := &told{}
	n := len(l.logins)
	l.logins = append(l.logins, one)
	l.mu.Unlock()
	ctx := l.r.t.Context()
	made, err := l.there.Client.CreateQRCodeWithResponse(ctx, nil, gen.GeneQRCodeDto{
		Type: gen.GeneQRCodeDtoTypeMobileApp, CustomData: harness.JSON(map[string]any{"n": n}),
	})
	if one.created = acknowledged(l, made, err); !one.created {
		return
	}
	picture, err := url.Parse(made.JSON200.Data.URL)
	if err != nil {
		l.r.t.Error(err)
		return
	}
	for _, action := range []gen.ChangeQRCodeStatusDtoAction{scan, confirm} {
		body := gen.SetQRCodeStatusJSONRequestBody{QrcodeID: picture.Query().Get("id"), Action: action}
		step, err := l.alice.Client.SetQRCodeStatusWithResponse(ctx, body)
		if !acknowledged(l, step, err) {
			return
		}
	}
	one.confirmed = true
	status, err := l.there.Client.GetQRCodeStatusWithResponse(ctx, &gen.GetQRCodeStatusParams{QrcodeID: made.JSON200.Data.QrcodeID})
	if !acknowledged(l, status, err) || status.JSON200.Data.Ticket == nil {
		return
	}
	var twice sync.WaitGroup
	for range 2 {
		twice.Go(func() {
			answer, err := l.there.Client.ExchangeQRCodeTicketWithResponse(ctx, nil, gen.ExchangeQRCodeTicketJSONRequestBody{
				Ticket: *status.JSON200.Data.Ticket, ClientID: &l.r.Credentials.AppID, ClientSecret: &l.r.Credentials.AppSecret,
			})
			if acknowledged(l, answer, err) {
				one.opened.Add(1)
			}
		})
	}
	twice.Wait()
}

func (l *ledger) captcha() {
	answer, err := l.there.Client.CreateCaptchaWithResponse(l.r.t.Context(), nil, gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin})
	if acknowledged(l, answer, err) {
		l.captchas.Add(1)
	}
}

// acknowledged tells whether the process says that it has done something. If not it says so in the proper way, or nothing.
func acknowledged(l *ledger, answer any, err error) bool {
	l.requests.Add(1)
	if err != nil {
		l.unanswered.Add(1)
		return false
	}
	o := harness.OutcomeOf(answer)
	switch {
	case o.Success():
		l.acknowledged.Add(1)
		return true
	case o.HTTP == http.StatusServiceUnavailable, o.HTTP == http.StatusTooManyRequests:
		l.refused.Add(1)
		if o.Header.Get("Retry-After") == "" {
			l.mistake("HTTP %d without Retry-After: %s", o.HTTP, o.Body)
		}
	case o.HTTP != http.StatusOK:
		l.mistake("HTTP %d: %s", o.HTTP, o.Body)
	}
	return false
}

func (l *ledger) mistake(format string, args ...any) {
	if l.mistakes.Add(1) <= 5 { // the first tell enough
		l.r.t.Errorf(format, args...)
	}
}

// progress waits until more is acknowledged: it works, again.
func (l *ledger) progress() {
	l.r.t.Helper()
	enough := l.acknowledged.Load() + 20
	harness.Eventually(l.r.t, "requests that succeed", func() bool { return l.acknowledged.Load() >= enough })
}

// close stops the clients and compares what they were told with the database: nothing that was acknowledged is lost, no ticket
// was used twice, and the limit was kept.
func (l *ledger) close() {
	t := l.r.t
	t.Helper()
	close(l.stop)
	l.clients.Wait()
	states := map[int]string{}
	consumed := 0
	for _, row := range l.r.List(`SELECT custom_data->>'n' || ' ' || state || ' ' || CASE WHEN consumed_at IS NULL THEN ''
			WHEN EXISTS (SELECT 1 FROM sessions s WHERE s.id = opened_session_id) THEN 'opened' ELSE 'lost' END FROM qrlogins`) {
		number, state, _ := strings.Cut(row, " ")
		n, err := strconv.Atoi(number)
		if err != nil || states[n] != "" {
			t.Errorf("a login that is there twice, or nobody's: %s", row)
		}
		states[n] = state
		if !strings.HasSuffix(state, " ") {
			consumed++
		}
	}
	lost, twice := 0, 0
	for n, one := range l.logins {
		opened := one.opened.Load()
		if one.created && states[n] == "" || one.confirmed && !strings.HasPrefix(states[n], "AUTHORIZED") || opened > 0 && states[n] != "AUTHORIZED opened" {
			lost++
			t.Errorf("lost: login %d, of which was told: created %v, confirmed %v, opened %d; it is %q", n, one.created, one.confirmed, opened, states[n])
		}
		if opened > 1 {
			twice++
			t.Errorf("used twice: the ticket of login %d", n)
		}
	}
	if sessions := l.r.Count(`SELECT count(*) FROM sessions`) - l.before; sessions != consumed {
		twice += max(0, sessions-consumed)
		t.Errorf("%d sessions by %d tickets", sessions, consumed)
	}
	most := captchaLimit + int64(time.Since(l.began).Minutes()*captchaLimit) + 1
	if l.captchas.Load() > most {
		t.Errorf("%d captchas, over the limit of %d", l.captchas.Load(), most)
	}
	if l.requests.Load() == 0 || l.acknowledged.Load() == 0 {
		t.Error("nothing was asked for, or nothing done: this shows nothing")
	}
	l.report(lost, twice)
}

func (l *ledger) report(lost, twice int) {
	for _, figure := range []struct {
		name  string
		value int64
	}{
		{"requests", l.requests.Load()},
		{"acknowledged", l.acknowledged.Load()},
		{"refused", l.refused.Load()},
		{"unanswered", l.unanswered.Load()},
		{"lost", int64(lost)},
		{"used_twice", int64(twice)},
	} {
		l.r.t.Attr(figure.name, strconv.FormatInt(figure.value, 10))
	}
}
