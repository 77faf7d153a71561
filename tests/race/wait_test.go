package race

import (
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestNobodyWaitsForAStranger: while some requests stand before a locked row, others that do not need it are answered, also
// by a replica that has just started and has no statement prepared.
func TestNobodyWaitsForAStranger(t *testing.T) {
	const held, free = 12, 52
	f := newFleet(t)
	alice := f[0].SignUp("alice")
	rounds(t, fair, func(t *testing.T) {
		replica := f[0].Replica()
		client := replica.NewClient(harness.Header("Access-Token", alice.AccessToken))
		release := f[0].Hold("qrlogins")
		var creates, infos sync.WaitGroup
		for range held {
			creates.Go(func() {
				_, _ = client.CreateQRCodeWithResponse(t.Context(), nil, gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp})
			})
		}
		for range free {
			infos.Go(func() {
				if r, err := client.GetUserInfoWithResponse(t.Context(), nil); err != nil || !harness.OutcomeOf(r).Success() {
					t.Errorf("info: %v", err)
				}
			})
		}
		answered := make(chan struct{})
		go func() { infos.Wait(); close(answered) }()
		select {
		case <-answered:
		case <-time.After(10 * time.Second):
			t.Error("requests that need nothing of the locked table wait for it")
		}
		release(held)
		creates.Wait()
		<-answered
		if err := replica.Store.Close(); err != nil { // or many rounds use up the connections of the server
			t.Error(err)
		}
	})
}
