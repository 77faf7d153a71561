package httpapi

import (
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// TestRefusalsOfAnOperation: what it declares, what its security answers, and what the gate does; nothing that is answered before
// there is an operation.
func TestRefusalsOfAnOperation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		edit []string
		want string
	}{
		{"open to everybody", []string{"[{}, AccessToken: []]", "[]"}, "request.invalid request.media_type request.rate_limited request.too_large " +
			"service.internal service.unavailable"},
		{"a stale token does no harm", nil, "request.invalid request.media_type request.rate_limited request.too_large " +
			"service.internal service.unavailable"},
		{"a token is needed", []string{"[{}, AccessToken: []]", "[AccessToken: []]"}, "auth.required auth.token_expired auth.token_invalid request.invalid " +
			"request.media_type request.rate_limited request.too_large service.internal service.unavailable"},
		{"of its own", []string{"refusals: []", "refusals: [auth.userpool, auth.required]"}, "auth.required auth.userpool " +
			"request.invalid request.media_type request.rate_limited request.too_large service.internal service.unavailable"},
		{"without a body", []string{"      requestBody:\n        content:\n          application/json: {schema: {$ref: '#/components/schemas/Thing'}}\n", ""}, "request.invalid " +
			"request.rate_limited request.too_large service.internal service.unavailable"},
	} {
		c, err := Compile(parse(t, strings.NewReplacer(test.edit...).Replace(sound)), authenticator)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		var got []string
		for _, e := range c.Refusals("makeThing") {
			got = append(got, e.Code)
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s:\n  is   %s\n  want %s", test.name, text, test.want)
		}
		if list := c.Refusals("breakThing"); list != nil {
			t.Errorf("%s: refusals of an operation that there is not: %v", test.name, list)
		}
	}
}

// TestRefusalsOutsideTheContractAreNoticed: an operation that refuses what the contract does not tell of is sent, since it is true,
// and is an error in the log; one that is told of is none.
func TestRefusalsOutsideTheContractAreNoticed(t *testing.T) {
	t.Parallel()
	undeclared := &apierr.Error{Kind: apierr.Conflict, Code: "test.taken", Number: 100010, EN: "Taken.", ZH: "已被占用。"}
	for name, a := range asks {
		for _, refusal := range []*apierr.Error{undeclared, apierr.ErrInternal, apierr.ErrUnavailable, apierr.ErrRateLimited} {
			h, log := guarded(t, failing(func() error { return refusal }))
			w := answer(h, a.request("X-Request-Id", "request-1", "Accept", mediaProblem))
			if !strings.Contains(w.Body.String(), `"`+refusal.Code+`"`) {
				t.Errorf("%s, %s: was not sent: %s", name, refusal.Code, w.Body)
			}
			noticed := strings.Contains(log.String(), `level=ERROR msg="`+UndeclaredRefusal+`"`)
			if noticed != (refusal == undeclared) {
				t.Errorf("%s, %s: noticed: %v", name, refusal.Code, noticed)
			}
			if noticed && !strings.Contains(log.String(), "code=test.taken request_id=request-1") {
				t.Errorf("%s: the log does not tell which: %s", name, log)
			}
		}
	}
}

// TestRequestsThatFindNoOperation have no contract that they could break.
func TestRequestsThatFindNoOperation(t *testing.T) {
	t.Parallel()
	h, log := guarded(t, fake{})
	for _, a := range []ask{{"GET", "/nothing", ""}, {"DELETE", "/healthz", ""}} {
		answer(h, a.request())
	}
	if strings.Contains(log.String(), UndeclaredRefusal) {
		t.Error(log)
	}
}
