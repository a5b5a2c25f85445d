package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc"
)

// Config says where a member is reached and whom it trusts.
type Config struct {
	// Listen is the host:port on which the others are heard; port 0 is one that
	// is free.
	Listen string
	// Advertise is the host:port by which the others reach this member; "": that
	// of Listen, which then must name a host. Port 0 stands for the one that is
	// listened on.
	Advertise string

	// Cert, Key and CA are PEM files: the certificate of this member with its
	// chain, its private key, and the authorities that sign for members. All of
	// them or none. They are read again when they change; connections that are
	// open keep what they began with.
	Cert, Key, CA string
	// Insecure allows Listen to be reachable from other machines without
	// certificates: whoever reaches the port then commands the cluster.
	Insecure bool

	Logger *slog.Logger     // nil: slog.Default()
	Now    func() time.Time // nil: time.Now; for looking at the files again

	times times
}

// times are how long things may take. Both ends must have about the same ping and
// silence.
type times struct {
	hello   time.Duration // from the first packet to the byte back
	dial    time.Duration // to reach a member, with all that
	stall   time.Duration // in which something of a request that has begun must be read, or written
	ping    time.Duration // a server of calls says something so often, 1 s or more
	silence time.Duration // after which the other end of a call is taken for dead
	idle    time.Duration // without a call, after which its connection is closed
}

func defaultTimes() times {
	return times{
		hello: 5 * time.Second, dial: 5 * time.Second, stall: 10 * time.Second,
		ping: 2 * time.Second, silence: 6 * time.Second, idle: time.Minute,
	}
}

// withDefaults names every fault, and fills in the defaults.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		errs = append(errs, fmt.Errorf("the address to listen on, %q, is not host:port: %w", c.Listen, err))
	}
	advertised, port, err := net.SplitHostPort(c.Advertise)
	switch {
	case c.Advertise == "":
		if anyHost(host) && len(errs) == 0 {
			errs = append(errs, fmt.Errorf("%q listens on all addresses: say by which one the other members reach this one", c.Listen))
		}
	case err != nil:
		errs = append(errs, fmt.Errorf("the address to advertise, %q, is not host:port: %w", c.Advertise, err))
	case anyHost(advertised) || port == "":
		errs = append(errs, fmt.Errorf("the address to advertise, %q, must name one host and a port", c.Advertise))
	}
	files := 0
	for _, name := range []string{c.Cert, c.Key, c.CA} {
		if name != "" {
			files++
		}
	}
	switch {
	case files > 0 && files < 3:
		errs = append(errs, errors.New("TLS between members needs all three: a certificate, its key, and the authority that signs for members"))
	case files == 0 && !c.Insecure && host != "" && !loopback(host):
		errs = append(errs, fmt.Errorf("%s can be reached from other machines, and whoever reaches it commands the cluster: give certificates for members, or allow it to be insecure", c.Listen))
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.times == (times{}) {
		c.times = defaultTimes()
	}
	return c, errors.Join(errs...)
}

// anyHost reports whether a host stands for all addresses of a machine.
func anyHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Network carries what this member and the others say to each other. It is safe
// for concurrent use.
type Network struct {
	config   Config
	trust    *trust // nil without TLS
	listener net.Listener
	address  address
	from     *net.TCPAddr // that it dials loopback addresses from; nil: any

	ctx     context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup
	greeted chan struct{} // has room for connections that have not said what they are for

	log, calls *door
	transport  *raft.NetworkTransport
	server     *grpc.Server
	failures   failures

	mu     sync.Mutex
	closed bool
	conns  map[*conn]bool
	kept   map[string]*kept // by address
}

// Listen starts to listen. What others say to raft is heard at once; calls wait
// for Serve.
//
// It returns an error that names every fault of the configuration, or one of the
// files or the network.
func Listen(ctx context.Context, c Config) (*Network, error) {
	n, err := listen(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("listening for the other members: %w", err)
	}
	return n, nil
}

func listen(ctx context.Context, c Config) (*Network, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	n := &Network{config: c, greeted: make(chan struct{}, maxGreeted), conns: map[*conn]bool{}, kept: map[string]*kept{}}
	if c.Cert != "" {
		if n.trust, err = newTrust(&c); err != nil {
			return nil, err
		}
	}
	if n.listener, err = (&net.ListenConfig{KeepAliveConfig: keepAlive()}).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, err
	}
	heard := n.listener.Addr().(*net.TCPAddr)
	if n.address, err = advertise(&c, heard); err != nil {
		return nil, errors.Join(err, n.listener.Close())
	}
	if heard.IP.IsLoopback() {
		n.from = &net.TCPAddr{IP: heard.IP}
	}
	n.ctx, n.end = context.WithCancel(context.Background())
	n.log, n.calls = newDoor(n, helloLog), newDoor(n, helloCalls)
	n.transport = newTransport(n)
	n.server = newServer(&c.times)
	n.running.Go(n.accept)
	return n, nil
}

// advertise returns the address by which the others reach this member.
func advertise(c *Config, heard *net.TCPAddr) (address, error) {
	said := c.Advertise
	if said == "" {
		said = c.Listen
	}
	host, port, err := net.SplitHostPort(said)
	if port == "0" {
		_, port, err = net.SplitHostPort(heard.String())
	}
	return address(net.JoinHostPort(host, port)), err
}

// address is that of a member, host:port.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// Address returns the host:port by which the others reach this member.
func (n *Network) Address() string { return string(n.address) }

// Listening returns the host:port on which the others are heard, which is not the
// address by which they reach this member when something stands between.
func (n *Network) Listening() string { return n.listener.Addr().String() }

// Transport returns what raft speaks through. Closing it (it is a raft.WithClose)
// closes raft's connections at once, whatever they wait for: do it after raft was
// told to shut down and before waiting for that, which otherwise takes as long as
// the slowest request that nobody answers.
func (n *Network) Transport() raft.Transport { return n.transport }

// Close stops listening and closes all connections: calls that are running fail,
// here and there. It waits until nothing of the network runs any more, calls that
// are served here among them.
func (n *Network) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	kept := n.kept
	n.kept = nil
	n.mu.Unlock()

	err := n.transport.Close()
	n.end()
	err = errors.Join(err, n.listener.Close())
	n.hangUp(func(*conn) bool { return true })
	_ = n.calls.Close() // never fails
	n.server.Stop()
	for _, k := range kept {
		err = errors.Join(err, k.conn.Close())
	}
	n.running.Wait()
	return err
}

// hold notes a connection, so that Close and the end of its door close it; false
// when it is too late.
func (n *Network) hold(c *conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.conns[c] = true
	}
	return !n.closed
}

// let forgets a connection that is closed.
func (n *Network) let(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.letLocked(c)
}

func (n *Network) letLocked(c *conn) {
	if n.conns[c] && c.door != nil {
		c.door.open.Add(-1)
	}
	delete(n.conns, c)
}

// hangUp closes connections without a word; whoever uses one finds it closed.
func (n *Network) hangUp(which func(*conn) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		if which(c) {
			_ = c.raw.Close() // what it was for has ended
			n.letLocked(c)
		}
	}
}
