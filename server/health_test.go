package server_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// TestHealth answers for every service, and for all of them, until the server
// drains; a watch of the health says when that is.
func TestHealth(t *testing.T) {
	h := start(t, nil)
	ctx := context.Background()
	client := healthv1.NewHealthClient(h.conn)
	const serving, not = healthv1.HealthCheckResponse_SERVING, healthv1.HealthCheckResponse_NOT_SERVING
	expect := func(want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		names := []string{""}
		for _, name := range services {
			names = append(names, string(name))
		}
		all, err := client.List(ctx, &healthv1.HealthListRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			resp, err := client.Check(ctx, &healthv1.HealthCheckRequest{Service: name})
			if err != nil || resp.Status != want {
				t.Errorf("%q: %v, %v; want %v", name, resp, err, want)
			}
			if got := all.Statuses[name].GetStatus(); got != want {
				t.Errorf("%q is listed as %v, want %v", name, got, want)
			}
		}
	}
	expect(serving)
	if _, err := client.Check(ctx, &healthv1.HealthCheckRequest{Service: "no.Service"}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown service: %v", err)
	}
	watch, err := client.Watch(ctx, &healthv1.HealthCheckRequest{Service: "authzed.api.v1.WatchService"})
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := client.Watch(ctx, &healthv1.HealthCheckRequest{Service: "no.Service"})
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := unknown.Recv(); err != nil || resp.Status != healthv1.HealthCheckResponse_SERVICE_UNKNOWN {
		t.Errorf("watching an unknown service: %v, %v", resp, err)
	}
	if resp, err := watch.Recv(); err != nil || resp.Status != serving {
		t.Fatalf("watching: %v, %v", resp, err)
	}
	h.server.Drain()
	expect(not)
	if resp, err := watch.Recv(); status.Code(err) != codes.Unavailable && (err != nil || resp.Status != not) {
		t.Fatalf("watching while it drains: %v, %v", resp, err)
	}
}
