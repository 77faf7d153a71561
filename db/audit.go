package db

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"
)

// AuditEvent is a line of the audit log, which is append only. It never holds a secret.
type AuditEvent struct {
	UserpoolID string    `db:"userpool_id"`
	At         time.Time `db:"at"`
	Actor      string    `db:"actor"`   // user:<id>, key:<id>, app:<id> or anonymous
	Action     string    `db:"action"`  // such as otp.secret.read
	Target     string    `db:"target"`  // user:<id> and the like
	Outcome    string    `db:"outcome"` // success or refused
	IP         string    `db:"ip"`
	RequestID  string    `db:"request_id"`
}

// AuditQueries are about the audit log.
type AuditQueries struct{ q Queries }

// Audit returns the statements about the audit log.
func (q Queries) Audit() AuditQueries { return AuditQueries{q} }

// Insert appends an event. Outside of a transaction, events that come at once are appended together.
func (q AuditQueries) Insert(ctx context.Context, e AuditEvent) error {
	return guarded(ctx, q.q, &q.q.statements.events, "", e, q.insertAll)
}

func (q AuditQueries) insertAll(ctx context.Context, events []AuditEvent) ([]bool, error) {
	const query = `
		INSERT INTO audit_log (userpool_id, at, actor, action, target, outcome, ip, request_id)
		SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])`
	_, err := q.q.exec(ctx, query, columns(events)...)
	return slices.Repeat([]bool{true}, len(events)), err
}

// columns are the events as arrays for unnest.
func columns(events []AuditEvent) []any {
	of := func(text func(AuditEvent) string) any { return pq.StringArray(column(events, text)) }
	return []any{
		of(func(e AuditEvent) string { return e.UserpoolID }), of(func(e AuditEvent) string { return timestamp(e.At) }),
		of(func(e AuditEvent) string { return e.Actor }), of(func(e AuditEvent) string { return e.Action }),
		of(func(e AuditEvent) string { return e.Target }), of(func(e AuditEvent) string { return e.Outcome }),
		of(func(e AuditEvent) string { return e.IP }), of(func(e AuditEvent) string { return e.RequestID }),
	}
}

// chargedEvent is an event with what it is charged to.
type chargedEvent struct {
	AuditEvent
	charge Charge
}

// InsertCharged appends an event and charges a key for it, both or neither; ErrNotFound means that there is no room. Those
// that are charged to one key at once are appended together.
func (q AuditQueries) InsertCharged(ctx context.Context, e AuditEvent, c Charge) error {
	return guarded(ctx, q.q, &q.q.statements.charged, c.UserpoolID+"|"+c.Key, chargedEvent{e, c}, q.insertCharged)
}

func (q AuditQueries) insertCharged(ctx context.Context, all []chargedEvent) ([]bool, error) {
	const query = `
		WITH charged AS (` + take + ` RETURNING 1)
		INSERT INTO audit_log (userpool_id, at, actor, action, target, outcome, ip, request_id)
		SELECT e.* FROM charged,
			unnest($7::text[], $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]) AS e`
	events := make([]AuditEvent, len(all))
	for i, one := range all {
		events[i] = one.AuditEvent
	}
	n, err := q.q.exec(ctx, query, append(all[0].charge.args(len(all)), columns(events)...)...)
	return slices.Repeat([]bool{n > 0}, len(all)), err
}

// InsertForAll appends an event about the whole installation to the log of every userpool; its own UserpoolID means nothing.
func (q AuditQueries) InsertForAll(ctx context.Context, e AuditEvent) error {
	const query = `
		INSERT INTO audit_log (userpool_id, at, actor, action, target, outcome, ip, request_id)
		SELECT id, $1::timestamptz, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text FROM userpools ORDER BY id`
	_, err := q.q.exec(ctx, query, e.At, e.Actor, e.Action, e.Target, e.Outcome, e.IP, e.RequestID)
	return err
}

// About returns the events that are about a user, and those in which the user did something, newest first, at most limit.
func (q AuditQueries) About(ctx context.Context, userpoolID, user string, limit int) ([]AuditEvent, error) {
	const query = `
		SELECT userpool_id, at, actor, action, target, outcome, ip, request_id FROM (
			(SELECT * FROM audit_log WHERE userpool_id = $1 AND target = $2 ORDER BY at DESC, id DESC LIMIT $3)
			UNION ALL
			(SELECT * FROM audit_log WHERE userpool_id = $1 AND actor = $2 AND actor LIKE 'user:%' AND target NOT LIKE 'user:%'
				ORDER BY at DESC, id DESC LIMIT $3)
		) events ORDER BY at DESC, id DESC LIMIT $3`
	return many[AuditEvent](ctx, q.q, query, userpoolID, user, limit)
}

// Of returns the events about a target, newest first, at most limit.
func (q AuditQueries) Of(ctx context.Context, userpoolID, target string, limit int) ([]AuditEvent, error) {
	const query = `
		SELECT userpool_id, at, actor, action, target, outcome, ip, request_id
		FROM audit_log WHERE userpool_id = $1 AND target = $2 ORDER BY at DESC, id DESC LIMIT $3`
	return many[AuditEvent](ctx, q.q, query, userpoolID, target, limit)
}
