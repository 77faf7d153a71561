package race

import (
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/menshen-auth/menshen/gen"
)

// poll is what a page asks of a QR code; what a phone asks are its actions.
const poll = "POLL"

// asked is an operation of a history.
type asked struct {
	what string
	by   int // who steps
}

// told is how it ended.
type told struct {
	says  string          // success, notNow, tooLate, or a status
	clock []time.Duration // all that the clock said meanwhile
}

const tooLate = "The QR code has expired."

const (
	qrLife     = 120 * time.Second
	ticketLife = 60 * time.Second
)

// code is the state of the model.
type code struct {
	stored gen.QRCodeStatus
	by     int           // who has scanned
	ends   time.Duration // of the ticket
}

// seen is the state that a poll tells at a time. Expiry is no edge but what the clock makes of a state.
func (c code) seen(at time.Duration) gen.QRCodeStatus {
	switch {
	case (c.stored == gen.QRCodeStatusPENDING || c.stored == gen.QRCodeStatusSCANNED) && at >= qrLife,
		c.stored == gen.QRCodeStatusAUTHORIZED && at >= c.ends:
		return gen.QRCodeStatusEXPIRED
	}
	return c.stored
}

// stepAt returns what a QR code is after an operation that looked at the clock at a time, and whether it can have ended so.
func (c code) stepAt(a asked, says string, at time.Duration) (next code, ok bool) {
	seen := c.seen(at)
	next = c
	allowed := seen == gen.QRCodeStatusSCANNED && c.by == a.by
	switch a.what {
	case poll:
		return c, says == string(seen)
	case string(gen.ChangeQRCodeStatusDtoActionSCAN):
		if seen == gen.QRCodeStatusPENDING {
			next.stored, next.by, allowed = gen.QRCodeStatusSCANNED, a.by, true
		}
	case string(gen.ChangeQRCodeStatusDtoActionCONFIRM):
		next.stored, next.ends = gen.QRCodeStatusAUTHORIZED, at+ticketLife
	case string(gen.ChangeQRCodeStatusDtoActionCANCEL):
		next.stored = gen.QRCodeStatusCANCELLED
	}
	switch says {
	case success:
		return next, allowed
	case tooLate:
		return c, seen == gen.QRCodeStatusEXPIRED
	default: // who looks before the end and is refused after it is told the same as who comes second
		return c, says == notNow && !allowed
	}
}

// model is the state machine of a login QR code (Q3). The clock moves while operations run, and each may have looked at it at
// any time of its own.
var model = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{code{stored: gen.QRCodeStatusPENDING}} },
	Step: func(state, input, output any) (next []any) {
		for _, at := range output.(told).clock {
			if n, ok := state.(code).stepAt(input.(asked), output.(told).says, at); ok {
				next = append(next, n)
			}
		}
		return next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
}).ToModel()

// TestModelTellsRightFromWrong: the checker takes what the state machine allows, and finds what it does not.
func TestModelTellsRightFromWrong(t *testing.T) {
	t.Parallel()
	const scan, confirm, cancel = "SCAN", "CONFIRM", "CANCEL"
	type line = porcupine.Operation
	ask := func(what string, by int, says string, begin, end int64, clock ...time.Duration) line {
		if clock == nil {
			clock = []time.Duration{0}
		}
		return line{ClientId: int(begin), Input: asked{what, by}, Call: begin, Output: told{says, clock}, Return: end}
	}
	for name, c := range map[string]struct {
		history []line
		right   bool
	}{
		"one after another":           {[]line{ask(scan, 1, success, 1, 2), ask(confirm, 1, success, 3, 4), ask(poll, 0, "AUTHORIZED", 5, 6)}, true},
		"two scanners":                {[]line{ask(scan, 1, success, 1, 4), ask(scan, 2, success, 2, 3)}, false},
		"the same scan again":         {[]line{ask(scan, 1, success, 1, 2), ask(scan, 1, success, 3, 4)}, true},
		"both ends":                   {[]line{ask(scan, 1, success, 1, 2), ask(confirm, 1, success, 3, 6), ask(cancel, 1, success, 4, 5)}, false},
		"another's confirmation":      {[]line{ask(scan, 1, success, 1, 2), ask(confirm, 2, success, 3, 4)}, false},
		"confirmed before the scan":   {[]line{ask(confirm, 1, success, 1, 2), ask(scan, 1, success, 3, 4)}, false},
		"refused without a reason":    {[]line{ask(scan, 1, notNow, 1, 2)}, false},
		"seen before it happened":     {[]line{ask(poll, 0, "SCANNED", 1, 2), ask(scan, 1, success, 3, 4)}, false},
		"seen while it happened":      {[]line{ask(poll, 0, "SCANNED", 1, 4), ask(scan, 1, success, 2, 3)}, true},
		"going back":                  {[]line{ask(scan, 1, success, 1, 6), ask(poll, 0, "SCANNED", 2, 3), ask(poll, 0, "PENDING", 4, 5)}, false},
		"expired by the clock":        {[]line{ask(poll, 0, "EXPIRED", 3, 4, qrLife)}, true},
		"expired too early":           {[]line{ask(poll, 0, "EXPIRED", 3, 4, qrLife-1)}, false},
		"not expired at its end":      {[]line{ask(poll, 0, "PENDING", 3, 4, qrLife)}, false},
		"scanned after the end":       {[]line{ask(scan, 1, success, 3, 4, qrLife)}, false},
		"refused after the end":       {[]line{ask(scan, 1, tooLate, 3, 4, qrLife)}, true},
		"refused before the end":      {[]line{ask(scan, 1, tooLate, 3, 4, qrLife-1)}, false},
		"confirmed after the end":     {[]line{ask(scan, 1, success, 1, 2), ask(confirm, 1, success, 5, 6, qrLife)}, false},
		"confirmed at the end":        {[]line{ask(scan, 1, success, 1, 2), ask(confirm, 1, success, 3, 6, 0, qrLife)}, true},
		"a ticket that lives on":      {[]line{ask(scan, 1, success, 1, 2), ask(confirm, 1, success, 3, 4), ask(poll, 0, "AUTHORIZED", 7, 8, ticketLife)}, false},
		"a ticket that ends in time":  {[]line{ask(scan, 1, success, 1, 2), ask(confirm, 1, success, 3, 4), ask(poll, 0, "EXPIRED", 7, 8, ticketLife)}, true},
		"a ticket that ends too soon": {[]line{ask(scan, 1, success, 1, 2), ask(confirm, 1, success, 3, 4), ask(poll, 0, "EXPIRED", 5, 6, ticketLife-1)}, false},
	} {
		if got := porcupine.CheckOperations(model, c.history); got != c.right {
			t.Errorf("%s: taken for right: %v", name, got)
		}
	}
}
