package server_test

import (
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/pemba-authz/pemba/server"
)

// TestSpans demands a span for each room that a check passes, in the trace of
// its caller, and none of health.
func TestSpans(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	p := listen(t, func(c *server.Config) { c.Tracing = provider })
	conn := p.dial(t)
	if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	fill(t, conn, 1)
	const trace = "0af7651916cd43dd8448eb211c80319c"
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	if _, err := v1.NewPermissionsServiceClient(conn).CheckPermission(ctx, &v1.CheckPermissionRequest{
		Resource: &v1.ObjectReference{ObjectType: "document", ObjectId: "daa"}, Permission: "view",
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "ana"}},
	}); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{
		"authzed.api.v1.PermissionsService/CheckPermission": true, "replica.Snapshot": true, "engine.Check": true,
	}
	for len(wanted) > 0 { // the last one ends after its answer has left
		if t.Context().Err() != nil {
			t.Fatalf("spans are missing: %v", wanted)
		}
		for _, span := range recorder.Ended() {
			if span.SpanContext().TraceID().String() == trace {
				delete(wanted, span.Name())
			}
			if span.Name() == "grpc.health.v1.Health/Check" {
				t.Fatal("a health check has a span")
			}
		}
		tick(t)
	}
}

func TestTracingFaults(t *testing.T) {
	if _, err := server.NewTracing(t.Context(), server.TracingConfig{Endpoint: "127.0.0.1:1", Ratio: 2}); err == nil {
		t.Error("a ratio of 2 is no fault")
	}
	// A collector that is down is no reason not to start, nor not to end.
	tracing, err := server.NewTracing(t.Context(), server.TracingConfig{Endpoint: "127.0.0.1:1", Insecure: true, Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := tracing.Close(); err != nil {
		t.Error(err)
	}
}
