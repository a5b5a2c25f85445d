package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/engine"
)

// listenAt serves what register adds at an address until stop is called.
func listenAt(t *testing.T, address string, register func(*grpc.Server), options ...grpc.ServerOption) (endpoint string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(options...)
	register(g)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := g.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		g.Stop()
		serving.Wait()
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// lineWriter gives what is written to it line by line.
type lineWriter struct {
	rest  string
	lines chan string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest += string(p)
	for {
		line, rest, ok := strings.Cut(w.rest, "\n")
		if !ok {
			return len(p), nil
		}
		w.rest = rest
		w.lines <- line
	}
}

// startWatch runs pemba watch against a server, until the test ends.
func startWatch(t *testing.T, endpoint, from string) <-chan string {
	t.Helper()
	conn, err := dial(access{Endpoint: endpoint, Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	out := &lineWriter{lines: make(chan string, 100)}
	a := &app{stdout: out, stderr: io.Discard, format: "auto"}
	request, err := (&watchFlags{from: from}).request()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.watch(ctx, newClient(conn), request); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return out.lines
}

// expectLine reads the next line and compares what comes after its revision.
func expectLine(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	if _, got, _ := strings.Cut(<-lines, " "); got != want {
		t.Errorf("got the event %q, want %q", got, want)
	}
}

func touch(t *testing.T, n *node, text string) string {
	t.Helper()
	r, err := engine.ParseRelationship(text)
	if err != nil {
		t.Fatal(err)
	}
	updates, err := updatesOf(v1.RelationshipUpdate_OPERATION_TOUCH, []engine.Relationship{r})
	if err != nil {
		t.Fatal(err)
	}
	w, err := newClient(n.conn).permissions.WriteRelationships(t.Context(), &v1.WriteRelationshipsRequest{Updates: updates})
	if err != nil {
		t.Fatal(err)
	}
	return w.GetWrittenAt().GetToken()
}

// TestWatchReconnects takes the server away from a watch: what is written in the
// meantime comes later, and nothing comes twice.
func TestWatchReconnects(t *testing.T) {
	n, _ := startTestNode(t, &app{stderr: io.Discard}, smallSchema)
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	})
	from := touch(t, n, "document:before#viewer@user:ana")
	endpoint, stop := listenAt(t, "127.0.0.1:0", n.server.Register, n.server.Options()...)
	lines := startWatch(t, endpoint, from)
	for i := range 3 {
		touch(t, n, fmt.Sprintf("document:d%d#viewer@user:ana", i))
		expectLine(t, lines, fmt.Sprintf("touch document:d%d#viewer@user:ana", i))
	}
	stop()
	touch(t, n, "document:meantime#viewer@user:ana")
	listenAt(t, endpoint, n.server.Register, n.server.Options()...)
	expectLine(t, lines, "touch document:meantime#viewer@user:ana")
	touch(t, n, "document:after#viewer@user:ana")
	expectLine(t, lines, "touch document:after#viewer@user:ana")
}

// cutWatch is a server whose first answer breaks off in the middle of a revision.
type cutWatch struct {
	v1.UnimplementedWatchServiceServer
	mu     sync.Mutex
	starts []string // of the watches so far
}

func (s *cutWatch) Watch(r *v1.WatchRequest, out grpc.ServerStreamingServer[v1.WatchResponse]) error {
	s.mu.Lock()
	s.starts = append(s.starts, r.GetOptionalStartCursor().GetToken())
	first := len(s.starts) == 1
	s.mu.Unlock()
	for i, id := range []string{"a", "b", "c"} {
		if first && i == 2 {
			return status.Error(codes.Unavailable, "gone")
		}
		if err := out.Send(&v1.WatchResponse{ChangesThrough: &v1.ZedToken{Token: "r2"}, IsCheckpoint: i == 2, Updates: []*v1.RelationshipUpdate{{
			Operation:    v1.RelationshipUpdate_OPERATION_DELETE,
			Relationship: &v1.Relationship{Resource: wireObject(engine.Object{Type: "document", ID: id}), Relation: "viewer", Subject: wireSubject(engine.Subject{})},
		}}}); err != nil {
			return err
		}
	}
	<-out.Context().Done()
	return nil
}

func TestWatchWithinRevision(t *testing.T) {
	s := &cutWatch{}
	endpoint, _ := listenAt(t, "127.0.0.1:0", func(g *grpc.Server) { v1.RegisterWatchServiceServer(g, s) })
	lines := startWatch(t, endpoint, "r1")
	for _, id := range []string{"a", "b", "c"} {
		expectLine(t, lines, "delete document:"+id+"#viewer@:")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.starts, " "); got != "r1 r1" {
		t.Errorf("it began after %s, want r1 twice: r2 was not whole", got)
	}
}
