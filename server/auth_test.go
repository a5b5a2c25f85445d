package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
)

// port is a server on a port of the loopback address.
type port struct {
	*server.Server
	addr string
	log  *written
}

// written is a log that can be read.
type written struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *written) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// listen starts a server on a port.
func listen(t *testing.T, change func(*server.Config), options ...grpc.ServerOption) *port {
	t.Helper()
	r, err := replica.Open(t.Context(), replica.Config{InMemory: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p := &port{log: &written{}}
	config := server.Config{
		Replica: r, Logger: slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&config)
	}
	if p.Server, err = server.New(config); err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = listener.Addr().String()
	g := grpc.NewServer(append(p.Options(), options...)...)
	p.Register(g)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := g.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) { // before it began
			t.Errorf("serving: %v", err)
		}
	})
	t.Cleanup(func() {
		g.Stop()
		serving.Wait()
		p.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// dial connects to a port. Without options it is in plain text.
func (p *port) dial(t *testing.T, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	if len(options) == 0 {
		options = []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	}
	conn, err := grpc.NewClient(p.addr, options...)
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

// as adds a token to the calls of a context.
func as(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func mustKey(t *testing.T, text string) server.Key {
	t.Helper()
	k, err := server.PlainKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustAuth(t *testing.T, c server.AuthConfig) *server.Auth {
	t.Helper()
	a, err := server.NewAuth(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// withKeys lets in whoever has one of the keys.
func withKeys(t *testing.T, texts ...string) func(*server.Config) {
	var keys []server.Key
	for _, text := range texts {
		keys = append(keys, mustKey(t, text))
	}
	return func(c *server.Config) { c.Auth = mustAuth(t, server.AuthConfig{Keys: keys}) }
}

// wantedRoles is the table of the contract, by the least role that may.
var wantedRoles = map[string]string{
	"check": `CheckPermission CheckBulkPermissions LookupResources LookupSubjects BulkCheckPermission ResolveRevision`,
	"read": `ExpandPermissionTree ReadRelationships ExportBulkRelationships BulkExportRelationships Watch
		ReadSchema ReflectSchema ComputablePermissions DependentRelations DiffSchema ReadSchemaText
		ExperimentalReflectSchema ExperimentalComputablePermissions ExperimentalDependentRelations ExperimentalDiffSchema
		ExperimentalCountRelationships GetDocument ListDocuments Explain Expand Status GetAutopilot StateHash
		DiagnoseSchema ReviewSchema ListSchemas DiffSchemas DescribeRelation ListAssertions RunAssertions ReadHistory
		StartSandbox RunSandbox CheckSandbox ImportSandbox ExportSandbox ReadSeries`,
	"write": `WriteRelationships DeleteRelationships ImportBulkRelationships BulkImportRelationships
		ExperimentalRegisterRelationshipCounter ExperimentalUnregisterRelationshipCounter
		WriteDocument DeleteDocument WriteTransaction SaveAssertions DeleteAssertions`,
	"admin": `WriteSchema Remove Promote Demote TransferLeader Drain Join SetAutopilot
		ExportDocuments RestoreDocuments
		ListBackups TakeBackup VerifyBackup DescribeNode ReadSettings ReadLog Profile`,
}

func wantedRole(method string) string {
	for role, methods := range wantedRoles {
		for _, m := range strings.Fields(methods) {
			if m == method {
				return role
			}
		}
	}
	return ""
}

// invoke calls any method with an empty request, which most refuse, and returns
// what came back.
func invoke(ctx context.Context, conn *grpc.ClientConn, m protoreflect.MethodDescriptor) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	path := "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
	var req proto.Message = dynamicpb.NewMessage(m.Input())
	if m.Name() == "Watch" { // one that is refused, as it would not end
		req = &v1.WatchRequest{OptionalObjectTypes: []string{"document"},
			OptionalRelationshipFilters: []*v1.RelationshipFilter{{ResourceType: "document"}}}
	}
	desc := &grpc.StreamDesc{ServerStreams: m.IsStreamingServer(), ClientStreams: m.IsStreamingClient()}
	stream, err := conn.NewStream(ctx, desc, path)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(req); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(dynamicpb.NewMessage(m.Output())); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// methods returns all methods of the API.
func methods() []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	for _, pkg := range []protoreflect.FullName{"authzed.api.v1", "pemba.v1", "pemba.console.v1"} {
		protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(f protoreflect.FileDescriptor) bool {
			for i := range f.Services().Len() {
				for j := range f.Services().Get(i).Methods().Len() {
					all = append(all, f.Services().Get(i).Methods().Get(j))
				}
			}
			return true
		})
	}
	return all
}

// TestRoles calls every method with a key of every role, with a wrong one and
// without.
func TestRoles(t *testing.T) {
	roles := []string{"check", "read", "write", "admin"}
	var keys []string
	for _, role := range roles {
		keys = append(keys, role+"=key-of-role-"+role)
	}
	p := listen(t, withKeys(t, keys...))
	conn := p.dial(t)
	seen := 0
	for _, m := range methods() {
		least := wantedRole(string(m.Name()))
		if least == "" {
			t.Errorf("%s stands in no line of the table: who may call it?", m.FullName())
			continue
		}
		seen++
		if err := invoke(t.Context(), conn, m); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s without a token: %v", m.Name(), err)
		}
		may := false
		for _, role := range roles {
			may = may || role == least
			err := invoke(as(t.Context(), "key-of-role-"+role), conn, m)
			if denied := status.Code(err) == codes.PermissionDenied; denied == may {
				t.Errorf("%s with role %s: %v, want allowed %t", m.Name(), role, err, may)
			}
			if status.Code(err) == codes.Internal || status.Code(err) == codes.Unknown {
				t.Errorf("%s: %v", m.Name(), err)
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d methods were found", seen)
	}
	if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Errorf("health takes no token: %v", err)
	}
	if strings.Contains(p.log.text(), "key-of-role") {
		t.Error("the log holds a key")
	}
}

func TestTokenForms(t *testing.T) {
	conn := listen(t, withKeys(t, "first-key-of-two", "second-key-of-two")).dial(t)
	for _, c := range []struct {
		header string
		want   codes.Code
	}{
		{"", codes.Unauthenticated},
		{"first-key-of-two", codes.Unauthenticated},
		{"Basic first-key-of-two", codes.Unauthenticated},
		{"Bearer ", codes.Unauthenticated},
		{"Bearer first-key-of-two", codes.NotFound}, // no schema is there
		{"bearer second-key-of-two", codes.NotFound},
		{"Bearer first-key-of-tw", codes.PermissionDenied},
		{"Bearer first-key-of-two2", codes.PermissionDenied},
		{"Bearer a.b.c", codes.PermissionDenied},
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", c.header)
		_, err := v1.NewSchemaServiceClient(conn).ReadSchema(ctx, &v1.ReadSchemaRequest{})
		if status.Code(err) != c.want {
			t.Errorf("%q: %v, want %v", c.header, err, c.want)
		}
	}
}

// manualClock is a clock that is moved by hand.
type manualClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *manualClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *manualClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// TestKeyFile rotates keys of a file while the server runs, and keeps them when
// the file becomes unusable.
func TestKeyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newKey := func(name string) (string, string) {
		t.Helper()
		key, line, err := server.NewKey(name, server.RoleRead)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, key) {
			t.Fatal("the line holds the key itself")
		}
		return key, line
	}
	key1, line1 := newKey("one")
	key2, line2 := newKey("two")
	write("# keys\n\n" + line1 + "\n")
	clock := &manualClock{at: time.Now()}
	var logged written
	auth := mustAuth(t, server.AuthConfig{KeyFile: file, Now: clock.now, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	client := v1.NewSchemaServiceClient(listen(t, func(c *server.Config) { c.Auth = auth }).dial(t))
	expect := func(when, key string, want codes.Code) {
		t.Helper()
		_, err := client.ReadSchema(as(t.Context(), key), &v1.ReadSchemaRequest{})
		if status.Code(err) != want {
			t.Errorf("%s: %v, want %v", when, err, want)
		}
	}
	expect("before", key1, codes.NotFound)
	expect("before", key2, codes.PermissionDenied)
	write(line1 + "\n" + line2 + "\n")
	clock.move(2 * time.Second)
	expect("both", key1, codes.NotFound)
	expect("both", key2, codes.NotFound)
	write("rubbish that is longer\n")
	clock.move(2 * time.Second)
	expect("unusable file", key1, codes.NotFound)
	if !strings.Contains(logged.text(), "cannot be used") {
		t.Errorf("the log says nothing of the file: %s", logged.text())
	}
	write(line2 + "\n")
	clock.move(2 * time.Second)
	expect("after", key1, codes.PermissionDenied)
	expect("after", key2, codes.NotFound)
}

func TestKeyFileFaults(t *testing.T) {
	_, line, err := server.NewKey("good", server.RoleCheck)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "holds no key"},
		{"just-a-key", "keys:1: 1 words"},
		{line + "\nci boss sha256:00\n", "keys:2: \"boss\" is no role"},
		{"ci check secret-key-by-mistake", "never keys"},
		{"ci check sha256:0011", "64 hexadecimal digits"},
		{"c/i check " + strings.Fields(line)[2], "no name of a key"},
		{"a b\nc d", "keys:2: 2 words"},
	} {
		file := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := server.NewAuth(server.AuthConfig{KeyFile: file})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "by-mistake") {
			t.Errorf("the fault repeats what may be a key: %v", err)
		}
	}
}

// TestFailuresAreLimited gives wrong tokens until the address is not looked at
// any more; an address that gave a right one is looked at always.
func TestFailuresAreLimited(t *testing.T) {
	for _, known := range []bool{false, true} {
		client := v1.NewSchemaServiceClient(listen(t, withKeys(t, "the-right-key-of-it")).dial(t))
		ask := func(key string) error {
			_, err := client.ReadSchema(as(t.Context(), key), &v1.ReadSchemaRequest{})
			return err
		}
		if known && status.Code(ask("the-right-key-of-it")) != codes.NotFound {
			t.Fatal("the right key is refused")
		}
		var err error
		for range 1000 {
			if err = ask("wrong"); status.Code(err) != codes.PermissionDenied {
				break
			}
		}
		if status.Code(err) != codes.ResourceExhausted || retryDelay(err) <= 0 {
			t.Errorf("after many wrong tokens: %v (retry in %v)", err, retryDelay(err))
		}
		want := codes.ResourceExhausted
		if known {
			want = codes.NotFound
		}
		if err := ask("the-right-key-of-it"); status.Code(err) != want {
			t.Errorf("the right key, known %t: %v, want %v", known, err, want)
		}
	}
}

// retryDelay returns the delay of a status's RetryInfo, 0 without.
func retryDelay(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.RetryDelay.AsDuration()
		}
	}
	return 0
}

func TestAuthConfigFaults(t *testing.T) {
	_, err := server.NewAuth(server.AuthConfig{KeyFile: "nowhere", OIDC: &server.OIDCConfig{Issuer: "login"}})
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{"nowhere", "is no URL", "audience is missing", "roles are missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %q is missing", err, want)
		}
	}
	if _, err := server.NewAuth(server.AuthConfig{}); err == nil {
		t.Error("nobody can be let in, and that is no fault")
	}
}
