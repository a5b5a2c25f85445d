package server

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

const (
	maxPeers      = 10_000 // whose failures are remembered
	failureBurst  = 20     // failures in a row that a peer is given
	failureSecond = 1      // and afterwards so many a second
)

// peers remembers which addresses gave wrong tokens. A peer that goes on doing
// so is refused without a look at its token, so that guessing is slow and costs
// little; one that has given a right token before is looked at always, since
// many clients may share the address of a proxy with a broken one.
type peers struct {
	known *otter.Cache[netip.Addr, *peerRecord]
}

type peerRecord struct {
	failures *rate.Limiter
	right    atomic.Bool // it has given a right token
}

func newPeers() (*peers, error) {
	known, err := otter.New(&otter.Options[netip.Addr, *peerRecord]{MaximumSize: maxPeers})
	return &peers{known}, err
}

// record returns what is known of a peer, and begins to know it.
func (p *peers) record(addr netip.Addr) *peerRecord {
	if r, ok := p.known.GetIfPresent(addr); ok {
		return r
	}
	r, _ := p.known.SetIfAbsent(addr, &peerRecord{failures: rate.NewLimiter(failureSecond, failureBurst)})
	return r
}

// blocked reports whether a peer's token is not even looked at.
func (r *peerRecord) blocked() bool { return !r.right.Load() && r.failures.Tokens() < 1 }

// failed counts a wrong token and reports whether that was one too many.
func (r *peerRecord) failed() bool { return !r.failures.Allow() }

// succeeded counts a right token.
func (r *peerRecord) succeeded() {
	if !r.right.Load() {
		r.right.Store(true)
	}
}

// peerAddr returns the address that a call comes from, without its port: that of
// the connection, or what stands behind trusted proxies. It is the zero address for
// what is no network.
func peerAddr(ctx context.Context, trusted []netip.Prefix) netip.Addr {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return netip.Addr{}
	}
	forwarded := ""
	if inProcess(p) || len(trusted) > 0 {
		if values := metadata.ValueFromIncomingContext(ctx, forwardedFor); len(values) > 0 {
			forwarded = values[len(values)-1]
		}
	}
	if !inProcess(p) {
		return origin(directAddr(p), forwarded, trusted)
	}
	// The HTTP side adds where a request came from at the end.
	before, last := "", forwarded
	if i := strings.LastIndexByte(forwarded, ','); i >= 0 {
		before, last = forwarded[:i], forwarded[i+1:]
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(last))
	if err != nil {
		return netip.Addr{}
	}
	return origin(addr.Unmap(), before, trusted)
}

// directAddr returns the other end of a connection.
func directAddr(p *peer.Peer) netip.Addr {
	if tcp, ok := p.Addr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	at, err := netip.ParseAddrPort(p.Addr.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// inProcess reports whether a call comes over a connection inside the process.
func inProcess(p *peer.Peer) bool { return p.Addr.Network() == "bufconn" }
