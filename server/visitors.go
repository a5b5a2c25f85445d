package server

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
)

// Calls that need no proof of who makes them: so many in a row from one address,
// and then so many a second. An office may share an address.
const (
	visitorBurst  = 100
	visitorSecond = 5
)

var errTooManyVisits = &denial{codes.ResourceExhausted, "rate_limited",
	"too many attempts came from this address; try again later", time.Second}

// visitors counts what comes from addresses before it is known who comes, so that
// guessing is slow and costs little.
type visitors struct {
	known *otter.Cache[netip.Prefix, *rate.Limiter]
}

func newVisitors() (*visitors, error) {
	known, err := otter.New(&otter.Options[netip.Prefix, *rate.Limiter]{MaximumSize: maxPeers})
	return &visitors{known}, err
}

// admit returns a *denial when too much comes from an address. In IPv6 one visitor
// has 2^64 of them.
func (v *visitors) admit(from netip.Addr, now time.Time) error {
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	network, err := from.WithZone("").Prefix(bits)
	if err != nil { // of what is no network address there is one
		network = netip.Prefix{}
	}
	limit, ok := v.known.GetIfPresent(network)
	if !ok {
		limit, _ = v.known.SetIfAbsent(network, rate.NewLimiter(visitorSecond, visitorBurst))
	}
	if !limit.AllowN(now, 1) {
		return errTooManyVisits
	}
	return nil
}

// origin returns where a request comes from that a chain of proxies handed on, each
// of which added to the list from whom it had it: the last address that is not one
// of a trusted proxy. What stands before it anybody may have written.
func origin(direct netip.Addr, forwarded string, trusted []netip.Prefix) netip.Addr {
	from := direct
	for _, text := range slices.Backward(strings.Split(forwarded, ",")) {
		if !slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(from) }) {
			break
		}
		addr, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			break
		}
		from = addr.Unmap()
	}
	return from
}
