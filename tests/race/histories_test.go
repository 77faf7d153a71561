package race

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// histories is how many are made at least.
const histories = 200

// codes is how many QR codes have their histories at one time: enough for statements of one to come between those of another.
const codes = 8

// historian writes down what happens to some QR codes, and in which order it began and ended.
type historian struct {
	t       *testing.T
	f       fleet
	people  []*harness.Person
	order   atomic.Int64
	mu      sync.Mutex
	clock   []time.Duration // all that it has said since the codes were made
	history [codes][]porcupine.Operation
}

// do writes down one operation of a code.
func (h *historian) do(n, client int, a asked, ask func() (string, error)) {
	h.mu.Lock()
	before := len(h.clock) - 1
	h.mu.Unlock()
	begin := h.order.Add(1)
	says, err := ask()
	end := h.order.Add(1)
	if err != nil {
		h.t.Error(err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	meanwhile := slices.Compact(slices.Clone(h.clock[before:]))
	h.history[n] = append(h.history[n], porcupine.Operation{ClientId: client, Input: a, Call: begin, Output: told{says, meanwhile}, Return: end})
}

// phone takes random steps.
func (h *historian) phone(n, who int, scanID string) {
	steps := []gen.ChangeQRCodeStatusDtoAction{
		gen.ChangeQRCodeStatusDtoActionSCAN, gen.ChangeQRCodeStatusDtoActionSCAN, gen.ChangeQRCodeStatusDtoActionCONFIRM, gen.ChangeQRCodeStatusDtoActionCANCEL,
	}
	client, token := h.f[rand.N(len(h.f))].Client, harness.Header("Authorization", h.people[who].AccessToken)
	for range 4 {
		action := steps[rand.N(len(steps))]
		h.do(n, who, asked{what: string(action), by: who}, func() (string, error) {
			r, err := client.SetQRCodeStatusWithResponse(h.t.Context(), gen.ChangeQRCodeStatusDto{QrcodeID: scanID, Action: action}, token)
			if err != nil {
				return "", err
			}
			o := harness.OutcomeOf(r)
			if o.Success() {
				return success, nil
			}
			return o.Text(), nil
		})
	}
}

// page polls.
func (h *historian) page(n, times int, pollID string) {
	for range times {
		client := h.f[rand.N(len(h.f))].Client
		h.do(n, len(h.people), asked{what: poll}, func() (string, error) {
			r, err := client.GetQRCodeStatusWithResponse(h.t.Context(), &gen.GetQRCodeStatusParams{QrcodeID: pollID})
			if err != nil || r.JSON200 == nil || r.JSON200.Data == nil {
				return "no status", err
			}
			return string(r.JSON200.Data.Status), nil
		})
	}
}

// time passes: mostly not enough for anything to end, sometimes to the last moment or over it.
func (h *historian) time() {
	for _, moves := range [][]time.Duration{{0, time.Second, qrLife - time.Second, ticketLife}, {0, time.Second, ticketLife, qrLife}} {
		time.Sleep(rand.N(50 * time.Millisecond)) // somewhere among the steps
		rand.Shuffle(len(moves), func(i, j int) { moves[i], moves[j] = moves[j], moves[i] })
		h.mu.Lock()
		h.f[0].Clock.Advance(moves[0])
		h.clock = append(h.clock, h.clock[len(h.clock)-1]+moves[0])
		h.mu.Unlock()
	}
}

// hear keeps what a page is told on a stream, until that ends or is closed.
func hear(events *harness.Events) <-chan []harness.Event {
	heard := make(chan []harness.Event, 1)
	go func() {
		var all []harness.Event
		for {
			event, err := events.Read()
			if err != nil {
				heard <- all
				return
			}
			all = append(all, event)
		}
	}()
	return heard
}

// agree: what the page heard only goes forward, and comes to the end that a poll tells.
func (h *historian) agree(heard []harness.Event, end string) {
	for n, event := range heard {
		if n > 0 && event.ID <= heard[n-1].ID {
			h.t.Errorf("the page is told %+v", heard)
		}
	}
	last := "nothing"
	if len(heard) > 0 {
		last = string(heard[len(heard)-1].Status(h.t).Status)
	}
	tooLate := last == "EXPIRED" && h.clock[len(h.clock)-1] >= qrLife // while a decision was on its way
	spent := last == "AUTHORIZED" && end == "EXPIRED"                 // the ticket
	if last != end && !tooLate && !spent {
		h.t.Errorf("the page is told %s, a poll %s", last, end)
	}
}

// TestHistoriesOfQRCodes (Q3): two phones scan, confirm and cancel, the page polls and the clock moves, all at once and on all
// replicas. Whatever each of them was told can be put into an order in which the state machine of a QR code says the same. A
// page listens meanwhile, and is told no state that comes before one that it was told already, and the end that it came to.
func TestHistoriesOfQRCodes(t *testing.T) {
	f := newFleet(t)
	people := []*harness.Person{f[0].SignUp("alice"), f[0].SignUp("bob")}
	ends := map[string]int{}
	for round := range max(histories, wanted(t)) / codes {
		h := &historian{t: t, f: f, people: people, clock: []time.Duration{0}}
		var all sync.WaitGroup
		var scanIDs, pollIDs [codes]string
		for n := range codes {
			page := f[rand.N(len(f))].MakeQR()
			scanIDs[n], pollIDs[n] = page.ScanID, page.PollID
		}
		for n := range codes {
			for who := range people {
				all.Go(func() { h.phone(n, who, scanIDs[n]) })
			}
			all.Go(func() { h.page(n, 4, pollIDs[n]) })
		}
		all.Go(h.time)
		events, err := harness.OpenEvents(t.Context(), t, f[rand.N(len(f))].URL, pollIDs[0], "")
		if err != nil {
			t.Fatal(err)
		}
		heard := hear(events)
		all.Wait()
		for n := range codes {
			h.page(n, 1, pollIDs[n])
			if result := porcupine.CheckOperationsTimeout(model, h.history[n], time.Minute); result != porcupine.Ok {
				for _, o := range h.history[n] {
					t.Logf("%d-%d %+v: %+v", o.Call, o.Return, o.Input, o.Output)
				}
				t.Fatalf("in round %d the checker says %s", round, result)
			}
			end := h.history[n][len(h.history[n])-1].Output.(told).says
			ends[end]++
			if n > 0 {
				continue
			}
			if end == "PENDING" || end == "SCANNED" || end == "EXPIRED" && round%16 > 0 { // to be told of an expiry takes a second
				events.Close()
				<-heard
				continue
			}
			h.agree(<-heard, end)
		}
		f[0].Clock.Advance(-h.clock[len(h.clock)-1]) // for tokens to live on
		if t.Failed() {
			return
		}
	}
	for _, end := range []string{"AUTHORIZED", "CANCELLED", "EXPIRED"} {
		if ends[end] == 0 {
			t.Errorf("no history ended with %s: %v", end, ends)
		}
	}
	t.Attr("histories", strconv.Itoa(max(histories, wanted(t))/codes*codes))
	for end, n := range ends {
		t.Attr(end, strconv.Itoa(n))
	}
}
