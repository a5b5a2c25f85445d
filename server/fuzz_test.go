package server_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pemba-authz/pemba/server"
)

var randomSeed = flag.Uint64("requests-seed", 1, "of the random requests of TestRandomRequests")

// requestsWanted is how many random requests each service gets; `make test` sets it.
const requestsWanted = "PEMBA_REQUESTS"

const (
	fewRequests = 3_000 // when nothing is said
	askers      = 8     // at the same time
	pastShare   = 0.30  // of the requests must be more than refused for their form
	watchTime   = 3 * time.Millisecond
)

// TestRandomRequests sends random requests to every service. Whatever they are,
// the answer is never a panic, nor a code that says that the server is at fault.
func TestRandomRequests(t *testing.T) {
	wanted := fewRequests
	if text := os.Getenv(requestsWanted); text != "" {
		var err error
		if wanted, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", requestsWanted, err)
		}
	}
	for _, group := range []struct {
		name     string
		services []protoreflect.FullName
		fewer    int // by which the requests are divided: they write files, and look at the whole process
	}{
		{"permissions", []protoreflect.FullName{"authzed.api.v1.PermissionsService"}, 1},
		{"schema", []protoreflect.FullName{"authzed.api.v1.SchemaService"}, 1},
		{"watch", []protoreflect.FullName{"authzed.api.v1.WatchService"}, 1},
		{"experimental", []protoreflect.FullName{"authzed.api.v1.ExperimentalService"}, 1},
		{"pemba", []protoreflect.FullName{"pemba.v1.TransactionService", "pemba.v1.DocumentService", "pemba.v1.SchemaService", "pemba.v1.ExplainService", "pemba.v1.RevisionService"}, 1},
		{"console", []protoreflect.FullName{"pemba.console.v1.SchemaToolsService", "pemba.console.v1.AssertionService", "pemba.console.v1.HistoryService", "pemba.console.v1.SandboxService"}, 1},
		{"node", []protoreflect.FullName{"pemba.console.v1.NodeService"}, 20},
		{"backups", []protoreflect.FullName{"pemba.console.v1.BackupService"}, 20},
	} {
		t.Run(group.name, func(t *testing.T) {
			f := startFuzz(t, group.services)
			f.run(wanted / group.fewer)
		})
	}
}

// fuzz sends random requests to some services of a server.
type fuzz struct {
	*harness
	t       *testing.T
	ctx     context.Context
	methods []protoreflect.MethodDescriptor
	past    atomic.Int64
	codes   [codes.Unauthenticated + 1]atomic.Int64
}

func startFuzz(t *testing.T, names []protoreflect.FullName) *fuzz {
	t.Helper()
	key, err := server.PlainKey(nodeKey)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := server.NewAuth(server.AuthConfig{Keys: []server.Key{key}})
	if err != nil {
		t.Fatal(err)
	}
	f := &fuzz{t: t, ctx: metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+nodeKey)}
	f.harness = start(t, func(c *server.Config) {
		c.Auth, c.Backups = auth, server.Backups{Dir: t.TempDir()}
		c.Limits.Heartbeat = time.Millisecond
		c.Limits.Engine.Reads, c.Limits.Engine.Candidates = 5_000, 5_000 // what a client could set off, ends
	}, recoverUnary, recoverStream)
	// A line for every refusal would be all that the test has in memory.
	f.log.level.Set(slog.LevelError)
	for _, name := range names {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			t.Fatal(err)
		}
		methods := d.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			f.methods = append(f.methods, methods.Get(i))
		}
	}
	if _, err := f.schemas.WriteSchema(f.ctx, &v1.WriteSchemaRequest{Schema: randomSchema}); err != nil {
		t.Fatal(err)
	}
	return f
}

// recoverUnary and recoverStream make a panic of a handler a fault that the
// request is printed with.
var recoverUnary = grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
	defer recovered(&err)
	return next(ctx, req)
})

var recoverStream = grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer recovered(&err)
	return next(srv, ss)
})

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = status.Errorf(codes.Internal, "panic: %v\n%s", p, debug.Stack())
	}
}

func (f *fuzz) run(wanted int) {
	var wg sync.WaitGroup
	for worker := range askers {
		wg.Go(func() {
			r := newRequestMaker(*randomSeed, uint64(worker))
			f.rootToken(r)
			for i := worker; i < wanted && !f.t.Failed(); i += askers {
				f.ask(r, f.methods[r.IntN(len(f.methods))])
			}
		})
	}
	wg.Wait()
	share := float64(f.past.Load()) / float64(wanted)
	summary := ""
	for code := range f.codes {
		if n := f.codes[code].Load(); n > 0 {
			summary += fmt.Sprintf(" %s %d", codes.Code(code), n)
		}
	}
	f.t.Logf("%d requests, %.0f%% past validation:%s", wanted, share*100, summary)
	if share < pastShare {
		f.t.Errorf("only %.0f%% of the requests were past validation, want %.0f%%", share*100, pastShare*100)
	}
}

// rootToken gives a maker the first token: of the schema.
func (f *fuzz) rootToken(r *requestMaker) {
	resp, err := f.schemas.ReadSchema(f.ctx, &v1.ReadSchemaRequest{})
	if err != nil && status.Code(err) != codes.NotFound {
		f.t.Error(err)
		return
	}
	r.learn(resp.ProtoReflect())
}

// generatedText is what the generated rules of messages say, in no words for people.
var generatedText = regexp.MustCompile(`invalid [A-Z]\w*\.|value (is required|does not|must |length)|regex|embedded message|caused by`)

// ask sends one random request.
func (f *fuzz) ask(r *requestMaker, m protoreflect.MethodDescriptor) {
	messages := 1
	if m.IsStreamingClient() {
		messages += r.IntN(3)
	}
	var requests []proto.Message
	for range messages {
		request := newMessage(f.t, m.Input())
		r.fill(request.ProtoReflect(), 0)
		requests = append(requests, request)
	}
	ctx := f.ctx
	if m.Name() == "Watch" || m.Name() == "Profile" { // without an end of its own, or a late one
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, watchTime)
		defer cancel()
	}
	responses, _, err := f.invoke(ctx, m, requests...)
	if m.Name() != "ResolveRevision" { // whose tokens may be of revisions that never come, and are waited for
		for _, resp := range responses {
			r.learn(resp.ProtoReflect())
		}
	}
	code := status.Code(err)
	f.codes[code].Add(1)
	switch code {
	case codes.Unknown, codes.Internal, codes.DataLoss, codes.Unimplemented, codes.Unavailable, codes.Unauthenticated:
		if m.Name() == "Watch" && ctx.Err() != nil { // the client's own words for its deadline
			return
		}
		text := ""
		for _, request := range requests {
			text += prototext.Format(request) + "\n"
		}
		f.t.Errorf("-requests-seed %d: %s: %v\n%s", *randomSeed, m.FullName(), err, text)
	case codes.InvalidArgument:
		if generatedText.MatchString(err.Error()) {
			f.t.Errorf("-requests-seed %d: %s: the message is not ours: %v", *randomSeed, m.FullName(), err)
		}
	default:
		f.past.Add(1)
	}
}
