package httpapi

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// refusalsExtension lists, by their stable codes, what an operation itself refuses. OpenAPI has no word for outcomes that share
// one HTTP status.
const refusalsExtension = "x-menshen-refusals"

// Refusals returns all that a caller of the operation may be refused with, by code: what the operation declares, and what follows
// from its security and from the gate. It is nil for an operation that there is not.
func (c *Contract) Refusals(operationID string) []*apierr.Error {
	for _, p := range c.paths {
		for _, op := range p.operations {
			if op.id == operationID {
				return slices.SortedFunc(maps.Values(op.refusals), func(a, b *apierr.Error) int { return cmp.Compare(a.Code, b.Code) })
			}
		}
	}
	return nil
}

// refusalsOf are those of an operation, by code.
func refusalsOf(op *openapi3.Operation, auth *authn.Authenticator) (map[string]*apierr.Error, error) {
	all := map[string]*apierr.Error{}
	for _, e := range append(refusalsOfGate(op), auth.Refusals(*op.Security)...) {
		all[e.Code] = e
	}
	codes, ok := op.Extensions[refusalsExtension].([]any)
	if !ok { // an operation that refuses nothing says so: one that was forgotten would look the same
		return nil, errors.New(refusalsExtension + " must be stated, as a list")
	}
	for _, code := range codes {
		text, _ := code.(string)
		e := apierr.Lookup(text)
		switch {
		case e == nil:
			return nil, fmt.Errorf("%s has the unknown code %q", refusalsExtension, text)
		case all[text] != nil: // it would pass for something of this operation alone
			return nil, fmt.Errorf("%s has %q twice, or it follows from the security or the gate", refusalsExtension, text)
		}
		all[text] = e
	}
	return all, nil
}

// refusalsOfGate are what the gate may answer for an operation. That there is none, or none with this method, is not among them: it
// is answered before an operation is found.
func refusalsOfGate(op *openapi3.Operation) (list []*apierr.Error) {
	for _, e := range apierr.Catalogue() {
		elsewhere := e.Is(apierr.ErrRoute) || e.Is(apierr.ErrMethod) || e.Is(apierr.ErrMediaType) && op.RequestBody == nil
		if e.Gate && !elsewhere {
			list = append(list, e)
		}
	}
	return list
}

// UndeclaredRefusal is what the log says of a refusal that the contract does not tell of.
const UndeclaredRefusal = "refusal is not in the contract"

// checkRefusal looks whether the contract tells of a refusal. One that it does not is a mistake, and sent all the same: a person who
// waits is better served by the true reason than by an internal error.
func (g *gate) checkRefusal(r *http.Request, x *exchange, e *apierr.Error) {
	if x.op != nil && x.op.refusals[e.Code] == nil {
		g.Log.ErrorContext(r.Context(), UndeclaredRefusal, "operation", x.op.id, "code", e.Code, "request_id", x.info.ID)
	}
}
