package db

import (
	"context"
	"time"
)

// BudgetQueries are about what SMS may cost in a day.
type BudgetQueries struct{ q Queries }

// Budgets returns the statements about what SMS may cost in a day.
func (q Queries) Budgets() BudgetQueries { return BudgetQueries{q} }

// budgetKept is how long the count of a day is kept, for who wants to look at it.
const budgetKept = 40 * 24 * time.Hour

// Spend counts a message in the budget of a scope for the day (UTC) of now. ErrNotFound means that the budget is used up.
func (q BudgetQueries) Spend(ctx context.Context, userpoolID, scope string, budget int, now time.Time) error {
	const query = `
		INSERT INTO sms_budgets AS b (userpool_id, day, scope, sent, expires_at)
		SELECT $1, ($3::timestamptz AT TIME ZONE 'UTC')::date, $2, 1, $4::timestamptz WHERE $5::integer > 0
		ON CONFLICT (userpool_id, day, scope) DO UPDATE SET sent = b.sent + 1 WHERE b.sent < $5`
	return q.q.change(ctx, query, userpoolID, scope, now, now.Add(budgetKept), budget)
}

// RaiseAlert notes an alert until the given time. ErrNotFound means that it was raised before, by this or another replica.
func (q BudgetQueries) RaiseAlert(ctx context.Context, userpoolID, key string, now, until time.Time) error {
	const query = `
		INSERT INTO alerts AS a (userpool_id, key, expires_at) VALUES ($1, $2, $4)
		ON CONFLICT (userpool_id, key) DO UPDATE SET expires_at = $4 WHERE a.expires_at <= $3`
	return q.q.change(ctx, query, userpoolID, key, now, until)
}
