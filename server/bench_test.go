package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
)

// The benchmarks of this file go through real connections and through every
// interceptor, and against handlers that do nothing: what gRPC itself costs on
// the machine at that moment. An iteration is a round in which every contender
// has its turn; what is reported are medians over the rounds.

const (
	companies = 3               // of the portal's world
	wide      = 100_000         // direct relationships of one relation
	turn      = time.Second / 4 // of one contender in one round
	variety   = 4096            // different requests
	bulkItems = 100
)

// benchSchema is the portal's, and a type with one relation.
func benchSchema(b *testing.B) string {
	return portalFile(b, "schema.zed") + "\ndefinition document {\n\trelation viewer: user\n\tpermission view = viewer\n}\n"
}

// bench is a node with the world of the benchmarks, and a server of handlers
// that do nothing.
type bench struct {
	*node
	empty v1.PermissionsServiceClient
}

func startBench(b *testing.B) *bench {
	b.Helper()
	s := &bench{node: startNode(b)}
	s.writeSchema(b, benchSchema(b))
	var rels []engine.Relationship
	rels = slices.AppendSeq(rels, enginetest.Companies(companies))
	s.load(b, rels)
	rels = rels[:0]
	for i := range wide {
		rels = append(rels, viewer("wide", fmt.Sprintf("user_%06d", i)), viewer(fmt.Sprintf("document_%06d", i), "everywhere"))
	}
	s.load(b, rels)
	handlers := &emptyHandlers{logs: openLogs(b), token: s.replica.Token(s.replica.Head())}
	g := grpc.NewServer()
	v1.RegisterPermissionsServiceServer(g, handlers)
	s.empty = v1.NewPermissionsServiceClient(dial(b, listenAndServe(b, g)))
	return s
}

func viewer(document, user string) engine.Relationship {
	return engine.Relationship{
		Resource: engine.Object{Type: "document", ID: document}, Relation: "viewer",
		Subject: engine.Subject{Object: engine.Object{Type: "user", ID: user}},
	}
}

// load imports relationships.
func (n *node) load(t testing.TB, rels []engine.Relationship) {
	t.Helper()
	messages := make([]*v1.ImportBulkRelationshipsRequest, 0, len(rels)/1000+1)
	for batch := range slices.Chunk(rels, 1000) {
		m := &v1.ImportBulkRelationshipsRequest{}
		for _, r := range batch {
			m.Relationships = append(m.Relationships, fromRelationship(t, r))
		}
		messages = append(messages, m)
	}
	if err := n.importMessages(messages); err != nil {
		t.Fatalf("importing: %v", err)
	}
}

func (n *node) importMessages(messages []*v1.ImportBulkRelationshipsRequest) error {
	stream, err := n.permissions.ImportBulkRelationships(context.Background())
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := stream.Send(m); err != nil {
			break // CloseAndRecv has the reason
		}
	}
	_, err = stream.CloseAndRecv()
	return err
}

func openLogs(b *testing.B) *raftboltdb.BoltStore {
	b.Helper()
	logs, err := raftboltdb.New(raftboltdb.Options{
		Path:        filepath.Join(b.TempDir(), "log"),
		BoltOptions: &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := logs.Close(); err != nil {
			b.Error(err)
		}
	})
	return logs
}

// emptyHandlers answer at once, with as many bytes as the real ones.
type emptyHandlers struct {
	v1.UnimplementedPermissionsServiceServer
	token string

	mu   sync.Mutex
	logs *raftboltdb.BoltStore
	next uint64
}

func (e *emptyHandlers) CheckPermission(context.Context, *v1.CheckPermissionRequest) (*v1.CheckPermissionResponse, error) {
	return &v1.CheckPermissionResponse{
		CheckedAt: &v1.ZedToken{Token: e.token}, Permissionship: v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION,
	}, nil
}

func (e *emptyHandlers) CheckBulkPermissions(_ context.Context, r *v1.CheckBulkPermissionsRequest) (*v1.CheckBulkPermissionsResponse, error) {
	resp := &v1.CheckBulkPermissionsResponse{CheckedAt: &v1.ZedToken{Token: e.token}}
	for _, item := range r.Items {
		resp.Pairs = append(resp.Pairs, &v1.CheckBulkPermissionsPair{
			Request: item, Response: &v1.CheckBulkPermissionsPair_Item{Item: &v1.CheckBulkPermissionsResponseItem{
				Permissionship: v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION,
			}},
		})
	}
	return resp, nil
}

// WriteRelationships appends the request to a log as raft has it, synced.
func (e *emptyHandlers) WriteRelationships(_ context.Context, r *v1.WriteRelationshipsRequest) (*v1.WriteRelationshipsResponse, error) {
	data, err := proto.Marshal(r)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	if err := e.logs.StoreLogs([]*raft.Log{{Index: e.next, Term: 1, Data: data}}); err != nil {
		return nil, err
	}
	return &v1.WriteRelationshipsResponse{WrittenAt: &v1.ZedToken{Token: e.token}}, nil
}

func (e *emptyHandlers) LookupResources(r *v1.LookupResourcesRequest, out grpc.ServerStreamingServer[v1.LookupResourcesResponse]) error {
	for i := range int(r.OptionalLimit) {
		err := out.Send(&v1.LookupResourcesResponse{
			LookedUpAt: &v1.ZedToken{Token: e.token}, ResourceObjectId: fmt.Sprintf("document_%06d", i),
			Permissionship:    v1.LookupPermissionship_LOOKUP_PERMISSIONSHIP_HAS_PERMISSION,
			AfterResultCursor: &v1.Cursor{Token: e.token + e.token},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// contender does one thing again and again; random is for one caller alone. It
// returns how much it has done.
type contender struct {
	name string
	do   func(random *rand.Rand) (int, error)
}

// contest lets contenders take turns, each with so many callers, and reports
// what they did a second, and the ratios to the first, which is the floor. The
// CPU that one unit costs, client and server together, is reported as well: it
// holds even where other processes take their part of the machine.
func contest(b *testing.B, callers int, contenders ...contender) {
	rates, costs := make([][]float64, len(contenders)), make([][]float64, len(contenders))
	for b.Loop() {
		for i, c := range contenders {
			rate, cost := takeTurn(b, callers, c)
			rates[i], costs[i] = append(rates[i], rate), append(costs[i], cost)
		}
	}
	for i, c := range contenders {
		b.ReportMetric(median(rates[i]), c.name+"/s")
		b.ReportMetric(median(costs[i]), c.name+"-cpu-µs")
		if i > 0 {
			ratios := make([]float64, len(rates[i]))
			for round, rate := range rates[i] {
				ratios[round] = rate / rates[0][round]
			}
			b.ReportMetric(median(ratios), c.name+"-ratio")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// takeTurn returns what a contender does a second, and the microseconds of CPU
// that each costs.
func takeTurn(b *testing.B, callers int, c contender) (rate, cost float64) {
	var count atomic.Int64
	var wg sync.WaitGroup
	began, cpu := time.Now(), cpuTime()
	for i := range callers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for time.Since(began) < turn {
				n, err := c.do(random)
				if err != nil {
					b.Errorf("%s: %v", c.name, err)
					return
				}
				count.Add(int64(n))
			}
		})
	}
	wg.Wait()
	took, done := time.Since(began), float64(max(count.Load(), 1))
	return done / took.Seconds(), float64((cpuTime() - cpu).Microseconds()) / done
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

var modes = map[string]*v1.Consistency{
	"minimize_latency": {Requirement: &v1.Consistency_MinimizeLatency{MinimizeLatency: true}},
	"fully_consistent": {Requirement: &v1.Consistency_FullyConsistent{FullyConsistent: true}},
}

// portalQuestion asks for a right on a diagram: of a user of the same company, as
// most questions are.
func portalQuestion(random *rand.Rand, user int) (*v1.ObjectReference, string, *v1.SubjectReference) {
	company := random.IntN(companies)
	diagram := &v1.ObjectReference{ObjectType: "diagram", ObjectId: fmt.Sprintf("c%d_diagram_%d", company, random.IntN(1200))}
	permission := [...]string{"view", "view", "comment", "save"}[random.IntN(4)]
	who := &v1.ObjectReference{ObjectType: "user", ObjectId: fmt.Sprintf("c%d_user_%d", company, user)}
	return diagram, permission, &v1.SubjectReference{Object: who}
}

func wideQuestion(random *rand.Rand) (*v1.ObjectReference, string, *v1.SubjectReference) {
	who := &v1.ObjectReference{ObjectType: "user", ObjectId: fmt.Sprintf("user_%06d", random.IntN(2*wide))}
	return &v1.ObjectReference{ObjectType: "document", ObjectId: "wide"}, "view", &v1.SubjectReference{Object: who}
}

// BenchmarkCheck asks for rights in the portal, fully consistent and with
// minimize_latency, and for one of 100,000 direct relationships: all of them
// again and again, so that the answers are kept. "first" asks for rights in the
// portal that nobody asked for before.
func BenchmarkCheck(b *testing.B) {
	s := startBench(b)
	random := rand.New(rand.NewPCG(1, 2))
	make := func(mode string, ask func() (*v1.ObjectReference, string, *v1.SubjectReference)) []*v1.CheckPermissionRequest {
		var all []*v1.CheckPermissionRequest
		for range variety {
			r := &v1.CheckPermissionRequest{Consistency: modes[mode]}
			r.Resource, r.Permission, r.Subject = ask()
			all = append(all, r)
		}
		return all
	}
	portal := func() (*v1.ObjectReference, string, *v1.SubjectReference) {
		return portalQuestion(random, random.IntN(1000))
	}
	check := func(name string, client v1.PermissionsServiceClient, requests []*v1.CheckPermissionRequest) contender {
		return contender{name, func(random *rand.Rand) (int, error) {
			_, err := client.CheckPermission(context.Background(), requests[random.IntN(len(requests))])
			return 1, err
		}}
	}
	full := make("fully_consistent", portal)
	minimal := make("minimize_latency", portal)
	direct := make("fully_consistent", func() (*v1.ObjectReference, string, *v1.SubjectReference) { return wideQuestion(random) })
	var asked atomic.Uint64
	first := contender{"first", func(*rand.Rand) (int, error) {
		random := rand.New(rand.NewPCG(asked.Add(1), 3)) // of ten million questions: hardly one comes twice
		r := &v1.CheckPermissionRequest{Consistency: modes["fully_consistent"]}
		r.Resource, r.Permission, r.Subject = portalQuestion(random, random.IntN(1000))
		_, err := s.permissions.CheckPermission(context.Background(), r)
		return 1, err
	}}
	contenders := []contender{
		check("empty", s.empty, full), check("full", s.permissions, full), check("minimal", s.permissions, minimal),
		check("direct", s.permissions, direct), first,
	}
	for _, r := range slices.Concat(full, minimal, direct) { // warm
		if _, err := s.permissions.CheckPermission(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { contest(b, callers, contenders...) })
	}
}

// BenchmarkBulkCheck asks about one user in all items of a request, about random
// users, both again and again, and about random users for the first time.
func BenchmarkBulkCheck(b *testing.B) {
	s := startBench(b)
	random := rand.New(rand.NewPCG(1, 2))
	make := func(user func() int) []*v1.CheckBulkPermissionsRequest {
		var all []*v1.CheckBulkPermissionsRequest
		for range variety / bulkItems {
			r := &v1.CheckBulkPermissionsRequest{Consistency: modes["fully_consistent"]}
			one := user()
			for range bulkItems {
				item := &v1.CheckBulkPermissionsRequestItem{}
				if one < 0 {
					item.Resource, item.Permission, item.Subject = portalQuestion(random, random.IntN(1000))
				} else {
					item.Resource, item.Permission, item.Subject = portalQuestion(random, one)
					item.Subject.Object.ObjectId = fmt.Sprintf("c0_user_%d", one)
				}
				r.Items = append(r.Items, item)
			}
			all = append(all, r)
		}
		return all
	}
	check := func(name string, client v1.PermissionsServiceClient, requests []*v1.CheckBulkPermissionsRequest) contender {
		return contender{name, func(random *rand.Rand) (int, error) {
			_, err := client.CheckBulkPermissions(context.Background(), requests[random.IntN(len(requests))])
			return bulkItems, err
		}}
	}
	same, mixed := make(func() int { return random.IntN(1000) }), make(func() int { return -1 })
	var asked atomic.Uint64
	first := contender{"first", func(*rand.Rand) (int, error) {
		random := rand.New(rand.NewPCG(asked.Add(1), 4)) // hardly a question comes twice
		r := &v1.CheckBulkPermissionsRequest{Consistency: modes["fully_consistent"]}
		for range bulkItems {
			item := &v1.CheckBulkPermissionsRequestItem{}
			item.Resource, item.Permission, item.Subject = portalQuestion(random, random.IntN(1000))
			r.Items = append(r.Items, item)
		}
		_, err := s.permissions.CheckBulkPermissions(context.Background(), r)
		return bulkItems, err
	}}
	contenders := []contender{
		check("empty", s.empty, mixed), check("same", s.permissions, same), check("mixed", s.permissions, mixed), first,
	}
	for _, r := range slices.Concat(same, mixed) { // warm
		if _, err := s.permissions.CheckBulkPermissions(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { contest(b, callers, contenders...) })
	}
}

// BenchmarkWrite writes one new relationship a call. The floor is an empty call
// that appends one entry of about the same bytes to raft's log store.
func BenchmarkWrite(b *testing.B) {
	s := startBench(b)
	var next atomic.Int64
	write := func(name string, client v1.PermissionsServiceClient) contender {
		return contender{name, func(*rand.Rand) (int, error) {
			r := fromRelationship(b, viewer(fmt.Sprintf("written_%d", next.Add(1)), "anne"))
			_, err := client.WriteRelationships(context.Background(), &v1.WriteRelationshipsRequest{
				Updates: []*v1.RelationshipUpdate{{Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: r}},
			})
			return 1, err
		}}
	}
	for _, callers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			contest(b, callers, write("append", s.empty), write("write", s.permissions))
		})
	}
}

// BenchmarkImportBulk imports streams of 100,000 relationships.
func BenchmarkImportBulk(b *testing.B) {
	s := startNode(b)
	s.writeSchema(b, benchSchema(b))
	var messages []*v1.ImportBulkRelationshipsRequest
	for i := range wide {
		if i%1000 == 0 {
			messages = append(messages, &v1.ImportBulkRelationshipsRequest{})
		}
		m := messages[len(messages)-1]
		m.Relationships = append(m.Relationships, fromRelationship(b, viewer(fmt.Sprintf("imported_%06d", i), "anne")))
	}
	var rates []float64
	for round := 0; b.Loop(); round++ {
		for _, m := range messages {
			for _, r := range m.Relationships {
				r.Subject.Object.ObjectId = fmt.Sprintf("user_%d", round)
			}
		}
		began := time.Now()
		if err := s.importMessages(messages); err != nil {
			b.Fatal(err)
		}
		rates = append(rates, wide/time.Since(began).Seconds())
	}
	b.ReportMetric(median(rates), "relationships/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLookupResources streams results: of a lookup whose candidates need no
// check, and of the portal's, whose do.
func BenchmarkLookupResources(b *testing.B) {
	s := startBench(b)
	lookup := func(name string, client v1.PermissionsServiceClient, r *v1.LookupResourcesRequest) contender {
		return contender{name, func(*rand.Rand) (int, error) {
			stream, err := client.LookupResources(context.Background(), r)
			if err != nil {
				return 0, err
			}
			found, err := drain(stream)
			if err == nil && len(found) < 100 {
				err = fmt.Errorf("only %d results", len(found))
			}
			return len(found), err
		}}
	}
	contest(b, 1,
		lookup("empty", s.empty, &v1.LookupResourcesRequest{OptionalLimit: wide}),
		lookup("direct", s.permissions, &v1.LookupResourcesRequest{
			ResourceObjectType: "document", Permission: "view", Subject: subject(b, "user:everywhere"),
		}),
		lookup("portal", s.permissions, &v1.LookupResourcesRequest{
			ResourceObjectType: "diagram", Permission: "view", Subject: subject(b, "user:c0_user_0"),
		}))
}

// BenchmarkWatch measures how long after a write was begun, and after it was
// acknowledged, a watch has it.
func BenchmarkWatch(b *testing.B) {
	s := startNode(b)
	s.writeSchema(b, benchSchema(b))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	watch, err := s.watch.Watch(ctx, &v1.WatchRequest{
		OptionalObjectTypes: []string{"document"}, OptionalStartCursor: &v1.ZedToken{Token: s.replica.Token(s.replica.Head())},
	})
	if err != nil {
		b.Fatal(err)
	}
	var whole, after []float64
	for round := 0; b.Loop(); round++ {
		for i := range 100 {
			name := fmt.Sprintf("watched_%d_%d", round, i)
			arrived := make(chan time.Time, 1)
			go func() {
				if m, err := watch.Recv(); err == nil && strings.HasSuffix(m.Updates[0].Relationship.Resource.ObjectId, name) {
					arrived <- time.Now()
				}
				close(arrived)
			}()
			began := time.Now()
			_, err := s.permissions.WriteRelationships(ctx, &v1.WriteRelationshipsRequest{Updates: []*v1.RelationshipUpdate{{
				Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: fromRelationship(b, viewer(name, "anne")),
			}}})
			if err != nil {
				b.Fatal(err)
			}
			acknowledged := time.Now()
			at, ok := <-arrived
			if !ok {
				b.Fatalf("the watch has not told of %s", name)
			}
			whole = append(whole, float64(at.Sub(began).Microseconds()))
			after = append(after, float64(at.Sub(acknowledged).Microseconds()))
		}
	}
	b.ReportMetric(median(whole), "µs/write-to-watch")
	b.ReportMetric(median(after), "µs/answer-to-watch")
	b.ReportMetric(0, "ns/op")
}
