package e2e

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// everything is a user with an identifier of every type. The id at the identity source has colons of its own.
func everything() gen.CreateUserReqDto {
	return gen.CreateUserReqDto{
		Username:         ptr("bob"),
		Email:            ptr("Bob@Example.COM"),
		Phone:            ptr("13800138000"),
		PhoneCountryCode: ptr("+86"),
		ExternalID:       ptr("crm:10010"),
		Password:         ptr(harness.Password),
		Identities:       []gen.CreateIdentityDto{{ExtIdpID: "idp-1", Provider: "lark", UserIDInIdp: "ou:8bae:746e"}},
	}
}

// identifiers are the ways to write the user that everything makes, by type.
func identifiers(id string) map[gen.UserIDType][]string {
	return map[gen.UserIDType][]string{
		gen.UserIDTypeUserID:       {id},
		gen.UserIDTypeUsername:     {"bob", "BOB"},
		gen.UserIDTypeEmail:        {"Bob@example.com", "bob@EXAMPLE.com"},
		gen.UserIDTypePhone:        {"+8613800138000", "13800138000"},
		gen.UserIDTypeExternalID:   {"crm:10010"},
		gen.UserIDTypeIdentity:     {"idp-1:ou:8bae:746e"},
		gen.UserIDTypeSyncRelation: {"lark:ou:8bae:746e"},
	}
}

// getUser looks a user up with the default access key.
func getUser(t *testing.T, h *harness.Instance, idType gen.UserIDType, id string) *gen.GetUserResult {
	t.Helper()
	return must(h.Management().GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: id, UserIDType: &idType}))(t)
}

// createUser creates a user with the default access key.
func createUser(t *testing.T, h *harness.Instance, dto gen.CreateUserReqDto) *gen.CreateUserResult {
	t.Helper()
	return must(h.Management().CreateUserWithResponse(t.Context(), dto))(t)
}

// TestUserHasSevenNames (T16): a user is found by each of the seven types of id, in its normal form, and a value of one
// type is never taken for another.
func TestUserHasSevenNames(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob := h.CreateUser(everything())
	names := identifiers(bob.UserID)
	if len(names) != 7 {
		t.Fatalf("%d types", len(names))
	}
	for idType, values := range names {
		for _, value := range values {
			r := getUser(t, h, idType, value)
			if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.UserID != bob.UserID {
				t.Errorf("%s %s: %s", idType, value, r.Body)
			}
		}
		for other, values := range names {
			for _, value := range values {
				// "13800138000" is no user name and "bob" no e-mail address: such a question is refused as senseless.
				r := getUser(t, h, idType, value)
				if o := harness.OutcomeOf(r); other != idType && o.StatusCode != 404 && o.StatusCode != 400 {
					t.Errorf("the %s %s, given as %s, finds somebody: %s", other, value, idType, r.Body)
				}
			}
		}
	}
	for idType, values := range map[gen.UserIDType][]string{
		gen.UserIDTypeUserID:       {"bob", "Bob@example.com", strings.ToUpper(bob.UserID)},
		gen.UserIDTypeUsername:     {"bo", "bob.", "crm", bob.UserID},
		gen.UserIDTypeEmail:        {"bob@example.org", "bo@example.com"},
		gen.UserIDTypePhone:        {"+8613800138001"},
		gen.UserIDTypeExternalID:   {"crm", "CRM:10010", "10010", "bob", bob.UserID},
		gen.UserIDTypeIdentity:     {"idp-1:ou", "idp-1:ou:8bae", "idp-1:ou:8bae:746e:", "lark:ou:8bae:746e", "idp-1:OU:8bae:746e"},
		gen.UserIDTypeSyncRelation: {"lark:ou", "idp-1:ou:8bae:746e"},
	} {
		for _, value := range values {
			wantStatus(t, string(idType)+" "+value, getUser(t, h, idType, value), 404, 2004)
		}
	}
	wantStatus(t, "an identity without a colon", getUser(t, h, gen.UserIDTypeIdentity, "idp-1"), 400, 0)
}

// TestTypesOfIDsDoNotMix (T16): who may choose an external id cannot choose somebody else's name.
func TestTypesOfIDsDoNotMix(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	bob := h.CreateUser(everything())
	impostors := map[gen.UserIDType][]string{}
	for _, values := range identifiers(bob.UserID) {
		value := values[0]
		if value == "crm:10010" {
			continue
		}
		mallory := h.CreateUser(gen.CreateUserReqDto{Username: ptr("mallory." + strings.Repeat("x", len(impostors[gen.UserIDTypeExternalID]))), ExternalID: &value})
		impostors[gen.UserIDTypeExternalID] = append(impostors[gen.UserIDTypeExternalID], value)
		if r := getUser(t, h, gen.UserIDTypeExternalID, value); r.JSON200.Data == nil || r.JSON200.Data.UserID != mallory.UserID {
			t.Errorf("external id %s: %s", value, r.Body)
		}
	}
	for idType, values := range identifiers(bob.UserID) {
		if r := getUser(t, h, idType, values[0]); r.JSON200.Data == nil || r.JSON200.Data.UserID != bob.UserID {
			t.Errorf("%s %s now finds somebody else: %s", idType, values[0], r.Body)
		}
	}
}

// TestIdentifiersAreUnique (T16): what one user has, however it is written, no other can have. A refused user leaves
// nothing behind.
func TestIdentifiersAreUnique(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.CreateUser(everything())
	identity := func(source, provider string) []gen.CreateIdentityDto {
		return []gen.CreateIdentityDto{{ExtIdpID: source, Provider: provider, UserIDInIdp: "ou:8bae:746e"}}
	}
	for what, c := range map[string]struct {
		dto     gen.CreateUserReqDto
		apiCode int
	}{
		"user name":        {gen.CreateUserReqDto{Username: ptr("Bob")}, 2034},
		"e-mail address":   {gen.CreateUserReqDto{Username: ptr("carol"), Email: ptr("BOB@example.com")}, 2200},
		"phone number":     {gen.CreateUserReqDto{Username: ptr("carol"), Phone: ptr("+86 138 0013 8000")}, 2035},
		"external id":      {gen.CreateUserReqDto{Username: ptr("carol"), ExternalID: ptr("crm:10010")}, 2026},
		"identity":         {gen.CreateUserReqDto{Username: ptr("carol"), Identities: identity("idp-1", "wechatwork")}, 1640},
		"sync relation":    {gen.CreateUserReqDto{Username: ptr("carol"), Identities: identity("idp-2", "lark")}, 1640},
		"own, given twice": {gen.CreateUserReqDto{Username: ptr("carol"), Identities: append(identity("idp-3", "qq"), identity("idp-3", "qq")...)}, 1640},
	} {
		wantStatus(t, what, createUser(t, h, c.dto), 409, c.apiCode)
	}
	wantStatus(t, "carol, after all", getUser(t, h, gen.UserIDTypeUsername, "carol"), 404, 2004)
	h.CreateUser(gen.CreateUserReqDto{Username: ptr("carol"), Identities: identity("idp-3", "qq")})
}

// sameJSON tells whether two texts are the same JSON, to the last digit.
func sameJSON(t *testing.T, a, b json.RawMessage) bool {
	t.Helper()
	read := func(text json.RawMessage) (value any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	return reflect.DeepEqual(read(a), read(b))
}

// TestUserIsKeptAsGiven: what create-user takes, get-user gives back; custom data and identities only on request, and never
// anything of the password. The phone number comes apart into country code and national number.
func TestUserIsKeptAsGiven(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	dto := everything()
	dto.Phone, dto.PhoneCountryCode = ptr("650 253 0000"), ptr("+1")
	dto.Nickname, dto.Photo, dto.Gender, dto.EmailVerified = ptr("鲍勃"), ptr("https://example.com/bob.png"), ptr(gen.GenderM), ptr(true)
	dto.CustomData = json.RawMessage(`{"school":"hust","account":12345678901234567890}`) // more digits than a float64 has
	dto.Identities[0].Type, dto.Identities[0].OriginConnIds = ptr("openid"), []string{"c2", "c1"}
	dto.Identities[0].UserInfoInIdp = json.RawMessage(`{"name":"鲍勃","account":12345678901234567890,"tags":[{}]}`)
	dto.Identities = append(dto.Identities, gen.CreateIdentityDto{ExtIdpID: "idp-2", Provider: "qq", UserIDInIdp: "1"})
	bob := h.CreateUser(dto)
	full := h.User(bob.UserID)
	slices.SortFunc(full.Identities, func(a, b gen.IdentityDto) int { return strings.Compare(a.ExtIdpID, b.ExtIdpID) })
	if !strings.Contains(string(full.CustomData), "12345678901234567890") || len(full.Identities) != 2 || full.Identities[0].UserIDInIdp != "ou:8bae:746e" {
		t.Fatalf("custom data %v, identities %v", string(full.CustomData), full.Identities)
	}
	if i := full.Identities[0]; i.Type != "openid" || !slices.Equal(i.OriginConnIds, []string{"c2", "c1"}) ||
		!sameJSON(t, i.UserInfoInIdp, dto.Identities[0].UserInfoInIdp) {
		t.Errorf("what the source says: %+v %s", i, i.UserInfoInIdp)
	}
	if i := full.Identities[1]; i.Type != "generic" || string(i.UserInfoInIdp) != "{}" || i.OriginConnIds == nil || len(i.OriginConnIds) > 0 {
		t.Errorf("an identity of which nothing more is said: %+v %s", i, i.UserInfoInIdp)
	}
	r := getUser(t, h, gen.UserIDTypeUserID, bob.UserID)
	u := r.JSON200.Data
	if u == nil {
		t.Fatalf("get user: %s", r.Body)
	}
	if u.CustomData != nil || u.Identities != nil || strings.Contains(string(r.Body), "argon2") {
		t.Errorf("more than was asked for: %s", r.Body)
	}
	got := []any{*u.Username, *u.Email, *u.PhoneCountryCode, *u.Phone, *u.ExternalID, *u.Nickname, *u.Photo, u.Gender, u.EmailVerified, u.PhoneVerified, u.Status, u.UserSourceType, u.CreatedAt}
	want := []any{"bob", "Bob@example.com", "+1", "6502530000", "crm:10010", "鲍勃", "https://example.com/bob.png", gen.GenderM, true, false, gen.UserStatusActivated, gen.UserDtoUserSourceTypeAdminCreated, h.Clock.Now()}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
	wantSuccess(t, "by E.164", getUser(t, h, gen.UserIDTypePhone, "+16502530000"))
	h.Clock.Advance(time.Minute)
	h.SignIn("bob")
	if u := h.User(bob.UserID); *u.LoginsCount != 1 || *u.LastIP != "127.0.0.1" || !u.LastLogin.Equal(h.Clock.Now()) {
		t.Errorf("the login is not noted: %d, %s, %s", *u.LoginsCount, *u.LastIP, u.LastLogin)
	}
}

// TestCreateUserRefusesWhatItWouldDrop: a member that is not kept is an error of the caller, and so is a user without a
// name or with a senseless one.
func TestCreateUserRefusesWhatItWouldDrop(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	for _, body := range []string{
		`{"username":"bob","nonsense":1}`, `{"username":"bob","Password":"x"}`, `{"username":"bob","customData":null}`,
		`{"username":"bob","gender":"X"}`,
		`{"username":"bob","identities":[{"extIdpId":"a:b","provider":"lark","userIdInIdp":"c"}]}`,
		`{"username":"bob","identities":[{"extIdpId":"a","provider":"lark","userIdInIdp":"c","userInfoInIdp":"d"}]}`,
		`{"username":"bob","identities":[{"extIdpId":"a","provider":"lark","userIdInIdp":"c","type":"` + strings.Repeat("t", 65) + `"}]}`,
		`{"username":"bob","identities":[{"extIdpId":"a","provider":"lark","userIdInIdp":"c","originConnIds":["` + strings.Repeat("c", 65) + `"]}]}`,
		`{"username":"bob","identities":[{"extIdpId":"a","provider":"lark","userIdInIdp":"c","originConnIds":["c"` + strings.Repeat(`,"c"`, 16) + `]}]}`,
	} {
		r := must(h.Management().CreateUserWithBodyWithResponse(t.Context(), "application/json", strings.NewReader(body)))(t)
		wantGate(t, body, r, 400)
	}
	for _, member := range []string{"departmentIds", "identityNumber", "metadataSource", "options", "salt", "tenantIds"} { // of the official SDKs
		body := strings.NewReader(`{"username":"bob","` + member + `":["x"]}`)
		r := must(h.Management().CreateUserWithBodyWithResponse(t.Context(), "application/json", body))(t)
		wantStatus(t, member, r, 422, 0)
	}
	wantStatus(t, "nobody", createUser(t, h, gen.CreateUserReqDto{ExternalID: ptr("crm:1")}), 400, 0)
	wantStatus(t, "a phone number as user name", createUser(t, h, gen.CreateUserReqDto{Username: ptr("13800138000")}), 400, 0)
	wantStatus(t, "no phone number", createUser(t, h, gen.CreateUserReqDto{Phone: ptr("12")}), 400, 0)
	wantStatus(t, "a common password", createUser(t, h, gen.CreateUserReqDto{Username: ptr("bob"), Password: ptr("password1")}), 400, 2061)
	for _, text := range []string{"", "bob", "Bob <bob@example.com>", "bob@localhost"} {
		wantStatus(t, "e-mail "+text, createUser(t, h, gen.CreateUserReqDto{Username: ptr("bob"), Email: &text}), 400, 0)
	}
	for _, text := range []string{"", "xK9#qLz", strings.Repeat("門", 257), strings.Repeat("vkqmzhxw", 128)} {
		wantStatus(t, "password "+text, createUser(t, h, gen.CreateUserReqDto{Username: ptr("bob"), Password: &text}), 400, 2061)
	}
	large := harness.JSON(map[string]any{"x": strings.Repeat("x", 4<<10)})
	wantStatus(t, "too much custom data", createUser(t, h, gen.CreateUserReqDto{Username: ptr("bob"), CustomData: large}), 400, 0) // Q8
	talkative := gen.CreateIdentityDto{ExtIdpID: "a", Provider: "lark", UserIDInIdp: "c", UserInfoInIdp: large}
	wantStatus(t, "too much of an identity source", createUser(t, h, gen.CreateUserReqDto{Username: ptr("bob"), Identities: []gen.CreateIdentityDto{talkative}}), 400, 0)
	if n := h.Count(`SELECT count(*) FROM users WHERE username = 'bob' OR external_id = 'crm:1'`); n != 0 {
		t.Errorf("%d refused users were kept", n)
	}
}

// TestSuspendedUserCannotSignIn: only who knows the password is told why.
func TestSuspendedUserCannotSignIn(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dto := everything()
	dto.Status = ptr(gen.UserStatusSuspended)
	h.CreateUser(dto)
	signIn := func(password string) *gen.SignInResult {
		return must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Username: ptr("bob"), Password: password})))(t)
	}
	wantStatus(t, "the right password", signIn(harness.Password), 403, 2005)
	wantStatus(t, "a wrong password", signIn("wrong password"), 403, 2333)
}
