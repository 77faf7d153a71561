package account

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

// atWechat is somebody at a connection of the WeChat app; without union id if that is empty.
func atWechat(connection, app, openID, unionID string) authn.Identity {
	return wechatid.Person{AppID: app, OpenID: openID, UnionID: unionID}.Identity(connection)
}

// userOf asks in a transaction of its own.
func (r *rig) userOf(ctx context.Context, id authn.Identity, create bool) (userID string, isNew bool, err error) {
	err = r.store.InTx(ctx, func(q db.Queries) error {
		userID, isNew, err = r.UserOfIdentity(ctx, q, "pool", id, create)
		return err
	})
	return userID, isNew, err
}

// count runs a query around package db.
func (r *rig) count(query string) (n int) {
	r.t.Helper()
	r.must(r.raw.QueryRowContext(r.t.Context(), query).Scan(&n))
	return n
}

// TestUserOfIdentity (Q10): one person is one user, however it comes: the first time it is made, without name or password,
// and only if that is wanted; after that it is found at the connection, at another connection of the same WeChat app, and by
// its union id at another app. What was not known yet is bound.
func TestUserOfIdentity(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, _, err := r.userOf(ctx, atWechat("c1", "wx1", "o1", ""), false)
	r.want("of somebody who is not known", err, ErrIdentityUnknown)
	if n := r.count("SELECT count(*) FROM users"); n != 0 {
		t.Fatalf("%d users", n)
	}
	first, isNew, err := r.userOf(ctx, atWechat("c1", "wx1", "o1", ""), true)
	r.must(err)
	u, err := r.Find(ctx, "pool", ByID, first)
	r.must(err)
	if !isNew || u.Username != nil || u.Email != nil || u.Phone != nil || u.PasswordHash != nil || u.Source != "register" || u.Status != "Activated" {
		t.Errorf("new %v: %+v", isNew, u)
	}
	for _, again := range []struct {
		name string
		id   authn.Identity
	}{
		{"again", atWechat("c1", "wx1", "o1", "")},
		{"at another connection of the app", atWechat("c2", "wx1", "o1", "")},
		{"now with a union id", atWechat("c1", "wx1", "o1", "u1")},
		{"by the union id, at another app", atWechat("c3", "wx2", "o-other", "u1")},
		{"by the open id there, which was bound", atWechat("c3", "wx2", "o-other", "")},
	} {
		for _, create := range []bool{true, false} {
			if got, isNew, err := r.userOf(ctx, again.id, create); err != nil || isNew || got != first {
				t.Errorf("%s: %s, new %v, %v", again.name, got, isNew, err)
			}
		}
	}
	if n := r.count("SELECT count(*) FROM identities"); n != 3 { // the open id at two apps, and the union id
		t.Errorf("%d identities", n)
	}
	list, err := r.Identities(ctx, u)
	r.must(err)
	said := map[string]string{} // of each, what it is and by which connection it came
	for _, i := range list {
		said[i.ExtIdpID+" "+i.Provider+" "+i.UserIDInIdp] = fmt.Sprint(i.Type, i.OriginConnIDs, string(i.UserInfo))
	}
	if want := map[string]string{"c1 wechat-wx1 o1": "openid[c1]{}", "wechat wechat u1": "unionid[c1]{}", "c3 wechat-wx2 o-other": "openid[c3]{}"}; !maps.Equal(said, want) {
		t.Errorf("identities %v, want %v", said, want)
	}
	second, isNew, err := r.userOf(ctx, atWechat("c3", "wx2", "o1", ""), true)
	if err != nil || !isNew || second == first {
		t.Errorf("the same open id at another app is somebody else: %s, new %v, %v", second, isNew, err)
	}
	if n := r.count("SELECT count(*) FROM audit_log WHERE actor LIKE 'connection:c%' AND action IN ('user.create', 'user.bind_identity')"); n != 4 {
		t.Errorf("%d events in the audit log, want two users and two bound identities", n)
	}
}

// TestIdentityStaysWhereItIs (T16): where open id and union id name two users, the open id says who it is, and nobody loses
// an identity. Userpools know nothing of each other.
func TestIdentityStaysWhereItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	one, _, err := r.userOf(ctx, atWechat("c1", "wx1", "o1", ""), true)
	r.must(err)
	two, _, err := r.userOf(ctx, atWechat("c2", "wx2", "o2", "u"), true)
	r.must(err)
	if got, _, err := r.userOf(ctx, atWechat("c1", "wx1", "o1", "u"), true); err != nil || got != one {
		t.Errorf("%s, %v; want the user of the open id", got, err)
	}
	if got, err := r.Find(ctx, "pool", BySyncRelation, "wechat:u"); err != nil || got.ID != two {
		t.Errorf("the union id went to %s, %v", got.ID, err)
	}
	err = r.store.InTx(ctx, func(q db.Queries) error {
		_, _, err := r.UserOfIdentity(ctx, q, "other", atWechat("c1", "wx1", "o1", "u"), false)
		return err
	})
	r.want("in another userpool", err, ErrIdentityUnknown)
}

// TestIdentitiesRace (Q10): somebody who comes for the first time, many times at once, at one app and another, is one user.
func TestIdentitiesRace(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(i int) authn.Identity{
		"one app":                    func(int) authn.Identity { return atWechat("c1", "wx1", "o1", "") },
		"two connections of one app": func(i int) authn.Identity { return atWechat([]string{"c1", "c2"}[i%2], "wx1", "o1", "u") },
		"two apps": func(i int) authn.Identity {
			return atWechat([]string{"c1", "c2"}[i%2], []string{"wx1", "wx2"}[i%2], []string{"o1", "o2"}[i%2], "u")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var (
				all     sync.WaitGroup
				users   [24]string
				created [24]bool
				start   = make(chan struct{})
			)
			for i := range users {
				all.Go(func() {
					<-start
					var err error
					if users[i], created[i], err = r.userOf(t.Context(), of(i), true); err != nil {
						t.Errorf("%d: %v", i, err)
					}
				})
			}
			close(start)
			all.Wait()
			made := 0
			for i := range users {
				if users[i] != users[0] {
					t.Fatalf("two users: %v", users)
				}
				if created[i] {
					made++
				}
			}
			if n := r.count("SELECT count(*) FROM users"); made != 1 || n != 1 {
				t.Errorf("%d say that they made the user, and there are %d", made, n)
			}
		})
	}
}

// TestLoserFindsTheWinnersUser (Q10): who waits for another transaction that is making the same person's user leaves nothing of
// its own behind, and goes on with that one; if the other fails, with its own.
func TestLoserFindsTheWinnersUser(t *testing.T) {
	t.Parallel()
	errFailed := errors.New("the effect failed")
	for name, outcome := range map[string]error{"the other one wins": nil, "the other one fails": errFailed} {
		r := newRig(t)
		var first, second string
		var isNew bool
		done := make(chan error, 1)
		err := r.store.InTx(t.Context(), func(q db.Queries) (err error) {
			if first, _, err = r.UserOfIdentity(t.Context(), q, "pool", atWechat("c1", "wx1", "o1", "u"), true); err != nil {
				return err
			}
			go func() {
				var err error
				second, isNew, err = r.userOf(t.Context(), atWechat("c2", "wx2", "o2", "u"), true)
				done <- err
			}()
			const waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
			for r.count(waiting) == 0 {
				select {
				case err := <-done:
					t.Fatalf("%s: nobody waited: %v", name, err)
				case <-time.After(time.Millisecond):
				}
			}
			return outcome
		})
		r.want(name, err, outcome)
		r.must(<-done)
		if n := r.count("SELECT count(*) FROM users"); n != 1 || (outcome == nil) != (first == second) || (outcome == nil) == isNew {
			t.Errorf("%s: %s and %s, new %v, %d users", name, first, second, isNew, n)
		}
		if n := r.count("SELECT count(*) FROM identities"); (outcome == nil) != (n == 3) {
			t.Errorf("%s: %d identities", name, n)
		}
	}
}
