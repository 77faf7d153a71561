package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

var (
	// ErrSchemaOld means that the database lacks migrations of this program.
	ErrSchemaOld = errors.New("the database has the schema of an older version; run `menshen migrate`")
	// ErrSchemaNew means that the database has migrations that this program does not know.
	ErrSchemaNew = errors.New("the database has the schema of a newer version; use the program of that version")
)

// CheckSchema tells whether the database at url has exactly the schema of this program, and changes nothing: otherwise
// ErrSchemaOld or ErrSchemaNew.
func CheckSchema(ctx context.Context, url string) error {
	pool, err := sql.Open("postgres", url)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = pool.Close() }()
	known, err := migrationVersions()
	if err != nil {
		return err
	}
	applied, err := appliedVersions(ctx, pool)
	if err != nil {
		return fmt.Errorf("read schema version: %w", translate(err))
	}
	for version := range known {
		if !applied[version] {
			return ErrSchemaOld
		}
	}
	for version := range applied {
		if !known[version] {
			return ErrSchemaNew
		}
	}
	return nil
}

// migrationVersions are the numbers that the files begin with.
func migrationVersions() (map[int64]bool, error) {
	files, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	versions := map[int64]bool{}
	for _, file := range files {
		number, _, _ := strings.Cut(file.Name(), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, err
		}
		versions[version] = true
	}
	return versions, nil
}

// appliedVersions are those in goose's table; none without the table.
func appliedVersions(ctx context.Context, pool *sql.DB) (map[int64]bool, error) {
	var migrated bool
	err := pool.QueryRowContext(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&migrated)
	if err != nil || !migrated {
		return nil, err
	}
	rows, err := pool.QueryContext(ctx, `SELECT version_id FROM goose_db_version WHERE version_id > 0 AND is_applied`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	versions := map[int64]bool{}
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil {
			return nil, err
		}
		versions[version] = true
	}
	return versions, rows.Err()
}
