package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/authzed/grpcutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
)

// nodeKey is the preshared key of nodes.
const nodeKey = "a-preshared-key-of-tests"

// node is a server as `pemba serve` runs it: the log on disk, gRPC on a port of
// its own, a preshared key, metrics, and every interceptor.
type node struct {
	replica *replica.Replica
	address string // of gRPC
	conn    *grpc.ClientConn
	log     *log

	permissions v1.PermissionsServiceClient
	schemas     v1.SchemaServiceClient
	watch       v1.WatchServiceClient
}

func startNode(t testing.TB) *node {
	t.Helper()
	n := &node{log: &log{}}
	logger := slog.New(slog.NewTextHandler(n.log, nil))
	r, err := replica.Open(t.Context(), replica.Config{Dir: t.TempDir(), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	n.replica = r
	key, err := server.PlainKey(nodeKey)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := server.NewAuth(server.AuthConfig{Keys: []server.Key{key}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Replica: r, Logger: logger, Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(s.Options()...)
	s.Register(g)
	t.Cleanup(func() {
		s.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if faults := n.log.failures(); faults != "" {
			t.Errorf("the server logged failures:\n%s", faults)
		}
	})
	n.address = listenAndServe(t, g)
	n.conn = dial(t, n.address)
	n.permissions = v1.NewPermissionsServiceClient(n.conn)
	n.schemas = v1.NewSchemaServiceClient(n.conn)
	n.watch = v1.NewWatchServiceClient(n.conn)
	return n
}

// listenAndServe serves on a port of the loopback interface until the test ends.
func listenAndServe(t testing.TB, g *grpc.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := g.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) { // before it began
			t.Errorf("serving: %v", err)
		}
	})
	t.Cleanup(func() {
		g.Stop()
		serving.Wait()
	})
	return listener.Addr().String()
}

// dial connects with the key of nodes.
func dial(t testing.TB, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpcutil.WithInsecureBearerToken(nodeKey))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// portalFile reads a file of the customer's portal.
func portalFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "portal", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// writeSchema writes a schema.
func (n *node) writeSchema(t testing.TB, text string) {
	t.Helper()
	if _, err := n.schemas.WriteSchema(context.Background(), &v1.WriteSchemaRequest{Schema: text}); err != nil {
		t.Fatalf("writing the schema: %v", err)
	}
}
