package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestQRLoginEdges (Q3): of all steps in all states, by the session that scanned and by another, before the end and at
// it, in the userpool and in another, only those of the state drawing are taken; every other changes nothing.
func TestQRLoginEdges(t *testing.T) {
	t.Parallel()
	const stranger = "other session"
	type edge struct {
		name string
		from string // the one state that allows it
		to   string
		own  bool // whether it is for the session that scanned only
		take func(ctx context.Context, q db.QRLoginQueries, pool, id, session string, at time.Time) error
	}
	edges := []edge{
		{"scan", db.QRPending, db.QRScanned, false, func(ctx context.Context, q db.QRLoginQueries, pool, id, session string, at time.Time) error {
			return q.Scan(ctx, pool, id, scanBy("bob", session), at)
		}},
		{"confirm", db.QRScanned, db.QRAuthorized, true, func(ctx context.Context, q db.QRLoginQueries, pool, id, session string, at time.Time) error {
			_, err := q.Confirm(ctx, pool, id, confirmBy("bob", session, at), at)
			return err
		}},
		{"cancel", db.QRScanned, db.QRCancelled, true, func(ctx context.Context, q db.QRLoginQueries, pool, id, session string, at time.Time) error {
			return q.Cancel(ctx, pool, id, pinOf(session), at)
		}},
	}
	f, n := furnished(t), 0
	for _, state := range []string{db.QRPending, db.QRScanned, db.QRAuthorized, db.QRCancelled} {
		for _, e := range edges {
			for _, session := range []string{sessionID, stranger} {
				for _, at := range []time.Time{now, now.Add(2*time.Minute - time.Microsecond), now.Add(2 * time.Minute)} {
					for _, pool := range []string{poolID, "other pool"} {
						n++
						id := fmt.Sprint(n)
						f.must(qrIn(t.Context(), f.Queries, id, state))
						before, err := f.QRLogins().ByPollHash(t.Context(), []byte("poll "+id))
						f.must(err)
						err = e.take(t.Context(), f.QRLogins(), pool, id, session, at)
						after, errAfter := f.QRLogins().ByPollHash(t.Context(), []byte("poll "+id))
						f.must(errAfter)

						what := fmt.Sprintf("%s of %s by %s in %s after %v", e.name, state, session, pool, at.Sub(now))
						allowed := state == e.from && pool == poolID && at.Before(before.ExpiresAt) && (!e.own || session == sessionID)
						switch {
						case allowed && (err != nil || after.State != e.to):
							t.Errorf("%s: %v, state %s", what, err, after.State)
						case !allowed && !errors.Is(err, db.ErrNotFound):
							t.Errorf("%s: %v, want ErrNotFound", what, err)
						case !allowed && fmt.Sprint(decided(after)) != fmt.Sprint(decided(before)):
							t.Errorf("%s: refused, but changed %v to %v", what, decided(before), decided(after))
						}
					}
				}
			}
		}
	}
}

// decided is what the steps change.
func decided(l db.QRLogin) []any {
	value := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	return []any{l.State, value(l.UserID), value(l.SessionID), l.TicketExpiresAt != nil, l.ConsumedAt != nil, value(l.OpenedSessionID)}
}

// TestConsumeTicket (Q4): a ticket is good for its application, in its time, while the session that confirmed lives, and
// says what that session proved.
func TestConsumeTicket(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	tests := []struct {
		name   string
		state  string
		ticket string // "" is the right one
		app    string
		after  time.Duration
		first  func(id string) // what happens before
		good   bool
	}{
		{name: "good", state: db.QRAuthorized, app: appID, good: true},
		{name: "at the last moment", state: db.QRAuthorized, app: appID, after: time.Minute - time.Microsecond, good: true},
		{name: "expired", state: db.QRAuthorized, app: appID, after: time.Minute},
		{name: "of another application", state: db.QRAuthorized, app: "other"},
		{name: "without application", state: db.QRAuthorized},
		{name: "unknown", state: db.QRAuthorized, app: appID, ticket: "none"},
		{name: "poll id for a ticket", state: db.QRAuthorized, app: appID, ticket: "poll poll id for a ticket"},
		{name: "not scanned", state: db.QRPending, app: appID},
		{name: "not confirmed", state: db.QRScanned, app: appID},
		{name: "cancelled", state: db.QRCancelled, app: appID},
		{name: "session expired", state: db.QRAuthorized, app: appID, first: func(string) {
			f.execute("UPDATE sessions SET expires_at = $1", now)
		}},
		{name: "session revoked", state: db.QRAuthorized, app: appID, first: func(string) {
			f.execute("UPDATE sessions SET expires_at = $1", now.Add(time.Hour))
			f.revoke(poolID, sessionID, now)
		}},
		{name: "session of another userpool", state: db.QRAuthorized, app: appID, first: func(id string) {
			f.execute("UPDATE sessions SET revoked_at = NULL")
			f.execute("UPDATE qrlogins SET userpool_id = 'other' WHERE id = $1", id)
		}},
	}
	for _, test := range tests { // one after the other: some end the session
		id := test.name
		f.must(qrIn(t.Context(), f.Queries, id, test.state))
		if test.first != nil {
			test.first(id)
		}
		ticket := "ticket " + id
		if test.ticket != "" {
			ticket = test.ticket
		}
		v, err := f.QRLogins().ConsumeTicket(t.Context(), []byte(ticket), test.app, "opened "+id, now.Add(test.after))
		l, errAfter := f.QRLogins().ByTicketHash(t.Context(), []byte("ticket "+id))
		f.must(errAfter)
		if !test.good {
			if !errors.Is(err, db.ErrNotFound) || l.ConsumedAt != nil || l.OpenedSessionID != nil {
				t.Errorf("%s: %v, consumed %v", test.name, err, l.ConsumedAt)
			}
			continue
		}
		if err != nil || v.UserpoolID != poolID || v.AppID != appID || v.UserID != userID || v.SessionID != sessionID {
			t.Errorf("%s: %+v, %v", test.name, v, err)
		}
		if l.ConsumedAt == nil || l.OpenedSessionID == nil || *l.OpenedSessionID != "opened "+id {
			t.Errorf("%s: the session that it opened is not known: %+v", test.name, l)
		}
	}
}

// TestRedeemFastpass (Q7): a fastpass is good in its userpool, in its time, while the web session lives.
func TestRedeemFastpass(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	ended, revoked := newSession("ended"), newSession("revoked")
	ended.ExpiresAt = now
	f.must(f.Sessions().Insert(t.Context(), ended))
	f.must(f.Sessions().Insert(t.Context(), revoked))
	f.revoke(poolID, "revoked", now)
	tests := []struct {
		name, session, pool string
		after               time.Duration
		good                bool
	}{
		{"good", sessionID, poolID, 0, true},
		{"at the last moment", sessionID, poolID, time.Minute - time.Microsecond, true},
		{"expired", sessionID, poolID, time.Minute, false},
		{"of another userpool", sessionID, "other", 0, false},
		{"session expired", "ended", poolID, 0, false},
		{"signed out", "revoked", poolID, 0, false},
	}
	for _, test := range tests {
		f.must(f.Fastpasses().Insert(t.Context(), newFastpass(test.name, test.session)))
		r, err := f.Fastpasses().Redeem(t.Context(), test.pool, []byte(test.name), now.Add(test.after))
		switch {
		case !test.good && !errors.Is(err, db.ErrNotFound):
			t.Errorf("%s: %v, want ErrNotFound", test.name, err)
		case test.good && (err != nil || r.UserID != userID || !sameJSON(r.CustomData, `{"from":"web"}`) || r.SessionID != test.session):
			t.Errorf("%s: %+v, %v", test.name, r, err)
		}
	}
	if _, err := f.Fastpasses().Redeem(t.Context(), poolID, []byte("none"), now); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("unknown: %v, want ErrNotFound", err)
	}
}
