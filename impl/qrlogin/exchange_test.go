package qrlogin

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// TestExchange (Q4): a ticket opens one session, for its application, with the assurance of the session that confirmed.
func TestExchange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, _, ticket := r.authorized()
	_, err := r.Exchange(t.Context(), authn.Application{UserpoolID: "pool", ID: "other"}, ticket)
	r.want("for another application", err, ErrTicket)
	tokens, err := r.exchange(ticket)
	r.must(err)
	if len(r.accounts.opened) != 1 {
		t.Fatalf("opened %+v", r.accounts.opened)
	}
	g := r.accounts.opened[0]
	if g.UserpoolID != "pool" || g.UserID != "alice" || g.AppID != "app" || g.SessionID != tokens.SessionID || g.VouchedBy != "phone" {
		t.Errorf("opened %+v for %+v", g, tokens)
	}
}

// TestTicketEnds (Q2, Q4): after 60 seconds, and at once when the phone signs out.
func TestTicketEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, _, early := r.authorized()
	_, _, late := r.authorized()
	r.advance(time.Minute - time.Microsecond)
	_, err := r.exchange(early)
	r.want("at the last moment", err, nil)
	r.advance(time.Microsecond)
	_, err = r.exchange(late)
	r.want("after it", err, ErrTicket)

	_, _, ticket := r.authorized()
	_, err = r.store.Sessions().Revoke(t.Context(), "pool", "phone", r.clock.now)
	r.must(err)
	_, err = r.exchange(ticket)
	r.want("after the phone has signed out", err, ErrTicket)
}

// TestTicketReuse (Q4): a second use is refused and ends the session that the first one opened, whoever was first; the
// phone's session and those of other tickets live on.
func TestTicketReuse(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"at once": 0, "after its end": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, _, ticket := r.authorized()
			_, _, other := r.authorized()
			first, err := r.exchange(ticket)
			r.must(err)
			bystander, err := r.exchange(other)
			r.must(err)
			r.advance(after)
			for range 2 {
				_, err := r.exchange(ticket)
				r.want("a second use", err, ErrTicket)
			}
			if r.lives(first.SessionID) || !r.lives("phone") || !r.lives(bystander.SessionID) {
				t.Errorf("live: the session of the ticket %v, of the phone %v, of another ticket %v", r.lives(first.SessionID), r.lives("phone"), r.lives(bystander.SessionID))
			}
			events, err := r.store.Audit().Of(t.Context(), "pool", "session:"+first.SessionID, 10)
			if err != nil || len(events) == 0 || events[0].Action != "qrlogin.ticket_reused" || events[0].Outcome != "refused" {
				t.Errorf("audit log %+v, %v", events, err)
			}
		})
	}
}

// TestExchangeFailsAsAWhole (design 6): a ticket is used up by the session it opens; when that cannot be opened, the
// ticket is still good.
func TestExchangeFailsAsAWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, _, ticket := r.authorized()
	errNo := errors.New("no session today")
	r.accounts.refuse = errNo
	_, err := r.exchange(ticket)
	r.want("while no session can be opened", err, errNo)
	r.accounts.refuse = nil
	_, err = r.exchange(ticket)
	r.want("after that", err, nil)
}

// TestParallelExchanges (Q4): one ticket, 64 exchanges at once: one session was opened, and since there was a second use
// it does not live.
func TestParallelExchanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, _, ticket := r.authorized()
	var (
		all   sync.WaitGroup
		errs  [64]error
		start = make(chan struct{})
	)
	for i := range errs {
		all.Go(func() {
			<-start
			_, errs[i] = r.exchange(ticket)
		})
	}
	close(start)
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			r.want("a loser", err, ErrTicket)
		}
	}
	if won != 1 || len(r.accounts.opened) != 1 {
		t.Fatalf("%d exchanges won and %d sessions were opened, want 1 and 1", won, len(r.accounts.opened))
	}
	if r.lives(r.accounts.opened[0].SessionID) {
		t.Error("the session of a ticket that was used twice lives")
	}
}

// TestExchangeAsksTheHooks: only about a ticket that could be used. One that they refuse is not used up, and one that was
// used is still a sign of theft.
func TestExchangeAsksTheHooks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, _, ticket := r.authorized()
	r.accounts.deny = errUnproved
	_, err := r.exchange("none")
	r.want("unknown", err, ErrTicket)
	if len(r.accounts.asked) != 0 {
		t.Errorf("asked %+v", r.accounts.asked)
	}
	_, err = r.exchange(ticket)
	r.want("refused", err, errUnproved)
	r.accounts.deny = nil
	tokens, err := r.exchange(ticket)
	r.want("let pass", err, nil)
	_, err = r.exchange(ticket)
	r.want("used", err, ErrTicket)
	if r.lives(tokens.SessionID) {
		t.Error("the session of a ticket that was used twice lives")
	}
	if len(r.accounts.asked) != 2 {
		t.Fatalf("asked %+v", r.accounts.asked)
	}
	for _, a := range r.accounts.asked {
		if a.UserpoolID != "pool" || a.AppID != "app" || a.UserID != "alice" || a.Method != authn.MethodQRCode {
			t.Errorf("asked about %+v", a)
		}
	}
}
