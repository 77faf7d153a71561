package db

import (
	"cmp"
	"context"
	"slices"

	"github.com/lib/pq"
)

// chargedQRLogin is a QR code with what it is charged to.
type chargedQRLogin struct {
	QRLogin
	charge Charge
}

// InsertCharged adds a QR code in the state PENDING that no other service has drawn, and charges a key for it, both or neither.
// ErrNotFound means that there is no room. Those that come at once, under one rule, are added together.
func (q QRLoginQueries) InsertCharged(ctx context.Context, l QRLogin, c Charge) error {
	return guarded(ctx, q.q, &q.q.statements.qrlogins, c.rule(), chargedQRLogin{l, c}, q.insertCharged)
}

// insertCharged charges each key with all of its QR codes or with none. Keys are charged in their order, so that replicas do not
// lock each other out.
func (q QRLoginQueries) insertCharged(ctx context.Context, all []chargedQRLogin) ([]bool, error) {
	const query = `
		WITH charged AS (
			INSERT INTO limits AS l (userpool_id, key, tat)
			SELECT pool, key, $1::timestamptz + n * $2::bigint * interval '1 microsecond'
			FROM (SELECT pool, key, count(*) AS n FROM unnest($4::text[], $5::text[]) AS r (pool, key) GROUP BY pool, key) AS r
			WHERE n <= $3::bigint ORDER BY pool, key
			ON CONFLICT (userpool_id, key) DO UPDATE
			SET tat = greatest(l.tat, $1) + (excluded.tat - $1)
			WHERE greatest(l.tat, $1) - $1 <= $2 * $3 * interval '1 microsecond' - (excluded.tat - $1)
			RETURNING l.userpool_id, l.key
		)
		INSERT INTO qrlogins (userpool_id, id, app_id, type, scan_hash, poll_hash, ticket_hash, state, custom_data, context, ip,
			user_agent, created_at, expires_at)
		SELECT r.pool, id, app_id, type, scan_hash, poll_hash, ticket_hash, 'PENDING', custom_data, context, ip, user_agent,
			created_at, expires_at
		FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::bytea[], $12::jsonb[],
			$13::json[], $14::text[], $15::text[], $16::timestamptz[], $17::timestamptz[])
			AS r (pool, key, id, app_id, type, scan_hash, poll_hash, ticket_hash, custom_data, context, ip, user_agent, created_at, expires_at)
		JOIN charged ON charged.userpool_id = r.pool AND charged.key = r.key
		RETURNING id`
	of := func(text func(chargedQRLogin) string) pq.StringArray { return column(all, text) }
	hash := func(bytes func(chargedQRLogin) []byte) pq.ByteaArray { return column(all, bytes) }
	first := all[0].charge
	added, err := many[string](ctx, q.q, query, first.Now, first.Interval.Microseconds(), first.Burst,
		of(func(l chargedQRLogin) string { return l.UserpoolID }), of(func(l chargedQRLogin) string { return l.charge.Key }),
		of(func(l chargedQRLogin) string { return l.ID }), of(func(l chargedQRLogin) string { return l.AppID }),
		of(func(l chargedQRLogin) string { return l.Type }),
		hash(func(l chargedQRLogin) []byte { return l.ScanHash }), hash(func(l chargedQRLogin) []byte { return l.PollHash }),
		hash(func(l chargedQRLogin) []byte { return l.TicketHash }),
		of(func(l chargedQRLogin) string { return cmp.Or(string(l.CustomData), "{}") }),
		of(func(l chargedQRLogin) string { return cmp.Or(string(l.Context), "{}") }),
		of(func(l chargedQRLogin) string { return l.IP }), of(func(l chargedQRLogin) string { return l.UserAgent }),
		of(func(l chargedQRLogin) string { return timestamp(l.CreatedAt) }),
		of(func(l chargedQRLogin) string { return timestamp(l.ExpiresAt) }))
	done := make([]bool, len(all))
	for i, l := range all {
		done[i] = slices.Contains(added, l.ID)
	}
	return done, err
}
