package faulty

import (
	"context"
	"io"
	"net"
	"sync"
)

// link is one connection: to the client, and to the target.
type link struct {
	source string // the host of the client
	target string
	ended  context.Context
	end    context.CancelFunc

	mu     sync.Mutex
	rules  Rules
	change chan struct{}  // closed when the rules change
	lost   bool           // bytes were swallowed
	conns  []*net.TCPConn // the client, then the target
}

func newLink(client *net.TCPConn, target string) *link {
	l := &link{target: target, change: make(chan struct{}), conns: []*net.TCPConn{client}}
	l.ended, l.end = context.WithCancel(context.Background())
	l.source, _, _ = net.SplitHostPort(client.RemoteAddr().String())
	return l
}

// set changes the rules.
func (l *link) set(r Rules) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules = r
	close(l.change)
	l.change = make(chan struct{})
	if r.Cut || l.lost && !r.hole() {
		l.resetLocked()
	}
}

// current returns the rules, and a channel that is closed when they change.
func (l *link) current() (Rules, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rules, l.change
}

// swallow reports whether what goes a way is swallowed now, and notes it.
func (l *link) swallow(way func(Rules) Way) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !way(l.rules).Hole {
		return false
	}
	l.lost = true
	return true
}

// reset ends the link in such a way that both sides notice at once.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resetLocked()
}

func (l *link) resetLocked() {
	for _, c := range l.conns {
		_ = c.SetLinger(0) // closing sends a reset; nothing happens to one that is closed
		_ = c.Close()
	}
	l.end()
}

// run passes bytes on until the link has ended.
func (l *link) run() {
	defer l.reset()
	if l.startsInHole() {
		l.drain()
		return
	}
	conn, err := (&net.Dialer{}).DialContext(l.ended, "tcp", l.target)
	if err != nil {
		return
	}
	t := conn.(*net.TCPConn)
	if !l.reached(t) {
		return
	}
	client := l.conns[0]
	var flows sync.WaitGroup
	for _, f := range []*flow{
		{link: l, from: client, to: t, way: func(r Rules) Way { return r.To }},
		{link: l, from: t, to: client, way: func(r Rules) Way { return r.From }},
	} {
		flows.Go(f.run)
	}
	flows.Wait()
	l.close()
}

// close ends the link after both sides have closed theirs: what was written
// still arrives.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.end()
}

// startsInHole reports whether a new connection reaches nobody.
func (l *link) startsInHole() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = l.lost || l.rules.hole()
	return l.lost
}

// drain swallows what the client says until the link has ended. That the client
// closes its side is swallowed too.
func (l *link) drain() {
	_, _ = io.Copy(io.Discard, l.conns[0])
	<-l.ended.Done()
}

// reached notes the connection to the target; false when the link has ended
// meanwhile.
func (l *link) reached(target *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, target)
	if l.ended.Err() != nil {
		l.resetLocked()
		return false
	}
	return true
}
