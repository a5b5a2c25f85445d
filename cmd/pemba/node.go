package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// node is a cluster of one in this process, without a listener: what --data-dir
// is to commands.
type node struct {
	replica *replica.Replica
	server  *server.Server
	grpc    *grpc.Server
	serving sync.WaitGroup // while grpc serves
	conn    *grpc.ClientConn
}

// withNode runs f on the node of a directory. Only a command that writes a
// schema makes a new one: any other word on an empty directory is a wrong
// directory.
func (a *app) withNode(ctx context.Context, dir string, create bool, f func(*node) error) error {
	config, err := a.storeConfig()
	if err != nil {
		return err
	}
	if !create {
		switch entries, err := os.ReadDir(dir); {
		case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
			return fmt.Errorf("there is no store in %s: `pemba schema write FILE --data-dir %s` makes one", dir, dir)
		case err != nil:
			return fmt.Errorf("data directory %s: %w", dir, err)
		}
	}
	n, err := a.startNode(ctx, dir, config)
	if err != nil {
		return err
	}
	err = f(n)
	if err == nil {
		err = n.replica.MoveFloor(ctx) // the node lives too short to do it by itself
	}
	return errors.Join(err, n.stop())
}

// storeConfig is what the flags say of a store.
func (a *app) storeConfig() (store.Config, error) {
	size, err := parseSize("cache-size", a.cacheSize)
	if err != nil {
		return store.Config{}, err
	}
	if a.retention < 0 {
		return store.Config{}, usagef("--retention %v: it cannot be negative", a.retention)
	}
	return store.Config{
		CacheBytes: size, Sync: true,
		Retention: a.retention, RetentionRevisions: a.retentionRevisions,
	}, nil
}

// quietLog is the log of a node in this process: what went wrong comes back with
// the call, and the log is for what no call caused.
func (a *app) quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// startNode opens a directory and serves it to this process alone.
func (a *app) startNode(ctx context.Context, dir string, config store.Config) (*node, error) {
	return a.startNodeOf(ctx, replica.Config{Dir: dir, Store: config, Logger: a.quietLog()})
}

func (a *app) startNodeOf(ctx context.Context, config replica.Config) (*node, error) {
	dir := config.Dir
	r, err := replica.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	s, err := server.New(server.Config{Replica: r, Logger: config.Logger})
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	n := &node{replica: r, server: s, grpc: grpc.NewServer(s.Options()...)}
	s.Register(n.grpc)
	listener := bufconn.Listen(1 << 20)
	n.serving.Go(func() {
		_ = n.grpc.Serve(listener) // it ends when stop says so
	})
	n.conn, err = grpc.NewClient("passthrough:///"+dir, append(callOptions(dir),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))...)
	if err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

// stop ends the node.
func (n *node) stop() error {
	var err error
	if n.conn != nil {
		err = n.conn.Close()
	}
	n.grpc.Stop()
	n.serving.Wait()
	n.server.Close()
	return errors.Join(err, n.replica.Close())
}

// sizeUnits are what a size may end with.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}, {"", 1}}

// parseSize reads "512MiB" as a flag has it, with -1 for 0: none. The empty text
// is a quarter of the memory.
func parseSize(flag, text string) (int64, error) {
	if text == "" {
		return memoryBytes() / 4, nil
	}
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.bytes {
			break
		}
		if n == 0 {
			return -1, nil
		}
		return n * u.bytes, nil
	}
	return 0, usagef("--%s %s: a size is a number with KiB, MiB or GiB, such as 512MiB; 0 is none", flag, text)
}
