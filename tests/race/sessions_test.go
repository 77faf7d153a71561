package race

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestOneTicketIsOneTokenSet (Q4): of many exchanges at once one gets tokens. The others were second uses, so the session
// is over, on every replica.
func TestOneTicketIsOneTokenSet(t *testing.T) {
	f := newFleet(t)
	alice := f[0].SignUp("alice")
	app := f[0].Credentials
	rounds(t, cheap, func(t *testing.T) {
		page := f[0].MakeQR()
		ticket := alice.Approve(page)
		before := f[0].Count(`SELECT count(*) FROM sessions`)
		exchange := func(c *gen.ClientWithResponses, _ int) (*gen.ExchangeQRCodeTicketResult, error) {
			return c.ExchangeQRCodeTicketWithResponse(t.Context(), nil, gen.ExchangeTokenSetWithQRcodeTicketDto{
				Ticket: ticket, ClientID: &app.AppID, ClientSecret: &app.AppSecret,
			})
		}
		winner := one(t, rush(t, f, calls, "qrlogins", exchange), "The ticket is unknown, used or expired.")
		if opened := f[0].Count(`SELECT count(*) FROM sessions`) - before; opened != 1 {
			t.Fatalf("%d sessions were opened", opened)
		}
		for _, h := range f {
			if h.Alive(*winner.JSON200.Data.AccessToken) {
				t.Fatal("the session survived the second use of its ticket")
			}
			r := harness.Must(h.Client.GetQRCodeStatusWithResponse(t.Context(), &gen.GetQRCodeStatusParams{QrcodeID: page.PollID}))(t)
			if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Status != gen.QRCodeStatusAUTHORIZED || r.JSON200.Data.Ticket != nil {
				t.Fatalf("after the exchange the page sees %s", r.Body)
			}
		}
	})
}

// TestOneRefreshTokenIsOnePair: a client whose requests all find the access token expired renews it once, and since they
// come at one moment that is no theft: the session lives, with the new pair.
func TestOneRefreshTokenIsOnePair(t *testing.T) {
	f := newFleet(t)
	alice := f[0].SignUp("alice")
	rounds(t, cheap, func(t *testing.T) {
		f[0].Clock.Advance(16 * time.Minute)
		info := func(c *gen.ClientWithResponses, _ int) (*gen.GetUserInfoResult, error) {
			return c.GetUserInfoWithResponse(t.Context(), &gen.GetUserInfoParams{AccessToken: &alice.AccessToken, RefreshToken: &alice.RefreshToken})
		}
		winner := one(t, rush(t, f, calls, "refresh_tokens", info), "The token has expired; sign in again.")
		header := winner.HTTPResponse.Header
		alice.Adopt(header.Get("Access-Token"), header.Get("Refresh-Token"))
		for _, h := range f {
			if !h.Alive(alice.AccessToken) {
				t.Fatal("the session ended")
			}
		}
	})
}

// TestOneRefreshTokenIsOneTokenSet: the same where OAuth clients renew, while another application that has got hold of the token
// tries too: it is told what the losers are told, and takes nothing.
func TestOneRefreshTokenIsOneTokenSet(t *testing.T) {
	f := newFleet(t)
	alice, own := f[0].SignUp("alice"), f[0].Credentials
	f[0].Exec(`INSERT INTO applications (userpool_id, id, name, secret_hash, is_default, created_at, browser_exchange)
		VALUES ($1, 'spa', 'SPA', '\x00', false, now(), true)`, own.UserpoolID)
	rounds(t, fair, func(t *testing.T) {
		renew := func(c *gen.ClientWithResponses, n int) (*gen.GetTokenResult, error) {
			form := gen.TokenRequest{GrantType: "refresh_token", RefreshToken: &alice.RefreshToken, ClientID: &own.AppID, ClientSecret: &own.AppSecret}
			if n%4 == 3 {
				form.ClientID, form.ClientSecret = ptr("spa"), nil
			}
			return c.GetTokenWithFormdataBodyWithResponse(t.Context(), nil, form)
		}
		answers := rush(t, f, calls, "refresh_tokens", renew)
		winner := one(t, answers, "The refresh token is unknown, used, expired, revoked, or of another application.")
		for n, r := range answers {
			if n%4 == 3 && r.JSON200 != nil {
				t.Fatal("the other application has won")
			}
		}
		alice.Adopt(winner.JSON200.AccessToken, *winner.JSON200.RefreshToken)
		for _, h := range f {
			if !h.Alive(alice.AccessToken) {
				t.Fatal("the session ended")
			}
		}
	})
}

// TestOneFastpassIsOneSession (Q7): of many phones that redeem a fastpass at once one is signed in.
func TestOneFastpassIsOneSession(t *testing.T) {
	f := newFleet(t)
	alice := f[0].SignUp("alice")
	rounds(t, cheap, func(t *testing.T) {
		before := f[0].Count(`SELECT count(*) FROM sessions`)
		code := alice.Fastpass(nil).QrcodeID
		redeem := func(c *gen.ClientWithResponses, _ int) (*gen.RedeemFastpassResult, error) {
			return c.RedeemFastpassWithResponse(t.Context(), nil, gen.QRCodeAppLoginDto{Action: gen.QRCodeAppLoginDtoActionAppLogin, QrcodeID: code})
		}
		winner := one(t, rush(t, f, calls, "fastpasses", redeem), "The fastpass is unknown, used or expired.")
		if opened := f[0].Count(`SELECT count(*) FROM sessions`) - before; opened != 1 || !f[1].Alive(*winner.JSON200.Data.AccessToken) {
			t.Fatalf("%d sessions were opened", opened)
		}
	})
}

const notNow = "The QR code is not in a state that allows this."

// act takes a step on the phone.
func act(t *testing.T, id string, action func(n int) gen.ChangeQRCodeStatusDtoAction, who func(n int) *harness.Person) func(*gen.ClientWithResponses, int) (*gen.SetQRCodeStatusResult, error) {
	return func(c *gen.ClientWithResponses, n int) (*gen.SetQRCodeStatusResult, error) {
		return c.SetQRCodeStatusWithResponse(t.Context(), gen.ChangeQRCodeStatusDto{QrcodeID: id, Action: action(n)},
			harness.Header("Authorization", who(n).AccessToken))
	}
}

// TestOneEndOfAQRCode (Q3): the phone confirms and cancels at once while somebody else scans: the QR code ends in one way,
// and somebody else has no part in it.
func TestOneEndOfAQRCode(t *testing.T) {
	f := newFleet(t)
	alice, bob := f[0].SignUp("alice"), f[0].SignUp("bob")
	actions := []gen.ChangeQRCodeStatusDtoAction{
		gen.ChangeQRCodeStatusDtoActionCONFIRM, gen.ChangeQRCodeStatusDtoActionCANCEL, gen.ChangeQRCodeStatusDtoActionSCAN,
	}
	kind := func(n int) int { return n / len(f) % len(actions) } // every instance has every kind
	rounds(t, cheap, func(t *testing.T) {
		page := f[0].MakeQR()
		if r := alice.Act(gen.ChangeQRCodeStatusDtoActionSCAN, page.ScanID); !harness.OutcomeOf(r).Success() {
			t.Fatalf("scan: %s", r.Body)
		}
		answers := rush(t, f, calls, "qrlogins", act(t, page.ScanID,
			func(n int) gen.ChangeQRCodeStatusDtoAction { return actions[kind(n)] },
			func(n int) *harness.Person { return []*harness.Person{alice, alice, bob}[kind(n)] }))
		one(t, answers, notNow)
		for n, r := range answers {
			if !harness.OutcomeOf(r).Success() {
				continue
			}
			want := []gen.QRCodeStatus{gen.QRCodeStatusAUTHORIZED, gen.QRCodeStatusCANCELLED, "nobody's"}[kind(n)]
			if status := page.Status(); status.Status != want || (status.Ticket != nil) != (want == gen.QRCodeStatusAUTHORIZED) {
				t.Fatalf("%s won, and the status is %s", actions[kind(n)], status.Status)
			}
		}
	})
}

// TestOneEndBesideTheClock (Q3): the phone confirms and cancels at once while the QR code expires. It ends in one way: what was
// decided in time stays decided, and nothing is decided after the end.
func TestOneEndBesideTheClock(t *testing.T) {
	f := newFleet(t)
	alice := f[0].SignUp("alice")
	actions := []gen.ChangeQRCodeStatusDtoAction{gen.ChangeQRCodeStatusDtoActionCONFIRM, gen.ChangeQRCodeStatusDtoActionCANCEL}
	ends := map[string]int{}
	rounds(t, cheap, func(t *testing.T) {
		page := f[0].MakeQR()
		if r := alice.Act(gen.ChangeQRCodeStatusDtoActionSCAN, page.ScanID); !harness.OutcomeOf(r).Success() {
			t.Fatalf("scan: %s", r.Body)
		}
		step := act(t, page.ScanID,
			func(n int) gen.ChangeQRCodeStatusDtoAction { return actions[n%2] }, func(int) *harness.Person { return alice })
		answers := rushPast(t, f, calls, 0, "qrlogins", func(c *gen.ClientWithResponses, n int) (*gen.SetQRCodeStatusResult, error) {
			if n == 0 {
				time.Sleep(rand.N(60 * time.Millisecond)) // somewhere among the others
				f[0].Clock.Advance(qrLife)
			}
			return step(c, n)
		})
		want := "SCANNED" // as far as is stored: nobody was in time
		for n, r := range answers {
			if harness.OutcomeOf(r).Success() {
				want = []string{"AUTHORIZED", "CANCELLED"}[n%2]
			}
		}
		got := tally(answers)
		if stored := f[0].Count(`SELECT count(*) FROM qrlogins WHERE state = $1 AND created_at + '120 s' = $2`, want, f[0].Clock.Now()); stored == 0 {
			t.Errorf("by the answers %s, which is not what is stored: %v", want, got)
		}
		if got[success] > 1 || got[success]+got[notNow]+got[tooLate] != calls {
			t.Errorf("%v", got)
		}
		f[0].Exec(`DELETE FROM qrlogins`)
		f[0].Clock.Advance(-qrLife) // for tokens to live on
		ends[want]++
	})
	for end, n := range ends {
		t.Attr(end, strconv.Itoa(n))
	}
}

// TestOneScannerOfAQRCode (Q3): of two phones that scan at once one has the QR code, and only its owner can confirm.
func TestOneScannerOfAQRCode(t *testing.T) {
	f := newFleet(t)
	people := []*harness.Person{f[0].SignUp("alice"), f[0].SignUp("bob")}
	rounds(t, fair, func(t *testing.T) {
		page := f[0].MakeQR()
		answers := rush(t, f, calls, "qrlogins", act(t, page.ScanID,
			func(int) gen.ChangeQRCodeStatusDtoAction { return gen.ChangeQRCodeStatusDtoActionSCAN },
			func(n int) *harness.Person { return people[n%2] }))
		won := map[string]bool{}
		for n, r := range answers {
			if harness.OutcomeOf(r).Success() {
				won[people[n%2].Username] = true
			}
		}
		got := tally(answers)
		if len(won) != 1 || got[success]+got[notNow] != calls {
			t.Fatalf("%v have scanned it: %v", won, got)
		}
		for _, p := range people {
			r := p.Act(gen.ChangeQRCodeStatusDtoActionCONFIRM, page.ScanID)
			if harness.OutcomeOf(r).Success() != won[p.Username] {
				t.Fatalf("confirm by %s, when %v have scanned it: %s", p.Username, won, r.Body)
			}
		}
	})
}

// TestOneNameIsOneUser (T16): of many who want one name at once, in different letters, one gets it. Some register, and the
// others are created by an access key, without a password that would have to be hashed.
func TestOneNameIsOneUser(t *testing.T) {
	f := newFleet(t)
	token, round := f[0].ManagementToken(), 0
	rounds(t, fair, func(t *testing.T) {
		round++
		register := func(c *gen.ClientWithResponses, n int) (any, error) {
			name := fmt.Sprintf([]string{"alice.%d", "Alice.%d", "ＡＬＩＣＥ.%d"}[n%3], round)
			if n%8 == 0 {
				return c.RegisterUserWithResponse(t.Context(), gen.RegisterRequest{Username: name, Password: harness.Password})
			}
			return c.CreateUserWithResponse(t.Context(), gen.CreateUserReqDto{Username: &name})
		}
		one(t, rush(t, f, calls, "users", register, harness.Header("Authorization", "Bearer "+token)), "The user name is taken.")
		if n := f[0].Count(`SELECT count(*) FROM users WHERE username_key LIKE 'alice.%'`); n != round {
			t.Fatalf("%d users after %d rounds", n, round)
		}
	})
}

// TestOneSignatureIsOneRequest: a signed request that is sent many times at once is done once.
func TestOneSignatureIsOneRequest(t *testing.T) {
	f := newFleet(t)
	rounds(t, fair, func(t *testing.T) {
		create := func(c *gen.ClientWithResponses, _ int) (*gen.CreateQRCodeResult, error) {
			return c.CreateQRCodeWithResponse(t.Context(), nil, gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp})
		}
		before := f[0].Count(`SELECT count(*) FROM qrlogins`)
		one(t, rush(t, f, calls, "request_nonces", create, f[0].Signer().Sign), "签名已被使用。") // the SDK asks for Chinese
		if n := f[0].Count(`SELECT count(*) FROM qrlogins`) - before; n != 1 {
			t.Fatalf("%d QR codes were made", n)
		}
	})
}
