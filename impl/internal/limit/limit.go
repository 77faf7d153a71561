// Package limit holds down how often something happens, exactly under parallel requests and over all replicas: every check
// is one upsert in PostgreSQL. Where the database does not answer, nothing is let through.
//
// There are two ways to read "5/1h". Take is for rates: five at once, and then one every twelve minutes (generic cell rate
// algorithm), which is nine in the first hour. TakeOf is for what costs money or can be guessed: five in any hour.
package limit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/clock"
)

// Rule is Max in Per. Max 0 is any number.
type Rule struct {
	Name string
	Max  int
	Per  time.Duration
}

func (r Rule) interval() time.Duration { return r.Per / time.Duration(r.Max) }

func (r Rule) key(of string) string { return r.Name + "|" + of }

// UnmarshalText reads "20/1m" (20 requests a minute) or "off".
func (r *Rule) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		r.Max = 0
		return nil
	}
	count, per, _ := strings.Cut(string(text), "/")
	parsed := Rule{Name: r.Name}
	var err1, err2 error
	parsed.Max, err1 = strconv.Atoi(count)
	parsed.Per, err2 = time.ParseDuration(per)
	if err := errors.Join(err1, err2); err != nil || parsed.Max < 1 || parsed.interval() < time.Microsecond {
		return fmt.Errorf("%q is not like 20/1m, nor off", text)
	}
	*r = parsed
	return nil
}

// Limiter checks rules.
type Limiter struct {
	q     db.Queries
	clock clock.Clock
}

// New returns a limiter that counts in store.
func New(store *db.DB, c clock.Clock) *Limiter { return &Limiter{store.Queries, c} }

// In returns a limiter that counts in the transaction of q: what is rolled back was not charged. Requests that take the
// same key wait for each other until then, so all transactions must take their rules in the same order.
func (l *Limiter) In(q db.Queries) *Limiter { return &Limiter{q, l.clock} }

// Take charges key with one request under rule: Max at once, and in the long run Max in Per. Without room it is
// apierr.ErrRateLimited, which tells when to come back; a refused request costs nothing.
func (l *Limiter) Take(ctx context.Context, rule Rule, userpoolID, key string) error {
	return l.TakeWith(ctx, rule, userpoolID, key, func(c *db.Charge) error {
		if c == nil {
			return nil
		}
		return l.q.Limits().Take(ctx, *c)
	})
}

// TakeWith is Take by a statement that does something more: both or, with db.ErrNotFound, neither. There is no charge where
// the rule is off.
func (l *Limiter) TakeWith(ctx context.Context, rule Rule, userpoolID, key string, statement func(*db.Charge) error) error {
	if rule.Max == 0 {
		return statement(nil)
	}
	c := db.Charge{UserpoolID: userpoolID, Key: rule.key(key), Interval: rule.interval(), Burst: rule.Max, Now: l.clock.Now()}
	return l.refusal(statement(&c), func() (time.Time, error) { return l.q.Limits().FreeAt(ctx, c) })
}

// TakeOf charges key with one request under rule: never more than Max in any Per. Otherwise it is like Take. It remembers
// every request, so Max should be some thousands at most.
func (l *Limiter) TakeOf(ctx context.Context, rule Rule, userpoolID, key string) error {
	return l.TakeOfWith(ctx, rule, userpoolID, key, func(c *db.Quota) error {
		if c == nil {
			return nil
		}
		return l.q.Limits().TakeOf(ctx, *c)
	})
}

// TakeOfWith is to TakeOf what TakeWith is to Take.
func (l *Limiter) TakeOfWith(ctx context.Context, rule Rule, userpoolID, key string, statement func(*db.Quota) error) error {
	if rule.Max == 0 {
		return statement(nil)
	}
	c := db.Quota{UserpoolID: userpoolID, Key: rule.key(key), Most: rule.Max, Period: rule.Per, Now: l.clock.Now()}
	return l.refusal(statement(&c), func() (time.Time, error) { return l.q.Limits().FreeOf(ctx, c) })
}

// refusal says when a key that had no room will have some.
func (l *Limiter) refusal(err error, freeAt func() (time.Time, error)) error {
	if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	at, err := freeAt()
	if err != nil && !errors.Is(err, db.ErrNotFound) { // not found: it was cleared in between
		return err
	}
	return apierr.ErrRateLimited.WithRetryAfter(max(at.Sub(l.clock.Now()), time.Second))
}

// Refused tells whether err says that there was no room.
func Refused(err error) bool { return errors.Is(err, apierr.ErrRateLimited) }

// Clear gives a key all of the room back that Take has charged.
func (l *Limiter) Clear(ctx context.Context, rule Rule, userpoolID, key string) error {
	if rule.Max == 0 {
		return nil
	}
	return l.q.Limits().Clear(ctx, userpoolID, rule.key(key))
}

// IPKey is what requests of one client share: the address, or for IPv6 its /64, of which one client has all.
func IPKey(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return prefix.Masked().String()
}
