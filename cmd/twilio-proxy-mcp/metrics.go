package main

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
)

// metrics are what /metrics shows. No label holds a SID, a caller or a message.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	upstream *prometheus.HistogramVec
	retries  prometheus.Counter
	refusals *prometheus.CounterVec
}

// newMetrics makes the counters. Only the http subcommand uses them.
func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "twilio_proxy_mcp_calls_total", Help: "Tool calls, by tool, outcome, and whether the answer was an earlier receipt.",
		}, []string{"tool", "outcome", "replayed"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "twilio_proxy_mcp_call_duration_seconds", Help: "How long tool calls took.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}, []string{"tool"}),
		upstream: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "twilio_proxy_mcp_upstream_duration_seconds", Help: "How long HTTP exchanges with Twilio took, by operation and status (0: no answer).", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}, []string{"operation", "status"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "twilio_proxy_mcp_upstream_retries_total", Help: "HTTP exchanges that retried one on which Twilio had certainly not acted, or which only read.",
		}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "twilio_proxy_mcp_refused_requests_total", Help: "HTTP requests that a guard refused.",
		}, []string{"guard"}),
	}
	m.registry.MustRegister(m.calls, m.duration, m.upstream, m.retries, m.refusals,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) showInFlight(count func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "twilio_proxy_mcp_calls_in_flight", Help: "Tool calls under way.",
	}, func() float64 { return float64(count()) }))
}

func (m *metrics) showDroppedLines(count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "twilio_proxy_mcp_log_lines_dropped_total", Help: "Log lines that stderr did not take in time.",
	}, func() float64 { return float64(count()) }))
}

func (m *metrics) countCall(o tools.Observation) {
	m.calls.WithLabelValues(o.Tool, string(o.Code), strconv.FormatBool(o.Replayed)).Inc()
	m.duration.WithLabelValues(o.Tool).Observe(o.Duration.Seconds())
}

func (m *metrics) countExchange(e twilio.Exchange) {
	m.upstream.WithLabelValues(e.Operation, strconv.Itoa(e.Status)).Observe(e.Duration.Seconds())
	if e.Retries > 0 {
		m.retries.Inc()
	}
}

func (m *metrics) countRefusal(guard string) { m.refusals.WithLabelValues(guard).Inc() }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
