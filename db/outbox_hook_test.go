package db_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// claimForHooks takes messages for a minute.
func (f fixture) claimForHooks(limit int, at time.Time) []db.OutboxMessage {
	f.t.Helper()
	claimed, err := f.Outbox().ClaimForHooks(f.t.Context(), limit, at, at.Add(time.Minute))
	f.must(err)
	return claimed
}

// hookWith adds a post hook for which n messages wait, named <hook>-1, <hook>-2, ...: all due for an hour, in this order.
func (f fixture) hookWith(id string, n int) {
	f.t.Helper()
	f.must(f.Hooks().Insert(f.t.Context(), newHook(id, db.HookPost, now)))
	f.execute(`
		INSERT INTO outbox (userpool_id, id, channel, template, hook_id, message_sealed, state, due_at, created_at, expires_at)
		SELECT $1, $2 || '-' || n, 'hook', 'event', $2, '\x00', 'waiting', $3::timestamptz - interval '1 hour' + n * interval '1 millisecond', $3,
			$3::timestamptz + interval '1 day' FROM generate_series(1, $4::integer) n`, poolID, id, now, n)
}

func idsOf(list []db.OutboxMessage) string {
	var ids []string
	for _, m := range list {
		ids = append(ids, m.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// TestClaimForHooks: the oldest of each hook first, no more than wanted, and nothing that somebody else has; also what is for
// a hook that is no more, but nothing that is for people.
func TestClaimForHooks(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.hookWith("a", 3)
	f.must(f.Outbox().Insert(t.Context(), hookMessage("orphan", "no hook")))
	f.must(f.Outbox().Insert(t.Context(), newOutboxMessage("letter")))
	for i, test := range []struct {
		limit int
		at    time.Duration
		want  string
	}{
		{0, 0, ""},
		{10, -time.Hour, ""},
		{1, -time.Minute, "a-1"},
		{10, 0, "a-1 a-2 a-3 orphan"},
		{10, time.Minute - time.Microsecond, ""},
		{10, time.Minute, "a-1 a-2 a-3 orphan"},
	} {
		claimed := f.claimForHooks(test.limit, now.Add(test.at))
		if got := idsOf(claimed); got != test.want {
			t.Errorf("claim %d: %q, want %q", i, got, test.want)
		}
		for _, m := range claimed {
			if m.HookID == nil || m.UserpoolID != poolID || m.Channel != "hook" || len(m.MessageSealed) == 0 || m.Attempts < 1 {
				t.Errorf("claimed %+v", m)
			}
		}
	}
}

// TestManyClaimForHooks: of many workers that claim at once each gets other messages, of every hook, and a hook that is
// failing gets one message of all of them together.
func TestManyClaimForHooks(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	const hooks, each, workers = 5, 40, 8
	for i := range hooks {
		f.hookWith(fmt.Sprint("hook", i), each)
	}
	f.hookWith("failing", each)
	f.must(f.Hooks().Failed(t.Context(), poolID, "failing", "an earlier one", time.Second, time.Minute, now.Add(-time.Hour)))
	got := make([][]db.OutboxMessage, workers)
	for _, err := range together(workers, func(i int) error {
		for range hooks * each { // until nothing is left: others may hold the rest for a moment
			claimed, err := f.Outbox().ClaimForHooks(soon(t), 7, now, now.Add(time.Minute))
			if err != nil {
				return err
			}
			got[i] = append(got[i], claimed...)
		}
		return nil
	}) {
		f.must(err)
	}
	ids, of := map[string]bool{}, map[string]int{}
	for _, m := range slices.Concat(got...) {
		ids[m.ID] = true
		of[*m.HookID]++
	}
	if len(ids) != hooks*each+1 || fmt.Sprint(of) != "map[failing:1 hook0:40 hook1:40 hook2:40 hook3:40 hook4:40]" {
		t.Errorf("claimed %d messages: %v", len(ids), of)
	}
}

// TestFailingHookIsProbed: a hook that has failed is tried with one message at a time. The next try begins when the outcome of
// this one is known, or its worker lost, but not because a message of before is found to have failed as well; and never with
// a message that makes no sense any more.
func TestFailingHookIsProbed(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.hookWith("failing", 9)
	want := func(at time.Duration, want string) {
		t.Helper()
		if got := idsOf(f.claimForHooks(10, now.Add(at))); got != want {
			t.Errorf("after %v: claimed %q, want %q", at, got, want)
		}
	}
	failed := func(message string, at time.Duration) {
		t.Helper()
		f.must(f.Hooks().Failed(t.Context(), poolID, "failing", message, time.Second, time.Minute, now.Add(at)))
	}
	healthy := f.claimForHooks(2, now)
	if idsOf(healthy) != "failing-1 failing-2" {
		t.Fatalf("claimed %s", idsOf(healthy))
	}
	failed("failing-1", 0)
	f.execute(`UPDATE outbox SET expires_at = $1 WHERE id = 'failing-3'`, now.Add(time.Second))
	want(time.Second, "failing-4")
	failed("failing-2", 2*time.Second)
	want(5*time.Second, "") // failing-4 is under way
	failed("failing-4", 6*time.Second)
	want(12*time.Second-time.Microsecond, "")
	want(12*time.Second, "failing-5")
	want(72*time.Second-time.Microsecond, "") // its worker was killed
	want(72*time.Second, "failing-6")
	failed("failing-5", 73*time.Second) // the killed one was but slow
	want(131*time.Second, "")
	f.must(f.Hooks().Succeeded(t.Context(), poolID, "failing"))
	want(131*time.Second, "failing-1 failing-2 failing-3 failing-4 failing-5 failing-7 failing-8 failing-9")
}

// TestClaimCostsWhatItTakes: however much waits for hooks that are paused or disabled, who claims does not walk through it,
// neither for what others are told nor to find that nothing is due. What is under way is counted, to give places in turn.
func TestClaimCostsWhatItTakes(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	const waiting, claims = 5000, 10
	f.hookWith("paused", waiting)
	f.hookWith("disabled", waiting)
	f.hookWith("healthy", claims)
	f.must(f.Hooks().Failed(t.Context(), poolID, "paused", "message", time.Hour, time.Hour, now))
	off, err := f.Hooks().Hook(t.Context(), "disabled")
	f.must(err)
	off.DisabledAt = &now
	f.must(f.Hooks().Set(t.Context(), off))
	f.execute(`ANALYZE`)
	f.execute(`SELECT pg_stat_reset()`)
	worker, err := db.Open(t.Context(), f.url, db.Options{MaxConns: 1})
	f.must(err)
	for range 2 * claims { // the second half finds nothing
		_, err := worker.Outbox().ClaimForHooks(t.Context(), 1, now, now.Add(time.Minute))
		f.must(err)
	}
	f.must(worker.Close()) // which lets its statistics be seen, soon
	const taken = `SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'outbox'`
	for began := time.Now(); f.number(taken) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("nothing was claimed")
		}
	}
	if n := f.number(taken); n != claims {
		t.Errorf("%d messages were claimed, want %d", n, claims)
	}
	const looked = `
		SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'outbox')
		FROM pg_stat_user_tables WHERE relname = 'outbox'`
	if n := f.number(looked); n > 2*claims*(20+claims) {
		t.Errorf("%d claims looked at %d rows", 2*claims, n)
	}
}

// TestPlacesInTurn: a hook that is slow and succeeds does not get every place that becomes free: the one with the fewest messages
// under way comes first.
func TestPlacesInTurn(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.hookWith("slow", 20)
	f.hookWith("quick", 4)
	under := map[string]int{}
	for range 8 {
		for _, m := range f.claimForHooks(1, now) {
			under[*m.HookID]++
		}
	}
	if under["slow"] != 4 || under["quick"] != 4 {
		t.Errorf("of eight places the hooks have %v, want four each", under)
	}
}
