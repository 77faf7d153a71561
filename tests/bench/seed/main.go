// Command seed fills the database of a Menshen with a million people and eleven million codes, to see what that does to it.
//
//	MENSHEN_DATABASE_URL=... MENSHEN_MASTER_KEY=... go run ./tests/bench/seed
//	go run ./tests/bench/seed -dir .data -users 100000 -live 100000 -expired 1000000 # that of a running `make run`
//
// Either way `menshen serve` was started on the database before. Everybody's password is that of package crowd.
package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest/fill"
	"github.com/menshen-auth/menshen/db/embedded"
	"github.com/menshen-auth/menshen/tests/bench/crowd"
)

func main() {
	amounts := fill.Full
	flag.IntVar(&amounts.Users, "users", amounts.Users, "how many users")
	flag.IntVar(&amounts.LiveCodes, "live", amounts.LiveCodes, "how many codes that can be used")
	flag.IntVar(&amounts.ExpiredCodes, "expired", amounts.ExpiredCodes, "how many codes that have expired")
	dir := flag.String("dir", ".data", "data directory of the running service, where MENSHEN_DATABASE_URL is not set")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, amounts); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, amounts fill.Amounts) error {
	url, masterKey, err := place(ctx, dir)
	if err != nil {
		return err
	}
	began, rows := time.Now(), 0
	err = crowd.Fill(ctx, url, masterKey, amounts, func(t fill.Table) {
		rows += t.Rows
		fmt.Printf("%-20s %10d rows  %7.1f s  %7.0f rows/s\n", t.Name, t.Rows, t.Took.Seconds(), float64(t.Rows)/t.Took.Seconds())
	})
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	size, err := sizeOf(ctx, url)
	if err != nil {
		return err
	}
	fmt.Printf("%-20s %10d rows  %7.1f s  %7.0f rows/s; the database has %s\n", "all", rows, took, float64(rows)/took, size)
	return nil
}

// place is the database, and the key that opens what is sealed in it.
func place(ctx context.Context, dir string) (url string, masterKey []byte, err error) {
	url, text := os.Getenv("MENSHEN_DATABASE_URL"), os.Getenv("MENSHEN_MASTER_KEY")
	if url == "" {
		running, err := embedded.Attach(ctx, dir)
		if err != nil {
			return "", nil, err
		}
		file, err := os.ReadFile(filepath.Join(dir, "master.key"))
		if err != nil {
			return "", nil, err
		}
		url, text = running.URL("menshen"), string(file)
	}
	masterKey, err = base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(masterKey) == 0 {
		return "", nil, fmt.Errorf("MENSHEN_MASTER_KEY is missing or not base64; it is that of `menshen serve`")
	}
	return url, masterKey, nil
}

func sizeOf(ctx context.Context, url string) (size string, err error) {
	conn, err := sql.Open("postgres", url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	err = conn.QueryRowContext(ctx, `SELECT pg_size_pretty(pg_database_size(current_database()))`).Scan(&size)
	return size, err
}
