package db_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

func newHook(id, stage string, created time.Time) db.Hook {
	return db.Hook{
		UserpoolID: poolID, AppID: appID, ID: id, Stage: stage, URL: "https://hooks.example.com/" + id, SecretSealed: []byte("sealed"),
		Timeout: 2000, CreatedAt: created,
	}
}

func hookMessage(id, hookID string) db.OutboxMessage {
	m := newOutboxMessage(id)
	m.Channel, m.Template, m.HookID = "hook", "event", &hookID
	return m
}

// TestEnabledHooks: those of a stage of an application, in the order of creation, without those that are disabled.
func TestEnabledHooks(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Tenancy().InsertApplication(t.Context(), db.Application{UserpoolID: poolID, ID: "other", Name: "Other", SecretHash: []byte{1}, CreatedAt: now}))
	foreign := newHook("of-another", db.HookPre, now)
	foreign.AppID = "other"
	for _, h := range []db.Hook{
		newHook("c", db.HookPre, now.Add(time.Second)), newHook("b", db.HookPre, now), newHook("a", db.HookPre, now.Add(2*time.Second)),
		newHook("off", db.HookPre, now), newHook("after", db.HookPost, now), foreign,
	} {
		f.must(f.Hooks().Insert(t.Context(), h))
	}
	off, err := f.Hooks().Hook(t.Context(), "off")
	f.must(err)
	off.DisabledAt = &off.CreatedAt
	f.must(f.Hooks().Set(t.Context(), off))
	for stage, want := range map[string]string{db.HookPre: "[b c a]", db.HookPost: "[after]"} {
		list, err := f.Hooks().Enabled(t.Context(), poolID, appID, stage)
		f.must(err)
		var ids []string
		for _, h := range list {
			ids = append(ids, h.ID)
		}
		if fmt.Sprint(ids) != want {
			t.Errorf("%s: %v, want %s", stage, ids, want)
		}
	}
	if list, err := f.Hooks().Enabled(t.Context(), "pool2", appID, db.HookPre); err != nil || len(list) != 0 {
		t.Errorf("of another userpool: %v, %v", list, err)
	}
	if all, err := f.Hooks().All(t.Context()); err != nil || len(all) != 6 {
		t.Errorf("%d hooks in all, %v", len(all), err)
	}
}

// TestFailingHookIsPaused: what goes to a hook that fails waits for as long as it has been failing, within bounds, and holds
// up nobody else's; what goes to a disabled one waits for as long as it is.
func TestFailingHookIsPaused(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	const shortest, longest = time.Second, time.Minute
	for _, id := range []string{"failing", "healthy"} {
		f.must(f.Hooks().Insert(t.Context(), newHook(id, db.HookPost, now)))
		m := hookMessage("to "+id, id)
		m.ExpiresAt = now.Add(48 * time.Hour)
		f.must(f.Outbox().Insert(t.Context(), m))
	}
	claimed := func(at time.Time) (ids string) {
		for _, m := range f.claimForHooks(10, at) {
			ids += m.ID + ";"
			f.must(f.Outbox().Retry(t.Context(), m, now)) // due again at once
		}
		return ids
	}
	want := func(what string, at time.Duration, healthyOnly bool) {
		t.Helper()
		ids := claimed(now.Add(at))
		if healthyOnly != (ids == "to healthy;") || ids == "" {
			t.Errorf("%s, after %v: claimed %q", what, at, ids)
		}
	}
	fail := func(at time.Duration) {
		t.Helper()
		f.must(f.Hooks().Failed(t.Context(), poolID, "failing", "to failing", shortest, longest, now.Add(at)))
	}
	want("before", 0, false)
	fail(0)
	want("the first failure", time.Second-time.Microsecond, true)
	want("the first failure", time.Second, false)
	fail(10 * time.Second)
	want("failing for ten seconds", 20*time.Second-time.Microsecond, true)
	want("failing for ten seconds", 20*time.Second, false)
	fail(time.Hour)
	want("failing for an hour", time.Hour+longest-time.Microsecond, true)
	want("failing for an hour", time.Hour+longest, false)
	fail(2 * time.Hour)
	f.must(f.Hooks().Succeeded(t.Context(), poolID, "failing"))
	want("a success", 2*time.Hour, false)
	fail(3 * time.Hour)
	want("failing anew", 3*time.Hour+shortest, false)
	h, err := f.Hooks().Hook(t.Context(), "failing")
	f.must(err)
	h.DisabledAt = &h.CreatedAt
	f.must(f.Hooks().Set(t.Context(), h))
	want("disabled", 24*time.Hour, true)
	h.DisabledAt = nil
	f.must(f.Hooks().Set(t.Context(), h))
	want("enabled again", 3*time.Hour, false) // and the pause is over with it
}

// TestDeleteHook: what is on its way to a hook that is no more is given up and forgotten, in the same moment.
func TestDeleteHook(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for _, id := range []string{"gone", "stays"} {
		f.must(f.Hooks().Insert(t.Context(), newHook(id, db.HookPost, now)))
		f.must(f.Outbox().Insert(t.Context(), hookMessage("to "+id, id)))
	}
	f.must(f.InTx(t.Context(), func(q db.Queries) error { return q.Hooks().Delete(t.Context(), poolID, "gone", now) }))
	if err := f.Hooks().Delete(t.Context(), poolID, "gone", now); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if n := f.number(`SELECT count(*) FROM outbox WHERE hook_id = 'gone' AND state = 'refused' AND message_sealed IS NULL`); n != 1 {
		t.Error("the message to a hook that is gone is still there")
	}
	counts, err := f.Hooks().Deliveries(t.Context())
	f.must(err)
	of := map[string]string{}
	for _, c := range counts {
		of[c.HookID] = fmt.Sprint(c.Waiting, c.Delivered, c.Dead, c.LastDead != nil && c.LastDead.Equal(now))
	}
	if fmt.Sprint(of) != "map[gone:0 0 1 true stays:1 0 0 false]" {
		t.Errorf("counted %v", of)
	}
}

// TestDeadDeliveriesAreKept: what a hook was not told is kept for a week after its end, for the operator to see; what it was
// told, and what people were not told, is not.
func TestDeadDeliveriesAreKept(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for id, state := range map[string]db.OutboxState{"dead": db.OutboxExpired, "refused": db.OutboxRefused, "delivered": db.OutboxDelivered, "letter": db.OutboxExpired} {
		m := hookMessage(id, "hook")
		if id == "letter" {
			m.HookID = nil
		}
		f.must(f.Outbox().Insert(t.Context(), m))
		f.must(f.Outbox().Settle(t.Context(), m, state, now))
	}
	ends := hookMessage("", "").ExpiresAt
	for _, test := range []struct {
		before time.Duration
		left   int
	}{{0, 4}, {time.Hour, 2}, {7 * 24 * time.Hour, 2}, {7*24*time.Hour + time.Second, 0}} {
		_, err := f.DeleteExpired(t.Context(), ends.Add(test.before), 100)
		f.must(err)
		if n := f.number(`SELECT count(*) FROM outbox`); n != test.left {
			t.Errorf("%v after the end: %d are left, want %d", test.before, n, test.left)
		}
	}
}

// TestExchangeable: whoever is asked about a ticket before it is used sees what its use would give, or nothing where that
// would fail; looking uses nothing up.
func TestExchangeable(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(qrIn(t.Context(), f.Queries, "qr", db.QRAuthorized))
	look := func(app string, at time.Time) string {
		v, err := f.QRLogins().Exchangeable(t.Context(), []byte("ticket qr"), app, at)
		return fmt.Sprint(v.UserID, err)
	}
	const none = "not found"
	for range 2 {
		if got := look(appID, now); got != userID+"<nil>" {
			t.Error(got)
		}
	}
	if one, other := look("app2", now), look(appID, now.Add(24*time.Hour)); one != none || other != none {
		t.Errorf("of another application: %s; too late: %s", one, other)
	}
	_, err := f.QRLogins().ConsumeTicket(t.Context(), []byte("ticket qr"), appID, "opened", now)
	f.must(err)
	if got := look(appID, now); got != none {
		t.Errorf("used: %s", got)
	}
	f.execute(`UPDATE qrlogins SET consumed_at = NULL`)
	f.revoke(poolID, sessionID, now)
	if got := look(appID, now); got != none {
		t.Errorf("of a session that has ended: %s", got)
	}
}

// TestContextsAreKept: every byte of what hooks are to get.
func TestContextsAreKept(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	const sent = `{ "b":1.0, "a" : "\u00e9<&>", "A":12345678901234567890 }`
	pass := newFastpass("pass", sessionID)
	pass.Context = db.JSON(sent)
	f.must(f.Fastpasses().Insert(t.Context(), pass))
	kept, err := f.Fastpasses().ByHash(t.Context(), []byte("pass"))
	f.must(err)
	signIn := newPendingSignIn("token", userID)
	signIn.Context = db.JSON(sent)
	f.must(f.Sessions().InsertPending(t.Context(), signIn))
	waiting, err := f.Sessions().Pending(t.Context(), []byte("token"), now)
	f.must(err)
	f.must(qrIn(t.Context(), f.Queries, "qr", db.QRAuthorized))
	f.execute(`UPDATE qrlogins SET context = $1`, sent)
	ticket, err := f.QRLogins().Exchangeable(t.Context(), []byte("ticket qr"), appID, now)
	f.must(err)
	for what, got := range map[string]db.JSON{"fastpass": kept.Context, "sign-in that waits": waiting.Context, "QR code": ticket.Context} {
		if string(got) != sent {
			t.Errorf("%s: %s", what, got)
		}
	}
}
