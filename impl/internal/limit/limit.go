// Package limit holds rates down, exactly under parallel requests and over all replicas: every check is one upsert in
// PostgreSQL (generic cell rate algorithm). Where the database does not answer, nothing is let through.
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

// Rule allows Max requests at once and in every Per in the long run. Max 0 allows any number.
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

// Take charges key with one request under rule. Without room it is apierr.ErrRateLimited, which tells when to come back;
// a refused request costs nothing.
func (l *Limiter) Take(ctx context.Context, rule Rule, userpoolID, key string) error {
	if rule.Max == 0 {
		return nil
	}
	now := l.clock.Now()
	key = rule.key(key)
	err := l.q.Limits().Take(ctx, userpoolID, key, rule.interval(), rule.Max, now)
	if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	freeAt, err := l.q.Limits().FreeAt(ctx, userpoolID, key, rule.interval(), rule.Max)
	if err != nil {
		return err
	}
	return apierr.ErrRateLimited.WithRetryAfter(max(freeAt.Sub(now), time.Second))
}

// Refused tells whether err says that there was no room.
func Refused(err error) bool { return errors.Is(err, apierr.ErrRateLimited) }

// Clear gives a key all of a rule's room back.
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
