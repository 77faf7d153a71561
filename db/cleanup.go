package db

import (
	"context"
	"fmt"
	"time"
)

// ending is a table whose rows end by themselves, the column that tells when, and what else must be true.
type ending struct{ table, column, and string }

var expiring = []ending{
	{"captchas", "expires_at", ""},
	{"sent_codes", "kept_until", ""},
	// What waits is given up first, which leaves a trace; what hooks were not told is kept for the operator to see.
	{"outbox", "expires_at", "AND state <> 'waiting' AND (hook_id IS NULL OR state = 'delivered' OR expires_at < $1 - interval '7 days')"},
	{"sms_budgets", "expires_at", ""},
	{"alerts", "expires_at", ""},
	{"request_nonces", "expires_at", ""},
	{"limits", "tat", ""},
	{"quotas", "expires_at", ""},
	{"mfa_pending", "expires_at", ""},
	{"pending_signins", "expires_at", ""},
	{"qrlogins", "expires_at", ""},
	{"fastpasses", "expires_at", ""},
	{"wechat_nonces", "expires_at", ""},
	{"wechat_events", "expires_at", ""},
	{"wechat_scans", "expires_at", ""},
	{"sessions", "expires_at", ""}, // refresh tokens go with them
}

// deletion is the statement that removes rows that ended before $1, at most $2.
func (e ending) deletion() string {
	return fmt.Sprintf(`
		DELETE FROM %[1]s WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM %[1]s WHERE %[2]s < $1 %[3]s ORDER BY %[2]s LIMIT $2 FOR UPDATE SKIP LOCKED))`, e.table, e.column, e.and)
}

// DeleteExpired removes rows that ended before the given time, at most batch of each table, and returns how many. Rows
// that another replica is removing are left to it.
func (db *DB) DeleteExpired(ctx context.Context, before time.Time, batch int) (int64, error) {
	var total int64
	for _, e := range expiring {
		n, err := db.exec(ctx, e.deletion(), before, batch)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
