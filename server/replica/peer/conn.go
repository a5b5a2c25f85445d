package peer

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// stallChunk is how many bytes must be written within times.stall.
const stallChunk = 64 << 10

// conn is a connection to a member. It counts what goes over it, and has the
// deadlines that its users leave out.
type conn struct {
	net.Conn          // with TLS, if there is
	raw      net.Conn // beneath it
	network  *Network
	dialed   bool
	door     *door // what it is for; nil until that is known

	writeBy atomic.Int64 // deadline that the user has set, Unix nanoseconds; 0: none
	asked   bool         // raft is asked here; it reads and answers in turn
	begun   bool         // asked: something was read that was not answered yet
	dead    atomic.Bool  // reading or writing failed
}

// Read reads within the time that the kind of connection allows.
//
// Raft sets no deadline on the side that is asked, where waiting for the next
// request is all right but waiting for the rest of one is not: a snapshot whose
// sender is gone would keep the member from all else. gRPC sets none at all, and
// the server's pings say that it lives.
func (c *conn) Read(p []byte) (int, error) {
	var limit time.Duration
	switch {
	case c.door.hello == helloCalls && c.dialed:
		limit = c.network.config.times.silence
	case c.asked && c.begun:
		limit = c.network.config.times.stall
	}
	if limit > 0 {
		if err := c.Conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	if c.asked && n > 0 {
		c.begun = true
	}
	c.door.read.Add(uint64(n))
	if err != nil {
		c.dead.Store(true)
	}
	return n, err
}

// Write writes by the deadline that was set, and in pieces of which each makes
// progress in time.
func (c *conn) Write(p []byte) (int, error) {
	written := 0
	for first := true; first || written < len(p); first = false {
		by := time.Now().Add(c.network.config.times.stall)
		if set := c.writeBy.Load(); set != 0 && time.Unix(0, set).Before(by) {
			by = time.Unix(0, set)
		}
		if err := c.Conn.SetWriteDeadline(by); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[written:min(len(p), written+stallChunk)])
		written += n
		c.door.written.Add(uint64(n))
		if err != nil {
			c.dead.Store(true)
			return written, err
		}
	}
	if c.asked && c.begun {
		c.begun = false
		return written, c.Conn.SetReadDeadline(time.Time{})
	}
	return written, nil
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.Conn.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	by := int64(0)
	if !t.IsZero() {
		by = t.UnixNano()
	}
	c.writeBy.Store(by)
	return c.Conn.SetWriteDeadline(t)
}

// Close implements net.Conn. On a connection that has failed, TLS would wait to
// say goodbye to nobody.
func (c *conn) Close() error {
	c.network.let(c)
	if c.dead.Load() {
		return c.raw.Close()
	}
	return c.Conn.Close()
}

// door is where connections of one kind come in and go out. It is the listener of
// whoever serves them.
type door struct {
	network *Network
	hello   byte
	conns   chan *conn
	ctx     context.Context // ends with Close
	end     context.CancelFunc

	accepted, dialed, read, written atomic.Uint64
	open                            atomic.Int64
}

func newDoor(n *Network, hello byte) *door {
	d := &door{network: n, hello: hello, conns: make(chan *conn)}
	d.ctx, d.end = context.WithCancel(n.ctx)
	return d
}

// adopt makes a connection one of the door's; false when that is closed.
func (d *door) adopt(c *conn) bool {
	d.network.mu.Lock()
	defer d.network.mu.Unlock()
	if d.ctx.Err() != nil || !d.network.conns[c] {
		return false
	}
	c.door = d
	c.asked = d.hello == helloLog && !c.dialed
	d.open.Add(1)
	if c.dialed {
		d.dialed.Add(1)
	} else {
		d.accepted.Add(1)
	}
	return true
}

// hand gives a connection that came in to whoever accepts it.
func (d *door) hand(c *conn) {
	if !d.adopt(c) {
		_ = c.Close()
		return
	}
	select {
	case d.conns <- c:
	case <-d.ctx.Done():
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener: it is the address that the others know.
func (d *door) Addr() net.Addr { return d.network.address }

// Close implements net.Listener. It closes the connections, too.
func (d *door) Close() error {
	d.end()
	d.network.hangUp(func(c *conn) bool { return c.door == d })
	return nil
}
