package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// dial reaches a member and says what the connection is for.
func (n *Network) dial(ctx context.Context, address string, d *door) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, n.config.times.dial)
	defer cancel()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("reaching the member at %q: %w", address, err)
	}
	raw, err := n.dialer(host).DialContext(ctx, "tcp", address)
	if err != nil {
		n.count(dialConnect)
		return nil, fmt.Errorf("reaching the member at %s: %w", address, err)
	}
	c := &conn{Conn: raw, raw: raw, network: n, dialed: true}
	if !n.hold(c) {
		_ = raw.Close()
		return nil, fmt.Errorf("reaching the member at %s: %w", address, net.ErrClosed)
	}
	if why, err := n.introduce(ctx, c, host, d); err != nil {
		_ = c.Close()
		if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
			why, err = dialSilent, fmt.Errorf("it did not answer in time: %w", err)
		}
		n.count(why)
		return nil, fmt.Errorf("reaching the member at %s: %w", address, err)
	}
	if !d.adopt(c) {
		_ = c.Close()
		return nil, fmt.Errorf("reaching the member at %s: %w", address, net.ErrClosed)
	}
	return c, nil
}

// dialText says in plain words why dial failed.
func dialText(address string, err error) string {
	var name *net.DNSError
	var errno syscall.Errno
	var late net.Error
	var op *net.OpError // after the connection was made the words around it say more
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("the name %s does not resolve: %s", name.Name, name.Err)
	case errors.As(err, &late) && late.Timeout():
		return "no answer from " + address
	case errors.As(err, &op) && op.Op == "dial" && errors.As(err, &errno):
		return fmt.Sprintf("%v at %s", errno, address)
	}
	return err.Error()
}

// dialer dials a host. Members that listen on loopback addresses of one machine
// dial each other from them, so that it can be seen who dials.
func (n *Network) dialer(host string) *net.Dialer {
	d := &net.Dialer{KeepAliveConfig: keepAlive()}
	ip, err := netip.ParseAddr(host)
	if err == nil && n.from != nil && ip.IsLoopback() && ip.Is4() == (n.from.IP.To4() != nil) {
		d.LocalAddr = n.from
	}
	return d
}

// introduce shakes hands, says what the connection is for and waits until the
// other side has agreed.
func (n *Network) introduce(ctx context.Context, c *conn, host string, d *door) (cause, error) {
	by, _ := ctx.Deadline()
	if err := c.raw.SetDeadline(by); err != nil {
		return dialSilent, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	defer stop()
	if n.trust != nil {
		secured := n.trust.client(c.raw, host)
		if err := secured.Handshake(); err != nil {
			return dialTLS, fmt.Errorf("the TLS handshake failed: %w", err)
		}
		c.Conn = secured
	}
	hello := greeting(d.hello)
	if _, err := c.Conn.Write(hello); err != nil {
		return dialSilent, err
	}
	got, err := io.ReadFull(c.Conn, hello)
	switch {
	case got > 0 && !bytes.HasPrefix(greeting(d.hello), hello[:got]):
		return dialGarbage, fmt.Errorf("it answered with %q, which no member says", hello[:got])
	case err != nil && n.trust != nil:
		return dialTLS, fmt.Errorf("it did not answer after the TLS handshake, as when it does not trust this member's certificate: %w", err)
	case err != nil:
		return dialSilent, fmt.Errorf("it did not answer, as when it uses TLS and this member does not: %w", err)
	}
	if !stop() {
		return dialSilent, context.Cause(ctx)
	}
	return "", c.raw.SetDeadline(time.Time{})
}
