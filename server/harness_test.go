package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
)

// startOfTime is the time of a test until it says otherwise.
var startOfTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// harness is a server with an in-memory replica, and a client of it over a real
// gRPC connection.
type harness struct {
	testing.TB
	replica *replica.Replica
	server  *server.Server
	dialer  func(context.Context) (net.Conn, error)
	conn    *grpc.ClientConn
	clock   clock
	log     log

	permissions  v1.PermissionsServiceClient
	schemas      v1.SchemaServiceClient
	experimental v1.ExperimentalServiceClient
}

// start starts a server. change may set what the configuration shall have
// besides replica, clock and log; options are added to the server's.
func start(t testing.TB, change func(*server.Config), options ...grpc.ServerOption) *harness {
	t.Helper()
	h := &harness{TB: t}
	h.clock.set(startOfTime)
	r, err := replica.Open(context.Background(), replica.Config{
		InMemory: true, Logger: slog.New(slog.DiscardHandler), Now: h.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.serve(r, change, options...)
	return h
}

// serve starts the server on a replica, which it closes at the end.
func (h *harness) serve(r *replica.Replica, change func(*server.Config), options ...grpc.ServerOption) {
	t := h.TB
	t.Helper()
	h.replica = r
	logger := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: &h.log.level}))
	config := server.Config{Replica: r, Logger: logger, Now: h.clock.now}
	if change != nil {
		change(&config)
	}
	s, err := server.New(config)
	if err != nil {
		t.Fatal(err)
	}
	h.server = s
	g := grpc.NewServer(append(s.Options(), options...)...)
	s.Register(g)
	listener := bufconn.Listen(1 << 20)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := g.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) { // before it began
			t.Errorf("serving: %v", err)
		}
	})
	h.dialer = listener.DialContext
	t.Cleanup(func() {
		g.Stop()
		serving.Wait()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if faults := h.log.failures(); faults != "" {
			t.Errorf("the server logged failures:\n%s", faults)
		}
	})
	h.conn = h.dial()
	h.permissions = v1.NewPermissionsServiceClient(h.conn)
	h.schemas = v1.NewSchemaServiceClient(h.conn)
	h.experimental = v1.NewExperimentalServiceClient(h.conn)
}

// dial makes one more connection to the server.
func (h *harness) dial(options ...grpc.DialOption) *grpc.ClientConn {
	h.Helper()
	conn, err := grpc.NewClient("passthrough:///pemba", append(options,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return h.dialer(ctx) }))...)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() {
		if err := conn.Close(); err != nil {
			h.Error(err)
		}
	})
	return conn
}

// clock is a clock that stands.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

// log keeps what the server logs.
type log struct {
	level slog.LevelVar // of what is kept

	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// failures returns the lines of errors that the table of errors does not know.
func (l *log) failures() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, "level=ERROR") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// writeSchema writes a schema.
func (h *harness) writeSchema(text string) string {
	h.Helper()
	resp, err := h.schemas.WriteSchema(context.Background(), &v1.WriteSchemaRequest{Schema: text})
	if err != nil {
		h.Fatalf("writing the schema: %v", err)
	}
	return resp.WrittenAt.Token
}

// write touches relationships given in their text form.
func (h *harness) write(relationships ...string) string {
	h.Helper()
	token := ""
	for batch := range slices.Chunk(relationships, 1000) {
		r := &v1.WriteRelationshipsRequest{}
		for _, text := range batch {
			r.Updates = append(r.Updates, &v1.RelationshipUpdate{
				Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: relationship(h, text),
			})
		}
		resp, err := h.permissions.WriteRelationships(context.Background(), r)
		if err != nil {
			h.Fatalf("writing relationships: %v", err)
		}
		token = resp.WrittenAt.Token
	}
	return token
}

// object and the functions after it read the text forms of the engine.
func object(t testing.TB, text string) *v1.ObjectReference {
	t.Helper()
	typ, id, ok := strings.Cut(text, ":")
	if !ok {
		t.Fatalf("%q is no object", text)
	}
	return &v1.ObjectReference{ObjectType: typ, ObjectId: id}
}

func subject(t testing.TB, text string) *v1.SubjectReference {
	t.Helper()
	text, relation, _ := strings.Cut(text, "#")
	return &v1.SubjectReference{Object: object(t, text), OptionalRelation: relation}
}

func relationship(t testing.TB, text string) *v1.Relationship {
	t.Helper()
	r, err := engine.ParseRelationship(text)
	if err != nil { // a wrong one, to see it refused
		left, right, _ := strings.Cut(text, "@")
		resource, relation, _ := strings.Cut(left, "#")
		return &v1.Relationship{Resource: object(t, resource), Relation: relation, Subject: subject(t, right)}
	}
	return fromRelationship(t, r)
}

func fromRelationship(t testing.TB, r engine.Relationship) *v1.Relationship {
	t.Helper()
	out := &v1.Relationship{
		Resource: object(t, r.Resource.String()), Relation: r.Relation, Subject: subject(t, r.Subject.String()),
	}
	if r.Trait == nil {
		return out
	}
	if r.Trait.Caveat != "" {
		out.OptionalCaveat = &v1.ContextualizedCaveat{CaveatName: r.Trait.Caveat, Context: toStruct(t, r.Trait.Context)}
	}
	if !r.Trait.Expires.IsZero() {
		out.OptionalExpiresAt = timestamppb.New(r.Trait.Expires)
	}
	return out
}

// toStruct converts a context by way of its JSON.
func toStruct(t testing.TB, m map[string]any) *structpb.Struct {
	t.Helper()
	if len(m) == 0 {
		return nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	s := &structpb.Struct{}
	if err := protojson.Unmarshal(text, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// call sends messages to a method given by its name, and returns what came
// back before the end.
func (h *harness) call(ctx context.Context, method string, requests ...proto.Message) (responses []proto.Message, trailer metadata.MD, err error) {
	return h.invoke(ctx, findMethod(h, method), requests...)
}

// invoke is call for a method that was found.
func (h *harness) invoke(ctx context.Context, m protoreflect.MethodDescriptor, requests ...proto.Message) (responses []proto.Message, trailer metadata.MD, err error) {
	stream, err := h.conn.NewStream(ctx, &grpc.StreamDesc{
		ClientStreams: m.IsStreamingClient(), ServerStreams: m.IsStreamingServer(),
	}, "/"+string(m.Parent().FullName())+"/"+string(m.Name()))
	if err != nil {
		return nil, nil, err
	}
	for _, r := range requests {
		if err := stream.SendMsg(r); err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return nil, nil, err
	}
	for {
		resp := newMessage(h, m.Output())
		if err := stream.RecvMsg(resp); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return responses, stream.Trailer(), err
		}
		responses = append(responses, resp)
		if !m.IsStreamingServer() {
			return responses, stream.Trailer(), nil
		}
	}
}

// services are those whose methods tests call by their names.
var services = []protoreflect.FullName{
	"authzed.api.v1.PermissionsService", "authzed.api.v1.SchemaService",
	"authzed.api.v1.ExperimentalService", "authzed.api.v1.WatchService",
	"pemba.v1.TransactionService", "pemba.v1.DocumentService", "pemba.v1.BackupService", "pemba.v1.SchemaService", "pemba.v1.ClusterService",
	"pemba.console.v1.SchemaToolsService", "pemba.console.v1.AssertionService", "pemba.console.v1.HistoryService",
	"pemba.console.v1.SandboxService", "pemba.console.v1.NodeService",
	"pemba.console.v1.BackupService",
}

// findMethod finds a method by its name, or by "SERVICE.NAME" where several
// services have it.
func findMethod(t testing.TB, name string) protoreflect.MethodDescriptor {
	t.Helper()
	of, method, qualified := strings.Cut(name, ".")
	if !qualified {
		of, method = "", name
	}
	for _, service := range services {
		if of != "" && string(service.Name()) != of {
			continue
		}
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(service)
		if err != nil {
			t.Fatal(err)
		}
		if m := d.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(method)); m != nil {
			return m
		}
	}
	t.Fatalf("no service has the method %s", name)
	return nil
}

func newMessage(t testing.TB, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	typ, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return typ.New().Interface()
}

var shorthand = regexp.MustCompile("(\\w+):?\\s*`([^`]*)`")

// parseRequest reads a request in the text format of protobuf, in which objects,
// subjects and relationships may stand in their short form between backquotes.
func parseRequest(t testing.TB, d protoreflect.MessageDescriptor, text string) proto.Message {
	t.Helper()
	text = shorthand.ReplaceAllStringFunc(text, func(s string) string {
		parts := shorthand.FindStringSubmatch(s)
		var m proto.Message
		switch parts[1] {
		case "resource":
			m = object(t, parts[2])
		case "subject":
			m = subject(t, parts[2])
		default:
			m = relationship(t, parts[2])
		}
		return parts[1] + " { " + prototext.Format(m) + " }"
	})
	m := newMessage(t, d)
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

var betweenPairs = regexp.MustCompile(`\},(\{"(?:error|item)")`)

// printResponse prints a response as JSON, without tokens, cursors and what a
// trace measured, and with what has a short form in it.
func printResponse(t testing.TB, m proto.Message) string {
	t.Helper()
	text, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shorten(v)); err != nil {
		t.Fatal(err)
	}
	// The pairs of a bulk check read better one a line.
	return betweenPairs.ReplaceAllString(strings.TrimSpace(b.String()), "},\n$1")
}

func shorten(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = shorten(v[i])
		}
	case map[string]any:
		for key, value := range v {
			part, ok := value.(map[string]any)
			if ok && len(part) == 1 && part["token"] != nil || key == "duration" || key == "micros" || key == "schemaUsed" {
				delete(v, key)
				continue
			}
			v[key] = shorten(value)
		}
		if v["objectType"] != nil && len(v) == 2 {
			return fmt.Sprintf("%s:%s", v["objectType"], v["objectId"])
		}
		if o, ok := v["object"].(string); ok {
			if relation, ok := v["optionalRelation"]; ok {
				return fmt.Sprintf("%s#%s", o, relation)
			}
			return o
		}
		if v["resource"] != nil && v["relation"] != nil && v["subject"] != nil && len(v) == 3 {
			return fmt.Sprintf("%s#%s@%s", v["resource"], v["relation"], v["subject"])
		}
	}
	return v
}

// printError prints code, reason and message of a status, and its metadata.
func printError(t testing.TB, err error) string {
	t.Helper()
	st := status.Convert(err)
	head := st.Code().String()
	var b strings.Builder
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.Domain != "authzed.com" {
				t.Errorf("the domain of an ErrorInfo is %q", d.Domain)
			}
			head += " " + strings.TrimPrefix(d.Reason, "ERROR_REASON_")
			for _, key := range slices.Sorted(maps.Keys(d.Metadata)) {
				fmt.Fprintf(&b, "\n  %s=%s", key, d.Metadata[key])
			}
		case *errdetails.RetryInfo:
			head += " (retry)"
		}
	}
	// protobuf varies its spaces, so that nobody relies on its texts
	return head + ": " + strings.ReplaceAll(st.Message(), "\u00a0", " ") + b.String()
}
