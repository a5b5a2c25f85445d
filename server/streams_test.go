package server_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server"
)

const (
	manyStreams    = 10  // of each connection
	streamsTooMany = 200 // beyond what the server takes
	bytesAStream   = 64 << 10
)

// TestTenThousandStreams keeps ten thousand watches open, over a thousand
// connections; fewer under the race detector. The server refuses what goes beyond, goes on answering checks,
// tells everybody what is written, stays within bounds of memory, and is as
// before when they have gone.
func TestTenThousandStreams(t *testing.T) {
	const streams = manyConnections * manyStreams
	p := listen(t, func(c *server.Config) { c.Limits.Watches, c.Limits.Engine.Candidates = streams, 1_000 })
	first := p.dial(t)
	fill(t, first, 2_000)
	before := memoryInUse()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	watches := openMany(t, ctx, p)
	if used := memoryInUse() - before; used > streams*bytesAStream {
		t.Errorf("%d streams hold %d MiB, %d bytes each", streams, used>>20, used/streams)
	}
	checked := func() {
		t.Helper()
		for range 100 {
			got, err := v1.NewPermissionsServiceClient(first).CheckPermission(t.Context(), viewed("daa", "ana"))
			if err != nil || got.Permissionship != v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION {
				t.Fatalf("a check among %d streams: %v, %v", streams, got, err)
			}
		}
	}
	checked()
	for range streamsTooMany {
		if err := tooMany(t, first); status.Code(err) != codes.ResourceExhausted || retryDelay(err) <= 0 {
			t.Fatalf("a watch too many: %v (retry in %v)", err, retryDelay(err))
		}
	}
	expensive(t, first)
	checked()
	tellEverybody(t, first, watches)
	leave()
	for series(scrape(t, p))["pemba_watch_readers{}"] != 0 {
		if t.Context().Err() != nil {
			t.Fatal("watches whose callers have gone are still open")
		}
		tick(t)
	}
	checked()
}

// memoryInUse returns what is in use by this process, the clients of the test
// among it, in bytes.
func memoryInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// openMany opens watches over many connections, and waits until they are served.
func openMany(t *testing.T, ctx context.Context, p *port) []grpc.ServerStreamingClient[v1.WatchResponse] {
	t.Helper()
	all := make([]grpc.ServerStreamingClient[v1.WatchResponse], manyConnections*manyStreams)
	var failed atomic.Pointer[error]
	var opening sync.WaitGroup
	const openers = 16
	for opener := range openers {
		opening.Go(func() {
			for i := opener; i < manyConnections && failed.Load() == nil; i += openers {
				conn := p.dial(t, grpc.WithTransportCredentials(insecure.NewCredentials()),
					grpc.WithReadBufferSize(1<<10), grpc.WithWriteBufferSize(1<<10))
				for k := range manyStreams {
					stream, err := v1.NewWatchServiceClient(conn).Watch(ctx, &v1.WatchRequest{})
					if err == nil {
						_, err = stream.Header()
					}
					if err != nil {
						failed.Store(&err)
						return
					}
					all[i*manyStreams+k] = stream
				}
			}
		})
	}
	opening.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(*err)
	}
	return all
}

// expensive asks for more than the server gives: a message that is too large,
// and a lookup that has to consider too much.
func expensive(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	_, err := v1.NewSchemaServiceClient(conn).WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: strings.Repeat(" ", 5<<20)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a huge request: %v", err)
	}
	stream, err := v1.NewPermissionsServiceClient(conn).LookupResources(t.Context(), &v1.LookupResourcesRequest{
		ResourceObjectType: "document", Permission: "view",
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "ana"}},
	})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("an expensive lookup: %v", err)
	}
}

// tellEverybody writes once, and waits until every watch has told it.
func tellEverybody(t *testing.T, conn *grpc.ClientConn, watches []grpc.ServerStreamingClient[v1.WatchResponse]) {
	t.Helper()
	written := viewed("news", "ana")
	if _, err := v1.NewPermissionsServiceClient(conn).WriteRelationships(t.Context(), &v1.WriteRelationshipsRequest{
		Updates: []*v1.RelationshipUpdate{{Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: &v1.Relationship{
			Resource: written.Resource, Relation: "viewer", Subject: written.Subject,
		}}},
	}); err != nil {
		t.Fatal(err)
	}
	for i, stream := range watches {
		told, err := stream.Recv()
		if err != nil || len(told.Updates) != 1 || told.Updates[0].Relationship.Resource.ObjectId != "news" {
			t.Fatalf("watch %d is told %v, %v", i, told, err)
		}
	}
}

// viewed asks whether a user may view a document.
func viewed(document, user string) *v1.CheckPermissionRequest {
	return &v1.CheckPermissionRequest{
		Resource: &v1.ObjectReference{ObjectType: "document", ObjectId: document}, Permission: "view",
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: user}},
	}
}
