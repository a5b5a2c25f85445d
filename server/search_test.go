package server_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/protobuf/proto"

	"github.com/pemba-authz/pemba/server"
)

// searchSchema has a permission whose candidates need no check, and one whose do.
const searchSchema = `
definition user {}
definition document {
	relation viewer: user
	relation banned: user
	permission view = viewer
	permission read = viewer - banned
}`

// searchWorld lets anne view three documents and read two.
func searchWorld(h *harness) {
	h.writeSchema(searchSchema)
	h.write("document:a#viewer@user:anne", "document:b#viewer@user:anne", "document:b#banned@user:anne",
		"document:c#viewer@user:anne", "document:a#viewer@user:bob", "document:a#viewer@user:carl", "document:a#banned@user:bob")
}

// lineOf waits for the line that the log has of a method.
func (h *harness) lineOf(t *testing.T, method string) string {
	t.Helper()
	for t.Context().Err() == nil {
		for line := range strings.Lines(h.log.text()) {
			if strings.Contains(line, "msg=call") && strings.Contains(line, method) {
				return line
			}
		}
		tick(t)
	}
	t.Fatalf("the log has no line of %s", method)
	return ""
}

// TestSlowLookups makes every call slow: the line of a lookup says what it took,
// and shows the check that took the most.
func TestSlowLookups(t *testing.T) {
	subjects := &v1.LookupSubjectsRequest{Resource: object(t, "document:a"), Permission: "read", SubjectObjectType: "user"}
	resources := &v1.LookupResourcesRequest{ResourceObjectType: "document", Permission: "read", Subject: subject(t, "user:anne")}
	certain := proto.CloneOf(resources)
	certain.Permission = "view"
	for _, c := range []struct {
		name    string
		request proto.Message
		want    []string
		not     string
	}{
		{"LookupResources", resources, []string{"lookup.candidates=3", "lookup.checks=3", "lookup.results=2", "lookup.slowest=a", "banned"}, ""},
		{"LookupSubjects", subjects, []string{"lookup.candidates=3", "lookup.checks=3", "lookup.results=2", "lookup.slowest=anne", "banned"}, ""},
		{"LookupResources", certain, []string{"lookup.candidates=3", "lookup.checks=0", "lookup.check_reads=0", "lookup.results=3"}, "lookup.trace"},
	} {
		t.Run(fmt.Sprintf("%s of %v", c.name, c.not == ""), func(t *testing.T) {
			h := start(t, func(c *server.Config) { c.Limits.Slow = 1 })
			searchWorld(h)
			if _, _, err := h.call(t.Context(), c.name, c.request); err != nil {
				t.Fatal(err)
			}
			line := h.lineOf(t, c.name)
			for _, want := range append(c.want, "slow=true", "level=WARN", "lookup.finding_ms=", "lookup.kept=false") {
				if !strings.Contains(line, want) {
					t.Errorf("%q is missing: %s", want, line)
				}
			}
			if c.not != "" && strings.Contains(line, c.not) {
				t.Errorf("%q is too much: %s", c.not, line)
			}
		})
	}
}

// TestLookupSubjectsByPage takes the subjects of a resource one by one. Only the
// first page finds the candidates, and the pages together are what one answer is.
func TestLookupSubjectsByPage(t *testing.T) {
	h := start(t, func(c *server.Config) { c.Limits.Slow = 1 })
	searchWorld(h)
	r := &v1.LookupSubjectsRequest{Resource: object(t, "document:a"), Permission: "view", SubjectObjectType: "user"}
	pages, err := subjectsByPage(t.Context(), h.permissions, r, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(pages)); !slices.Equal(got, []string{"anne", "bob", "carl"}) {
		t.Errorf("found %v", got)
	}
	h.lineOf(t, "LookupSubjects")
	if n := strings.Count(h.log.text(), "lookup.kept=false"); n != 1 {
		t.Errorf("%d pages found their candidates: %s", n, h.log.text())
	}
}

// subjectsByPage looks subjects up, a few a page.
func subjectsByPage(ctx context.Context, client v1.PermissionsServiceClient, r *v1.LookupSubjectsRequest, limit uint32) (map[string]*v1.LookupSubjectsResponse, error) {
	all := map[string]*v1.LookupSubjectsResponse{}
	r = proto.CloneOf(r)
	r.OptionalConcreteLimit = limit
	for {
		stream, err := client.LookupSubjects(ctx, r)
		if err != nil {
			return nil, err
		}
		page, err := drain(stream)
		if err != nil {
			return nil, err
		}
		concrete := uint32(0)
		for _, found := range page {
			id := found.Subject.SubjectObjectId
			if all[id] != nil {
				return nil, fmt.Errorf("%s is found twice", id)
			}
			if all[id] = found; id != "*" {
				concrete++
			}
			r.OptionalCursor = found.AfterResultCursor
		}
		if concrete < limit {
			return all, nil
		}
	}
}

// TestSpansOfRooms demands a span for each room that other calls pass.
func TestSpansOfRooms(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	h := start(t, func(c *server.Config) { c.Tracing = provider })
	searchWorld(h)
	for _, c := range []struct {
		method, room string
		request      proto.Message
	}{
		{"CheckBulkPermissions", "engine.Check", &v1.CheckBulkPermissionsRequest{Items: []*v1.CheckBulkPermissionsRequestItem{{
			Resource: object(t, "document:a"), Permission: "read", Subject: subject(t, "user:anne"),
		}}}},
		{"ExpandPermissionTree", "engine.Expand", &v1.ExpandPermissionTreeRequest{Resource: object(t, "document:a"), Permission: "view"}},
		{"WriteRelationships", "replica.Propose", &v1.WriteRelationshipsRequest{Updates: []*v1.RelationshipUpdate{{
			Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: relationship(t, "document:d#viewer@user:anne"),
		}}}},
		{"ImportBulkRelationships", "replica.Commit", &v1.ImportBulkRelationshipsRequest{
			Relationships: []*v1.Relationship{relationship(t, "document:e#viewer@user:anne")},
		}},
	} {
		recorder.Reset()
		if _, _, err := h.call(t.Context(), c.method, c.request); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(recorder.Ended(), func(s sdktrace.ReadOnlySpan) bool { return s.Name() == c.room }) {
			t.Errorf("%s has no span %s", c.method, c.room)
		}
	}
}

// TestLookupSpans demands a span for finding candidates and one for checking them.
func TestLookupSpans(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	h := start(t, func(c *server.Config) { c.Tracing = provider })
	searchWorld(h)
	if _, _, err := h.call(t.Context(), "LookupSubjects", &v1.LookupSubjectsRequest{
		Resource: object(t, "document:a"), Permission: "read", SubjectObjectType: "user",
	}); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]int64{
		"engine.Candidates pemba.candidates": 3, "engine.Results pemba.checks": 3, "engine.Results pemba.results": 2,
	}
	for _, span := range recorder.Ended() {
		for _, a := range span.Attributes() {
			name := span.Name() + " " + string(a.Key)
			if want, ok := wanted[name]; ok && a.Value.AsInt64() == want {
				delete(wanted, name)
			}
		}
	}
	if len(wanted) > 0 {
		t.Errorf("missing: %v", wanted)
	}
}
