package harness

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/app"
)

// spy is a test that is watched: what it is to do at its end, and why it has failed.
type spy struct {
	testing.TB
	atEnd    []func()
	failures []string
}

func (s *spy) Cleanup(f func()) { s.atEnd = append(s.atEnd, f) }

func (s *spy) Errorf(format string, args ...any) {
	s.failures = append(s.failures, fmt.Sprintf(format, args...))
}

func (s *spy) end() {
	for _, f := range slices.Backward(s.atEnd) {
		f()
	}
}

// TestUndeclaredRefusalsFailTests: whatever a test is about, it does not pass while an operation answers what the contract does not
// tell of.
func TestUndeclaredRefusalsFailTests(t *testing.T) {
	t.Parallel()
	test := &spy{TB: t}
	h := New(test)
	log := slog.New(slog.NewTextHandler(h.Log, nil))
	log.Error("a stream was cut off", "operation", "streamQRCodeEvents")
	log.Error(app.UndeclaredRefusal, "operation", "getFactor", "code", "mfa.factor")
	test.end()
	if len(test.failures) != 1 || !strings.Contains(test.failures[0], "code=mfa.factor") {
		t.Errorf("failed by: %q", test.failures)
	}
}
