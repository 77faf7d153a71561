package otp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// Keys that may import: one that may read users too, and one that may not.
var (
	writer      = authn.Management{UserpoolID: "pool", KeyID: "writer", Scopes: []string{authn.ScopeOTPSecretWrite, authn.ScopeUserRead}}
	blindWriter = authn.Management{UserpoolID: "pool", KeyID: "blind-writer", Scopes: []string{authn.ScopeOTPSecretWrite}}
)

// users stands for the accounts and the authenticators: the users a to e, of whom e has another authenticator. What is bound
// and who is told are rows, so that what is rolled back has not happened.
type users struct{}

var errAnother = &apierr.Error{Kind: apierr.Conflict, Code: "test.another"}

func (users) Find(_ context.Context, userpoolID, idType, id string) (db.User, error) {
	if userpoolID != "pool" || idType != "user_id" || len(id) != 1 || id > "e" {
		return db.User{}, errUnknown
	}
	return db.User{UserpoolID: userpoolID, ID: id}, nil
}

func (users) Tell(ctx context.Context, q db.Queries, userpoolID, userID string, m message.Template) error {
	return q.Outbox().Insert(ctx, db.OutboxMessage{
		UserpoolID: userpoolID, ID: "to " + userID, Channel: "email", Template: string(m), MessageSealed: []byte(userID), CreatedAt: time.Now(),
		ExpiresAt: time.Now().Add(time.Hour),
	})
}

func (users) Secret(context.Context, string, string) (string, error) { return "", errUnknown }

func (users) Bound(_ context.Context, _ db.Queries, _, userID string) (bool, error) {
	return userID == "e", nil
}

func (users) Import(ctx context.Context, q db.Queries, userpoolID, userID, actor, secret, recovery string) (bool, error) {
	switch {
	case userID == "e":
		return false, errAnother
	case secret == "bad":
		return false, errForm
	}
	row := db.Captcha{UserpoolID: userpoolID, ID: userID, AnswerHash: []byte(actor + " " + secret + " " + recovery), CreatedAt: time.Now(), ExpiresAt: time.Now()}
	err := q.Captchas().Insert(ctx, row)
	return err == nil, err
}

func newImporter(t *testing.T) *Service {
	t.Helper()
	store, c := dbtest.New(t), &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	if err := store.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: "pool", CreatedAt: c.now}); err != nil {
		t.Fatal(err)
	}
	return New(Settings{}, store, c, limit.New(store, c), users{}, users{})
}

// bound are what was bound, each as "user by key secret recovery", and told.
func bound(t *testing.T, s *Service) (list []string) {
	t.Helper()
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		c, err := s.store.Captchas().Consume(t.Context(), "pool", id)
		if err == nil {
			list = append(list, id+" "+string(c.AnswerHash))
		} else if !errors.Is(err, db.ErrNotFound) {
			t.Error(err)
		}
	}
	return list
}

// TestImport (T15): the whole list or nothing of it, in whatever order it comes, and each user is told; of what was refused
// the number of the entry is said, and no secret.
func TestImport(t *testing.T) {
	t.Parallel()
	good := []Item{{"c", "SC", ""}, {"a", "SA", "RA"}, {"b", "SB", ""}}
	for name, test := range map[string]struct {
		caller authn.Management
		items  []Item
		want   error
		detail string
	}{
		"all":                    {writer, good, nil, ""},
		"nothing":                {writer, nil, nil, ""},
		"an unknown user":        {writer, []Item{good[0], good[1], {"nobody", "SECRET", "RECOVERY"}}, errUnknown, "list[2]"},
		"a bad secret":           {writer, []Item{good[0], {"d", "bad", "RECOVERY"}, good[1]}, errForm, "list[1]"},
		"another authenticator":  {writer, []Item{{"e", "SECRET", "RECOVERY"}, good[0]}, errAnother, "list[0]"},
		"unknown, for the blind": {blindWriter, []Item{good[0], {"nobody", "SECRET", ""}}, ErrNotImported, "list[1]"},
		"another, for the blind": {blindWriter, []Item{good[0], {"e", "SECRET", ""}}, ErrNotImported, "list[1]"},
		"bad, for the blind":     {blindWriter, []Item{{"d", "bad", ""}}, errForm, "list[0]"},
		"without the scope":      {reader, good, authn.ErrForbidden, "needs otp:secret:write"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newImporter(t)
			ctx := reqinfo.With(t.Context(), &reqinfo.Info{IP: "192.0.2.1", ID: "request"})
			err := s.Import(ctx, test.caller, test.items)
			if !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			told, errClaim := s.store.Outbox().Claim(t.Context(), "email", 10, time.Now().Add(time.Second), time.Now().Add(time.Minute))
			if errClaim != nil {
				t.Fatal(errClaim)
			}
			var want []string
			if test.want == nil && len(test.items) > 0 {
				want = []string{"a key:writer SA RA", "b key:writer SB ", "c key:writer SC "}
			}
			if got := bound(t, s); !slices.Equal(got, want) || len(told) != len(want) {
				t.Errorf("bound %q and told %d, want %q", got, len(told), want)
			}
			for _, m := range told {
				if m.Template != string(message.FactorBound) {
					t.Errorf("told %s", m.Template)
				}
			}
			events, errAudit := s.store.Audit().Of(ctx, "pool", "user:unknown", 10)
			if errAudit != nil {
				t.Fatal(errAudit)
			}
			if test.want == nil {
				if len(events) != 0 {
					t.Errorf("audit log %+v", events)
				}
				return
			}
			if e := apierr.From(err); e.Detail != test.detail || strings.Contains(fmt.Sprintf("%v %+v", err, err), "SECRET") || strings.Contains(err.Error(), "RECOVERY") {
				t.Errorf("%v, want the detail %s", err, test.detail)
			}
			if len(events) != 1 || events[0].Action != "otp.secret.import" || events[0].Outcome != "refused" || events[0].Actor != "key:"+test.caller.KeyID {
				t.Errorf("audit log %+v", events)
			}
		})
	}
}

// TestImportsTogether: imports of the same users in another order do not wait for each other for ever; one binds each.
func TestImportsTogether(t *testing.T) {
	t.Parallel()
	s := newImporter(t)
	s.factors = agreeable{}
	items := []Item{{"a", "S", ""}, {"b", "S", ""}, {"c", "S", ""}, {"d", "S", ""}}
	for _, u := range items {
		err := s.store.Accounts().InsertUser(t.Context(), db.User{UserpoolID: "pool", ID: u.UserID, Status: db.UserStatusActivated, CreatedAt: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 16)
	for i := range cap(done) {
		order := slices.Clone(items)
		if i%2 == 1 {
			slices.Reverse(order)
		}
		go func() { done <- s.Import(ctx, writer, order) }()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// agreeable locks the user as the real one does, and has everything already.
type agreeable struct{ users }

func (agreeable) Import(ctx context.Context, q db.Queries, userpoolID, userID, _, _, _ string) (bool, error) {
	return false, q.Accounts().Hold(ctx, userpoolID, userID)
}

// TestImportsPerKey (T15): imports count among a key's lookups, found or not: both tell whether a user has an authenticator.
func TestImportsPerKey(t *testing.T) {
	t.Parallel()
	s := newImporter(t)
	s.LookupsPerKey = limit.Rule{Name: "otp.key", Max: 3, Per: time.Minute}
	for range 3 {
		if err := s.Import(t.Context(), writer, []Item{{"e", "S", ""}}); !errors.Is(err, errAnother) {
			t.Errorf("%v, want errAnother", err)
		}
	}
	if err := s.Import(t.Context(), writer, []Item{{"a", "S", ""}}); !errors.Is(err, apierr.ErrRateLimited) {
		t.Errorf("a fourth: %v, want ErrRateLimited", err)
	}
	if err := s.Import(t.Context(), blindWriter, []Item{{"a", "S", ""}}); err != nil {
		t.Errorf("another key: %v", err)
	}
}

// TestHasAuthenticator: a key that may read users learns whether there is an authenticator, and no other does.
func TestHasAuthenticator(t *testing.T) {
	t.Parallel()
	s := newImporter(t)
	for id, want := range map[string]bool{"a": false, "e": true} {
		if got, err := s.HasAuthenticator(t.Context(), reader, "user_id", id); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", id, got, err, want)
		}
		if got, err := s.HasAuthenticator(t.Context(), blind, "user_id", id); !errors.Is(err, authn.ErrForbidden) || got {
			t.Errorf("%s, for the blind: %v, %v; want ErrForbidden", id, got, err)
		}
	}
	if _, err := s.HasAuthenticator(t.Context(), reader, "user_id", "nobody"); !errors.Is(err, errUnknown) {
		t.Errorf("nobody: %v, want errUnknown", err)
	}
	elsewhere := reader
	elsewhere.UserpoolID = "other"
	if _, err := s.HasAuthenticator(t.Context(), elsewhere, "user_id", "e"); !errors.Is(err, errUnknown) {
		t.Errorf("in another userpool: %v, want errUnknown", err)
	}
	api, ctx := NewAPI(s), authn.With(t.Context(), authn.Principal{Management: &reader})
	for id, want := range map[string]gen.FactorStatus{"a": gen.FactorStatusDisabled, "e": gen.FactorStatusEnabled} {
		answer, err := api.GetUserMFAInfo(ctx, gen.GetUserMFAInfoRequestObject{
			Params: gen.GetUserMFAInfoParams{UserID: id, UserIDType: optional.Of[gen.UserIDType]("user_id")},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.(gen.GetUserMFAInfo200JSONResponse).Data; got.TOTPStatus != want || got.SmsMFAStatus != gen.FactorStatusDisabled {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if _, err := api.GetUserMFAInfo(t.Context(), gen.GetUserMFAInfoRequestObject{}); !errors.Is(err, authn.ErrUnauthenticated) {
		t.Errorf("nobody asks: %v", err)
	}
}
