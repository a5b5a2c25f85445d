package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
)

// maxLoggedTrace bounds the trace of a slow check in the log.
const maxLoggedTrace = 8 << 10 // bytes

func (s *Server) observeUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	m := s.metrics.method(info.FullMethod, "unary")
	m.started.Inc()
	resp, err := next(ctx, req)
	s.observe(ctx, m, true, resp, err)
	return resp, err
}

func (s *Server) observeStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	kind := "server_stream"
	switch {
	case info.IsClientStream && info.IsServerStream:
		kind = "bidi_stream"
	case info.IsClientStream:
		kind = "client_stream"
	}
	m := s.metrics.method(info.FullMethod, kind)
	m.started.Inc()
	err := next(srv, ss)
	s.observe(ss.Context(), m, false, nil, err)
	return err
}

// observe counts a call that has ended, and writes its line. Of streams only
// lookups can be slow: the others last as long as there is something to send.
func (s *Server) observe(ctx context.Context, m *methodMetrics, unary bool, resp any, err error) {
	c := callOf(ctx)
	took := time.Since(c.start)
	code := status.Code(err)
	m.ended(code, took)
	s.series.call(m, code, took)
	slow := unary && took >= s.limits.Slow || c.lookup.Load() != nil
	level := callLevel(c.method, code, slow)
	switch {
	case errors.Is(err, errDraining): // meant to be so
		level = slog.LevelInfo
	case errors.Is(err, errTooManyFailures), errors.Is(err, errTooManyVisits): // nobody shall fill the log
		level = slog.LevelDebug
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("method", c.method), slog.String("code", code.String()),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("request_id", c.id), slog.String("peer", s.from(ctx).String()))
	if c.who.Name != "" {
		attrs = append(attrs, slog.String("caller", c.who.Name))
	}
	if c.who.Role != RoleNone {
		attrs = append(attrs, slog.String("role", c.who.Role.String()))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", status.Convert(err).Message()))
	}
	if written, ok := resp.(interface{ GetWrittenAt() *v1.ZedToken }); ok && err == nil {
		if rev, err := s.replica.ParseToken(written.GetWrittenAt().GetToken()); err == nil {
			attrs = append(attrs, slog.Uint64("revision", uint64(rev)))
		}
	}
	if slow {
		attrs = append(attrs, slog.Bool("slow", true))
	}
	if l := c.lookup.Load(); l != nil {
		attrs = append(attrs, l.attr())
	}
	if c.trace != "" {
		attrs = append(attrs, slog.String("trace", c.trace))
	}
	s.log.LogAttrs(ctx, level, "call", attrs...)
}

// callLevel returns how much a call that has ended matters.
func callLevel(method string, code codes.Code, slow bool) slog.Level {
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return slog.LevelError
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return slog.LevelWarn
	}
	switch {
	case slow:
		return slog.LevelWarn
	case code == codes.Canceled: // the caller has gone
		return slog.LevelDebug
	case code == codes.OK && isPortal(method) && readsOnly(method):
		return slog.LevelDebug
	case code != codes.OK, needs(method) >= RoleWrite:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

const (
	slowTraceReads = 10_000
	slowTraceTime  = 250 * time.Millisecond
)

// traceIfSlow keeps the trace of a check that took long for the line of its
// call.
func (s *Server) traceIfSlow(ctx context.Context, a *asked, q checkQuestion) {
	if c := callOf(ctx); c != nil && c.busy() >= s.limits.Slow {
		c.trace = s.slowTrace(ctx, a, q)
	}
}

// slowTrace walks a check once more for its trace, within narrow limits.
func (s *Server) slowTrace(ctx context.Context, a *asked, q checkQuestion) string {
	// The caller's time may be up; the trace has its own.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), slowTraceTime)
	defer cancel()
	again := *a
	again.engine.Limits.Reads, again.engine.Cost = slowTraceReads, nil
	_, trace, err := s.explain(ctx, &again, q)
	if err != nil {
		return "none: " + err.Error()
	}
	text := protojson.Format(trace.Check)
	if len(text) > maxLoggedTrace {
		text = text[:maxLoggedTrace] + " … cut short"
	}
	return text
}
