package db_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestDuplicateNamesTheIndex (T16): every identifier is unique in its userpool, and the error says which one was taken,
// because callers tell people.
func TestDuplicateNamesTheIndex(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	ctx, taken := t.Context(), "taken"
	identity := db.Identity{UserpoolID: poolID, ID: "1", UserID: userID, ExtIdpID: "idp", Provider: "wechat", UserIDInIdp: "a:b", CreatedAt: now}
	user := func(id string, set func(u *db.User)) func() error {
		u := newUser(id)
		set(&u)
		return func() error { return f.Accounts().InsertUser(ctx, u) }
	}
	f.must(user("carol", func(u *db.User) {
		u.UsernameKey, u.EmailKey, u.Phone, u.ExternalID = &taken, &taken, &taken, &taken
	})())
	f.must(f.Accounts().InsertIdentity(ctx, identity))
	f.must(insertFactor(ctx, f.Queries))
	f.must(f.Tenancy().InsertAccessKey(ctx, db.AccessKey{UserpoolID: poolID, ID: "key", SecretSealed: []byte{1}, Scopes: []string{}, CreatedAt: now}))
	f.must(f.Tenancy().InsertUserpool(ctx, db.Userpool{ID: "other", CreatedAt: now}))

	tests := map[string]func() error{
		db.UsersUsername:   user("1", func(u *db.User) { u.UsernameKey = &taken }),
		db.UsersEmail:      user("2", func(u *db.User) { u.EmailKey = &taken }),
		db.UsersPhone:      user("3", func(u *db.User) { u.Phone = &taken }),
		db.UsersExternalID: user("4", func(u *db.User) { u.ExternalID = &taken }),
		"users_pkey":       user("carol", func(*db.User) {}),
		db.IdentitiesIdentity: func() error {
			i := identity
			i.ID, i.Provider = "2", "lark"
			return f.Accounts().InsertIdentity(ctx, i)
		},
		db.IdentitiesSyncRelation: func() error {
			i := identity
			i.ID, i.ExtIdpID = "3", "other idp"
			return f.Accounts().InsertIdentity(ctx, i)
		},
		db.MFAFactorsName: func() error {
			return f.MFA().InsertFactor(ctx, db.Factor{UserpoolID: poolID, ID: "second", UserID: userID, Name: "phone", SecretSealed: []byte{1}, CreatedAt: now})
		},
		"userpools_default": func() error {
			return f.Tenancy().InsertUserpool(ctx, db.Userpool{ID: "third", IsDefault: true, CreatedAt: now})
		},
		"applications_default": func() error {
			return f.Tenancy().InsertApplication(ctx, db.Application{UserpoolID: poolID, ID: "2", SecretHash: []byte{1}, IsDefault: true, CreatedAt: now})
		},
		"applications_id": func() error {
			return f.Tenancy().InsertApplication(ctx, db.Application{UserpoolID: "other", ID: appID, SecretHash: []byte{1}, CreatedAt: now})
		},
		"access_keys_id": func() error {
			return f.Tenancy().InsertAccessKey(ctx, db.AccessKey{UserpoolID: "other", ID: "key", SecretSealed: []byte{1}, Scopes: []string{}, CreatedAt: now})
		},
	}
	for index, insert := range tests {
		err := insert()
		if !db.Duplicate(err, index) || db.Duplicate(err, index+"x") {
			t.Errorf("%v, want ErrDuplicate of %s", err, index)
		}
	}
	if db.Duplicate(nil, "") || db.Duplicate(db.ErrNotFound, "") {
		t.Error("other errors pass for duplicates")
	}
}

// TestIdentityOfAnOlderReplica: one that does not know the newer columns goes on adding identities, and the newer ones read them.
func TestIdentityOfAnOlderReplica(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.execute(`INSERT INTO identities (userpool_id, id, user_id, ext_idp_id, provider, user_id_in_idp, created_at)
		VALUES ($1, 'old', $2, 'idp', 'lark', 'ou', $3)`, poolID, userID, now)
	f.must(f.Accounts().InsertIdentity(t.Context(), db.Identity{
		UserpoolID: poolID, ID: "new", UserID: userID, ExtIdpID: "idp", Provider: "lark", Type: "unionid", UserIDInIdp: "on",
		UserInfo: db.JSON(`{"n": 12345678901234567890}`), OriginConnIDs: []string{"b", "a,\"{}\""}, CreatedAt: now.Add(1e9),
	}))
	list, err := f.Accounts().Identities(t.Context(), poolID, userID)
	f.must(err)
	var got []string
	for _, i := range list {
		got = append(got, fmt.Sprintf("%s %s %s %q", i.ID, i.Type, i.UserInfo, i.OriginConnIDs))
	}
	want := []string{`old generic {} []`, `new unionid {"n": 12345678901234567890} ["b" "a,\"{}\""]`}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(list) == 2 && list[0].OriginConnIDs == nil {
		t.Errorf("identities %v, want %v", got, want)
	}
}

// TestIdentifiersAreOfTheirUserpool (T16): the same identifier in another userpool is another user's; and a user without
// an identifier is in nobody's way.
func TestIdentifiersAreOfTheirUserpool(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	ctx, id := t.Context(), "same"
	f.must(f.Tenancy().InsertUserpool(ctx, db.Userpool{ID: "other", CreatedAt: now}))
	for _, pool := range []string{poolID, "other"} {
		u := newUser(id)
		u.UserpoolID, u.UsernameKey, u.EmailKey, u.Phone, u.ExternalID = pool, &id, &id, &id, &id
		f.must(f.Accounts().InsertUser(ctx, u))
		f.must(f.Accounts().InsertIdentity(ctx, db.Identity{
			UserpoolID: pool, ID: pool, UserID: id, ExtIdpID: id, Provider: id, UserIDInIdp: id, CreatedAt: now,
		}))
	}
	f.must(f.Accounts().InsertUser(ctx, newUser("anonymous 1")))
	f.must(f.Accounts().InsertUser(ctx, newUser("anonymous 2")))

	a := f.Accounts()
	for name, find := range map[string]func(pool, id string) (db.User, error){
		"UserByID":         func(pool, id string) (db.User, error) { return a.UserByID(ctx, pool, id) },
		"UserByUsername":   func(pool, id string) (db.User, error) { return a.UserByUsername(ctx, pool, id) },
		"UserByEmail":      func(pool, id string) (db.User, error) { return a.UserByEmail(ctx, pool, id) },
		"UserByPhone":      func(pool, id string) (db.User, error) { return a.UserByPhone(ctx, pool, id) },
		"UserByExternalID": func(pool, id string) (db.User, error) { return a.UserByExternalID(ctx, pool, id) },
		"UserByIdentity":   func(pool, id string) (db.User, error) { return a.UserByIdentity(ctx, pool, id, id) },
		"UserBySyncRelation": func(pool, id string) (db.User, error) {
			return a.UserBySyncRelation(ctx, pool, id, id)
		},
	} {
		for _, pool := range []string{poolID, "other"} {
			if u, err := find(pool, id); err != nil || u.UserpoolID != pool {
				t.Errorf("%s in %s: user of %q, %v", name, pool, u.UserpoolID, err)
			}
		}
		for _, at := range [][2]string{{"third", id}, {poolID, "Same"}, {poolID, "sam%"}, {poolID, ""}} {
			if _, err := find(at[0], at[1]); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%s of %q: %v, want ErrNotFound", name, at, err)
			}
		}
	}
}

// TestNoteLogin: only who may sign in does, and the count is exact.
func TestNoteLogin(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for _, err := range together(20, func(i int) error {
		_, err := f.Accounts().NoteLogin(t.Context(), poolID, userID, "192.0.2.1", now.Add(time.Duration(i)))
		return err
	}) {
		f.must(err)
	}
	u, err := f.Accounts().UserByID(t.Context(), poolID, userID)
	if err != nil || u.LoginsCount != 20 || u.LastIP == nil || *u.LastIP != "192.0.2.1" || u.LastLoginAt == nil {
		t.Errorf("after 20 logins: %+v, %v", u, err)
	}
	f.execute("UPDATE users SET status = 'Suspended'")
	if _, err := f.Accounts().NoteLogin(t.Context(), poolID, userID, "", now); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("suspended: %v, want ErrNotFound", err)
	}
}

// TestMergeCustomData (Q8): members are added and replaced, nothing else of the user or of others changes, and what is
// stored never grows over the bound, which is exact and holds for parallel requests too.
func TestMergeCustomData(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	ctx, later := t.Context(), now.Add(time.Minute)
	f.must(f.Accounts().InsertUser(ctx, newUser("bob")))
	merge := func(data db.JSON, limit int) error {
		return f.Accounts().MergeCustomData(ctx, poolID, userID, data, limit, later)
	}
	wantData := func(id, want string) {
		t.Helper()
		u, err := f.Accounts().UserByID(ctx, poolID, id)
		f.must(err)
		if !sameJSON(u.CustomData, want) {
			t.Errorf("custom data of %s: %s, want %s", id, u.CustomData, want)
		}
	}
	f.must(merge(db.JSON(`{"a":1,"b":{"c":1}}`), 100))
	f.must(merge(db.JSON(`{"b":{"d":"门"}}`), 100))
	const merged = `{"a":1,"b":{"d":"门"}}`
	wantData(userID, merged)
	wantData("bob", "{}")

	// PostgreSQL writes {"a": 1, "b": {"d": "门"}, "x": "…"}; the bound is in bytes of that.
	filler := func(n int) db.JSON { return db.JSON(`{"x":"` + strings.Repeat("y", n) + `"}`) }
	const stored = len(`{"a": 1, "b": {"d": "门"}, "x": ""}`)
	if err := merge(filler(100-stored+1), 100); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a byte too many: %v, want ErrNotFound", err)
	}
	wantData(userID, merged)
	f.must(merge(filler(100-stored), 100))

	f.execute("UPDATE users SET custom_data = '{}'")
	for _, err := range together(32, func(i int) error { return merge(db.JSON(fmt.Sprintf(`{"%02d":"12345678"}`, i)), 100) }) {
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			t.Error(err)
		}
	}
	if n := f.number("SELECT octet_length(custom_data::text) FROM users WHERE id = $1", userID); n != 90 { // {}, 5 members of 16 and 4 commas
		t.Errorf("32 parallel requests left %d bytes, want 90", n)
	}
	if err := f.Accounts().MergeCustomData(ctx, "other", userID, db.JSON(`{"a":1}`), 100, later); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("in another userpool: %v, want ErrNotFound", err)
	}
}

// TestJSONIsKept: custom data comes back as it was sent, to the last digit of a number; nothing at all is the empty
// object; and what is read stays as it was when the next row is read.
func TestJSONIsKept(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for i, data := range []string{
		`{}`, `{"a":null}`, `{"n":12345678901234567890.123456789,"o":{"l":[true,"门"]}}`, `{"e":1e2}`, ``,
	} {
		u := newUser(fmt.Sprint("user ", i))
		u.CustomData, u.Profile = db.JSON(data), db.Members{"name": fmt.Sprint(i)}
		f.must(f.Accounts().InsertUser(t.Context(), u))
		first, err := f.Accounts().UserByID(t.Context(), poolID, u.ID)
		f.must(err)
		_, err = f.Accounts().UserByID(t.Context(), poolID, userID)
		f.must(err)
		if !sameJSON(first.CustomData, data) || first.Profile["name"] != fmt.Sprint(i) {
			t.Errorf("%s came back as %s, with the profile %v", data, first.CustomData, first.Profile)
		}
	}
	if _, err := (db.Members{"f": context.Background}).Value(); err == nil {
		t.Error("a function became JSON")
	}
	for _, to := range []interface{ Scan(any) error }{new(db.JSON), new(db.Members)} {
		for _, src := range []any{nil, 1, "text"} {
			if err := to.Scan(src); err == nil {
				t.Errorf("%T takes %v", to, src)
			}
		}
	}
}

// sameJSON tells whether two texts are the same JSON, number by number. No text is the empty object.
func sameJSON[T ~[]byte](got T, want string) bool {
	read := func(text string) (value any) {
		decoder := json.NewDecoder(strings.NewReader(cmp.Or(text, "{}")))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		return value
	}
	return reflect.DeepEqual(read(string(got)), read(strings.ReplaceAll(want, "1e2", "100")))
}
