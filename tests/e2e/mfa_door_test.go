package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// door is an operation whose answer may carry tokens. Exactly one of the two is set.
type door struct {
	// knock tries every way through the door with the first factor alone, for a user who has an authenticator.
	knock func(*street)
	// vouched shows what a session is like that the door opens on the word of another one: its amr and auth_time are that one's.
	vouched func(*street)
}

// doors are all of them, by operationId.
var doors = map[string]door{
	"loginUser":            {knock: (*street).loginUser},
	"signIn":               {knock: (*street).signIn},
	"signInWithMFA":        {knock: (*street).signInWithMFA},
	"loginWithCaptcha":     {knock: (*street).loginWithCaptcha},
	"loginWithMFA":         {knock: (*street).loginWithMFA},
	"registerWithCode":     {knock: (*street).registerWithCode},
	"getManagementToken":   {knock: (*street).getManagementToken},
	"exchangeQRCodeTicket": {vouched: (*street).exchangeQRCodeTicket},
	"redeemFastpass":       {vouched: (*street).redeemFastpass},
	"getToken":             {vouched: (*street).getToken},
}

// TestEveryDoorAsksForTheCode walks the contract. Who has an authenticator gets no session with the first factor alone: at
// no operation that may answer with tokens, in no way. An operation that is new there has to be added to the doors above.
func TestEveryDoorAsksForTheCode(t *testing.T) {
	t.Parallel()
	doc := must(gen.GetSpec())(t)
	found := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if !givesTokens(op) {
				continue
			}
			if renews(op) {
				t.Run("renewal/"+op.OperationID, func(t *testing.T) {
					t.Parallel()
					newStreet(t).renewal(method, path, op)
				})
				continue
			}
			id := clientName(op.OperationID)
			found[id] = true
			d, ok := doors[id]
			if !ok {
				t.Errorf("%s (%s %s) may answer with tokens and is no known door to a session. Make it lead through account.Service.Open, "+
					"and add it to doors in tests/e2e/mfa_door_test.go: with a method of street that tries it with the first factor alone, "+
					"or, if another session vouches for it, one that shows whose amr it has", id, method, path)
				continue
			}
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				s := newStreet(t)
				if d.vouched != nil {
					d.vouched(s)
					return
				}
				d.knock(s)
				s.wantNobodyIn("after all of it")
				if s.knocks == 0 {
					t.Error("nobody has knocked")
				}
			})
		}
	}
	for id := range doors {
		if !found[id] {
			t.Errorf("%s is no operation that may answer with tokens; remove it from doors", id)
		}
	}
}

// clientName is the operationId as the generated client writes it.
func clientName(id string) string {
	return strings.NewReplacer("Mfa", "MFA", "Otp", "OTP").Replace(id)
}

// givesTokens tells whether the answer with HTTP 200 has room for a token: a member of it, at any depth, or a header.
func givesTokens(op *openapi3.Operation) bool {
	response := op.Responses.Status(http.StatusOK)
	if response == nil {
		return false
	}
	for name := range response.Value.Headers {
		if namesToken(name) {
			return true
		}
	}
	for _, media := range response.Value.Content {
		if media.Schema != nil && hasToken(media.Schema.Value, nil) {
			return true
		}
	}
	return false
}

func hasToken(schema *openapi3.Schema, above []*openapi3.Schema) bool {
	if schema == nil || slices.Contains(above, schema) {
		return false
	}
	above = append(above, schema)
	below := []*openapi3.SchemaRef{schema.Items, schema.AdditionalProperties.Schema}
	for name, property := range schema.Properties {
		if namesToken(name) {
			return true
		}
		below = append(below, property)
	}
	for _, list := range []openapi3.SchemaRefs{schema.AllOf, schema.AnyOf, schema.OneOf} {
		below = append(below, list...)
	}
	return slices.ContainsFunc(below, func(ref *openapi3.SchemaRef) bool { return ref != nil && hasToken(ref.Value, above) })
}

// namesToken knows access_token, accessToken, Access-Token, and the other two of a set.
func namesToken(name string) bool {
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name)) {
	case "accesstoken", "idtoken", "refreshtoken", "sessiontoken":
		return true
	}
	return false
}

// renews tells whether the tokens of the answer are the next pair of the caller's own session: it is called with one, and
// by nobody without.
func renews(op *openapi3.Operation) bool {
	if op.Security == nil || len(*op.Security) == 0 {
		return false
	}
	refresh := false
	for _, requirement := range *op.Security {
		if len(requirement) == 0 {
			return false
		}
		if _, ok := requirement["RefreshToken"]; ok {
			refresh = true
		}
	}
	return refresh
}

// street is where a user with an authenticator lives, who has given the first factor away.
type street struct {
	t      *testing.T
	h      *harness.Instance
	alice  *harness.Person // has an authenticator, a password, an e-mail address and a number
	before *harness.Person // the same, in a session from before the authenticator was bound
	opened int             // sessions in the database
	knocks int
}

func newStreet(t *testing.T) *street {
	t.Helper()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	dto := everything()
	dto.Username = ptr("alice")
	h.CreateUser(dto)
	s := &street{t: t, h: h, alice: h.SignIn("alice"), before: h.SignIn("alice")}
	s.alice.EnrolTOTP()
	s.opened = s.sessions()
	return s
}

func (s *street) sessions() int { return s.h.Count(`SELECT count(*) FROM sessions`) }

func (s *street) wantNobodyIn(what string) {
	s.t.Helper()
	if n := s.sessions(); n != s.opened {
		s.t.Errorf("%s: %d sessions were opened", what, n-s.opened)
		s.opened = n
	}
}

// wantShut: the door has refused, told no token, and no session is in the database.
func (s *street) wantShut(what string, result any) {
	s.t.Helper()
	s.knocks++
	o := harness.OutcomeOf(result)
	if o.Success() {
		s.t.Errorf("%s: the door is open: %s", what, o.Body)
	}
	for _, name := range []string{"access_token", "accessToken", "refresh_token", "id_token"} {
		if strings.Contains(o.Body, `"`+name+`"`) {
			s.t.Errorf("%s: a refusal with a token: %s", what, o.Body)
		}
	}
	for _, name := range []string{"Access-Token", "Refresh-Token", "Set-Cookie"} {
		if o.Header.Get(name) != "" {
			s.t.Errorf("%s: a refusal with the header %s", what, name)
		}
	}
	s.wantNobodyIn(what)
}

// notCodes are what might be taken for a code by mistake: nothing, spaces, the codes of nobody, the recovery codes of nobody.
func (s *street) notCodes() []string {
	return []string{
		"", " ", "000000", s.alice.WrongCode(), strings.Repeat("0", 24), "0000-0000-0000-0000-0000-0000", "null", harness.Password,
		s.alice.Code() + " ", " " + s.alice.Code(), "+" + s.alice.Code()[1:], "%00",
	}
}
