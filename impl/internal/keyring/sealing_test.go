package keyring

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
)

// quick is a rotation that waits for nobody.
var quick = Rotation{}

// rotate replaces the sealing key of a database, as another process does.
func rotate(t testing.TB, store *db.DB) (keyID string) {
	t.Helper()
	rotated, err := open(t, store).Rotate(t.Context(), quick)
	if err != nil {
		t.Fatal(err)
	}
	return rotated.Key
}

// keyOf is the id of the key that a value names.
func keyOf(sealed []byte) string { return hex.EncodeToString(sealed[1:headerSize]) }

// counted counts how often a ring reads the keys, of which each reading takes a moment.
func counted(r *Ring) *atomic.Int64 {
	n, read := &atomic.Int64{}, r.sealing.read
	r.sealing.read = func(ctx context.Context, q db.Queries) ([]db.Key, error) {
		n.Add(1)
		time.Sleep(5 * time.Millisecond)
		return read(ctx, q)
	}
	return n
}

// TestReplicaOpensWhatAnotherSealedWithANewKey (T10): a replica that was started before a rotation opens what is sealed with
// the new key at once, without having been told; many requests that meet the new key together read the keys once.
func TestReplicaOpensWhatAnotherSealedWithANewKey(t *testing.T) {
	t.Parallel()
	store := dbtest.New(t)
	old := open(t, store)
	reads := counted(old)
	for round := range 3 {
		id := rotate(t, store)
		sealed := open(t, store).Seal([]byte("seed"), aad...)
		if keyOf(sealed) != id {
			t.Fatalf("sealed with %s, the new key is %s", keyOf(sealed), id)
		}
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				if plain, err := old.Unseal(sealed, aad...); err != nil || string(plain) != "seed" {
					t.Errorf("Unseal = %q, %v", plain, err)
				}
			})
		}
		all.Wait()
		if n := reads.Load(); n != int64(round+1) {
			t.Errorf("the keys were read %d times for %d new keys", n, round+1)
		}
	}
}

// TestTransactionsThatHoldThePoolStillOpen (T10): requests whose transactions hold every connection of the pool open a value
// of a new key all the same: none of them waits for a connection that only it could give back.
func TestTransactionsThatHoldThePoolStillOpen(t *testing.T) {
	t.Parallel()
	const conns = 3
	url := dbtest.URL(t)
	store, err := db.Open(t.Context(), url, db.Options{MaxConns: conns})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ring := open(t, store)
	other, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	rotate(t, other)
	sealed := open(t, other).Seal([]byte("seed"), aad...)
	var inside, all sync.WaitGroup
	inside.Add(conns)
	for range conns {
		all.Go(func() {
			err := store.InTx(t.Context(), func(db.Queries) error {
				inside.Done()
				inside.Wait()
				_, err := ring.Unseal(sealed, aad...)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestJunkDoesNotHammerTheDatabase (T10): a value that names a key which does not exist costs one reading of the keys, however
// often it is met; and a new key is still found right after that.
func TestJunkDoesNotHammerTheDatabase(t *testing.T) {
	t.Parallel()
	store := dbtest.New(t)
	ring := open(t, store)
	reads := counted(ring)
	junk := append([]byte{version}, bytes.Repeat([]byte{9}, 60)...)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 20 {
				if _, err := ring.Unseal(junk, aad...); !errors.Is(err, ErrSealed) {
					t.Errorf("junk: %v", err)
				}
			}
		})
	}
	all.Wait()
	if n := reads.Load(); n != 1 {
		t.Errorf("1000 times the same junk: the keys were read %d times", n)
	}
	rotate(t, store)
	if _, err := ring.Unseal(open(t, store).Seal(nil, aad...), aad...); err != nil {
		t.Errorf("a new key right after junk: %v", err)
	}
	for n := range maxUnknown + 10 {
		ring.sealing.unknown[fmt.Sprint(n)] = time.Now()
	}
	_, _ = ring.Unseal(append([]byte{version}, bytes.Repeat([]byte{8}, 60)...), aad...)
	if n := len(ring.sealing.unknown); n > maxUnknown {
		t.Errorf("%d unknown ids are remembered", n)
	}
}

// TestUnreachableDatabaseIsNoDamage (T10): a key that cannot be looked for is not a damaged value, but one that may open
// later; all who wait share one failure, and then it opens.
func TestUnreachableDatabaseIsNoDamage(t *testing.T) {
	t.Parallel()
	store := dbtest.New(t)
	ring := open(t, store)
	rotate(t, store)
	sealed := open(t, store).Seal([]byte("seed"), aad...)
	away := make(chan struct{})
	ring.sealing.read = func(context.Context, db.Queries) ([]db.Key, error) {
		<-away
		return nil, db.ErrUnavailable
	}
	reads := counted(ring)
	var all, started sync.WaitGroup
	started.Add(20)
	for range 20 {
		all.Go(func() {
			started.Done()
			if _, err := ring.Unseal(sealed, aad...); !errors.Is(err, db.ErrUnavailable) || errors.Is(err, ErrSealed) {
				t.Errorf("without a database: %v", err)
			}
		})
	}
	started.Wait()
	time.Sleep(500 * time.Millisecond) // for all to wait
	close(away)
	all.Wait()
	if n := reads.Load(); n > 2 {
		t.Errorf("20 that waited together tried %d times", n)
	}
	ring.sealing.read = readKeys
	if _, err := ring.Unseal(sealed, aad...); err != nil {
		t.Errorf("when the database is back: %v", err)
	}
}

// patience ends a test that would wait for ever. How soon a replica has a new key is no matter of tests, on a busy machine.
const patience = 2 * time.Minute

// TestReplicasSealWithTheNewKeySoon (T10): Run lets a replica seal with the new key, which nobody tells it of, and ends with its
// context.
func TestReplicasSealWithTheNewKeySoon(t *testing.T) {
	t.Parallel()
	store := dbtest.New(t)
	ring := open(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		ring.Run(ctx, slog.New(slog.NewTextHandler(io.Discard, nil)))
		close(ended)
	}()
	id, began := rotate(t, store), time.Now()
	for keyOf(ring.Seal(nil)) != id {
		if time.Since(began) > patience {
			t.Fatal("still sealed with the old key")
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-ended
}

// TestBusyReplicasSealWithTheNewKeySoon (T10): so does a replica whose requests hold every connection of its pool all the time.
func TestBusyReplicasSealWithTheNewKeySoon(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	busy, err := db.Open(t.Context(), url, db.Options{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	other, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ring := open(t, busy)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	err = busy.InTx(t.Context(), func(db.Queries) error {
		running.Go(func() { ring.Run(ctx, slog.New(slog.NewTextHandler(io.Discard, nil))) })
		id, began := rotate(t, other), time.Now()
		for keyOf(ring.Seal(nil)) != id {
			if time.Since(began) > patience {
				return errors.New("still sealed with the old key")
			}
			time.Sleep(10 * time.Millisecond)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	cancel()
	running.Wait()
}

// TestLateReadingsChangeNothing (T10): a reading of the keys that was begun before another, and ends after it, does not bring
// the old key back; nor does the loss of a key in the database lose what it has sealed.
func TestLateReadingsChangeNothing(t *testing.T) {
	t.Parallel()
	store := dbtest.New(t)
	ring := open(t, store)
	before, err := store.Keyring().All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	late := ring.sealing.begun.Add(1)
	id := rotate(t, store)
	if err := ring.refresh(t.Context(), store.Queries); err != nil {
		t.Fatal(err)
	}
	sealed := ring.Seal(nil, aad...)
	if err := ring.adopt(late, before); err != nil || keyOf(ring.Seal(nil)) != id {
		t.Errorf("a late reading: sealed with %s, %v; want %s", keyOf(ring.Seal(nil)), err, id)
	}
	if err := ring.adopt(ring.sealing.begun.Add(1), before); err != nil || keyOf(ring.Seal(nil)) == id {
		t.Errorf("sealed with a key that the database has lost: %v", err)
	}
	if _, err := ring.Unseal(sealed, aad...); err != nil {
		t.Errorf("what the lost key has sealed: %v", err)
	}
	if err := ring.adopt(ring.sealing.begun.Add(1), nil); !errors.Is(err, ErrNoKeys) || len(ring.Seal(nil)) == 0 {
		t.Errorf("an empty keyring: %v", err)
	}
}

// TestLoadMakesNoKeys: a command beside the service does not make the keys of a database that has none.
func TestLoadMakesNoKeys(t *testing.T) {
	t.Parallel()
	store := dbtest.New(t)
	if _, err := Load(t.Context(), store, &testClock, master); !errors.Is(err, ErrNoKeys) {
		t.Errorf("Load = %v", err)
	}
	if keys, err := store.Keyring().All(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	open(t, store)
	if _, err := Load(t.Context(), store, &testClock, master); err != nil {
		t.Error(err)
	}
	if _, err := Load(t.Context(), store, &testClock, bytes.Repeat([]byte{8}, MasterKeySize)); !errors.Is(err, ErrMasterKey) {
		t.Errorf("another master key: %v", err)
	}
}
