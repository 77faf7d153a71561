package authn

import (
	"slices"
	"strings"
	"testing"
)

// TestRefusalsFollowFromTheSchemes: the contract says what a bad credential is answered by naming the scheme. Where nobody needs one,
// only those tell that a request has been sent with on purpose.
func TestRefusalsFollowFromTheSchemes(t *testing.T) {
	t.Parallel()
	const (
		token     = "auth.token_expired auth.token_invalid"
		signature = "auth.access_key auth.required auth.signature auth.signature_date auth.signature_method auth.signature_no_date " +
			"auth.signature_skew auth.signature_used auth.signature_version auth.userpool"
	)
	for _, test := range []struct {
		schemes []string // an empty one for nobody in particular
		want    string
	}{
		{nil, ""},
		{[]string{"", "AccessToken"}, ""},
		{[]string{"", "UserToken", "RefreshToken", "IThingsToken"}, ""},
		{[]string{"QueryToken", "UserToken", ""}, token},
		{[]string{"", "ManagementToken"}, token + " auth.userpool"},
		{[]string{"", "RequestSignature"}, signature},
		{[]string{"", "ApplicationBasic"}, "auth.application"},
		{[]string{"AccessToken"}, "auth.required " + token},
		{[]string{"AccessToken", "RefreshToken"}, "auth.required " + token},
		{[]string{"RefreshToken"}, "auth.required auth.token_invalid"},
		{[]string{"IThingsToken"}, "auth.required " + token},
		{[]string{"QueryToken", "UserToken"}, "auth.required " + token},
		{[]string{"ApplicationBasic"}, "auth.application auth.required"},
		{[]string{"ManagementToken"}, "auth.required auth.scope " + token + " auth.userpool"},
		{[]string{"ManagementToken", "RequestSignature"}, signature + " auth.scope " + token},
	} {
		var got []string
		for _, e := range New(&accounts{}).Refusals(requirements(test.schemes...)) {
			got = append(got, e.Code)
		}
		slices.Sort(got)
		want := slices.Sorted(strings.FieldsSeq(test.want))
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%q:\n  is   %s\n  want %s", test.schemes, got, want)
		}
	}
}
