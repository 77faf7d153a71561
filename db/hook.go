package db

import (
	"context"
	"time"
)

// Stages of hooks.
const (
	HookPre  = "pre"  // asked before a session is opened
	HookPost = "post" // told afterwards
)

// Hook is a program of the operator's that wants to know of the sign-ins to an application.
type Hook struct {
	UserpoolID   string     `db:"userpool_id"`
	AppID        string     `db:"app_id"`
	ID           string     `db:"id"`
	Stage        string     `db:"stage"`
	URL          string     `db:"url"`
	SecretSealed []byte     `db:"secret_sealed"`
	Timeout      int        `db:"timeout"`   // milliseconds
	FailOpen     bool       `db:"fail_open"` // of HookPre
	CreatedAt    time.Time  `db:"created_at"`
	DisabledAt   *time.Time `db:"disabled_at"`
	FailingSince *time.Time `db:"failing_since"` // of HookPost
	PausedUntil  *time.Time `db:"paused_until"`  // of HookPost
}

// HookDeliveries is how many events are on their way to a hook, and what became of those of late.
type HookDeliveries struct {
	HookID    string     `db:"hook_id"`
	Waiting   int64      `db:"waiting"`
	Delivered int64      `db:"delivered"`
	Dead      int64      `db:"dead"` // given up
	LastDead  *time.Time `db:"last_dead"`
}

// HookQueries are about hooks.
type HookQueries struct{ q Queries }

// Hooks returns the statements about hooks.
func (q Queries) Hooks() HookQueries { return HookQueries{q} }

const hookColumns = `
	userpool_id, app_id, id, stage, url, secret_sealed, timeout, fail_open, created_at, disabled_at, failing_since, paused_until`

// Insert adds a hook.
func (q HookQueries) Insert(ctx context.Context, h Hook) error {
	const query = `
		INSERT INTO hooks (userpool_id, app_id, id, stage, url, secret_sealed, timeout, fail_open, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	return q.q.change(ctx, query, h.UserpoolID, h.AppID, h.ID, h.Stage, h.URL, h.SecretSealed, h.Timeout, h.FailOpen, h.CreatedAt)
}

// Enabled returns the hooks of a stage of an application that are not disabled, the oldest first.
func (q HookQueries) Enabled(ctx context.Context, userpoolID, appID, stage string) ([]Hook, error) {
	const query = `
		SELECT ` + hookColumns + ` FROM hooks
		WHERE userpool_id = $1 AND app_id = $2 AND stage = $3 AND disabled_at IS NULL ORDER BY created_at, id`
	return many[Hook](ctx, q.q, query, userpoolID, appID, stage)
}

// All returns every hook of every userpool, the oldest first.
func (q HookQueries) All(ctx context.Context) ([]Hook, error) {
	const query = `SELECT ` + hookColumns + ` FROM hooks ORDER BY created_at, id`
	return many[Hook](ctx, q.q, query)
}

// Hook returns a hook by its id, which is unique over all userpools.
func (q HookQueries) Hook(ctx context.Context, id string) (Hook, error) {
	const query = `SELECT ` + hookColumns + ` FROM hooks WHERE id = $1`
	return one[Hook](ctx, q.q, query, id)
}

// Lock returns a hook, which nobody else can change until the transaction ends.
func (q HookQueries) Lock(ctx context.Context, id string) (Hook, error) {
	const query = `SELECT ` + hookColumns + ` FROM hooks WHERE id = $1 FOR UPDATE`
	return one[Hook](ctx, q.q, query, id)
}

// Set replaces what an operator can change of a hook. What was failing gets another chance at once.
func (q HookQueries) Set(ctx context.Context, h Hook) error {
	const query = `
		UPDATE hooks SET url = $3, secret_sealed = $4, timeout = $5, fail_open = $6, disabled_at = $7,
			failing_since = NULL, paused_until = NULL, probe_id = NULL
		WHERE userpool_id = $1 AND id = $2`
	return q.q.change(ctx, query, h.UserpoolID, h.ID, h.URL, h.SecretSealed, h.Timeout, h.FailOpen, h.DisabledAt)
}

// Delete removes a hook, and gives up what is on its way to it.
func (q HookQueries) Delete(ctx context.Context, userpoolID, id string, now time.Time) error {
	const forget = `
		UPDATE outbox SET state = 'refused', settled_at = $3, message_sealed = NULL
		WHERE userpool_id = $1 AND hook_id = $2 AND state = 'waiting'`
	const query = `DELETE FROM hooks WHERE userpool_id = $1 AND id = $2`
	if err := q.q.change(ctx, query, userpoolID, id); err != nil {
		return err
	}
	_, err := q.q.exec(ctx, forget, userpoolID, id, now)
	return err
}

// Failed notes that a hook has not taken a message, and pauses it for as long as it has been failing, within shortest and
// longest. While the hook is probed only the outcome of that probe counts: a message of before, whose failure is known late,
// does not end the pause in which nobody else is to try.
func (q HookQueries) Failed(ctx context.Context, userpoolID, id, messageID string, shortest, longest time.Duration, now time.Time) error {
	const query = `
		UPDATE hooks SET failing_since = coalesce(failing_since, $6), probe_id = NULL,
			paused_until = greatest(CASE WHEN probe_id IS NULL THEN paused_until END, $6 + least($5 * interval '1 microsecond',
				greatest($4 * interval '1 microsecond', $6 - coalesce(failing_since, $6))))
		WHERE userpool_id = $1 AND id = $2 AND coalesce(probe_id = $3, true)`
	_, err := q.q.exec(ctx, query, userpoolID, id, messageID, shortest.Microseconds(), longest.Microseconds(), now)
	return err
}

// Succeeded notes that a hook that was failing takes events again.
func (q HookQueries) Succeeded(ctx context.Context, userpoolID, id string) error {
	const query = `
		UPDATE hooks SET failing_since = NULL, paused_until = NULL, probe_id = NULL
		WHERE userpool_id = $1 AND id = $2 AND failing_since IS NOT NULL`
	_, err := q.q.exec(ctx, query, userpoolID, id)
	return err
}

// Deliveries counts what was and is on its way to each hook, for as long as the rows are kept.
func (q HookQueries) Deliveries(ctx context.Context) ([]HookDeliveries, error) {
	const query = `
		SELECT hook_id,
			count(*) FILTER (WHERE state = 'waiting') AS waiting,
			count(*) FILTER (WHERE state = 'delivered') AS delivered,
			count(*) FILTER (WHERE state NOT IN ('waiting', 'delivered')) AS dead,
			max(settled_at) FILTER (WHERE state NOT IN ('waiting', 'delivered')) AS last_dead
		FROM outbox WHERE hook_id IS NOT NULL GROUP BY hook_id`
	return many[HookDeliveries](ctx, q.q, query)
}
