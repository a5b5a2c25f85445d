package server

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// stallChecks is how often within the limit a stream is looked at.
const stallChecks = 4

var (
	errStalled = &denial{codes.ResourceExhausted, "stalled",
		"the stream was ended: its caller has neither read nor sent for too long; a watch goes on from the last token that was received", 0}
	errStreamTimeout = &denial{codes.DeadlineExceeded, "timeout",
		"the stream was ended: it took longer than the server allows", 0}
)

// supervised is a stream that notes when it began to wait for its caller.
type supervised struct {
	grpc.ServerStream
	ctx     context.Context
	call    *call        // may be nil
	waiting atomic.Int64 // Unix nanoseconds; 0: it does not wait
}

func (s *supervised) Context() context.Context { return s.ctx }

func (s *supervised) SendMsg(m any) error {
	defer s.wait()()
	return s.ServerStream.SendMsg(m)
}

func (s *supervised) RecvMsg(m any) error {
	defer s.wait()()
	return s.ServerStream.RecvMsg(m)
}

// wait notes that the stream waits for its caller until what it returns is called.
func (s *supervised) wait() func() {
	start := time.Now()
	s.waiting.Store(start.UnixNano())
	return func() {
		s.waiting.Store(0)
		if s.call != nil {
			s.call.waited.Add(int64(time.Since(start)))
		}
	}
}

// supervise runs the handler of a stream and ends the stream when the caller
// keeps it waiting for longer than SlowReader, or when it lasts longer than
// limit. Without one (0) it is a watch, and ends when the server drains. Sending cannot be interrupted but by ending the stream,
// that is by returning here: so the handler has a goroutine, which ends right
// after. Close waits for it.
func (s *Server) supervise(srv any, ss grpc.ServerStream, next grpc.StreamHandler, limit time.Duration) error {
	ctx, cancel := context.WithCancel(ss.Context())
	defer cancel()
	stream := &supervised{ServerStream: ss, ctx: ctx, call: callOf(ctx)}
	done := make(chan error, 1)
	s.handlers.Go(func() { done <- next(srv, stream) })
	tick := time.NewTicker(max(s.limits.SlowReader/stallChecks, time.Millisecond))
	defer tick.Stop()
	var end <-chan time.Time
	draining := s.draining
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		end, draining = timer.C, nil // it ends by itself
	}
	for {
		select {
		case err := <-done:
			return err
		case <-end:
			return errStreamTimeout
		case <-draining:
			return errDraining
		case now := <-tick.C:
			since := stream.waiting.Load()
			if since != 0 && now.UnixNano()-since > int64(s.limits.SlowReader) {
				return s.overloaded(errStalled)
			}
		}
	}
}
