package db_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestAuditLogIsAppendOnly (security, accounts): not even the service's own role changes or removes a line, and the
// cleanup leaves them alone.
func TestAuditLogIsAppendOnly(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	event := db.AuditEvent{
		UserpoolID: poolID, At: now, Actor: "key:1", Action: "otp.secret.read", Target: "user:alice", Outcome: "success",
		IP: "192.0.2.1", RequestID: "request",
	}
	f.must(f.Audit().Insert(t.Context(), event))
	for _, statement := range []string{
		"UPDATE audit_log SET outcome = 'refused'", "UPDATE audit_log SET at = at WHERE false", "DELETE FROM audit_log",
		"DELETE FROM audit_log WHERE target = 'user:alice'", "TRUNCATE audit_log",
		"INSERT INTO audit_log (userpool_id, id, at, actor, action, target, outcome, ip, request_id) " +
			"VALUES ('pool', 1, now(), '', '', '', 'success', '', '')", // in the place of another
	} {
		_, err := f.raw.ExecContext(t.Context(), statement)
		if err == nil {
			t.Errorf("%s: succeeds", statement)
		} else if strings.HasPrefix(statement, "INSERT") == strings.Contains(err.Error(), "append only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if _, err := f.DeleteExpired(t.Context(), now.Add(1000*time.Hour), 100); err != nil {
		t.Error(err)
	}
	if events, err := f.Audit().Of(t.Context(), poolID, "user:alice", 10); err != nil || len(events) != 1 || !same(events[0], event) {
		t.Errorf("the log holds %+v, %v", events, err)
	}
}

func same(a, b db.AuditEvent) bool {
	sameTime := a.At.Equal(b.At)
	a.At = b.At
	return sameTime && a == b
}

// TestAuditOf: the newest events of a target first, of its userpool only; events of one moment in the order of writing.
func TestAuditOf(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	for _, e := range []db.AuditEvent{
		{UserpoolID: poolID, At: now, Action: "first", Target: "user:alice", Outcome: "success"},
		{UserpoolID: poolID, At: now, Action: "second", Target: "user:alice", Outcome: "refused"},
		{UserpoolID: poolID, At: now.Add(-time.Hour), Action: "earlier", Target: "user:alice", Outcome: "success"},
		{UserpoolID: poolID, At: now, Action: "another", Target: "user:bob", Outcome: "success"},
		{UserpoolID: "other", At: now, Action: "elsewhere", Target: "user:alice", Outcome: "success"},
	} {
		f.must(f.Audit().Insert(t.Context(), e))
	}
	for limit, want := range map[int]string{0: "", 1: "second", 2: "second first", 9: "second first earlier"} {
		events, err := f.Audit().Of(t.Context(), poolID, "user:alice", limit)
		f.must(err)
		var actions []string
		for _, e := range events {
			actions = append(actions, e.Action)
		}
		if got := strings.Join(actions, " "); got != want {
			t.Errorf("newest %d: %q, want %q", limit, got, want)
		}
	}
	if err := f.Audit().Insert(t.Context(), db.AuditEvent{At: now, Outcome: "maybe"}); err == nil || errors.Is(err, db.ErrNotFound) {
		t.Errorf("an outcome that is neither success nor refused: %v", err)
	}
}
