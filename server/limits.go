package server

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	runtimemetrics "runtime/metrics"
	"strings"
	"sync/atomic"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/tap"
)

const overloadRetry = 500 * time.Millisecond

func refusal(kind, format string, args ...any) *denial {
	return &denial{codes.ResourceExhausted, kind, fmt.Sprintf(format, args...), overloadRetry}
}

// gates let as many calls in as the server can take at the same time.
type gates struct {
	calls, streams, watches, open gate
	sandboxes                     gate
	memory                        memoryGate
}

// gate counts the calls of one kind.
type gate struct {
	inside atomic.Int64
	full   *denial
	most   int64
}

func newGates(l Limits) *gates {
	g := &gates{memory: memoryGate{limit: l.Memory}}
	for _, k := range []struct {
		gate *gate
		kind string
		most int
	}{{&g.calls, "calls", l.Calls}, {&g.streams, "streams", l.Streams}, {&g.watches, "watches", l.Watches}, {&g.open, "open", l.Streams}, {&g.sandboxes, "sandboxes", maxSandboxes}} {
		k.gate.most = int64(k.most)
		k.gate.full = refusal(k.kind, "the server has %d %s to serve and takes no more at the same time; try again", k.most, k.kind)
	}
	return g
}

// enter returns a *denial when the gate is shut; otherwise the call must leave.
func (g *gate) enter() error {
	if g.inside.Add(1) > g.most {
		g.inside.Add(-1)
		return g.full
	}
	return nil
}

func (g *gate) leave() { g.inside.Add(-1) }

// of returns the gate that a stream passes.
func (g *gates) of(method string) *gate {
	switch {
	case method == v1.WatchService_Watch_FullMethodName:
		return &g.watches
	case needs(method) == RoleNone:
		return &g.open
	}
	return &g.streams
}

// memoryGate refuses calls while the memory in use comes near to its limit.
type memoryGate struct {
	limit int64 // bytes; 0: none

	live atomic.Int64 // bytes that the last garbage collection found in use
	next atomic.Int64 // Unix nanoseconds: when to look again
}

const memoryEvery = 50 * time.Millisecond

// Shares of the limit from which on calls are refused: those that may need much
// earlier than the others.
const (
	muchShare = 0.75
	fullShare = 0.90
)

var errMemory = refusal("memory", "the server is short of memory; try again")

// check returns a *denial when there is not enough memory for a call that may
// need much, or for any.
func (g *memoryGate) check(much bool) error {
	if g.limit <= 0 {
		return nil
	}
	now := time.Now().UnixNano()
	if next := g.next.Load(); now >= next && g.next.CompareAndSwap(next, now+int64(memoryEvery)) {
		sample := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
		runtimemetrics.Read(sample)
		g.live.Store(int64(sample[0].Value.Uint64()))
	}
	share := fullShare
	if much {
		share = muchShare
	}
	if float64(g.live.Load()) > share*float64(g.limit) {
		return errMemory
	}
	return nil
}

// admitUnary lets a call in or refuses it, and gives it a deadline.
func (s *Server) admitUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.gates.calls.enter(); err != nil {
		return nil, s.overloaded(err)
	}
	defer s.gates.calls.leave()
	ctx, cancel := context.WithTimeout(ctx, s.limits.Timeout)
	defer cancel()
	return next(ctx, req)
}

// admitStream lets a stream in or refuses it, and ends it when it takes too
// long, or when its caller neither reads nor writes while it should.
func (s *Server) admitStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	gate := s.gates.of(info.FullMethod)
	if gate == &s.gates.streams {
		if err := s.gates.memory.check(true); err != nil {
			return s.overloaded(err)
		}
	}
	if err := gate.enter(); err != nil {
		return s.overloaded(err)
	}
	defer gate.leave()
	if gate == &s.gates.watches {
		s.metrics.watchers.Inc()
		defer s.metrics.watchers.Dec()
	}
	limit := s.limits.StreamTimeout
	if strings.HasSuffix(info.FullMethod, "/Watch") { // of changes or of health: no end is too late
		limit = 0
	}
	return s.supervise(srv, ss, next, limit)
}

// overloaded counts a refusal.
func (s *Server) overloaded(err error) error {
	if d, ok := errors.AsType[*denial](err); ok {
		s.metrics.refused.WithLabelValues(d.why).Inc()
	}
	return err
}

// tap refuses calls before their message is read, when memory is short. Health
// is always told.
func (s *Server) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	if needs(info.FullMethodName) == RoleNone {
		return ctx, nil
	}
	if err := s.gates.memory.check(false); err != nil {
		return nil, s.overloaded(err).(*denial).GRPCStatus().Err()
	}
	return ctx, nil
}

// workersPerCore is how many goroutines that serve calls are kept for each core;
// calls beyond them have a goroutine of their own.
const workersPerCore = 16

// limitOptions are the bounds that gRPC itself keeps.
func (s *Server) limitOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.InTapHandle(s.tap),
		grpc.MaxRecvMsgSize(s.limits.Message),
		grpc.MaxConcurrentStreams(uint32(s.limits.ConnectionStreams)),
		grpc.MaxHeaderListSize(64 << 10),
		// A walk needs a deep stack. A goroutine of its own would grow it by
		// copying, for every call anew; workers keep theirs.
		grpc.NumStreamWorkers(uint32(workersPerCore * runtime.GOMAXPROCS(0))),
		grpc.ConnectionTimeout(20 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: time.Minute, Timeout: 20 * time.Second,
			MaxConnectionAge: s.limits.ConnectionAge, MaxConnectionAgeGrace: s.limits.StreamTimeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
}
