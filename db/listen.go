package db

import (
	"context"
	"time"

	"github.com/lib/pq"
)

// How soon a lost connection of Listen is replaced.
const (
	listenRetryMin = 100 * time.Millisecond
	listenRetryMax = 2 * time.Second
)

// QRLoginsChanged is the channel on which the database tells of changed login QR codes; the payload is the poll hash in
// hexadecimal digits.
const QRLoginsChanged = "menshen_qrlogins"

// Listen calls woken for each notification on the channel, until ctx ends, on a connection of its own beside the pool. After a
// loss of the connection it calls woken with an empty payload: whatever was told meanwhile was missed. Notifications are a
// hint and no promise: who depends on them looks by itself from time to time.
func (db *DB) Listen(ctx context.Context, channel string, woken func(payload string)) {
	listener := pq.NewListener(db.direct, listenRetryMin, listenRetryMax, nil)
	defer func() { _ = listener.Close() }()
	go func() { _ = listener.Listen(channel) }() // returns when there is a connection, or the listener is closed
	for {
		select {
		case <-ctx.Done():
			return
		case n, open := <-listener.Notify:
			switch {
			case !open:
				return
			case n == nil: // connected anew
				woken("")
			default:
				woken(n.Extra)
			}
		}
	}
}
