package peer

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// cause is why a connection came to nothing.
type cause string

const (
	acceptError   cause = "accept_error"   // the machine gave none
	acceptTLS     cause = "accept_tls"     // the handshake failed
	acceptSilent  cause = "accept_silent"  // it did not say what it is for
	acceptGarbage cause = "accept_garbage" // it said something else
	dialConnect   cause = "dial_connect"   // nobody is there
	dialTLS       cause = "dial_tls"       // the handshake failed, or the certificate was refused
	dialSilent    cause = "dial_silent"    // there was no answer
	dialGarbage   cause = "dial_garbage"   // something else answered
)

// allCauses is a new list of all of them.
func allCauses() []cause {
	return []cause{acceptError, acceptTLS, acceptSilent, acceptGarbage, dialConnect, dialTLS, dialSilent, dialGarbage}
}

// Stats is what has happened since Listen.
type Stats struct {
	Log, Calls Traffic // raft's messages; the calls of PeerService

	// Failures counts connections that came to nothing, by cause: accept_error,
	// accept_tls, accept_silent, accept_garbage, dial_connect, dial_tls,
	// dial_silent and dial_garbage. All are there.
	Failures map[string]uint64

	CertificateExpires time.Time // this member's; zero without TLS
}

// Traffic is that of connections of one kind.
type Traffic struct {
	Accepted, Dialed uint64 // connections
	Open             int64  // of them, now
	Read, Written    uint64 // bytes, without what TLS adds
}

// Stats returns what has happened so far.
func (n *Network) Stats() Stats {
	s := Stats{Log: n.log.traffic(), Calls: n.calls.traffic(), Failures: map[string]uint64{}}
	if n.trust != nil {
		s.CertificateExpires = n.trust.expires()
	}
	n.failures.mu.Lock()
	defer n.failures.mu.Unlock()
	for _, c := range allCauses() {
		s.Failures[string(c)] = n.failures.counts[c]
	}
	return s
}

func (d *door) traffic() Traffic {
	return Traffic{
		Accepted: d.accepted.Load(), Dialed: d.dialed.Load(), Open: d.open.Load(),
		Read: d.read.Load(), Written: d.written.Load(),
	}
}

// tellEvery is how often a failure of one cause is logged.
const tellEvery = 10 * time.Second

// failures counts connections that came to nothing.
type failures struct {
	mu     sync.Mutex
	counts map[cause]uint64
	told   map[cause]time.Time
}

// count counts a failure that the caller learns of.
func (n *Network) count(c cause) {
	n.failures.mu.Lock()
	defer n.failures.mu.Unlock()
	if n.failures.counts == nil {
		n.failures.counts = map[cause]uint64{}
	}
	n.failures.counts[c]++
}

// failed counts a failure of which only the log can tell.
func (n *Network) failed(c cause, remote string, err error) {
	n.count(c)
	level := slog.LevelWarn
	if errors.Is(err, io.EOF) { // somebody looked whether the port is open
		level = slog.LevelDebug
	}
	if level > slog.LevelDebug && !n.failures.tell(c, time.Now()) {
		return
	}
	n.config.Logger.Log(n.ctx, level, "a connection to the port for members came to nothing", "cause", string(c), "from", remote, "error", err)
}

// tell reports whether it is time to log a failure of a cause again.
func (f *failures) tell(c cause, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if last, ok := f.told[c]; ok && now.Sub(last) < tellEvery {
		return false
	}
	if f.told == nil {
		f.told = map[cause]time.Time{}
	}
	f.told[c] = now
	return true
}
