package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/cockroachdb/datadriven"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// TestWatch runs the conversations of testdata/watch. Beside the commands of
// TestRPC there are
//
//	mark NAME   keeps the token of the head as NAME
//	watch       prints what a watch sends, given its request, up to the
//	            checkpoint at the head; with count=N, N responses.
//	            Tokens are printed as r1, r2 in the order in which they are seen.
func TestWatch(t *testing.T) {
	datadriven.Walk(t, "testdata/watch", func(t *testing.T, path string) {
		c := &watchConversation{conversation: conversation{
			harness: start(t, func(c *server.Config) { c.Limits.Updates = 5000 }), saved: map[string]string{},
		}}
		datadriven.RunTest(t, path, c.run)
	})
}

type watchConversation struct {
	conversation
	tokens []string
}

func (c *watchConversation) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "mark":
		c.saved[d.CmdArgs[0].Key] = c.head()
		return ""
	case "touch-many":
		c.write(numbered(d.CmdArgs[0].Key, d.Input)...)
		return ""
	case "remove-expired":
		c.removeExpired(t, strings.Fields(d.Input))
		return ""
	case "watch":
		return c.watch(t, d)
	}
	return c.conversation.run(t, d)
}

// numbered makes n relationships of a form with %d in it.
func numbered(n, form string) []string {
	var count int
	if _, err := fmt.Sscan(n, &count); err != nil {
		return nil
	}
	out := make([]string, count)
	for i := range out {
		out[i] = fmt.Sprintf(strings.TrimSpace(form), i)
	}
	return out
}

// head returns the token of the newest revision.
func (h *harness) head() string { return h.replica.Token(h.replica.Head()) }

func (c *watchConversation) watch(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	request := &v1.WatchRequest{}
	input := savedName.ReplaceAllStringFunc(d.Input, func(name string) string { return c.saved[name[1:]] })
	proto.Merge(request, parseRequest(t, request.ProtoReflect().Descriptor(), input))
	count := 0
	for _, arg := range d.CmdArgs {
		if arg.Key == "count" {
			if _, err := fmt.Sscan(arg.Vals[0], &count); err != nil {
				d.Fatalf(t, "%v", err)
			}
		}
	}
	responses, err := c.watched(t, request, func(all []*v1.WatchResponse) bool {
		last := all[len(all)-1]
		return len(all) == count || count == 0 && last.IsCheckpoint && last.ChangesThrough.Token == c.head()
	})
	var b strings.Builder
	for _, r := range responses {
		b.WriteString(c.print(t, r))
	}
	if err != nil {
		b.WriteString(printError(t, err) + "\n")
	}
	return b.String()
}

// watched reads a watch until it has enough.
func (h *harness) watched(t testing.TB, request *v1.WatchRequest, enough func([]*v1.WatchResponse) bool) ([]*v1.WatchResponse, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stream, err := v1.NewWatchServiceClient(h.conn).Watch(ctx, request)
	if err != nil {
		return nil, err
	}
	var all []*v1.WatchResponse
	for {
		resp, err := stream.Recv()
		if err != nil {
			return all, err
		}
		if all = append(all, resp); enough(all) {
			return all, nil
		}
	}
}

// print prints a response, at most three of its updates.
func (c *watchConversation) print(t *testing.T, r *v1.WatchResponse) string {
	t.Helper()
	i := slices.Index(c.tokens, r.ChangesThrough.Token)
	if i < 0 {
		i, c.tokens = len(c.tokens), append(c.tokens, r.ChangesThrough.Token)
	}
	var b strings.Builder
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, "r%d "+format+"\n", append([]any{i + 1}, args...)...)
	}
	for n, u := range r.Updates {
		if n == 3 {
			line("and %d more", len(r.Updates)-n)
			break
		}
		line("%s %s", strings.TrimPrefix(u.Operation.String(), "OPERATION_"), printResponse(t, u.Relationship))
	}
	if r.SchemaUpdated {
		line("schema")
	}
	if r.IsCheckpoint {
		line("checkpoint")
	}
	for _, m := range r.FullRevisionMetadata {
		text, err := json.Marshal(m.AsMap())
		if err != nil || !proto.Equal(m, r.OptionalTransactionMetadata) {
			t.Errorf("metadata %v and %v, %v", r.OptionalTransactionMetadata, r.FullRevisionMetadata, err)
		}
		line("metadata %s", text)
	}
	return b.String()
}

// removeExpired proposes what the leader proposes by itself from time to time.
func (h *harness) removeExpired(t testing.TB, relationships []string) {
	t.Helper()
	tx := store.Transaction{}
	for _, text := range relationships {
		tx.Expired = append(tx.Expired, parse(t, text))
	}
	if _, err := h.replica.Propose(context.Background(), replica.Proposal{Tx: tx}); err != nil {
		t.Fatal(err)
	}
}

// watchEverything asks for all kinds.
func watchEverything(from string) *v1.WatchRequest {
	return &v1.WatchRequest{
		OptionalStartCursor: &v1.ZedToken{Token: from},
		OptionalUpdateKinds: []v1.WatchKind{
			v1.WatchKind_WATCH_KIND_INCLUDE_RELATIONSHIP_UPDATES, v1.WatchKind_WATCH_KIND_INCLUDE_SCHEMA_UPDATES,
			v1.WatchKind_WATCH_KIND_INCLUDE_CHECKPOINTS,
		},
	}
}

// toHead reads until the checkpoint of a token.
func toHead(token string) func([]*v1.WatchResponse) bool {
	return func(all []*v1.WatchResponse) bool {
		last := all[len(all)-1]
		return last.IsCheckpoint && last.ChangesThrough.Token == token
	}
}

const watchSchema = `definition user {}
definition document { relation viewer: user }
definition folder { relation viewer: user }`

// TestWatchResume makes a history, watches it once, and goes on from every
// token that came: the rest comes again, no more and no less.
func TestWatchResume(t *testing.T) {
	h := start(t, func(c *server.Config) { c.Limits.Updates = 5000 })
	from := h.head()
	h.writeSchema(watchSchema)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		switch kind := random.IntN(8); {
		case i == 20: // a revision in two parts comes of these
			h.write(numbered("600", "document:d%d#viewer@user:many")...)
			h.write(numbered("600", "document:e%d#viewer@user:many")...)
			h.removeAll(t, "document")
		case kind == 0:
			h.writeSchema(watchSchema + fmt.Sprintf("\ndefinition extra_%02d {}", i))
		case kind == 1:
			h.removeAll(t, "document")
		default:
			h.write(fmt.Sprintf("%s:x%d#viewer@user:u%d", []string{"document", "folder"}[i%2], random.IntN(10), random.IntN(3)))
		}
	}
	end := h.head()
	all, err := h.watched(t, watchEverything(from), toHead(end))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d responses; the history is too short", len(all))
	}
	for i, resp := range all {
		if !resp.IsCheckpoint || i == len(all)-1 {
			continue
		}
		rest, err := h.watched(t, watchEverything(resp.ChangesThrough.Token), toHead(end))
		if err != nil {
			t.Fatal(err)
		}
		sameResponses(t, rest, all[i+1:])
	}
}

func (h *harness) removeAll(t testing.TB, resourceType string) {
	t.Helper()
	_, err := h.permissions.DeleteRelationships(context.Background(), &v1.DeleteRelationshipsRequest{
		RelationshipFilter: &v1.RelationshipFilter{ResourceType: resourceType},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sameResponses(t testing.TB, got, want []*v1.WatchResponse) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b *v1.WatchResponse) bool { return proto.Equal(a, b) }) {
		t.Fatalf("got %d responses:\n%v\nwant %d:\n%v", len(got), got, len(want), want)
	}
}

// TestWatchFollows watches from the head: what is written after the header came
// is sent, and while nothing is written, checkpoints are.
func TestWatchFollows(t *testing.T) {
	h := start(t, func(c *server.Config) { c.Limits.Heartbeat = time.Millisecond })
	h.writeSchema(watchSchema)
	h.write("document:before#viewer@user:anne")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request := watchEverything("")
	request.OptionalStartCursor = nil
	stream, err := v1.NewWatchServiceClient(h.conn).Watch(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Fatal(err)
	}
	started := h.head()
	for range 3 {
		resp, err := stream.Recv()
		if err != nil || !resp.IsCheckpoint || resp.ChangesThrough.Token != started || len(resp.Updates) > 0 {
			t.Fatalf("while nothing is written: %v, %v", resp, err)
		}
	}
	for i := range 20 {
		name := fmt.Sprintf("document:after%d#viewer@user:anne", i)
		written := h.write(name)
		resp := next(t, stream.Recv, func(r *v1.WatchResponse) bool { return len(r.Updates) > 0 })
		if len(resp.Updates) != 1 || resp.ChangesThrough.Token != written ||
			!proto.Equal(resp.Updates[0].Relationship, relationship(t, name)) {
			t.Fatalf("got %v, want %s at %s", resp, name, written)
		}
		if resp, err = stream.Recv(); err != nil || !resp.IsCheckpoint || resp.ChangesThrough.Token != written {
			t.Fatalf("after the updates: %v, %v", resp, err)
		}
	}
	cancel()
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Canceled {
		t.Fatal(err)
	}
}

// next receives until what is received is wanted.
func next[T any](t testing.TB, receive func() (T, error), wanted func(T) bool) T {
	t.Helper()
	for {
		got, err := receive()
		if err != nil {
			t.Fatal(err)
		}
		if wanted(got) {
			return got
		}
	}
}

// TestWatchSlowReader reads nothing until it is cut off, then what was sent by
// then, and goes on from the last token that it has.
func TestWatchSlowReader(t *testing.T) {
	h := start(t, func(c *server.Config) { c.Limits.SlowReader = 500 * time.Millisecond })
	from := h.head()
	h.writeSchema(watchSchema)
	for range 5 {
		h.write(numbered("1000", "document:a-long-name-that-fills-the-window-of-a-stream-%d#viewer@user:anne")...)
		h.removeAll(t, "document")
	}
	end := h.head()
	want, err := h.watched(t, watchEverything(from), toHead(end))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := v1.NewWatchServiceClient(h.conn).Watch(context.Background(), watchEverything(from))
	if err != nil {
		t.Fatal(err)
	}
	for !h.log.has("ResourceExhausted") {
		h.readSchema() // takes a moment
	}
	var got []*v1.WatchResponse
	for {
		resp, err := stream.Recv()
		if err != nil {
			if status.Code(err) != codes.ResourceExhausted || errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			break
		}
		got = append(got, resp)
	}
	if len(got) == 0 || len(got) == len(want) {
		t.Fatalf("%d of %d responses were sent before the reader was cut off: this proves nothing", len(got), len(want))
	}
	for !got[len(got)-1].IsCheckpoint { // parts of a revision are no point to go on from
		got = got[:len(got)-1]
	}
	rest, err := h.watched(t, watchEverything(got[len(got)-1].ChangesThrough.Token), toHead(end))
	if err != nil {
		t.Fatal(err)
	}
	sameResponses(t, append(got, rest...), want)
}

// TestWatchRetention refuses to go on from a revision that is no longer kept,
// and from tokens of elsewhere.
func TestWatchRetention(t *testing.T) {
	h := start(t, nil)
	old := h.writeSchema(watchSchema)
	h.write("document:a#viewer@user:anne")
	floor := h.replica.Head()
	if _, err := h.replica.Propose(context.Background(), replica.Proposal{Tx: store.Transaction{Floor: floor}}); err != nil {
		t.Fatal(err)
	}
	other := start(t, nil).writeSchema(watchSchema)
	for _, c := range []struct {
		token string
		code  codes.Code
	}{{old, codes.FailedPrecondition}, {other, codes.FailedPrecondition}, {"nonsense", codes.InvalidArgument}, {"", codes.InvalidArgument}} {
		_, err := h.watched(t, watchEverything(c.token), func([]*v1.WatchResponse) bool { return true })
		if status.Code(err) != c.code {
			t.Errorf("from %q: %v, want %v", c.token, err, c.code)
		}
	}
	if _, err := h.watched(t, watchEverything(h.replica.Token(floor)), toHead(h.head())); err != nil {
		t.Errorf("from the floor: %v", err)
	}
}

func parse(t testing.TB, text string) engine.Relationship {
	t.Helper()
	r, err := engine.ParseRelationship(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *harness) readSchema() string {
	h.Helper()
	resp, err := h.schemas.ReadSchema(context.Background(), &v1.ReadSchemaRequest{})
	if err != nil {
		h.Fatal(err)
	}
	return resp.SchemaText
}

// has reports whether the log has a text.
func (l *log) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.buf.String(), text)
}
