package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server"
)

func serveCommand(a *app) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API over gRPC and HTTP",
		Long: `Serves from the data in --data-dir, or from memory, until it is interrupted; then it
is no longer ready, hands leadership over and finishes what runs. Every flag can also
be given by the environment (--grpc-addr is PEMBA_GRPC_ADDR) or in the YAML file of
--config, whose keys are the names of the flags. The command line counts first, then
the environment, then the file.

Without keys, an issuer or client certificates it listens on loopback addresses only.

A node with an empty directory founds a cluster of one; with --join it becomes a
member of the cluster that one of those nodes has, and with --bootstrap-expect N as
well, N such nodes found one together. --raft-addr is where nodes meet: off loopback
it takes certificates (--peer-cert, --peer-key, --peer-ca).`,
		Example: "  pemba serve --in-memory\n  pemba serve --data-dir /var/lib/pemba --grpc-preshared-key \"$KEY\" --grpc-addr :50051 --tls-cert tls.crt --tls-key tls.key\n" +
			"  pemba serve --data-dir /var/lib/pemba --key-file keys --raft-addr 10.0.0.1:7000 --bootstrap-expect 3 --join 10.0.0.2:7000,10.0.0.3:7000 --peer-cert peer.crt --peer-key peer.key --peer-ca ca.crt",
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			flags := settable(c)
			origins, err := settle(flags, os.LookupEnv)
			if err != nil {
				return usagef("%w", err)
			}
			f.inForce = inForce(flags, origins)
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
	ring := server.NewLogRing()
	log := slog.New(ring.Handler(newLogger(a.stderr, f.logLevel, f.logFormat).Handler()))
	s, err := f.settings(log)
	if err != nil {
		return err
	}
	s.server.Log, s.server.Settings = ring, f.inForce
	for _, w := range f.warnings() {
		log.Warn(w)
	}
	n := &daemon{log: log, grace: f.grace, drain: f.cluster.drain}
	err = n.start(ctx, f, s)
	if err == nil {
		err = a.printStart(n)
	}
	if err == nil {
		err = n.run(ctx, func(code string) error {
			return a.printFirstRun(f.publicURL(s.tls != nil, n.http.Addr())+firstRunPath, code)
		})
	}
	return errors.Join(err, n.stop())
}
