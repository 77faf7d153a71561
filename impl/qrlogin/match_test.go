package qrlogin

import (
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// matching is a QR code of an application that asks for number matching, scanned by alice's phone.
func (r *rig) matching() (scanID, pollID string, shown Request) {
	r.t.Helper()
	_, err := r.raw.Exec(`UPDATE applications SET number_matching = true`)
	r.must(err)
	scanID, pollID = r.create()
	shown, err = r.Service.Scan(r.t.Context(), r.phone, scanID)
	r.must(err)
	return scanID, pollID, shown
}

// TestNumberMatching (Q5): the phone shows three different numbers of two digits, the page one of them, and only with that one
// the login goes on. The phone is not told which one it is.
func TestNumberMatching(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	right := map[int]bool{}
	for range 40 {
		scanID, pollID, shown := r.matching()
		status := r.status(pollID)
		at := slices.Index(shown.Numbers, status.Number)
		if len(shown.Numbers) != 3 || at < 0 {
			t.Fatalf("the phone shows %v, the page %d", shown.Numbers, status.Number)
		}
		right[at] = true
		for i, n := range shown.Numbers {
			if n < 10 || n > 99 || slices.Contains(shown.Numbers[:i], n) {
				t.Errorf("the phone shows %v", shown.Numbers)
			}
		}
		again, err := r.Service.Scan(ctx, r.phone, scanID)
		r.must(err)
		if !slices.Equal(again.Numbers, shown.Numbers) {
			t.Errorf("scanned again: %v, want %v", again.Numbers, shown.Numbers)
		}
		r.want("without a number", r.Service.Confirm(ctx, r.phone, scanID, 0), ErrNoNumber)
		r.want("with the right one", r.Service.Confirm(ctx, r.phone, scanID, status.Number), nil)
		if after := r.status(pollID); after.Ticket == "" || after.Number != 0 {
			t.Errorf("confirmed: %+v", after)
		}
	}
	if len(right) != 3 {
		t.Errorf("of 40, the right one was only ever at %v", right)
	}
}

// TestWrongNumberCancels (Q5): there is one try. A victim who taps at random is wrong two times of three, and cannot go on.
func TestWrongNumberCancels(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	scanID, pollID, shown := r.matching()
	status := r.status(pollID)
	for _, n := range shown.Numbers {
		want := error(ErrState)
		if n == status.Number {
			continue
		}
		if r.status(pollID).State == db.QRScanned {
			want = ErrNumber
		}
		r.want("a wrong number", r.Service.Confirm(t.Context(), r.phone, scanID, n), want)
		if after := r.status(pollID); after.State != db.QRCancelled || after.Ticket != "" {
			t.Errorf("after a wrong number: %+v", after)
		}
	}
	r.want("the right one, too late", r.Service.Confirm(t.Context(), r.phone, scanID, status.Number), ErrState)
	if len(r.accounts.merged) != 0 {
		t.Errorf("merged %q", r.accounts.merged)
	}
	events, err := r.store.Audit().Of(t.Context(), "pool", "app:app", 1)
	r.must(err)
	if events[0].Action != "qrlogin.number" || events[0].Outcome != "refused" {
		t.Errorf("audit log: %+v", events[0])
	}
}

// TestScanTells (Q5): what the user must see before deciding: which application, browser, address and since when.
func TestScanTells(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for agent, want := range map[string][2]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0": {"Firefox 145.0", "Windows 10.0"},
		"curl/8.5.0":    {"curl 8.5.0", ""},
		"":              {"", ""},
		"\x1b[31mred/1": {"", ""},
	} {
		ctx := reqinfo.With(t.Context(), &reqinfo.Info{IP: "192.0.2.1", UserAgent: agent})
		created, err := r.Create(ctx, r.app, Asked{Type: db.QRMobileApp})
		r.must(err)
		began := r.clock.now
		r.advance(30 * time.Second)
		shown, err := r.Service.Scan(t.Context(), r.phone, created.PollID)
		r.must(err)
		if shown.App.ID != "app" || shown.App.Name != "Bank" || shown.IP != "192.0.2.1" || shown.Browser != want[0] || shown.OS != want[1] {
			t.Errorf("%q: shown %+v", agent, shown)
		}
		if !shown.CreatedAt.Equal(began) || !shown.ExpiresAt.Equal(began.Add(2*time.Minute)) || shown.Numbers != nil {
			t.Errorf("shown %v %v %v", shown.CreatedAt, shown.ExpiresAt, shown.Numbers)
		}
	}
}

// TestDisabledApplication: what an application has asked for is good for nothing once it is disabled.
func TestDisabledApplication(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	waiting, _ := r.create()
	scanned, _ := r.create()
	r.must(r.Scan(t.Context(), r.phone, scanned))
	_, err := r.raw.Exec(`UPDATE applications SET disabled_at = now()`)
	r.must(err)
	r.want("scan", r.Scan(t.Context(), r.phone, waiting), ErrUnknown)
	r.want("confirm", r.Confirm(t.Context(), r.phone, scanned), ErrUnknown)
}

// TestLivesOfTheApplication (Q2): an application may have its own lives of QR codes and tickets.
func TestLivesOfTheApplication(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.raw.Exec(`UPDATE applications SET qr_seconds = 10, ticket_seconds = 5`)
	r.must(err)
	r.app, err = r.store.Tenancy().Application(t.Context(), "app")
	r.must(err)
	scanID, pollID := r.create()
	r.must(r.Scan(t.Context(), r.phone, scanID))
	r.must(r.Confirm(t.Context(), r.phone, scanID))
	r.advance(5*time.Second - time.Microsecond)
	if s := r.status(pollID); s.Ticket == "" {
		t.Errorf("at the last moment: %+v", s)
	}
	r.advance(time.Microsecond)
	if s := r.status(pollID); s.State != StatusExpired {
		t.Errorf("after it: %+v", s)
	}
	_, pollID = r.create()
	r.advance(10 * time.Second)
	if s := r.status(pollID); s.State != StatusExpired {
		t.Errorf("a QR code of ten seconds after ten: %+v", s)
	}
}
