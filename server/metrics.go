package server

import (
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"

	"github.com/pemba-authz/pemba/engine"
)

// metrics is what a server counts, in a registry of its own. Labels have few
// values: methods, codes, roles and reasons, never anything a caller chooses.
type metrics struct {
	registry *prometheus.Registry

	started, handled *prometheus.CounterVec
	seconds          *prometheus.HistogramVec
	methods          sync.Map // full method → *methodMetrics

	checks   [3]prometheus.Counter // by engine.State
	failed   prometheus.Counter
	reads    prometheus.Histogram
	depth    prometheus.Histogram
	denials  *prometheus.CounterVec
	refused  *prometheus.CounterVec
	waited   prometheus.Histogram
	lookedUp prometheus.Counter

	lookupCandidates, lookupChecks prometheus.Counter
	lookupReads                    prometheus.Histogram

	watchers   prometheus.Gauge
	watchSends prometheus.Counter
}

// latencies are the bounds of histograms of seconds, from 50 µs to 30 s.
var latencies = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		started: counters("grpc_server_started_total", "Calls that were begun.",
			"grpc_type", "grpc_service", "grpc_method"),
		handled: counters("grpc_server_handled_total", "Calls that have ended, by status code.",
			"grpc_type", "grpc_service", "grpc_method", "grpc_code"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "grpc_server_handling_seconds", Help: "How long calls took.", Buckets: latencies,
		}, []string{"grpc_type", "grpc_service", "grpc_method"}),
		reads: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pemba_check_reads", Help: "Questions to the store that one check took.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 10),
		}),
		depth: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pemba_check_depth", Help: "Hops from object to object that one check took.",
			Buckets: []float64{0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 50},
		}),
		failed:  counter("pemba_check_errors_total", "Checks that have no answer."),
		denials: counters("pemba_auth_failures_total", "Calls that were refused for who made them.", "reason"),
		refused: counters("pemba_overload_refused_total", "Calls that were refused because there were too many.", "kind"),
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pemba_snapshot_wait_seconds", Help: "How long reads waited for a revision that is fresh enough.", Buckets: latencies,
		}),
		lookedUp:         counter("pemba_lookup_results_total", "Results of lookups that were sent."),
		lookupCandidates: counter("pemba_lookup_candidates_total", "Candidates that lookups considered."),
		lookupChecks:     counter("pemba_lookup_checks_total", "Candidates of lookups that had to be checked."),
		lookupReads: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pemba_lookup_reads", Help: "Questions to the store that one lookup took.",
			Buckets: prometheus.ExponentialBuckets(1, 8, 9),
		}),
		watchers:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "pemba_watch_readers", Help: "Watches that are open."}),
		watchSends: counter("pemba_watch_responses_total", "Responses that were sent to watches."),
	}
	results := counters("pemba_check_results_total", "Checks that were answered, by answer.", "result")
	for state := range m.checks {
		m.checks[state] = results.WithLabelValues(engine.State(state).String())
	}
	m.registry.MustRegister(
		m.started, m.handled, m.seconds, results, m.failed, m.reads, m.depth, m.denials, m.refused, m.waited,
		m.lookedUp, m.lookupCandidates, m.lookupChecks, m.lookupReads, m.watchers, m.watchSends,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// methodMetrics is what is counted of one method, found once.
type methodMetrics struct {
	started prometheus.Counter
	handled [codes.Unauthenticated + 1]prometheus.Counter
	seconds prometheus.Observer

	counted bool // among the calls of the series: it is no question about health
	check   bool // it is CheckPermission
}

// method returns the metrics of a registered method; kind is unary,
// client_stream, server_stream or bidi_stream.
func (m *metrics) method(full, kind string) *methodMetrics {
	if found, ok := m.methods.Load(full); ok {
		return found.(*methodMetrics)
	}
	service, method, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
	made := &methodMetrics{
		started: m.started.WithLabelValues(kind, service, method),
		seconds: m.seconds.WithLabelValues(kind, service, method),
		counted: needs(full) != RoleNone, check: full == v1.PermissionsService_CheckPermission_FullMethodName,
	}
	for code := range made.handled {
		made.handled[code] = m.handled.WithLabelValues(kind, service, method, codes.Code(code).String())
	}
	found, _ := m.methods.LoadOrStore(full, made)
	return found.(*methodMetrics)
}

// ended counts a call that has ended.
func (m *methodMetrics) ended(code codes.Code, took time.Duration) {
	if int(code) >= len(m.handled) { // no code of gRPC's
		code = codes.Unknown
	}
	m.handled[code].Inc()
	m.seconds.Observe(took.Seconds())
}

// checked counts one check.
func (m *metrics) checked(a engine.Answer, err error) {
	if err != nil {
		m.failed.Inc()
		return
	}
	m.checks[a.State].Inc()
	m.reads.Observe(float64(a.Reads))
	m.depth.Observe(float64(a.Depth))
}

// MetricsHandler serves /metrics for Prometheus, /debug/pprof, and the state of
// health once more, for probes that have no client certificate. It asks for no
// token: it belongs on a port that only operators reach.
func (s *Server) MetricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	s.registerHealth(mux)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
