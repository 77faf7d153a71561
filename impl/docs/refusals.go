package docs

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/envelope"
)

var dialectNames = map[envelope.Dialect]string{
	envelope.Base: "base", envelope.Status: "status", envelope.Code: "code", envelope.OAuth: "oauth",
}

// numberNames are the members that tell refusals apart. In the base dialect all have the number -1.
var numberNames = map[envelope.Dialect]string{envelope.Status: "apiCode", envelope.Code: "code", envelope.OAuth: "error"}

// refusal is one at an operation.
type refusal struct {
	*apierr.Error
	Shown   string // its number there; empty for none
	dialect envelope.Dialect
}

// Always tells whether its status as a problem is that for every client.
func (r refusal) Always() bool { return r.dialect == envelope.Code && r.Kind == apierr.Unauthenticated }

func newRefusal(d envelope.Dialect, e *apierr.Error) refusal {
	r := refusal{Error: e, dialect: d}
	switch {
	case d == envelope.Status && e.API != 0:
		r.Shown = strconv.Itoa(e.API)
	case d == envelope.Code:
		r.Shown = strconv.Itoa(e.Number)
	case d == envelope.OAuth:
		r.Shown = e.OAuth
	}
	return r
}

// shared are the refusals that are told once for all operations, by code.
type shared map[string]*apierr.Error

// newShared begins with those that are answered before there is an operation, so that none has them.
func newShared() shared {
	return shared{apierr.ErrRoute.Code: apierr.ErrRoute, apierr.ErrMethod.Code: apierr.ErrMethod}
}

// add adds what an operation does not tell of itself.
func (s shared) add(list []*apierr.Error, n notes) {
	for _, e := range list {
		if e.Gate || slices.Contains(n.Shared, e.Code) {
			s[e.Code] = e
		}
	}
}

// sharedTables are in the order of their HTTP status.
type sharedTables struct{ Gate, Credentials []*apierr.Error }

func (s shared) tables() (t sharedTables) {
	for _, e := range slices.SortedFunc(maps.Values(s), func(a, b *apierr.Error) int {
		return cmp.Or(cmp.Compare(a.Kind.Status(), b.Kind.Status()), cmp.Compare(a.Code, b.Code))
	}) {
		if e.Gate {
			t.Gate = append(t.Gate, e)
		} else {
			t.Credentials = append(t.Credentials, e)
		}
	}
	return t
}
