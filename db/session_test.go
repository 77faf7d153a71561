package db_test

import (
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestLiveSession: a session counts until its end, until it is revoked, and while its user may sign in; each works at
// once. (Security, accounts: log-out and disabling revoke at once.)
func TestLiveSession(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before string // SQL
		pool   string
		after  time.Duration
		live   bool
	}{
		{"live", "", poolID, 0, true},
		{"at the last moment", "", poolID, time.Hour - time.Microsecond, true},
		{"expired", "", poolID, time.Hour, false},
		{"revoked", "UPDATE sessions SET revoked_at = created_at", poolID, 0, false},
		{"user suspended", "UPDATE users SET status = 'Suspended'", poolID, 0, false},
		{"user removed", "DELETE FROM users", poolID, 0, false},
		{"of another userpool", "", "other", 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := furnished(t)
			if test.before != "" {
				f.execute(test.before)
			}
			s, err := f.Sessions().Live(t.Context(), test.pool, sessionID, now.Add(test.after))
			if test.live && (err != nil || s.UserID != userID || s.AppID != appID) || !test.live && !errors.Is(err, db.ErrNotFound) {
				t.Errorf("Live = %+v, %v; want live: %v", s, err, test.live)
			}
		})
	}
}

// TestRevokeKeepsTheFirstTime: a second sign-out neither fails nor moves the time of the first, and is told that there was nothing
// to end; so is one after the session's end.
func TestRevokeKeepsTheFirstTime(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Sessions().Insert(t.Context(), newSession("long gone")))
	for _, try := range []struct {
		pool, id string
		after    time.Duration
		ends     bool
	}{
		{"other", sessionID, 0, false},
		{poolID, sessionID, 0, true},
		{poolID, sessionID, time.Minute, false},
		{poolID, "long gone", time.Hour, false},
		{"other", "none", 0, false},
	} {
		if ended := f.revoke(try.pool, try.id, now.Add(try.after)); ended != try.ends {
			t.Errorf("%s of %s after %s: ended %t", try.id, try.pool, try.after, ended)
		}
	}
	if n := f.number("SELECT count(*) FROM sessions WHERE revoked_at = $1", now); n != 1 {
		t.Errorf("%d sessions revoked at the first time, want 1", n)
	}
}

// TestOnesOwnSessions: a user sees its own sessions that go on, the one that asks first, however many are newer, and ends its own
// only.
func TestOnesOwnSessions(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	open := func(id, user string, at time.Time) {
		s := newSession(id)
		s.UserID, s.CreatedAt, s.ExpiresAt = user, at, at.Add(time.Hour)
		f.must(f.Sessions().Insert(t.Context(), s))
	}
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	open("newest", userID, now.Add(2*time.Minute))
	open("newer", userID, now.Add(time.Minute))
	open("over", userID, now.Add(-time.Hour))
	open("ended", userID, now)
	open("bob's", "bob", now)
	f.revoke(poolID, "ended", now)
	list := func(limit int) (ids string) {
		sessions, err := f.Sessions().LiveOf(t.Context(), poolID, userID, sessionID, now, limit)
		f.must(err)
		for _, s := range sessions {
			if s.AppName != "App" {
				t.Errorf("%s is of the application %q", s.ID, s.AppName)
			}
			ids += s.ID + " "
		}
		return ids
	}
	if got := list(100); got != sessionID+" newest newer " {
		t.Errorf("sees %s", got)
	}
	if got := list(1); got != sessionID+" " {
		t.Errorf("of one, sees %s", got)
	}
	for _, other := range []string{"bob's", "over", "ended", "none"} {
		if err := f.Sessions().RevokeOf(t.Context(), poolID, userID, other, now); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("ends %s: %v", other, err)
		}
	}
	if err := f.Sessions().RevokeOf(t.Context(), "other", userID, "newer", now); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("ends a session in another userpool: %v", err)
	}
	f.must(f.Sessions().RevokeOf(t.Context(), poolID, userID, "newer", now))
	if got := list(100); got != sessionID+" newest " {
		t.Errorf("after that, sees %s", got)
	}
}

// TestRevokeAll (security, accounts): all sessions of a user end, and no other user's, nor one that the user opens later;
// those that had ended before keep their time.
func TestRevokeAll(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	open := func(id, user string) {
		t.Helper()
		s := newSession(id)
		s.UserID = user
		f.must(f.Sessions().Insert(t.Context(), s))
	}
	open("ended", userID)
	open("phone", userID)
	open("bob's", "bob")
	f.revoke(poolID, "ended", now.Add(-time.Minute))
	f.must(f.Sessions().RevokeAll(t.Context(), "other", userID, now))
	f.must(f.Sessions().RevokeAll(t.Context(), poolID, userID, now))
	open("later", userID)
	for id, live := range map[string]bool{sessionID: false, "phone": false, "ended": false, "bob's": true, "later": true} {
		if _, err := f.Sessions().Live(t.Context(), poolID, id, now); (err == nil) != live {
			t.Errorf("%s: %v, want live: %v", id, err, live)
		}
	}
	if n := f.number("SELECT count(*) FROM sessions WHERE revoked_at = $1", now); n != 2 {
		t.Errorf("%d sessions ended now, want 2", n)
	}
}

// TestRefreshToken: an expired one cannot be spent, and a spent one can still be recognised, with the time it was spent.
func TestRefreshToken(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Sessions().InsertRefreshToken(t.Context(), refreshToken("token")))
	for hash, at := range map[string]time.Time{"none": now, "token": now.Add(time.Hour)} {
		if _, err := f.Sessions().SpendRefreshToken(t.Context(), []byte(hash), "", at); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("spend %s at %v: %v, want ErrNotFound", hash, at.Sub(now), err)
		}
	}
	if _, err := f.Sessions().SpendRefreshToken(t.Context(), []byte("token"), "another", now); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("by another application: %v, want ErrNotFound", err)
	}
	spent, err := f.Sessions().SpendRefreshToken(t.Context(), []byte("token"), appID, now.Add(time.Minute))
	if err != nil || spent.SessionID != sessionID || spent.AppID != appID {
		t.Errorf("spend: %+v, %v", spent, err)
	}
	known, err := f.Sessions().RefreshToken(t.Context(), []byte("token"))
	if err != nil || known.UsedAt == nil || !known.UsedAt.Equal(now.Add(time.Minute)) || known.AppID != appID {
		t.Errorf("recognised as %+v, %v", known, err)
	}
}

// TestDisabledAccessKey: a disabled key is unknown from the next request on.
func TestDisabledAccessKey(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Tenancy().InsertAccessKey(t.Context(), db.AccessKey{
		UserpoolID: poolID, ID: "key", SecretSealed: []byte("sealed"), Scopes: []string{"user:read"}, CreatedAt: now,
	}))
	k, err := f.Tenancy().AccessKey(t.Context(), "key")
	if err != nil || len(k.Scopes) != 1 || k.Scopes[0] != "user:read" {
		t.Errorf("AccessKey = %+v, %v", k, err)
	}
	f.execute("UPDATE access_keys SET disabled_at = $1", now)
	if _, err := f.Tenancy().AccessKey(t.Context(), "key"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("disabled: %v, want ErrNotFound", err)
	}
}
