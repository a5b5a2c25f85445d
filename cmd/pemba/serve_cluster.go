package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/replica/peer"
)

// clusterFlags are the settings of a node among others, as they are given.
type clusterFlags struct {
	raft, advertise string
	expect          int
	join            []string
	nonVoter        bool
	name            string

	peerCert, peerKey, peerCA string
	peerInsecure              bool

	electionTimeout     time.Duration
	minFree             string
	maxStaleness, drain time.Duration
}

func (f *clusterFlags) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.raft, "raft-addr", "127.0.0.1:7000", "address on which other nodes are heard")
	flags.StringVar(&f.advertise, "raft-advertise", "", "address by which they reach this node (default: --raft-addr)")
	flags.IntVar(&f.expect, "bootstrap-expect", 0, "how many new nodes found the cluster together; a node that has data does not look at it (default: 1 without --join, else none: it only joins)")
	flags.StringSliceVar(&f.join, "join", nil, "raft address of another node, or dns:///NAME:PORT for all addresses of a name; may be repeated")
	flags.BoolVar(&f.nonVoter, "non-voter", false, "be a read replica: take no part in votes")
	flags.StringVar(&f.name, "node-name", "", "name of this node, for people (default: that of the host)")
	flags.StringVar(&f.peerCert, "peer-cert", "", "PEM file of the certificate that this node shows to the others; read again when it changes")
	flags.StringVar(&f.peerKey, "peer-key", "", "PEM file of its private key")
	flags.StringVar(&f.peerCA, "peer-ca", "", "PEM file of the authorities that sign for nodes, and for nothing else")
	flags.BoolVar(&f.peerInsecure, "peer-insecure", false, "talk to other nodes without certificates on an address that is not loopback: whoever reaches it commands the cluster")
	flags.DurationVar(&f.electionTimeout, "election-timeout", 750*time.Millisecond, "after which a silent leader is replaced; the same on all nodes")
	flags.StringVar(&f.minFree, "min-free-disk", "256MiB", "free space below which only deletes are taken")
	flags.DurationVar(&f.maxStaleness, "max-staleness", 10*time.Second, "how old what this node reads may be while /readyz says yes")
	flags.DurationVar(&f.drain, "drain", 0, "in the end, how long /readyz says no before leadership is handed over and calls are waited for")
}

// Bounds of --election-timeout: below, a pause of the machine makes elections;
// above, nobody would wait so long.
const (
	minElection = 50 * time.Millisecond
	maxElection = time.Minute
)

// maxNodeName bounds --node-name, in bytes.
const maxNodeName = 128

// faults names every fault of the flags.
func (f *clusterFlags) faults(inMemory bool) []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, a := range f.join {
		if err := server.CheckJoin(a); err != nil {
			fault("--join %q: %w", a, err)
		}
	}
	switch {
	case f.expect < 0 || f.expect > maxExpect:
		fault("--bootstrap-expect %d: it is between 1 and %d", f.expect, maxExpect)
	case f.expect > 1 && len(f.join) == 0:
		fault("--bootstrap-expect %d: without --join this node finds no others: give it their addresses", f.expect)
	case f.expect == 1 && len(f.join) > 0:
		fault("--bootstrap-expect 1 founds a cluster of this node alone, and --join joins one of others: give one of them")
	case f.nonVoter && len(f.join) == 0:
		fault("--non-voter: a read replica founds no cluster: give it the addresses of one with --join")
	}
	if inMemory && (len(f.join) > 0 || f.expect > 1 || f.nonVoter) {
		fault("--in-memory: a node that forgets what it has acknowledged cannot be one of several: give it a --data-dir")
	}
	if len(f.name) > maxNodeName || strings.ContainsFunc(f.name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		fault("--node-name: it has at most %d bytes and no control characters", maxNodeName)
	}
	if f.electionTimeout < minElection || f.electionTimeout > maxElection {
		fault("--election-timeout %v: it is between %v and %v", f.electionTimeout, minElection, maxElection)
	}
	if f.maxStaleness <= 0 {
		fault("--max-staleness: it must be above 0")
	}
	if f.drain < 0 {
		fault("--drain %v: it cannot be negative", f.drain)
	}
	return append(faults, f.addressFaults()...)
}

// maxExpect is how many nodes may found a cluster together.
const maxExpect = 9

// addressFaults names what is wrong with where this node is reached and whom it
// trusts.
func (f *clusterFlags) addressFaults() []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if f.advertise != "" {
		if err := server.CheckJoin(f.advertise); err != nil || strings.HasPrefix(f.advertise, "dns:") || anyHost(f.advertise) {
			fault("--raft-advertise %q: it is one HOST:PORT that the other nodes can reach", f.advertise)
		}
	}
	given := 0
	for _, file := range []string{f.peerCert, f.peerKey, f.peerCA} {
		if file != "" {
			given++
		}
	}
	switch {
	case given > 0 && given < 3:
		fault("--peer-cert, --peer-key, --peer-ca: TLS between nodes needs all three")
	case given > 0 && f.peerInsecure:
		fault("--peer-insecure is for nodes without certificates: leave it out")
	}
	if checkAddr(f.raft) != nil {
		return faults // it is named elsewhere
	}
	if f.advertise == "" && anyHost(f.raft) {
		fault("--raft-addr %s listens on all addresses: --raft-advertise says by which of them the other nodes reach this one", f.raft)
	}
	if given == 0 && !f.peerInsecure && !(loopback(f.raft) && (f.advertise == "" || loopback(f.advertise))) {
		fault("--raft-addr %s: whoever reaches it commands the cluster: give --peer-cert, --peer-key and --peer-ca, or allow it with --peer-insecure", f.raft)
	}
	return faults
}

// anyHost reports whether an address names no host, or stands for all of a
// machine.
func anyHost(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// settle tells the replica what the flags say.
func (f *clusterFlags) settle(c *replica.Config) error {
	c.RaftAddr, c.Join, c.Expect, c.NonVoter, c.ElectionTimeout = f.raft, f.join, f.expect, f.nonVoter, f.electionTimeout
	c.Name, c.BuildVersion = f.nodeName(), buildVersion().Version
	free, err := parseSize("min-free-disk", f.minFree)
	if err != nil || f.minFree == "" {
		return usagef("--min-free-disk %q: a size is a number with KiB, MiB or GiB, such as 256MiB", f.minFree)
	}
	c.Store.MinFree = uint64(max(free, 1)) // 0 would be the store's own default
	return nil
}

func (f *clusterFlags) nodeName() string {
	if f.name != "" {
		return f.name
	}
	name, err := os.Hostname()
	if err != nil {
		return "" // it is for people only
	}
	return name
}

// several reports whether the node is to be one of several from the beginning.
func (f *clusterFlags) several() bool { return len(f.join) > 0 || f.expect > 1 }

// listen begins to listen for other nodes.
func (f *clusterFlags) listen(ctx context.Context, log *slog.Logger) (*peer.Network, error) {
	return peer.Listen(ctx, peer.Config{
		Listen: f.raft, Advertise: f.advertise,
		Cert: f.peerCert, Key: f.peerKey, CA: f.peerCA, Insecure: f.peerInsecure, Logger: log,
	})
}

// roster is where this node serves, for whoever asks another node. A listener on
// all addresses is reached by the host by which other nodes reach this one.
func roster(l *listeners, raft string) map[string]string {
	host, _, err := net.SplitHostPort(raft)
	if err != nil {
		return nil
	}
	reached := func(listener net.Listener) string {
		addr := listener.Addr().String()
		if _, port, err := net.SplitHostPort(addr); err == nil && anyHost(addr) {
			return net.JoinHostPort(host, port)
		}
		return addr
	}
	return map[string]string{"grpc": reached(l.grpc), "http": reached(l.http)}
}

// bootstrapLater writes what the new store of a cluster begins with, on the node
// that leads when the cluster is there. It returns when there is a schema,
// whoever has written it.
func (n *daemon) bootstrapLater(ctx context.Context, f first) {
	tick := time.NewTicker(bootstrapEvery)
	defer tick.Stop()
	for {
		written, err := n.bootstrapNow(ctx, f)
		switch {
		case errors.Is(err, errNotYet):
		case err != nil && ctx.Err() == nil:
			n.log.Error("--bootstrap was not done, or only in part", "error", err)
			return
		default:
			n.log.Info("--bootstrap: the store has a schema", "written_by_this_node", written)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// bootstrapEvery is how often a node looks whether its cluster is there.
const bootstrapEvery = 200 * time.Millisecond

var errNotYet = errors.New("this node does not serve yet, or another one leads")

// bootstrapNow is one look.
func (n *daemon) bootstrapNow(ctx context.Context, f first) (bool, error) {
	if n.replica.Serving() != nil {
		return false, errNotYet
	}
	if n.replica.Status().Leader {
		return bootstrap(ctx, n.replica, f)
	}
	switch has, err := hasSchema(ctx, n.replica); {
	case err != nil || !has:
		return false, errNotYet // its leader writes it, or loses the lead
	default:
		return false, nil
	}
}
