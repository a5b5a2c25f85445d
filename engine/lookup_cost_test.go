package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

// TestLookupCost counts what lookups take: a chain of groups that has to be
// climbed, and documents of which each has to be checked.
func TestLookupCost(t *testing.T) {
	sch := compile(t, `
definition user {}
definition group {
	relation member: user | group#member
}
definition document {
	relation viewer: group#member
	relation banned: user
	permission view = viewer
	permission read = viewer - banned
}`)
	var stored []engine.Relationship
	for _, text := range []string{
		"group:inner#member@user:anne", "group:outer#member@group:inner#member",
		"document:a#viewer@group:inner#member", "document:b#viewer@group:outer#member", "document:b#banned@user:anne",
	} {
		r, err := engine.ParseRelationship(text)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, r)
	}
	m := engine.NewMemory(stored...)
	anne := engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}}
	for _, c := range []struct {
		permission         string
		candidates, checks int
	}{{"view", 2, 0}, {"read", 2, 2}} {
		var cost engine.LookupCost
		e := engine.Engine{Schema: sch, Reader: m, Cost: &cost}
		for _, err := range e.LookupResources(context.Background(), "document", c.permission, anne, "") {
			if err != nil {
				t.Fatal(err)
			}
		}
		if cost.Candidates != c.candidates || cost.Checks != c.checks || cost.Finding == 0 || (cost.Checking > 0) != (c.checks > 0) {
			t.Errorf("resources by %s: %+v", c.permission, cost)
		}
		if c.checks > 0 && (cost.Slowest != "b" || cost.SlowestReads >= cost.Checking) {
			t.Errorf("resources by %s: the slowest is %q with %d of %d reads, want b behind two groups", c.permission, cost.Slowest, cost.SlowestReads, cost.Checking)
		}
	}
	var cost engine.LookupCost
	e := engine.Engine{Schema: sch, Reader: m, Cost: &cost, Limits: engine.Limits{Candidates: 4}}
	_, err := e.SubjectCandidates(context.Background(), engine.Object{Type: "document", ID: "b"}, "read", "user", "")
	if limit := (*engine.LimitError)(nil); !errors.As(err, &limit) || cost.Finding == 0 {
		t.Errorf("a search that ends at a limit: %v, %+v", err, cost)
	}
}
