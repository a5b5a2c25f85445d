package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/server"
)

func (f *serveFlags) declareObservation(flags *pflag.FlagSet) {
	flags.StringVar(&f.otlpEndpoint, "otlp-endpoint", "", "host:port of an OpenTelemetry collector (OTLP over gRPC); without one there are no traces")
	flags.BoolVar(&f.otlpInsecure, "otlp-insecure", false, "talk to it without TLS")
	flags.Float64Var(&f.traceRatio, "trace-ratio", 0.01, "share of the traces that begin here, 0 to 1")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "auto", "text, json, or auto: text on a terminal")
	flags.DurationVar(&f.limits.Slow, "slow-request", 500*time.Millisecond, "from which on a call is logged as slow, checks with their trace")
}

// tracing returns nil without an endpoint.
func (f *serveFlags) tracing(ctx context.Context) (*server.Tracing, error) {
	if f.otlpEndpoint == "" {
		return nil, nil
	}
	return server.NewTracing(ctx, server.TracingConfig{
		Endpoint: f.otlpEndpoint, Insecure: f.otlpInsecure, Ratio: f.traceRatio, Version: buildVersion().Version,
	})
}

func (f *serveFlags) checkObservation() []error {
	var faults []error
	if f.traceRatio < 0 || f.traceRatio > 1 {
		faults = append(faults, fmt.Errorf("--trace-ratio %v: it is between 0 and 1", f.traceRatio))
	}
	if err := checkLevel(f.logLevel); err != nil {
		faults = append(faults, err)
	}
	switch f.logFormat {
	case "auto", "text", "json":
	default:
		faults = append(faults, fmt.Errorf("--log-format %q: it is one of auto, text, json", f.logFormat))
	}
	return faults
}

func checkLevel(text string) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("--log-level %q: it is one of debug, info, warn, error", text)
	}
	return nil
}

// newLogger returns a log. What is no level is info.
func newLogger(out io.Writer, levelName, format string) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(levelName)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if format == "json" || format == "auto" && !isTerminal(out) {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
