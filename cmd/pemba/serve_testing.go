package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// testingFlags are the settings of serve-testing.
type testingFlags struct {
	config             string
	grpcAddr, httpAddr string
	bootstrap          []string
	stores             int
	logLevel           string
}

func (f *testingFlags) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.config, configFlag, "", "YAML file with settings")
	flags.StringVar(&f.grpcAddr, "grpc-addr", "127.0.0.1:50051", "address of gRPC")
	flags.StringVar(&f.httpAddr, "http-addr", "127.0.0.1:8080", "address of the JSON gateway, AuthZEN and health")
	flags.StringArrayVar(&f.bootstrap, "bootstrap", nil, "validation file, schema (.zed) or relationships (.txt) that every store begins with; may be repeated")
	flags.IntVar(&f.stores, "max-stores", 500, "stores at the same time; beyond it the one that was not used for longest is forgotten")
	flags.StringVar(&f.logLevel, "log-level", "warn", "debug, info, warn or error")
}

func serveTestingCommand(a *app) *cobra.Command {
	var f testingFlags
	c := &cobra.Command{
		Use:   "serve-testing",
		Short: "Serve a store of its own to every token, for tests of clients",
		Long: `Serves gRPC and HTTP for the tests of other programs: every bearer token, whatever it
is, has a store of its own in memory, which is empty (or as --bootstrap says) when
the token comes for the first time. Nothing is protected and nothing is kept.`,
		Example: "  pemba serve-testing\n  pemba serve-testing --bootstrap access.yaml",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := settle(settable(c), os.LookupEnv); err != nil {
				return usagef("%w", err)
			}
			return a.serveTesting(c.Context(), &f)
		},
	}
	f.declare(c.Flags())
	return c
}

// settings understands the flags, and names every fault.
func (f *testingFlags) settings() (first, error) {
	var faults []error
	for _, addr := range []struct{ flag, value string }{{"grpc-addr", f.grpcAddr}, {"http-addr", f.httpAddr}} {
		if err := checkAddr(addr.value); err != nil {
			faults = append(faults, fmt.Errorf("--%s %q: %w", addr.flag, addr.value, err))
		}
	}
	if f.stores <= 0 {
		faults = append(faults, errors.New("--max-stores: it must be above 0"))
	}
	if err := checkLevel(f.logLevel); err != nil {
		faults = append(faults, err)
	}
	begin, err := readBootstrap(f.bootstrap)
	if err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return first{}, usagef("%w", err)
	}
	return begin, nil
}

// serveTesting runs until ctx ends.
func (a *app) serveTesting(ctx context.Context, f *testingFlags) error {
	begin, err := f.settings()
	if err != nil {
		return err
	}
	log := newLogger(a.stderr, f.logLevel, "auto")
	if !loopback(f.grpcAddr) || !loopback(f.httpAddr) {
		log.Warn("everybody who reaches this address may do everything here: it is for tests only")
	}
	l := &listeners{}
	if err := l.listen(ctx, f.grpcAddr, f.httpAddr, ""); err != nil {
		return errors.Join(err, l.close(0))
	}
	w := newWorlds(log, begin, f.stores, l.url(l.http))
	grpcServer, httpServer := testingServer(w.serveGRPC), testingServer(w.serveHTTP)
	l.failed = make(chan error, 2)
	l.run("gRPC", func() error { return grpcServer.Serve(l.grpc) })
	l.run("HTTP", func() error { return httpServer.Serve(l.http) })
	d := addressesJSON{GRPC: l.grpc.Addr().String(), HTTP: l.url(l.http)}
	err = a.one([]string{"grpc", "http"}, item{
		text:  fmt.Sprintf("serving a store to every token\n  gRPC  %s\n  HTTP  %s", d.GRPC, d.HTTP),
		cells: []string{d.GRPC, d.HTTP},
		value: d,
	})
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-l.failed:
		}
	}
	w.drain()
	err = errors.Join(err, stopTesting(grpcServer, log), stopTesting(httpServer, log))
	l.running.Wait()
	return errors.Join(err, w.close())
}

const testingGrace = 5 * time.Second

// stopTesting waits a little for what runs.
func stopTesting(s *http.Server, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), testingGrace)
	defer cancel()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("calls that were running are cut off")
		err = s.Close()
	}
	return err
}

// testingServer serves HTTP/1 and, as gRPC has it, HTTP/2 in plain text.
func testingServer(handler http.HandlerFunc) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: handler, Protocols: protocols, ReadHeaderTimeout: readTimeout,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 1000},
	}
}
