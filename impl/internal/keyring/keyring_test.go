package keyring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
)

var aad = []string{"mfa_factors", "pool", "user", "factor"}

// TestSealedOpensAtItsPlaceOnly (T10): what is sealed opens with the same row identity, and with no other: not with a
// part of it, nor with parts that only read the same when put together.
func TestSealedOpensAtItsPlaceOnly(t *testing.T) {
	t.Parallel()
	ring := anyRing(t)
	plain := []byte("twenty bytes of seed")
	sealed := ring.Seal(plain, aad...)
	if got, err := ring.Unseal(sealed, aad...); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("Unseal = %q, %v", got, err)
	}
	if bytes.Contains(sealed, plain) {
		t.Error("the plain text shows")
	}
	for _, other := range [][]string{
		nil,
		{""},
		aad[:3], append(slices.Clone(aad), ""),
		{"mfa_pending", "pool", "user", "factor"},
		{"mfa_factors", "pool", "user", "other"},
		{"mfa_factors", "poolu", "ser", "factor"},
		{"mfa_factorspooluserfactor"},
	} {
		if got, err := ring.Unseal(sealed, other...); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("opened at %q: %q, %v", other, got, err)
		}
	}
}

// TestSealIsRandomised (T10): the same secret sealed twice cannot be recognised, so no nonce is used twice.
func TestSealIsRandomised(t *testing.T) {
	t.Parallel()
	ring, seen := anyRing(t), map[string]bool{}
	const headerAndNonce = headerSize + 12
	for range 1000 {
		sealed := ring.Seal([]byte("secret"), aad...)
		seen[string(sealed[:headerAndNonce])] = true
		if len(sealed) != headerAndNonce+len("secret")+16 {
			t.Fatalf("%d bytes, want nonce and tag of AES-GCM around 6", len(sealed))
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d different nonces in 1000 sealed values", len(seen))
	}
}

// TestEveryBitIsProtected (T10): one flipped bit anywhere (version, key id, nonce, text, tag), a missing end or a longer
// one, and a sealed value does not open.
func TestEveryBitIsProtected(t *testing.T) {
	t.Parallel()
	ring := anyRing(t)
	sealed := ring.Seal([]byte("seed"), aad...)
	for bit := range len(sealed) * 8 {
		flipped := slices.Clone(sealed)
		flipped[bit/8] ^= 1 << (bit % 8)
		if got, err := ring.Unseal(flipped, aad...); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("bit %d of byte %d: %q, %v", bit%8, bit/8, got, err)
		}
	}
	for n := range len(sealed) {
		if _, err := ring.Unseal(sealed[:n], aad...); !errors.Is(err, ErrSealed) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	if _, err := ring.Unseal(append(slices.Clone(sealed), 0), aad...); !errors.Is(err, ErrSealed) {
		t.Errorf("with another byte: %v", err)
	}
}

// FuzzUnseal: bytes that nobody sealed never open, and never crash.
func FuzzUnseal(f *testing.F) {
	ring := anyRing(f)
	sealed := ring.Seal([]byte("seed"), aad...)
	for _, n := range []int{0, 1, headerSize - 1, headerSize, headerSize + 1, headerSize + 12, headerSize + 28} {
		f.Add(sealed[:n], "mfa_factors")
	}
	f.Add(append(slices.Clone(sealed[:headerSize]), make([]byte, 40)...), "")
	f.Fuzz(func(t *testing.T, forged []byte, place string) {
		if got, err := ring.Unseal(forged, place); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("%x opens at %q: %x, %v", forged, place, got, err)
		}
	})
}

// TestReplicasAgreeOnOneSetOfKeys (design 6, T10): of replicas that start together on an empty database one makes the
// keys, and the others use them.
func TestReplicasAgreeOnOneSetOfKeys(t *testing.T) {
	t.Parallel()
	store := dbtest.New(t)
	const replicas = 8
	var (
		rings [replicas]*Ring
		errs  [replicas]error
		all   sync.WaitGroup
	)
	for i := range replicas {
		all.Go(func() { rings[i], errs[i] = Open(t.Context(), store, &testClock, master) })
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	later := open(t, store)
	sealed, mac := later.Seal([]byte("seed"), aad...), later.MAC("p", "x")
	for i, ring := range rings {
		if _, err := ring.Unseal(sealed, aad...); err != nil || !bytes.Equal(ring.MAC("p", "x"), mac) {
			t.Errorf("replica %d has other keys: %v", i, err)
		}
		if got, want := fmt.Sprint(ring.PublicKeys()), fmt.Sprint(later.PublicKeys()); got != want {
			t.Errorf("replica %d signs with %s, want %s", i, got, want)
		}
	}
	keys, err := store.Keyring().All(t.Context())
	if err != nil || len(keys) != 3 {
		t.Errorf("%d keys in the database, %v; want one of each of 3 purposes", len(keys), err)
	}
}

// TestDatabasesHaveTheirOwnKeys (T10): what is sealed in one installation does not open in another that happens to have
// the same master key.
func TestDatabasesHaveTheirOwnKeys(t *testing.T) {
	t.Parallel()
	a, b := open(t, dbtest.New(t)), open(t, dbtest.New(t))
	if _, err := b.Unseal(a.Seal([]byte("seed"), aad...), aad...); !errors.Is(err, ErrSealed) {
		t.Errorf("opened: %v", err)
	}
	if bytes.Equal(a.MAC("p", "x"), b.MAC("p", "x")) {
		t.Error("one pepper for two databases")
	}
}

// TestMasterKey (T10): keys in the database are worthless without the master key, another one is refused with
// ErrMasterKey, and so is a key that was moved or altered in the database.
func TestMasterKey(t *testing.T) {
	t.Parallel()
	wrong := bytes.Repeat([]byte{8}, MasterKeySize)
	tests := map[string]struct {
		master []byte
		alter  func(keys []db.Key) // of the keys in the database
		want   error
	}{
		"right":           {master: master},
		"wrong":           {master: wrong, want: ErrMasterKey},
		"altered key":     {master: master, want: ErrMasterKey, alter: func(keys []db.Key) { keys[0].KeySealed[30] ^= 1 }},
		"truncated key":   {master: master, want: ErrMasterKey, alter: func(keys []db.Key) { keys[1].KeySealed = []byte{} }},
		"purpose changed": {master: master, want: ErrMasterKey, alter: func(keys []db.Key) { keys[0].Purpose = keys[1].Purpose }},
		"keys exchanged": {master: master, want: ErrMasterKey, alter: func(keys []db.Key) {
			keys[0].KeySealed, keys[1].KeySealed = keys[1].KeySealed, keys[0].KeySealed
		}},
	}
	source := dbtest.New(t)
	open(t, source)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := source.Keyring().All(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if test.alter != nil {
				test.alter(keys)
			}
			if ring, err := Open(t.Context(), copied(t, keys), &testClock, test.master); !errors.Is(err, test.want) || (ring == nil) != (err != nil) {
				t.Errorf("Open = %v, want %v", err, test.want)
			}
		})
	}
	for _, size := range []int{0, 16, MasterKeySize - 1, MasterKeySize + 1} {
		if _, err := Open(t.Context(), source, &testClock, make([]byte, size)); err == nil {
			t.Errorf("a master key of %d bytes is accepted", size)
		}
	}
}

// copied is a database with the given keys.
func copied(t *testing.T, keys []db.Key) *db.DB {
	t.Helper()
	store := dbtest.New(t)
	for _, key := range keys {
		if err := store.Keyring().Insert(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// TestWrongMasterKeyDoesNoHarm (T10): a start with the wrong master key, while a key is still to be made (after an
// upgrade, say), must not leave one behind that the right master key cannot open: nothing would ever start again.
func TestWrongMasterKeyDoesNoHarm(t *testing.T) {
	t.Parallel()
	source := dbtest.New(t)
	open(t, source)
	keys, err := source.Keyring().All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store := copied(t, slices.DeleteFunc(keys, func(k db.Key) bool { return k.Purpose == purposeSign }))
	if _, err := Open(t.Context(), store, &testClock, bytes.Repeat([]byte{8}, MasterKeySize)); !errors.Is(err, ErrMasterKey) {
		t.Fatalf("Open with the wrong master key: %v", err)
	}
	if _, err := Open(t.Context(), store, &testClock, master); err != nil {
		t.Errorf("Open with the right one after that: %v", err)
	}
}

// TestOldSealKeysStillOpen (T10): a sealed value names its key, so a newer key can be added while old values are around.
func TestOldSealKeysStillOpen(t *testing.T) {
	t.Parallel()
	store := dbtest.New(t)
	old := open(t, store)
	sealed := old.Seal([]byte("seed"), aad...)
	wrap, err := newAEAD(master)
	if err != nil {
		t.Fatal(err)
	}
	const id = "0102030405060708090a0b0c"
	err = store.Keyring().Insert(t.Context(), db.Key{
		ID: id, Purpose: purposeSeal, CreatedAt: testTime.Add(time.Second),
		KeySealed: seal(wrap, id, bytes.Repeat([]byte{1}, 32), wrapAAD(purposeSeal, id)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ring := open(t, store)
	if got, err := ring.Unseal(sealed, aad...); err != nil || string(got) != "seed" {
		t.Errorf("a value of the old key: %q, %v", got, err)
	}
	if got := hex.EncodeToString(ring.Seal(nil)[1:headerSize]); got != id {
		t.Errorf("sealed with key %s, want the newest, %s", got, id)
	}
}

// TestMACSeparates (C5): a hash says nothing about the hash of other parts, of another column, or of parts that only
// read the same when put together.
func TestMACSeparates(t *testing.T) {
	t.Parallel()
	ring, seen := anyRing(t), map[string][]string{}
	for _, parts := range [][]string{
		{"p"},
		{"p", ""},
		{"p", "", ""},
		{"p", "a", "bc"},
		{"p", "ab", "c"},
		{"p", "abc"},
		{"pa", "bc"},
		{"q", "a", "bc"},
		{"p", "a\x00bc"},
		{"p", "a\x00\x00\x00\x00bc"},
		{"p", "a|bc"},
		{"p", "A", "bc"},
		{"p", "\x00\x00\x00\x01a\x00\x00\x00\x02bc"},
		{""},
	} {
		mac := ring.MAC(parts[0], parts[1:]...)
		if len(mac) != 32 {
			t.Fatalf("%d bytes, want those of HMAC-SHA-256", len(mac))
		}
		if other, taken := seen[string(mac)]; taken {
			t.Errorf("%q and %q hash the same", parts, other)
		}
		seen[string(mac)] = parts
		if !bytes.Equal(mac, ring.MAC(parts[0], parts[1:]...)) {
			t.Errorf("%q hashes differently each time", parts)
		}
	}
}
