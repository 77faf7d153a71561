package db_test

import (
	"os"
	"slices"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
)

// schema describes every column, index and trigger of a database.
const schema = `
	SELECT line FROM (
		SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) AS line
			FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
	) all_lines ORDER BY line`

// TestMigrateAppliesEveryMigration: an empty database gets the whole schema, each migration once, however often and by
// however many replicas at a time it is migrated. (Design 6: N replicas are correct by construction.)
func TestMigrateAppliesEveryMigration(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	template := schemaOf(t, dbtest.URL(t))
	for name, parallel := range map[string]int{"alone": 1, "four replicas": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := dbtest.URL(t)
			f := fixture{raw: connect(t, url), t: t}
			f.execute("DROP SCHEMA public CASCADE")
			f.execute("CREATE SCHEMA public")
			for range 2 {
				for _, err := range together(parallel, func(int) error { return db.Migrate(t.Context(), url) }) {
					if err != nil {
						t.Error(err)
					}
				}
			}
			if n := f.number("SELECT count(*) FROM goose_db_version WHERE version_id > 0"); n != len(files) {
				t.Errorf("%d migrations were applied, there are %d files", n, len(files))
			}
			if got := schemaOf(t, url); len(got) == 0 || !slices.Equal(got, template) {
				t.Errorf("the schema differs from that of the template: %d lines, %d", len(got), len(template))
			}
		})
	}
}

// TestMigrateOfNoDatabase: a server that is not there is ErrUnavailable, so that an orchestrator tries again.
func TestMigrateOfNoDatabase(t *testing.T) {
	t.Parallel()
	wantUnavailable(t, "Migrate", db.Migrate(soon(t), nowhere(t)))
}

func schemaOf(t *testing.T, url string) (lines []string) {
	t.Helper()
	rows, err := connect(t, url).QueryContext(t.Context(), schema)
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
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
