package db_test

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest/fill"
)

// smallTables are those that an operator or the calendar fills, not people. On a few rows the planner is right not to use an
// index. Every other table is large on a database that has grown.
var smallTables = map[string]string{
	"userpools": "an operator's", "applications": "an operator's", "access_keys": "an operator's", "hooks": "an operator's",
	"connections": "an operator's", "connection_secrets": "of a connection", "wechat_tokens": "one a connection",
	"keyring": "one a rotation", "sms_budgets": "one a day and country", "alerts": "one a day and kind", "goose_db_version": "one a migration",
}

// scans are the functions whose statements may read a whole table, and why.
var scans = map[string]string{
	"HookQueries.Deliveries":       "for an operator who asks what became of all events",
	"KeyringQueries.lockOther":     "a rotation of keys goes through everything that is sealed, batch by batch",
	"KeyringQueries.Other":         "the same, to show what is left",
	"KeyringQueries.CountOther":    "the same, to tell how much there is to do",
	"KeyringQueries.CountByPrefix": "the same, for `menshen keys list`",
}

// node is a step of a plan, as EXPLAIN (FORMAT JSON) tells it.
type node struct {
	Type   string `json:"Node Type"`
	Table  string `json:"Relation Name"`
	Index  string `json:"Index Name"`
	Cond   string `json:"Index Cond"`
	Filter string `json:"Filter"`
	Plans  []node `json:"Plans"`
}

// TestPlansUseIndexes: no statement reads a whole table that grows with the number of users or codes, in the plan that PostgreSQL
// makes for all parameters at once (the worst that a prepared statement can get). A scan that is meant says why.
//
// The tables have some ten thousand rows; with MENSHEN_TEST_PLANS_URL it looks at a database that tests/bench/seed has filled.
func TestPlansUseIndexes(t *testing.T) {
	t.Parallel()
	tx := large(t)
	checkSizes(t, tx)
	for _, whole := range []string{ // what is never found says nothing when it is not
		`SELECT id FROM users WHERE last_ip = $1`, `UPDATE sessions SET revoked_at = $1 WHERE userpool_id = $2 AND ip = $3`,
		`SELECT count(*) FROM qrlogins WHERE userpool_id = $1`, `SELECT id FROM captchas WHERE use = $1 ORDER BY expires_at LIMIT 10`,
	} {
		if len(wholeReads(explain(t, tx, whole), "", false)) == 0 {
			t.Errorf("%s reads the whole table, and nobody notices", whole)
		}
	}
	all, met := statements(t), map[string]bool{}
	for _, s := range all {
		found := wholeReads(explain(t, tx, s.text), "", false)
		for _, by := range s.by {
			if scans[by] == "" && len(found) > 0 {
				t.Errorf("%s reads a whole table (%s):\n%s", by, strings.Join(found, ", "), strings.TrimSpace(s.text))
			}
			met[by] = met[by] || len(found) > 0
		}
	}
	for by := range scans {
		if !met[by] {
			t.Errorf("%s reads no whole table; take it off the list", by)
		}
	}
	if len(all) < 200 {
		t.Errorf("only %d statements were looked at", len(all))
	}
	t.Attr("statements", fmt.Sprint(len(all)))
	t.Attr("scans", fmt.Sprint(len(scans)))
}

// TestPlansOfAnIdleOutbox: as long as nothing waits for its delivery, the indexes on what waits look like the best way to anything
// in the outbox. A message is found by its key all the same, so that deliveries stay fast when many pile up from one moment to the
// next, as when a mail server is down.
func TestPlansOfAnIdleOutbox(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.execute(`
		INSERT INTO outbox (userpool_id, id, channel, template, state, due_at, created_at, expires_at, settled_at)
		SELECT $1, n::text, 'email', 'code', 'delivered', $2::timestamptz, $2, $2, $2 FROM generate_series(1, 5000) n`, poolID, now)
	f.execute(`ANALYZE outbox`)
	tx := begin(t, f.raw)
	looked := 0
	for _, s := range statements(t) {
		if slices.Contains([]string{"OutboxQueries.HandOver", "OutboxQueries.Retry", "OutboxQueries.Settle"}, s.by[0]) {
			looked++
			if found := wholeReads(explain(t, tx, s.text), "", false); len(found) > 0 {
				t.Errorf("%s: %s", s.by[0], strings.Join(found, ", "))
			}
		}
	}
	if looked != 3 {
		t.Errorf("%d statements were looked at, want 3", looked)
	}
}

// TestForeignKeysHaveIndexes: what PostgreSQL itself runs when a row goes that others refer to finds them by an index.
func TestForeignKeysHaveIndexes(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	rows, err := f.raw.QueryContext(t.Context(), `
		SELECT c.conrelid::regclass || ' ' || pg_get_constraintdef(c.oid),
			EXISTS (SELECT FROM pg_index i
				WHERE i.indrelid = c.conrelid AND i.indpred IS NULL AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
		FROM pg_constraint c WHERE c.contype = 'f' ORDER BY 1`)
	f.must(err)
	defer rows.Close()
	found := 0
	for rows.Next() {
		var key string
		var indexed bool
		f.must(rows.Scan(&key, &indexed))
		found++
		if !indexed {
			t.Errorf("no index for %s", key)
		}
	}
	f.must(rows.Err())
	if found < 10 {
		t.Errorf("only %d foreign keys", found)
	}
}

// large is a transaction on a database with enough rows for the planner to care. In it, a part of the outbox waits.
func large(t *testing.T) *sql.Tx {
	t.Helper()
	var tx *sql.Tx
	if url := os.Getenv("MENSHEN_TEST_PLANS_URL"); url != "" {
		tx = begin(t, connect(t, url))
	} else {
		f := empty(t, db.Options{})
		f.must(f.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: poolID, Name: "Pool", IsDefault: true, CreatedAt: now}))
		f.must(fill.Into(t.Context(), f.url, fill.Options{
			Amounts: fill.Amounts{Users: 20_000, LiveCodes: 20_000, ExpiredCodes: 200_000}, UserpoolID: poolID, AppID: appID, Now: now,
		}))
		tx = begin(t, f.raw)
	}
	for _, command := range []string{
		`UPDATE outbox SET state = 'waiting', message_sealed = '\x00', settled_at = NULL,
			hook_id = CASE WHEN hashtext(id) % 2 = 0 THEN (hashtext(id) % 10)::text END
		WHERE hashtext(id) % 3 = 0`,
		`ANALYZE outbox`,
	} {
		if _, err := tx.ExecContext(t.Context(), command); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	return tx
}

// begin starts a transaction that is never committed, with plans for all parameters.
func begin(t *testing.T, pool *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	if _, err := tx.ExecContext(t.Context(), `SET LOCAL plan_cache_mode = force_generic_plan`); err != nil {
		t.Fatal(err)
	}
	return tx
}

// checkSizes makes sure that every table is large or said to be small: otherwise its plans say nothing.
func checkSizes(t *testing.T, tx *sql.Tx) {
	t.Helper()
	rows, err := tx.QueryContext(t.Context(), `
		SELECT relname, reltuples::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		var n int
		if err := rows.Scan(&table, &n); err != nil {
			t.Fatal(err)
		}
		if smallTables[table] == "" && n < 500 {
			t.Errorf("%s has %d rows; fill it, or say why it stays small", table, n)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// explain returns the plan of a statement for any parameters.
func explain(t *testing.T, tx *sql.Tx, statement string) node {
	t.Helper()
	if _, err := tx.ExecContext(t.Context(), `PREPARE it AS `+statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	var parameters int
	const count = `SELECT coalesce(cardinality(parameter_types), 0) FROM pg_prepared_statements WHERE name = 'it'`
	if err := tx.QueryRowContext(t.Context(), count).Scan(&parameters); err != nil {
		t.Fatal(err)
	}
	execute := `EXECUTE it`
	if parameters > 0 {
		execute += `(NULL` + strings.Repeat(", NULL", parameters-1) + `)`
	}
	var text []byte
	if err := tx.QueryRowContext(t.Context(), `EXPLAIN (FORMAT JSON) `+execute).Scan(&text); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if _, err := tx.ExecContext(t.Context(), `DEALLOCATE it`); err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	return plans[0].Plan
}

// wholeReads returns the steps that read a whole large table; table is that of a bitmap around the step, and limited tells that only
// its first rows are wanted. To use an index without a condition on more than the userpool is to read the whole table, unless it
// is for the first few rows in the order of the index.
func wholeReads(n node, table string, limited bool) (found []string) {
	table = cmp.Or(n.Table, table)
	switch {
	case smallTables[table] != "":
	case n.Type == "Seq Scan":
		found = append(found, "Seq Scan of "+table)
	case strings.HasPrefix(n.Type, "Index") || n.Type == "Bitmap Index Scan":
		if !narrows(n.Cond) && (!limited || n.Filter != "") {
			found = append(found, fmt.Sprintf("%s of %s by %s, with no condition but %q", n.Type, table, n.Index, n.Cond))
		}
	}
	if !strings.HasPrefix(n.Type, "Bitmap") {
		table = ""
	}
	for _, below := range n.Plans {
		found = append(found, wholeReads(below, table, n.Type == "Limit" || limited && n.Type == "LockRows")...)
	}
	return found
}

var compared = regexp.MustCompile(`\(+(?:\w+\.)?(\w+)(?:\)::\w+)? (?:=|<|>|<=|>=) `)

// narrows tells whether a condition on an index is about more than the userpool, of which there is often one.
func narrows(cond string) bool {
	columns := compared.FindAllStringSubmatch(cond, -1)
	return strings.Contains(cond, "ROW(") || slices.ContainsFunc(columns, func(c []string) bool { return c[1] != "userpool_id" })
}
