package server

import "google.golang.org/grpc/codes"

var errDraining = &denial{codes.Unavailable, "draining",
	"the server is shutting down; connect again, and watch from the last token that was received", overloadRetry}

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
