package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

const (
	worldCache = 4 << 20          // bytes
	worldOpen  = 30 * time.Second // to make one
)

// worlds are the stores of serve-testing, one for each token.
type worlds struct {
	log    *slog.Logger
	first  first
	most   int
	public string // where callers reach HTTP

	mu     sync.Mutex
	byName map[string]*world
	uses   uint64
	closed bool
}

// world is one store and what serves it.
type world struct {
	open sync.Once
	err  error // of opening

	replica *replica.Replica
	server  *server.Server
	grpc    *grpc.Server
	http    *server.HTTP

	inside int    // requests; guarded by worlds.mu
	used   uint64 // when it was entered last, in uses; guarded by worlds.mu
}

var errWorldsClosed = errors.New("the server is shutting down")

func newWorlds(log *slog.Logger, f first, most int, public string) *worlds {
	return &worlds{log: log, first: f, most: most, public: public, byName: map[string]*world{}}
}

// enter returns the world of a token, and makes it when it is new. Whoever gets
// one must leave it.
func (w *worlds) enter(name string) (*world, error) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil, errWorldsClosed
	}
	found := w.byName[name]
	var forgotten *world
	if found == nil {
		forgotten = w.forget()
		found = &world{}
		w.byName[name] = found
	}
	w.uses++
	found.used = w.uses
	found.inside++
	w.mu.Unlock()
	if forgotten != nil {
		if err := forgotten.close(); err != nil {
			w.log.Warn("closing a store that was forgotten", "error", err)
		}
	}
	found.open.Do(func() { found.err = found.start(w) })
	if found.err != nil {
		w.leave(found)
		return nil, found.err
	}
	return found, nil
}

func (w *worlds) leave(left *world) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left.inside--
}

// forget takes out the world that nobody is in and nobody was in for longest,
// when there are too many. w.mu is held.
func (w *worlds) forget() *world {
	if len(w.byName) < w.most {
		return nil
	}
	oldest := ""
	for name, candidate := range w.byName {
		if candidate.inside == 0 && (w.byName[oldest] == nil || w.byName[oldest].inside > 0 || candidate.used < w.byName[oldest].used) {
			oldest = name
		}
	}
	found := w.byName[oldest]
	if found == nil || found.inside > 0 {
		return nil // all are in use: one more it is
	}
	delete(w.byName, oldest)
	return found
}

// start makes the store. What it has started is stopped by close, also when it
// fails.
func (v *world) start(w *worlds) error {
	ctx, cancel := context.WithTimeout(context.Background(), worldOpen)
	defer cancel()
	var err error
	if v.replica, err = replica.Open(ctx, replica.Config{InMemory: true, Logger: w.log, Store: store.Config{CacheBytes: worldCache}}); err != nil {
		return err
	}
	if w.first.schema != "" {
		if _, err := bootstrap(ctx, v.replica, w.first); err != nil {
			return err
		}
	}
	if v.server, err = server.New(server.Config{Replica: v.replica, Logger: w.log}); err != nil {
		return err
	}
	v.grpc = grpc.NewServer(v.server.Options()...)
	v.server.Register(v.grpc)
	v.http, err = v.server.NewHTTP(server.HTTPConfig{PublicURL: w.public})
	return err
}

func (v *world) close() error {
	var faults []error
	if v.grpc != nil {
		v.grpc.Stop()
	}
	if v.http != nil {
		faults = append(faults, v.http.Close())
	}
	if v.server != nil {
		v.server.Close()
	}
	if v.replica != nil {
		faults = append(faults, v.replica.Close())
	}
	return errors.Join(faults...)
}

// drain ends watches and takes no more requests.
func (w *worlds) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, v := range w.byName {
		v.open.Do(func() { v.err = errWorldsClosed })
		if v.server != nil {
			v.server.Drain()
		}
	}
}

// close stops all worlds. Nobody may be in one.
func (w *worlds) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	faults := make(chan error, len(w.byName))
	var closing sync.WaitGroup
	for _, v := range w.byName {
		closing.Go(func() { faults <- v.close() })
	}
	closing.Wait()
	close(faults)
	var all []error
	for fault := range faults {
		all = append(all, fault)
	}
	return errors.Join(all...)
}

// serveGRPC answers a gRPC call in the world of its token.
func (w *worlds) serveGRPC(out http.ResponseWriter, r *http.Request) {
	v, err := w.enter(r.Header.Get("Authorization"))
	if err != nil {
		out.Header().Set("Content-Type", "application/grpc")
		out.Header().Set("Grpc-Status", "14") // UNAVAILABLE
		out.Header().Set("Grpc-Message", err.Error())
		return
	}
	defer w.leave(v)
	v.grpc.ServeHTTP(out, r)
}

// serveHTTP answers an HTTP request in the world of its token.
func (w *worlds) serveHTTP(out http.ResponseWriter, r *http.Request) {
	v, err := w.enter(r.Header.Get("Authorization"))
	if err != nil {
		http.Error(out, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer w.leave(v)
	v.http.ServeHTTP(out, r)
}
