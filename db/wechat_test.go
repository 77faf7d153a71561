package db_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

const connectionID = "connection"

func newConnection(id string) db.Connection {
	return db.Connection{
		UserpoolID: poolID, ID: id, AppID: appID, Type: db.WechatOfficialAccount, Name: "图书馆", WechatAppID: "wx1", EnvVersion: "release",
		Lang: "zh", CreateUsers: true, CreatedAt: now,
	}
}

func insertConnection(ctx context.Context, q db.Queries) error {
	return q.Connections().Insert(ctx, newConnection(connectionID))
}

// want checks an outcome; nil is success.
func (f fixture) want(what string, err, want error) {
	f.t.Helper()
	if !errors.Is(err, want) {
		f.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestConnectionRows: a connection is found by its id, as the first of its application and type, and with its secrets; each
// secret is one row of its kind, and all go with the connection.
func TestConnectionRows(t *testing.T) {
	t.Parallel()
	f, ctx := furnished(t), t.Context()
	q := f.Connections()
	older, disabled := newConnection("older"), newConnection("disabled")
	older.CreatedAt, disabled.CreatedAt = now.Add(-time.Second), now.Add(-time.Hour)
	disabled.DisabledAt = &older.CreatedAt
	for _, c := range []db.Connection{newConnection(connectionID), older, disabled} {
		f.must(q.Insert(ctx, c))
	}
	if c, err := q.First(ctx, poolID, appID, db.WechatOfficialAccount); err != nil || c.ID != "older" {
		t.Errorf("the first is %+v, %v", c, err)
	}
	_, err := q.First(ctx, poolID, appID, db.WechatMiniprogram)
	f.want("the first of another type", err, db.ErrNotFound)
	changed := older
	changed.Name, changed.Page, changed.Lang, changed.CreateUsers, changed.DisabledAt = "new", "page", "en", false, &now
	f.must(q.Update(ctx, changed))
	if c, err := q.Get(ctx, "older"); err != nil || c.Name != "new" || c.Page != "page" || c.Lang != "en" || c.CreateUsers || c.DisabledAt == nil {
		t.Errorf("%+v, %v", c, err)
	}
	for _, sealed := range []string{"one", "two"} {
		f.must(q.PutSecret(ctx, poolID, connectionID, db.ConnectionAppSecret, []byte(sealed)))
	}
	f.must(q.PutSecret(ctx, poolID, connectionID, db.ConnectionAESKey, []byte("key")))
	if sealed, err := q.Secret(ctx, poolID, connectionID, db.ConnectionAppSecret); err != nil || string(sealed) != "two" {
		t.Errorf("%q, %v", sealed, err)
	}
	f.must(q.RemoveSecret(ctx, poolID, connectionID, db.ConnectionAESKey))
	_, err = q.Secret(ctx, poolID, connectionID, db.ConnectionAESKey)
	f.want("a secret that was removed", err, db.ErrNotFound)
	f.must(q.PutLogo(ctx, poolID, connectionID, []byte("png")))
	if logo, err := q.Logo(ctx, poolID, connectionID); err != nil || string(logo) != "png" {
		t.Errorf("%q, %v", logo, err)
	}
	f.must(f.Wechat().LeaseToken(ctx, poolID, connectionID, 0, now.Add(time.Second), now))
	f.must(q.Delete(ctx, poolID, connectionID))
	f.want("deleted twice", q.Delete(ctx, poolID, connectionID), db.ErrNotFound)
	if n := f.number("SELECT (SELECT count(*) FROM connection_secrets) + (SELECT count(*) FROM wechat_tokens)"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	all, err := q.All(ctx)
	if ids := []string{"disabled", "older"}; err != nil || !slices.EqualFunc(all, ids, func(c db.Connection, id string) bool { return c.ID == id }) {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestTokenVersions (Q10): a lease is on the token that follows a version, and of no use for another; what voids a token says
// which.
func TestTokenVersions(t *testing.T) {
	t.Parallel()
	f, ctx := furnished(t), t.Context()
	f.must(insertConnection(ctx, f.Queries))
	q, until := f.Wechat(), now.Add(time.Second)
	_, err := q.Token(ctx, poolID, connectionID)
	f.want("before anybody has asked", err, db.ErrNotFound)
	f.must(q.LeaseToken(ctx, poolID, connectionID, 0, until, now))
	f.want("a second lease, just before the end of the first", q.LeaseToken(ctx, poolID, connectionID, 0, until, until.Add(-time.Microsecond)), db.ErrNotFound)
	f.want("with another's lease", q.StoreToken(ctx, poolID, connectionID, 0, now, []byte("a"), until), db.ErrNotFound)
	f.must(q.StoreToken(ctx, poolID, connectionID, 0, until, []byte("a"), now.Add(time.Hour)))
	f.want("a lease on what is there", q.LeaseToken(ctx, poolID, connectionID, 0, until, until), db.ErrNotFound)
	f.want("a version of before", q.VoidToken(ctx, poolID, connectionID, 0), db.ErrNotFound)
	f.must(q.VoidToken(ctx, poolID, connectionID, 1))
	if row, err := q.Token(ctx, poolID, connectionID); err != nil || !row.Voided || row.Version != 1 || string(row.TokenSealed) != "a" {
		t.Errorf("%+v, %v", row, err)
	}
	f.must(q.LeaseToken(ctx, poolID, connectionID, 1, until, now))
	f.must(q.ReleaseToken(ctx, poolID, connectionID, 1, until))
	f.must(q.LeaseToken(ctx, poolID, connectionID, 1, until, now))
	f.must(q.ForgetToken(ctx, poolID, connectionID))
	f.want("after it was forgotten", q.StoreToken(ctx, poolID, connectionID, 1, until, []byte("b"), until), db.ErrNotFound)
	if row, err := q.Token(ctx, poolID, connectionID); err != nil || row.TokenSealed != nil || row.Version != 2 || row.Voided {
		t.Errorf("%+v, %v", row, err)
	}
}

// TestEventIsClaimed (Q10): a claim ends by itself or when it is given back, and only by who has it; what is settled is never
// claimed again.
func TestEventIsClaimed(t *testing.T) {
	t.Parallel()
	f, ctx := furnished(t), t.Context()
	q, event, until, later := f.Wechat(), []byte("event"), now.Add(time.Second), now.Add(time.Hour)
	claim := func(until, now time.Time) error {
		return q.ClaimEvent(ctx, poolID, connectionID, event, until, later, now)
	}
	f.must(claim(until, now))
	f.want("just before its end", claim(until, until.Add(-time.Microsecond)), db.ErrNotFound)
	second := until.Add(time.Second)
	f.must(claim(second, until))
	f.want("given back by who has lost it", q.ReleaseEvent(ctx, poolID, connectionID, event, until), db.ErrNotFound)
	f.must(q.ReleaseEvent(ctx, poolID, connectionID, event, second))
	f.must(claim(second, now))
	f.must(q.SettleEvent(ctx, poolID, connectionID, event, "reply"))
	f.want("when it is settled", claim(later, second), db.ErrNotFound)
	f.want("given back when it is settled", q.ReleaseEvent(ctx, poolID, connectionID, event, second), db.ErrNotFound)
	if e, err := q.Event(ctx, poolID, connectionID, event); err != nil || !e.Settled || e.Reply != "reply" {
		t.Errorf("%+v, %v", e, err)
	}
	f.must(q.ClaimEvent(ctx, poolID, "another", event, until, later, now))

	f.must(q.UseNonce(ctx, poolID, connectionID, []byte("nonce"), event, later))
	f.must(q.UseNonce(ctx, poolID, connectionID, []byte("nonce"), event, later))
	f.want("a nonce with another event", q.UseNonce(ctx, poolID, connectionID, []byte("nonce"), []byte("other"), later), db.ErrNotFound)
	f.must(q.UseNonce(ctx, poolID, "another", []byte("nonce"), []byte("other"), later))
}

// TestOpenScan (Q5): the newest scan of a person counts; one that is taken comes back only into an empty place.
func TestOpenScan(t *testing.T) {
	t.Parallel()
	f, ctx := furnished(t), t.Context()
	q := f.Wechat()
	scan := func(text string) db.WechatScan {
		return db.WechatScan{Sealed: []byte(text), ExpiresAt: now.Add(time.Second)}
	}
	f.must(q.PutScan(ctx, poolID, connectionID, "alice", scan("one")))
	f.must(q.PutScan(ctx, poolID, connectionID, "alice", scan("two")))
	_, err := q.TakeScan(ctx, poolID, connectionID, "bob", now)
	f.want("of somebody else", err, db.ErrNotFound)
	_, err = q.TakeScan(ctx, poolID, connectionID, "alice", now.Add(time.Second))
	f.want("after its end", err, db.ErrNotFound)
	taken, err := q.TakeScan(ctx, poolID, connectionID, "alice", now)
	if err != nil || string(taken.Sealed) != "two" || !taken.ExpiresAt.Equal(now.Add(time.Second)) {
		t.Errorf("%+v, %v", taken, err)
	}
	f.must(q.ReturnScan(ctx, poolID, connectionID, "alice", taken))
	taken, err = q.TakeScan(ctx, poolID, connectionID, "alice", now)
	f.must(err)
	f.must(q.PutScan(ctx, poolID, connectionID, "alice", scan("three")))
	f.must(q.ReturnScan(ctx, poolID, connectionID, "alice", taken))
	if taken, err = q.TakeScan(ctx, poolID, connectionID, "alice", now); err != nil || string(taken.Sealed) != "three" {
		t.Errorf("%s, %v", taken.Sealed, err)
	}
}
