package db

import (
	"context"
	"time"
)

// OutboxMessage is a message on its way. It is written in the transaction of what it tells about.
type OutboxMessage struct {
	UserpoolID    string     `db:"userpool_id"`
	ID            string     `db:"id"` // also the key by which a channel recognises a repeat
	Channel       string     `db:"channel"`
	Template      string     `db:"template"`
	HookID        *string    `db:"hook_id"`        // that is told; nil where a person is
	MessageSealed []byte     `db:"message_sealed"` // nil once settled
	Attempts      int        `db:"attempts"`       // the one at work included
	HandedOverAt  *time.Time `db:"handed_over_at"` // since then a failure leaves open whether the message was taken
	CreatedAt     time.Time  `db:"created_at"`
	ExpiresAt     time.Time  `db:"expires_at"`
}

// OutboxState is what became of a message.
type OutboxState string

// The states. All but the first are final.
const (
	OutboxWaiting    OutboxState = "waiting"
	OutboxDelivered  OutboxState = "delivered"
	OutboxSuppressed OutboxState = "suppressed" // a decoy
	OutboxRefused    OutboxState = "refused"    // by the other side, for good
	OutboxUncertain  OutboxState = "uncertain"  // taken or not: unknown, and not to be sent twice
	OutboxExpired    OutboxState = "expired"    // not delivered while it made sense
)

// OutboxQueries are about messages on their way.
type OutboxQueries struct{ q Queries }

// Outbox returns the statements about messages on their way.
func (q Queries) Outbox() OutboxQueries { return OutboxQueries{q} }

// Insert adds a message, due at once.
func (q OutboxQueries) Insert(ctx context.Context, m OutboxMessage) error {
	const query = `
		INSERT INTO outbox (userpool_id, id, channel, template, message_sealed, state, due_at, created_at, expires_at, hook_id)
		VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6, $7, $8)`
	return q.q.change(ctx, query, m.UserpoolID, m.ID, m.Channel, m.Template, m.MessageSealed, m.CreatedAt, m.ExpiresAt, m.HookID)
}

const outboxColumns = `
	userpool_id, id, channel, template, hook_id, message_sealed, attempts, handed_over_at, created_at, expires_at`

// Claim takes at most limit messages of a channel that are due, until leaseEnds: if nothing is heard of one by then, it is
// due again. Messages that others are just claiming are left to them. It is not for what hooks are told.
func (q OutboxQueries) Claim(ctx context.Context, channel string, limit int, now, leaseEnds time.Time) ([]OutboxMessage, error) {
	const query = `
		UPDATE outbox SET attempts = attempts + 1, due_at = $4
		WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM outbox WHERE state = 'waiting' AND channel = $1 AND due_at <= $3
			ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
		RETURNING ` + outboxColumns
	return many[OutboxMessage](ctx, q.q, query, channel, limit, now, leaseEnds)
}

// ClaimForHooks takes at most limit messages to hooks that are due, until leaseEnds, as Claim does. What is for a hook that is
// paused or disabled waits, and costs nobody who claims. A hook that is failing is probed: it gets one message at a time of
// all replicas. What is for a hook that is no more is taken, too, for somebody has to give it up.
func (q OutboxQueries) ClaimForHooks(ctx context.Context, limit int, now, leaseEnds time.Time) ([]OutboxMessage, error) {
	probes, err := q.claimProbes(ctx, limit, now, leaseEnds)
	if err != nil || len(probes) == limit {
		return probes, err
	}
	// "told" leaps from hook to hook in outbox_hook_due, so that a claim looks at as many rows as there are hooks, and at those
	// that it takes. The hook that has the fewest under way comes first, so that one that is slow does not get every place.
	const query = `
		WITH RECURSIVE told AS (
			(SELECT userpool_id, hook_id FROM outbox WHERE state = 'waiting' AND hook_id IS NOT NULL
				ORDER BY userpool_id, hook_id LIMIT 1)
			UNION ALL
			SELECT next.* FROM told CROSS JOIN LATERAL (
				SELECT o.userpool_id, o.hook_id FROM outbox o
				WHERE o.state = 'waiting' AND o.hook_id IS NOT NULL AND (o.userpool_id, o.hook_id) > (told.userpool_id, told.hook_id)
				ORDER BY o.userpool_id, o.hook_id LIMIT 1) next
		), healthy AS (
			SELECT told.* FROM told LEFT JOIN hooks h ON h.userpool_id = told.userpool_id AND h.id = told.hook_id
			WHERE h.disabled_at IS NULL AND h.failing_since IS NULL
			ORDER BY (
				SELECT count(*) FROM outbox o
				WHERE o.state = 'waiting' AND o.userpool_id = told.userpool_id AND o.hook_id = told.hook_id AND o.due_at > $2), random()
		)
		UPDATE outbox SET attempts = attempts + 1, due_at = $3
		WHERE ctid = ANY (ARRAY(
			SELECT due.ctid FROM healthy CROSS JOIN LATERAL (
				SELECT o.ctid FROM outbox o
				WHERE o.state = 'waiting' AND o.userpool_id = healthy.userpool_id AND o.hook_id = healthy.hook_id AND o.due_at <= $2
				ORDER BY o.due_at LIMIT $1 FOR UPDATE SKIP LOCKED) due
			LIMIT $1))
		RETURNING ` + outboxColumns
	rest, err := many[OutboxMessage](ctx, q.q, query, limit-len(probes), now, leaseEnds)
	if err != nil && len(probes) > 0 { // they are taken, and have to be delivered
		return probes, nil
	}
	return append(probes, rest...), err
}

// claimProbes takes one message for each of at most limit hooks that are failing and whose pause is over. Until leaseEnds, or
// the outcome of that message is known, they are paused: see HookQueries.Failed.
func (q OutboxQueries) claimProbes(ctx context.Context, limit int, now, leaseEnds time.Time) ([]OutboxMessage, error) {
	const query = `
		WITH probe AS (
			SELECT h.userpool_id, h.id AS hook_id, due.id, due.ctid AS place FROM hooks h CROSS JOIN LATERAL (
				SELECT o.id, o.ctid FROM outbox o
				WHERE o.state = 'waiting' AND o.userpool_id = h.userpool_id AND o.hook_id = h.id AND o.due_at <= $2 AND o.expires_at > $2
				ORDER BY o.due_at LIMIT 1) due
			WHERE h.failing_since IS NOT NULL AND h.paused_until <= $2 AND h.disabled_at IS NULL
			ORDER BY h.paused_until LIMIT $1 FOR UPDATE OF h SKIP LOCKED
		), paused AS (
			UPDATE hooks h SET probe_id = p.id, paused_until = $3 FROM probe p WHERE h.userpool_id = p.userpool_id AND h.id = p.hook_id
		)
		UPDATE outbox SET attempts = attempts + 1, due_at = $3
		WHERE ctid = ANY (ARRAY(SELECT place FROM probe)) AND state = 'waiting' AND due_at <= $2
		RETURNING ` + outboxColumns
	return many[OutboxMessage](ctx, q.q, query, limit, now, leaseEnds)
}

// ClaimOverdue takes at most limit messages, of any channel, that make no sense any more and that nobody has claimed.
func (q OutboxQueries) ClaimOverdue(ctx context.Context, limit int, now, leaseEnds time.Time) ([]OutboxMessage, error) {
	const query = `
		UPDATE outbox SET attempts = attempts + 1, due_at = $3
		WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM outbox WHERE state = 'waiting' AND expires_at <= $2 AND due_at <= $2
			ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))
		RETURNING ` + outboxColumns
	return many[OutboxMessage](ctx, q.q, query, limit, now, leaseEnds)
}

// The statements below are for who has claimed a message. ErrNotFound means that the lease has ended and somebody else has
// claimed it since: the number of attempts is the fence. A message without settled_at waits; to say so by its state would let the
// planner look through all that wait, by an index on those, while its statistics say that they are few.

// HandOver notes that from now on a failure leaves open whether the message was taken, and extends the lease.
func (q OutboxQueries) HandOver(ctx context.Context, m OutboxMessage, now, leaseEnds time.Time) error {
	const query = `
		UPDATE outbox SET handed_over_at = $4, due_at = $5
		WHERE userpool_id = $1 AND id = $2 AND attempts = $3 AND settled_at IS NULL`
	return q.q.change(ctx, query, m.UserpoolID, m.ID, m.Attempts, now, leaseEnds)
}

// Retry makes a message that was not taken due again.
func (q OutboxQueries) Retry(ctx context.Context, m OutboxMessage, dueAt time.Time) error {
	const query = `
		UPDATE outbox SET due_at = $4, handed_over_at = NULL
		WHERE userpool_id = $1 AND id = $2 AND attempts = $3 AND settled_at IS NULL`
	return q.q.change(ctx, query, m.UserpoolID, m.ID, m.Attempts, dueAt)
}

// Settle ends a message and forgets what it said.
func (q OutboxQueries) Settle(ctx context.Context, m OutboxMessage, state OutboxState, now time.Time) error {
	const query = `
		UPDATE outbox SET state = $4, settled_at = $5, message_sealed = NULL
		WHERE userpool_id = $1 AND id = $2 AND attempts = $3 AND settled_at IS NULL`
	return q.q.change(ctx, query, m.UserpoolID, m.ID, m.Attempts, state, now)
}
