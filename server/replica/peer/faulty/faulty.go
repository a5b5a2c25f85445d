// Package faulty is a TCP proxy that does to connections what networks do to
// them. It is for tests alone.
//
// A proxy stands before one target. What it does is said by Rules, which may
// differ by the address that a connection comes from, and may be changed while
// connections are open. It knows nothing of what is said on a connection.
//
// faulty.go has the proxy and its rules, link.go one connection, flow.go one way
// of it.
package faulty

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Rules say what a proxy does to connections. The zero value passes everything
// on at once.
type Rules struct {
	// Cut resets connections that are open, and new ones right after they were
	// accepted.
	Cut bool

	To, From Way // to the target, and from it
}

// Way says what happens to the bytes that go one way.
type Way struct {
	// Hole swallows them, as a network does that drops packets without telling
	// anybody; a new connection then says nothing and never reaches the target.
	// When the hole is gone, connections that lost bytes are reset: nothing
	// would make sense on them any more.
	Hole bool

	Delay  time.Duration // of every byte
	Jitter time.Duration // up to so much more, chosen for each piece; the order stays
	Loss   float64       // the share of pieces that come 200 ms later, as after a packet was lost and sent again
	Rate   int           // bytes per second; 0: as many as there are
}

// hole says that a connection made now would reach nobody.
func (r Rules) hole() bool { return r.To.Hole || r.From.Hole }

// Proxy stands before a target. It is safe for concurrent use.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	target  string
	rules   Rules
	sources map[string]Rules // by the host a connection comes from; instead of rules
	links   map[*link]bool
	closed  bool
}

// Listen starts a proxy on a port of 127.0.0.1 that is free. The target, host:port,
// need not be there yet: a connection for which it is not is reset.
func Listen(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a proxy for %s: %w", target, err)
	}
	p := &Proxy{target: target, listener: listener, sources: map[string]Rules{}, links: map[*link]bool{}}
	p.running.Go(p.accept)
	return p, nil
}

// Addr returns where the proxy listens, as host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// SetTarget changes where connections go that are made from now on. A target that
// must know the address of its proxy may choose its own port that way.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Set says what happens from now on, to open connections too. It replaces what
// Set and SetFrom have said before.
func (p *Proxy) Set(r Rules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = r
	clear(p.sources)
	p.change()
}

// SetFrom is Set for connections that come from a host, which is an IP address.
// On Linux, each process of a test can have one of its own in 127.0.0.0/8.
func (p *Proxy) SetFrom(host string, r Rules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources[host] = r
	p.change()
}

// change tells the links their rules. The caller holds mu.
func (p *Proxy) change() {
	for l := range p.links {
		l.set(p.rulesOf(l.source))
	}
}

// rulesOf returns what counts for connections from a host. The caller holds mu.
func (p *Proxy) rulesOf(host string) Rules {
	if r, ok := p.sources[host]; ok {
		return r
	}
	return p.rules
}

// Reset resets all connections that are open.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// Open returns how many connections are open.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Close resets all connections and stops listening. It waits until nothing of
// the proxy runs any more.
func (p *Proxy) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	err := p.listener.Close()
	for l := range p.links {
		l.reset()
	}
	p.mu.Unlock()
	p.running.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			continue // of a connection that was gone before it was accepted
		}
		l := p.begin(conn.(*net.TCPConn))
		if l == nil {
			continue
		}
		p.running.Go(func() {
			l.run()
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.links, l)
		})
	}
}

// begin makes a link of a new connection; nil when it has ended already.
func (p *Proxy) begin(conn *net.TCPConn) *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := newLink(conn, p.target)
	r := p.rulesOf(l.source)
	if p.closed || r.Cut {
		l.reset()
		return nil
	}
	l.set(r)
	p.links[l] = true
	return l
}
