package mfa

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestStillWaits (T11): a session that asks again is shown the secret it was given, for as long as that waits and has tries
// left; everybody else gets a new one. Who has shown a code of an authenticator meanwhile gets one that may be bound beside it,
// and who was given a token before gets one that needs none.
func TestStillWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	now := r.Service.clock.Now()
	made := db.PendingFactor{ID: "new", SessionID: "web", ExpiresAt: now.Add(r.PendingTTL)}
	for name, test := range map[string]struct {
		change func(*db.PendingFactor)
		want   bool
	}{
		"the same session":             {func(*db.PendingFactor) {}, true},
		"at the last moment":           {func(p *db.PendingFactor) { p.ExpiresAt = now.Add(time.Microsecond) }, true},
		"after its end":                {func(p *db.PendingFactor) { p.ExpiresAt = now }, false},
		"after four wrong codes":       {func(p *db.PendingFactor) { p.Attempts = 4 }, true},
		"after five":                   {func(p *db.PendingFactor) { p.Attempts = 5 }, false},
		"another session":              {func(p *db.PendingFactor) { p.SessionID = "phone" }, false},
		"one that had shown a code":    {func(p *db.PendingFactor) { p.SteppedUp = true }, false},
		"one that needs a token":       {func(p *db.PendingFactor) { p.TokenHash = []byte("hash") }, false},
		"of an older policy, as it is": {func(p *db.PendingFactor) { p.Algorithm = "SHA512" }, true},
	} {
		waiting := db.PendingFactor{ID: "old", SessionID: "web", ExpiresAt: now.Add(time.Minute)}
		test.change(&waiting)
		if got := r.stillWaits(waiting, made); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
