package engine_test

import (
	"context"
	"slices"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
)

// The worlds that benchmarks run on are what they claim to be.
func TestCompanies(t *testing.T) {
	e := portal(t)
	rels := slices.Collect(enginetest.Companies(2))
	seen := map[engine.Relationship]bool{}
	for _, r := range rels {
		if err := engine.Validate(e.Schema, r); err != nil {
			t.Fatal(err)
		}
		if seen[r.Key()] {
			t.Fatalf("%s twice", r)
		}
		seen[r.Key()] = true
	}
	if n := len(rels) / 2; n < enginetest.PerCompany*9/10 || n > enginetest.PerCompany*11/10 {
		t.Errorf("%d relationships a company, about %d are promised", n, enginetest.PerCompany)
	}
	e.Reader = engine.NewMemory(rels...)
	for c := range 2 {
		for _, q := range enginetest.Probes(c) {
			a, err := e.Check(context.Background(), q.Resource, q.Relation, q.Subject)
			if err != nil || a.State != q.Want {
				t.Errorf("company %d, %s: %v %v, want %v", c, q.Name, a.State, err, q.Want)
			}
		}
	}
}
