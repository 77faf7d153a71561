// Package audit writes the audit log: who did what to whom, from where, and whether it worked. It is append only, and no
// event has room for a secret.
package audit

import (
	"context"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// Outcomes of events.
const (
	Success = "success"
	Refused = "refused"
)

// Actors that have no id.
const (
	Anonymous = "anonymous" // has not proved to be anybody
	System    = "system"    // Menshen itself
	Operator  = "operator"  // who runs commands beside the service
)

// User, Key, Application, Userpool, Session, Message, SealKey, Hook and Connection name actors and targets. An empty id is one that
// could not be found.
func User(id string) string        { return name("user:", id) }
func Key(id string) string         { return name("key:", id) }
func Application(id string) string { return name("app:", id) }
func Userpool(id string) string    { return name("userpool:", id) }
func Session(id string) string     { return name("session:", id) }
func Message(id string) string     { return name("message:", id) }
func Hook(id string) string        { return name("hook:", id) }
func SealKey(id string) string     { return name("sealkey:", id) }
func Connection(id string) string  { return name("connection:", id) }

func name(kind, id string) string {
	if id == "" {
		id = "unknown"
	}
	return kind + id
}

// Event is something that happened.
type Event struct {
	UserpoolID, Actor, Action, Target, Outcome string
}

// Write appends an event, in the transaction of q if it has one; address and request id are those of the request at hand.
func Write(ctx context.Context, q db.Queries, at time.Time, e Event) error {
	return q.Audit().Insert(ctx, line(ctx, at, e))
}

// WriteCharged appends an event, and charges for it unless charge is nil: both or, with db.ErrNotFound, neither.
func WriteCharged(ctx context.Context, q db.Queries, at time.Time, e Event, charge *db.Charge) error {
	if charge == nil {
		return Write(ctx, q, at, e)
	}
	return q.Audit().InsertCharged(ctx, line(ctx, at, e), *charge)
}

func line(ctx context.Context, at time.Time, e Event) db.AuditEvent {
	info := reqinfo.From(ctx)
	return db.AuditEvent{
		UserpoolID: e.UserpoolID, At: at, Actor: e.Actor, Action: e.Action, Target: e.Target, Outcome: e.Outcome,
		IP: info.IP, RequestID: info.ID,
	}
}

// WriteForAll appends an event about the whole installation to the log of every userpool, in the transaction of q if it has
// one. The event's own userpool means nothing.
func WriteForAll(ctx context.Context, q db.Queries, at time.Time, e Event) error {
	return q.Audit().InsertForAll(ctx, db.AuditEvent{At: at, Actor: e.Actor, Action: e.Action, Target: e.Target, Outcome: e.Outcome})
}
