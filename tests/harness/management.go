package harness

import (
	"context"
	"time"

	"github.com/menshen-auth/menshen/gen"
)

// ManagementToken is a token for the access key that the first start made; a new one every hour, since how many one may ask
// for is limited.
func (h *Instance) ManagementToken() string {
	h.t.Helper()
	if now := h.Clock.Now(); h.management == "" || now.Sub(h.managementAt).Abs() > time.Hour {
		h.management, h.managementAt = h.newManagementToken(), now
	}
	return h.management
}

func (h *Instance) newManagementToken() string {
	h.t.Helper()
	r, err := h.Client.GetManagementTokenWithResponse(context.Background(), gen.GetManagementTokenJSONRequestBody{
		AccessKeyID: h.Credentials.AccessKeyID, AccessKeySecret: h.Credentials.AccessKeySecret,
	})
	h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		h.t.Fatalf("management token: %s", r.Body)
	}
	return r.JSON200.Data.AccessToken
}

// Management is a client with a management token.
func (h *Instance) Management() *gen.ClientWithResponses {
	h.t.Helper()
	return h.NewClient(Header("Authorization", "Bearer "+h.ManagementToken()))
}

// CreateUser creates a user with the default access key.
func (h *Instance) CreateUser(dto gen.CreateUserReqDto) *gen.UserDto {
	h.t.Helper()
	r, err := h.Management().CreateUserWithResponse(context.Background(), dto)
	h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		h.t.Fatalf("create user: %s", r.Body)
	}
	return r.JSON200.Data
}

// User returns a user with custom data and identities, as the default access key sees it.
func (h *Instance) User(id string) *gen.UserDto {
	h.t.Helper()
	yes := true
	r, err := h.Management().GetUserWithResponse(context.Background(), &gen.GetUserParams{
		UserID: id, WithCustomData: &yes, WithIdentities: &yes,
	})
	h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		h.t.Fatalf("user %s: %s", id, r.Body)
	}
	return r.JSON200.Data
}

// Alive tells whether an access token is good for anything.
func (h *Instance) Alive(access string) bool {
	h.t.Helper()
	r, err := h.NewClient(Header("Access-Token", access)).GetUserInfoWithResponse(context.Background(), nil)
	h.must(err)
	return OutcomeOf(r).Success()
}
