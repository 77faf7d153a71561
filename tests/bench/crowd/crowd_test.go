package crowd_test

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/db/dbtest/fill"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/bench/crowd"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestPeopleOfTheCrowdAreReal: the service takes them for people: they sign in with the password and, where they have an
// authenticator, its code; and their secrets can be looked up. A measurement of anything else would be one of refusals.
func TestPeopleOfTheCrowdAreReal(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	url, masterKey := place(t, h)
	amounts := fill.Amounts{Users: 100, LiveCodes: 10, ExpiredCodes: 10}
	if err := crowd.Fill(t.Context(), url, make([]byte, 32), amounts, nil); err == nil {
		t.Error("filled with a wrong master key")
	}
	if err := crowd.Fill(t.Context(), url, masterKey, amounts, nil); err != nil {
		t.Fatal(err)
	}
	for user := range 4 {
		name, body := fill.Username(user), gen.LoginRequest{Username: fill.Username(user), Password: crowd.Password}
		if fill.HasFactor(user) {
			secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(fill.Secret(user))
			code, err := harness.TOTP(secret, h.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			body.Code = &code
			kind := gen.UserIDTypeUsername
			r, err := h.Management().GetOTPSecretByUserWithResponse(context.Background(), &gen.GetOTPSecretByUserParams{UserID: name, UserIDType: &kind})
			if err != nil || !strings.Contains(string(r.Body), secret) {
				t.Errorf("lookup of %s: %v %s", name, err, r.Body)
			}
		}
		r, err := h.Client.LoginUserWithResponse(context.Background(), body)
		if err != nil || r.JSON200 == nil || r.JSON200.Base.Code != gen.BaseCodeSuccess || r.JSON200.Data.ID != fill.UserID(user) {
			t.Errorf("login of %s: %v %s", name, err, r.Body)
		}
	}
	if fill.HasFactor(3) || !fill.HasFactor(0) {
		t.Error("the first four are not with and without an authenticator")
	}
}

// TestNothingToFill: on a database that no service was started on there is no userpool to fill; the error says what to do.
func TestNothingToFill(t *testing.T) {
	t.Parallel()
	err := crowd.Fill(t.Context(), dbtest.URL(t), make([]byte, 32), fill.Amounts{Users: 10, LiveCodes: 10, ExpiredCodes: 10}, nil)
	if !errors.Is(err, crowd.ErrNotStarted) {
		t.Errorf("%v, want ErrNotStarted", err)
	}
}

// place is the database of an instance, and its master key.
func place(t *testing.T, h *harness.Instance) (url string, masterKey []byte) {
	t.Helper()
	for _, entry := range h.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		switch name {
		case "MENSHEN_DATABASE_URL":
			url = value
		case "MENSHEN_MASTER_KEY":
			key, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				t.Fatal(err)
			}
			masterKey = key
		}
	}
	return url, masterKey
}
