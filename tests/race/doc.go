// Package race holds the races that must have one winner: three instances on one database, all calls held at the finish and
// let go at once.
// MENSHEN_TEST_ROUNDS sets how often each is run.
package race
