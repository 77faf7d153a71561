package race

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// settle is longer than replicas take to seal with a new key, and their requests here.
const settle = 4 * time.Second

// rotations is how often the key is replaced, at least.
const rotations = 2

// TestRotationFailsNobody (T10): while the sealing key is replaced again and again, three replicas go on verifying: logins with
// authenticator codes, lookups of secrets by signed requests (each opens the secrets of an access key and of an authenticator),
// enrolments that are confirmed, and messages that are sealed and delivered. Not one is refused, and afterwards nothing is
// under an old key.
//
// A round is some 64 verifications, a tenth of them with passwords: 2,000 rounds, as others count them, make the ten thousand that
// are promised.
func TestRotationFailsNobody(t *testing.T) {
	f := newFleet(t)
	var people []*harness.Person
	for n := range 2 * instances {
		people = append(people, f[n%instances].SignUp(fmt.Sprintf("user%d", n)).EnrolTOTP())
	}
	newcomer := f[0].SignUp("newcomer")

	ctx, cancel := context.WithCancel(t.Context())
	var finished atomic.Int64
	rotating := make(chan struct{})
	go func() {
		defer close(rotating)
		for ctx.Err() == nil {
			if err := f[0].RotateKeys(ctx, settle); err == nil {
				finished.Add(1)
			} else if ctx.Err() == nil {
				t.Errorf("rotation: %v", err)
				return
			}
		}
	}()
	verified, round := 0, 0
	for ; !t.Failed() && (round < wanted(t)/12 || finished.Load() < rotations); round++ {
		delivered(t, f)          // or the lease of a delivery would end with the step
		f[0].Clock.Advance(step) // a code works once
		if round%20 == 0 {       // before the token expires
			newcomer.Login("")
		}
		f[round%instances].AskForCode(gen.CaptchaRequestTypeEmail, gen.CaptchaUseRegister, fmt.Sprintf("somebody%d@example.com", round))
		verified += verifyAll(t, f, people, newcomer)
	}
	cancel()
	<-rotating
	t.Attr("rounds", strconv.Itoa(round))
	t.Attr("verifications", strconv.Itoa(verified))
	t.Attr("rotations", strconv.FormatInt(finished.Load()+1, 10))

	delivered(t, f)
	newcomer.Login("")
	newcomer.Scan() // a value in each column but the outbox's, whose messages are gone
	if err := f[0].RotateKeys(t.Context(), settle); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"access_keys", "secret_sealed"}, {"mfa_factors", "secret_sealed"}, {"mfa_pending", "secret_sealed"}, {"outbox", "message_sealed"},
	} {
		newest, others := f[0].Sealed(c[0], c[1])
		if others != 0 || newest == 0 && c[0] != "outbox" {
			t.Errorf("%s: %d values are sealed with the new key, %d with old ones", c[0], newest, others)
		}
	}
	f[0].Clock.Advance(step)
	verifyAll(t, f, people, newcomer)
}

// delivered waits until no message is on its way, and checks that each was delivered.
func delivered(t *testing.T, f fleet) {
	t.Helper()
	harness.Eventually(t, "messages", func() bool { return f[0].Count(`SELECT count(*) FROM outbox WHERE state = 'waiting'`) == 0 })
	if n := f[0].Count(`SELECT count(*) FROM outbox WHERE state <> 'delivered'`); n != 0 {
		t.Errorf("%d messages were not delivered", n)
	}
}

// verifyAll verifies everybody in all ways at once, on every replica, and returns how many verifications that was. Each must
// succeed.
func verifyAll(t *testing.T, f fleet, people []*harness.Person, newcomer *harness.Person) int {
	t.Helper()
	var all sync.WaitGroup
	var verified atomic.Int64
	check := func(what string, call func() (any, error)) {
		all.Go(func() {
			answer, err := call()
			if err != nil || !harness.OutcomeOf(answer).Success() {
				t.Errorf("%s: %v %s", what, err, harness.OutcomeOf(answer).Body)
				return
			}
			verified.Add(1)
		})
	}
	for n, p := range people {
		h := f[n%len(f)]
		check("login of "+p.Username, func() (any, error) { return login(t, p.Username, p.Code())(h.Client, 0) })
	}
	all.Go(func() { // confirmed by another replica than the one that made the secret
		newcomer.Secret = newcomer.Scan()
		client := f[1].NewClient(harness.Header("Access-Token", newcomer.AccessToken))
		r, err := client.BindMFAWithResponse(t.Context(), nil, gen.MFABindRequest{Code: newcomer.Code()})
		if err != nil || !harness.OutcomeOf(r).Success() {
			t.Errorf("bind: %v %s", err, harness.OutcomeOf(r).Body)
			return
		}
		verified.Add(1)
	})
	for n := range calls - len(people) - 1 {
		p, h := people[n%len(people)], f[n%len(f)]
		check("lookup of "+p.Username, func() (any, error) {
			r, err := h.Client.GetOTPSecretByUserWithResponse(t.Context(), &gen.GetOTPSecretByUserParams{UserID: p.ID}, f[0].Signer().Sign)
			if err == nil && (r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Secret != p.Secret) {
				err = fmt.Errorf("not the secret of %s", p.Username)
			}
			return r, err
		})
	}
	all.Wait()
	f[0].Exec(`DELETE FROM mfa_factors WHERE user_id = $1`, newcomer.ID)
	return int(verified.Load())
}

// TestRotationsAgreeOnOneKey (T10): of many rotations that are begun at once one is made, and the others say so.
func TestRotationsAgreeOnOneKey(t *testing.T) {
	f := newFleet(t)
	rounds(t, dear, func(t *testing.T) {
		before := f[0].Count(`SELECT count(*) FROM keyring`)
		var all sync.WaitGroup
		var done atomic.Int64
		for n := range 8 {
			all.Go(func() {
				if err := f[n%len(f)].RotateKeys(t.Context(), time.Second); err == nil {
					done.Add(1)
				} else if err.Error() != "the sealing key is being rotated by another process" {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if made := f[0].Count(`SELECT count(*) FROM keyring`) - before; made != 1 || done.Load() != 1 {
			t.Errorf("%d rotations made %d keys", done.Load(), made)
		}
	})
}

// TestRotationBesideLockedRows (T10): serving transactions that lock several authenticators in the order opposite to the rotation's
// never wait in a circle with it, and the rotation ends.
func TestRotationBesideLockedRows(t *testing.T) {
	f := newFleet(t)
	for n := range 8 {
		f[0].SignUp(fmt.Sprintf("user%d", n)).EnrolTOTP()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil { // a deadlock is an error here, or one of the rotation's
				f[0].Exec(`WITH locked AS (SELECT id FROM mfa_factors ORDER BY id DESC FOR UPDATE)
					UPDATE mfa_factors SET failures = failures FROM locked WHERE mfa_factors.id = locked.id AND pg_sleep(0.01) IS NOT NULL`)
			}
		})
	}
	for range 2 {
		if err := f[0].RotateKeys(t.Context(), 0); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	all.Wait()
	if _, others := f[0].Sealed("mfa_factors", "secret_sealed"); others != 0 {
		t.Errorf("%d authenticators are under an old key", others)
	}
}
