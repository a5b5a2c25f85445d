package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/server"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/replica/peer"
	"github.com/pemba-authz/pemba/server/store"
)

// startCluster starts servers on members of one cluster, over real connections.
func startCluster(t *testing.T, members int, change func(*server.Config)) []*harness {
	t.Helper()
	var networks []*peer.Network
	var join []string
	for range members {
		n, err := peer.Listen(t.Context(), peer.Config{Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		networks, join = append(networks, n), append(join, n.Address())
	}
	var all []*harness
	for i, n := range networks {
		h := &harness{TB: t}
		h.clock.set(startOfTime)
		r, err := replica.Open(t.Context(), replica.Config{
			InMemory: true, Name: fmt.Sprint(i), Network: n, Join: join, Expect: members, Now: h.clock.now,
			Logger: slog.New(slog.DiscardHandler), Store: store.Config{MinFree: 1, CacheBytes: 1 << 20}, Roster: map[string]string{},
		})
		if err != nil {
			t.Fatal(err)
		}
		h.serve(r, change)
		all = append(all, h)
	}
	for _, h := range all {
		h.hasLeader()
	}
	return all
}

// hasLeader waits until the member has all that any has.
func (h *harness) hasLeader() {
	h.Helper()
	ctx, end := context.WithTimeout(h.Context(), 2*time.Minute)
	defer end()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		snap, err := h.replica.Snapshot(ctx, replica.Consistency{Mode: replica.FullyConsistent})
		if err == nil {
			snap.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.Fatalf("nobody leads: %v", err)
		}
	}
}

// TestReservedOnFollowers writes what is reserved at every member of a cluster:
// what goes on to the leader is refused where it arrives.
func TestReservedOnFollowers(t *testing.T) {
	all := startCluster(t, 3, func(c *server.Config) {
		c.Reserved = &server.Reserved{Schema: reservedSchema, Documents: []string{"portal/"}}
	})
	text := reservedSchema + otherSchema
	all[0].portalWrites(store.Transaction{Schema: &text})
	followers := 0
	for _, h := range all {
		if !h.replica.Status().Leader {
			followers++
		}
		_, err := h.permissions.WriteRelationships(t.Context(), &v1.WriteRelationshipsRequest{Updates: []*v1.RelationshipUpdate{{
			Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: relationship(t, "company:acme#owner@user:mallory"),
		}}})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("a relationship: %v", err)
		}
		_, err = h.permissions.DeleteRelationships(t.Context(), &v1.DeleteRelationshipsRequest{RelationshipFilter: &v1.RelationshipFilter{ResourceType: "company"}})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("a deletion: %v", err)
		}
		_, err = pembav1.NewDocumentServiceClient(h.conn).WriteDocument(t.Context(), &pembav1.WriteDocumentRequest{
			Key: "portal/company/acme", DocumentClass: pembav1.DocumentClass_DOCUMENT_CLASS_OPEN, Value: structpb.NewBoolValue(true),
		})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("a document: %v", err)
		}
		_, err = h.schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: "definition mine {}"})
		if status.Code(err) != codes.FailedPrecondition {
			t.Errorf("a schema: %v", err)
		}
		if _, err := h.permissions.WriteRelationships(t.Context(), &v1.WriteRelationshipsRequest{Updates: []*v1.RelationshipUpdate{{
			Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: relationship(t, "report:r1#reader@user:ann"),
		}}}); err != nil {
			t.Errorf("what is not reserved: %v", err)
		}
	}
	if followers != 2 {
		t.Errorf("%d of 3 members follow", followers)
	}
}

// TestReservedSchemaRace has the portal write newer definitions while somebody writes
// a schema that he made of the older ones: the newer ones stay, and what he wrote is
// there only where it has them.
func TestReservedSchemaRace(t *testing.T) {
	h := startReserved(t, false)
	for round := range 30 {
		older := reservedSchema + otherSchema
		newer := strings.Replace(reservedSchema, "relation owner", fmt.Sprintf("relation guest%d: user\n\trelation owner", round), 1) + otherSchema
		h.portalWrites(store.Transaction{Schema: &older})
		var both sync.WaitGroup
		var refused error
		both.Go(func() {
			_, refused = h.schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: older + "\ndefinition mine {}\n"})
		})
		h.portalWrites(store.Transaction{Schema: &newer})
		both.Wait()
		if refused != nil && status.Code(refused) != codes.FailedPrecondition {
			t.Fatal(refused)
		}
		got, err := h.schemas.ReadSchema(t.Context(), &v1.ReadSchemaRequest{})
		if err != nil || !strings.Contains(got.SchemaText, fmt.Sprintf("guest%d", round)) {
			t.Fatalf("round %d (%v): the portal's definitions are the older ones again:\n%s", round, err, got.GetSchemaText())
		}
	}
}

// TestReservedSchemaRepeated repeats a schema by its idempotency key: that it relied on
// another one before it does not make it another write.
func TestReservedSchemaRepeated(t *testing.T) {
	h := startReserved(t, false)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "idempotency-key", "k")
	write := func() string {
		t.Helper()
		got, err := h.schemas.WriteSchema(ctx, &v1.WriteSchemaRequest{Schema: reservedSchema + "\ndefinition mine {}\n"})
		if err != nil {
			t.Fatal(err)
		}
		return got.WrittenAt.Token
	}
	if first, second := write(), write(); first != second {
		t.Errorf("it was written at %s and again at %s", first, second)
	}
}
