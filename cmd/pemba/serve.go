package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
)

func serveCommand(a *app) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API over gRPC and HTTP",
		Long: `Serves from the data in --data-dir, or from memory, until it is interrupted; then it
finishes what runs. Every flag can also be given by the environment (--grpc-addr is
PEMBA_GRPC_ADDR) or in the YAML file of --config, whose keys are the names of the
flags. The command line counts first, then the environment, then the file.

Without keys, an issuer or client certificates it listens on loopback addresses only.`,
		Example: "  pemba serve --in-memory\n  pemba serve --data-dir /var/lib/pemba --grpc-preshared-key \"$KEY\" --grpc-addr :50051 --tls-cert tls.crt --tls-key tls.key",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := settle(settable(c), os.LookupEnv); err != nil {
				return usagef("%w", err)
			}
			if c.Flags().Changed("grpc-preshared-key") && len(f.keys) == 0 {
				return usagef("--grpc-preshared-key: the key is empty; leave the flag out to serve without keys")
			}
			f.dataDir, f.cacheSize = a.dataDir, a.cacheSize
			f.retention, f.retentionRevisions = a.retention, a.retentionRevisions
			return a.serve(c.Context(), &f)
		},
	}
	f.declare(c.Flags())
	return c
}

// serve runs a node until ctx ends or the node fails.
func (a *app) serve(ctx context.Context, f *serveFlags) error {
	log := newLogger(a.stderr, f.logLevel, f.logFormat)
	s, err := f.settings(log)
	if err != nil {
		return err
	}
	for _, w := range f.warnings() {
		log.Warn(w)
	}
	n := &daemon{log: log, grace: f.grace}
	err = n.start(ctx, f, s)
	if err == nil {
		err = a.printAddresses(n)
	}
	if err == nil {
		err = n.run(ctx)
	}
	return errors.Join(err, n.stop())
}

// daemon is a running server with its listeners.
type daemon struct {
	log *slog.Logger
	listeners
	replica *replica.Replica
	server  *server.Server
	tracing *server.Tracing
	grace   graceTime
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
	if n.replica, err = replica.Open(ctx, s.replica); err != nil {
		return err
	}
	if len(f.bootstrap) > 0 {
		written, err := bootstrap(ctx, n.replica, s.first)
		if err != nil {
			return err
		}
		if !written {
			n.log.Warn("there is a schema already; --bootstrap was passed over", "files", f.bootstrap)
		}
	}
	s.server.Replica = n.replica
	if n.tracing != nil {
		s.server.Tracing = n.tracing
	}
	if n.server, err = server.New(s.server); err != nil {
		return err
	}
	http, err := n.server.NewHTTP(server.HTTPConfig{PublicURL: f.publicURL(s.tls != nil, n.http.Addr())})
	if err != nil {
		return err
	}
	n.serve(n.server, http, s.tls)
	return nil
}

// run returns when ctx ends, or with an error when the node cannot go on.
func (n *daemon) run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		// A second signal ends the process at once.
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		n.log.Info("shutting down: what runs is finished", "for_at_most", n.grace.String())
		return nil
	case err := <-n.failed:
		return err
	case <-n.replica.Failed():
		return fmt.Errorf("the node cannot go on: %w", n.replica.Status().Err)
	}
}

// stop ends in the order in which requests pass: no new ones, those that run,
// then what they use.
func (n *daemon) stop() error {
	if n.server != nil {
		n.server.Drain()
	}
	faults := []error{n.close(n.grace)}
	if n.server != nil {
		n.server.Close()
	}
	if n.replica != nil {
		faults = append(faults, n.replica.Close())
	}
	if n.tracing != nil {
		if err := n.tracing.Close(); err != nil {
			n.log.Warn("some traces were not sent", "error", err)
		}
	}
	return errors.Join(faults...)
}

// addressesJSON is where a server listens, as data.
type addressesJSON struct {
	GRPC    string `json:"grpc"`
	HTTP    string `json:"http"`
	Metrics string `json:"metrics"`
}

// printAddresses says where the server can be reached now.
func (a *app) printAddresses(n *daemon) error {
	d := addressesJSON{n.grpc.Addr().String(), n.url(n.http), "http://" + n.metrics.Addr().String() + "/metrics"}
	return a.one([]string{"grpc", "http", "metrics"}, item{
		text:  fmt.Sprintf("serving\n  gRPC     %s\n  HTTP     %s\n  metrics  %s", d.GRPC, d.HTTP, d.Metrics),
		cells: []string{d.GRPC, d.HTTP, d.Metrics},
		value: d,
	})
}
