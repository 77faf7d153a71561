package qrlogin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
)

// TestOnlyTheScannerDecides (Q3): not another session of the same user, not a user of another userpool, and nobody before
// a scan; the phone that lost the answer may scan again.
func TestOnlyTheScannerDecides(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	scanID, pollID := r.create()
	r.want("confirm before a scan", r.Confirm(ctx, r.phone, scanID), ErrState)
	r.want("cancel before a scan", r.Cancel(ctx, r.phone, scanID), ErrState)
	r.want("scan from another userpool", r.Scan(ctx, r.foreign, scanID), ErrUnknown)
	r.want("scan", r.Scan(ctx, r.phone, scanID), nil)
	r.want("scan again", r.Scan(ctx, r.phone, scanID), nil)
	for name, u := range map[string]authn.User{"another session": r.second, "a user without": {UserpoolID: "pool", ID: "bob", SessionID: "bob"}} {
		r.want("scan by "+name, r.Scan(ctx, u, scanID), ErrState)
		r.want("confirm by "+name, r.Confirm(ctx, u, scanID), ErrState)
		r.want("cancel by "+name, r.Cancel(ctx, u, scanID), ErrState)
	}
	r.want("confirm from another userpool", r.Confirm(ctx, r.foreign, scanID), ErrUnknown)
	r.want("cancel from another userpool", r.Cancel(ctx, r.foreign, scanID), ErrUnknown)
	if got := r.status(pollID).State; got != db.QRScanned {
		t.Errorf("state %s", got)
	}
	r.want("confirm", r.Confirm(ctx, r.phone, scanID), nil)
	for name, step := range map[string]func() error{
		"scan":    func() error { return r.Scan(ctx, r.phone, scanID) },
		"confirm": func() error { return r.Confirm(ctx, r.phone, scanID) },
		"cancel":  func() error { return r.Cancel(ctx, r.phone, scanID) },
	} {
		r.want(name+" after the decision", step(), ErrState)
	}
	r.want("an unknown id", r.Scan(ctx, r.phone, "none"), ErrUnknown)
}

// TestUnprovedSessionOpensNoOther: a phone that was signed in before its user bound an authenticator is told so when it
// scans, and again when it confirms; it may still turn the page away.
func TestUnprovedSessionOpensNoOther(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	scanID, pollID := r.create()
	r.accounts.unproved = r.phone.SessionID
	r.want("scan", r.Scan(ctx, r.phone, scanID), errUnproved)
	if got := r.status(pollID).State; got != db.QRPending {
		t.Errorf("after the scan: state %s", got)
	}
	r.accounts.unproved = ""
	r.want("scan after a code", r.Scan(ctx, r.phone, scanID), nil)
	r.accounts.unproved = r.phone.SessionID
	r.want("confirm", r.Confirm(ctx, r.phone, scanID), errUnproved)
	if got := r.status(pollID).State; got != db.QRScanned {
		t.Errorf("after the confirmation: state %s", got)
	}
	r.want("cancel", r.Cancel(ctx, r.phone, scanID), nil)
}

// TestStepsAfterTheEnd (Q2): an expired QR code is refused as such, an unknown one as unknown.
func TestStepsAfterTheEnd(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	pending, _ := r.create()
	scanned, _ := r.create()
	r.must(r.Scan(ctx, r.phone, scanned))
	r.advance(120 * time.Second)
	r.want("scan", r.Scan(ctx, r.phone, pending), ErrExpired)
	r.want("confirm", r.Confirm(ctx, r.phone, scanned), ErrExpired)
	r.want("cancel", r.Cancel(ctx, r.phone, scanned), ErrExpired)
	r.want("scan of an unknown one", r.Scan(ctx, r.phone, "none"), ErrUnknown)
}

// TestConfirmIsOneTransaction (Q8): the custom data reaches the user with the confirmation, or there is no confirmation;
// and it is in the audit log.
func TestConfirmIsOneTransaction(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	scanID, pollID := r.create()
	r.must(r.Scan(ctx, r.phone, scanID))
	if len(r.accounts.merged) != 0 {
		t.Error("custom data is the user's before the confirmation")
	}
	r.must(r.Confirm(ctx, r.phone, scanID))
	if got := fmt.Sprint(r.accounts.merged); got != `[{"k": "v"}]` {
		t.Errorf("merged %s", got)
	}
	events, err := r.store.Audit().Of(ctx, "pool", "app:app", 10)
	r.must(err)
	var log []string
	for _, e := range events {
		log = append(log, e.Actor+" "+e.Action+" "+e.Outcome)
	}
	if got := strings.Join(log, ", "); got != "user:alice qrlogin.confirm success, user:alice qrlogin.scan success" {
		t.Errorf("audit log: %s", got)
	}
	if r.status(pollID).Ticket == "" {
		t.Error("no ticket")
	}

	r.must(r.store.QRLogins().Insert(ctx, db.QRLogin{
		UserpoolID: "pool", ID: "large", AppID: "app", Type: db.QRMobileApp, ScanHash: r.scanHash("large"), PollHash: r.pollHash("large poll"), TicketHash: []byte{1},
		CustomData: db.JSON(`{"k": "larger than it may be"}`), CreatedAt: r.clock.now, ExpiresAt: r.clock.now.Add(time.Minute),
	}))
	r.must(r.Scan(ctx, r.phone, "large"))
	r.want("confirm with too much custom data", r.Confirm(ctx, r.phone, "large"), errTooLarge)
	if got := r.status("large poll").State; got != db.QRScanned {
		t.Errorf("state %s, want what it was", got)
	}
}

// TestScansPerUser (Q9): so many a minute, found or not, and no limit for the others.
func TestScansPerUser(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	r.ScansPerID = limit.Rule{Name: "scan", Max: 3, Per: time.Minute}
	for range 3 {
		r.want("guess", r.Scan(ctx, r.phone, "none"), ErrUnknown)
	}
	scanID, _ := r.create()
	r.want("scan", r.Scan(ctx, r.phone, scanID), apierr.ErrRateLimited)
	r.want("scan by another", r.Scan(ctx, authn.User{UserpoolID: "pool", ID: "bob", SessionID: "bob"}, scanID), nil)
}

// TestOneDecision (Q3): confirm, cancel and a second scanner, all at once: one terminal state, of one step that was told
// it succeeded.
func TestOneDecision(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	for range 10 {
		scanID, pollID := r.create()
		r.must(r.Scan(ctx, r.phone, scanID))
		steps := map[string]func() error{
			db.QRAuthorized: func() error { return r.Confirm(ctx, r.phone, scanID) },
			db.QRCancelled:  func() error { return r.Cancel(ctx, r.phone, scanID) },
			db.QRScanned:    func() error { return r.Scan(ctx, r.second, scanID) },
		}
		var (
			all   sync.WaitGroup
			mu    sync.Mutex
			won   []string
			start = make(chan struct{})
		)
		for to, step := range steps {
			for range 8 {
				all.Go(func() {
					<-start
					err := step()
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						won = append(won, to)
					} else if !errors.Is(err, ErrState) {
						t.Error(err)
					}
				})
			}
		}
		close(start)
		all.Wait()
		if state := r.status(pollID).State; len(won) != 1 || won[0] != state {
			t.Errorf("steps to %q succeeded, and the state is %s", won, state)
		}
	}
}

// TestScannedTwiceAtOnce (Q5): a phone that is tapped twice asks twice at once, and is answered the same both times: with the
// numbers of which one is on the page.
func TestScannedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.raw.Exec(`UPDATE applications SET number_matching = true`)
	r.must(err)
	scanID, pollID := r.create()
	var (
		all   sync.WaitGroup
		shown [8]Request
		errs  [8]error
		start = make(chan struct{})
	)
	for i := range shown {
		all.Go(func() {
			<-start
			shown[i], errs[i] = r.Service.Scan(t.Context(), r.phone, scanID)
		})
	}
	close(start)
	all.Wait()
	for i, request := range shown {
		if errs[i] != nil || !slices.Equal(request.Numbers, shown[0].Numbers) || !slices.Contains(request.Numbers, r.status(pollID).Number) {
			t.Errorf("answer %d: %v, %v", i, request.Numbers, errs[i])
		}
	}
}
