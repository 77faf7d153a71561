// Package race holds the races that must have one winner: three instances on one database, all calls of a race at once.
// MENSHEN_TEST_ROUNDS sets how often each is run.
package race
