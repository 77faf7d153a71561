package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bench is a statement that a test lets go on, and what it was run with.
type bench struct {
	t       *testing.T
	batches batches[int, bool]
	begun   chan []int // the items of each statement, when it begins
	proceed chan result
	all     sync.WaitGroup
}

type result struct {
	done []bool
	err  error
}

func newBench(t *testing.T) *bench {
	return &bench{t: t, begun: make(chan []int), proceed: make(chan result)}
}

func (b *bench) ask(ctx context.Context, item int, want error) {
	b.all.Go(func() {
		err := guarded(ctx, Queries{}, &b.batches, "key", item, func(ctx context.Context, items []int) ([]bool, error) {
			if ctx.Err() != nil {
				b.t.Errorf("the statement of %v has no time left", items)
			}
			b.begun <- slices.Clone(items)
			r := <-b.proceed
			return r.done, r.err
		})
		if !errors.Is(err, want) {
			b.t.Errorf("item %d: %v, want %v", item, err, want)
		}
	})
}

// statement is the next one to begin.
func (b *bench) statement(want ...int) {
	b.t.Helper()
	if got := <-b.begun; !slices.Equal(got, want) {
		b.t.Errorf("a statement for %v, want %v", got, want)
	}
}

// filled waits until so many wait for the next statement.
func (b *bench) filled(n int) {
	b.t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		b.batches.mu.Lock()
		last := b.batches.last["key"]
		there := last != nil && !last.closed && len(last.items) == n
		b.batches.mu.Unlock()
		if there {
			return
		}
		if time.Now().After(until) {
			b.t.Fatalf("%d did not come together", n)
		}
	}
}

func yes(n int) result { return result{done: slices.Repeat([]bool{true}, n)} }

// TestBatchFillsWhileOneIsOnItsWay: who comes during a statement is in the next one, all together; one whose client has gone
// takes nobody with it, not even where it was the first.
func TestBatchFillsWhileOneIsOnItsWay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ask(t.Context(), 1, nil)
	b.statement(1)
	gone, leave := context.WithCancel(t.Context())
	b.ask(gone, 2, context.Canceled) // it began the batch of the others
	b.filled(1)
	late, give := context.WithCancel(t.Context())
	b.ask(late, 3, context.Canceled)
	b.filled(2)
	b.ask(t.Context(), 4, nil)
	b.filled(3)
	leave()
	give()
	b.proceed <- yes(1)
	b.statement(2, 3, 4)
	b.proceed <- yes(3)
	b.all.Wait()
	if len(b.batches.last) != 0 {
		t.Errorf("left behind: %v", b.batches.last)
	}
}

// TestBatchIsJudgedOneByOne: what was not done in company is tried alone, and only then refused; an error that leaves open what
// was done is passed on, since trying again might do it twice.
func TestBatchIsJudgedOneByOne(t *testing.T) {
	t.Parallel()
	b, lost := newBench(t), fmt.Errorf("%w: lost", ErrUnavailable)
	begin := func(want1, want2 error) {
		b.ask(t.Context(), 1, nil)
		b.statement(1)
		b.ask(t.Context(), 2, want1)
		b.filled(1)
		b.ask(t.Context(), 3, want2)
		b.filled(2)
		b.proceed <- yes(1)
		b.statement(2, 3)
	}
	begin(nil, ErrNotFound)
	b.proceed <- result{done: []bool{true, false}}
	b.statement(3)
	b.proceed <- result{done: []bool{false}}
	b.all.Wait()

	begin(nil, nil)
	b.proceed <- result{err: errors.New("one of them is impossible")}
	<-b.begun
	b.proceed <- yes(1)
	<-b.begun
	b.proceed <- yes(1)
	b.all.Wait()

	begin(ErrUnavailable, ErrUnavailable)
	b.proceed <- result{err: lost}
	b.all.Wait()
}

// TestBatchesOfKeysAreApart: other keys do not wait, and a batch has its limit.
func TestBatchesOfKeysAreApart(t *testing.T) {
	t.Parallel()
	var b batches[int, bool]
	for n := range maxBatch + 1 {
		b.join("key", n)
	}
	if last := b.last["key"]; len(last.items) != 1 {
		t.Errorf("%d items after a full batch", len(last.items))
	}
	if err := guarded(t.Context(), Queries{}, &b, "other", 1, func(context.Context, []int) ([]bool, error) { return []bool{true}, nil }); err != nil {
		t.Error(err)
	}
}

// TestBatchOutlivesNobodysRequest: whoever waits for a statement waits no longer than its own request may take, also the one that
// began it, and is told that the database was not there. One that panics leaves open what it did, so it is not run again.
func TestBatchOutlivesNobodysRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			b    batches[int, bool]
			runs int
			all  sync.WaitGroup
		)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slow := func(context.Context, []int) ([]bool, error) {
			runs++
			time.Sleep(2 * time.Second)
			panic("on its way")
		}
		for n := range 3 { // the first is alone; the others come together
			all.Go(func() {
				began := time.Now()
				err := guarded(short, Queries{}, &b, "key", n, slow)
				if !errors.Is(err, ErrUnavailable) || time.Since(began) != time.Second {
					t.Errorf("item %d: %v after %v", n, err, time.Since(began))
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if err := guarded(t.Context(), Queries{}, &b, "key", 3, slow); !errors.Is(err, errPanicked) {
			t.Errorf("a statement that panicked: %v", err)
		}
		if runs != 2 {
			t.Errorf("%d statements for one, and two and one together", runs)
		}
	})
}

// TestReadIsNewerThanItsQuestion (Q7, T15): who asks for a row gets what was read after that, however many share the read: what is
// disabled is so at once. A read that hangs holds up the next one for a moment only.
func TestReadIsNewerThanItsQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b batches[struct{}, int]
		began := time.Now()
		read := func(ctx context.Context, all []struct{}) ([]int, error) {
			seen := int(time.Since(began)) // when the server looked
			if seen == 0 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			time.Sleep(time.Millisecond)
			return slices.Repeat([]int{seen}, len(all)), nil
		}
		var all sync.WaitGroup
		all.Go(func() {
			if _, _, err := b.do(t.Context(), "key", struct{}{}, readPatience, read); err == nil {
				t.Error("the read that hangs has an answer")
			}
		})
		synctest.Wait()
		for range 50 {
			time.Sleep(time.Millisecond)
			asked := int(time.Since(began))
			all.Go(func() {
				seen, _, err := b.do(t.Context(), "key", struct{}{}, readPatience, read)
				took := time.Since(began) - time.Duration(asked)
				if err != nil || seen < asked || took > readPatience+2*time.Millisecond {
					t.Errorf("asked after %v, read after %v in %v: %v", time.Duration(asked), time.Duration(seen), took, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
	})
}
