// Package race holds the races that must have one winner: three instances on one database, all calls held at the finish and
// let go at once.
// MENSHEN_TEST_ROUNDS sets how often each is run: 200 times in CI, 2,000 by make race, dear ones more rarely. Without it, as with
// all other tests, each is run once, so that the race detector sees it.
package race
