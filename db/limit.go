package db

import (
	"context"
	"time"
)

// LimitQueries are about rate limits.
type LimitQueries struct{ q Queries }

// Limits returns the statements about rate limits.
func (q Queries) Limits() LimitQueries { return LimitQueries{q} }

// Take charges a key with one request by the generic cell rate algorithm: one request an interval in the long run, and
// at most burst at once. ErrNotFound means that there is no room; nothing was charged then. Time is counted in whole
// microseconds: rounding would cost the last of the burst.
func (q LimitQueries) Take(ctx context.Context, userpoolID, key string, interval time.Duration, burst int, now time.Time) error {
	const query = `
		INSERT INTO limits AS l (userpool_id, key, tat)
		VALUES ($1, $2, $3::timestamptz + $4::bigint * interval '1 microsecond')
		ON CONFLICT (userpool_id, key) DO UPDATE
		SET tat = greatest(l.tat, $3) + $4::bigint * interval '1 microsecond'
		WHERE greatest(l.tat, $3) - $3 <= $4::bigint * ($5::bigint - 1) * interval '1 microsecond'`
	return q.q.change(ctx, query, userpoolID, key, now, interval.Microseconds(), burst)
}

// FreeAt returns when a key that has no room will have some again.
func (q LimitQueries) FreeAt(ctx context.Context, userpoolID, key string, interval time.Duration, burst int) (time.Time, error) {
	const query = `
		SELECT tat - $3::bigint * ($4::bigint - 1) * interval '1 microsecond' FROM limits WHERE userpool_id = $1 AND key = $2`
	return one[time.Time](ctx, q.q, query, userpoolID, key, interval.Microseconds(), burst)
}

// TakeOf charges a quota, which is at most most requests in any period. ErrNotFound means that there is no room; nothing
// was charged then.
func (q LimitQueries) TakeOf(ctx context.Context, userpoolID, key string, most int, period time.Duration, now time.Time) error {
	const query = `
		INSERT INTO quotas AS q (userpool_id, key, taken, expires_at)
		VALUES ($1, $2, ARRAY[$3::timestamptz], $3::timestamptz + $4::bigint * interval '1 microsecond')
		ON CONFLICT (userpool_id, key) DO UPDATE SET
			taken = ARRAY(SELECT t FROM unnest(q.taken) t WHERE t > $3 - $4 * interval '1 microsecond' ORDER BY t) || $3::timestamptz,
			expires_at = excluded.expires_at
		WHERE (SELECT count(*) FROM unnest(q.taken) t WHERE t > $3 - $4 * interval '1 microsecond') < $5`
	return q.q.change(ctx, query, userpoolID, key, now, period.Microseconds(), most)
}

// FreeOf returns when a quota that has no room will have some again.
func (q LimitQueries) FreeOf(ctx context.Context, userpoolID, key string, most int, period time.Duration) (time.Time, error) {
	const query = `
		SELECT t + $3::bigint * interval '1 microsecond' FROM quotas, unnest(taken) t
		WHERE userpool_id = $1 AND key = $2 ORDER BY t DESC OFFSET $4 LIMIT 1`
	return one[time.Time](ctx, q.q, query, userpoolID, key, period.Microseconds(), most-1)
}

// Clear forgets what a key was charged.
func (q LimitQueries) Clear(ctx context.Context, userpoolID, key string) error {
	const query = `DELETE FROM limits WHERE userpool_id = $1 AND key = $2`
	_, err := q.q.exec(ctx, query, userpoolID, key)
	return err
}
