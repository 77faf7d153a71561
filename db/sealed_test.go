package db_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/menshen-auth/menshen/db"
)

// TestEverySealedColumnIsListed (T10): a column that holds sealed values and is not in the list would stay under the old key for
// ever. Sealed columns are named *_sealed; the keys themselves are sealed with the master key. Each is walked along its
// primary key.
func TestEverySealedColumnIsListed(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	const columns = `
		SELECT c.table_name || '.' || c.column_name, (
			SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
			FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
			WHERE i.indisprimary AND i.indrelid = c.table_name::regclass)
		FROM information_schema.columns c WHERE c.table_schema = 'public' AND (c.column_name LIKE '%sealed%')
			AND (c.table_name, c.column_name) <> ('keyring', 'key_sealed')`
	rows, err := f.raw.QueryContext(t.Context(), columns)
	f.must(err)
	defer rows.Close()
	want := map[string][]string{}
	for rows.Next() {
		var name string
		var key []string
		f.must(rows.Scan(&name, pq.Array(&key)))
		want[name] = key
	}
	f.must(rows.Err())
	if len(want) < 4 {
		t.Errorf("only %d sealed columns were found", len(want))
	}
	for _, c := range db.SealedColumns() {
		if !slices.Equal(c.Key(), want[c.String()]) {
			t.Errorf("%s is listed with the primary key %v, the database says %v", c, c.Key(), want[c.String()])
		}
		delete(want, c.String())
	}
	for name := range want {
		t.Errorf("%s is not in the list of sealed columns", name)
	}
}

// TestSealedWalk (T10): the walk along a primary key meets every row once, in its order, whatever the batch; it leaves out rows
// that are locked, that begin with the prefix, and that are NULL.
func TestSealedWalk(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	outbox := column(t, "outbox.message_sealed")
	for i := range 10 {
		f.execute(`INSERT INTO outbox (userpool_id, id, channel, template, message_sealed, state, due_at, created_at, expires_at)
			VALUES ($1, $2, 'email', 'code', $3, 'waiting', now(), now(), now())`, fmt.Sprintf("pool%d", i%3), fmt.Sprintf("m%d", i), []byte("old value"))
	}
	f.execute(`UPDATE outbox SET message_sealed = 'new value' WHERE id = 'm4'`)
	f.execute(`UPDATE outbox SET message_sealed = NULL, state = 'delivered', settled_at = now() WHERE id = 'm5'`)
	tx, err := f.raw.BeginTx(t.Context(), nil)
	f.must(err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Exec(`SELECT 1 FROM outbox WHERE id = 'm6' FOR UPDATE`)
	f.must(err)

	for batch := 1; batch <= 11; batch++ {
		var seen, after []string
		for {
			var values []db.SealedValue
			f.must(f.InTx(soon(t), func(q db.Queries) (err error) {
				values, err = q.Keyring().LockOther(t.Context(), outbox, []byte("new"), after, batch)
				return err
			}))
			if len(values) == 0 {
				break
			}
			for _, v := range values {
				seen = append(seen, v.Key[1])
				if got := strings.Join(outbox.AAD(v), " "); got != "outbox "+strings.Join(v.Key, " ") {
					t.Errorf("tied to %q", got)
				}
			}
			after = values[len(values)-1].Key
		}
		if got := strings.Join(seen, " "); got != "m0 m3 m9 m1 m7 m2 m8" {
			t.Errorf("in batches of %d: %s", batch, got)
		}
	}
	if n, err := f.Keyring().CountOther(t.Context(), outbox, []byte("new")); err != nil || n != 8 {
		t.Errorf("%d others, %v", n, err)
	}
	if others, err := f.Keyring().Other(t.Context(), outbox, []byte("new"), 100); err != nil || len(others) != 8 {
		t.Errorf("%d others, %v", len(others), err)
	}
	counts, err := f.Keyring().CountByPrefix(t.Context(), outbox, 3)
	if err != nil || fmt.Sprint(counts) != "map[new:1 old:8]" {
		t.Errorf("by prefix: %v, %v", counts, err)
	}
}

// TestReplaceIsGuarded (T10): a value that is not the one that was read any more is left alone.
func TestReplaceIsGuarded(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	keys := column(t, "access_keys.secret_sealed")
	for _, id := range []string{"a", "b"} {
		f.must(f.Tenancy().InsertAccessKey(t.Context(), db.AccessKey{UserpoolID: poolID, ID: id, SecretSealed: []byte("old " + id), Scopes: []string{"x"}, CreatedAt: now}))
	}
	values, err := f.Keyring().Other(t.Context(), keys, []byte("new"), 10)
	f.must(err)
	f.execute(`UPDATE access_keys SET secret_sealed = 'other' WHERE id = 'a'`)
	n, err := f.Keyring().Replace(t.Context(), keys, values, [][]byte{[]byte("new a"), []byte("new b")})
	if err != nil || n != 1 || f.number(`SELECT count(*) FROM access_keys WHERE (id, secret_sealed) IN (('a', 'other'), ('b', 'new b'))`) != 2 {
		t.Errorf("%d replaced, %v", n, err)
	}
	if got := keys.Row(values[0]); got != "access_keys userpool_id=pool id=a" {
		t.Errorf("the row is called %q", got)
	}
}

func column(t *testing.T, name string) db.SealedColumn {
	t.Helper()
	for _, c := range db.SealedColumns() {
		if c.String() == name {
			return c
		}
	}
	t.Fatalf("no column %s", name)
	return db.SealedColumn{}
}
