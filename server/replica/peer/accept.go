package peer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// The byte that a connection begins with, and what follows it. Neither byte begins
// anything that others say to a port by mistake.
const (
	helloLog   byte = 0xb1
	helloCalls byte = 0xb2
	signature       = "pemba/1"

	tlsRecord byte = 0x16 // what TLS begins with
)

// greeting is what both sides say first.
func greeting(hello byte) []byte { return append([]byte{hello}, signature...) }

// maxGreeted is how many connections are looked at at the same time that have not
// said what they are for.
const maxGreeted = 128

// keepAlive lets the machine notice connections of which the other end is gone:
// within about 11 s when nothing is on its way.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}
}

// accept takes connections until the network is closed.
func (n *Network) accept() {
	for {
		select {
		case n.greeted <- struct{}{}:
		case <-n.ctx.Done():
			return
		}
		raw, err := n.listener.Accept()
		if err == nil {
			n.running.Go(func() { n.greet(raw) })
			continue
		}
		<-n.greeted
		if n.ctx.Err() != nil {
			return
		}
		n.failed(acceptError, "", err)
		select { // too many files are open, most likely
		case <-time.After(100 * time.Millisecond):
		case <-n.ctx.Done():
		}
	}
}

// greet finds out what a connection is for, and hands it to whom it is for.
func (n *Network) greet(raw net.Conn) {
	c := &conn{Conn: raw, raw: raw, network: n}
	d, why, err := n.welcome(c)
	<-n.greeted
	if err == nil {
		d.hand(c)
		return
	}
	_ = c.Close()
	if !errors.Is(err, net.ErrClosed) {
		n.failed(why, raw.RemoteAddr().String(), err)
	}
}

// welcome returns the door through which a connection goes.
func (n *Network) welcome(c *conn) (*door, cause, error) {
	if !n.hold(c) {
		return nil, acceptSilent, net.ErrClosed
	}
	if err := c.raw.SetDeadline(time.Now().Add(n.config.times.hello)); err != nil {
		return nil, acceptSilent, err
	}
	if n.trust != nil {
		secured := n.trust.server(c.raw)
		if err := secured.Handshake(); err != nil {
			return nil, acceptCause(err, acceptTLS), fmt.Errorf("the TLS handshake failed: %w", err)
		}
		c.Conn = secured
	}
	hello := greeting(0)
	if _, err := io.ReadFull(c.Conn, hello[:1]); err != nil {
		return nil, acceptCause(err, acceptTLS), fmt.Errorf("it did not say what it is for: %w", err)
	}
	var d *door
	switch hello[0] {
	case helloLog:
		d = n.log
	case helloCalls:
		d = n.calls
	case tlsRecord:
		return nil, acceptGarbage, errors.New("it speaks TLS, and this member has no certificates")
	default:
		return nil, acceptGarbage, fmt.Errorf("it began with the byte 0x%02x, which no member says", hello[0])
	}
	if _, err := io.ReadFull(c.Conn, hello[1:]); err != nil {
		return nil, acceptCause(err, acceptTLS), fmt.Errorf("it did not say all of what it is for: %w", err)
	}
	if string(hello[1:]) != signature {
		return nil, acceptGarbage, fmt.Errorf("it speaks %q, and this member %q", hello[1:], signature)
	}
	if d.ctx.Err() != nil {
		return nil, acceptSilent, net.ErrClosed
	}
	if _, err := c.Conn.Write(hello); err != nil {
		return nil, acceptSilent, err
	}
	if err := c.raw.SetDeadline(time.Time{}); err != nil {
		return nil, acceptSilent, err
	}
	return d, "", nil
}

// acceptCause tells those that say nothing from those that fail otherwise.
func acceptCause(err error, other cause) cause {
	var header tls.RecordHeaderError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, os.ErrDeadlineExceeded):
		return acceptSilent
	case errors.As(err, &header):
		return acceptGarbage
	}
	return other
}
