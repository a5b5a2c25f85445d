package server

import (
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// healthEvery is how often a watch of the health looks.
const healthEvery = time.Second

// Ready returns why the server should get no requests, nil when it should.
func (s *Server) Ready() error {
	if err := s.drains(); err != nil {
		return err
	}
	return s.replica.Serving()
}

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
