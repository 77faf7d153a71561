package metrics

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exposition is what Prometheus reads.
func exposition(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d, %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return w.Body.String()
}

// TestHandler: what was counted is what is shown, in the format of Prometheus.
func TestHandler(t *testing.T) {
	t.Parallel()
	m := New()
	m.Sends.WithLabelValues("email", "made").Inc()
	m.Sends.WithLabelValues("email", "made").Inc()
	m.Sends.WithLabelValues("phone", "captcha.too_many").Inc()
	m.Messages.WithLabelValues("phone", "delivered").Inc()
	m.Hooks.WithLabelValues("pre", "denied").Inc()
	m.Budget.WithLabelValues("day").Inc()
	m.Requests.WithLabelValues("loginUser", "200").Observe(0.003)
	text := exposition(t, m)
	for _, line := range []string{
		`menshen_codes_total{channel="email",outcome="made"} 2`, `menshen_codes_total{channel="phone",outcome="captcha.too_many"} 1`,
		`menshen_hook_answers_total{outcome="denied",stage="pre"} 1`,
		`menshen_message_deliveries_total{channel="phone",outcome="delivered"} 1`, `menshen_codes_stopped_total{budget="day"} 1`,
		`menshen_http_request_seconds_count{operation="loginUser",status="200"} 1`,
		`menshen_http_request_seconds_bucket{operation="loginUser",status="200",le="0.0025"} 0`,
		`menshen_http_request_seconds_bucket{operation="loginUser",status="200",le="0.005"} 1`,
		"# TYPE menshen_codes_total counter", "# TYPE menshen_http_request_seconds histogram",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("not there: %s", line)
		}
	}
	for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes"} {
		if !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("not there: %s", name)
		}
	}
}

// TestLabels: there is no label to put an address, a user or a userpool into; and each metric says what it is.
func TestLabels(t *testing.T) {
	t.Parallel()
	m := New()
	m.Sends.WithLabelValues("a", "b")
	m.Messages.WithLabelValues("a", "b")
	m.Hooks.WithLabelValues("a", "b")
	m.Budget.WithLabelValues("a")
	m.Requests.WithLabelValues("a", "b")
	var labels, names []string
	text := exposition(t, m)
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "menshen_") {
			continue
		}
		name := regexp.MustCompile(`^menshen_[a-z_]+`).FindString(line)
		names = append(names, regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, ""))
		for _, label := range regexp.MustCompile(`[{,]([a-z]+)=`).FindAllStringSubmatch(line, -1) {
			labels = append(labels, label[1])
		}
	}
	slices.Sort(labels)
	if labels = slices.Compact(labels); !slices.Equal(labels, []string{"budget", "channel", "le", "operation", "outcome", "stage", "status"}) {
		t.Errorf("labels %v", labels)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) != 5 {
		t.Errorf("metrics %v", names)
	}
	for _, name := range names {
		if !regexp.MustCompile(`# HELP ` + name + ` [A-Z].*\.\n`).MatchString(text) {
			t.Errorf("%s does not say what it is", name)
		}
	}
}

// TestInstancesCountApart: two services in one process, as tests have them, do not count together.
func TestInstancesCountApart(t *testing.T) {
	t.Parallel()
	one, other := New(), New()
	one.Budget.WithLabelValues("day").Inc()
	if strings.Contains(exposition(t, other), "menshen_codes_stopped_total{") {
		t.Error("the other one has counted")
	}
}
