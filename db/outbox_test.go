package db_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// claim takes messages for a minute.
func (f fixture) claim(channel string, limit int, at time.Time) []db.OutboxMessage {
	f.t.Helper()
	claimed, err := f.Outbox().Claim(f.t.Context(), channel, limit, at, at.Add(time.Minute))
	f.must(err)
	return claimed
}

// claimed is the one message that is due.
func (f fixture) claimed(at time.Time) db.OutboxMessage {
	f.t.Helper()
	list := f.claim("email", 10, at)
	if len(list) != 1 {
		f.t.Fatalf("claimed %+v, want 1", list)
	}
	return list[0]
}

// TestClaim: what is due on a channel, those that wait longest first and no more than wanted; nobody else gets it until the
// lease has ended.
func TestClaim(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for i := range 5 {
		m := newOutboxMessage(fmt.Sprint(i))
		m.CreatedAt = now.Add(-time.Duration(i) * time.Second) // due at once
		if i == 4 {
			m.Channel = "phone"
		}
		f.must(f.Outbox().Insert(t.Context(), m))
	}
	ids := func(list []db.OutboxMessage) (ids string) {
		seen := map[string]bool{}
		for _, m := range list {
			if string(m.MessageSealed) != "sealed "+m.ID || m.UserpoolID != poolID || m.Template != "code" || !m.ExpiresAt.Equal(now.Add(5*time.Minute)) || m.HandedOverAt != nil {
				t.Errorf("claimed %+v", m)
			}
			seen[m.ID] = true
		}
		for i := range 5 {
			if seen[fmt.Sprint(i)] {
				ids += fmt.Sprint(i)
			}
		}
		return ids
	}
	for i, test := range []struct {
		channel string
		limit   int
		at      time.Duration
		want    string
	}{
		{"email", 0, 0, ""},
		{"email", 10, -3*time.Second - time.Microsecond, ""},
		{"email", 10, -3 * time.Second, "3"},
		{"email", 2, 0, "12"},
		{"phone", 10, 0, "4"},
		{"email", 10, 0, "0"},
		{"email", 10, 0, ""},
		{"email", 10, 57*time.Second - time.Microsecond, ""},
		{"email", 10, 57 * time.Second, "3"}, // its lease is over
		{"email", 10, time.Minute, "012"},
		{"pigeon", 10, time.Hour, ""},
	} {
		if got := ids(f.claim(test.channel, test.limit, now.Add(test.at))); got != test.want {
			t.Errorf("claim %d: %q, want %q", i, got, test.want)
		}
	}
	for id, want := range map[string]int{"0": 2, "3": 2, "4": 1} {
		if n := f.number("SELECT attempts FROM outbox WHERE id = $1", id); n != want {
			t.Errorf("message %s was claimed %d times, want %d", id, n, want)
		}
	}
}

// TestClaimTogether: of many workers that claim at once each gets other messages, and none waits for another.
func TestClaimTogether(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	const messages, workers = 200, 8
	f.execute(`
		INSERT INTO outbox (userpool_id, id, channel, template, message_sealed, state, due_at, created_at, expires_at)
		SELECT $1, n, 'email', 'code', '\x00', 'waiting', $2::timestamptz, $2, $2 FROM generate_series(1, $3) n`, poolID, now, messages)
	got := make([]map[string]bool, workers)
	for _, err := range together(workers, func(i int) error {
		got[i] = map[string]bool{}
		for range messages { // until nothing is left: others may hold the rest for a moment
			claimed, err := f.Outbox().Claim(soon(t), "email", 7, now, now.Add(time.Minute))
			if err != nil {
				return err
			}
			for _, m := range claimed {
				got[i][m.ID] = true
			}
		}
		return nil
	}) {
		f.must(err)
	}
	all, sum := map[string]bool{}, 0
	for _, of := range got {
		sum += len(of)
		for id := range of {
			all[id] = true
		}
	}
	if len(all) != messages || sum != messages {
		t.Errorf("%d messages were claimed by %d workers, %d times", len(all), workers, sum)
	}
	f.must(f.Outbox().Insert(t.Context(), newOutboxMessage("held")))
	f.must(f.InTx(soon(t), func(q db.Queries) error {
		if held, err := q.Outbox().Claim(t.Context(), "email", 1, now, now.Add(time.Minute)); err != nil || len(held) != 1 {
			t.Errorf("claimed %+v, %v", held, err)
		}
		if list, err := f.Outbox().Claim(soon(t), "email", 1, now, now.Add(time.Minute)); err != nil || len(list) != 0 {
			t.Errorf("while another claims it: %+v, %v; want nothing without a wait", list, err)
		}
		return nil
	}))
}

// TestClaimOverdue: what makes no sense any more and nobody has, of whichever channel, oldest first; what somebody is just
// trying is left to them.
func TestClaimOverdue(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for i, channel := range []string{"email", "phone", "pigeon", "email", "email"} {
		m := newOutboxMessage(fmt.Sprint(i))
		m.Channel, m.ExpiresAt = channel, now.Add(time.Duration(i)*time.Minute)
		f.must(f.Outbox().Insert(t.Context(), m))
	}
	f.must(f.Outbox().Settle(t.Context(), newOutboxMessage("3"), db.OutboxDelivered, now))
	overdue := func(limit int, after time.Duration) (ids string) {
		t.Helper()
		at := now.Add(after)
		list, err := f.Outbox().ClaimOverdue(t.Context(), limit, at, at.Add(time.Minute))
		f.must(err)
		for _, m := range list {
			if len(m.MessageSealed) == 0 || m.Attempts < 1 || m.UserpoolID != poolID {
				t.Errorf("claimed %+v", m)
			}
			ids += m.ID
		}
		return ids
	}
	for i, test := range []struct {
		limit int
		after time.Duration
		want  string
	}{
		{10, -time.Microsecond, ""},
		{10, 0, "0"},
		{10, time.Minute - time.Microsecond, ""}, // somebody has it for a minute
		{1, 2 * time.Minute, "0"},
		{1, 2 * time.Minute, "1"},
		{10, 2 * time.Minute, "2"},
		{10, 2 * time.Minute, ""},
		{0, time.Hour, ""},
	} {
		if got := overdue(test.limit, test.after); got != test.want {
			t.Errorf("claim %d: %q, want %q", i, got, test.want)
		}
	}
	claimed := f.claim("email", 10, now.Add(4*time.Minute-time.Second))
	if len(claimed) == 0 || overdue(10, 4*time.Minute) != "12" {
		t.Errorf("what somebody is trying was claimed by another: %+v", claimed)
	}
}

// TestOnlyTheHolderWrites: each statement about a message that was claimed works for who has it, and is ErrNotFound, and
// changes nothing, for who had it before, after it is settled, and in another userpool.
func TestOnlyTheHolderWrites(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(q db.OutboxQueries, m db.OutboxMessage) error{
		"HandOver": func(q db.OutboxQueries, m db.OutboxMessage) error {
			return q.HandOver(t.Context(), m, now, now.Add(time.Hour))
		},
		"Retry": func(q db.OutboxQueries, m db.OutboxMessage) error { return q.Retry(t.Context(), m, now.Add(time.Hour)) },
		"Settle": func(q db.OutboxQueries, m db.OutboxMessage) error {
			return q.Settle(t.Context(), m, db.OutboxRefused, now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := furnished(t)
			f.must(f.Outbox().Insert(t.Context(), newOutboxMessage("message")))
			first := f.claimed(now)
			second := f.claimed(now.Add(time.Minute))
			elsewhere, unknown := second, second
			elsewhere.UserpoolID, unknown.ID = "other", "none"
			const state = `SELECT count(*) FROM outbox WHERE state = 'waiting' AND attempts = 2 AND due_at = $1 AND handed_over_at IS NULL`
			for who, m := range map[string]db.OutboxMessage{"who had it": first, "another userpool": elsewhere, "another message": unknown} {
				if err := write(f.Outbox(), m); !errors.Is(err, db.ErrNotFound) {
					t.Errorf("%s: %v, want ErrNotFound", who, err)
				}
			}
			if f.number(state, now.Add(2*time.Minute)) != 1 {
				t.Error("the row was changed by who does not have it")
			}
			f.must(write(f.Outbox(), second))
			if f.number(state, now.Add(2*time.Minute)) != 0 {
				t.Error("the row was not changed by who has it")
			}
			if name != "Settle" {
				f.must(f.Outbox().Settle(t.Context(), second, db.OutboxDelivered, now))
			}
			if err := write(f.Outbox(), second); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("after it is settled: %v, want ErrNotFound", err)
			}
		})
	}
}

// TestHandOverAndRetry: the time of the hand-over is kept while the letter may have been taken, and forgotten when it
// certainly was not; both say when the message is due again.
func TestHandOverAndRetry(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Outbox().Insert(t.Context(), newOutboxMessage("message")))
	m := f.claimed(now)
	at := now.Add(30 * time.Second)
	f.must(f.Outbox().HandOver(t.Context(), m, at, at.Add(time.Minute)))
	if list := f.claim("email", 1, now.Add(time.Minute)); len(list) != 0 {
		t.Errorf("claimed %+v while its lease goes on", list)
	}
	m = f.claimed(at.Add(time.Minute))
	if m.HandedOverAt == nil || !m.HandedOverAt.Equal(at) || m.Attempts != 2 {
		t.Errorf("claimed %+v, want to know that it was handed over", m)
	}
	f.must(f.Outbox().Retry(t.Context(), m, at.Add(time.Hour)))
	if list := f.claim("email", 1, at.Add(time.Hour-time.Microsecond)); len(list) != 0 {
		t.Errorf("claimed %+v before it is due", list)
	}
	if m = f.claimed(at.Add(time.Hour)); m.HandedOverAt != nil || m.Attempts != 3 {
		t.Errorf("claimed %+v, want one that was not handed over", m)
	}
}

// TestSettledMessageSaysNothing (C5): whatever became of it, a message that is settled holds nothing any more and is never
// claimed again; one that waits is never without. The database itself sees to it.
func TestSettledMessageSaysNothing(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for _, state := range []db.OutboxState{db.OutboxDelivered, db.OutboxSuppressed, db.OutboxRefused, db.OutboxUncertain, db.OutboxExpired} {
		f.must(f.Outbox().Insert(t.Context(), newOutboxMessage(string(state))))
		f.must(f.Outbox().Settle(t.Context(), f.claimed(now), state, now.Add(time.Second)))
	}
	if n := f.number("SELECT count(*) FROM outbox WHERE message_sealed IS NULL AND settled_at = $1 AND state = id", now.Add(time.Second)); n != 5 {
		t.Errorf("%d messages are settled and empty, want 5", n)
	}
	if list := f.claim("email", 10, now.Add(24*time.Hour)); len(list) != 0 {
		t.Errorf("claimed %+v", list)
	}
	f.must(f.Outbox().Insert(t.Context(), newOutboxMessage("waiting")))
	for _, statement := range []string{
		"UPDATE outbox SET message_sealed = NULL WHERE id = 'waiting'", "UPDATE outbox SET state = 'delivered' WHERE id = 'waiting'",
		"UPDATE outbox SET state = 'waiting', settled_at = NULL WHERE id = 'delivered'", "UPDATE outbox SET message_sealed = '\\x00' WHERE id = 'refused'",
		"UPDATE outbox SET state = 'lost' WHERE id = 'refused'",
	} {
		if _, err := f.raw.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s: succeeds", statement)
		}
	}
}
