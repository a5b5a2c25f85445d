package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/server"
)

const limitsSchema = `
caveat kind(name string, other string) { name == other }
definition user {}
definition document {
	relation viewer: user | user with kind
	permission view = viewer
}`

// TestLimits sends, for every limit, what just passes and what just does not.
func TestLimits(t *testing.T) {
	h := start(t, nil)
	h.writeSchema(limitsSchema)
	update := func(i int) *v1.RelationshipUpdate {
		return &v1.RelationshipUpdate{
			Operation:    v1.RelationshipUpdate_OPERATION_TOUCH,
			Relationship: relationship(t, fmt.Sprintf("document:d%d#viewer@user:anne", i)),
		}
	}
	write := func(updates, preconditions int, metadata *structpb.Struct) *v1.WriteRelationshipsRequest {
		r := &v1.WriteRelationshipsRequest{OptionalTransactionMetadata: metadata}
		for i := range updates {
			r.Updates = append(r.Updates, update(i))
		}
		for range preconditions {
			r.OptionalPreconditions = append(r.OptionalPreconditions, &v1.Precondition{
				Operation: v1.Precondition_OPERATION_MUST_NOT_MATCH,
				Filter:    &v1.RelationshipFilter{ResourceType: "document", OptionalResourceId: "none"},
			})
		}
		return r
	}
	// A text of n bytes makes metadata of n+8 and a request context of n+10.
	one := func(name string, n int) *structpb.Struct {
		return &structpb.Struct{Fields: map[string]*structpb.Value{name: structpb.NewStringValue(strings.Repeat("x", n))}}
	}
	stored := func(n int) *v1.WriteRelationshipsRequest {
		r := write(1, 0, nil)
		r.Updates[0].Relationship.OptionalCaveat = &v1.ContextualizedCaveat{CaveatName: "kind", Context: one("name", n)}
		return r
	}
	check := func(context *structpb.Struct) *v1.CheckPermissionRequest {
		return &v1.CheckPermissionRequest{
			Resource: object(t, "document:a"), Permission: "view", Subject: subject(t, "user:anne"), Context: context,
		}
	}
	checks := func(n int) *v1.CheckBulkPermissionsRequest {
		r := &v1.CheckBulkPermissionsRequest{}
		for range n {
			r.Items = append(r.Items, &v1.CheckBulkPermissionsRequestItem{
				Resource: object(t, "document:a"), Permission: "view", Subject: subject(t, "user:anne"),
			})
		}
		return r
	}
	ofID := func(n int) *v1.CheckPermissionRequest {
		r := check(nil)
		r.Resource.ObjectId = strings.Repeat("i", n)
		return r
	}
	ofType := func(segments int) *v1.CheckPermissionRequest {
		r := check(nil)
		r.Resource.ObjectType = strings.Repeat("seg/", segments) + "name"
		return r
	}
	contextOf := func(size int) *structpb.Struct {
		s := one("n", size)
		for proto.Size(s) > size {
			s = one("n", len(s.Fields["n"].GetStringValue())-1)
		}
		return s
	}
	for _, c := range []struct {
		name       string
		method     string
		fits, over proto.Message
		want       string
	}{
		{"updates", "WriteRelationships", write(1000, 0, nil), write(1001, 0, nil),
			"InvalidArgument TOO_MANY_UPDATES_IN_REQUEST"},
		{"preconditions of a write", "WriteRelationships", write(1, 1000, nil), write(1, 1001, nil),
			"InvalidArgument TOO_MANY_PRECONDITIONS_IN_REQUEST"},
		{"metadata", "WriteRelationships", write(1, 0, one("n", 65_000-8)), write(1, 0, one("n", 65_000-7)),
			"InvalidArgument TRANSACTION_METADATA_TOO_LARGE"},
		{"stored context", "WriteRelationships", stored(25_000 - 11), stored(25_000 - 10),
			"InvalidArgument MAX_RELATIONSHIP_CONTEXT_SIZE"},
		{"request context", "CheckPermission", check(contextOf(4096)), check(one("n", 4096)),
			"InvalidArgument: the request's caveat context has"},
		{"checks", "CheckBulkPermissions", checks(10_000), checks(10_001),
			"InvalidArgument TOO_MANY_CHECKS_IN_REQUEST"},
		{"object id", "CheckPermission", ofID(1024), ofID(1025),
			"InvalidArgument: resource: the object id has 1025 bytes"},
		{"type name", "CheckPermission", nil, ofType(32),
			"InvalidArgument: resource: the type name"},
		{"limit of a read", "ReadRelationships", read(1000), read(1001),
			"InvalidArgument EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT"},
		{"limit of an export", "ExportBulkRelationships",
			&v1.ExportBulkRelationshipsRequest{OptionalLimit: 10_000}, &v1.ExportBulkRelationshipsRequest{OptionalLimit: 10_001},
			"InvalidArgument EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.fits != nil {
				if _, _, err := h.call(context.Background(), c.method, c.fits); err != nil {
					t.Errorf("what fits is refused: %s", printError(t, err))
				}
			}
			_, _, err := h.call(context.Background(), c.method, c.over)
			if got := printError(t, err); !strings.HasPrefix(got, c.want) {
				t.Errorf("what does not fit: %s, want %s", got, c.want)
			}
		})
	}
}

func read(limit uint32) *v1.ReadRelationshipsRequest {
	return &v1.ReadRelationshipsRequest{
		RelationshipFilter: &v1.RelationshipFilter{ResourceType: "document"}, OptionalLimit: limit,
	}
}

// TestMismatchedTokens gives a server tokens of another cluster.
func TestMismatchedTokens(t *testing.T) {
	other := start(t, nil)
	token := other.writeSchema(limitsSchema)
	check := func(c *v1.Consistency) *v1.CheckPermissionRequest {
		return &v1.CheckPermissionRequest{
			Consistency: c, Resource: object(t, "document:a"), Permission: "view", Subject: subject(t, "user:anne"),
		}
	}
	zed := &v1.ZedToken{Token: token}
	atLeast := check(&v1.Consistency{Requirement: &v1.Consistency_AtLeastAsFresh{AtLeastAsFresh: zed}})
	exact := check(&v1.Consistency{Requirement: &v1.Consistency_AtExactSnapshot{AtExactSnapshot: zed}})
	const refused = "FailedPrecondition: the token was made by another cluster"
	for behaviour, want := range map[server.MismatchedToken]string{
		server.MismatchFullConsistency: "OK", server.MismatchMinLatency: "OK", server.MismatchError: refused,
	} {
		h := start(t, func(c *server.Config) { c.MismatchedToken = behaviour })
		h.writeSchema(limitsSchema)
		h.write("document:a#viewer@user:anne")
		resp, err := h.permissions.CheckPermission(context.Background(), atLeast)
		if got := printError(t, err); !strings.HasPrefix(got, want) {
			t.Errorf("behaviour %d: at least as fresh: %s, want %s", behaviour, got, want)
		}
		if err == nil && resp.Permissionship != v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION {
			t.Errorf("behaviour %d: %s", behaviour, resp.Permissionship)
		}
		_, err = h.permissions.CheckPermission(context.Background(), exact)
		if got := printError(t, err); !strings.HasPrefix(got, refused) {
			t.Errorf("behaviour %d: at exact snapshot: %s, want %s", behaviour, got, refused)
		}
	}
}

// TestImportLimit streams more than one import may hold.
func TestImportLimit(t *testing.T) {
	h := start(t, nil)
	h.writeSchema(limitsSchema)
	ctx := context.Background()
	stream, err := h.permissions.ImportBulkRelationships(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const messages, size = 26, 10_000 // 260,000 in all
	for m := range messages {
		r := &v1.ImportBulkRelationshipsRequest{}
		for i := range size {
			r.Relationships = append(r.Relationships, &v1.Relationship{
				Resource: &v1.ObjectReference{ObjectType: "document", ObjectId: fmt.Sprintf("d%d", m*size+i)},
				Relation: "viewer", Subject: subject(t, "user:anne"),
			})
		}
		if err := stream.Send(r); err != nil {
			break // the answer says why
		}
	}
	_, err = stream.CloseAndRecv()
	const want = "ResourceExhausted: one bulk import takes at most 250000 relationships"
	if got := printError(t, err); !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	pages, _, err := h.call(ctx, "ReadRelationships", read(1))
	if err != nil || len(pages) != 0 {
		t.Errorf("the import left %v, %v", pages, err)
	}
}

// TestLongErrors writes a schema with a thousand faults, by a client that takes
// as little of a header as any does: it hears the first of them.
func TestLongErrors(t *testing.T) {
	h := start(t, nil)
	schemas := v1.NewSchemaServiceClient(h.dial(grpc.WithMaxHeaderListSize(8 << 10)))
	_, err := schemas.WriteSchema(context.Background(), &v1.WriteSchemaRequest{
		Schema: "definition document {\n" + strings.Repeat("\trelation viewer: üser\n", 1000) + "}",
	})
	got, want := printError(t, err), `FailedPrecondition SCHEMA_TYPE_ERROR: line 2, column 19: definition "üser" is not defined`
	if text := status.Convert(err).Message(); !strings.HasPrefix(got, want) || !strings.HasSuffix(text, " more lines") {
		t.Errorf("%.200s … %s, want %s", got, text[max(0, len(text)-100):], want)
	}
}

// TestExportOfMuch exports what is too large for one message, by a client that
// takes what clients take when they are not told otherwise.
func TestExportOfMuch(t *testing.T) {
	h := start(t, nil)
	h.writeSchema(limitsSchema)
	context20k := `[kind:{"name":"` + strings.Repeat("x", 20_000) + `"}]`
	for d := range 5 {
		var some []string
		for u := range 45 {
			some = append(some, fmt.Sprintf("document:d%d#viewer@user:u%02d%s", d, u, context20k))
		}
		h.write(some...)
	}
	for _, limit := range []uint32{0, 1000} {
		got := 0
		r := &v1.ExportBulkRelationshipsRequest{OptionalLimit: limit}
		responses, _, err := h.call(context.Background(), "ExportBulkRelationships", r)
		if err != nil {
			t.Fatalf("limit %d: %v", limit, err)
		}
		for _, m := range responses {
			got += len(m.(*v1.ExportBulkRelationshipsResponse).Relationships)
		}
		if got != 225 || len(responses) < 3 {
			t.Errorf("limit %d: %d relationships in %d messages", limit, got, len(responses))
		}
	}
}
