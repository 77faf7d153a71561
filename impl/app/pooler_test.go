package app

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db/dbtest"
)

// behindPooler are the settings of a service that reaches the database at url through a transaction pooler.
func behindPooler(t *testing.T, url, direct string) Config {
	t.Helper()
	return settings(t, t.TempDir(), "MENSHEN_DATABASE_URL="+dbtest.Pooled(t, url), "MENSHEN_DATABASE_DIRECT_URL="+direct, "MENSHEN_MASTER_KEY="+aMasterKey)
}

// TestReplicasStartBehindPooler: two replicas that start at once on an empty database, behind a transaction pooler, migrate it
// once, and both serve: what one has registered signs in at the other.
func TestReplicasStartBehindPooler(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	conn, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `DROP SCHEMA public CASCADE; CREATE SCHEMA public`); err != nil {
		t.Fatal(err)
	}
	first, second := launch(t, behindPooler(t, url, url)), launch(t, behindPooler(t, url, url))
	first.await()
	second.await()
	const alice = `{"username":"alice","password":"purple guards at every door"}`
	if code, answer := first.post("/user/register", alice); code != success {
		t.Fatalf("register: %s", answer)
	}
	if code, answer := second.post("/user/login", alice); code != success {
		t.Errorf("login at the other: %s", answer)
	}
	var versions, rows int
	err = conn.QueryRowContext(t.Context(), `SELECT count(DISTINCT version_id), count(*) FROM goose_db_version`).Scan(&versions, &rows)
	if err != nil || versions < 2 || rows != versions {
		t.Errorf("%d migrations were applied %d times, %v", versions, rows, err)
	}
}

// TestPoolerNobodyToldOf: who forgets the direct address of a database behind a transaction pooler, or takes the pooler's for
// it, is told which setting to change, before anything is done to the database.
func TestPoolerNobodyToldOf(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	for name, c := range map[string]Config{
		"MENSHEN_DATABASE_URL":        behindPooler(t, url, ""),
		"MENSHEN_DATABASE_DIRECT_URL": behindPooler(t, url, dbtest.Pooled(t, url)),
	} {
		log := slog.New(slog.DiscardHandler)
		begun := map[string]func(context.Context) error{
			"serve": func(ctx context.Context) error { return Serve(ctx, c, log, io.Discard) },
			"a command beside": func(ctx context.Context) error {
				_, err := reachDatabase(ctx, c, log)
				return err
			},
		}
		for what, begin := range begun {
			err := begin(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), "; set ") {
				t.Errorf("%s with a pooler as %s: %v", what, name, err)
			}
		}
	}
}
