package race

import (
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	instances = 3
	calls     = 64 // at once; two to four would miss most races
)

// fleet is several instances on one database.
type fleet []*harness.Instance

// newFleet starts a fleet whose limits are off, and whose clock stands still: what happens in a round happens at one moment.
func newFleet(t *testing.T, configure ...func(*app.Config)) fleet {
	t.Helper()
	own := func(c *app.Config) {
		c.MaxConns = calls/instances + 4   // all calls stand at the finish at once
		c.RequestTimeout = 2 * time.Minute // passwords are hashed few at a time
	}
	h := harness.New(t, append([]func(*app.Config){harness.NoLimits, own}, configure...)...)
	h.Clock.Freeze()
	f := fleet{h}
	for len(f) < instances {
		f = append(f, h.Replica())
	}
	return f
}

// How much rarer a race is run. What security promises to win once, or five times, is cheap, down to the second factor, whose
// races start from sign-ins that wait already.
const (
	cheap = 1
	fair  = 20  // what others cover too, or has some passwords in a round
	dear  = 100 // passwords with every call, hundreds of calls, or what has to be waited for
)

// rounds runs a race several times on the same fleet, a dear one more rarely. The figures of the race are those of its calls.
func rounds(t *testing.T, cost int, round func(t *testing.T)) {
	t.Helper()
	score = tallied{}
	n := max(1, wanted(t)/cost)
	for done := range n {
		round(t)
		if t.Failed() {
			t.Fatalf("in round %d", done+1)
		}
	}
	figures(t, n)
}

// figures attaches what a race was for the table of make race.
func figures(t *testing.T, rounds int) {
	t.Attr("rounds", strconv.Itoa(rounds))
	if score.calls == 0 {
		return // of a race whose calls are no answers
	}
	t.Attr("calls", strconv.Itoa(score.calls))
	t.Attr("won", strconv.Itoa(score.won))
	t.Attr("refused", strconv.Itoa(score.calls-score.won))
}

// tallied is how the calls of a race have ended. Races run one after the other.
type tallied struct{ calls, won int }

var score tallied

// wanted is how many rounds are wanted. Without a wish it is one, for the race detector, which makes each four times as dear;
// the many are run without it.
func wanted(t *testing.T) int {
	t.Helper()
	text := os.Getenv("MENSHEN_TEST_ROUNDS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("MENSHEN_TEST_ROUNDS is %q", text)
	}
	return n
}

// rush makes n calls at once, in turn on each instance, and returns the answers. It holds them all at the finish, the table
// that the race is about, until the last has come: arriving one by one they would not race at all. What goes beyond the
// connections of the fleet stands right behind them.
func rush[T any](t *testing.T, f fleet, n int, finish string, call func(c *gen.ClientWithResponses, n int) (T, error), editors ...gen.RequestEditorFn) []T {
	t.Helper()
	return rushPast(t, f, n, min(n, calls), finish, call, editors...)
}

// together is a table that an instance changes for all calls at once: of each instance one statement comes to the finish, and
// behind it wait the calls that come meanwhile.
const (
	together = "limits"
	meantime = 100 * time.Millisecond
)

// rushPast is rush where only some of the calls come to the finish. The others have another one, or none.
func rushPast[T any](
	t *testing.T, f fleet, n, held int, finish string, call func(c *gen.ClientWithResponses, n int) (T, error), editors ...gen.RequestEditorFn,
) []T {
	t.Helper()
	answers, errs, done := make([]T, n), make([]error, n), sync.WaitGroup{}
	release := f[0].Hold(finish)
	for i := range n {
		client := f[i%len(f)].NewClient(editors...)
		done.Go(func() { answers[i], errs[i] = call(client, i) })
	}
	if finish == together {
		held = min(held, len(f))
		time.Sleep(meantime)
	}
	release(held)
	done.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	score.calls += n
	score.won += len(winners(answers))
	return answers
}

// success is how tally counts what succeeded.
const success = "success"

// tally counts the answers by what they say.
func tally[T any](answers []T) map[string]int {
	counts := map[string]int{}
	for _, answer := range answers {
		o := harness.OutcomeOf(answer)
		if o.Success() {
			counts[success]++
		} else {
			counts[o.Text()]++
		}
	}
	return counts
}

// winners are the answers that succeeded.
func winners[T any](answers []T) []T {
	var list []T
	for _, answer := range answers {
		if harness.OutcomeOf(answer).Success() {
			list = append(list, answer)
		}
	}
	return list
}

// one returns the only winner. All others must have been refused for one of the reasons.
func one[T any](t *testing.T, answers []T, reasons ...string) T {
	t.Helper()
	counts := tally(answers)
	others := len(answers) - counts[success]
	for _, reason := range reasons {
		others -= counts[reason]
	}
	if counts[success] != 1 || others != 0 {
		t.Fatalf("want one success, and for the others %q; got %v", reasons, counts)
	}
	return winners(answers)[0]
}

func ptr[T any](v T) *T { return &v }
