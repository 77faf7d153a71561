package otp

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

var (
	errUnknown = &apierr.Error{Kind: apierr.NotFound, Code: "test.unknown"}
	errForm    = &apierr.Error{Kind: apierr.Invalid, Code: "test.form"}
	errBroken  = errors.New("broken")
)

// directory stands for the accounts: alice, who has a secret, bob, who has none, and broken ones.
type directory struct{}

func (directory) Find(_ context.Context, userpoolID, idType, id string) (db.User, error) {
	switch {
	case id == "malformed":
		return db.User{}, errForm
	case id == "unreadable":
		return db.User{}, errBroken
	case userpoolID != "pool" || idType != "username" || id == "nobody":
		return db.User{}, errUnknown
	}
	return db.User{UserpoolID: userpoolID, ID: "id-of-" + id}, nil
}

func (directory) Secret(_ context.Context, userpoolID, userID string) (string, error) {
	switch {
	case userID == "id-of-sealed":
		return "", errBroken
	case userpoolID == "pool" && userID == "id-of-alice":
		return seed, nil
	}
	return "", errUnknown
}

func (directory) Tell(context.Context, db.Queries, string, string, message.Template) error {
	return errBroken // a lookup tells nobody
}

func (directory) Bound(_ context.Context, _ db.Queries, userpoolID, userID string) (bool, error) {
	return userpoolID == "pool" && userID == "id-of-alice", nil
}

func (directory) Import(context.Context, db.Queries, string, string, string, string, string) (bool, error) {
	return false, errBroken
}

// reader may do everything about secrets and users; blind may not read users.
var (
	reader = authn.Management{UserpoolID: "pool", KeyID: "reader", Scopes: []string{authn.ScopeOTPSecretRead, authn.ScopeUserRead}}
	blind  = authn.Management{UserpoolID: "pool", KeyID: "blind", Scopes: []string{authn.ScopeOTPSecretRead}}
)

func newService(t *testing.T) *Service {
	t.Helper()
	store, c := dbtest.New(t), &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	return New(Settings{}, store, c, limit.New(store, c), directory{}, directory{})
}

// TestLookup (T15): the secret of exactly the user who is named, or a refusal; a key that may not read users learns
// nothing about who there is. Either way the audit log has a line by then.
func TestLookup(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ctx := reqinfo.With(t.Context(), &reqinfo.Info{IP: "192.0.2.1", ID: "request"})
	elsewhere := reader
	elsewhere.UserpoolID = "other"
	for _, test := range []struct {
		name   string
		caller authn.Management
		id     string
		secret string
		want   error
		target string
	}{
		{"a secret", reader, "alice", seed, nil, "user:id-of-alice"},
		{"a secret for the blind", blind, "alice", seed, nil, "user:id-of-alice"},
		{"no factor", reader, "bob", "", ErrNotBound, "user:id-of-bob"},
		{"no factor for the blind", blind, "bob", "", ErrNone, "user:id-of-bob"},
		{"no user", reader, "nobody", "", errUnknown, "user:unknown"},
		{"no user for the blind", blind, "nobody", "", ErrNone, "user:unknown"},
		{"no such id", reader, "malformed", "", errForm, "user:unknown"},
		{"no such id for the blind", blind, "malformed", "", errForm, "user:unknown"},
		{"another userpool", elsewhere, "alice", "", errUnknown, "user:unknown"},
		{"a failure to look", blind, "unreadable", "", errBroken, "user:unknown"},
		{"a failure to open", blind, "sealed", "", errBroken, "user:id-of-sealed"},
	} {
		secret, err := s.Lookup(ctx, test.caller, "username", test.id)
		if secret != test.secret || !errors.Is(err, test.want) {
			t.Errorf("%s: %q, %v; want %q, %v", test.name, secret, err, test.secret, test.want)
		}
		events, err := s.store.Audit().Of(ctx, test.caller.UserpoolID, test.target, 1)
		want := db.AuditEvent{
			UserpoolID: test.caller.UserpoolID, Actor: "key:" + test.caller.KeyID, Action: "otp.secret.read", Target: test.target,
			Outcome: map[bool]string{true: "success", false: "refused"}[test.want == nil], IP: "192.0.2.1", RequestID: "request",
		}
		if err != nil || len(events) != 1 {
			t.Errorf("%s: no line in the audit log: %v", test.name, err)
			continue
		}
		if want.At = events[0].At; events[0] != want {
			t.Errorf("%s: audit log %+v, want %+v", test.name, events[0], want)
		}
	}
}

// TestNoAuditNoSecret (T15): a lookup that cannot be noted gives nothing away, not even who there is.
func TestNoAuditNoSecret(t *testing.T) {
	t.Parallel()
	s := newService(t)
	api := NewAPI(s)
	ctx := authn.With(t.Context(), authn.Principal{Management: &reader})
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"alice", "bob", "nobody"} {
		answer, err := lookup(ctx, api, id)
		if err == nil || answer != nil || apierr.From(err).Kind == apierr.NotFound {
			t.Errorf("%s: %+v, %v; want a failure", id, answer, err)
		}
	}
}

func lookup(ctx context.Context, api *API, id string) (gen.GetOTPSecretByUserResponseObject, error) {
	return api.GetOTPSecretByUser(ctx, gen.GetOTPSecretByUserRequestObject{
		Params: gen.GetOTPSecretByUserParams{UserID: id, UserIDType: optional.Of[gen.UserIDType]("username")},
	})
}

// TestLookupNeedsItsScope (T13, T15): a key without otp:secret:read, a user and an anonymous caller get nothing; and the
// answer is not to be stored by anything on its way.
func TestLookupNeedsItsScope(t *testing.T) {
	t.Parallel()
	api := NewAPI(newService(t))
	other := authn.Management{UserpoolID: "pool", KeyID: "other", Scopes: []string{authn.ScopeUserRead, "user:write", "otp:secret", "*"}}
	for name, test := range map[string]struct {
		caller authn.Principal
		want   error
	}{
		"key with the scope":    {authn.Principal{Management: &blind}, nil},
		"key without the scope": {authn.Principal{Management: &other}, authn.ErrForbidden},
		"user":                  {authn.Principal{User: &authn.User{UserpoolID: "pool", ID: "id-of-alice"}}, authn.ErrUnauthenticated},
		"application":           {authn.Principal{Application: &authn.Application{UserpoolID: "pool", ID: "app"}}, authn.ErrUnauthenticated},
		"anonymous":             {authn.Principal{}, authn.ErrUnauthenticated},
	} {
		answer, err := lookup(authn.With(t.Context(), test.caller), api, "alice")
		if !errors.Is(err, test.want) || (answer == nil) != (test.want != nil) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err != nil {
			continue
		}
		given := answer.(gen.GetOTPSecretByUser200JSONResponse)
		if given.Body.Data.Secret != seed || given.Headers.CacheControl == nil || *given.Headers.CacheControl != "no-store" {
			t.Errorf("%s: %+v", name, given)
		}
	}
}

// TestLookupsPerKey (T15): a key may look up so many secrets a minute, found or not, and other keys have their own.
func TestLookupsPerKey(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.LookupsPerKey = limit.Rule{Name: "otp.key", Max: 600, Per: time.Minute} // the default
	for i := range 600 {
		id := []string{"alice", "nobody", "bob"}[i%3]
		if _, err := s.Lookup(t.Context(), reader, "username", id); errors.Is(err, apierr.ErrRateLimited) {
			t.Fatalf("lookup %d is refused", i+1)
		}
	}
	var refusal *apierr.Error
	secret, err := s.Lookup(t.Context(), reader, "username", "alice")
	if !errors.Is(err, apierr.ErrRateLimited) || !errors.As(err, &refusal) || refusal.RetryAfter != time.Second || secret != "" {
		t.Errorf("lookup 601: %q, %v; want ErrRateLimited for a second", secret, err)
	}
	if _, err := s.Lookup(t.Context(), blind, "username", "alice"); err != nil {
		t.Errorf("another key: %v", err)
	}
}
