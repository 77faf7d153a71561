package harness

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver that sql.Open names

	"github.com/menshen-auth/menshen/db/dbtest"
)

// DatabaseEnviron tells a program of the database at url, one of dbtest, perhaps through a pooler.
func DatabaseEnviron(t testing.TB, url string) []string {
	t.Helper()
	through, direct := dbtest.Through(t, url)
	return []string{"MENSHEN_DATABASE_URL=" + through, "MENSHEN_DATABASE_DIRECT_URL=" + direct}
}

// Exec changes the database behind the service's back, for states that no operation leads to. It returns how many rows
// were changed.
func (h *Instance) Exec(query string, args ...any) int64 {
	h.t.Helper()
	var changed int64
	h.database(func(conn *sql.DB) {
		result, err := conn.Exec(query, args...)
		h.must(err)
		changed, err = result.RowsAffected()
		h.must(err)
	})
	return changed
}

// Count returns the one number that a query gives.
func (h *Instance) Count(query string, args ...any) int {
	h.t.Helper()
	var n int
	h.database(func(conn *sql.DB) { h.must(conn.QueryRow(query, args...).Scan(&n)) })
	return n
}

// List returns the texts that a query gives, one a row.
func (h *Instance) List(query string) (list []string) {
	h.t.Helper()
	h.database(func(conn *sql.DB) { list = h.strings(conn, query) })
	return list
}

// Dump returns every row of every table as text, bytes in hexadecimal: what a thief of the database would read.
func (h *Instance) Dump() string {
	h.t.Helper()
	var b strings.Builder
	h.database(func(conn *sql.DB) {
		for _, table := range h.strings(conn, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`) {
			b.WriteString("-- " + table + "\n")
			for _, row := range h.strings(conn, `SELECT t::text FROM "`+table+`" t`) {
				b.WriteString(row + "\n")
			}
		}
	})
	return b.String()
}

// PgDump is what pg_dump writes: what a thief of a backup would read.
func (h *Instance) PgDump(args ...string) string {
	h.t.Helper()
	if _, err := exec.LookPath("pg_dump"); err != nil {
		h.t.Fatal("pg_dump is missing; run `make tools`")
	}
	dump, err := exec.Command("pg_dump", append(args, "--dbname="+h.databaseURL)...).Output()
	h.must(err)
	return string(dump)
}

// Metrics is what Prometheus reads of the instance.
func (h *Instance) Metrics() string {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.app.MetricsHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// Hold keeps everybody from changing a table. release waits until n statements stand before it, and lets them all go at
// one moment.
func (h *Instance) Hold(table string) (release func(n int)) {
	h.t.Helper()
	conn, err := sql.Open("postgres", h.databaseURL)
	h.must(err)
	tx, err := conn.Begin()
	h.must(err)
	_, err = tx.Exec(`LOCK TABLE "` + table + `" IN EXCLUSIVE MODE`)
	h.must(err)
	return func(n int) {
		h.t.Helper()
		const query = `SELECT count(*) FROM pg_locks WHERE relation = $1::text::regclass AND NOT granted`
		waiting, patience := 0, time.Now().Add(time.Minute)
		for waiting < n && time.Now().Before(patience) {
			time.Sleep(4 * time.Millisecond) // pg_locks is not cheap, and those who come have to share the machine with it
			h.check(tx.QueryRow(query, table).Scan(&waiting))
		}
		if waiting < n {
			h.t.Errorf("%d statements wait for %s, want %d", waiting, table, n)
		}
		h.check(tx.Rollback())
		h.check(conn.Close())
	}
}

// Bar cuts connections to the database, those for which a condition on pg_stat_activity holds, and keeps everybody from
// connecting anew; who has another connection keeps it. count tells how many of them there are, and open ends the bar.
func (h *Instance) Bar(condition string) (count func() int, open func()) {
	h.t.Helper()
	beside := h.databaseURL + " dbname=postgres" // one cannot bar oneself
	if address, err := url.Parse(h.databaseURL); err == nil && address.Scheme != "" {
		address.Path = "/postgres"
		beside = address.String()
	}
	var name string
	h.database(func(conn *sql.DB) { h.must(conn.QueryRow(`SELECT current_database()`).Scan(&name)) })
	conn, err := sql.Open("postgres", beside)
	h.must(err)
	h.t.Cleanup(func() { h.check(conn.Close()) })
	allow := func(connections string) {
		_, err := conn.Exec(`ALTER DATABASE "` + name + `" ALLOW_CONNECTIONS ` + connections)
		h.check(err)
	}
	number := func(what string) (n int) {
		h.check(conn.QueryRow(`SELECT `+what+` FROM pg_stat_activity WHERE datname = $1 AND `+condition, name).Scan(&n))
		return n
	}
	open = sync.OnceFunc(func() { allow("true") })
	h.t.Cleanup(open)
	allow("false")
	if number(`count(*) FILTER (WHERE pg_terminate_backend(pid))`) == 0 {
		h.t.Errorf("there is no connection with %s", condition)
	}
	return func() int { return number(`count(*)`) }, open
}

func (h *Instance) strings(conn *sql.DB, query string) []string {
	h.t.Helper()
	rows, err := conn.Query(query)
	h.must(err)
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		h.must(rows.Scan(&text))
		list = append(list, text)
	}
	h.must(rows.Err())
	return list
}

func (h *Instance) database(use func(*sql.DB)) {
	h.t.Helper()
	conn, err := sql.Open("postgres", h.databaseURL)
	h.must(err)
	defer conn.Close()
	use(conn)
}
