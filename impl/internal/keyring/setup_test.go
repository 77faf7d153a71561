package keyring

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
)

// stopped is a clock that only a test moves.
type stopped time.Time

func (c *stopped) Now() time.Time { return time.Time(*c) }

var (
	testTime  = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	testClock = stopped(testTime)
	master    = bytes.Repeat([]byte{7}, MasterKeySize)
)

func open(t testing.TB, store *db.DB) *Ring {
	t.Helper()
	ring, err := Open(t.Context(), store, &testClock, master)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// anyRing is the same ring for every test that only uses one: to make the keys takes long. It outlives its database, which
// has no other keys.
func anyRing(t testing.TB) *Ring {
	t.Helper()
	once.Do(func() {
		store := dbtest.New(t)
		ring = open(t, store)
		keys, err := store.Keyring().All(t.Context())
		ring.sealing.read = func(context.Context, db.Queries) ([]db.Key, error) { return keys, err }
	})
	return ring
}

var (
	once sync.Once
	ring *Ring
)
