package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
)

// vault is a database with sealed values in every column, and a way around package db to look into it.
type vault struct {
	*db.DB
	t     *testing.T
	ring  *Ring // of a replica that seals with the first key, and knows what it is told
	raw   *sql.DB
	plain map[string]string // by row
}

// newVault has n values in each column; one more in the outbox is NULL.
func newVault(t *testing.T, n int) *vault {
	t.Helper()
	url := dbtest.URL(t)
	store, err := db.Open(t.Context(), url, db.Options{MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = store.Close(), raw.Close() })
	v := &vault{DB: store, t: t, ring: open(t, store), raw: raw, plain: map[string]string{}}
	v.exec(`INSERT INTO userpools (id, name, created_at) VALUES ('pool', 'Pool', now()), ('second', 'Second', now())`)
	v.exec(`INSERT INTO outbox (userpool_id, id, channel, template, state, due_at, created_at, expires_at, settled_at)
		VALUES ('pool', 'settled', 'email', 'code', 'delivered', now(), now(), now(), now())`)
	for i := range n {
		v.insert(fmt.Sprintf("%04d", i))
	}
	return v
}

// insert adds a value to each column.
func (v *vault) insert(id string) {
	v.t.Helper()
	v.exec(`INSERT INTO users (userpool_id, id, status, source, created_at, updated_at) VALUES ('pool', $1, 'Activated', 'x', now(), now())`, "u"+id)
	v.exec(`INSERT INTO access_keys (userpool_id, id, secret_sealed, scopes, created_at) VALUES ('pool', $1, $2, '{}', now())`,
		"k"+id, v.seal("access_keys", "pool", "k"+id))
	v.exec(`INSERT INTO mfa_factors (userpool_id, id, user_id, secret_sealed, algorithm, digits, period, last_step, created_at, name)
		VALUES ('pool', $1, $2, $3, 'SHA1', 6, 30, 0, now(), 'Phone')`, "f"+id, "u"+id, v.seal("mfa_factors", "pool", "u"+id, "f"+id))
	v.exec(`INSERT INTO mfa_pending (userpool_id, user_id, id, session_id, secret_sealed, algorithm, digits, period, name, stepped_up, expires_at)
		VALUES ('pool', $1, 'p', 's', $2, 'SHA1', 6, 30, 'Phone', false, now() + '10 min')`,
		"u"+id, v.seal("mfa_pending", "pool", "u"+id))
	v.exec(`INSERT INTO outbox (userpool_id, id, channel, template, message_sealed, state, due_at, created_at, expires_at)
		VALUES ('pool', $1, 'email', 'code', $2, 'waiting', now(), now(), now())`, "m"+id, v.seal("outbox", "pool", "m"+id))
}

func (v *vault) seal(place ...string) []byte {
	plain := "secret of " + strings.Join(place, " ")
	v.plain[strings.Join(place, " ")] = plain
	return v.ring.Seal([]byte(plain), place...)
}

func (v *vault) exec(query string, args ...any) {
	v.t.Helper()
	if _, err := v.raw.ExecContext(v.t.Context(), query, args...); err != nil {
		v.t.Fatalf("%s: %v", query, err)
	}
}

func (v *vault) number(query string, args ...any) (n int) {
	v.t.Helper()
	if err := v.raw.QueryRowContext(v.t.Context(), query, args...).Scan(&n); err != nil {
		v.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// sealKeys are those of the database, oldest first.
func (v *vault) sealKeys() []db.Key {
	v.t.Helper()
	keys, err := v.Keyring().All(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	return slices.DeleteFunc(keys, func(k db.Key) bool { return k.Purpose != purposeSeal })
}

// wantAllUnder checks that every value is under the key, opens, and says what it did before.
func (v *vault) wantAllUnder(keyID string) {
	v.t.Helper()
	seen := 0
	for _, c := range db.SealedColumns() {
		values, err := v.Keyring().Other(v.t.Context(), c, []byte("none"), 1_000_000)
		if err != nil {
			v.t.Fatal(err)
		}
		for _, value := range values {
			seen++
			if keyOf(value.Sealed) != keyID {
				v.t.Errorf("%s is sealed with %s, want %s", c.Row(value), keyOf(value.Sealed), keyID)
			}
			aad := c.AAD(value)
			if plain, err := v.ring.Unseal(value.Sealed, aad...); err != nil || string(plain) != v.plain[strings.Join(aad, " ")] {
				v.t.Errorf("%s: %q, %v", c.Row(value), plain, err)
			}
		}
	}
	if seen != len(v.plain) {
		v.t.Errorf("%d sealed values, want %d", seen, len(v.plain))
	}
}

// wantAudited checks the audit log of both userpools.
func (v *vault) wantAudited(action, keyID string, times int) {
	v.t.Helper()
	n := v.number(`SELECT count(*) FROM audit_log WHERE action = $1 AND target = 'sealkey:' || $2 AND actor = 'operator' AND outcome = 'success'`, action, keyID)
	if n != 2*times {
		v.t.Errorf("%s of %s: %d events for two userpools, want %d", action, keyID, n, 2*times)
	}
}

// TestRotateSealsEverythingAnew (T10): after a rotation every value of every column is under the new key, in batches that do
// not divide the tables evenly, opens where it is and says what it said; both ends are in the audit log; a further rotation
// makes a further key.
func TestRotateSealsEverythingAnew(t *testing.T) {
	t.Parallel()
	v := newVault(t, 23)
	for round := range 2 {
		var last Progress
		rotated, err := v.ring.Rotate(t.Context(), Rotation{Batch: 7, Progress: func(p Progress) { last = p }})
		if err != nil || rotated.Values != 4*23 || rotated.Resumed || len(rotated.Broken) != 0 {
			t.Fatalf("Rotate = %+v, %v", rotated, err)
		}
		if last.Done != 4*23 || last.Total != 4*23 || last.Key != rotated.Key {
			t.Errorf("the last that was told: %+v", last)
		}
		v.wantAllUnder(rotated.Key)
		keys := v.sealKeys()
		if newest := keys[len(keys)-1]; len(keys) != round+2 || newest.ID != rotated.Key || newest.RotatedAt == nil {
			t.Errorf("%d keys, the newest %+v", len(keys), newest)
		}
		v.wantAudited("keys.rotate.begin", rotated.Key, 1)
		v.wantAudited("keys.rotate.end", rotated.Key, 1)
	}
	if clocks := v.sealKeys(); !clocks[2].CreatedAt.After(clocks[1].CreatedAt) { // made at one moment of a clock that stands
		t.Error("the newest key is not the newest by its time")
	}
}

// TestRotationCutOffAnywhereIsFinished (T10): interrupted after whichever batch, everything opens, and the next run goes on with
// the key of the first, so that a rotation that is never let through does not leave a heap of keys.
func TestRotationCutOffAnywhereIsFinished(t *testing.T) {
	t.Parallel()
	v := newVault(t, 5)
	for cut := range 14 { // 4 columns of 5 values, 2 at a time, and the wait
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		interrupted, err := v.ring.Rotate(ctx, Rotation{Batch: 2, Settle: time.Millisecond, Progress: func(Progress) {
			if steps == cut {
				cancel()
			}
			steps++
		}})
		if !errors.Is(err, context.Canceled) || interrupted.Key == "" {
			t.Fatalf("cut off after step %d: %+v, %v", cut, interrupted, err)
		}
		keys := v.sealKeys()
		if newest := keys[len(keys)-1]; newest.ID != interrupted.Key || newest.RotatedAt != nil {
			t.Errorf("step %d: interrupted at key %s, the newest is %+v", cut, interrupted.Key, newest)
		}
		rotated, err := open(t, v.DB).Rotate(t.Context(), quick) // another process
		if err != nil || !rotated.Resumed || rotated.Key != interrupted.Key || rotated.Values+interrupted.Values != 20 {
			t.Fatalf("step %d: interrupted %+v, then %+v, %v", cut, interrupted, rotated, err)
		}
		v.wantAllUnder(rotated.Key)
		v.wantAudited("keys.rotate.begin", rotated.Key, 1)
		v.wantAudited("keys.rotate.end", rotated.Key, 1)
		cancel()
	}
	if n := len(v.sealKeys()); n != 15 {
		t.Errorf("%d keys after 14 rotations", n)
	}
}

// TestTwoRotationsAtOnce (T10): a second rotation says that one is at work, and makes no key; when the first is over, its lock is
// too.
func TestTwoRotationsAtOnce(t *testing.T) {
	t.Parallel()
	v := newVault(t, 3)
	second := open(t, v.DB)
	tried := sync.OnceFunc(func() {
		if _, err := second.Rotate(t.Context(), quick); !errors.Is(err, ErrRotating) {
			t.Errorf("a second one: %v", err)
		}
	})
	first, err := v.ring.Rotate(t.Context(), Rotation{Progress: func(Progress) { tried() }})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(v.sealKeys()); n != 2 {
		t.Errorf("%d keys after one rotation", n)
	}
	v.wantAllUnder(first.Key)
	if _, err := second.Rotate(t.Context(), quick); err != nil {
		t.Errorf("after the first one: %v", err)
	}
}

// cutOff ends the connection of the rotation that has the lock, and waits until the lock is gone.
func (v *vault) cutOff() {
	v.t.Helper()
	const ofLock = ` FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	v.exec(`SELECT pg_terminate_backend(pid)` + ofLock)
	for v.number(`SELECT count(*)`+ofLock) > 0 {
		time.Sleep(time.Millisecond)
	}
}

// cutOffRotation begins a rotation that loses its lock with its connection, then calls meanwhile, and goes on. One that would
// never end is ended.
func cutOffRotation(v *vault, meanwhile func()) (Rotated, error) {
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	once := sync.OnceFunc(func() {
		v.cutOff()
		meanwhile()
	})
	return open(v.t, v.DB).Rotate(ctx, Rotation{Settle: time.Millisecond, Progress: func(p Progress) {
		if p.Waiting != "" {
			once()
		}
	}})
}

// TestRotationThatLostItsLockGoesOn (T10): when nobody else has it the lock is taken again, so that there still is one rotation at
// a time.
func TestRotationThatLostItsLockGoesOn(t *testing.T) {
	t.Parallel()
	v := newVault(t, 3)
	tx, err := v.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	rotated, err := open(t, v.DB).Rotate(ctx, Rotation{Settle: time.Millisecond, Progress: func(p Progress) {
		switch {
		case strings.HasPrefix(p.Waiting, "replicas"):
			v.cutOff()
			v.insert("late")
			if _, err := tx.Exec(`SELECT 1 FROM access_keys WHERE id = 'klate' FOR UPDATE`); err != nil {
				t.Error(err)
			}
		case p.Waiting != "":
			if _, err := v.ring.Rotate(ctx, quick); !errors.Is(err, ErrRotating) {
				t.Errorf("a second one: %v", err)
			}
			_ = tx.Rollback()
		}
	}})
	if err != nil || rotated.Values != 16 {
		t.Fatalf("Rotate = %+v, %v", rotated, err)
	}
	v.wantAllUnder(rotated.Key)
	v.wantAudited("keys.rotate.end", rotated.Key, 1)
}

// TestRotationThatLostItsLockGivesWay (T10): when another one has taken the lock, the first one ends.
func TestRotationThatLostItsLockGivesWay(t *testing.T) {
	t.Parallel()
	v := newVault(t, 3)
	var other *db.Lock
	rotated, err := cutOffRotation(v, func() {
		var err error
		if other, err = v.TryLock(t.Context(), rotationLock); err != nil {
			t.Fatal(err)
		}
	})
	defer other.Release()
	if !errors.Is(err, ErrRotating) {
		t.Fatalf("Rotate = %+v, %v", rotated, err)
	}
	if keys := v.sealKeys(); keys[len(keys)-1].RotatedAt != nil {
		t.Error("the rotation counts as finished")
	}
}

// TestOvertakenRotationEnds (T10): a rotation that lost its lock, and wakes when another one has made a newer key, ends and leaves
// that key's values as they are, rather than seal them with it again and again.
func TestOvertakenRotationEnds(t *testing.T) {
	t.Parallel()
	v := newVault(t, 3)
	var newer string
	rotated, err := cutOffRotation(v, func() {
		if finished, err := v.ring.Rotate(t.Context(), quick); err != nil || !finished.Resumed {
			t.Errorf("the next one: %+v, %v", finished, err)
		}
		newer = rotate(t, v.DB)
	})
	if !errors.Is(err, ErrOvertaken) || rotated.Values != 12 {
		t.Fatalf("Rotate = %+v, %v", rotated, err)
	}
	v.wantAllUnder(newer)
	if n := len(v.sealKeys()); n != 3 {
		t.Errorf("%d keys", n)
	}
}

// TestRotationFindsStragglers (T10): what a replica that has not heard of the new key yet seals meanwhile is found by the last
// pass.
func TestRotationFindsStragglers(t *testing.T) {
	t.Parallel()
	v := newVault(t, 3)
	late := sync.OnceFunc(func() { v.insert("late") })
	rotated, err := open(t, v.DB).Rotate(t.Context(), Rotation{Settle: 50 * time.Millisecond, Progress: func(p Progress) {
		if p.Waiting != "" {
			late()
		}
	}})
	if err != nil || rotated.Values != 16 {
		t.Fatalf("Rotate = %+v, %v", rotated, err)
	}
	v.wantAllUnder(rotated.Key)
}

// TestRotationWaitsForNobody (T10): rows that a transaction has locked are left for later, and keep nobody from the others; the
// rotation ends when they are free.
func TestRotationWaitsForNobody(t *testing.T) {
	t.Parallel()
	v := newVault(t, 3)
	tx, err := v.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`SELECT 1 FROM mfa_factors WHERE id = 'f0001' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	waited := false
	rotated, err := v.ring.Rotate(t.Context(), Rotation{Batch: 2, Progress: func(p Progress) {
		if p.Waiting == "values of mfa_factors.secret_sealed that are in use" {
			waited = true
			if p.Done < 8 { // two columns, but for the one value
				t.Errorf("it waits with %d values done", p.Done)
			}
			_ = tx.Rollback()
		}
	}})
	if err != nil || !waited {
		t.Fatalf("waited: %v; %v", waited, err)
	}
	v.wantAllUnder(rotated.Key)
}

// TestRotationTellsOfBrokenValues (T10): values that do not open stay, are told of by table and primary key, and keep the rotation
// from being called finished, until they are gone or the operator says so. Everything else is under the new key.
func TestRotationTellsOfBrokenValues(t *testing.T) {
	t.Parallel()
	v := newVault(t, 9)
	v.exec(`UPDATE mfa_factors SET secret_sealed = set_byte(secret_sealed, 30, get_byte(secret_sealed, 30) # 1) WHERE id = 'f0004'`)
	v.exec(`UPDATE access_keys SET secret_sealed = (SELECT secret_sealed FROM access_keys WHERE id = 'k0001') WHERE id = 'k0002'`)
	v.exec(`UPDATE outbox SET message_sealed = '\x01' WHERE id = 'm0008'`)
	want := []string{"access_keys userpool_id=pool id=k0002", "mfa_factors userpool_id=pool id=f0004", "outbox userpool_id=pool id=m0008"}
	first, err := v.ring.Rotate(t.Context(), Rotation{Batch: 2})
	if !errors.Is(err, ErrBroken) || !slices.Equal(first.Broken, want) || first.Values != 4*9-3 {
		t.Fatalf("Rotate = %+v, %v", first, err)
	}
	v.exec(`DELETE FROM outbox WHERE id = 'm0008'`)
	delete(v.plain, "outbox pool m0008")
	again, err := v.ring.Rotate(t.Context(), quick)
	if !errors.Is(err, ErrBroken) || !again.Resumed || again.Key != first.Key || !slices.Equal(again.Broken, want[:2]) || again.Values != 0 {
		t.Fatalf("again: %+v, %v", again, err)
	}
	left, err := v.ring.Rotate(t.Context(), Rotation{LeaveBroken: true})
	if err != nil || left.Key != first.Key || len(left.Broken) != 2 {
		t.Fatalf("leaving them: %+v, %v", left, err)
	}
	v.exec(`DELETE FROM mfa_factors WHERE id = 'f0004'`)
	v.exec(`DELETE FROM access_keys WHERE id = 'k0002'`)
	delete(v.plain, "mfa_factors pool u0004 f0004")
	delete(v.plain, "access_keys pool k0002")
	v.wantAllUnder(first.Key)
	next, err := v.ring.Rotate(t.Context(), quick)
	if err != nil || next.Resumed || next.Key == first.Key {
		t.Errorf("the next rotation: %+v, %v", next, err)
	}
}

// TestRotationRetries (T10): a batch that the database could not do now (here a serialization failure, 40001) is done again.
func TestRotationRetries(t *testing.T) {
	t.Parallel()
	v := newVault(t, 5)
	v.exec(`CREATE SEQUENCE failures`)
	v.exec(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF nextval('failures') <= 3 THEN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$`)
	v.exec(`CREATE TRIGGER fail BEFORE UPDATE ON mfa_factors FOR EACH STATEMENT EXECUTE FUNCTION fail()`)
	rotated, err := v.ring.Rotate(t.Context(), Rotation{Batch: 3})
	if err != nil || rotated.Values != 20 {
		t.Fatalf("Rotate = %+v, %v", rotated, err)
	}
	v.wantAllUnder(rotated.Key)
	v.exec(`ALTER SEQUENCE failures MINVALUE -1000 RESTART WITH -1000`)
	if _, err := v.ring.Rotate(t.Context(), quick); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("a database that always fails: %v", err)
	}
}

// TestDescribe: the list has every key, with what it seals, and what no key has sealed.
func TestDescribe(t *testing.T) {
	t.Parallel()
	v := newVault(t, 3)
	first := v.sealKeys()[0].ID
	second := rotate(t, v.DB)
	v.insert("late")
	v.exec(`UPDATE outbox SET message_sealed = '\x0102' WHERE id = 'm0000'`)
	list, err := Describe(t.Context(), v.DB)
	if err != nil || len(list) != 5 {
		t.Fatalf("%d keys, %v", len(list), err)
	}
	got := map[string]int64{}
	for _, d := range list {
		if d.Values != nil {
			got[d.Purpose+" "+d.ID] = *d.Values
			if d.Purpose == purposeSeal && d.RotatedAt == nil {
				t.Errorf("the rotation to %s is finished", d.ID)
			}
		}
	}
	if want := map[string]int64{"seal " + first: 4, "seal " + second: 11, "unknown ": 1}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
