package server_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server"
)

// watch opens a watch and waits until the server serves it.
func watch(t *testing.T, conn *grpc.ClientConn) grpc.ServerStreamingClient[v1.WatchResponse] {
	t.Helper()
	stream, err := v1.NewWatchServiceClient(conn).Watch(t.Context(), &v1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Fatal(err)
	}
	return stream
}

// tooMany opens a watch that should not be let in.
func tooMany(t *testing.T, conn *grpc.ClientConn) error {
	t.Helper()
	stream, err := v1.NewWatchServiceClient(conn).Watch(t.Context(), &v1.WatchRequest{})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

func TestTooManyWatches(t *testing.T) {
	p := listen(t, func(c *server.Config) { c.Limits.Watches = 2 })
	conn := p.dial(t)
	ctx, leave := context.WithCancel(t.Context())
	first, err := v1.NewWatchServiceClient(conn).Watch(ctx, &v1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Header(); err != nil {
		t.Fatal(err)
	}
	watch(t, conn)
	if err := tooMany(t, conn); status.Code(err) != codes.ResourceExhausted || retryDelay(err) <= 0 {
		t.Errorf("the third watch: %v (retry in %v)", err, retryDelay(err))
	}
	if _, err := v1.NewSchemaServiceClient(conn).ReadSchema(t.Context(), &v1.ReadSchemaRequest{}); status.Code(err) != codes.NotFound {
		t.Errorf("other calls go on: %v", err)
	}
	leave()
	for { // until the server has noticed
		third, err := v1.NewWatchServiceClient(conn).Watch(t.Context(), &v1.WatchRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if md, err := third.Header(); err == nil && len(md.Get("content-type")) > 0 && len(third.Trailer()) == 0 {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("the place of a watch that has ended is not free")
		}
	}
}

// TestStalledStream begins an import and sends nothing.
func TestStalledStream(t *testing.T) {
	p := listen(t, func(c *server.Config) { c.Limits.SlowReader = 20 * time.Millisecond })
	stream, err := v1.NewPermissionsServiceClient(p.dial(t)).ImportBulkRelationships(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(&v1.ImportBulkRelationshipsResponse{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%v, want ResourceExhausted", err)
	}
}

// TestSlowReader exports more than a connection holds to a caller that reads
// nothing.
func TestSlowReader(t *testing.T) {
	p := listen(t, func(c *server.Config) { c.Limits.SlowReader = 50 * time.Millisecond })
	conn := p.dial(t, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10), grpc.WithStaticStreamWindowSize(64<<10))
	fill(t, conn, 20_000)
	export, err := v1.NewPermissionsServiceClient(conn).ExportBulkRelationships(t.Context(), &v1.ExportBulkRelationshipsRequest{OptionalLimit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(p.log.text(), "ExportBulkRelationships") { // it ends while nothing is read
		if t.Context().Err() != nil {
			t.Fatal("the export does not end")
		}
		tick(t)
	}
	for {
		if _, err = export.Recv(); err != nil {
			break
		}
	}
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%v, want ResourceExhausted", err)
	}
}

// tick waits a moment.
func tick(t *testing.T) {
	select {
	case <-t.Context().Done():
	case <-time.After(5 * time.Millisecond):
	}
}

// fill writes a schema and n relationships.
func fill(t *testing.T, conn *grpc.ClientConn, n int) {
	t.Helper()
	schema := "definition user {}\ndefinition document {\n\trelation viewer: user\n\tpermission view = viewer\n}\n"
	if _, err := v1.NewSchemaServiceClient(conn).WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	stream, err := v1.NewPermissionsServiceClient(conn).ImportBulkRelationships(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var batch []*v1.Relationship
	for i := range n {
		batch = append(batch, &v1.Relationship{
			Resource: &v1.ObjectReference{ObjectType: "document", ObjectId: strings.Repeat("d", 1+i%500) + string(rune('a'+i/500%26)) + string(rune('a'+i/13000))},
			Relation: "viewer",
			Subject:  &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "ana"}},
		})
		if len(batch) == 1000 || i == n-1 {
			if err := stream.Send(&v1.ImportBulkRelationshipsRequest{Relationships: batch}); err != nil {
				break
			}
			batch = nil
		}
	}
	if _, err := stream.CloseAndRecv(); err != nil {
		t.Fatal(err)
	}
}

func TestMessageLimit(t *testing.T) {
	p := listen(t, func(c *server.Config) { c.Limits.Message = 1000 })
	_, err := v1.NewSchemaServiceClient(p.dial(t)).WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: strings.Repeat(" ", 1001)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%v, want ResourceExhausted", err)
	}
}

// TestMemoryGate gives the server less memory than the test itself uses.
func TestMemoryGate(t *testing.T) {
	p := listen(t, func(c *server.Config) { c.Limits.Memory = 1 })
	conn := p.dial(t)
	_, err := v1.NewSchemaServiceClient(conn).ReadSchema(t.Context(), &v1.ReadSchemaRequest{})
	if status.Code(err) != codes.ResourceExhausted || retryDelay(err) <= 0 {
		t.Errorf("%v (retry in %v), want ResourceExhausted", err, retryDelay(err))
	}
	if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Errorf("health: %v", err)
	}
}

// TestDrain ends watches, says so to health, and lets calls that run finish.
func TestDrain(t *testing.T) {
	p := listen(t, nil)
	conn := p.dial(t)
	fill(t, conn, 10)
	stream := watch(t, conn)
	half, err := v1.NewPermissionsServiceClient(conn).ImportBulkRelationships(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one := &v1.Relationship{
		Resource: &v1.ObjectReference{ObjectType: "document", ObjectId: "last"}, Relation: "viewer",
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "ana"}},
	}
	if err := half.Send(&v1.ImportBulkRelationshipsRequest{Relationships: []*v1.Relationship{one}}); err != nil {
		t.Fatal(err)
	}
	p.Drain()
	p.Drain()
	if p.Ready() == nil {
		t.Error("it is ready while it drains")
	}
	health, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || health.Status != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health is %v, %v", health, err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the watch: %v, want Unavailable", err)
	}
	if done, err := half.CloseAndRecv(); err != nil || done.NumLoaded != 1 {
		t.Errorf("the import that was running: %v, %v", done, err)
	}
}

// TestSlowCheckIsTraced makes every call slow.
func TestSlowCheckIsTraced(t *testing.T) {
	p := listen(t, func(c *server.Config) { c.Limits.Slow = 1 })
	conn := p.dial(t)
	fill(t, conn, 10)
	_, err := v1.NewPermissionsServiceClient(conn).CheckPermission(t.Context(), &v1.CheckPermissionRequest{
		Resource: &v1.ObjectReference{ObjectType: "document", ObjectId: "daa"}, Permission: "view",
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "ana"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(p.log.text()) {
		if strings.Contains(line, "CheckPermission") {
			if !strings.Contains(line, "slow=true") || !strings.Contains(line, "viewer") || !strings.Contains(line, "level=WARN") {
				t.Errorf("the line of a slow check: %s", line)
			}
			return
		}
	}
	t.Errorf("no line of the check: %s", p.log.text())
}

// TestLogLines demands one line for each write and error, and none for reads
// that succeed.
func TestLogLines(t *testing.T) {
	var log written
	p := listen(t, func(c *server.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Limits.Slow = time.Hour
		withKeys(t, "a-secret-of-the-caller")(c)
	})
	conn := p.dial(t, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return invoker(as(ctx, "a-secret-of-the-caller"), method, req, reply, cc, opts...)
		}))
	schemas := v1.NewSchemaServiceClient(conn)
	for _, text := range []string{"definition user {}", "definition {"} {
		_, err := schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: text})
		if (err == nil) != (text == "definition user {}") {
			t.Fatal(err)
		}
	}
	if _, err := schemas.ReadSchema(t.Context(), &v1.ReadSchemaRequest{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.text()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2:\n%s", len(lines), log.text())
	}
	for i, want := range [][]string{
		{"level=INFO", "WriteSchema", "code=OK", "revision=", "caller=preshared", "role=admin", "request_id=", "peer=127.0.0.1"},
		{"level=INFO", "WriteSchema", "code=InvalidArgument", "error="},
	} {
		for _, part := range want {
			if !strings.Contains(lines[i], part) {
				t.Errorf("%q is missing: %s", part, lines[i])
			}
		}
	}
	if strings.Contains(log.text(), "a-secret") {
		t.Error("the log holds a token")
	}
}
