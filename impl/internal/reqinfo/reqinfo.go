// Package reqinfo carries what every layer may want to know of the request at hand.
package reqinfo

import (
	"context"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// Info is set once by the gate and, but for the hint, not changed after.
type Info struct {
	ID        string // X-Request-Id
	IP        string // of the client, as the configured proxies vouch for it
	UserAgent string // at most 512 bytes
	Lang      lang.Lang
	Hint      string // for the person, in Lang: what is said beside a success. Only the handler's goroutine touches it
}

type key struct{}

// With returns a context that carries info.
func With(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, key{}, info)
}

// From returns the info of the request; outside of one, an empty one.
func From(ctx context.Context) *Info {
	if info, ok := ctx.Value(key{}).(*Info); ok {
		return info
	}
	return &Info{}
}
