package server_test

import (
	"context"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

const reservedSchema = `use constraint

caveat by_day(day string) { day == "monday" }

definition user {}

definition company {
	/** Everyone. */
	relation member: user | user with by_day
	relation owner: user
	permission view = member + owner
	constraint one_owner = at_most_one(owner)
}
`

const otherSchema = `
definition report {
	relation company: company
	relation reader: user
	permission read = reader + company->view
}
`

// startReserved starts a server whose portal has written a company, past the
// services.
func startReserved(t *testing.T, raw bool) *harness {
	t.Helper()
	h := start(t, func(c *server.Config) {
		c.Reserved = &server.Reserved{Schema: reservedSchema, Documents: []string{"portal/"}, RawWrites: raw}
	})
	text := reservedSchema + otherSchema
	h.portalWrites(store.Transaction{Schema: &text})
	r, err := engine.ParseRelationship("company:acme#member@user:anne")
	if err != nil {
		t.Fatal(err)
	}
	h.portalWrites(store.Transaction{
		Updates:   []store.Update{{Op: store.Create, Relationship: r}},
		Documents: []store.DocumentUpdate{{Key: "portal/company/acme", Class: store.ClassOpen, Value: []byte(`{"name":"Acme"}`)}},
	})
	return h
}

func (h *harness) portalWrites(tx store.Transaction) {
	h.Helper()
	if _, err := h.replica.Propose(h.Context(), replica.Proposal{Tx: tx}); err != nil {
		h.Fatal(err)
	}
}

func reservedUpdates(t *testing.T, op v1.RelationshipUpdate_Operation, texts ...string) (out []*v1.RelationshipUpdate) {
	for _, r := range protoRelationships(t, texts...) {
		out = append(out, &v1.RelationshipUpdate{Operation: op, Relationship: r})
	}
	return out
}

func protoRelationships(t *testing.T, texts ...string) (out []*v1.Relationship) {
	t.Helper()
	for _, text := range texts {
		r, err := engine.ParseRelationship(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, &v1.Relationship{
			Resource: &v1.ObjectReference{ObjectType: r.Resource.Type, ObjectId: r.Resource.ID}, Relation: r.Relation,
			Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: r.Subject.Type, ObjectId: r.Subject.ID}, OptionalRelation: r.Subject.Relation},
		})
	}
	return out
}

// reservedWrites are all ways in which a caller can write what is reserved.
func reservedWrites(t *testing.T, h *harness) map[string]func(context.Context) error {
	documents, transactions := pembav1.NewDocumentServiceClient(h.conn), pembav1.NewTransactionServiceClient(h.conn)
	remove := func(f *v1.RelationshipFilter) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := h.permissions.DeleteRelationships(ctx, &v1.DeleteRelationshipsRequest{RelationshipFilter: f})
			return err
		}
	}
	write := func(op v1.RelationshipUpdate_Operation) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := h.permissions.WriteRelationships(ctx, &v1.WriteRelationshipsRequest{
				Updates: reservedUpdates(t, op, "report:r#reader@user:anne", "company:acme#member@user:bob"),
			})
			return err
		}
	}
	transact := func(r *pembav1.WriteTransactionRequest) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := transactions.WriteTransaction(ctx, r)
			return err
		}
	}
	document := func(op pembav1.DocumentUpdate_Operation, class pembav1.DocumentClass) *pembav1.WriteTransactionRequest {
		u := &pembav1.DocumentUpdate{Operation: op, Key: "portal/company/acme", DocumentClass: class}
		if op == pembav1.DocumentUpdate_OPERATION_WRITE {
			u.Value = structpb.NewStringValue("x")
		}
		return &pembav1.WriteTransactionRequest{DocumentUpdates: []*pembav1.DocumentUpdate{u}}
	}
	imports := map[string]func(context.Context) error{
		"an import": func(ctx context.Context) error {
			stream, err := h.permissions.ImportBulkRelationships(ctx)
			if err != nil {
				return err
			}
			sent := stream.Send(&v1.ImportBulkRelationshipsRequest{Relationships: protoRelationships(t, "report:r#reader@user:anne", "company:new#member@user:bob")})
			if _, err := stream.CloseAndRecv(); err != nil {
				return err
			}
			return sent
		},
		"an import under its old name": func(ctx context.Context) error {
			//lint:ignore SA1019 it is served
			stream, err := h.experimental.BulkImportRelationships(ctx)
			if err != nil {
				return err
			}
			sent := stream.Send(&v1.BulkImportRelationshipsRequest{Relationships: protoRelationships(t, "company:newer#member@user:bob")})
			if _, err := stream.CloseAndRecv(); err != nil {
				return err
			}
			return sent
		},
	}
	all := map[string]func(context.Context) error{
		"a create":                 write(v1.RelationshipUpdate_OPERATION_CREATE),
		"a touch":                  write(v1.RelationshipUpdate_OPERATION_TOUCH),
		"a delete":                 write(v1.RelationshipUpdate_OPERATION_DELETE),
		"a delete by type":         remove(&v1.RelationshipFilter{ResourceType: "company", OptionalResourceId: "none"}),
		"a delete by subject":      remove(&v1.RelationshipFilter{OptionalSubjectFilter: &v1.SubjectFilter{SubjectType: "user", OptionalSubjectId: "zoe"}}),
		"a delete by relation":     remove(&v1.RelationshipFilter{OptionalRelation: "member"}),
		"a delete by id":           remove(&v1.RelationshipFilter{OptionalResourceId: "acme"}),
		"a transaction":            transact(&pembav1.WriteTransactionRequest{Updates: reservedUpdates(t, v1.RelationshipUpdate_OPERATION_TOUCH, "company:acme#owner@user:bob")}),
		"a transaction's document": transact(document(pembav1.DocumentUpdate_OPERATION_WRITE, pembav1.DocumentClass_DOCUMENT_CLASS_OPEN)),
		"a transaction's deletion": transact(document(pembav1.DocumentUpdate_OPERATION_DELETE, 0)),
		"a document": func(ctx context.Context) error {
			_, err := documents.WriteDocument(ctx, &pembav1.WriteDocumentRequest{
				Key: "portal/new", DocumentClass: pembav1.DocumentClass_DOCUMENT_CLASS_SEALED, Value: structpb.NewBoolValue(true),
			})
			return err
		},
		"the deletion of a document": func(ctx context.Context) error {
			_, err := documents.DeleteDocument(ctx, &pembav1.DeleteDocumentRequest{Key: "portal/company/acme"})
			return err
		},
	}
	for name, f := range imports {
		all[name] = f
	}
	return all
}

// errorInfo returns the ErrorInfo of a refusal, nil for none.
func errorInfo(err error) *errdetails.ErrorInfo {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// TestReservedWrites refuses every way to write what only the portal writes, and
// nothing that comes with it is written.
func TestReservedWrites(t *testing.T) {
	h := startReserved(t, false)
	before := h.replica.Head()
	for name, write := range reservedWrites(t, h) {
		err := write(t.Context())
		if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "--portal-raw-writes") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info := errorInfo(err); info.GetReason() != "RESERVED" || info.GetDomain() != "portal.pemba" || len(info.GetMetadata()) != 1 {
			t.Errorf("%s: %v", name, info)
		}
		if !strings.Contains(err.Error(), `"company"`) && !strings.Contains(err.Error(), `"portal/"`) {
			t.Errorf("%s: it does not say what is reserved: %v", name, err)
		}
	}
	if h.replica.Head() != before {
		t.Errorf("the head went from %d to %d", before, h.replica.Head())
	}
}

// TestReservedRawWrites lets operators repair what is reserved.
func TestReservedRawWrites(t *testing.T) {
	h := startReserved(t, true)
	for name, write := range reservedWrites(t, h) {
		switch err := write(t.Context()); status.Code(err) {
		case codes.PermissionDenied, codes.Internal, codes.Unknown:
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: "definition user {}"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a schema without the portal: %v", err)
	}
}

// TestReservedRawWrites_KeepConstraints lets operators write past the portal, and not
// past what its schema constrains.
func TestReservedRawWrites_KeepConstraints(t *testing.T) {
	h := startReserved(t, true)
	own := func(who string) error {
		_, err := h.permissions.WriteRelationships(t.Context(), &v1.WriteRelationshipsRequest{Updates: reservedUpdates(t, v1.RelationshipUpdate_OPERATION_TOUCH, "company:acme#owner@user:"+who)})
		return err
	}
	if err := own("anne"); err != nil {
		t.Error(err)
	}
	if err := own("mallory"); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "one_owner") {
		t.Errorf("a second owner: %v", err)
	}
}

// TestReservedReads lets everybody read what is reserved, and rely on it.
func TestReservedReads(t *testing.T) {
	h := startReserved(t, false)
	check := &v1.CheckPermissionRequest{
		Consistency: &v1.Consistency{Requirement: &v1.Consistency_FullyConsistent{FullyConsistent: true}},
		Resource:    &v1.ObjectReference{ObjectType: "company", ObjectId: "acme"}, Permission: "view",
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "anne"}},
	}
	if answer, err := h.permissions.CheckPermission(t.Context(), check); err != nil || answer.Permissionship != v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION {
		t.Errorf("a check: %v, %v", answer, err)
	}
	if _, err := pembav1.NewDocumentServiceClient(h.conn).GetDocument(t.Context(), &pembav1.GetDocumentRequest{Key: "portal/company/acme"}); err != nil {
		t.Errorf("a document: %v", err)
	}
	relying := &pembav1.WriteTransactionRequest{
		Updates: reservedUpdates(t, v1.RelationshipUpdate_OPERATION_TOUCH, "report:r#company@company:acme"),
		Guards: []*pembav1.PermissionGuard{{
			Resource: check.Resource, Permission: "view", Subject: check.Subject, Requirement: pembav1.PermissionGuard_REQUIREMENT_MUST_HOLD,
		}},
		Preconditions: []*v1.Precondition{{
			Operation: v1.Precondition_OPERATION_MUST_MATCH, Filter: &v1.RelationshipFilter{ResourceType: "company", OptionalResourceId: "acme"},
		}},
		DocumentPreconditions: []*pembav1.DocumentPrecondition{{Key: "portal/none", Version: new(uint64)}},
	}
	if _, err := pembav1.NewTransactionServiceClient(h.conn).WriteTransaction(t.Context(), relying); err != nil {
		t.Errorf("a transaction that relies on it: %v", err)
	}
	for name, f := range map[string]*v1.RelationshipFilter{
		"of a type of others":                 {ResourceType: "report"},
		"of a relation that only others have": {OptionalRelation: "reader"},
		"of a subject that only others have":  {OptionalSubjectFilter: &v1.SubjectFilter{SubjectType: "company"}},
	} {
		if _, err := h.permissions.DeleteRelationships(t.Context(), &v1.DeleteRelationshipsRequest{RelationshipFilter: f}); err != nil {
			t.Errorf("a delete %s: %v", name, err)
		}
	}
}

// TestReservedSchema refuses schemas that drop or change what is reserved, and
// takes others beside it.
func TestReservedSchema(t *testing.T) {
	h := startReserved(t, false)
	change := func(old, with string) string {
		text := strings.Replace(reservedSchema, old, with, 1)
		if text == reservedSchema {
			t.Fatalf("%q is not in the schema", old)
		}
		return text
	}
	company := reservedSchema[strings.Index(reservedSchema, "definition company"):]
	for name, c := range map[string]struct{ text, names string }{
		"everything dropped":   {"definition mine {}", `"company"`},
		"a definition dropped": {change(company, ""), `definition "company"`},
		"a relation added":     {change("relation owner", "relation guest: user\n\trelation owner"), `company#guest added`},
		"a relation dropped":   {change("view = member + owner", "view = owner") + otherSchema, `company#view is now owner`},
		"a subject added":      {change("relation owner: user", "relation owner: user | user:*"), `company#owner allows now`},
		"a constraint dropped": {change("constraint one_owner = at_most_one(owner)", ""), `one_owner = at_most_one(owner) removed`},
		"a caveat changed":     {change(`"monday"`, `"friday"`), `caveat "by_day"`},
		"a definition reused":  {change("definition user {}", "definition user { relation friend: user }"), `definition "user"`},
	} {
		_, err := h.schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: c.text})
		if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), c.names) || !strings.Contains(err.Error(), "Customer Portal") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: "definition {"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a schema that does not compile: %v", err)
	}
	for name, text := range map[string]string{
		"another comment, layout and order": "definition mine { relation own: user }" + strings.ReplaceAll(change("/** Everyone. */", "// all of them")[len("use constraint\n"):], "\t", "  "),
		"others beside it":                  reservedSchema + otherSchema + "\ndefinition mine { relation own: user }",
	} {
		if !strings.HasPrefix(text, "use") {
			text = "use constraint\n" + text
		}
		if _, err := h.schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: text}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReservedSchemaFirst holds schemas of before the portal has written its own
// against what it will write.
func TestReservedSchemaFirst(t *testing.T) {
	h := start(t, func(c *server.Config) { c.Reserved = &server.Reserved{Schema: reservedSchema} })
	if _, err := h.schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: "definition user { relation friend: user }"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("another user: %v", err)
	}
	for _, text := range []string{"definition mine {}", "definition mine {}\ndefinition user {}", reservedSchema} {
		if _, err := h.schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: text}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := server.New(server.Config{Replica: h.replica, Reserved: &server.Reserved{Schema: "definition {"}}); err == nil {
		t.Error("a server with reserved definitions that do not compile was made")
	}
}

// TestReviewReserved says of what belongs to the portal that it stands in the way.
func TestReviewReserved(t *testing.T) {
	h := startReserved(t, false)
	c := consolev1.NewSchemaToolsServiceClient(h.conn)
	review := func(text string) *consolev1.ReviewSchemaResponse {
		r, err := c.ReviewSchema(t.Context(), &consolev1.ReviewSchemaRequest{SchemaText: text})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := review(reservedSchema + otherSchema + "definition extra {}\n"); r.GetBlocked() || len(r.GetChanges()) != 1 {
		t.Errorf("a definition more: %v", r)
	}
	r := review(strings.Replace(reservedSchema, "member + owner", "member", 1) + otherSchema)
	if !r.GetBlocked() || len(r.GetChanges()) != 1 || !strings.Contains(strings.Join(r.GetChanges()[0].GetReasons(), " "), `definition "company" belongs to the Customer Portal`) {
		t.Errorf("a permission of the portal: %v", r)
	}
}
