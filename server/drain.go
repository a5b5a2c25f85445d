package server

import (
	"cmp"
	"errors"

	"google.golang.org/grpc/codes"
)

var errDraining = &denial{codes.Unavailable, "draining",
	"the server is drained or shutting down; connect again, and watch from the last token that was received", overloadRetry}

var (
	errRetired = errors.New("the server is about to shut down")
	errDrained = errors.New("the node was drained by command: it goes on to answer, and gets no new requests until it is started again, which takes it back")
)

// Drain begins the end of service: Ready and health say so, and watches, which
// last as long as their caller wants, are ended. All other calls go on. Calls
// after the first do nothing.
func (s *Server) Drain() { s.drain.Do(func() { close(s.draining) }) }

// Close drains and returns when no handler runs any more. The gRPC servers must
// have stopped before.
func (s *Server) Close() {
	s.Drain()
	s.handlers.Wait()
	if s.config.Portal == nil { // whose sessions are its own
		s.sessions.Close()
	}
}

// drains returns errDraining once the server drains.
func (s *Server) drains() error {
	select {
	case <-s.draining:
		return errDraining
	default:
		return nil
	}
}

// leaving returns why nobody should send requests here any more: the process is
// about to end, or a command has drained the node.
func (s *Server) leaving() error {
	draining := s.drains()
	switch {
	case s.retired.Load():
		return cmp.Or(draining, errRetired)
	case s.drained.Load():
		return errDrained
	}
	return draining
}
