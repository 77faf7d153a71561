package account

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// TestFindIsExact (T16): an id is read as the type it was given as and as no other; identity and sync_relation are split
// at the first colon; and no id reaches into another userpool.
func TestFindIsExact(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice, err := r.CreateUser(t.Context(), "pool", "key", NewUser{
		Username: "Alice", Email: "Alice@Example.com", Phone: "13800138000", ExternalID: "ext:1", Password: password,
		Identities: []db.Identity{{ExtIdpID: "idp", Provider: "wechat", UserIDInIdp: "open:id:1"}},
	})
	r.must(err)
	bob := r.user("bob")
	bobsIDs := []string{bob.ID, "bob", "bob@example.com", "bob-ext", "idp:bob:1", "wechat:bob:1"}
	ids := map[IDType]struct{ right, invalid []string }{
		ByID:           {right: []string{alice.ID}},
		ByExternalID:   {right: []string{"ext:1"}},
		ByUsername:     {[]string{"Alice", "alice", "ＡＬＩＣＥ"}, []string{"", "a b", "alice@example.com"}},
		ByEmail:        {[]string{"Alice@Example.com", "alice@EXAMPLE.com"}, []string{"", "alice", "13800138000"}},
		ByPhone:        {[]string{"+8613800138000", "13800138000", "138-0013-8000"}, []string{"", "alice", "+861"}},
		ByIdentity:     {[]string{"idp:open:id:1"}, []string{"", "idp", ":", "idp:", ":open:id:1"}},
		BySyncRelation: {[]string{"wechat:open:id:1"}, []string{"", "wechat", ":", "wechat:", ":open:id:1"}},
	}
	for idType, of := range ids {
		for _, id := range of.right {
			if u, err := r.Find(t.Context(), "pool", idType, id); err != nil || u.ID != alice.ID {
				t.Errorf("%s %q: user %q, %v; want alice", idType, id, u.ID, err)
			}
			_, err := r.Find(t.Context(), "other", idType, id)
			r.want(idType+" in another userpool", err, ErrUserNotFound)
			for _, near := range []string{id + "x", id + " ", " " + id, id + "%", "%", "_" + id, id + ":"} {
				if u, err := r.Find(t.Context(), "pool", idType, near); err == nil && u.ID == alice.ID && near != id+" " && near != " "+id {
					t.Errorf("%s %q finds alice", idType, near)
				}
			}
			for other := range ids { // of another type
				u, err := r.Find(t.Context(), "pool", other, id)
				if other != idType && !errors.Is(err, ErrUserNotFound) && !errors.Is(err, ErrUserID) {
					t.Errorf("%s %q as %s: user %q, %v", idType, id, other, u.ID, err)
				}
			}
		}
		for _, id := range of.invalid {
			_, err := r.Find(t.Context(), "pool", idType, id)
			r.want(idType+" "+id, err, ErrUserID)
		}
		for _, id := range bobsIDs {
			if u, err := r.Find(t.Context(), "pool", idType, id); err == nil && u.ID != bob.ID {
				t.Errorf("%s %q finds %q", idType, id, u.ID)
			}
		}
	}
}

// TestTakenIdentifiers (T16): who wants an identifier that is taken is told which; in another userpool it is free. What
// comes with the refused user is not stored either.
func TestTakenIdentifiers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	identity := func(idp, provider string) []db.Identity {
		return []db.Identity{{ExtIdpID: idp, Provider: provider, UserIDInIdp: "1"}}
	}
	taken := NewUser{
		Username: "alice", Email: "alice@example.com", Phone: "13800138000", ExternalID: "ext", Password: password,
		Identities: identity("idp", "wechat"),
	}
	_, err := r.CreateUser(t.Context(), "pool", "key", taken)
	r.must(err)
	for name, test := range map[string]struct {
		user NewUser
		want error
	}{
		"user name":     {NewUser{Username: "ALICE", Email: "1@example.com"}, ErrUsernameTaken},
		"e-mail":        {NewUser{Username: "u2", Email: "Alice@EXAMPLE.com"}, ErrEmailTaken},
		"phone":         {NewUser{Username: "u3", Phone: "+86 138 0013 8000"}, ErrPhoneTaken},
		"external id":   {NewUser{Username: "u4", ExternalID: "ext"}, ErrExternalIDTaken},
		"identity":      {NewUser{Username: "u5", Identities: identity("idp", "lark")}, ErrIdentityTaken},
		"sync relation": {NewUser{Username: "u6", Identities: identity("other", "wechat")}, ErrIdentityTaken},
		"own twice":     {NewUser{Username: "u7", Identities: append(identity("a", "b"), identity("a", "b")...)}, ErrIdentityTaken},
	} {
		_, err := r.CreateUser(t.Context(), "pool", "key", test.user)
		r.want(name, err, test.want)
		_, err = r.Find(t.Context(), "pool", ByUsername, test.user.Username)
		if name != "user name" {
			r.want(name+": the refused user", err, ErrUserNotFound)
		}
	}
	_, err = r.CreateUser(t.Context(), "other", "other-key", taken)
	r.want("in another userpool", err, nil)
}

// TestNewUser: the parts are checked and stored in their one form; what is absent is absent, not empty.
func TestNewUser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, test := range map[string]struct {
		user NewUser
		want error
	}{
		"nothing":               {NewUser{}, ErrNoIdentifier},
		"external id only":      {NewUser{ExternalID: "x"}, ErrNoIdentifier},
		"bad user name":         {NewUser{Username: "a b"}, ErrUsername},
		"bad e-mail":            {NewUser{Email: "alice"}, ErrEmail},
		"bad phone":             {NewUser{Phone: "1"}, ErrPhone},
		"weak password":         {NewUser{Username: "u1", Password: "12345678"}, ErrPassword},
		"own name for password": {NewUser{Username: "zhangwei.guangzhou", Password: "zhangwei.guangzhou"}, ErrPassword},
		"large custom data":     {NewUser{Username: "u2", CustomData: object(strings.Repeat("x", MaxCustomData))}, ErrCustomData},
		"large user info": {NewUser{Username: "u5", Identities: []db.Identity{
			{ExtIdpID: "a", Provider: "b", UserIDInIdp: "1"}, {ExtIdpID: "a", Provider: "b", UserIDInIdp: "2", UserInfo: db.JSON(object(strings.Repeat("x", maxUserInfo)))},
		}}, ErrUserInfo},
		"user name only": {NewUser{Username: "u3"}, nil},
		"e-mail only":    {NewUser{Email: "u4@example.com"}, nil},
		"phone only":     {NewUser{Phone: "13800138001", PhoneCountryCode: "+86"}, nil},
	} {
		u, err := r.CreateUser(t.Context(), "pool", "key", test.user)
		r.want(name, err, test.want)
		if err != nil {
			continue
		}
		stored, err := r.Find(t.Context(), "pool", ByID, u.ID)
		r.must(err)
		if stored.PasswordHash != nil || stored.ExternalID != nil || stored.Status != "Activated" || stored.Gender != "U" || stored.Source != "adminCreated" {
			t.Errorf("%s: stored as %+v", name, stored)
		}
		if (stored.Username == nil) != (test.user.Username == "") || (stored.Email == nil) != (test.user.Email == "") || (stored.Phone == nil) != (test.user.Phone == "") {
			t.Errorf("%s: absent and empty are mixed up in %+v", name, stored)
		}
	}
}

// TestRegister: from the outside only a user name and a password, so many an hour from one address, and audited.
func TestRegister(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.RegisterPerIP.Max, r.RegisterPerIP.Per = 1, 3600e9
	ctx := from(t.Context(), "2001:db8::1")
	u, err := r.Register(ctx, "pool", "alice", password)
	r.must(err)
	if u.Source != "register" || u.PasswordHash == nil || *u.Username != "alice" {
		t.Errorf("registered %+v", u)
	}
	_, err = r.Register(from(t.Context(), "2001:db8::2"), "pool", "bob", password)
	r.want("another of the same client", err, apierr.ErrRateLimited)
	_, err = r.Register(from(t.Context(), "192.0.2.1"), "pool", "alice", password)
	r.want("the same name", err, ErrUsernameTaken)
	events, err := r.store.Audit().Of(t.Context(), "pool", "user:"+u.ID, 10)
	if err != nil || len(events) != 1 || events[0].Action != "user.create" || events[0].Actor != "anonymous" || events[0].IP != "2001:db8::1" {
		t.Errorf("audit log %+v, %v", events, err)
	}
}

// TestMergeCustomDataIsBounded (Q8): 4 KiB a request and 64 KiB a user; what goes too far changes nothing.
func TestMergeCustomDataIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u := r.user("alice")
	quotes := len(object(""))
	r.want("4 KiB", r.CheckCustomData(object(strings.Repeat("x", 4096-quotes))), nil)
	r.want("a byte more", r.CheckCustomData(object(strings.Repeat("x", 4097-quotes))), ErrCustomData)
	r.want("in bytes, not characters", r.CheckCustomData(object(strings.Repeat("门", 1400))), ErrCustomData)
	r.want("nothing", r.CheckCustomData(nil), nil)
	r.want("merge nothing", r.MergeCustomData(t.Context(), r.store.Queries, "pool", "nobody", nil), nil)
	var err error
	requests := 0
	for ; err == nil && requests < 100; requests++ {
		key := strings.Repeat(string(rune('a'+requests)), 10)
		err = r.MergeCustomData(t.Context(), r.store.Queries, "pool", u.ID, json.RawMessage(`{"`+key+`":"`+strings.Repeat("x", 4000)+`"}`))
	}
	r.want("the request that fills 64 KiB", err, ErrCustomData)
	if requests != 17 {
		t.Errorf("refused the %dth request of 4 KB, want the 17th", requests)
	}
}

// object is custom data with one member.
func object(value string) json.RawMessage { return json.RawMessage(`{"k":"` + value + `"}`) }

// TestWhatOthersSee (Q6): a nickname, a name or a user name; never e-mail address or phone number.
func TestWhatOthersSee(t *testing.T) {
	t.Parallel()
	name := new("alice")
	for want, u := range map[string]db.User{
		"Ali":   {ID: "id", Username: name, Profile: db.Members{"nickname": "Ali", "name": "Alice"}},
		"Alice": {ID: "id", Username: name, Profile: db.Members{"nickname": "", "name": "Alice"}},
		"alice": {ID: "id", Username: name, Profile: db.Members{"nickname": 1}},
		"id":    {ID: "id", Email: name, Phone: name},
	} {
		if got := displayName(u); got != want {
			t.Errorf("%+v is shown as %q, want %q", u, got, want)
		}
	}
	if photo(db.User{}) != "" || photo(db.User{Profile: db.Members{"photo": 1}}) != "" || photo(db.User{Profile: db.Members{"photo": "p"}}) != "p" {
		t.Error("photo")
	}
	r := newRig(t)
	for _, u := range []NewUser{{Username: "a1", Email: "a1@example.com"}, {Email: "a2@example.com", Phone: "13800138000"}, {Phone: "13800138001"}} {
		made, err := r.CreateUser(t.Context(), "pool", "key", u)
		r.must(err)
		want := u.Username
		if want == "" {
			want = u.Email
		}
		if want == "" {
			want = "+86" + u.Phone
		}
		if issuer, account, err := r.Label(t.Context(), made); err != nil || issuer != "Pool pool" || account != want {
			t.Errorf("an authenticator app shows %q and %q, %v; want %q", issuer, account, err, want)
		}
	}
}
