package db

import (
	"context"
	"time"
)

// Clock returns the time of the database server, for comparison with ours (T8). No decision is made with it.
func (q Queries) Clock(ctx context.Context) (time.Time, error) {
	const query = `SELECT clock_timestamp()`
	return q.statements.clocks.row(ctx, q, query)
}
