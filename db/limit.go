package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// LimitQueries are about rate limits.
type LimitQueries struct{ q Queries }

// Limits returns the statements about rate limits.
func (q Queries) Limits() LimitQueries { return LimitQueries{q} }

// Charge is what a key is charged by the generic cell rate algorithm: one request an interval in the long run, and at most
// Burst at once. Time is counted in whole microseconds: rounding would cost the last of the burst.
type Charge struct {
	UserpoolID, Key string
	Interval        time.Duration
	Burst           int
	Now             time.Time
}

// rule is what charges that can be made by one statement share.
func (c Charge) rule() string { return fmt.Sprint(c.Interval, c.Burst) }

// Take charges a key with one request. ErrNotFound means that there is no room; nothing was charged then. Outside of a
// transaction, requests that come for the key at once are charged together.
func (q LimitQueries) Take(ctx context.Context, c Charge) error {
	return guarded(ctx, q.q, &q.q.statements.charges, c.UserpoolID+"|"+c.Key, c, func(ctx context.Context, all []Charge) ([]bool, error) {
		err := q.take(ctx, all[0], len(all))
		if errors.Is(err, ErrNotFound) {
			return make([]bool, len(all)), nil
		}
		return slices.Repeat([]bool{true}, len(all)), err
	})
}

// take charges the key of $1, $2 at $3 with $6 requests, one an interval of $4 microseconds and $5 at once: all or none.
const take = `
	INSERT INTO limits AS l (userpool_id, key, tat)
	SELECT $1, $2, $3::timestamptz + $6::bigint * $4::bigint * interval '1 microsecond' WHERE $6 <= $5::bigint
	ON CONFLICT (userpool_id, key) DO UPDATE
	SET tat = greatest(l.tat, $3) + $6 * $4 * interval '1 microsecond'
	WHERE greatest(l.tat, $3) - $3 <= $4 * ($5 - $6) * interval '1 microsecond'`

func (c Charge) args(n int) []any {
	return []any{c.UserpoolID, c.Key, c.Now, c.Interval.Microseconds(), c.Burst, n}
}

// take charges a key with n requests, all or none.
func (q LimitQueries) take(ctx context.Context, c Charge, n int) error {
	const query = take
	return q.q.change(ctx, query, c.args(n)...)
}

// FreeAt returns when a key that has no room will have some again.
func (q LimitQueries) FreeAt(ctx context.Context, c Charge) (time.Time, error) {
	const query = `
		SELECT tat - $3::bigint * ($4::bigint - 1) * interval '1 microsecond' FROM limits WHERE userpool_id = $1 AND key = $2`
	return one[time.Time](ctx, q.q, query, c.UserpoolID, c.Key, c.Interval.Microseconds(), c.Burst)
}

// Quota is what a key is charged at most Most times in any Period.
type Quota struct {
	UserpoolID, Key string
	Most            int
	Period          time.Duration
	Now             time.Time
}

// takeOf charges the quota of $1, $2: once at $3, at most $5 times in $4 microseconds.
const takeOf = `
	INSERT INTO quotas AS q (userpool_id, key, taken, expires_at)
	VALUES ($1, $2, ARRAY[$3::timestamptz], $3::timestamptz + $4::bigint * interval '1 microsecond')
	ON CONFLICT (userpool_id, key) DO UPDATE SET
		taken = ARRAY(SELECT t FROM unnest(q.taken) t WHERE t > $3 - $4 * interval '1 microsecond' ORDER BY t) || $3::timestamptz,
		expires_at = excluded.expires_at
	WHERE (SELECT count(*) FROM unnest(q.taken) t WHERE t > $3 - $4 * interval '1 microsecond') < $5`

// TakeOf charges a quota. ErrNotFound means that there is no room; nothing was charged then.
func (q LimitQueries) TakeOf(ctx context.Context, c Quota) error {
	const query = takeOf
	return q.q.change(ctx, query, c.UserpoolID, c.Key, c.Now, c.Period.Microseconds(), c.Most)
}

// FreeOf returns when a quota that has no room will have some again.
func (q LimitQueries) FreeOf(ctx context.Context, c Quota) (time.Time, error) {
	const query = `
		SELECT t + $3::bigint * interval '1 microsecond' FROM quotas, unnest(taken) t
		WHERE userpool_id = $1 AND key = $2 ORDER BY t DESC OFFSET $4 LIMIT 1`
	return one[time.Time](ctx, q.q, query, c.UserpoolID, c.Key, c.Period.Microseconds(), c.Most-1)
}

// Clear forgets what a key was charged.
func (q LimitQueries) Clear(ctx context.Context, userpoolID, key string) error {
	const query = `DELETE FROM limits WHERE userpool_id = $1 AND key = $2`
	_, err := q.q.exec(ctx, query, userpoolID, key)
	return err
}
