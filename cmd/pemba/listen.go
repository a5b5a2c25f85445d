package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/pemba-authz/pemba/server"
)

// graceTime is how long calls that run are waited for.
type graceTime = time.Duration

// readTimeout bounds how long a client may take to send a request's header.
const readTimeout = 20 * time.Second

// idleTimeout is how long an HTTP connection without a request is kept.
const idleTimeout = 2 * time.Minute

// listeners are the ports of a node and what serves on them.
type listeners struct {
	grpc, http, metrics net.Listener
	secure              bool // TLS on grpc and http

	grpcServer    *grpc.Server
	httpServer    *http.Server
	metricsServer *http.Server
	inner         *server.HTTP

	running sync.WaitGroup
	failed  chan error // has room for all of them
}

// listen takes all ports that have an address, or says which are not to be had.
func (l *listeners) listen(ctx context.Context, grpcAddr, httpAddr, metricsAddr string) error {
	var faults []error
	var config net.ListenConfig
	for _, p := range []struct {
		what, addr string
		to         *net.Listener
	}{{"gRPC", grpcAddr, &l.grpc}, {"HTTP", httpAddr, &l.http}, {"metrics", metricsAddr, &l.metrics}} {
		if p.addr == "" {
			continue
		}
		listener, err := config.Listen(ctx, "tcp", p.addr)
		if err != nil {
			faults = append(faults, fmt.Errorf("listening for %s: %w", p.what, err))
			continue
		}
		*p.to = listener
	}
	return errors.Join(faults...)
}

// serve begins to answer.
func (l *listeners) serve(s *server.Server, inner *server.HTTP, tlsConfig *tls.Config) {
	options := s.Options()
	l.secure = tlsConfig != nil
	if l.secure {
		options = append(options, grpc.Creds(credentials.NewTLS(tlsConfig)))
	}
	l.inner = inner
	l.grpcServer = grpc.NewServer(options...)
	s.Register(l.grpcServer)
	l.httpServer = &http.Server{Handler: inner, ReadHeaderTimeout: readTimeout, IdleTimeout: idleTimeout, TLSConfig: tlsConfig}
	l.metricsServer = &http.Server{Handler: s.MetricsHandler(), ReadHeaderTimeout: readTimeout}
	l.failed = make(chan error, 3)
	l.run("gRPC", func() error { return l.grpcServer.Serve(l.grpc) })
	l.run("HTTP", func() error {
		if l.secure {
			return l.httpServer.ServeTLS(l.http, "", "")
		}
		return l.httpServer.Serve(l.http)
	})
	l.run("metrics", func() error { return l.metricsServer.Serve(l.metrics) })
}

func (l *listeners) run(what string, serve func() error) {
	l.running.Go(func() {
		if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			l.failed <- fmt.Errorf("serving %s: %w", what, err)
		}
	})
}

// close stops to listen and waits for the calls that run, for at most grace;
// then it cuts them off.
func (l *listeners) close(grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var faults []error
	if l.grpcServer == nil { // it never served
		for _, listener := range []net.Listener{l.grpc, l.http, l.metrics} {
			if listener != nil {
				faults = append(faults, listener.Close())
			}
		}
		return errors.Join(faults...)
	}
	l.closeGRPC(ctx)
	// HTTP goes on meanwhile, so that /readyz says 503 and not nothing.
	for _, s := range []*http.Server{l.httpServer, l.metricsServer} {
		err := s.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = s.Close()
		}
		faults = append(faults, err)
	}
	faults = append(faults, l.inner.Close())
	l.running.Wait()
	return errors.Join(faults...)
}

// closeGRPC waits for the calls that run until ctx ends.
func (l *listeners) closeGRPC(ctx context.Context) {
	defer context.AfterFunc(ctx, l.grpcServer.Stop)() // GracefulStop returns then
	l.grpcServer.GracefulStop()
}

// url is where HTTP is reached.
func (l *listeners) url(listener net.Listener) string {
	if l.secure {
		return "https://" + listener.Addr().String()
	}
	return "http://" + listener.Addr().String()
}
