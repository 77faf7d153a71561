// Package metrics counts what operators want to see, for Prometheus. No label holds anything of a person: an address, a
// user or a userpool's id.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics of one instance.
type Metrics struct {
	registry *prometheus.Registry
	Requests *prometheus.HistogramVec // seconds, by operation and HTTP status
	Messages *prometheus.CounterVec   // tries to deliver, by channel and outcome
	Sends    *prometheus.CounterVec   // codes asked for, by channel and outcome: made, or the code of the refusal
	Hooks    *prometheus.CounterVec   // answers of hooks, by stage and outcome
	Budget   *prometheus.CounterVec   // codes that a budget or a limit of many stopped, by its kind
}

// New returns metrics that count from zero.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		Requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "menshen_http_request_seconds", Help: "Requests, by operation and HTTP status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation", "status"}),
		Messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "menshen_message_deliveries_total", Help: "Tries to deliver a message, by channel and outcome.",
		}, []string{"channel", "outcome"}),
		Sends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "menshen_codes_total", Help: "Codes asked for by e-mail and SMS, by channel and outcome.",
		}, []string{"channel", "outcome"}),
		Hooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "menshen_hook_answers_total", Help: "Requests to hooks, by stage and outcome.",
		}, []string{"stage", "outcome"}),
		Budget: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "menshen_codes_stopped_total", Help: "Codes that were not sent because a budget, or a limit that many share, was used up, by its kind.",
		}, []string{"budget"}),
	}
	m.registry.MustRegister(m.Requests, m.Messages, m.Sends, m.Hooks, m.Budget,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics in the format that Prometheus reads.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
