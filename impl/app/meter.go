package app

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// lineEvery is how often a meter that is no bar says how far it is, unless that is something new.
const lineEvery = 5 * time.Second

// newMeter shows progress on f: as a bar where that is a terminal, otherwise as plain lines.
func newMeter(f *os.File) Meter {
	if term.IsTerminal(int(f.Fd())) {
		return &barMeter{w: f}
	}
	return &lineMeter{w: f}
}

// barMeter draws a bar.
type barMeter struct {
	w    io.Writer
	bar  *progressbar.ProgressBar
	what string
}

// Show implements Meter.
func (m *barMeter) Show(done, total int64, waiting string) {
	if m.bar == nil {
		m.bar = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(m.w), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription("sealing"),
			progressbar.OptionSetItsString("values"), progressbar.OptionShowIts(), progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	if waiting != m.what && waiting != "" { // a line of its own: a bar that is full draws no more
		fmt.Fprintf(m.w, "\nwaiting for %s\n", waiting)
	}
	m.what = waiting
	if total > m.bar.GetMax64() {
		m.bar.ChangeMax64(total)
	}
	_ = m.bar.Set64(done) // a terminal that is gone is no reason to stop
}

// Close implements Meter.
func (m *barMeter) Close() {
	if m.bar != nil {
		_ = m.bar.Exit()
		fmt.Fprintln(m.w)
		m.bar = nil
	}
}

// lineMeter writes lines, for logs.
type lineMeter struct {
	w    io.Writer
	last time.Time
	what string
	full bool
}

// Show implements Meter.
func (m *lineMeter) Show(done, total int64, waiting string) {
	full := done == total
	if waiting == m.what && full == m.full && time.Since(m.last) < lineEvery {
		return
	}
	m.last, m.what, m.full = time.Now(), waiting, full
	if waiting != "" {
		waiting = ", waiting for " + waiting
	}
	fmt.Fprintf(m.w, "%d of %d values%s\n", done, total, waiting)
}

// Close implements Meter.
func (m *lineMeter) Close() {}
