package fill_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/db/dbtest/fill"
)

var (
	now     = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	amounts = fill.Amounts{Users: 300, LiveCodes: 200, ExpiredCodes: 1000}
)

// TestFilled: as many rows are made as were asked for, those that live and those that have expired; the schema is what it was, and
// the planner knows of the rows. Nothing is filled twice.
func TestFilled(t *testing.T) {
	t.Parallel()
	url, conn := userpool(t)
	before := indexes(t, conn)
	var told atomic.Int64
	o := fill.Options{Amounts: amounts, UserpoolID: "pool", AppID: "app", Now: now, Filled: func(table fill.Table) { told.Add(int64(table.Rows)) }}
	if err := fill.Into(t.Context(), url, o); err != nil {
		t.Fatal(err)
	}
	const codes = `
		(SELECT id, expires_at FROM captchas UNION ALL SELECT id, expires_at FROM qrlogins UNION ALL SELECT id, expires_at FROM sent_codes) codes`
	for query, want := range map[string]int{
		`SELECT count(*) FROM users`: 300,
		`SELECT count(*) FROM sessions WHERE user_id IN (SELECT id FROM users)`:                                          300,
		`SELECT count(*) FROM mfa_factors`:                                                                               90,
		`SELECT count(*) FROM ` + codes + ` WHERE expires_at > '2026-05-04 12:00Z' AND expires_at < '2026-05-04 13:00Z'`: 200,
		`SELECT count(*) FROM ` + codes + ` WHERE expires_at < '2026-05-04 12:00Z' AND expires_at > '2026-05-03 12:00Z'`: 1000,
		`SELECT reltuples::int FROM pg_class WHERE relname = 'captchas'`:                                                 600,
		`SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND tablename = 'qrlogins' AND attname = 'poll_hash'`: 1,
	} {
		if n := number(t, conn, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	if after := indexes(t, conn); !slices.Equal(before, after) {
		t.Errorf("the indexes were\n%q\nand are\n%q", before, after)
	}
	if n := number(t, conn, `SELECT sum(reltuples) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND reltuples > 0`); told.Load() == 0 || int(told.Load()) > n {
		t.Errorf("told of %d rows, there are %d", told.Load(), n)
	}
	if err := fill.Into(t.Context(), url, o); !errors.Is(err, fill.ErrFilled) {
		t.Errorf("a second time: %v, want ErrFilled", err)
	}
}

// TestTableIsWholeOrAsItWas: where a table cannot be filled, here since there is no such userpool, it has its indexes as before.
func TestTableIsWholeOrAsItWas(t *testing.T) {
	t.Parallel()
	url, conn := userpool(t)
	before := indexes(t, conn)
	if err := fill.Into(t.Context(), url, fill.Options{Amounts: amounts, UserpoolID: "another", AppID: "app", Now: now}); err == nil {
		t.Error("users were made without their userpool")
	}
	if err := fill.Into(t.Context(), url, fill.Options{Amounts: fill.Amounts{LiveCodes: 10}, UserpoolID: "pool", AppID: "app", Now: now}); err == nil {
		t.Error("codes were made without a user")
	}
	if n := number(t, conn, `SELECT count(*) FROM users`); n != 0 {
		t.Errorf("%d users", n)
	}
	if after := indexes(t, conn); !slices.Equal(before, after) {
		t.Errorf("the indexes were\n%q\nand are\n%q", before, after)
	}
}

// userpool is a database with a userpool.
func userpool(t *testing.T) (url string, conn *sql.DB) {
	t.Helper()
	url = dbtest.URL(t)
	store, err := db.Open(t.Context(), url, db.Options{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	err = store.Tenancy().InsertUserpool(context.Background(), db.Userpool{ID: "pool", Name: "Pool", IsDefault: true, CreatedAt: now})
	if err != nil {
		t.Fatal(err)
	}
	if conn, err = sql.Open("postgres", url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return url, conn
}

// indexes are all indexes and constraints, as they would be made.
func indexes(t *testing.T, conn *sql.DB) (lines []string) {
	t.Helper()
	rows, err := conn.QueryContext(t.Context(), `
		SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil || len(lines) < 50 {
		t.Fatalf("%v, %d lines", err, len(lines))
	}
	return lines
}

func number(t *testing.T, conn *sql.DB, query string) (n int) {
	t.Helper()
	if err := conn.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
