package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/replica/peer"
)

// daemon is a running server with its listeners.
type daemon struct {
	log *slog.Logger
	listeners
	raft    string // where the other nodes reach this one; "": nowhere
	replica *replica.Replica
	portal  *portal.Portal // nil: it is off
	codes   chan string    // the one-time code of the first run, once it is known; nil: there is no portal
	server  *server.Server
	tracing *server.Tracing
	drain   time.Duration // between "not ready" and handing leadership over
	grace   graceTime

	bootstrapping sync.WaitGroup
	endBootstrap  context.CancelFunc
	sampling      sync.WaitGroup
	endSampling   context.CancelFunc
}

// start brings everything up. What was started must be stopped even when it
// fails.
func (n *daemon) start(ctx context.Context, f *serveFlags, s *settings) error {
	var err error
	if n.tracing, err = f.tracing(ctx); err != nil {
		return usagef("%w", err)
	}
	if err := n.listen(ctx, f.grpcAddr, f.httpAddr, f.metricsAddr); err != nil {
		return err
	}
	if s.server.Network, err = n.open(ctx, f, &s.replica); err != nil {
		return err
	}
	if err := n.begin(ctx, f, s.first); err != nil {
		return err
	}
	s.server.Replica = n.replica
	if n.tracing != nil {
		s.server.Tracing = n.tracing
	}
	if f.portal.on {
		if err := n.openPortal(f, s); err != nil {
			return err
		}
	}
	s.server.Surface = n.surface(f, s)
	if n.server, err = server.New(s.server); err != nil {
		return err
	}
	http, err := n.server.NewHTTP(server.HTTPConfig{PublicURL: f.publicURL(s.tls != nil, n.http.Addr()), AuthZEN: s.authZEN})
	if err != nil {
		return err
	}
	n.serve(n.server, http, s.tls)
	n.sample(ctx)
	return nil
}

// sample has the server note what it does, until stop.
func (n *daemon) sample(ctx context.Context) {
	ctx, n.endSampling = context.WithCancel(ctx)
	n.sampling.Go(func() {
		tick := time.NewTicker(server.SeriesInterval)
		defer tick.Stop()
		n.server.Sample(ctx, tick.C)
	})
}

// surface says where the node answers.
func (n *daemon) surface(f *serveFlags, s *settings) []server.Surface {
	scheme, secure := "plain text", ""
	if s.tls != nil {
		scheme, secure = "TLS", "s"
	}
	return []server.Surface{
		{Name: "gRPC", On: true, Detail: n.grpc.Addr().String() + ", " + scheme},
		{Name: "HTTP", On: true, Detail: "http" + secure + "://" + n.http.Addr().String()},
		{Name: "metrics and profiles", On: true, Detail: "http://" + n.metrics.Addr().String()},
		{Name: "other nodes", On: n.raft != "", Detail: n.raft},
	}
}

// open opens the node. One that keeps its log listens for others from the
// beginning, so that they can join it at any time.
func (n *daemon) open(ctx context.Context, f *serveFlags, c *replica.Config) (*peer.Network, error) {
	if f.inMemory {
		var err error
		n.replica, err = replica.Open(ctx, *c)
		return nil, err
	}
	network, err := f.cluster.listen(ctx, n.log)
	if err != nil {
		return nil, fmt.Errorf("--raft-addr %s: %w", f.cluster.raft, err)
	}
	n.raft = network.Address()
	c.Network, c.Roster = network, roster(&n.listeners, n.raft)
	n.replica, err = replica.Open(ctx, *c) // it closes the network, whatever happens
	return network, err
}

// begin writes what --bootstrap has into a new store; in a cluster of several
// that waits until the cluster is there.
func (n *daemon) begin(ctx context.Context, f *serveFlags, begin first) error {
	if len(f.bootstrap) == 0 {
		return nil
	}
	if f.cluster.several() {
		ctx, n.endBootstrap = context.WithCancel(ctx)
		n.bootstrapping.Go(func() { n.bootstrapLater(ctx, begin) })
		return nil
	}
	written, err := bootstrap(ctx, n.replica, begin)
	if err == nil && !written {
		n.log.Warn("there is a schema already; --bootstrap was passed over", "files", f.bootstrap)
	}
	return err
}

// run returns when ctx ends, or with an error when the node cannot go on. first is
// told the code of the first run, if there is one.
func (n *daemon) run(ctx context.Context, first func(code string) error) error {
	for {
		select {
		case <-ctx.Done():
			// A second signal ends the process at once.
			signal.Reset(os.Interrupt, syscall.SIGTERM)
			return n.leave()
		case code := <-n.codes:
			if err := first(code); err != nil {
				return err
			}
		case err := <-n.failed:
			return err
		case <-n.replica.Failed():
			return fmt.Errorf("the node cannot go on: %w", n.replica.Status().Err)
		}
	}
}

// leave is the first half of the end: nothing new comes, and another node leads.
func (n *daemon) leave() error {
	n.server.Retire()
	if n.drain > 0 {
		n.log.Info("shutting down: not ready any more", "for", n.drain.String())
		select {
		case <-time.After(n.drain):
		case err := <-n.failed:
			return err
		}
	}
	n.log.Info("shutting down: what runs is finished", "for_at_most", n.grace.String())
	ctx, cancel := context.WithTimeout(context.Background(), n.grace)
	defer cancel()
	if err := n.replica.Drain(ctx); err != nil {
		n.log.Warn("leadership was not handed over; the others elect a new leader", "error", err)
	}
	return nil
}

// stop ends in the order in which requests pass: no new ones, those that run,
// then what they use.
func (n *daemon) stop() error {
	if n.endBootstrap != nil {
		n.endBootstrap()
	}
	n.bootstrapping.Wait()
	if n.endSampling != nil {
		n.endSampling()
	}
	n.sampling.Wait()
	if n.server != nil {
		n.server.Drain()
	}
	faults := []error{n.close(n.grace)}
	if n.server != nil {
		n.server.Close()
	}
	if n.portal != nil {
		n.portal.Close()
	}
	if n.replica != nil {
		faults = append(faults, within(closeTime, n.abandon, n.replica.Close))
	}
	if n.tracing != nil {
		if err := n.tracing.Close(); err != nil {
			n.log.Warn("some traces were not sent", "error", err)
		}
	}
	return errors.Join(faults...)
}

// closeTime is how long the replica may take to close, which has nobody to wait for.
const closeTime = 30 * time.Second

// within runs f, and late when f takes longer than d.
func within(d time.Duration, late func(), f func() error) error {
	timer := time.AfterFunc(d, late)
	defer timer.Stop()
	return f()
}

// abandon ends the process as it is, as a crash would: what was acknowledged is on
// disk. Whoever waits for the end would kill it in any case, and nobody would know
// what hung.
func (n *daemon) abandon() {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n.log.Error("the node did not close in time; the process ends without it, and nothing is lost", "within", closeTime.String(), "goroutines", string(stacks))
	os.Exit(exitFailure)
}

// addressesJSON is where a server listens, and which node it is, as data.
type addressesJSON struct {
	GRPC    string `json:"grpc"`
	HTTP    string `json:"http"`
	Metrics string `json:"metrics"`
	Raft    string `json:"raft,omitempty"`
	Node    string `json:"node,omitempty"`
	Cluster string `json:"cluster,omitempty"` // that it belongs to already
}

// printStart says who the node is and where it can be reached now.
func (a *app) printStart(n *daemon) error {
	d := addressesJSON{GRPC: n.grpc.Addr().String(), HTTP: n.url(n.http), Metrics: "http://" + n.metrics.Addr().String() + "/metrics", Raft: n.raft}
	status, cluster := n.replica.Status(), "none yet"
	d.Node = status.ID
	if status.Cluster != 0 {
		d.Cluster = fmt.Sprintf("%016x", status.Cluster)
		cluster = d.Cluster
	}
	text := fmt.Sprintf("serving\n  gRPC     %s\n  HTTP     %s\n  metrics  %s", d.GRPC, d.HTTP, d.Metrics)
	if d.Raft != "" {
		text += fmt.Sprintf("\n  raft     %s\n  node     %s\n  cluster  %s", d.Raft, d.Node, cluster)
	}
	return a.one([]string{"grpc", "http", "metrics", "raft", "node", "cluster"}, item{
		text:  text,
		cells: []string{d.GRPC, d.HTTP, d.Metrics, d.Raft, d.Node, d.Cluster},
		value: d,
	})
}
