package apierr

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// sample is a refusal outside the catalogue, so that the golden list of the program stays the program's.
var sample = &Error{Kind: Conflict, Code: "test.taken", EN: "Taken.", ZH: "已被占用。"}

// TestCopiesAreTheSameRefusal: services add causes and details; callers compare with what was defined, and what was
// defined never changes.
func TestCopiesAreTheSameRefusal(t *testing.T) {
	t.Parallel()
	before := *sample
	full := sample.WithCause(io.EOF).WithDetail("body.name").WithRetryAfter(time.Minute).WithContinuation("token", time.Hour)
	for name, err := range map[string]error{
		"itself": sample, "with a cause": sample.WithCause(io.EOF), "with a detail": sample.WithDetail("x"), "with a wait": sample.WithRetryAfter(1),
		"with a continuation": sample.WithContinuation("token", 1),
		"with everything":     full, "wrapped": fmt.Errorf("while: %w", full), "joined": errors.Join(io.ErrClosedPipe, full),
	} {
		if !errors.Is(err, sample) || !errors.Is(err, full) {
			t.Errorf("%s: not the refusal that was defined", name)
		}
		if errors.Is(err, ErrRequest) {
			t.Errorf("%s: passes for another refusal", name)
		}
		if got := From(err); got.Code != sample.Code || got.Kind != Conflict {
			t.Errorf("%s: From gives %v", name, got)
		}
	}
	if *sample != before {
		t.Errorf("the shared value was changed: %+v", sample)
	}
	if full.Detail != "body.name" || full.RetryAfter != time.Minute || *full.Continuation != (Continuation{"token", time.Hour}) || !errors.Is(full, io.EOF) {
		t.Errorf("a copy lost something: %+v", full)
	}
	if errors.Is(sample, io.EOF) || !errors.Is(sample.WithCause(sample.WithCause(io.EOF)), io.EOF) {
		t.Error("causes are not those of the copy")
	}
}

// TestUnknownErrorsAreInternal: an error that nobody thought of says nothing to the outside, and everything to the log.
func TestUnknownErrorsAreInternal(t *testing.T) {
	t.Parallel()
	got := From(fmt.Errorf("read: %w", io.ErrUnexpectedEOF))
	if !errors.Is(got, ErrInternal) || !errors.Is(got, io.ErrUnexpectedEOF) || !strings.Contains(got.Error(), "read: unexpected EOF") {
		t.Errorf("%v", got)
	}
	for _, l := range []lang.Lang{lang.English, lang.Chinese} {
		if strings.Contains(got.Message(l), "EOF") {
			t.Errorf("the message tells the cause: %s", got.Message(l))
		}
	}
}

// TestErrorIsForLogs: code, detail and cause, in this order.
func TestErrorIsForLogs(t *testing.T) {
	t.Parallel()
	for err, want := range map[*Error]string{
		sample:                    "test.taken",
		sample.WithDetail("body"): "test.taken: body",
		sample.WithCause(io.EOF):  "test.taken: EOF",
		sample.WithCause(io.EOF).WithDetail("body"): "test.taken: body: EOF",
		sample.WithContinuation("token", time.Hour): "test.taken", // T13: it is a secret
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err.Error(), want)
		}
	}
	if sample.Message(lang.English) != "Taken." || sample.Message(lang.Chinese) != "已被占用。" {
		t.Error("messages are mixed up")
	}
}

// TestDefinePanics: a mistake in a definition stops the program at its start, not a request later.
func TestDefinePanics(t *testing.T) {
	complete := *sample
	without := func(change func(e *Error)) Error {
		e := complete
		change(&e)
		return e
	}
	taken := complete
	taken.Code = ErrRequest.Code
	for name, e := range map[string]Error{
		"duplicate":  taken,
		"no kind":    without(func(e *Error) { e.Kind = 0 }),
		"no code":    without(func(e *Error) { e.Code = "" }),
		"no English": without(func(e *Error) { e.EN = "" }),
		"no Chinese": without(func(e *Error) { e.ZH = "" }),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was defined", e)
				}
			}()
			Define(e)
		})
	}
	if slices.ContainsFunc(Catalogue(), func(e *Error) bool { return strings.HasPrefix(e.Code, "test.") }) {
		t.Error("a refused definition is in the catalogue")
	}
}

// TestCatalogue: sorted, and each with numbers for every dialect.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	list := Catalogue()
	if !slices.IsSortedFunc(list, func(a, b *Error) int { return strings.Compare(a.Code, b.Code) }) || len(list) < 8 {
		t.Errorf("%d refusals, or not sorted", len(list))
	}
	for _, e := range list {
		if e.Number <= 0 || e.Kind.Status() < 400 || e.Kind.Status() > 599 {
			t.Errorf("%s: number %d, status %d", e.Code, e.Number, e.Kind.Status())
		}
	}
	for kind := Invalid; kind <= Unavailable; kind++ {
		if kind.Status() == 0 || numbers[kind].code == 0 {
			t.Errorf("kind %d has no numbers", kind)
		}
	}
}
