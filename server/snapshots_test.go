package server_test

import (
	"context"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// TestForgottenRevisions asks for revisions that are no longer kept: they are
// refused, never answered from a later state.
func TestForgottenRevisions(t *testing.T) {
	h := start(t, nil)
	h.writeSchema(limitsSchema)
	token := h.write("document:a#viewer@user:anne", "document:b#viewer@user:anne")
	ctx := context.Background()
	lookup := &v1.LookupResourcesRequest{
		ResourceObjectType: "document", Permission: "view", Subject: subject(t, "user:anne"), OptionalLimit: 1,
	}
	stream, err := h.permissions.LookupResources(ctx, lookup)
	if err != nil {
		t.Fatal(err)
	}
	page, err := drain(stream)
	if err != nil || len(page) != 1 {
		t.Fatalf("%v, %v", page, err)
	}
	lookup.OptionalCursor = page[0].AfterResultCursor
	exact := &v1.CheckPermissionRequest{
		Consistency: &v1.Consistency{Requirement: &v1.Consistency_AtExactSnapshot{AtExactSnapshot: &v1.ZedToken{Token: token}}},
		Resource:    object(t, "document:a"), Permission: "view", Subject: subject(t, "user:anne"),
	}
	if _, err := h.permissions.CheckPermission(ctx, exact); err != nil {
		t.Fatal(err)
	}

	newest := h.write("document:c#viewer@user:anne")
	floor, err := h.replica.ParseToken(newest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.replica.Propose(ctx, replica.Proposal{Tx: store.Transaction{Floor: floor}}); err != nil {
		t.Fatal(err)
	}
	const want = "FailedPrecondition: revision"
	_, err = h.permissions.CheckPermission(ctx, exact)
	if got := printError(t, err); !strings.HasPrefix(got, want) {
		t.Errorf("an exact snapshot: %s", got)
	}
	_, _, err = h.call(ctx, "LookupResources", lookup)
	if got := printError(t, err); !strings.HasPrefix(got, want) {
		t.Errorf("a cursor: %s", got)
	}
	// A token may be older than what is kept where a newer state will do.
	exact.Consistency = &v1.Consistency{Requirement: &v1.Consistency_AtLeastAsFresh{AtLeastAsFresh: &v1.ZedToken{Token: token}}}
	if _, err := h.permissions.CheckPermission(ctx, exact); err != nil {
		t.Errorf("at least as fresh: %v", err)
	}
}

// TestVersion tells its version to who asks for it, over calls of both kinds.
func TestVersion(t *testing.T) {
	h := start(t, func(c *server.Config) { c.Version = "v1.2.3" })
	h.writeSchema(limitsSchema)
	asking := metadata.AppendToOutgoingContext(context.Background(), "io.spicedb.requestversion", "1")
	for ctx, want := range map[context.Context]string{asking: "v1.2.3", context.Background(): ""} {
		var header metadata.MD
		if _, err := h.schemas.ReadSchema(ctx, &v1.ReadSchemaRequest{}, grpc.Header(&header)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(header.Get("io.spicedb.debug.version"), ","); got != want {
			t.Errorf("the version is %q, want %q", got, want)
		}
		stream, err := h.permissions.ReadRelationships(ctx, read(1))
		if err != nil {
			t.Fatal(err)
		}
		if header, err = stream.Header(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(header.Get("io.spicedb.debug.version"), ","); got != want {
			t.Errorf("of a stream, the version is %q, want %q", got, want)
		}
	}
}

// TestTracesAreBounded traces ten thousand checks under a large schema: the
// response stays one that can be sent.
func TestTracesAreBounded(t *testing.T) {
	h := start(t, nil)
	h.writeSchema(limitsSchema + strings.Repeat("// A long comment is part of the schema that a trace shows.\n", 2000))
	r := &v1.CheckBulkPermissionsRequest{WithTracing: true}
	for range 10_000 {
		r.Items = append(r.Items, &v1.CheckBulkPermissionsRequestItem{
			Resource: object(t, "document:a"), Permission: "view", Subject: subject(t, "user:anne"),
		})
	}
	resp, err := h.permissions.CheckBulkPermissions(context.Background(), r, grpc.MaxCallRecvMsgSize(16<<20))
	if err != nil {
		t.Fatal(err)
	}
	first, last := resp.Pairs[0].GetItem().GetDebugTrace(), resp.Pairs[9_999].GetItem().GetDebugTrace()
	if first.GetSchemaUsed() == "" || last.GetSchemaUsed() != "" || last.GetCheck().GetPermission() != "view" {
		t.Errorf("the first trace has %d bytes of schema, the last %d", len(first.GetSchemaUsed()), len(last.GetSchemaUsed()))
	}
}
