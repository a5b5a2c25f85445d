package server

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// healthEvery is how often a watch of the health looks.
const healthEvery = time.Second

// Retire has Ready and health say no from now on, so that whoever balances load
// sends new requests elsewhere; everything goes on. Drain comes later.
func (s *Server) Retire() { s.retired.Store(true) }

// check is one thing that must be so for a server to get requests.
type check struct {
	name string
	err  error // nil: it is so
}

// readiness returns all checks, in the order in which their faults are told.
func (s *Server) readiness() []check {
	return []check{
		{"draining", s.leaving()},
		{"node", s.Alive()},
		{"staleness", s.replica.Lagging(s.config.MaxStaleness)},
	}
}

// applyStuck is how long a few entries of the log take at most; what takes longer
// will not end.
const applyStuck = 5 * time.Minute

// liveness returns what is wrong with the process itself.
func (s *Server) liveness() []check {
	return []check{{"node", s.Alive()}, {"apply", stuck(s.replica.Applying())}}
}

// stuck returns what is wrong when a few entries have been applied for so long.
func stuck(applying time.Duration) error {
	if applying <= applyStuck {
		return nil
	}
	return fmt.Errorf("the node has been applying the same entries of the log for %v", applying.Round(time.Second))
}

// fault returns what the first check that fails says.
func fault(checks []check) error {
	for _, c := range checks {
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// Ready returns why the server should get no requests, nil when it should: it
// can then answer reads that are at most Config.MaxStaleness old.
func (s *Server) Ready() error { return fault(s.readiness()) }

// Alive returns why the process should be started again, nil when that would
// not help.
func (s *Server) Alive() error {
	select {
	case <-s.replica.Failed():
		return s.replica.Serving()
	default:
		return nil
	}
}

// registerHealth adds the paths that tell the state of health. With ?verbose the
// answer has every check by name.
func (s *Server) registerHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", reportHealth(s.readiness))
	mux.HandleFunc("GET /readyz", reportHealth(s.readiness))
	mux.HandleFunc("GET /livez", reportHealth(s.liveness))
}

// healthJSON is the state of health as HTTP has it.
type healthJSON struct {
	Status string            `json:"status"`
	Reason string            `json:"reason,omitempty"`
	Checks map[string]string `json:"checks,omitempty"` // "ok", or why not
}

// reportHealth answers 200 or 503, and why.
func reportHealth(look func() []check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		checks := look()
		code, body := http.StatusOK, healthJSON{Status: "SERVING"}
		if err := fault(checks); err != nil {
			code, body = http.StatusServiceUnavailable, healthJSON{Status: "NOT_SERVING", Reason: err.Error()}
		}
		if r.URL.Query().Has("verbose") {
			body.Checks = map[string]string{}
			for _, c := range checks {
				body.Checks[c.name] = "ok"
				if c.err != nil {
					body.Checks[c.name] = c.err.Error()
				}
			}
		}
		writeJSON(w, code, body)
	}
}

// healthService is grpc.health.v1.Health. All services are ready together,
// when the replica is.
type healthService struct {
	healthv1.UnimplementedHealthServer
	*Server
	services []string // that are known by name, "" for all of them
}

// newHealthService answers for the services that were registered by now.
func newHealthService(s *Server, g *grpc.Server) *healthService {
	services := slices.Sorted(maps.Keys(g.GetServiceInfo()))
	return &healthService{Server: s, services: append([]string{""}, services...)}
}

func (h *healthService) status(service string) healthv1.HealthCheckResponse_ServingStatus {
	switch {
	case !slices.Contains(h.services, service):
		return healthv1.HealthCheckResponse_SERVICE_UNKNOWN
	case h.Ready() != nil:
		return healthv1.HealthCheckResponse_NOT_SERVING
	}
	return healthv1.HealthCheckResponse_SERVING
}

// Check answers for one service.
func (h *healthService) Check(_ context.Context, r *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	is := h.status(r.Service)
	if is == healthv1.HealthCheckResponse_SERVICE_UNKNOWN {
		return nil, status.Errorf(codes.NotFound, "there is no service %.256q here", r.Service)
	}
	return &healthv1.HealthCheckResponse{Status: is}, nil
}

// List answers for every service.
func (h *healthService) List(context.Context, *healthv1.HealthListRequest) (*healthv1.HealthListResponse, error) {
	resp := &healthv1.HealthListResponse{Statuses: map[string]*healthv1.HealthCheckResponse{}}
	for _, service := range h.services {
		resp.Statuses[service] = &healthv1.HealthCheckResponse{Status: h.status(service)}
	}
	return resp, nil
}

// Watch answers for one service now and whenever the answer changes.
func (h *healthService) Watch(r *healthv1.HealthCheckRequest, stream grpc.ServerStreamingServer[healthv1.HealthCheckResponse]) error {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	last := healthv1.HealthCheckResponse_UNKNOWN
	for {
		if is := h.status(r.Service); is != last {
			if err := stream.Send(&healthv1.HealthCheckResponse{Status: is}); err != nil {
				return err
			}
			last = is
		}
		select {
		case <-tick.C:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}
