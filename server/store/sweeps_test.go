package store

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/engine"
)

// TestSweeps applies random transactions with deletes by filter to a store and
// to another that remembers no sweeps. They must decide the same.
func TestSweeps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var stores [2]*Store
		text := testSchema
		for i := range stores {
			stores[i] = openAt(t, Config{InMemory: true, CacheBytes: -1, memTable: smallMemTable}, nil)
			apply(t, stores[i], &Transaction{Schema: &text})
		}
		filters := []Filter{
			{ResourceType: "document"},
			{ResourceType: "document", Relation: "viewer"},
			{Subject: &SubjectFilter{Type: "user"}},
			{Subject: &SubjectFilter{Type: "user", ID: "a"}},
			{ResourceType: "document", ResourceID: "a", Relation: "viewer", Subject: &SubjectFilter{Type: "user"}},
			{},
		}
		now := testTime
		for range rapid.IntRange(1, 25).Draw(rt, "transactions") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(rt, "seconds")) * time.Second)
			tx := &Transaction{Time: now}
			for _, r := range rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) engine.Relationship { return drawRelationship(rt, now) }),
				0, 6, engine.Relationship.Key).Draw(rt, "relationships") {
				tx.Updates = append(tx.Updates, Update{rapid.SampledFrom([]Op{Touch, Touch, Delete}).Draw(rt, "op"), r})
			}
			for range rapid.IntRange(0, 2).Draw(rt, "deletes") {
				tx.Deletes = append(tx.Deletes, FilterDelete{
					Filter: rapid.SampledFrom(filters).Draw(rt, "filter"), Limit: rapid.IntRange(0, 3).Draw(rt, "limit"), Partial: rapid.Bool().Draw(rt, "partial"),
				})
			}
			if rapid.IntRange(0, 3).Draw(rt, "precondition") == 0 {
				tx.Preconditions = []Precondition{{rapid.SampledFrom(filters).Draw(rt, "filter"), rapid.Bool().Draw(rt, "must")}}
			}
			stores[1].sweeps = nil
			var outcomes [2]*Outcome
			var errs [2]error
			for i, s := range stores {
				outcomes[i], errs[i] = s.Apply(s.Head()+1, tx)
			}
			if !reflect.DeepEqual(outcomes[0], outcomes[1]) || fmt.Sprint(errs[0]) != fmt.Sprint(errs[1]) ||
				stores[0].Stats().Hash != stores[1].Stats().Hash {
				rt.Fatalf("with sweeps %+v, %v; without %+v, %v", outcomes[0], errs[0], outcomes[1], errs[1])
			}
		}
		for _, s := range stores {
			shut(t, s)
		}
	})
}

// TestSweepsGoOn deletes in pages: each page begins where the one before ended.
func TestSweepsGoOn(t *testing.T) {
	s := openAt(t, Config{InMemory: true, CacheBytes: -1, memTable: smallMemTable}, nil)
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	const n, page = 100, 10
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("document:d%03d#viewer@user:anne", i))
	}
	apply(t, s, &Transaction{Updates: updates(t, Create, all...)})
	f := Filter{ResourceType: "document", Subject: &SubjectFilter{Type: "user"}}
	for at := page; at <= n; at += page {
		o := apply(t, s, &Transaction{Deletes: []FilterDelete{{Filter: f, Limit: page, Partial: true}}})
		next := s.sweeps.from(&f)
		if o.Deleted != page || o.More != (at < n) || (next != nil) != o.More {
			t.Fatalf("%d: %+v, next %q", at, o, next)
		}
		if o.More {
			if want := parse(t, all[at]); !slices.Equal(next, forwardKey(nil, &want)) {
				t.Errorf("the next page begins at %q", next)
			}
		}
	}
}

// BenchmarkSweep deletes 100,000 relationships in pages of 1,000.
func BenchmarkSweep(b *testing.B) {
	const n, page = 100_000, 1000
	for b.Loop() {
		b.StopTimer()
		s := open(b, Config{InMemory: true, CacheBytes: -1})
		text := testSchema
		apply(b, s, &Transaction{Schema: &text})
		var all []Update
		for i := range n {
			r := engine.Relationship{Resource: engine.Object{Type: "document", ID: fmt.Sprintf("d%06d", i)}, Relation: "viewer"}
			r.Subject = engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}}
			all = append(all, Update{Touch, r})
		}
		for part := range slices.Chunk(all, 10_000) {
			apply(b, s, &Transaction{Updates: part})
		}
		d := []FilterDelete{{Filter: Filter{ResourceType: "document"}, Limit: page, Partial: true}}
		b.StartTimer()
		for apply(b, s, &Transaction{Deletes: d}).More {
		}
		b.StopTimer()
		shut(b, s)
		b.StartTimer()
	}
}
