package server

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"
)

// TracingConfig says where OpenTelemetry traces go.
type TracingConfig struct {
	Endpoint string  // host:port of an OTLP collector, over gRPC
	Insecure bool    // without TLS
	Ratio    float64 // of the traces that are begun here, 0 to 1
	Version  string  // of this program
}

// Tracing sends traces until it is closed.
type Tracing struct {
	*sdktrace.TracerProvider
}

// NewTracing begins to send traces. A collector that is down is tried again and
// again; it never delays a call.
func NewTracing(ctx context.Context, c TracingConfig) (*Tracing, error) {
	if c.Ratio < 0 || c.Ratio > 1 {
		return nil, fmt.Errorf("tracing: the ratio %v is not between 0 and 1", c.Ratio)
	}
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(c.Endpoint)}
	if c.Insecure {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("tracing to %s: %w", c.Endpoint, err)
	}
	return &Tracing{sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "pemba"), attribute.String("service.version", c.Version),
		)),
	)}, nil
}

// Close sends what is left, for at most 5 seconds.
func (t *Tracing) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return t.Shutdown(ctx)
}

// tracerOf returns nil without a provider: then no room has a span.
func tracerOf(p trace.TracerProvider) trace.Tracer {
	if p == nil {
		return nil
	}
	return p.Tracer("github.com/pemba-authz/pemba/server")
}

// traceCalls begins a span for every call, in the trace of its caller. Health
// checks have none.
func traceCalls(p trace.TracerProvider) stats.Handler {
	return otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(p),
		otelgrpc.WithPropagators(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})),
		otelgrpc.WithFilter(filters.Not(filters.HealthCheck())),
	)
}

// room begins the span of one room that a request passes. end ends it.
func (s *Server) room(ctx context.Context, name string) (_ context.Context, end func()) {
	if s.tracer == nil {
		return ctx, func() {}
	}
	ctx, span := s.tracer.Start(ctx, name)
	return ctx, func() { span.End() }
}
