package server_test

import (
	"fmt"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// clientAccepts is how large a message clients accept by default, in bytes.
const clientAccepts = 4 << 20

// TestHistoryBytes lists what carries much beside it: each answer is one that clients
// accept, and all of them together have everything once.
func TestHistoryBytes(t *testing.T) {
	h := start(t, nil)
	h.writeSchema("definition user {}\ndefinition document {\n\trelation viewer: user\n}")
	const writes = 90
	much := toStruct(t, map[string]any{"reason": strings.Repeat("m", 60_000)})
	for i := range writes {
		_, err := h.permissions.WriteRelationships(t.Context(), &v1.WriteRelationshipsRequest{
			OptionalTransactionMetadata: much,
			Updates:                     []*v1.RelationshipUpdate{{Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: relationship(t, fmt.Sprintf("document:a#viewer@user:u%d", i))}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c := consolev1.NewHistoryServiceClient(h.conn)
	seen := map[string]bool{}
	r := &consolev1.ReadHistoryRequest{Resource: object(t, "document:a"), OptionalLimit: 1_000}
	pages := 0
	for pages = 1; ; pages++ {
		page, err := c.ReadHistory(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.GetEvents() {
			seen[e.GetRelationship().GetSubject().GetObject().GetObjectId()] = true
		}
		if size := proto.Size(page); size > clientAccepts/2 {
			t.Errorf("a page has %d bytes", size)
		}
		if r.OptionalCursor = page.GetAfterResultCursor(); r.OptionalCursor == nil {
			break
		}
	}
	if len(seen) != writes || pages < 3 {
		t.Errorf("%d of %d events on %d pages", len(seen), writes, pages)
	}
}

// TestAssertionsBytes runs sets that are too large for one answer together, and each
// by its name.
func TestAssertionsBytes(t *testing.T) {
	h := start(t, nil)
	h.writeSchema("definition user {}\ndefinition document {\n\trelation viewer: user\n}")
	c := consolev1.NewAssertionServiceClient(h.conn)
	one := &consolev1.Assertion{Text: "document:a#viewer@user:anne", Expected: consolev1.Answer_ANSWER_NO, Note: strings.Repeat("n", 500)}
	for i := range 60 {
		set := &consolev1.AssertionSet{Name: fmt.Sprintf("set-%d", i)}
		for range 70 {
			set.Assertions = append(set.Assertions, one)
		}
		if _, err := c.SaveAssertions(t.Context(), &consolev1.SaveAssertionsRequest{Set: set}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.RunAssertions(t.Context(), &consolev1.RunAssertionsRequest{})
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "name some of them") {
		t.Errorf("all of them: %v", err)
	}
	ran, err := c.RunAssertions(t.Context(), &consolev1.RunAssertionsRequest{Names: []string{"set-1", "set-7"}})
	if err != nil || ran.GetPassed() != 140 {
		t.Errorf("two of them: %d, %v", ran.GetPassed(), err)
	}
}
