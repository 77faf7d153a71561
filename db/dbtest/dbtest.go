package dbtest

import (
	"context"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// maxConns is the pool of one test. Tests run in parallel, and share the limit
// of the server.
const maxConns = 8

// New opens a new database, empty and migrated, for the time of the test. Its
// pool has 8 connections.
func New(t testing.TB) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), URL(t), db.Options{MaxConns: maxConns})
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	return d
}

// URL creates a new database, empty and migrated, and returns its address in a
// form that lib/pq and psql take.
func URL(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	name, err := s.create(t.Context())
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.discard(ctx, name); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	return s.url(name)
}
