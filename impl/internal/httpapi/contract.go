package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/envelope"
)

// repeatable marks header parameters that clients are known to send twice.
const repeatable = "x-menshen-repeatable"

// always marks operations that are answered however much there is to do: they tell whether the service works.
const always = "x-menshen-always"

// Contract is the OpenAPI document, compiled for the gate.
type Contract struct {
	paths map[string]*path
}

// path is a route. All of ours are static, so looking one up is a map access.
type path struct {
	operations map[string]*operation // by method
	dialect    envelope.Dialect
	allow      string
}

// operation is what the gate knows of an operation, all of it read from the contract.
type operation struct {
	id       string
	dialect  envelope.Dialect
	route    *routers.Route
	security openapi3.SecurityRequirements
	headers  []header
	// enveloped: refusals are an answer of the operation, HTTP 200 in the dialect. Where a success has no envelope (a
	// picture, a key set), a refusal needs a status of its own.
	enveloped bool
	always    bool // does not wait for its turn
	// events are the schemas of the events of an operation that streams, by name; nil for all others.
	events map[string]*openapi3.Schema
	// refusals are all that a caller may be refused with, by code.
	refusals map[string]*apierr.Error
}

type header struct {
	name       string
	repeatable bool
}

// Compile prepares the document, which it changes, for the gate. It refuses what the gate could not guard: a route
// with variables, an operation without a dialect, a security scheme that authn does not know, a refusal that is not in
// the catalogue.
func Compile(doc *openapi3.T, auth *authn.Authenticator) (*Contract, error) {
	if err := doc.Validate(context.Background(), openapi3.SetRegexCompiler(compilePattern)); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	c := &Contract{paths: map[string]*path{}}
	for route, item := range doc.Paths.Map() {
		if strings.Contains(route, "{") {
			return nil, fmt.Errorf("contract: %s: routes with variables are not supported", route)
		}
		p := &path{operations: map[string]*operation{}}
		for method, op := range item.Operations() {
			compiled, err := compile(doc, route, item, method, op)
			if err == nil {
				err = auth.Check(compiled.security)
			}
			if err == nil {
				compiled.refusals, err = refusalsOf(op, auth)
			}
			if err != nil {
				return nil, fmt.Errorf("contract: %s %s: %w", method, route, err)
			}
			p.operations[method] = compiled
			p.dialect = compiled.dialect
		}
		methods := make([]string, 0, len(p.operations)+1)
		for method := range p.operations {
			methods = append(methods, method)
		}
		if p.operations[http.MethodGet] != nil {
			methods = append(methods, http.MethodHead)
		}
		slices.Sort(methods)
		p.allow = strings.Join(methods, ", ")
		c.paths[route] = p
	}
	return c, nil
}

func compile(doc *openapi3.T, route string, item *openapi3.PathItem, method string, op *openapi3.Operation) (*operation, error) {
	failure := op.Responses.Default()
	if failure == nil {
		return nil, errors.New("no default response, so no dialect")
	}
	dialect, err := envelope.Of(strings.TrimPrefix(failure.Ref, "#/components/responses/"))
	if err != nil {
		return nil, err
	}
	if op.OperationID == "" || op.Security == nil {
		return nil, errors.New("operationId and security must be stated")
	}
	compiled := &operation{
		id:       op.OperationID,
		dialect:  dialect,
		security: *op.Security,
		route:    &routers.Route{Spec: doc, Path: route, PathItem: item, Method: method, Operation: op},
	}
	if compiled.events, err = eventSchemas(doc, op); err != nil {
		return nil, err
	}
	_, compiled.always = op.Extensions[always]
	form := op.RequestBody != nil && op.RequestBody.Value.Content["application/x-www-form-urlencoded"] != nil
	for _, parameter := range op.Parameters {
		if form && parameter.Value.In == openapi3.ParameterInQuery {
			return nil, errors.New("takes a form and query parameters, which generated code would mix up")
		}
		if p := parameter.Value; p.In == openapi3.ParameterInHeader {
			_, twice := p.Extensions[repeatable]
			compiled.headers = append(compiled.headers, header{http.CanonicalHeaderKey(p.Name), twice})
		}
	}
	if ok := op.Responses.Status(http.StatusOK); ok != nil {
		if media := ok.Value.Content["application/json"]; media != nil {
			_, compiled.enveloped = media.Schema.Value.Properties[dialect.Property()]
		}
	}
	return compiled, nil
}

// find returns the operation that a request is for. When there is none the dialect is still known, so that the refusal
// comes in the shape that the caller expects.
func (c *Contract) find(r *http.Request) (*operation, envelope.Dialect, error) {
	p, ok := c.paths[r.URL.EscapedPath()] // as the router compares it: an escaped letter makes another path
	if !ok {
		return nil, c.nearestDialect(r.URL.Path), apierr.ErrRoute
	}
	op, ok := p.operations[r.Method]
	if !ok {
		return nil, p.dialect, methodError{p.allow}
	}
	return op, op.dialect, nil
}

// methodError is apierr.ErrMethod with the methods that there are, for the Allow header (RFC 9110 section 15.5.6).
type methodError struct{ allow string }

func (e methodError) Error() string { return "method not allowed" }
func (e methodError) Unwrap() error { return apierr.ErrMethod.WithDetail("use " + e.allow) }

// nearestDialect guesses the dialect of a caller by the operations that share the longest beginning with the route; a
// tie is the status dialect, which most operations speak.
func (c *Contract) nearestDialect(route string) envelope.Dialect {
	best, dialects := 1, map[envelope.Dialect]bool{}
	for known, p := range c.paths {
		switch n := sharedSegments(known, route); {
		case n > best:
			best, dialects = n, map[envelope.Dialect]bool{p.dialect: true}
		case n == best:
			dialects[p.dialect] = true
		}
	}
	if best > 1 && len(dialects) == 1 {
		for d := range dialects {
			return d
		}
	}
	return envelope.Status
}

func sharedSegments(a, b string) int {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	return n
}
