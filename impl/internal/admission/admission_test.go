package admission

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// enter takes a place and fails the test if there is none.
func enter(t *testing.T, q *Queue) (inside context.Context, leave func()) {
	t.Helper()
	inside, leave, err := q.Enter(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	return inside, leave
}

// wait begins to wait for a turn; the result comes when that ends. Who has got it keeps it.
func wait(ctx context.Context, q *Queue) <-chan error { return waitOf(ctx, q, "work") }

func waitOf(ctx context.Context, q *Queue, kind string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, _, err := q.Enter(ctx, kind)
		done <- err
	}()
	synctest.Wait()
	return done
}

// TestPlacesAreBounded (overload): so many are let in, the others in turn when one leaves. Who waited in vain is told that the
// service is not available, after its patience and not before; who goes away waits no longer, and takes nobody's turn.
func TestPlacesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New(2, time.Second, time.Second)
		_, leave := enter(t, q)
		enter(t, q)
		first := wait(t.Context(), q)
		gone, cancel := context.WithCancel(t.Context())
		away := wait(gone, q)
		second := wait(t.Context(), q)
		cancel()
		if err := <-away; !errors.Is(err, apierr.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("who goes away: %v", err)
		}
		leave()
		if err := <-first; err != nil {
			t.Errorf("the first in turn: %v", err)
		}
		began := time.Now()
		if err := <-second; !errors.Is(err, apierr.ErrUnavailable) || time.Since(began) != time.Second {
			t.Errorf("who waits in vain: %v after %v", err, time.Since(began))
		}
		leave()
		enter(t, q)
	})
}

// TestStandingQueue (overload): a burst is let in as it comes, however long it is. When there is always somebody waiting, only
// who has come lately is: the others are refused as soon as a place is free, and what is accepted is not slow. As soon as
// nobody waits any more, the next burst is a burst.
func TestStandingQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New(1, time.Second, 10*time.Millisecond)
		_, leave := enter(t, q)
		first, second, third := wait(t.Context(), q), wait(t.Context(), q), wait(t.Context(), q)
		time.Sleep(standing / 2)
		leave()
		if err := <-first; err != nil {
			t.Errorf("whoever waits in a burst: %v", err)
		}
		time.Sleep(standing)
		late := wait(t.Context(), q)
		leave()
		for _, waited := range []<-chan error{second, third} {
			if err := <-waited; !errors.Is(err, apierr.ErrUnavailable) {
				t.Errorf("whoever waits long in what is no burst any more: %v", err)
			}
		}
		if err := <-late; err != nil {
			t.Errorf("whoever has come lately: %v", err)
		}
		next := wait(t.Context(), q)
		time.Sleep(standing / 2)
		leave()
		if err := <-next; err != nil {
			t.Errorf("whoever waits as long in the next burst: %v", err)
		}
	})
}

// TestLanes (overload): kinds of work take turns, so that whoever is alone with its kind does not wait behind a flood of another.
func TestLanes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New(1, time.Second, time.Second)
		_, leave := enter(t, q)
		var flood []<-chan error
		for range 3 {
			flood = append(flood, waitOf(t.Context(), q, "flood"))
		}
		alone := waitOf(t.Context(), q, "alone")
		leave()
		leave()
		if err := <-alone; err != nil {
			t.Error(err)
		}
		if err := <-flood[0]; err != nil {
			t.Error(err)
		}
		if err := <-flood[1]; !errors.Is(err, apierr.ErrUnavailable) {
			t.Errorf("the rest of the flood: %v", err)
		}
	})
}

// TestOutside (overload): who waits for something else leaves its place to others, and has one when it is back, without
// waiting. Until one has left there is none for anybody else then. Who has no place has none to leave.
func TestOutside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New(1, time.Second, time.Second)
		inside, leave := enter(t, q)
		back := Outside(inside)
		_, leaveOther := enter(t, q)
		back()
		next := wait(t.Context(), q)
		leave()
		synctest.Wait()
		select {
		case err := <-next:
			t.Fatalf("let in beside who came back: %v", err)
		default:
		}
		leaveOther()
		if err := <-next; err != nil {
			t.Error(err)
		}
		Outside(t.Context())()
		if err := <-wait(t.Context(), q); !errors.Is(err, apierr.ErrUnavailable) {
			t.Errorf("a place more than there are: %v", err)
		}
	})
}
