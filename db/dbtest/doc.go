// Package dbtest gives every test a PostgreSQL database of its own, empty and
// migrated. There is no mock of the store in this project, and no test that is
// skipped because a database is missing.
//
//	d := dbtest.New(t)     // *db.DB, closed at the end of the test
//	url := dbtest.URL(t)   // or only the address, for a pool of your own
//
// The first call in a test process starts a throwaway server (package embedded)
// and migrates a template once; every further database is a copy of it, a matter
// of some 50 ms and 7 MB. Nothing is cleaned up on the way: the server ends with
// the process, and the next process that uses this package deletes what is left.
// It lives in os.TempDir: where that is a slow disk and memory is plentiful,
// TMPDIR=/dev/shm makes it 20 ms.
//
// With MENSHEN_TEST_DATABASE_URL set, the databases are made on that server
// instead; its role must be allowed to create databases. There, each is dropped
// at the end of its test. The template (menshen_test_..._template) stays.
//
// Pooled leads to a database through a PgBouncer that this package starts, in
// transaction mode. With MENSHEN_TEST_POOLER=pgbouncer every instance of the
// harness takes that way; what a test does itself goes to the server directly.
//
// Tests of package db itself use it from package db_test. Tests that look for
// leaked goroutines must expect one: embedded.(*process).run.
package dbtest
