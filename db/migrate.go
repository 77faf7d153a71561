package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// CheckURL tells whether url is of a form that the driver takes. The error does not quote it: it may hold a password.
func CheckURL(url string) error {
	if _, err := pq.NewConnector(url); err != nil {
		return errors.New("not a PostgreSQL URL")
	}
	return nil
}

// Migrate brings the database at url to the newest schema. Migrations only go forward. Several replicas may call it at
// once: one works, the others wait.
func Migrate(ctx context.Context, url string) error {
	pool, err := sql.Open("postgres", url)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	err = migrate(ctx, pool)
	return errors.Join(err, pool.Close())
}

func migrate(ctx context.Context, pool *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", translate(err))
	}
	return nil
}
